// Package tr31 reads and builds key blocks as ANSI X9.143 (formerly TR-31)
// defines them: a key with what it may be used for, enciphered and authenticated
// under a key block protection key (KBPK). Versions B (triple DES) and D (AES)
// are read and built; the deprecated A and C are read, because some partners
// still send them. It refuses to know where a KBPK is kept and what a usage means
// to us: that is package keys. Clear keys go in and out as bytes: the caller wipes them.
package tr31

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

var (
	// ErrMAC says that a block was changed, or is under another KBPK.
	ErrMAC = errors.New("tr31: the key block is not authentic under this KBPK")
	// ErrKBPK says that a KBPK is not of a length that the version takes, or must not leave its keystore for it.
	ErrKBPK = errors.New("tr31: not a usable KBPK")
	// ErrVersion says that blocks of a version are read but not built.
	ErrVersion = errors.New("tr31: blocks are built in versions B and D only")
	// ErrKey says that a key cannot go into a block: its length, or a KBPK weaker than it.
	ErrKey = errors.New("tr31: the key does not fit")
)

// FormatError says where a block is not as the standard prescribes. Offset counts
// characters from 0. It never holds a part of a key.
type FormatError struct {
	Offset        int
	Expected, Got string
}

// Error is the complaint for the log and the operator.
func (e *FormatError) Error() string {
	return fmt.Sprintf("tr31: character %d: expected %s, got %s", e.Offset, e.Expected, e.Got)
}

// sizes of a version in bytes: its cipher's block, and its authentication code.
type format struct {
	block, mac int
	derived    bool // keys derived by CMAC, the code over the clear key; else variants, the code over the enciphered one
}

var formats = map[byte]format{
	'A': {8, 4, false}, 'B': {8, 8, true}, 'C': {8, 4, false}, 'D': {16, 16, true},
}

// Unwrap verifies and deciphers a key block. The header is trustworthy once the
// error is nil. What is not well formed is a *FormatError, what is not authentic ErrMAC.
func Unwrap(k KBPK, text string) (Header, []byte, error) {
	b, err := parse(text)
	if err != nil {
		return Header{}, nil, err
	}
	enc, auth, err := b.format.keys(k, b.Version)
	if err != nil {
		return Header{}, nil, err
	}
	data := make([]byte, len(b.cipher))
	iv := b.mac
	if !b.format.derived {
		iv = []byte(text[:b.format.block])
	}
	cipher.NewCBCDecrypter(enc, iv).CryptBlocks(data, b.cipher)
	defer clear(data)
	if subtle.ConstantTimeCompare(b.format.authenticate(auth, text[:b.header], data, b.cipher), b.mac) != 1 {
		return Header{}, nil, ErrMAC
	}
	bits := int(data[0])<<8 | int(data[1])
	if bits == 0 || bits%8 != 0 || 2+bits/8 > len(data) {
		return Header{}, nil, &FormatError{b.header, fmt.Sprintf("a key of whole bytes, at most %d", len(data)-2), fmt.Sprintf("%d bits", bits)}
	}
	return b.Header, append([]byte(nil), data[2:2+bits/8]...), nil
}

// longest is how many bytes a key of each algorithm may have: shorter ones are
// padded to it, so that a block does not tell a key's length (X9.143, 5.2).
var longest = map[byte]int{'D': 24, 'T': 24, 'A': 32}

// Wrap builds the block of a key in version B or D; random fills up behind it. A
// header that cannot be written is a *FormatError; ErrKey refuses a key under a
// KBPK that is weaker than itself.
func Wrap(k KBPK, h Header, key []byte, random io.Reader) (string, error) {
	f := formats[h.Version]
	if !f.derived {
		return "", ErrVersion
	}
	switch n := max(longest[h.Algorithm], len(key)); {
	case len(key) == 0 || len(key) > 1024:
		return "", fmt.Errorf("%w: %d bytes", ErrKey, len(key))
	case strength(h.Algorithm, len(key)) > strength(kbpkAlgorithm[h.Version], k.Size()):
		return "", fmt.Errorf("%w: stronger than the KBPK that is to protect it", ErrKey)
	default:
		data := make([]byte, (2+n+f.block-1)/f.block*f.block)
		defer clear(data)
		data[0], data[1] = byte(len(key)*8>>8), byte(len(key)*8) //nolint:gosec // at most 8192
		copy(data[2:], key)
		if _, err := io.ReadFull(random, data[2+len(key):]); err != nil {
			return "", fmt.Errorf("draw filler: %w", err)
		}
		head, err := h.write(f, 2*(len(data)+f.mac))
		if err != nil {
			return "", err
		}
		enc, auth, err := f.keys(k, h.Version)
		if err != nil {
			return "", err
		}
		mac := f.authenticate(auth, head, data, nil)
		cipher.NewCBCEncrypter(enc, mac).CryptBlocks(data, data)
		return head + strings.ToUpper(hex.EncodeToString(data)+hex.EncodeToString(mac)), nil
	}
}

// authenticate is the code over the header and the key data: clear where keys are
// derived, enciphered where they are variants.
func (f format) authenticate(auth cipher.Block, header string, clearData, enciphered []byte) []byte {
	if f.derived {
		text := append([]byte(header), clearData...)
		defer clear(text)
		return cmac(auth, text)
	}
	text := append([]byte(header), enciphered...)
	cipher.NewCBCEncrypter(auth, make([]byte, f.block)).CryptBlocks(text, text) //nolint:gosec // the zero vector is the standard's
	return text[len(text)-f.block:][:f.mac]
}

var kbpkAlgorithm = map[byte]byte{'A': 'T', 'B': 'T', 'C': 'T', 'D': 'A'}

// strength is what a key's length is worth in bits against search (NIST SP 800-57
// part 1, table 2); 0 where it cannot be told.
func strength(algorithm byte, size int) int {
	switch algorithm {
	case 'D', 'T':
		return map[int]int{8: 56, 16: 80, 24: 112}[size]
	case 'A':
		return 8 * size
	}
	return 0
}
