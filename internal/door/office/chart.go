package office

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"hawker/internal/money"
	"hawker/internal/report"
	"hawker/internal/web"
)

// bar is a column of a chart: what is, and what it is compared with.
type bar struct {
	Label string
	Value money.Amount
	Other money.Amount // zero Amount: nothing to compare with
}

// chart is a drawing, and its figures for who cannot see it.
type chart struct {
	Title string
	Bars  []bar
	Names [2]string // of what is, and of what it is compared with; "" for none
	Wide  template.HTML
	Small template.HTML // for a phone
}

// draw makes a chart of columns with a dashed line of the other values. Every label that
// is drawn is a number or a text of ours.
func draw(title string, names [2]string, bars []bar, currency money.Currency) chart {
	return chart{title, bars, names, columnsSVG(title, bars, currency, 720, 250, 15), columnsSVG(title, bars, currency, 350, 230, 7)}
}

func columnsSVG(title string, bars []bar, currency money.Currency, width, height float64, labels int) template.HTML {
	const left, right, top, bottom = 62.0, 8.0, 12.0, 26.0
	most := int64(0)
	for _, b := range bars {
		most = max(most, b.Value.Minor(), b.Other.Minor())
	}
	step, lines := scale(most)
	ceiling := float64(step) * float64(lines)
	inner, tall := width-left-right, height-top-bottom
	y := func(minor int64) float64 { return top + tall*(1-float64(max(0, minor))/ceiling) }
	var s strings.Builder
	fmt.Fprintf(&s, `<svg class="chart" viewBox="0 0 %g %g" role="img" aria-label="%s">`, width, height, template.HTMLEscapeString(title))
	for i := range lines + 1 {
		at := y(step * int64(i))
		fmt.Fprintf(&s, `<line class="rule" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/><text x="%g" y="%.1f" text-anchor="end">%s</text>`, left, width-right, at, at, left-8, at+4, short(money.New(step*int64(i), currency)))
	}
	each := inner / float64(max(1, len(bars)))
	thick := min(26, each*0.6)
	skip := max(1, int(math.Ceil(float64(len(bars))/float64(labels))))
	var line []string
	for i, b := range bars {
		mid := left + each*(float64(i)+0.5)
		if b.Value.Sign() > 0 {
			at := y(b.Value.Minor())
			fmt.Fprintf(&s, `<rect class="bar" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="%.1f"/>`, mid-thick/2, at, thick, max(2, top+tall-at), min(4, thick/3))
		}
		if b.Other.Currency() != "" {
			line = append(line, fmt.Sprintf("%.1f,%.1f", mid, y(b.Other.Minor())))
		}
		if i%skip == 0 {
			fmt.Fprintf(&s, `<text x="%.1f" y="%g" text-anchor="middle">%s</text>`, mid, height-8, template.HTMLEscapeString(b.Label))
		}
	}
	if len(line) > 1 {
		fmt.Fprintf(&s, `<polyline class="other" points="%s"/>`, strings.Join(line, " "))
	}
	s.WriteString("</svg>")
	return template.HTML(s.String()) //nolint:gosec // numbers, and texts that were escaped
}

// scale chooses round steps for an axis: 1, 2 or 5 times a power of ten of the currency's
// whole units, so that 4 or 5 of them hold the most.
func scale(most int64) (step int64, lines int) {
	step = 100
	for i := 0; ; i++ {
		for _, f := range []int64{1, 2, 5} {
			if s := f * step; s*5 >= most {
				n := int((most + s - 1) / s)
				return s, max(2, n)
			}
		}
		step *= 10
	}
}

// short is an amount on an axis: no decimals, thousands as k.
func short(a money.Amount) string {
	whole, _, _ := strings.Cut(a.Decimal(), ".")
	if len(whole) > 4 && strings.HasSuffix(whole, "000") {
		return web.Symbol(a.Currency()) + web.Grouped(strings.TrimSuffix(whole, "000")) + "k"
	}
	return web.Symbol(a.Currency()) + whole
}

// meter is a share as a line.
type meter struct {
	Method string
	Value  money.Amount
	Count  int
	Share  int // percent
}

func meters(d report.Day) (list []meter) {
	for _, m := range d.Methods {
		share := 0
		if d.Taken.Sign() > 0 {
			share = int(math.Round(float64(m.Taken.Minor()) * 100 / float64(d.Taken.Minor())))
		}
		list = append(list, meter{m.Name, m.Taken, m.Count, share})
	}
	return list
}
