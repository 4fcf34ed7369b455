package dukpt

import (
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"io"
)

// AESSession is the key of one transaction of a reader with AES-128 keys. It
// prints as Session does. The zero AESSession has no key, and every method answers ErrKey.
type AESSession struct {
	cell func() *[]byte
	tail [8]byte // of the derivation data: reader and counter
}

// NewAESSession derives the transaction key of ksn from the reader's initial key
// of 16 bytes (X9.24-3, 6.3): one step for each one bit of the counter, highest first.
func NewAESSession(initial []byte, ksn AESKSN) (AESSession, error) {
	if len(initial) != aesKeySize {
		return AESSession{}, ErrKey
	}
	if _, err := ParseAESKSN(ksn[:]); err != nil {
		return AESSession{}, err
	}
	key := append([]byte(nil), initial...)
	tail := [8]byte(ksn[4:])
	register := uint32(0)
	for bit := uint32(1) << 31; bit > 0; bit >>= 1 {
		if ksn.Counter()&bit != 0 {
			register |= bit
			binary.BigEndian.PutUint32(tail[4:], register)
			former := key
			key = derive(key, usageStep, tail)
			clear(former)
		}
	}
	return AESSession{func() *[]byte { return &key }, tail}, nil
}

// with runs do under the key of one usage.
func (s AESSession) with(usage uint16, do func(key []byte)) error {
	if s.key() == nil {
		return ErrKey
	}
	key := derive(s.key(), usage, s.tail)
	defer clear(key)
	do(key)
	return nil
}

// EncryptPIN enciphers a PIN field of 16 bytes with the card's account field, as
// the reader does (ISO 9564-1 format 4): the PIN field, then the sum of the two.
func (s AESSession) EncryptPIN(pinField, accountField []byte) (out []byte, err error) {
	if err := aesFields(pinField, accountField); err != nil {
		return nil, err
	}
	err = s.with(usagePIN, func(key []byte) { out = EncryptFormat4(key, pinField, accountField) })
	return out, err
}

// DecryptPIN gives the clear PIN field back; the caller wipes it.
func (s AESSession) DecryptPIN(sealed, accountField []byte) (out []byte, err error) {
	if err := aesFields(sealed, accountField); err != nil {
		return nil, err
	}
	err = s.with(usagePIN, func(key []byte) {
		c := block(key)
		out = make([]byte, aesKeySize)
		c.Decrypt(out, sealed)
		subtle.XORBytes(out, out, accountField)
		c.Decrypt(out, out)
	})
	return out, err
}

// EncryptFormat4 enciphers a PIN field under an AES-128 PIN key (ISO 9564-1, 9.4.2):
// all three have 16 bytes, or it panics.
func EncryptFormat4(key, pinField, accountField []byte) []byte {
	c, out := block(key), make([]byte, aesKeySize)
	c.Encrypt(out, pinField)
	subtle.XORBytes(out, out, accountField)
	c.Encrypt(out, out)
	return out
}

func aesFields(a, b []byte) error {
	if len(a) != aesKeySize || len(b) != aesKeySize {
		return fmt.Errorf("%w: format 4 has fields of 16 bytes, got %d and %d", ErrBlock, len(a), len(b))
	}
	return nil
}

// RequestMAC is the CMAC of what the reader sends, its first eight bytes.
func (s AESSession) RequestMAC(data []byte) ([]byte, error) { return s.mac(data, usageRequestMAC) }

// ResponseMAC is the same for what the host answers, under a key of its own.
func (s AESSession) ResponseMAC(data []byte) ([]byte, error) { return s.mac(data, usageResponseMAC) }

func (s AESSession) mac(data []byte, usage uint16) (mac []byte, err error) {
	err = s.with(usage, func(key []byte) { mac = cmac(key, data)[:macSize] })
	return mac, err
}

// VerifyRequest compares a request's MAC in constant time; any other is ErrMAC.
func (s AESSession) VerifyRequest(data, mac []byte) error { return same(s.RequestMAC, data, mac) }

// VerifyResponse does for the reader what VerifyRequest does for the host.
func (s AESSession) VerifyResponse(data, mac []byte) error { return same(s.ResponseMAC, data, mac) }

// EncryptData enciphers what the reader keeps from others, a track: AES-CBC from a
// zero vector, padded by 80 and zeros. A key of one transaction needs no other vector.
func (s AESSession) EncryptData(data []byte) (out []byte, err error) {
	err = s.with(usageData, func(key []byte) { out = encryptCBC(block(key), data) })
	return out, err
}

// DecryptData undoes EncryptData; the caller wipes what comes. Bytes that are no
// padded blocks are ErrData.
func (s AESSession) DecryptData(sealed []byte) (out []byte, err error) {
	var bad error
	err = s.with(usageData, func(key []byte) { out, bad = decryptCBC(block(key), sealed) })
	if err == nil {
		err = bad
	}
	return out, err
}

// Wipe overwrites the key; every copy of the AESSession becomes zero.
func (s AESSession) Wipe() {
	if s.cell != nil {
		clear(*s.cell())
		*s.cell() = nil
	}
}

func (s AESSession) key() []byte {
	if s.cell == nil {
		return nil
	}
	return *s.cell()
}

// String hides the key.
func (s AESSession) String() string { return "[key]" }

// Format hides the key for every verb.
func (s AESSession) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }
