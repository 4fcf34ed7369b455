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

// algorithms holds every way to authenticate; each gets at least one byte, and
// pads with zero bytes to whole blocks (ISO/IEC 9797-1 padding method 1).
var algorithms = map[string]func(*material, []byte) []byte{
	UnionPayECB: (*material).unionPayECB,
	X99:         (*material).x99,
	X919:        (*material).x919,
	PSPFold:     (*material).pspFold,
}

// MAC returns the eight bytes that the MAC field carries for data. Where the
// algorithm speaks of DES, a longer key puts triple DES in its place; X9.19
// under a single-length key is X9.9. Empty data is refused.
func MAC(algorithm string, k Key, data []byte) ([]byte, error) {
	mac, ok := algorithms[algorithm]
	switch {
	case !ok:
		return nil, fmt.Errorf("%w: %q", ErrAlgorithm, algorithm)
	case k.IsZero():
		return nil, ErrKey
	case len(data) == 0:
		return nil, fmt.Errorf("%w: empty message", ErrAlgorithm)
	}
	return mac(k.open(), data), nil
}

// VerifyMAC compares in constant time and returns ErrMAC for any other code,
// whatever its length.
func VerifyMAC(algorithm string, k Key, data, mac []byte) error {
	want, err := MAC(algorithm, k, data)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(want, mac) != 1 {
		return ErrMAC
	}
	return nil
}

func (m *material) unionPayECB(data []byte) []byte {
	text := upperHex(fold(data))
	block := [BlockSize]byte(text[:BlockSize])
	m.whole.Encrypt(block[:], block[:])
	subtle.XORBytes(block[:], block[:], text[BlockSize:])
	m.whole.Encrypt(block[:], block[:])
	text = upperHex(block)
	return append([]byte(nil), text[:BlockSize]...)
}

func (m *material) x99(data []byte) []byte { return chain(m.whole, m.whole, data) }

// x919 chains under the first part of the key alone; the whole key, as
// encipher–decipher–encipher, closes the last block.
func (m *material) x919(data []byte) []byte { return chain(m.first, m.whole, data) }

func (m *material) pspFold(data []byte) []byte { return encipher(m.whole, fold(data)) }

// chain is CBC from a zero vector: every block under c but the last, which is under last.
func chain(c, last cipher.Block, data []byte) []byte {
	block := make([]byte, BlockSize)
	for len(data) > BlockSize {
		subtle.XORBytes(block, block, data[:BlockSize])
		c.Encrypt(block, block)
		data = data[BlockSize:]
	}
	subtle.XORBytes(block, block, data)
	last.Encrypt(block, block)
	return block
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
