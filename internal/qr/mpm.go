package qr

import (
	"fmt"
	"strings"

	"hawker/internal/money"
)

// Initiation says whether a code serves many payments or one.
type Initiation string

// The points of initiation. The zero Initiation is one that the code does not state.
const (
	Static  Initiation = "11" // a plate: the same code for many payments
	Dynamic Initiation = "12" // one payment
)

// MPM is EMVCo's merchant-presented code as a value. Source: EMVCo, EMV QR Code
// Specification for Payment Systems, Merchant-Presented Mode 1.1.
type MPM struct {
	Initiation Initiation
	Accounts   []Template // ids 2 to 51: where to pay, at least one
	MCC        string     // merchant category code, four digits
	Currency   money.Currency
	Amount     money.Amount // positive, of Currency; the zero Amount: the payer enters it
	Tip        Tip
	Country    string // ISO 3166-1 alpha 2
	Name       string // of the merchant, 1 to 25 ASCII characters
	City       string // 1 to 15 ASCII characters
	PostalCode string // "" or up to 10 ASCII characters
	Additional Additional
	Language   Language
	Unreserved []Template // ids 80 to 99
}

// Template is what one scheme or system put into a code. Ids 2 to 25 have a
// Value; all others have a GUID and Objects.
type Template struct {
	ID      int
	Value   string   // as the scheme defines, up to 99 ASCII characters
	GUID    string   // who defines the objects: an AID, a UUID or a reversed domain name, up to 32 characters
	Objects []Object // may be none
}

// Object is one data object inside a Template.
type Object struct {
	ID    int    // 1 to 99
	Value string // 1 to 99 characters
}

// TipKind says who decides on a tip or convenience fee.
type TipKind string

// The kinds. The zero TipKind is no tip.
const (
	TipPrompt  TipKind = "01" // the payer is asked
	TipFixed   TipKind = "02"
	TipPercent TipKind = "03"
)

// Tip is what the payer adds to the amount.
type Tip struct {
	Kind    TipKind
	Fixed   money.Amount      // of TipFixed only, positive
	Percent money.BasisPoints // of TipPercent only, 1 to 9999
}

// Additional is what the merchant wants to see again, or "***" for what the
// payer shall be asked for. Empty texts are left out.
type Additional struct {
	Bill      string // up to 25 characters, like the next seven
	Mobile    string
	Store     string
	Loyalty   string
	Reference string
	Customer  string
	Terminal  string
	Purpose   string
	Request   string     // what of the payer is wanted: some of A (address), M (mobile), E (email)
	TaxID     string     // up to 20 characters
	Channel   string     // three characters: medium, place, presence
	Systems   []Template // ids 50 to 99
}

// Language is the merchant in its own language; the zero Language is left out.
type Language struct {
	Code string // ISO 639, "ZH"
	Name string // 1 to 25 characters
	City string // "" or up to 15 characters
}

// Where UnionPay's account stands among the ids.
const (
	UnionPayID  = 15
	UnionPayID2 = 16
)

// UnionPayAccount is UnionPay's template: acquirer and forwarder of eight digits,
// merchant of fifteen characters. What has another length is ErrEMVCo.
func UnionPayAccount(acquirer, forwarder, mid string) (Template, error) {
	for _, part := range []struct {
		text, want string
		ok         bool
	}{
		{acquirer, "an acquirer of 8 digits", len(acquirer) == 8 && digits(acquirer)},
		{forwarder, "a forwarder of 8 digits", len(forwarder) == 8 && digits(forwarder)},
		{mid, "a merchant of 15 letters and digits", len(mid) == 15 && letters(mid)},
	} {
		if !part.ok {
			return Template{}, ErrEMVCo.Wrap(&FormatError{"15", -1, part.want, fmt.Sprintf("%.40q", part.text)})
		}
	}
	return Template{ID: UnionPayID, Value: acquirer + forwarder + mid}, nil
}

// UnionPay takes UnionPay's account apart; ok is false when the code has none of
// UnionPay's form.
func (m MPM) UnionPay() (acquirer, forwarder, mid string, ok bool) {
	for _, a := range m.Accounts {
		if (a.ID == UnionPayID || a.ID == UnionPayID2) && len(a.Value) == 31 && digits(a.Value[:16]) && letters(a.Value[16:]) {
			return a.Value[:8], a.Value[8:16], a.Value[16:], true
		}
	}
	return "", "", "", false
}

func letters(s string) bool {
	return s != "" && strings.Trim(s, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == ""
}
