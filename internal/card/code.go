package card

import (
	"errors"
	"strings"
)

// Code is the payment code that a customer's wallet shows (付款码). Until it
// expires, about a minute after it was drawn, it pays for whoever holds it, so
// it is a secret like a track; it pays once.
type Code struct{ secret }

// ErrCode says that a text is no payment code. It never repeats the text.
var ErrCode = errors.New("card: not a payment code")

// NewCode takes 16 to 24 digits; which wallet they belong to is another question.
func NewCode(s string) (Code, error) {
	if len(s) < 16 || len(s) > 24 || strings.Trim(s, "0123456789") != "" {
		return Code{}, ErrCode
	}
	return Code{hide([]byte(s))}, nil
}

// Secret is a private key or an API key that a payment needs on its way. It
// prints and serialises as the other secrets do: not at all.
type Secret struct{ secret }

// NewSecret wraps a copy of b. It checks nothing.
func NewSecret(b []byte) Secret { return Secret{hide(append([]byte(nil), b...))} }
