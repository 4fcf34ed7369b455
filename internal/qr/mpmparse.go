package qr

import (
	"errors"
	"fmt"
	"strings"

	"hawker/internal/money"
)

// ParseMPM reads a merchant-presented code and holds it against the whole
// specification. Objects that are reserved are passed over. The errors are
// ErrEMVCo and ErrCRC, each with a *FormatError.
func ParseMPM(text string) (MPM, error) {
	list, bad := read(text)
	if bad != nil {
		return MPM{}, ErrEMVCo.Wrap(bad)
	}
	if bad := checkCRC(text, list); bad != nil {
		return MPM{}, ErrCRC.Wrap(bad)
	}
	m, bad := assemble(list)
	if bad != nil {
		return MPM{}, ErrEMVCo.Wrap(bad)
	}
	return m, nil
}

// checkCRC compares the last object with the bytes before its value.
func checkCRC(text string, list []object) *FormatError {
	last := list[len(list)-1]
	if want := checkValue(text[:len(text)-len(last.value)]); last.value != want {
		return last.wrong(0, want, last.value)
	}
	return nil
}

// checkValue is of all that stands before it, "6304" included.
func checkValue(text string) string { return fmt.Sprintf("%04X", crc([]byte(text))) }

// assemble turns objects into a value, and checks what depends on several of them.
func assemble(list []object) (m MPM, bad *FormatError) {
	for _, o := range list {
		switch {
		case o.id >= 2 && o.id <= 51:
			m.Accounts = append(m.Accounts, o.template())
		case o.id >= 80:
			m.Unreserved = append(m.Unreserved, o.template())
		}
	}
	text := func(id int) string {
		o, _ := find(list, id)
		return o.value
	}
	m.Initiation = Initiation(text(1))
	m.MCC, m.Country, m.Name, m.City, m.PostalCode = text(52), text(58), text(59), text(60), text(61)
	if o, _ := find(list, 58); strings.Trim(o.value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return m, o.wrong(0, "two capital letters", fmt.Sprintf("%q", o.value))
	}
	o, _ := find(list, 53)
	var ok bool
	if m.Currency, ok = money.ByNumeric(o.value); !ok {
		return m, o.wrong(0, "a currency of ISO 4217 that we know", o.value)
	}
	if o, ok := find(list, 54); ok {
		if m.Amount, bad = o.amount(m.Currency); bad != nil {
			return m, bad
		}
	}
	if m.Tip, bad = tip(list, m.Currency); bad != nil {
		return m, bad
	}
	if o, ok := find(list, 62); ok {
		if m.Additional, bad = additional(o.inner); bad != nil {
			return m, bad
		}
	}
	if o, ok := find(list, 64); ok {
		for i, to := range []*string{&m.Language.Code, &m.Language.Name, &m.Language.City} {
			part, _ := find(o.inner, i)
			*to = part.value
		}
	}
	return m, nil
}

func (o object) template() Template {
	t := Template{ID: o.id}
	if o.rule.inner == nil {
		t.Value = o.value
		return t
	}
	for _, in := range o.inner {
		if in.id == 0 {
			t.GUID = in.value
		} else {
			t.Objects = append(t.Objects, Object{in.id, in.value})
		}
	}
	return t
}

// amount reads a positive decimal of c.
func (o object) amount(c money.Currency) (money.Amount, *FormatError) {
	a, err := money.Parse(o.value, c)
	if err != nil || a.Sign() <= 0 {
		return money.Amount{}, o.wrong(0, fmt.Sprintf("a positive amount with at most %d decimals", c.Exponent()), fmt.Sprintf("%q", o.value))
	}
	return a, nil
}

// tip reads objects 55 to 57: the kind says which of the others must be there, and neither may be without it.
func tip(list []object, c money.Currency) (t Tip, bad *FormatError) {
	kind, _ := find(list, 55)
	t.Kind = TipKind(kind.value)
	for _, want := range []struct {
		id   int
		kind TipKind
	}{{56, TipFixed}, {57, TipPercent}} {
		o, there := find(list, want.id)
		switch {
		case there && t.Kind != want.kind:
			return t, &FormatError{o.path, o.at, "only beside 5502" + string(want.kind), "it"}
		case !there && t.Kind == want.kind:
			return t, kind.wrong(0, fmt.Sprintf("%d beside it", want.id), "none")
		case there && want.id == 56:
			t.Fixed, bad = o.amount(c)
		case there:
			t.Percent, bad = o.percent()
		}
		if bad != nil {
			return t, bad
		}
	}
	return t, nil
}

// percent reads 00.01 to 99.99 as basis points.
func (o object) percent() (money.BasisPoints, *FormatError) {
	a, err := money.Parse(o.value, money.CNY) // which has two decimals, as percentages here
	if err != nil || a.Minor() < 1 || a.Minor() > 9999 {
		return 0, o.wrong(0, "a percentage from 0.01 to 99.99", fmt.Sprintf("%q", o.value))
	}
	return money.BasisPoints(a.Minor()), nil //nolint:gosec // below 10000
}

// texts are the simple objects of the additional data, by id from 1.
func (a *Additional) texts() []*string {
	return []*string{&a.Bill, &a.Mobile, &a.Store, &a.Loyalty, &a.Reference, &a.Customer, &a.Terminal, &a.Purpose, &a.Request, &a.TaxID, &a.Channel}
}

func additional(list []object) (a Additional, bad *FormatError) {
	for i, to := range a.texts() {
		o, _ := find(list, i+1)
		*to = o.value
	}
	if o, ok := find(list, 9); ok && !request(a.Request) {
		return a, o.wrong(0, "A, M and E, each at most once", fmt.Sprintf("%q", o.value))
	}
	for _, o := range list {
		if o.id >= 50 {
			a.Systems = append(a.Systems, o.template())
		}
	}
	return a, nil
}

// request reports whether text asks for address, mobile or email, each at most once.
func request(text string) bool {
	for i, c := range text {
		if !strings.ContainsRune("AME", c) || strings.ContainsRune(text[:i], c) {
			return false
		}
	}
	return true
}

// Malformed finds the precise complaint in an error of this package; nil when there is none.
func Malformed(err error) *FormatError {
	var bad *FormatError
	_ = errors.As(err, &bad)
	return bad
}
