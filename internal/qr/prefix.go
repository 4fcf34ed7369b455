package qr

import (
	"slices"
	"strings"
)

// Prefix is one row of how customers' codes are told apart: codes of a scheme
// have Min to Max digits and begin with From to To, which are of one length.
type Prefix struct {
	Scheme   Scheme
	From, To string // both included
	Min, Max int    // digits, both included
}

func (p Prefix) begins(text string) bool {
	n := len(p.From)
	return len(text) >= n && p.From <= text[:n] && text[:n] <= p.To
}

// AID is one row of how EMVCo's customer-presented codes are told apart: by the
// first bytes of their application's identifier (ISO/IEC 7816-4), in hexadecimal.
type AID struct {
	Scheme Scheme
	RID    string
}

// Prefixes is a table of customers' codes. Wallets have widened their ranges
// before, so it is data; an institution that takes more wallets adds rows.
type Prefixes struct {
	Digits []Prefix
	AIDs   []AID
}

// Known is what the wallets publish or their partners agree on: WeChat Pay's
// 18 digits from 10 to 15, Alipay's 16 to 24 digits from 25 to 30, UnionPay's 19
// digits with 62, the digital yuan's 19 digits with 01 (the last from one source
// only), and UnionPay's registered application provider, A000000333.
//
// One source gives 19 digits with 62 to JD as well; that row would make the code
// ambiguous, and is left out.
var Known = Prefixes{
	Digits: []Prefix{
		{WeChat, "10", "15", 18, 18},
		{Alipay, "25", "30", 16, 24},
		{UnionPay, "62", "62", 19, 19},
		{ECNY, "01", "01", 19, 19},
	},
	AIDs: []AID{{UnionPay, "A000000333"}},
}

// Recognise reads what a scanner gave where a customer's code was wanted, and
// tells the scheme: the method is recognised, not chosen. Blanks around the
// code, as scanners add them, mean nothing. The errors are ErrUnknown,
// ErrAmbiguous, ErrLength, ErrMerchantCode, and ErrEMVCo for a broken
// customer-presented code; none repeats the code.
func (p Prefixes) Recognise(text string) (CustomerCode, error) {
	text = strings.TrimSpace(text)
	switch {
	case merchantCode(text):
		return CustomerCode{}, ErrMerchantCode
	case strings.HasPrefix(text, cpmStart):
		return p.presented(text)
	case !digits(text):
		return CustomerCode{}, ErrUnknown.With("%d bytes, not digits only", len(text))
	}
	var begin, whole []Prefix
	for _, row := range p.Digits {
		if !row.begins(text) {
			continue
		}
		begin = append(begin, row)
		if row.Min <= len(text) && len(text) <= row.Max {
			whole = append(whole, row)
		}
	}
	switch {
	case len(begin) == 0:
		return CustomerCode{}, ErrUnknown.With("%d digits, no scheme's prefix", len(text))
	case len(whole) == 0:
		return CustomerCode{}, ErrLength.With("%d digits, %s has %d to %d", len(text), begin[0].Scheme, begin[0].Min, begin[0].Max)
	}
	return one(text, whole, func(row Prefix) Scheme { return row.Scheme })
}

// presented recognises EMVCo's customer-presented code by its applications.
func (p Prefixes) presented(text string) (CustomerCode, error) {
	cpm, err := ParseCPM(text)
	if err != nil {
		return CustomerCode{}, err
	}
	var found []AID
	for _, app := range cpm.Applications() {
		for _, row := range p.AIDs {
			if strings.HasPrefix(app.AID, row.RID) {
				found = append(found, row)
			}
		}
	}
	return one(text, found, func(row AID) Scheme { return row.Scheme })
}

// one is the code when all rows are of one scheme.
func one[R any](text string, rows []R, scheme func(R) Scheme) (CustomerCode, error) {
	var found []Scheme
	for _, row := range rows {
		if s := scheme(row); !slices.Contains(found, s) {
			found = append(found, s)
		}
	}
	switch len(found) {
	case 0:
		return CustomerCode{}, ErrUnknown.With("no application of a scheme that we know")
	case 1:
		return newCustomerCode(found[0], text), nil
	}
	return CustomerCode{}, ErrAmbiguous.With("%v", found)
}

// merchantCode tells what a merchant shows from what a customer shows.
func merchantCode(text string) bool {
	return link(text) || strings.HasPrefix(text, mpmStart)
}

func link(text string) bool {
	scheme, _, ok := strings.Cut(text, "://")
	return ok && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https"))
}
