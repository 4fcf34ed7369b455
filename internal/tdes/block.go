package tdes

import (
	"crypto/cipher"
	"errors"
	"fmt"
)

// ErrBlocks says that a text is no whole number of eight-byte blocks.
var ErrBlocks = errors.New("tdes: not whole blocks of 8 bytes")

// Encrypt enciphers each eight-byte block by itself (ECB), as the protocols do
// with keys and PIN blocks. No bytes give no bytes.
func (k Key) Encrypt(blocks []byte) ([]byte, error) {
	if k.IsZero() {
		return nil, ErrKey
	}
	return eachBlock(k.open().whole.Encrypt, blocks)
}

// Decrypt undoes Encrypt. It cannot tell a wrong key from a right one.
func (k Key) Decrypt(blocks []byte) ([]byte, error) {
	if k.IsZero() {
		return nil, ErrKey
	}
	return eachBlock(k.open().whole.Decrypt, blocks)
}

func eachBlock(step func(dst, src []byte), blocks []byte) ([]byte, error) {
	if len(blocks)%BlockSize != 0 {
		return nil, fmt.Errorf("%w: %d bytes", ErrBlocks, len(blocks))
	}
	out := make([]byte, len(blocks))
	for i := 0; i < len(blocks); i += BlockSize {
		step(out[i:i+BlockSize], blocks[i:i+BlockSize])
	}
	return out, nil
}

// KCV is the key check value: the first four bytes of eight zero bytes under
// the key. It is no secret. The zero Key has none: nil.
func (k Key) KCV() []byte {
	if k.IsZero() {
		return nil
	}
	return encipher(k.open().whole, [BlockSize]byte{})[:4:4]
}

// encipher returns one block in a fresh slice.
func encipher(c cipher.Block, block [BlockSize]byte) []byte {
	out := make([]byte, BlockSize)
	c.Encrypt(out, block[:])
	return out
}

// XOR combines the components of a key, which different people hold: two or
// more of one length. No component alone tells anything about the result.
func XOR(components ...[]byte) ([]byte, error) {
	if len(components) < 2 {
		return nil, fmt.Errorf("%w: a key has at least 2 components, got %d", ErrKey, len(components))
	}
	sum := append([]byte(nil), components[0]...)
	for i, c := range components[1:] {
		if len(c) != len(sum) {
			clear(sum)
			return nil, fmt.Errorf("%w: component %d differs in length from the first", ErrKey, i+2)
		}
		for j := range c {
			sum[j] ^= c[j]
		}
	}
	return sum, nil
}
