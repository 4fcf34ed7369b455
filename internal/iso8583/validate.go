package iso8583

import (
	"fmt"
	"slices"
)

// Validate checks the values of m against the profile: digits in n, digits and
// '=' in z (A to F too where field 53 says that the track is enciphered),
// printable characters in an and ans, lengths, and 0 in padding nibbles. The
// first violation in the order of the bytes is returned as *FormatError; a
// secret or PAN field's characters are never in it.
func (p *Profile) Validate(m *Message) error {
	if bad := p.violation(m); bad != nil {
		return bad
	}
	return nil
}

func (p *Profile) violation(m *Message) *FormatError {
	if len(m.MTI) != 4 || badDigit([]byte(m.MTI)) >= 0 {
		return &FormatError{Expected: "an MTI of four digits", Got: fmt.Sprintf("%q", m.MTI)}
	}
	for n, value := range m.fields[:] {
		if _, known := p.Fields[n]; value != nil && !known {
			return p.unknown(n)
		}
	}
	mode := m.Text(53)
	enciphered := len(mode) == 16 && mode[2] == '1'
	at := mtiSize + bitmapSize
	if slices.ContainsFunc(m.fields[65:], func(v []byte) bool { return v != nil }) {
		at += bitmapSize
	}
	for n, value := range m.fields[:] {
		if value == nil {
			continue
		}
		if m.offset[n] != 0 {
			at = m.offset[n]
		}
		f := p.Fields[n]
		bad := f.violation(value, enciphered)
		if bad == nil && slices.Contains(m.padded, n) {
			bad = &FormatError{Offset: f.paddingAt(len(value)), Expected: "0 in the padding nibble", Got: "another value"}
		}
		if bad != nil {
			bad.Field = n
			bad.Offset += at
			return bad
		}
		at += f.size(len(value))
	}
	return nil
}

// violation checks one value; its Offset counts from the field's first byte.
func (f Field) violation(value []byte, enciphered bool) *FormatError {
	if len(value) > f.Length || f.Var == 0 && len(value) != f.Length {
		unit := "byte"
		if f.packed() {
			unit = "digit"
		}
		return &FormatError{Expected: f.Notation(), Got: plural(len(value), unit)}
	}
	i := f.badCharacter(value, enciphered)
	if i < 0 {
		return nil
	}
	got := fmt.Sprintf("a bad character at position %d", i+1)
	if f.Class == Open {
		got = fmt.Sprintf("%q at position %d", value[i:i+1], i+1)
	}
	return &FormatError{Offset: f.characterAt(i, len(value)), Expected: f.Notation(), Got: got}
}

// badCharacter is the index of the first unlawful character, -1 when there is none.
func (f Field) badCharacter(value []byte, enciphered bool) int {
	switch {
	case f.Type == N:
		return badDigit(value)
	case f.Type == Z:
		return slices.IndexFunc(value, func(c byte) bool {
			return nibbleOf[c] == noNibble || !enciphered && c >= 'A'
		})
	case f.Type == B:
		return -1
	case f.Chinese:
		return badGB18030(value)
	default:
		return slices.IndexFunc(value, func(c byte) bool { return c < ' ' || c > '~' })
	}
}

func badDigit(text []byte) int {
	return slices.IndexFunc(text, func(c byte) bool { return c < '0' || c > '9' })
}

// characterAt is the byte, from the field's first, that holds character i of count.
func (f Field) characterAt(i, count int) int {
	at := lengthPrefix{f.Var}.size()
	switch {
	case !f.packed():
		return at + i
	case f.Right && count%2 == 1:
		return at + (i+1)/2
	default:
		return at + i/2
	}
}

// paddingAt is the byte, from the field's first, that holds the padding nibble.
func (f Field) paddingAt(count int) int {
	if f.Right {
		return lengthPrefix{f.Var}.size()
	}
	return f.size(count) - 1
}
