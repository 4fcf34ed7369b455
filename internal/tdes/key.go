// Package tdes is the fence around single and triple DES, which terminal and
// network protocols of cards still prescribe: keys, blocks, check values,
// message authentication codes and enciphered tracks. It refuses to know where
// a key is kept, whose it is and what may be done with it: that is package
// keys. Nothing outside a card protocol may be protected with it.
package tdes

import (
	"crypto/cipher"
	"crypto/des" //nolint:gosec // prescribed by the terminal and network protocols; see the package comment
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/bits"
)

// BlockSize is the length of a DES block in bytes.
const BlockSize = des.BlockSize

// ErrKey says that bytes cannot serve as a key, or that a Key is zero or wiped.
var ErrKey = errors.New("tdes: not a usable key")

// ErrSecret is what every marshaller of a Key returns.
var ErrSecret = errors.New("tdes: a key does not serialise")

// Key is a single (8 bytes), double (16) or triple-length (24) DES key. It
// prints as "[key]" under every verb and refuses to marshal. Copies share the
// same bytes, so that one Wipe ends them all. The zero Key enciphers nothing.
// Any number of goroutines may use a Key, but none beside a Wipe.
//
// A function hands out its bytes, because fmt calls no methods on unexported
// fields of other structs and follows pointers, but prints a function as an address.
type Key struct{ open func() *material }

type material struct {
	raw   []byte
	whole cipher.Block // DES, or triple DES for the longer keys
	first cipher.Block // DES under the first eight bytes
}

// NewKey copies b, of 8, 16 or 24 bytes. Parity bits are taken as they come:
// DES ignores them, and a check value over the key does too.
func NewKey(b []byte) (Key, error) {
	full := make([]byte, 0, 24)
	switch len(b) {
	case 8, 24:
		full = append(full, b...)
	case 16:
		full = append(append(full, b...), b[:8]...)
	default:
		return Key{}, fmt.Errorf("%w: %d bytes, want 8, 16 or 24", ErrKey, len(b))
	}
	defer clear(full)
	first, err := des.NewCipher(full[:8]) //nolint:gosec // see the import
	if err != nil {
		return Key{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	whole := first
	if len(b) > 8 {
		if whole, err = des.NewTripleDESCipher(full); err != nil { //nolint:gosec // see the import
			return Key{}, fmt.Errorf("%w: %w", ErrKey, err)
		}
	}
	m := &material{raw: append([]byte(nil), b...), whole: whole, first: first}
	return Key{func() *material { return m }}, nil
}

// Generate draws a key of size bytes (8, 16 or 24) from rand and sets odd
// parity. A source so poor that two parts of the key are equal is refused.
func Generate(size int, rand io.Reader) (Key, error) {
	if size != 8 && size != 16 && size != 24 {
		return Key{}, fmt.Errorf("%w: %d bytes, want 8, 16 or 24", ErrKey, size)
	}
	b := make([]byte, size)
	defer clear(b)
	if _, err := io.ReadFull(rand, b); err != nil {
		return Key{}, fmt.Errorf("draw a key: %w", err)
	}
	SetOddParity(b)
	k, err := NewKey(b)
	if err == nil && (k.Degenerate() || k.Weak()) {
		k.Wipe()
		return Key{}, fmt.Errorf("%w: the random source repeats itself", ErrKey)
	}
	return k, err
}

// SetOddParity sets the lowest bit of every byte so that its ones are odd, as key
// loaders and some modules want them. It changes nothing that the key computes.
func SetOddParity(b []byte) {
	for i := range b {
		b[i] ^= byte(bits.OnesCount8(b[i])+1) & 1 //nolint:gosec // 0 to 9
	}
}

// Size is the length in bytes; 0 for the zero or a wiped Key.
func (k Key) Size() int {
	if k.IsZero() {
		return 0
	}
	return len(k.open().raw)
}

// IsZero reports whether there is no key, or no longer one.
func (k Key) IsZero() bool { return k.open == nil || k.open().raw == nil }

// Degenerate reports whether two neighbouring eight-byte parts are equal but for
// parity, which reduces triple DES to single DES. A single-length key never is.
func (k Key) Degenerate() bool {
	for i := 8; i < k.Size(); i += 8 {
		var differ byte
		for j, raw := 0, k.open().raw; j < 8; j++ {
			differ |= (raw[i-8+j] ^ raw[i+j]) &^ 1
		}
		if differ == 0 {
			return true
		}
	}
	return false
}

// weak holds the weak and semi-weak keys of DES (NIST SP 800-67, 3.3.2), with odd
// parity: enciphering twice, or with one and then the other, gives the text back.
var weak = [...]uint64{
	0x0101010101010101, 0xFEFEFEFEFEFEFEFE, 0xE0E0E0E0F1F1F1F1, 0x1F1F1F1F0E0E0E0E,
	0x011F011F010E010E, 0x1F011F010E010E01, 0x01E001E001F101F1, 0xE001E001F101F101, 0x01FE01FE01FE01FE, 0xFE01FE01FE01FE01,
	0x1FE01FE00EF10EF1, 0xE01FE01FF10EF10E, 0x1FFE1FFE0EFE0EFE, 0xFE1FFE1FFE0EFE0E, 0xE0FEE0FEF1FEF1FE, 0xFEE0FEE0FEF1FEF1,
}

// Weak reports whether an eight-byte part, parity aside, is one of the weak or
// semi-weak keys of DES. The zero Key is not.
func (k Key) Weak() bool {
	const parity = 0x0101010101010101
	found := false
	for i := 0; i+8 <= k.Size(); i += 8 {
		part := binary.BigEndian.Uint64(k.open().raw[i:]) &^ parity
		for _, w := range weak {
			found = found || part == w&^parity
		}
	}
	return found
}

// Equal compares in constant time, parity bits included. Zero keys equal nothing.
func (k Key) Equal(other Key) bool {
	return !k.IsZero() && !other.IsZero() && subtle.ConstantTimeCompare(k.open().raw, other.open().raw) == 1
}

// Reveal returns a copy of the clear key for wrapping it; the caller wipes it.
func (k Key) Reveal() []byte {
	if k.IsZero() {
		return nil
	}
	return append([]byte(nil), k.open().raw...)
}

// Wipe overwrites the key and drops its schedule; every copy becomes zero.
func (k Key) Wipe() {
	if k.open != nil {
		clear(k.open().raw)
		*k.open() = material{}
	}
}

const hidden = "[key]"

// String hides the key.
func (k Key) String() string { return hidden }

// Format hides the key for every verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// LogValue hides the key in structured logs.
func (k Key) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText refuses, and with it JSON and XML.
func (k Key) MarshalText() ([]byte, error) { return nil, ErrSecret }

// MarshalBinary refuses, and with it gob.
func (k Key) MarshalBinary() ([]byte, error) { return nil, ErrSecret }
