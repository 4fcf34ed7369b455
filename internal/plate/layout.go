package plate

import (
	"fmt"
	"strings"

	"hawker/internal/font"
	"hawker/internal/money"
	"hawker/internal/qr"
)

// page is a plate laid out: what is where, in millimetres from the upper left corner.
type page struct {
	face  *font.Face
	size  Size
	title string
	rects []rect // filled, one over the other
	lines []line // over the rects
}

type rect struct {
	x, y, width, height float64
	colour              colour
}

type line struct {
	x, baseline float64 // x is where the text begins
	size        float64 // of an em
	text        string
	colour      colour
}

// colour is red, green, blue.
type colour [3]uint8

var (
	ink   = colour{0x11, 0x18, 0x27}
	grey  = colour{0x4B, 0x55, 0x63} // 7.6 : 1 on white
	brand = colour{0x0B, 0x3D, 0x5C}
	white = colour{0xFF, 0xFF, 0xFF}
)

// On A6, in millimetres; other sizes are scaled by their width.
const (
	margin = 6  // beside the text
	code   = 66 // the symbol's side, with its quiet margin
)

func (p Plate) layout(size Size) (*page, error) {
	face, err := font.Load()
	if err != nil {
		return nil, err
	}
	if err := p.check(face); err != nil {
		return nil, err
	}
	symbol, err := qr.Draw(p.Code, qr.Plate)
	if err != nil {
		return nil, err
	}
	g := &page{face: face, size: A6, title: strings.TrimSpace(p.NameZH + " " + p.NameEN)}
	g.rect(0, 0, A6.Width, A6.Height, white)
	g.rect(0, 0, A6.Width, 20, brand)
	g.centre("扫码付款", 10.5, 8.2, white)
	g.centre("Scan to pay", 16.7, 4.4, white)
	g.names(p.NameZH, p.NameEN)
	g.symbol(symbol, (A6.Width-code)/2, 44)
	zh, en := p.schemes()
	g.centre(zh, 115.6, 4.4, ink)
	g.centre(en, 120.6, 3.3, ink)
	zh, en = p.terms()
	if p.Amount != (money.Amount{}) { // it must not be overlooked
		g.centre(zh, 127.6, 4.4, ink)
		g.centre(en, 131.8, 3.3, ink)
	} else {
		g.centre(zh, 127.6, 3.2, grey)
		g.centre(en, 131.8, 2.8, grey)
	}
	g.centre("付款前请核对商户名称 · Check the name before you pay", 136.8, 2.8, grey)
	g.centre(p.identity(), 143, 2.8, ink)
	g.scale(size)
	return g, nil
}

// schemes are the wallets in plain words.
func (p Plate) schemes() (zh, en string) {
	var zhs, ens []string
	for _, s := range p.Schemes {
		zhs, ens = append(zhs, s.ZH()), append(ens, s.EN())
	}
	return strings.Join(zhs, " · "), strings.Join(ens, " · ")
}

// terms is the amount, or the limit of a code that has none.
func (p Plate) terms() (zh, en string) {
	switch {
	case p.Amount != money.Amount{}:
		return "金额 " + p.Amount.String(), "Amount " + p.Amount.String()
	case p.Limit != money.Amount{}:
		return fmt.Sprintf("静态码，每位客人每日最多付 %s", p.Limit), fmt.Sprintf("Static code: at most %s per customer per day", p.Limit)
	}
	return "请输入金额", "Please enter the amount"
}

func (p Plate) identity() string {
	text := "商户号 Merchant " + p.MID
	if p.Number > 0 {
		text += fmt.Sprintf(" · 牌号 Plate %d", p.Number)
	}
	return text
}

// names sets both names, or one larger, between the band and the symbol.
func (g *page) names(zh, en string) {
	switch {
	case zh == "":
		g.block(en, 22, 43, 7)
	case en == "":
		g.block(zh, 22, 43, 8.5)
	default:
		g.block(zh, 22, 35, 7.6)
		g.block(en, 35, 43, 4.4)
	}
}

// block sets text in one line of at most the size, or if that makes it small, in
// two, in the middle between top and bottom.
func (g *page) block(text string, top, bottom, size float64) {
	width := A6.Width - 2*margin
	lines := []string{text}
	fit := func(lines []string) float64 {
		s := min(size, (bottom-top)/float64(len(lines))/1.25) // 1.25 ems from line to line
		for _, l := range lines {
			if w := g.face.Width(l); w*s > width {
				s = width / w
			}
		}
		return s
	}
	s := fit(lines)
	if a, b, ok := g.halves(text); ok && s < 0.75*size {
		if two := fit([]string{a, b}); two > s {
			lines, s = []string{a, b}, two
		}
	}
	at := (top+bottom)/2 - float64(len(lines))*1.25*s/2 + 1.02*s // of a line of 1.25 ems, the baseline is at 1.02
	for _, l := range lines {
		g.centre(l, at, s, ink)
		at += 1.25 * s
	}
}

// halves breaks text where its halves are most alike: at a blank, or between
// characters of which one is Chinese. ok is false when there is no such place.
func (g *page) halves(text string) (a, b string, ok bool) {
	chars := []rune(text)
	best := g.face.Width(text)
	for i := 1; i < len(chars); i++ {
		if chars[i] != ' ' && chars[i-1] < 0x2E80 && chars[i] < 0x2E80 { // below are alphabets, from there on Chinese characters
			continue
		}
		left, right := strings.TrimSpace(string(chars[:i])), strings.TrimSpace(string(chars[i:]))
		if w := max(g.face.Width(left), g.face.Width(right)); w < best && left != "" && right != "" {
			a, b, ok, best = left, right, true, w
		}
	}
	return a, b, ok
}

func (g *page) rect(x, y, width, height float64, c colour) {
	g.rects = append(g.rects, rect{x, y, width, height, c})
}

// centre sets text in the middle of the page, smaller if it would not fit.
func (g *page) centre(text string, baseline, size float64, c colour) {
	w := g.face.Width(text)
	size = min(size, (A6.Width-2*margin)/w)
	g.lines = append(g.lines, line{(A6.Width - w*size) / 2, baseline, size, text, c})
}

// symbol draws the modules, each a little over the row below, so that no hair
// of light shows between rows.
func (g *page) symbol(s qr.Symbol, x, y float64) {
	m := code / float64(s.Size()+2*qr.Quiet)
	for _, r := range s.Runs() {
		g.rect(x+float64(r.X+qr.Quiet)*m, y+float64(r.Y+qr.Quiet)*m, float64(r.Length)*m, 1.02*m, colour{})
	}
}

// scale makes the page as large as its paper, from the upper edge on.
func (g *page) scale(to Size) {
	k := to.Width / g.size.Width
	for i := range g.rects {
		r := &g.rects[i]
		r.x, r.y, r.width, r.height = r.x*k, r.y*k, r.width*k, r.height*k
	}
	g.rects[0].height = to.Height // the paper: A5 is a little higher than A6 enlarged
	for i := range g.lines {
		l := &g.lines[i]
		l.x, l.baseline, l.size = l.x*k, l.baseline*k, l.size*k
	}
	g.size = to
}
