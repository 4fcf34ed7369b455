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
func (k *secure) take(layout iso8583.Layout, f62 []byte) error {
	block, err := iso8583.ParseKeyBlock(layout, f62)
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
		if !bytes.Equal(key.KCV(), w.kcv) {
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

// mac authenticates the covered bytes of a message under the TAK.
func (k secure) mac(algorithm string, covered []byte) ([]byte, error) {
	tak, err := k.unwrap(k.TAK)
	if err != nil {
		return nil, err
	}
	defer tak.Wipe()
	return tdes.MAC(algorithm, tak, covered)
}

// verify reports whether mac belongs to the covered bytes.
func (k secure) verify(algorithm string, covered, mac []byte) bool {
	tak, err := k.unwrap(k.TAK)
	if err != nil {
		return false
	}
	defer tak.Wipe()
	return tdes.VerifyMAC(algorithm, tak, covered, mac) == nil
}

// protect enciphers the track of m under the TDK, when the terminal has one.
func (k secure) protect(m *iso8583.Message) error {
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
