package keys

import (
	"crypto/aes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"

	"hawker/internal/tdes"
)

// Component is one person's part of a key, checked by its own check value. It
// prints as "[key]". Copies share the same bytes, so that one Wipe ends them all.
// The zero Component is refused.
type Component struct{ open func() *componentMaterial }

type componentMaterial struct {
	algorithm Algorithm
	raw       []byte // nil once wiped
	kcv       string
}

// NewComponent reads a part of a DES key, 8, 16 or 24 bytes in hexadecimal, blanks
// allowed, and its check value of six or eight digits. What does not match is ErrComponent.
func NewComponent(text, kcv string) (Component, error) { return newComponent(DES, text, kcv) }

// NewComponentOf reads a part of the key that ref will name: of a DES key as
// NewComponent does; of an AES key 16, 24 or 32 bytes, whose check value is the
// CMAC's, of six to ten digits.
func NewComponentOf(ref Ref, text, kcv string) (Component, error) {
	return newComponent(ref.algorithm(), text, kcv)
}

func newComponent(a Algorithm, text, kcv string) (Component, error) {
	raw, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return Component{}, ErrComponent.With("not hexadecimal") // the decoder's own error quotes a digit
	}
	own, err := checkValueOf(a, raw)
	if err != nil {
		clear(raw)
		return Component{}, ErrComponent.Wrap(err)
	}
	if !matches(own, kcv) {
		clear(raw)
		return Component{}, ErrComponent.With("check value differs")
	}
	m := &componentMaterial{a, raw, own}
	return Component{func() *componentMaterial { return m }}, nil
}

// NewComponents draws n components, two or more, of a key of size bytes that ref
// will name, and returns the key's check value. All of them together are the key;
// any fewer tell nothing about it. Parts of DES keys have odd parity.
func NewComponents(ref Ref, size, n int) (parts []Component, kcv string, err error) {
	if _, err := ParseRef(string(ref)); err != nil {
		return nil, "", err
	}
	if !slices.Contains(sizes[ref.Purpose()], size) || n < 2 {
		return nil, "", ErrWeak.With("%d components of a %s of %d bytes, want two or more of %v", n, ref.Purpose(), size, sizes[ref.Purpose()])
	}
	a := ref.algorithm()
	for range n {
		raw := make([]byte, size)
		_, _ = rand.Read(raw) // never fails: crypto/rand ends the process instead
		if a == DES {
			tdes.SetOddParity(raw)
		}
		own, err := checkValueOf(a, raw)
		if err != nil {
			return nil, "", err
		}
		m := &componentMaterial{a, raw, own}
		parts = append(parts, Component{func() *componentMaterial { return m }})
	}
	sum, err := combine(a, parts)
	if err != nil {
		return nil, "", err
	}
	defer clear(sum)
	k, err := local(a, sum)
	if err != nil {
		return nil, "", err
	}
	defer k.Wipe()
	if err := strong(ref.Purpose(), k, sum); err != nil { // once in 2⁵² draws
		return nil, "", err
	}
	kcv, err = checkValue(a, k)
	return parts, kcv, err
}

// Reveal is the part in hexadecimal, for its custodian's eyes only.
func (c Component) Reveal() string { return strings.ToUpper(hex.EncodeToString(c.raw())) }

// Format hides the part for every verb.
func (c Component) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[key]") }

// KCV is the component's check value; "" of the zero or a wiped one.
func (c Component) KCV() string {
	if c.open == nil {
		return ""
	}
	return c.open().kcv
}

// Equal compares in constant time. Zero components equal nothing.
func (c Component) Equal(other Component) bool {
	return len(c.raw()) > 0 && subtle.ConstantTimeCompare(c.raw(), other.raw()) == 1
}

// Wipe overwrites the part; a wiped Component is refused.
func (c Component) Wipe() {
	if c.open != nil {
		clear(c.open().raw)
		*c.open() = componentMaterial{}
	}
}

func (c Component) raw() []byte {
	if c.open == nil {
		return nil
	}
	return c.open().raw
}

// combine is the XOR of two or more components of one kind and length; the caller wipes it.
func combine(a Algorithm, components []Component) ([]byte, error) {
	parts := make([][]byte, len(components))
	for i, c := range components {
		if c.raw() == nil || c.open().algorithm != a {
			return nil, ErrComponent.With("component %d is wiped, or of another kind of key", i+1)
		}
		parts[i] = c.raw()
	}
	raw, err := tdes.XOR(parts...)
	if err != nil {
		return nil, ErrComponent.Wrap(err)
	}
	return raw, nil
}

// local is a clear key in this process's memory; the caller wipes it.
func local(a Algorithm, raw []byte) (Key, error) {
	if a == AES {
		c, err := aes.NewCipher(raw)
		if err != nil {
			return nil, err
		}
		m := &aesMaterial{len(raw), c}
		return aesKey{func() *aesMaterial { return m }}, nil
	}
	return tdes.NewKey(raw)
}

func checkValueOf(a Algorithm, raw []byte) (string, error) {
	k, err := local(a, raw)
	if err != nil {
		return "", err
	}
	defer k.Wipe()
	return checkValue(a, k)
}

// matches compares a check value as a person wrote it, of at least six digits, with the key's own.
func matches(own, kcv string) bool {
	kcv = strings.ToUpper(strings.Join(strings.Fields(kcv), ""))
	return len(kcv) >= 6 && len(kcv)%2 == 0 && strings.HasPrefix(own, kcv)
}
