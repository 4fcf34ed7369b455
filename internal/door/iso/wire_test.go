package iso

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"strings"
)

// message is what the test terminal sends. It is packed by the protocol page and
// by nothing else, so that it can be wrong: values are not checked, digits may be
// A to F, and a fixed field may have any length.
type message struct {
	mti     string
	fields  map[int]string
	derived bool // field 53 is bytes: the dialect derives its keys
}

func newMessage(mti string) message { return message{mti: mti, fields: map[int]string{}} }

func (m message) set(n int, value string) message {
	m.fields[n] = value
	return m
}

func (m message) unset(n int) message {
	delete(m.fields, n)
	return m
}

func (m message) clone() message { return message{m.mti, maps.Clone(m.fields), m.derived} }

// wire says how the page writes each field: digits two a byte or bytes, and after
// a length of so many digits. Odd digits are filled behind; those of field 23 before.
var wire = map[int]struct {
	digits bool
	prefix int
}{
	2: {true, 2}, 3: {true, 0}, 4: {true, 0}, 11: {true, 0}, 12: {true, 0}, 13: {true, 0}, 14: {true, 0}, 15: {true, 0},
	22: {true, 0}, 23: {true, 0}, 25: {true, 0}, 26: {true, 0}, 32: {true, 2}, 35: {true, 2}, 36: {true, 3}, 37: {false, 0},
	38: {false, 0}, 39: {false, 0}, 41: {false, 0}, 42: {false, 0}, 44: {false, 2}, 48: {true, 3}, 49: {false, 0}, 52: {false, 0},
	53: {true, 0}, 54: {false, 3}, 55: {false, 3}, 57: {false, 3}, 59: {false, 3}, 60: {true, 3}, 61: {true, 3}, 62: {false, 3}, 63: {false, 3}, 64: {false, 0},
}

// pack writes MTI, bitmap and fields.
func (m message) pack() []byte {
	var bitmap [8]byte
	var body []byte
	for n := 2; n <= 64; n++ {
		value, ok := m.fields[n]
		if !ok {
			continue
		}
		bitmap[(n-1)/8] |= 0x80 >> ((n - 1) % 8)
		if p := wire[n].prefix; p > 0 {
			body = append(body, nibbles(fmt.Sprintf("%0*d", p+p%2, len(value)))...)
		}
		switch {
		case n == 23:
			body = append(body, nibbles("0"+value)...)
		case wire[n].digits && !(n == 53 && m.derived):
			body = append(body, nibbles(value)...)
		default:
			body = append(body, value...)
		}
	}
	return append(append(nibbles(m.mti), bitmap[:]...), body...)
}

// nibbles packs two characters a byte; = is D.
func nibbles(text string) []byte {
	text = strings.ReplaceAll(text, "=", "D")
	if len(text)%2 == 1 {
		text += "0"
	}
	b, err := hex.DecodeString(text)
	if err != nil {
		panic(err) // a test's own text
	}
	return b
}

// framed puts length, TPDU and header before a packed message.
func framed(body []byte) []byte {
	content := append(nibbles("6000030000"+"603100310000"), body...)
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(content))), content...)
}

// bodyAt is where the message begins in a frame.
const bodyAt = 2 + 5 + 6
