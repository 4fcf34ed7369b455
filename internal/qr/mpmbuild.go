package qr

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"hawker/internal/money"
)

// Build writes the code, its check value last. What ParseMPM would not give back
// as it is, is ErrEMVCo with the field.
func (m MPM) Build() (string, error) {
	var b builder
	b.text(0, "01")
	b.text(1, string(m.Initiation))
	b.templates(2, 51, m.Accounts)
	b.text(52, m.MCC)
	b.text(53, m.Currency.Numeric())
	b.amount(54, m.Amount, m.Currency)
	b.tip(m.Tip, m.Currency)
	b.text(58, m.Country)
	b.text(59, m.Name)
	b.text(60, m.City)
	b.text(61, m.PostalCode)
	b.template(62, func(b *builder) {
		for i, text := range m.Additional.texts() {
			b.text(i+1, *text)
		}
		b.templates(50, 99, m.Additional.Systems)
	})
	b.template(64, func(b *builder) {
		for i, text := range []string{m.Language.Code, m.Language.Name, m.Language.City} {
			b.text(i, text)
		}
	})
	b.templates(80, 99, m.Unreserved)
	if b.bad != nil {
		return "", ErrEMVCo.Wrap(b.bad)
	}
	text := b.out.String() + "6304"
	text += checkValue(text)
	if _, err := ParseMPM(text); err != nil {
		return "", err
	}
	return text, nil
}

// builder writes objects and keeps the first complaint.
type builder struct {
	out  strings.Builder
	path string
	bad  *FormatError
}

func (b *builder) refuse(id int, expected, got string) {
	if b.bad == nil {
		b.bad = &FormatError{fmt.Sprintf("%s%02d", b.path, id), -1, expected, got}
	}
}

// text writes one object; an empty one is left out.
func (b *builder) text(id int, value string) {
	n := utf8.RuneCountInString(value)
	if n > 99 {
		b.refuse(id, "at most 99 characters", strconv.Itoa(n))
	}
	if n > 0 {
		_, _ = fmt.Fprintf(&b.out, "%02d%02d%s", id, n, value)
	}
}

// template writes what inside writes, if that is anything.
func (b *builder) template(id int, inside func(*builder)) {
	in := builder{path: fmt.Sprintf("%s%02d.", b.path, id)}
	inside(&in)
	if in.bad != nil && b.bad == nil {
		b.bad = in.bad
	}
	b.text(id, in.out.String())
}

// templates writes those of ids first to last.
func (b *builder) templates(first, last int, list []Template) {
	for _, t := range list {
		simple := first == 2 && t.ID <= 25
		switch {
		case t.ID < first || t.ID > last:
			b.refuse(t.ID, fmt.Sprintf("an id from %02d to %02d", first, last), strconv.Itoa(t.ID))
		case simple && (t.Value == "" || t.GUID != "" || t.Objects != nil):
			b.refuse(t.ID, "a value and nothing else", "something else")
		case !simple && (t.Value != "" || t.GUID == ""):
			b.refuse(t.ID, "an identifier and objects", "something else")
		case simple:
			b.text(t.ID, t.Value)
		default:
			b.template(t.ID, func(b *builder) {
				b.text(0, t.GUID)
				for _, o := range t.Objects {
					if o.ID < 1 || o.ID > 99 || o.Value == "" {
						b.refuse(o.ID, "an id from 01 to 99 and a value", strconv.Itoa(o.ID))
						continue
					}
					b.text(o.ID, o.Value)
				}
			})
		}
	}
}

func (b *builder) amount(id int, a money.Amount, c money.Currency) {
	if a == (money.Amount{}) {
		return
	}
	if a.Currency() != c || a.Sign() <= 0 {
		b.refuse(id, fmt.Sprintf("a positive amount of %s", c), a.String())
		return
	}
	b.text(id, a.Decimal())
}

func (b *builder) tip(t Tip, c money.Currency) {
	if (t.Kind != TipFixed && t.Fixed != money.Amount{}) || (t.Kind != TipPercent && t.Percent != 0) {
		b.refuse(55, "a fee of the tip's own kind only", string(t.Kind))
	}
	b.text(55, string(t.Kind))
	b.amount(56, t.Fixed, c)
	if t.Kind == TipPercent {
		b.text(57, money.New(int64(t.Percent), money.CNY).Decimal()) // two decimals, as percentages here
	}
}
