// Package plate draws the card that stands on a counter: a code, whom it pays in
// Chinese and English, and which wallets take it, as SVG and as PDF, ready to
// print. It refuses to know what the code says and who signed it.
package plate

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"hawker/internal/fault"
	"hawker/internal/font"
	"hawker/internal/money"
	"hawker/internal/qr"
)

// ErrText says that something on the plate cannot be printed readably.
var ErrText = fault.New(fault.Invalid, "plate_text", "收款牌上的文字印不出来，请检查商户名称。", "A text on the plate cannot be printed. Please check the merchant's name.")

// Size is a paper size, upright.
type Size struct {
	Name          string
	Width, Height float64 // millimetres
}

// The paper sizes of ISO 216.
var (
	A5 = Size{"A5", 148, 210}
	A6 = Size{"A6", 105, 148}
)

// Plate is what is on the card.
type Plate struct {
	Code    string       // the text that the symbol holds
	NameZH  string       // the merchant in Chinese, up to 40 characters; one of both names is needed
	NameEN  string       // the merchant in English, up to 60 characters
	MID     string       // 1 to 20 visible ASCII characters
	Number  int64        // of the plate; 0 when it has none
	Schemes []qr.Scheme  // whose wallets read the code, at least one
	Amount  money.Amount // what is to be paid; the zero Amount: the payer enters it
	Limit   money.Amount // what one customer may pay with it in a day; the zero Amount: nothing is said
}

// The longest names, in characters.
const (
	maxZH = 40
	maxEN = 60
)

// check refuses what would be unreadable.
func (p Plate) check(face *font.Face) error {
	if p.NameZH == "" && p.NameEN == "" {
		return ErrText.With("a name is needed")
	}
	for _, name := range []struct {
		text string
		max  int
	}{{p.NameZH, maxZH}, {p.NameEN, maxEN}} {
		if n := utf8.RuneCountInString(name.text); n > name.max {
			return ErrText.With("a name has %d characters, at most %d", n, name.max)
		}
		for _, r := range name.text {
			if !unicode.IsPrint(r) || !face.Has(r) {
				return ErrText.With("the typeface has no %U", r)
			}
		}
	}
	if len(p.MID) < 1 || len(p.MID) > 20 || strings.ContainsFunc(p.MID, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ErrText.With("the merchant's id has 1 to 20 visible ASCII characters")
	}
	if len(p.Schemes) == 0 || len(p.Schemes) > 4 {
		return ErrText.With("one to four schemes are needed")
	}
	for i, s := range p.Schemes {
		if !s.Known() {
			return ErrText.With("no scheme %q", string(s))
		}
		for _, before := range p.Schemes[:i] {
			if before == s {
				return ErrText.With("%s twice", s)
			}
		}
	}
	return nil
}

// SVG is the plate as a picture of its size. Text is drawn as outlines: the
// printer needs no typeface.
func (p Plate) SVG(size Size) (string, error) {
	page, err := p.layout(size)
	if err != nil {
		return "", err
	}
	return page.svg()
}

// PDF is the plate as a document of one page, with the characters it uses
// embedded, so that the text can be searched and copied.
func (p Plate) PDF(size Size) ([]byte, error) {
	page, err := p.layout(size)
	if err != nil {
		return nil, err
	}
	b, err := page.pdf()
	if err != nil {
		return nil, fmt.Errorf("write the plate's PDF: %w", err)
	}
	return b, nil
}
