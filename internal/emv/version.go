package emv

import (
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
)

// Version is a cryptogram version number: which objects a card's cryptograms
// cover, under which key, and how the issuer answers. The zero Version is none.
type Version byte

// The versions that Hawker's simulators speak; an issuer tells its cards which to use.
const (
	CVN10 Version = 10 // the card's own key, zero padding, ARPC method 1
	CVN18 Version = 18 // the common session key, EMV padding, ARPC method 2
)

// VersionOf reads the version out of the issuer data (9F10: length, key index,
// version, four bytes of results). A version that this package cannot compute is ErrCryptogram.
func VersionOf(t TLV) (Version, error) {
	data, _ := t.Get(IssuerData)
	if len(data) < 7 || int(data[0]) < 6 || int(data[0]) >= len(data) {
		return 0, fmt.Errorf("%w: tag %s is missing or cut short", ErrCryptogram, IssuerData)
	}
	if v := Version(data[2]); v == CVN10 || v == CVN18 {
		return v, nil
	}
	return 0, fmt.Errorf("%w: cryptogram version %d", ErrCryptogram, data[2])
}

// Data collects what a cryptogram of the version covers: the objects of version
// 10 and, for 10, the results in the issuer data, for 18, all of it.
func (v Version) Data(t TLV) ([]byte, error) {
	found, err := VersionOf(t)
	if err != nil {
		return nil, err
	}
	if found != v {
		return nil, fmt.Errorf("%w: tag %s is of version %d, not %d", ErrCryptogram, IssuerData, found, v)
	}
	data, err := covered(t)
	if err != nil {
		return nil, err
	}
	issuer, _ := t.Get(IssuerData)
	if v == CVN10 {
		return append(data, issuer[3:7]...), nil
	}
	return append(data, issuer...), nil
}

// Cryptogram computes what 9F26 must be: ARQC, TC or AAC alike, eight bytes, over
// t's objects. master is the card's own key (MasterKey).
func (v Version) Cryptogram(master []byte, t TLV) ([]byte, error) {
	data, err := v.Data(t)
	if err != nil {
		return nil, err
	}
	key, err := v.key(master, t)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	if v == CVN18 {
		data = pad80(data)
	}
	return ARQC(key, data)
}

// Verify compares in constant time whether the card of this key made t's 9F26.
func (v Version) Verify(master []byte, t TLV) (bool, error) {
	want, err := v.Cryptogram(master, t)
	if err != nil {
		return false, err
	}
	got, _ := t.Get(Cryptogram)
	return subtle.ConstantTimeCompare(want, got) == 1, nil
}

// issuerApproves is the bit of a card status update by which the issuer approves (EMV Book 3, C10).
var issuerApproves = [4]byte{0, 0x80, 0, 0}

// Answer is the issuer's tag 91 to the request t: for version 10 the ARPC and the
// two-character response code, for 18 four bytes of MAC and the card status
// update, which says no more than whether the issuer approves.
func (v Version) Answer(master []byte, t TLV, code string, approves bool) ([]byte, error) {
	key, err := v.key(master, t)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	arqc, _ := t.Get(Cryptogram)
	if v == CVN10 {
		arpc, err := ARPC(key, arqc, code)
		return append(arpc, code...), err
	}
	status := make([]byte, len(issuerApproves))
	if approves {
		copy(status, issuerApproves[:])
	}
	arpc, err := ARPC2(key, arqc, status)
	return append(arpc, status...), err
}

// Answered is the card's side of Answer: whether auth is the issuer's tag 91 to
// the request t, and whether the issuer approves it. approving tells which
// response codes are a yes.
func (v Version) Answered(master []byte, t TLV, auth []byte, approving func(code string) bool) (genuine, approves bool, err error) {
	code := ""
	if v == CVN10 {
		if len(auth) != 10 {
			return false, false, nil
		}
		code = string(auth[8:])
		approves = approving(code)
	} else {
		if len(auth) != 8 {
			return false, false, nil
		}
		approves = auth[5]&issuerApproves[1] != 0
	}
	want, err := v.Answer(master, t, code, approves)
	if err != nil {
		return false, false, err
	}
	return subtle.ConstantTimeCompare(want, auth) == 1, approves, nil
}

// key is what the version computes under for t's transaction counter; the caller wipes it.
func (v Version) key(master []byte, t TLV) ([]byte, error) {
	counter, _ := t.Get(TransactionCounter)
	switch {
	case len(master) != 16 || len(counter) != 2:
		return nil, fmt.Errorf("%w: key of 16 bytes or tag %s", ErrCryptogram, TransactionCounter)
	case v == CVN10:
		return slices.Clone(master), nil
	case v == CVN18:
		return SessionKey(master, append(slices.Clone(counter), make([]byte, 6)...))
	}
	return nil, fmt.Errorf("%w: cryptogram version %d", ErrCryptogram, v)
}

// SessionKey is the common session key of a card's key (EMV Book 2, A1.3.1): 16
// bytes with odd parity. diversifier has eight bytes: the transaction counter and zeros for a
// cryptogram, the request cryptogram for secure messaging. The caller wipes it.
func SessionKey(master, diversifier []byte) ([]byte, error) {
	if len(master) != 16 || len(diversifier) != 8 {
		return nil, fmt.Errorf("%w: key of 16 bytes or diversifier of 8", ErrCryptogram)
	}
	key := append(slices.Clone(diversifier), diversifier...)
	key[2], key[10] = 0xF0, 0x0F
	c := triple(master)
	c.Encrypt(key[:8], key[:8])
	c.Encrypt(key[8:], key[8:])
	oddParity(key)
	return key, nil
}

// oddParity sets every byte's lowest bit, as DES keys are written.
func oddParity(key []byte) {
	for i := range key {
		key[i] ^= byte(bits.OnesCount8(key[i])+1) & 1 //nolint:gosec // 0 to 9
	}
}

// ARPC2 is the issuer's answer by method 2 (EMV Book 2, 8.2.2): the first four
// bytes of the MAC over the request cryptogram and the card status update of four
// bytes, under the session key.
func ARPC2(key, arqc, status []byte) ([]byte, error) {
	if len(arqc) != 8 || len(status) != 4 {
		return nil, fmt.Errorf("%w: cryptogram of 8 or status of 4", ErrCryptogram)
	}
	mac, err := ARQC(key, pad80(append(slices.Clone(arqc), status...)))
	if err != nil {
		return nil, err
	}
	return mac[:4], nil
}

// pad80 is EMV's padding: one byte 80, and zeros to a whole block (ISO/IEC 9797-1 method 2).
func pad80(data []byte) []byte {
	data = append(slices.Clone(data), 0x80)
	return append(data, make([]byte, (8-len(data)%8)%8)...)
}

// CounterOf reads the transaction counter (9F36), 0 to 65535; ok is false when it is missing or not of two bytes.
func CounterOf(t TLV) (counter int, ok bool) {
	b, _ := t.Get(TransactionCounter)
	if len(b) != 2 {
		return 0, false
	}
	return int(binary.BigEndian.Uint16(b)), true
}
