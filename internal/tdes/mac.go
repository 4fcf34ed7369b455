package tdes

import (
	"crypto/cipher"
	"crypto/subtle"
	"errors"
	"fmt"
)

// The names by which a host profile chooses how messages are authenticated.
const (
	// UnionPayECB folds the message by XOR, and enciphers the fold's hexadecimal
	// text in two steps; the field carries eight hexadecimal characters.
	UnionPayECB = "unionpay-ecb"
	// X99 is ANSI X9.9, a CBC-MAC (ISO/IEC 9797-1 algorithm 1), all eight bytes of it.
	X99 = "x9.9"
	// X919 is ANSI X9.19, the retail MAC (ISO/IEC 9797-1 algorithm 3).
	X919 = "x9.19"
	// PSPFold folds the message by XOR to one block and takes that block's X9.19.
	PSPFold = "psp-fold-x9.19"
)

var (
	// ErrMAC says that a message authentication code does not belong to the message under the key.
	ErrMAC = errors.New("tdes: wrong message authentication code")
	// ErrAlgorithm says that a MAC algorithm has an unknown name, or a message nothing to authenticate.
	ErrAlgorithm = errors.New("tdes: no such message authentication")
)

// Engine computes with a key that need not be at hand: a Key, or one in a
// hardware security module. Data is whole blocks, at least one.
type Engine interface {
	// Encrypt enciphers each block by itself (ECB).
	Encrypt(blocks []byte) ([]byte, error)
	// Chain is the last block of CBC from a zero vector.
	Chain(data []byte) ([]byte, error)
	// ChainFirst is Chain under the key's first eight bytes alone, single DES.
	ChainFirst(data []byte) ([]byte, error)
}

// algorithms holds every way to authenticate; each gets at least one byte, and
// pads with zero bytes to whole blocks (ISO/IEC 9797-1 padding method 1).
var algorithms = map[string]func(Engine, []byte) ([]byte, error){
	UnionPayECB: unionPayECB,
	X99:         func(e Engine, data []byte) ([]byte, error) { return e.Chain(padded(data)) },
	X919:        x919,
	PSPFold: func(e Engine, data []byte) ([]byte, error) {
		sum := fold(data)
		return e.Encrypt(sum[:])
	},
}

// MAC returns the eight bytes that the MAC field carries for data. Where the
// algorithm speaks of DES, a longer key puts triple DES in its place; X9.19
// under a single-length key is X9.9. Empty data is refused.
func MAC(algorithm string, k Key, data []byte) ([]byte, error) { return MACBy(algorithm, k, data) }

// MACBy is MAC under a key that need not be at hand.
func MACBy(algorithm string, e Engine, data []byte) ([]byte, error) {
	mac, ok := algorithms[algorithm]
	switch {
	case !ok:
		return nil, fmt.Errorf("%w: %q", ErrAlgorithm, algorithm)
	case len(data) == 0:
		return nil, fmt.Errorf("%w: empty message", ErrAlgorithm)
	}
	return mac(e, data)
}

// VerifyMAC compares in constant time and returns ErrMAC for any other code,
// whatever its length.
func VerifyMAC(algorithm string, k Key, data, mac []byte) error {
	return VerifyMACBy(algorithm, k, data, mac)
}

// VerifyMACBy is VerifyMAC under a key that need not be at hand.
func VerifyMACBy(algorithm string, e Engine, data, mac []byte) error {
	want, err := MACBy(algorithm, e, data)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(want, mac) != 1 {
		return ErrMAC
	}
	return nil
}

func unionPayECB(e Engine, data []byte) ([]byte, error) {
	text := upperHex(fold(data))
	block, err := e.Encrypt(text[:BlockSize])
	if err != nil {
		return nil, err
	}
	subtle.XORBytes(block, block, text[BlockSize:])
	if block, err = e.Encrypt(block); err != nil {
		return nil, err
	}
	text = upperHex([BlockSize]byte(block))
	copy(block, text[:BlockSize])
	return block, nil
}

// x919 chains under the first part of the key alone; the whole key, as
// encipher–decipher–encipher, closes the last block.
func x919(e Engine, data []byte) ([]byte, error) {
	data = padded(data)
	last := data[len(data)-BlockSize:]
	if before := data[:len(data)-BlockSize]; len(before) > 0 {
		sum, err := e.ChainFirst(before)
		if err != nil {
			return nil, err
		}
		subtle.XORBytes(sum, sum, last)
		last = sum
	}
	return e.Encrypt(last)
}

// Chain is the last block of CBC from a zero vector under the whole key; data is whole blocks.
func (k Key) Chain(data []byte) ([]byte, error) {
	if k.IsZero() {
		return nil, ErrKey
	}
	return chain(k.open().whole, data)
}

// ChainFirst is Chain under the key's first eight bytes alone.
func (k Key) ChainFirst(data []byte) ([]byte, error) {
	if k.IsZero() {
		return nil, ErrKey
	}
	return chain(k.open().first, data)
}

func chain(c cipher.Block, data []byte) ([]byte, error) {
	if len(data) == 0 || len(data)%BlockSize != 0 {
		return nil, fmt.Errorf("%w: %d bytes", ErrBlocks, len(data))
	}
	block := make([]byte, BlockSize)
	for ; len(data) > 0; data = data[BlockSize:] {
		subtle.XORBytes(block, block, data[:BlockSize])
		c.Encrypt(block, block)
	}
	return block, nil
}

// padded is data itself when it is whole blocks.
func padded(data []byte) []byte {
	if over := len(data) % BlockSize; over != 0 {
		return append(data[:len(data):len(data)], make([]byte, BlockSize-over)...)
	}
	return data
}

// fold is the XOR of all blocks, the last one zero-padded.
func fold(data []byte) (sum [BlockSize]byte) {
	for len(data) > 0 {
		n := subtle.XORBytes(sum[:], sum[:], data)
		data = data[n:]
	}
	return sum
}

func upperHex(b [BlockSize]byte) (text [2 * BlockSize]byte) {
	const digits = "0123456789ABCDEF"
	for i, c := range b {
		text[2*i], text[2*i+1] = digits[c>>4], digits[c&15]
	}
	return text
}
