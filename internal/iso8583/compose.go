package iso8583

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Compose makes a message of texts by field number, as a person writes them:
// digits and letters as they are, hexadecimal for the fields of bytes and for the
// MAC. What the profile refuses is a *FormatError that names the field and its
// offset in the packed message.
func (p *Profile) Compose(mti string, fields map[int]string) (*Message, error) {
	m := New(mti)
	for _, n := range slices.Sorted(maps.Keys(fields)) {
		f, known := p.Fields[n]
		if n < 2 || n > 128 || !known {
			return nil, &FormatError{Field: n, Expected: "a field of profile " + p.Name, Got: "another"}
		}
		value, bad := f.compose(fields[n], n == p.MAC.Field && p.MAC.Text)
		if bad != nil {
			bad.Field, bad.Offset = n, p.composedAt(m)
			return nil, bad
		}
		m.SetBytes(n, value)
	}
	if err := p.Validate(m); err != nil {
		return nil, err
	}
	return m, nil
}

// composedAt is where the field behind those of m begins.
func (p *Profile) composedAt(m *Message) int {
	at := m.head()
	for i := range m.fields {
		at += p.table().fields[m.fields[i].number].size(len(m.fields[i].value))
	}
	return at
}

// compose reads one text; plain says that a field of bytes is written as text.
func (f *Field) compose(text string, plain bool) ([]byte, *FormatError) {
	switch {
	case f.Type == B && !plain:
		raw, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
		if err != nil {
			return nil, &FormatError{Expected: f.Notation() + " in hexadecimal", Got: plural(len(text), "character") + " of other text"}
		}
		return raw, nil
	case f.Chinese:
		return EncodeText(text, 2*len(text)+1), nil
	case f.Var == 0 && !f.packed() && len(text) < f.Length && f.Type == ANS:
		return fmt.Appendf(nil, "%-*s", f.Length, text), nil // as terminals fill them
	}
	return []byte(text), nil
}
