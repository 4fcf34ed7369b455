package iso8583

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// KeyForm is the name of a way to write a sign-on's keys into field 62.
type KeyForm string

// The forms.
const (
	KeysBinary KeyForm = "binary"     // cipher and check value of four bytes, by position: KeyBlock.Build
	KeysTagged KeyForm = "tagged-hex" // a tag, then cipher of 16 bytes and check value of 8 in hexadecimal
)

// LayoutNone is the sign-on of a terminal whose keys nobody sends.
const LayoutNone Layout = "005"

// KeySizes are the bytes of the authentication key and of every check value that a form carries.
func (f KeyForm) KeySizes() (tak, kcv int) {
	if f == KeysTagged {
		return 16, taggedKCV
	}
	return 8, kcvSize
}

// ParseKeyBlock takes field 62 apart as the dialect writes it; see the function of that name.
func (t *Terminal) ParseKeyBlock(layout Layout, b []byte) (KeyBlock, error) {
	switch t.KeyBlock {
	case KeysBinary:
		return ParseKeyBlock(layout, b)
	case KeysTagged:
		return parseTagged(layout, b)
	}
	return KeyBlock{}, t.noKeyBlock()
}

// BuildKeyBlock is field 62 as the dialect writes it; see KeyBlock.Build.
func (t *Terminal) BuildKeyBlock(layout Layout, k KeyBlock) ([]byte, error) {
	switch t.KeyBlock {
	case KeysBinary:
		return k.Build(layout)
	case KeysTagged:
		return buildTagged(layout, k)
	}
	return nil, t.noKeyBlock()
}

func (t *Terminal) noKeyBlock() *FormatError {
	return &FormatError{Field: 62, Expected: "no key block in this profile", Got: "one"}
}

const (
	taggedCipher = 16
	taggedKCV    = 8
	taggedSize   = 2 + 2*taggedCipher + 2*taggedKCV // characters of one key
)

// taggedKeys are the keys of a layout by their tag, in the order of sending,
// pointing into k; nil for an unknown layout.
func (k *KeyBlock) taggedKeys(layout Layout) []taggedKey {
	all := []taggedKey{{"01", "TAK", &k.TAK}, {"02", "TPK", &k.TPK}, {"03", "TDK", &k.TDK}}
	switch layout {
	case LayoutDouble:
		return all[:2]
	case LayoutTrack:
		return all
	default:
		return nil
	}
}

type taggedKey struct {
	tag, name string
	key       *WrappedKey
}

func parseTagged(layout Layout, b []byte) (KeyBlock, error) {
	var k KeyBlock
	keys := k.taggedKeys(layout)
	if size := taggedSize * len(keys); size == 0 || len(b) != size {
		return KeyBlock{}, layout.complaint(size, len(b))
	}
	for i, one := range keys {
		at := i * taggedSize
		if got := string(b[at : at+2]); got != one.tag {
			return KeyBlock{}, &FormatError{Field: 62, Offset: at, Expected: "tag " + one.tag + " of the " + one.name, Got: "another"}
		}
		raw, err := hex.DecodeString(string(b[at+2 : at+taggedSize]))
		if err != nil {
			return KeyBlock{}, &FormatError{Field: 62, Offset: at + 2, Expected: "hexadecimal digits of the " + one.name, Got: "other characters"}
		}
		one.key.Cipher, one.key.KCV = raw[:taggedCipher:taggedCipher], raw[taggedCipher:]
	}
	return k, nil
}

func buildTagged(layout Layout, k KeyBlock) ([]byte, error) {
	keys := k.taggedKeys(layout)
	if keys == nil {
		return nil, layout.complaint(0, 0)
	}
	var b strings.Builder
	for _, one := range keys {
		if len(one.key.Cipher) != taggedCipher || len(one.key.KCV) != taggedKCV {
			return nil, &FormatError{
				Field: 62, Offset: b.Len(), Expected: fmt.Sprintf("%s of %d bytes and KCV of %d", one.name, taggedCipher, taggedKCV),
				Got: fmt.Sprintf("%d and %d", len(one.key.Cipher), len(one.key.KCV)),
			}
		}
		fmt.Fprintf(&b, "%s%X%X", one.tag, one.key.Cipher, one.key.KCV)
	}
	return []byte(b.String()), nil
}
