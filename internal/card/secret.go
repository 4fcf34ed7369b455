package card

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// secret holds bytes that print as "[secret]". Copies share them, so that one
// Wipe ends them all. A function hands them out, because fmt calls no methods on
// unexported fields of other structs and follows pointers (%s does, though %v
// does not), but prints a function as an address. Neither does it compare with
// ==, which would compare addresses: use Equal.
type secret struct{ cell func() *[]byte }

func hide(b []byte) secret { return secret{func() *[]byte { return &b }} }

const hidden = "[secret]"

// Reveal returns the clear bytes themselves, not a copy; nil when there are none.
// They are zeroed by Wipe.
func (s secret) Reveal() []byte {
	if s.cell == nil {
		return nil
	}
	return *s.cell()
}

// IsZero reports whether there is nothing.
func (s secret) IsZero() bool { return len(s.Reveal()) == 0 }

// Wipe overwrites the bytes with zeros and forgets their number.
func (s secret) Wipe() {
	if s.cell != nil {
		cell := s.cell()
		clear(*cell)
		*cell = nil
	}
}

func (s secret) equal(other secret) bool {
	return subtle.ConstantTimeCompare(s.Reveal(), other.Reveal()) == 1
}

// String hides the value.
func (s secret) String() string { return hidden }

// Format hides the value for every verb.
func (s secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// LogValue hides the value in structured logs.
func (s secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText refuses, and with it JSON and XML.
func (s secret) MarshalText() ([]byte, error) { return nil, ErrSecret }

// MarshalBinary refuses, and with it gob.
func (s secret) MarshalBinary() ([]byte, error) { return nil, ErrSecret }
