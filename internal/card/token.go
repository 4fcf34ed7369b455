package card

import (
	"errors"
	"strings"
)

// Token stands for a card number outside the vault: "tok_" and 26 characters
// of lower-case base32. It says nothing about the number and may be stored,
// shown and logged. The zero Token stands for no card.
type Token string

// TokenPrefix begins every token.
const TokenPrefix = "tok_"

const (
	tokenSize     = 26 // 128 bits, five a character
	tokenAlphabet = "abcdefghijklmnopqrstuvwxyz234567"
)

// ErrToken says that a text is no token. It never repeats the text, which may
// be a card number in the wrong place.
var ErrToken = errors.New("card: not a token")

// ParseToken checks the form; whether the vault knows the token is another question.
func ParseToken(s string) (Token, error) {
	body, ok := strings.CutPrefix(s, TokenPrefix)
	if !ok || len(body) != tokenSize || strings.Trim(body, tokenAlphabet) != "" {
		return "", ErrToken
	}
	return Token(s), nil
}
