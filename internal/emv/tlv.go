// Package emv reads and writes what a chip says: BER-TLV data objects and the
// cryptograms by which a card and its issuer know each other. It refuses to
// decide anything about a payment, and to show a data object's value when it is
// printed: among them are card numbers and tracks.
package emv

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	// MaxSize bounds the data that Parse looks at, in bytes; field 55 has at most 255.
	MaxSize = 4096
	// maxDepth bounds templates within templates; EMV itself nests three.
	maxDepth = 8
)

// ErrTLV says that bytes are no BER-TLV data. Its text has the offset of the
// fault and no byte of the data.
var ErrTLV = errors.New("emv: not TLV data")

// Element is one data object: a Value, or in a template the Inner objects. It
// prints as tag and length.
type Element struct {
	Tag   Tag
	Value []byte    // nil in a template
	Inner []Element // nil in a primitive object
}

// TLV is a list of data objects. It prints as tags and lengths, and inside
// other structs as an address, since a function hands the objects out. The zero
// TLV is empty.
type TLV struct{ list func() []Element }

// New makes a TLV of elements, in their order. A template must have no Value, a
// primitive object no Inner, and the whole must be what Parse would take.
func New(elements ...Element) (TLV, error) {
	t := TLV{func() []Element { return elements }}
	if err := check(elements, 0); err != nil {
		return TLV{}, err
	}
	if n := size(elements); n > MaxSize {
		return TLV{}, fmt.Errorf("%w: %d bytes, at most %d", ErrTLV, n, MaxSize)
	}
	return t, nil
}

// Elements are the objects of the outermost level, to be read only.
func (t TLV) Elements() []Element {
	if t.list == nil {
		return nil
	}
	return t.list()
}

// Get returns the value of the first object with the tag, templates' insides
// included; ok is false when there is none, or when tag is a template's.
func (t TLV) Get(tag Tag) (value []byte, ok bool) { return find(t.Elements(), tag) }

func find(elements []Element, tag Tag) ([]byte, bool) {
	for _, e := range elements {
		if e.Tag == tag && !tag.Template() {
			return e.Value, true
		}
		if value, ok := find(e.Inner, tag); ok {
			return value, true
		}
	}
	return nil, false
}

// Only keeps the first object of each tag, in the order of tags, and drops the
// rest: what is passed on is what was named.
func (t TLV) Only(tags ...Tag) TLV {
	var kept []Element
	for _, tag := range tags {
		if value, ok := t.Get(tag); ok {
			kept = append(kept, Element{Tag: tag, Value: value})
		}
	}
	return TLV{func() []Element { return kept }}
}

// Bytes packs the objects, lengths in their shortest form; nil when there are none.
func (t TLV) Bytes() []byte { return pack(nil, t.Elements()) }

// String lists tags and lengths: "9F26[8] 9F27[1]".
func (t TLV) String() string {
	texts := make([]string, len(t.Elements()))
	for i, e := range t.Elements() {
		texts[i] = e.String()
	}
	return strings.Join(texts, " ")
}

// Format lists tags and lengths for every verb.
func (t TLV) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// String is tag and length, or tag and what is inside: "9F26[8]", "70(5A[8])".
func (e Element) String() string {
	if e.Tag.Template() {
		return fmt.Sprintf("%s(%s)", e.Tag, TLV{func() []Element { return e.Inner }})
	}
	return fmt.Sprintf("%s[%d]", e.Tag, len(e.Value))
}

// Format is String for every verb.
func (e Element) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.String()) }
