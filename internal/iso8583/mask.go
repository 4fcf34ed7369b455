package iso8583

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
)

// ErrSecret is what every marshaller of this package returns.
var ErrSecret = errors.New("iso8583: what may hold card data does not serialise")

// hiddenFields print as their length in every profile: tracks, PIN block, keys,
// MACs, and whatever private data may hold any of them. A Message does not know its profile.
var hiddenFields = map[int]bool{
	35: true, 36: true, 45: true, 48: true, 52: true, 55: true, 57: true, 59: true, 62: true, 64: true, 128: true,
}

// String is the MTI and the fields with card data masked: for the log.
func (m Message) String() string {
	var s strings.Builder
	s.WriteString(printable([]byte(m.MTI)))
	for _, e := range m.fields {
		fmt.Fprintf(&s, " %d=%s", e.number, maskField(int(e.number), e.value))
	}
	return s.String()
}

// Format prints String for every verb, so that no verb shows more. The
// receiver is a value: a Message printed without its address is masked too.
func (m Message) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(m.String())) }

// LogValue groups MTI and masked fields in structured logs.
func (m Message) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("mti", printable([]byte(m.MTI)))}
	for _, e := range m.fields {
		attrs = append(attrs, slog.String("f"+strconv.Itoa(int(e.number)), maskField(int(e.number), e.value)))
	}
	return slog.GroupValue(attrs...)
}

// MarshalJSON refuses: a message may hold card data.
func (m Message) MarshalJSON() ([]byte, error) { return nil, ErrSecret }

// MarshalText refuses: a message may hold card data.
func (m Message) MarshalText() ([]byte, error) { return nil, ErrSecret }

// Format prints String for every verb.
func (f Frame) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(f.String())) }

// LogValue hides the body in structured logs.
func (f Frame) LogValue() slog.Value { return slog.StringValue(f.String()) }

// MarshalJSON refuses: a frame may hold card data.
func (f Frame) MarshalJSON() ([]byte, error) { return nil, ErrSecret }

// MarshalText refuses: a frame may hold card data.
func (f Frame) MarshalText() ([]byte, error) { return nil, ErrSecret }

func maskField(n int, value []byte) string {
	switch {
	case hiddenFields[n]:
		return lengthOnly(value)
	case n == 2:
		return maskPAN(value)
	case n == 43 || n == 63:
		return printable([]byte(DecodeText(value)))
	default:
		return printable(value)
	}
}

// maskPAN shows the first six and last four of 12 to 19 digits, of anything else the length only.
func maskPAN(value []byte) string {
	if len(value) == 0 {
		return ""
	}
	if len(value) < 12 || len(value) > 19 || badDigit(value) >= 0 {
		return lengthOnly(value)
	}
	return string(value[:6]) + strings.Repeat("*", len(value)-10) + string(value[len(value)-4:])
}

func lengthOnly(value []byte) string { return "[" + strconv.Itoa(len(value)) + "]" }

// printable is text that fits into one line of a log: as it is when it is
// plain, else quoted with its odd bytes escaped.
func printable(text []byte) string {
	for _, r := range string(text) {
		if r == '"' || r == '\\' || !strconv.IsPrint(r) || r == '\uFFFD' {
			return strconv.Quote(string(text))
		}
	}
	if len(text) > 0 && (text[0] == ' ' || text[len(text)-1] == ' ') {
		return strconv.Quote(string(text))
	}
	return string(text)
}
