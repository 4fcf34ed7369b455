package iso8583

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// EncodeText writes s in GB18030 for a field of at most limit bytes. It cuts
// between characters, never inside one; control characters become spaces.
func EncodeText(s string, limit int) []byte {
	encoder := simplifiedchinese.GB18030.NewEncoder()
	text := make([]byte, 0, max(0, min(limit, 2*len(s)))) // no character's bytes become more than twice as many
	var from, to [utf8.UTFMax]byte                        // the longest character of either encoding has four bytes
	for _, r := range s {
		if unicode.IsControl(r) {
			r = ' '
		}
		size, _, err := encoder.Transform(to[:], utf8.AppendRune(from[:0], r), true)
		if err != nil {
			size = copy(to[:], "?")
		}
		if len(text)+size > limit {
			break
		}
		text = append(text, to[:size]...)
	}
	return text
}

// DecodeText reads GB18030 bytes; what is no character becomes U+FFFD.
func DecodeText(b []byte) string {
	s, err := simplifiedchinese.GB18030.NewDecoder().Bytes(b)
	if err != nil {
		return string(unicode.ReplacementChar)
	}
	return string(s)
}

// badGB18030 is the index of the first byte that begins no printable ASCII or
// well-formed GB18030 character; -1 when there is none.
func badGB18030(b []byte) int {
	for i := 0; i < len(b); {
		size := sizeGB18030(b[i:])
		if size == 0 {
			return i
		}
		i += size
	}
	return -1
}

// sizeGB18030 is the bytes of b's first character; 0 when it is none.
func sizeGB18030(b []byte) int {
	lead := func(c byte) bool { return c >= 0x81 && c <= 0xFE }
	digit := func(c byte) bool { return c >= '0' && c <= '9' }
	switch {
	case b[0] >= ' ' && b[0] <= '~':
		return 1
	case len(b) < 2 || !lead(b[0]):
		return 0
	case b[1] >= 0x40 && b[1] <= 0xFE && b[1] != 0x7F:
		return 2
	case len(b) >= 4 && digit(b[1]) && lead(b[2]) && digit(b[3]):
		return 4
	default:
		return 0
	}
}
