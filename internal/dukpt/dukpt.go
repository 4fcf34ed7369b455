// Package dukpt derives keys that serve one transaction each, as card readers
// with a key serial number use them: ANSI X9.24-1 with triple DES, and X9.24-3
// with AES-128. It refuses to know where a base key is
// kept and what a message means. Keys go in and out as clear bytes: the caller
// wipes them.
package dukpt

import (
	"crypto/cipher"
	"crypto/des" //nolint:gosec // ANSI X9.24-1 prescribes it; readers in the field know nothing else
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// ErrKey says that bytes have not a key's length.
var ErrKey = errors.New("dukpt: not a key of 16 bytes")

// ErrKSN says that bytes are no key serial number that a reader sends.
var ErrKSN = errors.New("dukpt: not a key serial number")

const (
	counterBits = 21
	counterMask = 1<<counterBits - 1
	counterOnes = 10 // X9.24-1: a reader skips counters with more ones, for want of key registers
)

// KSN is a key serial number: who made the base key, which reader, and in the
// last 21 bits how many transactions it has made. It is no secret. The zero KSN
// belongs to no reader.
type KSN [10]byte

// ParseKSN takes ten bytes. A counter of zero, or with more than ten one bits,
// comes from no reader.
func ParseKSN(b []byte) (KSN, error) {
	if len(b) != len(KSN{}) {
		return KSN{}, fmt.Errorf("%w: %d bytes, want 10", ErrKSN, len(b))
	}
	k := KSN(b)
	if k.Counter() == 0 || bits.OnesCount32(k.Counter()) > counterOnes {
		return KSN{}, fmt.Errorf("%w: counter %06X", ErrKSN, k.Counter())
	}
	return k, nil
}

// Counter is the number of the transaction, from 1 on; it must grow from one to the next.
func (k KSN) Counter() uint32 { return binary.BigEndian.Uint32(k[6:]) & counterMask }

// String is the serial number in hexadecimal.
func (k KSN) String() string { return fmt.Sprintf("%X", k[:]) }

// InitialKey derives the key to load into the reader of ksn from a double-length
// base derivation key (X9.24-1, A.6). The counter does not matter.
func InitialKey(bdk []byte, ksn KSN) ([]byte, error) {
	if len(bdk) != 16 {
		return nil, ErrKey
	}
	var reader [8]byte // the leading eight bytes, counter bits zero
	copy(reader[:], ksn[:])
	reader[7] &^= 0x1f
	key := make([]byte, 16)
	triple(bdk).Encrypt(key[:8], reader[:])
	variant := vary(bdk, halfMask)
	defer clear(variant)
	triple(variant).Encrypt(key[8:], reader[:])
	return key, nil
}

// halfMask makes the second key of each derivation step.
const halfMask = 0xC0C0C0C000000000

// vary XORs mask into both halves of key.
func vary(key []byte, mask uint64) []byte {
	out := binary.BigEndian.AppendUint64(nil, mask)
	out = binary.BigEndian.AppendUint64(out, mask)
	subtle.XORBytes(out, out, key)
	return out
}

// triple makes a cipher of a double-length key.
func triple(key []byte) cipher.Block {
	full := append(append(make([]byte, 0, 24), key...), key[:8]...)
	defer clear(full)
	c, err := des.NewTripleDESCipher(full) //nolint:gosec // see the import
	if err != nil {
		panic(err) // every caller has checked the length
	}
	return c
}

// single makes a cipher of eight bytes.
func single(key []byte) cipher.Block {
	c, err := des.NewCipher(key) //nolint:gosec // see the import
	if err != nil {
		panic(err) // every caller has cut eight bytes
	}
	return c
}
