package iso8583

import "fmt"

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
	if bad := p.checkHead(b); bad != nil {
		return &Message{}, bad
	}
	fields, bad := p.readFields(b)
	mti := [...]byte{pairOf[b[0]][0], pairOf[b[0]][1], pairOf[b[1]][0], pairOf[b[1]][1]}
	return &Message{MTI: string(mti[:]), fields: fields}, bad
}

// readFields reads the fields that the bitmaps of b name, as far as they can be read.
func (p *Profile) readFields(b []byte) ([]element, *FormatError) {
	table := &p.table().fields
	present, at := readBitmap(b), headSize(b)
	fields := make([]element, 0, present.count())
	// All values lie in one slice, so that there is one copy to wipe. No byte becomes
	// more than two characters: it never grows, and the values stay where they are.
	values := make([]byte, 0, 2*(len(b)-at))
	for n := present.after(0); n > 0; n = present.after(n) {
		f := table[n]
		count, content, bad := f.read(b[at:])
		if bad != nil {
			bad.Field = n
			bad.Offset += at
			return fields, bad
		}
		begin := len(values)
		values = f.appendValue(values, content, count)
		fields = append(fields, element{
			value: values[begin:len(values):len(values)], padded: f.padding(content, count) != 0,
			number: uint8(n), offset: int32(at), //nolint:gosec // at most 128; a frame's length has two bytes
		})
		at += f.prefix() + len(content)
	}
	if at != len(b) {
		return fields, &FormatError{Offset: at, Expected: "the end of the message", Got: "more: " + plural(len(b)-at, "byte")}
	}
	return fields, nil
}

// checkHead judges the size of the whole, MTI, bitmaps and which fields there are.
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
	case announces(b) && !p.Secondary:
		return &FormatError{Offset: mtiSize, Expected: "one bitmap", Got: "bit 1 set"}
	case len(b) < headSize(b):
		return &FormatError{Offset: mtiSize + bitmapSize, Expected: "a second bitmap of 8 bytes", Got: plural(len(b)-mtiSize-bitmapSize, "byte")}
	}
	if n := readBitmap(b).without(p.table().known).after(0); n > 0 {
		return p.unknown(n)
	}
	return nil
}

// unknown complains about field n at its bit in the bitmap.
func (p *Profile) unknown(n int) *FormatError {
	return &FormatError{Field: n, Offset: mtiSize + (n-1)/8, Expected: "a field of profile " + p.Name, Got: fmt.Sprintf("bit %d set", n)}
}
