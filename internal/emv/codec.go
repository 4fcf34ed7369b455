package emv

import "fmt"

// Parse reads data objects. Zero bytes before, between and after them mean
// nothing (EMV Book 3, Annex B). The values are parts of b, not copies. An error
// is ErrTLV and tells the offset.
func Parse(b []byte) (TLV, error) {
	if len(b) > MaxSize {
		return TLV{}, fmt.Errorf("%w: %d bytes, at most %d", ErrTLV, len(b), MaxSize)
	}
	p := parser{whole: len(b)}
	elements, err := p.elements(b, 0)
	if err != nil {
		return TLV{}, err
	}
	return TLV{func() []Element { return elements }}, nil
}

// parser walks forwards through nested slices of one buffer. All of them end
// where their parent's value ends, so behind counts the bytes past that end.
type parser struct{ whole, behind int }

func (p parser) fail(rest []byte, why string) error {
	return fmt.Errorf("%w: %s at offset %d", ErrTLV, why, p.whole-p.behind-len(rest))
}

func (p parser) elements(b []byte, depth int) (list []Element, err error) {
	if depth > maxDepth {
		return nil, p.fail(b, "templates nested too deeply")
	}
	for len(b) > 0 {
		if b[0] == 0 {
			b = b[1:]
			continue
		}
		tag, rest, ok := readTag(b)
		if !ok {
			return nil, p.fail(b, "incomplete or overlong tag")
		}
		n, value, ok := readLength(rest)
		if !ok {
			return nil, p.fail(rest, "incomplete or unknown form of length")
		}
		if n > len(value) {
			return nil, p.fail(rest, "length beyond the end")
		}
		value, b = value[:n:n], value[n:]
		e := Element{Tag: tag, Value: value}
		if tag.Template() {
			inner := parser{p.whole, p.behind + len(b)}
			e.Value = nil
			if e.Inner, err = inner.elements(value, depth+1); err != nil {
				return nil, err
			}
		}
		list = append(list, e)
	}
	return list, nil
}

// readLength takes a length of up to two bytes off the front of b; MaxSize needs
// no more, and the indefinite form is not EMV's.
func readLength(b []byte) (n int, rest []byte, ok bool) {
	switch {
	case len(b) >= 1 && b[0] < 0x80:
		return int(b[0]), b[1:], true
	case len(b) >= 2 && b[0] == 0x81:
		return int(b[1]), b[2:], true
	case len(b) >= 3 && b[0] == 0x82:
		return int(b[1])<<8 | int(b[2]), b[3:], true
	}
	return 0, nil, false
}

func pack(out []byte, elements []Element) []byte {
	for _, e := range elements {
		out = append(out, e.Tag.bytes()...)
		value := e.Value
		if e.Tag.Template() {
			value = pack(nil, e.Inner)
		}
		switch n := len(value); lengthSize(n) {
		case 1:
			out = append(out, byte(n)) //nolint:gosec // below 128
		case 2:
			out = append(out, 0x81, byte(n)) //nolint:gosec // below 256
		default:
			out = append(out, 0x82, byte(n>>8), byte(n)) //nolint:gosec // below 65536, checked above
		}
		out = append(out, value...)
	}
	return out
}

// lengthSize is how many bytes the shortest form of a length has.
func lengthSize(n int) int {
	switch {
	case n < 0x80:
		return 1
	case n < 0x100:
		return 2
	}
	return 3
}

// size is the packed length.
func size(elements []Element) (n int) {
	for _, e := range elements {
		content := len(e.Value) + size(e.Inner)
		n += len(e.Tag.bytes()) + lengthSize(content) + content
	}
	return n
}

// check refuses what Parse would not give back.
func check(elements []Element, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: templates nested too deeply", ErrTLV)
	}
	for _, e := range elements {
		b := e.Tag.bytes()
		if _, rest, ok := readTag(b); !ok || len(rest) > 0 {
			return fmt.Errorf("%w: %s is no tag", ErrTLV, e.Tag)
		}
		if e.Tag.Template() && e.Value != nil || !e.Tag.Template() && e.Inner != nil {
			return fmt.Errorf("%w: %s has the wrong kind of content", ErrTLV, e.Tag)
		}
		if !e.Tag.Template() {
			continue
		}
		if err := check(e.Inner, depth+1); err != nil {
			return err
		}
	}
	return nil
}
