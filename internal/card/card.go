// Package card knows what a payment card or a wallet shows to a terminal: a number,
// tracks, a PIN, a PIN block, a payment code; and the secrets that a payment needs
// on its way. It refuses to let any of them be printed,
// logged or serialised: every type here formats masked and fails to marshal,
// and only a method named Reveal hands out the clear value (PCI DSS 3.3, 3.4).
package card

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"unique"
)

// ErrSecret is what every marshaller of a card secret returns.
var ErrSecret = errors.New("card: a card secret does not serialise")

// ErrPAN says that a text is no primary account number. It never repeats the text.
var ErrPAN = errors.New("card: not a card number")

// PAN is a primary account number of 12 to 19 digits with a valid Luhn check
// digit (ISO/IEC 7812-1). PANs compare with ==. The zero PAN is empty and masks to "".
//
// The digits are behind a handle because fmt calls no methods on unexported
// fields of other structs: there it prints a handle's address.
type PAN struct{ digits unique.Handle[string] }

// ParsePAN checks length, digits and the Luhn check digit. The error does not hold the input.
func ParsePAN(s string) (PAN, error) {
	if len(s) < 12 || len(s) > 19 {
		return PAN{}, fmt.Errorf("%w: %d digits, want 12 to 19", ErrPAN, len(s))
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return PAN{}, fmt.Errorf("%w: position %d is no digit", ErrPAN, i)
		}
	}
	if luhn(s) != 0 {
		return PAN{}, fmt.Errorf("%w: wrong check digit", ErrPAN)
	}
	return PAN{unique.Make(s)}, nil
}

// CheckDigit returns the Luhn check digit, 0 to 9, that completes digits.
// Anything but digits gives a meaningless answer, never a panic.
func CheckDigit(digits string) int { return luhn(digits + "0") }

// luhn returns the amount that the last digit of s must grow by, modulo 10; 0 means valid.
func luhn(s string) int {
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return (10 - sum%10) % 10
}

// Reveal returns the clear digits. Callers hold them for one cryptographic or wire operation only.
func (p PAN) Reveal() string {
	if p.IsZero() {
		return ""
	}
	return p.digits.Value()
}

// IsZero reports whether there is no number.
func (p PAN) IsZero() bool { return p == PAN{} }

// Equal is ==.
func (p PAN) Equal(other PAN) bool { return p == other }

// BIN is the first six digits, which PCI DSS 3.4.1 allows to show; "" for the zero PAN.
func (p PAN) BIN() string {
	if p.IsZero() {
		return ""
	}
	return p.Reveal()[:6]
}

// Last4 is the last four digits; "" for the zero PAN.
func (p PAN) Last4() string {
	if p.IsZero() {
		return ""
	}
	digits := p.Reveal()
	return digits[len(digits)-4:]
}

// String masks: first six, stars, last four.
func (p PAN) String() string {
	if p.IsZero() {
		return ""
	}
	return p.BIN() + strings.Repeat("*", len(p.Reveal())-10) + p.Last4()
}

// Format prints the mask for every verb, %#v and %x included.
func (p PAN) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(p.String())) }

// LogValue masks in structured logs.
func (p PAN) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalText refuses, and with it JSON and XML.
func (p PAN) MarshalText() ([]byte, error) { return nil, ErrSecret }

// MarshalBinary refuses, and with it gob.
func (p PAN) MarshalBinary() ([]byte, error) { return nil, ErrSecret }

// Track is the text of magnetic track 2 or 3, digits and '=' separators, as
// field 35 or 36 carries it. While it is enciphered under a TDK it may hold A–F.
// Sensitive authentication data: never kept after authorization (PCI DSS 3.3.1).
type Track struct{ secret }

// NewTrack wraps s. It checks nothing: what a terminal sent may be enciphered.
func NewTrack(s string) Track { return Track{hide([]byte(s))} }

// ErrTrack says that a text is no clear track 2. It never repeats the text.
var ErrTrack = errors.New("card: not a track 2")

// Split takes a clear track 2 apart: number, expiry YYMM, and the rest from the
// service code on. The separator may be 'D' and the end padded with 'F', as in
// the chip's equivalent data (EMV tag 57).
func (t Track) Split() (pan PAN, expiry, rest string, err error) {
	text := strings.TrimRight(string(t.Reveal()), "F")
	at := strings.IndexAny(text, "=D")
	if at < 0 || len(text) < at+5 || strings.Trim(text[at+1:at+5], "0123456789") != "" {
		return PAN{}, "", "", fmt.Errorf("%w: no separator or no expiry", ErrTrack)
	}
	if pan, err = ParsePAN(text[:at]); err != nil {
		return PAN{}, "", "", fmt.Errorf("%w: %w", ErrTrack, err)
	}
	return pan, text[at+1 : at+5], text[at+5:], nil
}

// Equal compares in constant time.
func (t Track) Equal(other Track) bool { return t.equal(other.secret) }

// PIN is a clear cardholder PIN, 4 to 12 digits. It exists in a terminal and
// inside an issuer; Hawker's host holds one only while the keystore translates
// its block.
type PIN struct{ secret }

// NewPIN checks ISO 9564-1's length of 4 to 12 digits.
func NewPIN(s string) (PIN, error) {
	if len(s) < 4 || len(s) > 12 || strings.Trim(s, "0123456789") != "" {
		return PIN{}, errors.New("card: a PIN has 4 to 12 digits")
	}
	return PIN{hide([]byte(s))}, nil
}

// Equal compares in constant time.
func (p PIN) Equal(other PIN) bool { return p.equal(other.secret) }

// PINBlock is an enciphered PIN block of field 52: eight bytes, or sixteen in
// format 4 of ISO 9564-1, which AES protects.
type PINBlock struct{ secret }

// NewPINBlock wraps b, which must have eight or sixteen bytes.
func NewPINBlock(b []byte) (PINBlock, error) {
	if len(b) != 8 && len(b) != 16 {
		return PINBlock{}, fmt.Errorf("card: a PIN block has 8 or 16 bytes, got %d", len(b))
	}
	return PINBlock{hide(append([]byte(nil), b...))}, nil
}

// Equal compares in constant time.
func (b PINBlock) Equal(other PINBlock) bool { return b.equal(other.secret) }
