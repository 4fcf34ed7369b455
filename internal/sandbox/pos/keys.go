package pos

import (
	"bytes"
	"errors"
	"fmt"

	"hawker/internal/iso8583"
	"hawker/internal/tdes"
)

// take replaces the working keys by those of a sign-on's F62. It changes
// nothing unless every key's check value verifies.
func (k *secure) take(p *iso8583.Profile, layout iso8583.Layout, f62 []byte) error {
	block, err := p.ParseKeyBlock(layout, f62)
	if err != nil {
		return err
	}
	fresh := secure{TMK: k.TMK, Memory: k.Memory, TPK: block.TPK.Cipher, TAK: block.TAK.Cipher, TDK: block.TDK.Cipher}
	for _, w := range []struct {
		name   string
		cipher []byte
		kcv    []byte
	}{
		{"TPK", fresh.TPK, block.TPK.KCV}, {"TAK", fresh.TAK, block.TAK.KCV}, {"TDK", fresh.TDK, block.TDK.KCV},
	} {
		if len(w.cipher) == 0 {
			continue // a TDK where the layout has none
		}
		key, err := fresh.unwrap(w.cipher)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		check, err := key.Encrypt(make([]byte, tdes.BlockSize)) // the check value is the beginning of this
		if err != nil || !bytes.HasPrefix(check, w.kcv) {
			return fmt.Errorf("the check value of the %s is wrong", w.name)
		}
		if key.Degenerate() {
			return fmt.Errorf("the %s has two equal halves", w.name)
		}
		key.Wipe()
	}
	*k = fresh
	return nil
}

// unwrap deciphers a working key under the TMK.
func (k secure) unwrap(cipher hexBytes) (tdes.Key, error) {
	tmk, err := tdes.NewKey(k.TMK)
	if err != nil {
		return tdes.Key{}, err
	}
	defer tmk.Wipe()
	b, err := tmk.Decrypt(cipher)
	if err != nil {
		return tdes.Key{}, err
	}
	defer clear(b)
	return tdes.NewKey(b)
}

// mac authenticates the covered bytes of a message under the TAK, or the reader's next key.
func (k secure) mac(p *iso8583.Profile, covered []byte) ([]byte, error) {
	if p.Protection.Derived() {
		return k.next(p).mac(covered)
	}
	tak, err := k.unwrap(k.TAK)
	if err != nil {
		return nil, err
	}
	defer tak.Wipe()
	return tdes.MAC(p.MAC.Algorithm, tak, covered)
}

// verify reports whether mac belongs to the covered bytes of an answer to the last message.
func (k secure) verify(p *iso8583.Profile, covered, mac []byte) bool {
	if p.Protection.Derived() {
		return k.last(p).verify(covered, mac)
	}
	tak, err := k.unwrap(k.TAK)
	if err != nil {
		return false
	}
	defer tak.Wipe()
	return tdes.VerifyMAC(p.MAC.Algorithm, tak, covered, mac) == nil
}

// protect enciphers the track of m under the TDK, when the terminal has one, or
// under the reader's next key.
func (k secure) protect(p *iso8583.Profile, m *iso8583.Message) error {
	if p.Protection.Derived() {
		return k.next(p).protect(m)
	}
	if len(k.TDK) == 0 || !m.Has(35) {
		return nil
	}
	tdk, err := k.unwrap(k.TDK)
	if err != nil {
		return err
	}
	defer tdk.Wipe()
	track, err := tdes.EncryptTrack(tdk, m.Text(35))
	if err != nil {
		return errors.New("encipher the track: it is too odd")
	}
	m.Wipe(35)
	m.Set(35, track).Set(53, security(m.Has(52), true))
	return nil
}
