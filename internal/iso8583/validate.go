package iso8583

import "fmt"

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

// ValidateField checks field n of m alone, as Validate does; nil when m has none. Offset
// of its *FormatError counts as in Validate when m was unpacked, else from the field's first byte.
func (p *Profile) ValidateField(m *Message, n int) error {
	at, there := m.find(n)
	if !there {
		return nil
	}
	f := p.table().fields[n]
	if f == nil {
		return p.unknown(n)
	}
	e := &m.fields[at]
	if bad := f.judge(e, m.enciphered()); bad != nil {
		bad.Offset += int(e.offset)
		return bad
	}
	return nil
}

func (p *Profile) violation(m *Message) *FormatError {
	if len(m.MTI) != 4 || badDigit([]byte(m.MTI)) >= 0 {
		return &FormatError{Expected: "an MTI of four digits", Got: fmt.Sprintf("%q", m.MTI)}
	}
	t := p.table()
	for i := range m.fields {
		if n := m.fields[i].number; t.fields[n] == nil {
			return p.unknown(int(n))
		}
	}
	enciphered, at := m.enciphered(), m.head()
	for i := range m.fields {
		e := &m.fields[i]
		f := t.fields[e.number]
		if e.offset != 0 {
			at = int(e.offset)
		}
		if bad := f.judge(e, enciphered); bad != nil {
			bad.Offset += at
			return bad
		}
		at += f.size(len(e.value))
	}
	return nil
}

// enciphered reports whether field 53 says that the track is.
func (m *Message) enciphered() bool {
	mode := m.Bytes(53)
	return len(mode) == 16 && mode[2] == '1'
}

// judge checks a field's value and padding; the complaint's Offset counts from the field's first byte.
func (f *Field) judge(e *element, enciphered bool) *FormatError {
	bad := f.violation(e.value, enciphered)
	if bad == nil && e.padded {
		bad = &FormatError{Offset: f.paddingAt(len(e.value)), Expected: "0 in the padding nibble", Got: "another value"}
	}
	if bad != nil {
		bad.Field = int(e.number)
	}
	return bad
}

// violation checks one value; its Offset counts from the field's first byte.
func (f *Field) violation(value []byte, enciphered bool) *FormatError {
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
func (f *Field) badCharacter(value []byte, enciphered bool) int {
	switch {
	case f.Type == N:
		return badDigit(value)
	case f.Type == Z:
		for i, c := range value {
			if nibbleOf[c] == noNibble || !enciphered && c >= 'A' {
				return i
			}
		}
	case f.Type == B:
	case f.Chinese:
		return badGB18030(value)
	default:
		for i, c := range value {
			if c < ' ' || c > '~' {
				return i
			}
		}
	}
	return -1
}

// badDigit is the index of the first character that is no digit, -1 when there is none.
func badDigit(text []byte) int {
	for i, c := range text {
		if c < '0' || c > '9' {
			return i
		}
	}
	return -1
}

// characterAt is the byte, from the field's first, that holds character i of count.
func (f *Field) characterAt(i, count int) int {
	at := f.prefix()
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
func (f *Field) paddingAt(count int) int {
	if f.Right {
		return f.prefix()
	}
	return f.size(count) - 1
}
