package dukpt

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// AESInitialKey derives a reader's initial key of 16 bytes from an AES-128 base
// derivation key and the eight-byte identifier of that initial key (X9.24-3, 6.3).
func AESInitialKey(bdk, id []byte) ([]byte, error) {
	if len(bdk) != aesKeySize {
		return nil, ErrKey
	}
	if len(id) != aesReaderSize {
		return nil, fmt.Errorf("%w: an initial key id has 8 bytes, got %d", ErrKSN, len(id))
	}
	return derive(bdk, usageInitialKey, [8]byte(id)), nil
}

const (
	aesKeySize    = 16
	aesReaderSize = 8
	aesOnes       = 16 // X9.24-3: a reader skips counters with more ones
)

// What a derived key is for (X9.24-3, 6.3.2).
const (
	usagePIN         = 0x1000
	usageRequestMAC  = 0x2000 // "generation": by the reader
	usageResponseMAC = 0x2001 // "verification": by the reader
	usageData        = 0x3000 // "encrypt": by the reader
	usageStep        = 0x8000
	usageInitialKey  = 0x8001
)

// derive enciphers the derivation data of an AES-128 key of 16 bytes.
func derive(key []byte, usage uint16, context [8]byte) []byte {
	data := []byte{
		0x01,       // version of this derivation data
		0x01,       // first and only block of the key
		0x00, 0x00, // usage
		0x00, 0x02, // for algorithm AES-128
		0x00, 0x80, // of 128 bits
	}
	binary.BigEndian.PutUint16(data[2:], usage)
	data = append(data, context[:]...)
	block(key).Encrypt(data, data)
	return data
}

// block makes a cipher of a key of 16 bytes.
func block(key []byte) cipher.Block {
	c, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // every caller has checked the length
	}
	return c
}

// AESKSN is the key serial number of X9.24-3: four bytes that name the base key,
// four that name the reader, and a counter of 32 bits. It is no secret. The
// zero AESKSN belongs to no reader.
type AESKSN [12]byte

// ParseAESKSN takes twelve bytes. A counter of zero, or with more than sixteen
// one bits, comes from no reader.
func ParseAESKSN(b []byte) (AESKSN, error) {
	if len(b) != len(AESKSN{}) {
		return AESKSN{}, fmt.Errorf("%w: %d bytes, want 12", ErrKSN, len(b))
	}
	k := AESKSN(b)
	if k.Counter() == 0 || bits.OnesCount32(k.Counter()) > aesOnes {
		return AESKSN{}, fmt.Errorf("%w: counter %08X", ErrKSN, k.Counter())
	}
	return k, nil
}

// Counter is the number of the transaction, from 1 on; it must grow from one to the next.
func (k AESKSN) Counter() uint32 { return binary.BigEndian.Uint32(k[8:]) }

// Reader names base key and reader: the number without its counter.
func (k AESKSN) Reader() string { return fmt.Sprintf("%X", k[:aesReaderSize]) }

// KeySet names the base key.
func (k AESKSN) KeySet() string { return fmt.Sprintf("%X", k[:4]) }

// String is the serial number in hexadecimal.
func (k AESKSN) String() string { return fmt.Sprintf("%X", k[:]) }

// Next is the number of the reader's next transaction: counters with more than
// sixteen ones are left out. ErrKSN when there is none any more.
func (k AESKSN) Next() (AESKSN, error) {
	counter, ok := next(uint64(k.Counter()), aesOnes, 1<<32-1)
	binary.BigEndian.PutUint32(k[8:], uint32(counter)) //nolint:gosec // below 2³²
	if !ok {
		return AESKSN{}, fmt.Errorf("%w: the reader has spent its counter", ErrKSN)
	}
	return k, nil
}

// next is the counter after n, at most last, that has no more ones than given.
func next(n uint64, ones int, last uint64) (uint64, bool) {
	n++
	for bits.OnesCount64(n) > ones {
		n += n & -n // the lowest one moves up: everything between has more
	}
	return n, n <= last
}
