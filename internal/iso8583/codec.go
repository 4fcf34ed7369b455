package iso8583

import (
	"fmt"

	moov "github.com/moov-io/iso8583"
	"github.com/moov-io/iso8583/field"
)

// codec translates the profile's table into the library's. Every value is a
// Binary field there: it keeps the decoder's slice, so that Message.Wipe
// reaches the only copy.
func (p *Profile) codec() *moov.MessageSpec {
	p.once.Do(func() {
		fields := map[int]field.Field{
			0: field.NewBinary(field.NewSpec(4, "MTI", nibbles{}, lengthPrefix{})),
			1: field.NewBitmap(&field.Spec{
				Length: 8, Description: "bitmap", Enc: octets{}, Pref: lengthPrefix{}, DisableAutoExpand: !p.Secondary,
			}),
		}
		for n, f := range p.Fields {
			fields[n] = field.NewBinary(&field.Spec{
				Length: f.Length, Description: f.Name, Pref: lengthPrefix{digits: f.Var}, Enc: octets{},
			})
			if f.packed() {
				fields[n].Spec().Enc = nibbles{track: f.Type == Z, right: f.Right}
			}
		}
		p.spec = &moov.MessageSpec{Name: p.Name, Fields: fields}
	})
	return p.spec
}

// nibbles writes two characters a byte. It reads any nibble as a character, 0 to 9 and
// A to F: which of them are lawful is Validate's question, not the codec's.
type nibbles struct {
	track bool // D reads as '='
	right bool // an odd count begins with the padding nibble
}

// Both tables are made once: the library's own BCD decoder makes one for every field.
var (
	nibbleOf = makeNibbleOf() // character to nibble; noNibble for the rest
	pairOf   = makePairs("0123456789ABCDEF")
	trackOf  = makePairs("0123456789ABC=EF")
)

const noNibble = 0xFF

func makeNibbleOf() (t [256]byte) {
	for i := range t {
		t[i] = noNibble
	}
	for i, c := range []byte("0123456789ABCDEF") {
		t[c] = byte(i)
	}
	t['='] = 0xD
	return t
}

func makePairs(chars string) (t [256][2]byte) {
	for i := range t {
		t[i] = [2]byte{chars[i>>4], chars[i&0xF]}
	}
	return t
}

// Encode packs text. Its callers have validated it; a character that is no nibble is still refused.
func (e nibbles) Encode(text []byte) ([]byte, error) {
	packed := make([]byte, (len(text)+1)/2)
	at := 0
	if e.right && len(text)%2 == 1 {
		at = 1
	}
	for i, c := range text {
		v := nibbleOf[c]
		if v == noNibble {
			return nil, &FormatError{Expected: "digits", Got: fmt.Sprintf("a bad character at position %d", i+1)}
		}
		packed[(at+i)/2] |= v << (4 * (1 - (at+i)%2))
	}
	return packed, nil
}

// Decode reads count characters.
func (e nibbles) Decode(data []byte, count int) ([]byte, int, error) {
	size := (count + 1) / 2
	if len(data) < size {
		return nil, 0, cutShort(data, size)
	}
	pairs := &pairOf
	if e.track {
		pairs = &trackOf
	}
	text := make([]byte, 2*size)
	for i, b := range data[:size] {
		copy(text[2*i:], pairs[b][:])
	}
	if e.right {
		return text[2*size-count:], size, nil
	}
	return text[:count], size, nil
}

// octets copies bytes. The library's own Binary decoder copies the whole rest
// of the message for every field.
type octets struct{}

// Encode returns data: the library only appends it to the message.
func (octets) Encode(data []byte) ([]byte, error) { return data, nil }

// Decode copies count bytes.
func (octets) Decode(data []byte, count int) ([]byte, int, error) {
	if len(data) < count {
		return nil, 0, cutShort(data, count)
	}
	return append(make([]byte, 0, count), data[:count]...), count, nil
}

// lengthPrefix is a BCD length of so many digits, in whole bytes; none for a fixed length.
type lengthPrefix struct{ digits int }

// size is the prefix's bytes.
func (l lengthPrefix) size() int { return (l.digits + 1) / 2 }

// EncodeLength writes count as BCD. Validate has compared it with the maximum.
func (l lengthPrefix) EncodeLength(_, count int) ([]byte, error) {
	switch l.size() {
	case 0:
		return nil, nil
	case 1:
		return []byte{bcdByte(count)}, nil
	default:
		return []byte{bcdByte(count / 100), bcdByte(count % 100)}, nil
	}
}

// DecodeLength reads a BCD length and compares it with the maximum.
func (l lengthPrefix) DecodeLength(limit int, data []byte) (count, read int, err error) {
	size := l.size()
	if size == 0 {
		return limit, 0, nil
	}
	if len(data) < size {
		return 0, 0, cutShort(data, size)
	}
	for _, b := range data[:size] {
		if b>>4 > 9 || b&0xF > 9 {
			return 0, 0, &FormatError{Offset: -len(data), Expected: "a BCD length", Got: "a nibble above 9"}
		}
		count = count*100 + int(b>>4)*10 + int(b&0xF)
	}
	if count > limit {
		return 0, 0, &FormatError{Offset: -len(data), Expected: fmt.Sprintf("a length of at most %d", limit), Got: fmt.Sprint(count)}
	}
	return count, size, nil
}

// Inspect names the prefix for the library's spec printer.
func (l lengthPrefix) Inspect() string { return fmt.Sprintf("BCD.%d", l.digits) }

func bcdByte(n int) byte { return byte(n/10<<4 | n%10) } //nolint:gosec // 0 to 99

// cutShort complains that data ends before size bytes. A decoder sees only the
// rest of the message, so it counts the offset from the end; unpack turns it round.
func cutShort(data []byte, size int) *FormatError {
	return &FormatError{Offset: -len(data), Expected: plural(size, "byte"), Got: plural(len(data), "byte")}
}

// plural is "1 byte", "2 bytes".
func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
