package qr

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"hawker/internal/card"
)

// CustomerCode is what a customer shows to pay: one use, within about a minute.
// Whoever has it can charge the customer, so it prints masked and does not
// serialise. The zero CustomerCode is none.
//
// A function holds the text, because fmt calls no methods on unexported fields
// of other structs, but prints a function as an address. Compare with Equal.
type CustomerCode struct {
	scheme Scheme
	text   func() string
}

func newCustomerCode(s Scheme, text string) CustomerCode {
	return CustomerCode{s, func() string { return text }}
}

// Scheme is whose code it is.
func (c CustomerCode) Scheme() Scheme { return c.scheme }

// Reveal returns the clear code, for the one request that spends it; "" for the zero code.
func (c CustomerCode) Reveal() string {
	if c.text == nil {
		return ""
	}
	return c.text()
}

// IsZero reports whether there is no code.
func (c CustomerCode) IsZero() bool { return c.text == nil }

// Equal compares in constant time.
func (c CustomerCode) Equal(other CustomerCode) bool {
	return c.scheme == other.scheme && subtle.ConstantTimeCompare([]byte(c.Reveal()), []byte(other.Reveal())) == 1
}

// String shows the scheme, and of a numeric code the first two digits, which
// tell the scheme anyway, and the last two.
func (c CustomerCode) String() string {
	text := c.Reveal()
	switch {
	case text == "":
		return ""
	case len(text) < 8 || !digits(text):
		return string(c.scheme) + " [code]"
	}
	return string(c.scheme) + " " + text[:2] + strings.Repeat("*", len(text)-4) + text[len(text)-2:]
}

// Format masks for every verb.
func (c CustomerCode) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue masks in structured logs.
func (c CustomerCode) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText refuses, and with it JSON and XML.
func (c CustomerCode) MarshalText() ([]byte, error) { return nil, card.ErrSecret }

// MarshalBinary refuses, and with it gob.
func (c CustomerCode) MarshalBinary() ([]byte, error) { return nil, card.ErrSecret }

// digits reports whether s is not empty and has ASCII digits only.
func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
