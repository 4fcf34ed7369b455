package iso8583

import "fmt"

// How one field is written: a length prefix when it has one, then its characters,
// two a byte for the types N and Z. Which characters are lawful is Validate's
// question, not the codec's: it reads any nibble, as 0 to 9 and A to F.
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

// packed reports whether the field's characters go two a byte.
func (f *Field) packed() bool { return f.Type == N || f.Type == Z }

// prefix is the bytes of the field's length, 0 for a fixed one.
func (f *Field) prefix() int { return (f.Var + 1) / 2 }

// content is the bytes behind the prefix for a value of count characters.
func (f *Field) content(count int) int {
	if f.packed() {
		return (count + 1) / 2
	}
	return count
}

// size is the field's bytes in a packed message for a value of count characters.
func (f *Field) size(count int) int { return f.prefix() + f.content(count) }

// appendLength writes the prefix. Validate has compared count with the maximum.
func (f *Field) appendLength(dst []byte, count int) []byte {
	switch f.prefix() {
	case 0:
		return dst
	case 1:
		return append(dst, bcdByte(count))
	default:
		return append(dst, bcdByte(count/100), bcdByte(count%100))
	}
}

func bcdByte(n int) byte { return byte(n/10<<4 | n%10) } //nolint:gosec // 0 to 99

// read finds the content of the field at the beginning of b and how many
// characters it has. Offset of a complaint counts from b.
func (f *Field) read(b []byte) (count int, content []byte, bad *FormatError) {
	prefix := f.prefix()
	switch {
	case prefix == 0:
		count = f.Length
	case len(b) < prefix:
		return 0, nil, cutShort(0, prefix, len(b))
	case !digitPairs(b[:prefix]):
		return 0, nil, &FormatError{Expected: "a BCD length", Got: "a nibble above 9"}
	}
	for _, c := range b[:prefix] {
		count = count*100 + int(c>>4)*10 + int(c&0xF)
	}
	if count > f.Length {
		return 0, nil, &FormatError{Expected: fmt.Sprintf("a length of at most %d", f.Length), Got: fmt.Sprint(count)}
	}
	content = b[prefix:]
	size := f.content(count)
	if len(content) < size {
		return 0, nil, cutShort(prefix, size, len(content))
	}
	return count, content[:size], nil
}

// appendContent writes a value that Validate has passed.
func (f *Field) appendContent(dst, value []byte) []byte {
	if !f.packed() {
		return append(dst, value...)
	}
	if f.Right && len(value)%2 == 1 {
		dst = append(dst, nibbleOf[value[0]])
		value = value[1:]
	}
	for ; len(value) >= 2; value = value[2:] {
		dst = append(dst, nibbleOf[value[0]]<<4|nibbleOf[value[1]])
	}
	if len(value) == 1 {
		dst = append(dst, nibbleOf[value[0]]<<4)
	}
	return dst
}

// appendValue reads the count characters of content behind dst.
func (f *Field) appendValue(dst, content []byte, count int) []byte {
	if !f.packed() {
		return append(dst, content...)
	}
	pairs := &pairOf
	if f.Type == Z {
		pairs = &trackOf
	}
	odd := count%2 == 1
	if odd && f.Right {
		dst = append(dst, pairs[content[0]][1])
		content = content[1:]
	}
	for _, c := range content[:count/2] {
		dst = append(dst, pairs[c][0], pairs[c][1])
	}
	if odd && !f.Right {
		dst = append(dst, pairs[content[count/2]][0])
	}
	return dst
}

// padding is the unused nibble of an odd count of digits.
func (f *Field) padding(content []byte, count int) byte {
	switch {
	case !f.packed() || count%2 == 0:
		return 0
	case f.Right:
		return content[0] >> 4
	default:
		return content[len(content)-1] & 0xF
	}
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

// cutShort complains that there are fewer bytes than a part needs.
func cutShort(offset, size, got int) *FormatError {
	return &FormatError{Offset: offset, Expected: plural(size, "byte"), Got: plural(got, "byte")}
}

// plural is "1 byte", "2 bytes".
func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
