package iso8583

import (
	"errors"
	"fmt"
	"strconv"

	moov "github.com/moov-io/iso8583"
	moverr "github.com/moov-io/iso8583/errors"
)

// mtiSize and bitmapSize are bytes at the head of every packed message.
const (
	mtiSize    = 2
	bitmapSize = 8
)

// Pack writes m as MTI, bitmap and fields. What Validate would refuse is a
// *FormatError, with the offset that the field would have had.
func (p *Profile) Pack(m *Message) ([]byte, error) {
	if err := p.Validate(m); err != nil {
		return nil, err
	}
	w := moov.NewMessage(p.codec())
	w.MTI(m.MTI)
	for n, value := range m.fields[:] {
		if value == nil {
			continue
		}
		if err := w.BinaryField(n, value); err != nil {
			return nil, fmt.Errorf("pack field %d: %w", n, err)
		}
	}
	return w.Pack()
}

// Unpack reads the structure of b and nothing more: a bad digit still yields a
// message, whose MTI, terminal and MAC can be looked at before Validate judges
// its values. Nibbles read as the characters 0 to 9 and A to F, in track fields
// D as '='. b is copied. A message cut short, a length over its maximum or not
// BCD, a field unknown to the profile, trailing bytes, a bad MTI or more than
// MaxFrame bytes is a *FormatError.
func (p *Profile) Unpack(b []byte) (*Message, error) {
	m, bad := p.unpack(b)
	if bad != nil {
		return nil, bad
	}
	return m, nil
}

// unpack returns, beside a complaint, what was read before it.
func (p *Profile) unpack(b []byte) (*Message, *FormatError) {
	m := &Message{}
	if bad := p.checkHead(b); bad != nil {
		return m, bad
	}
	w := moov.NewMessage(p.codec())
	bad, failed := complaint(w.Unpack(b), len(b))

	mti, _ := w.GetBytes(0)
	m.MTI = string(mti)
	at := headSize(b)
	for n := 2; n <= 128; n++ {
		if !bit(b, n) {
			continue
		}
		if bad != nil && n >= failed {
			return m, bad
		}
		f := p.Fields[n]
		m.fields[n], _ = w.GetBytes(n)
		m.offset[n] = at
		if f.padding(b[at:], len(m.fields[n])) != 0 {
			m.padded = append(m.padded, n)
		}
		at += f.size(len(m.fields[n]))
	}
	if bad == nil && at != len(b) {
		bad = &FormatError{Offset: at, Expected: "the end of the message", Got: "more: " + plural(len(b)-at, "byte")}
	}
	return m, bad
}

// checkHead judges what the library would let pass: the size of the whole, the
// MTI's digits, bitmaps beyond the profile's and fields outside it.
func (p *Profile) checkHead(b []byte) *FormatError {
	switch {
	case len(b) > p.MaxFrame:
		return &FormatError{Offset: p.MaxFrame, Expected: "at most " + plural(p.MaxFrame, "byte"), Got: plural(len(b), "byte")}
	case len(b) < mtiSize:
		return &FormatError{Expected: "an MTI of 2 bytes", Got: plural(len(b), "byte")}
	case !digitPairs(b[:mtiSize]):
		return &FormatError{Expected: "an MTI of four digits", Got: fmt.Sprintf("%X", b[:mtiSize])}
	case len(b) < mtiSize+bitmapSize:
		return &FormatError{Offset: mtiSize, Expected: "a bitmap of 8 bytes", Got: plural(len(b)-mtiSize, "byte")}
	case bit(b, 1) && !p.Secondary:
		return &FormatError{Offset: mtiSize, Expected: "one bitmap", Got: "bit 1 set"}
	case len(b) < headSize(b):
		return &FormatError{Offset: mtiSize + bitmapSize, Expected: "a second bitmap of 8 bytes", Got: plural(len(b)-mtiSize-bitmapSize, "byte")}
	}
	for n := 2; n <= 128; n++ {
		if _, known := p.Fields[n]; bit(b, n) && !known {
			return p.unknown(n)
		}
	}
	return nil
}

// unknown complains about field n at its bit in the bitmap.
func (p *Profile) unknown(n int) *FormatError {
	return &FormatError{Field: n, Offset: mtiSize + (n-1)/8, Expected: "a field of profile " + p.Name, Got: fmt.Sprintf("bit %d set", n)}
}

// complaint turns the library's error into ours, and tells the field it was about.
func complaint(err error, total int) (bad *FormatError, fieldNumber int) {
	if err == nil {
		return nil, 0
	}
	var where *moverr.UnpackError
	if errors.As(err, &where) {
		fieldNumber, _ = strconv.Atoi(where.FieldID)
	}
	if !errors.As(err, &bad) {
		// Our own codecs make every error there is; this keeps a new one of the library's from showing bytes.
		return &FormatError{Field: fieldNumber, Expected: "a field that the codec can read", Got: "an error"}, fieldNumber
	}
	bad.Field = fieldNumber
	bad.Offset += total
	return bad, fieldNumber
}

// bit reports whether the bitmap of b, which holds a whole one, has field n. The
// bits 1 and 65 announce further bitmaps.
func bit(b []byte, n int) bool {
	if n > 64 && b[mtiSize]&0x80 == 0 {
		return false
	}
	return b[mtiSize+(n-1)/8]&(0x80>>((n-1)%8)) != 0
}

// headSize is MTI and bitmaps in bytes; b holds at least the first bitmap.
func headSize(b []byte) int {
	if bit(b, 1) {
		return mtiSize + 2*bitmapSize
	}
	return mtiSize + bitmapSize
}

// digitPairs reports whether every nibble is a decimal digit.
func digitPairs(b []byte) bool {
	for _, c := range b {
		if c>>4 > 9 || c&0xF > 9 {
			return false
		}
	}
	return true
}

// packed reports whether the field's characters go two a byte.
func (f Field) packed() bool { return f.Type == N || f.Type == Z }

// size is the field's bytes in a packed message for a value of count characters.
func (f Field) size(count int) int {
	size := lengthPrefix{f.Var}.size()
	if f.packed() {
		return size + (count+1)/2
	}
	return size + count
}

// padding is the unused nibble of an odd count of digits; b begins with the packed field.
func (f Field) padding(b []byte, count int) byte {
	switch {
	case !f.packed() || count%2 == 0:
		return 0
	case f.Right:
		return b[lengthPrefix{f.Var}.size()] >> 4
	default:
		return b[f.size(count)-1] & 0xF
	}
}
