// Package money holds amounts of money and the arithmetic that loses no fen.
// Amounts are signed integers of minor units with their currency; there are no
// floats, no implicit conversions and no unchecked overflow.
package money

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Errors that arithmetic and parsing return; match with errors.Is.
var (
	ErrCurrency = errors.New("money: currencies differ or are unknown")
	ErrOverflow = errors.New("money: amount out of range")
	ErrSyntax   = errors.New("money: not an amount")
)

// Amount is signed money in minor units (CNY: fen). The zero Amount has no
// currency and adds to nothing.
type Amount struct {
	minor    int64
	currency Currency
}

// New makes an amount of minor units. c must be a known currency or Add and Format refuse it.
func New(minor int64, c Currency) Amount { return Amount{minor, c} }

// Zero is nothing of a currency.
func Zero(c Currency) Amount { return Amount{0, c} }

// Minor returns the minor units.
func (a Amount) Minor() int64 { return a.minor }

// Currency returns the ISO 4217 code.
func (a Amount) Currency() Currency { return a.currency }

// IsZero reports whether there is no money, of whatever currency.
func (a Amount) IsZero() bool { return a.minor == 0 }

// Sign is -1, 0 or 1.
func (a Amount) Sign() int {
	switch {
	case a.minor < 0:
		return -1
	case a.minor > 0:
		return 1
	}
	return 0
}

// Neg changes the sign. It cannot overflow: New's callers never hold math.MinInt64, Add refuses it.
func (a Amount) Neg() Amount { return Amount{-a.minor, a.currency} }

// Add returns a + b, or ErrCurrency or ErrOverflow.
func (a Amount) Add(b Amount) (Amount, error) {
	if a.currency != b.currency || !a.currency.Known() {
		return Amount{}, fmt.Errorf("%w: %s and %s", ErrCurrency, a.currency, b.currency)
	}
	sum := a.minor + b.minor
	if (b.minor > 0 && sum < a.minor) || (b.minor < 0 && sum > a.minor) || sum == math.MinInt64 {
		return Amount{}, ErrOverflow
	}
	return Amount{sum, a.currency}, nil
}

// Sub returns a - b, or ErrCurrency or ErrOverflow.
func (a Amount) Sub(b Amount) (Amount, error) { return a.Add(b.Neg()) }

// Cmp compares two amounts of one currency: -1, 0 or 1, or ErrCurrency.
func (a Amount) Cmp(b Amount) (int, error) {
	d, err := a.Sub(b)
	return d.Sign(), err
}

// BasisPoints is a rate in hundredths of a percent: 60 is 0.60 %.
type BasisPoints int32

// Rounding says where half a minor unit goes.
type Rounding int

// HalfUp rounds half away from zero: the one rounding of fees, see docs/decisions.
// Down cuts towards zero.
const (
	HalfUp Rounding = iota
	Down
)

// Split takes rate of a, rounded as told: part + rest == a, always.
// A rate below 0 or above 10000 is ErrOverflow.
func (a Amount) Split(rate BasisPoints, r Rounding) (part, rest Amount, err error) {
	if rate < 0 || rate > 10000 {
		return Amount{}, Amount{}, fmt.Errorf("%w: %d basis points", ErrOverflow, rate)
	}
	return a.Share(int64(rate), 10000, r)
}

// Share takes num/den of a, 0 <= num <= den, den > 0, rounded as told; part + rest == a.
func (a Amount) Share(num, den int64, r Rounding) (part, rest Amount, err error) {
	if den <= 0 || num < 0 || num > den || a.minor == math.MinInt64 {
		return Amount{}, Amount{}, fmt.Errorf("%w: share %d of %d", ErrOverflow, num, den)
	}
	n := a.minor
	if n < 0 {
		n = -n
	}
	hi, lo := bits.Mul64(uint64(n), uint64(num)) //nolint:gosec // neither is negative
	if r == HalfUp {
		var carry uint64
		lo, carry = bits.Add64(lo, uint64(den)/2, 0)
		hi += carry
	}
	q, _ := bits.Div64(hi, lo, uint64(den)) // num <= den, so hi < den
	p := int64(q)                           //nolint:gosec // q <= |a.minor|, which fits
	if a.minor < 0 {
		p = -p
	}
	return Amount{p, a.currency}, Amount{a.minor - p, a.currency}, nil
}

// Decimal writes the amount with its currency's decimals and no code: "46.50".
func (a Amount) Decimal() string {
	exp := a.currency.Exponent()
	s := strconv.FormatInt(a.minor, 10)
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	if exp > 0 {
		if len(s) <= exp {
			s = strings.Repeat("0", exp-len(s)+1) + s
		}
		s = s[:len(s)-exp] + "." + s[len(s)-exp:]
	}
	if neg {
		return "-" + s
	}
	return s
}

// String is decimal and code: "46.50 CNY".
func (a Amount) String() string { return a.Decimal() + " " + string(a.currency) }

// Parse reads a plain decimal such as "46.50" or "46.5" in c: optional minus,
// no signs of grouping, no more decimals than the currency has.
func Parse(s string, c Currency) (Amount, error) {
	if !c.Known() {
		return Amount{}, fmt.Errorf("%w: %q", ErrCurrency, string(c))
	}
	digits, neg := strings.CutPrefix(s, "-")
	whole, frac, point := strings.Cut(digits, ".")
	exp := c.Exponent()
	if whole == "" || len(whole) > 18 || len(frac) > exp || (point && frac == "") ||
		strings.Trim(whole+frac, "0123456789") != "" {
		return Amount{}, fmt.Errorf("%w: want digits with at most %d decimals", ErrSyntax, exp)
	}
	n, err := strconv.ParseInt(whole+frac+strings.Repeat("0", exp-len(frac)), 10, 64)
	if err != nil {
		return Amount{}, ErrOverflow
	}
	if neg {
		n = -n
	}
	return Amount{n, c}, nil
}

type wire struct {
	Minor    int64    `json:"amount_minor"`
	Currency Currency `json:"currency"`
}

// MarshalJSON writes {"amount_minor":4650,"currency":"CNY"}.
func (a Amount) MarshalJSON() ([]byte, error) { return json.Marshal(wire{a.minor, a.currency}) }

// UnmarshalJSON reads what MarshalJSON writes and refuses unknown currencies.
func (a *Amount) UnmarshalJSON(b []byte) error {
	var w wire
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	if !w.Currency.Known() {
		return fmt.Errorf("%w: %q", ErrCurrency, string(w.Currency))
	}
	*a = Amount{w.Minor, w.Currency}
	return nil
}
