package dukpt

import (
	"crypto/aes"
	"fmt"
)

// AESInitialKey derives a reader's initial key of 16 bytes from an AES-128 base
// derivation key and the eight-byte identifier of that initial key (X9.24-3, 6.3).
func AESInitialKey(bdk, id []byte) ([]byte, error) {
	if len(bdk) != 16 {
		return nil, ErrKey
	}
	if len(id) != 8 {
		return nil, fmt.Errorf("%w: an initial key id has 8 bytes, got %d", ErrKSN, len(id))
	}
	c, err := aes.NewCipher(bdk)
	if err != nil {
		return nil, ErrKey
	}
	key := append([]byte{
		0x01,       // version of this derivation data
		0x01,       // first and only block of the key
		0x80, 0x01, // usage: initial key
		0x00, 0x02, // of algorithm AES-128
		0x00, 0x80, // of 128 bits
	}, id...)
	c.Encrypt(key, key)
	return key, nil
}
