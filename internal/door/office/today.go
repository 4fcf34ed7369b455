package office

import (
	"fmt"
	"time"

	"hawker/internal/auth"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/report"
	"hawker/internal/web"
)

// figure is a number with how it compares.
type figure struct {
	Label string
	Value string
	Note  string
	Tone  string // good, bad or ""
}

// glance is the first page: how today goes, and what needs somebody.
type glance struct {
	Now       time.Time
	Figures   []figure
	Chart     chart
	Meters    []meter
	Uncertain []row
	More      bool // there are more than are shown
	Latest    []row
	Sees      bool // the person may see sums
}

func (o *Office) today(r *web.Request) (web.Response, error) {
	m, err := o.merchant(r)
	if err != nil {
		return nil, err
	}
	now := o.Clock()
	g := glance{Now: now.In(m.Zone), Sees: r.May(auth.ReportRead)}
	f := filter{merchant: m, today: m.Day(now), first: m.Day(now), last: m.Day(now)}
	open, err := payment.List(r.Context(), o.DB.Read(), payment.Filter{Merchant: m.ID, States: uncertain(), Limit: 6})
	if err != nil {
		return nil, err
	}
	f.first = 0 // what is uncertain may be older: its day is shown
	for i, p := range open.Payments {
		if i == 5 {
			g.More = true
			break
		}
		g.Uncertain = append(g.Uncertain, o.row(p, f))
	}
	latest, err := payment.List(r.Context(), o.DB.Read(), payment.Filter{Merchant: m.ID, Limit: 8})
	if err != nil {
		return nil, err
	}
	for _, p := range latest.Payments {
		g.Latest = append(g.Latest, o.row(p, f))
	}
	if g.Sees {
		d, err := report.DigestOf(r.Context(), o.DB.Read(), m, m.Day(now))
		if err != nil {
			return nil, err
		}
		week, err := report.UpTo(r.Context(), o.DB.Read(), m, now.AddDate(0, 0, -7))
		if err != nil {
			return nil, err
		}
		g.compare(r, d, week)
	}
	return web.Page("today", g), nil
}

// compare fills in the figures. The same weekday a week ago is compared up to the same
// time, so that a morning does not look like a bad day.
func (g *glance) compare(r *web.Request, d report.Digest, week report.Day) {
	g.Figures = figures(r, d.Day, week, r.T("office.versus.week"))
	g.Chart = draw(r.T("office.hours"), [2]string{r.T("office.range.today"), r.T("office.lastweek")}, hours(d.Day, &d.Week), d.Merchant.Currency)
	g.Meters = meters(d.Day)
}

// figures are a day's, or a range's, with what they are compared with.
func figures(r *web.Request, d, before report.Day, versus string) []figure {
	list := []figure{
		{Label: r.T("office.taken"), Value: web.Money(d.Net())},
		{Label: r.T("office.count"), Value: web.Grouped(decimal(int64(d.Count)))},
		{Label: r.T("office.average"), Value: web.Money(d.Average())},
		{Label: r.T("office.given"), Value: web.Money(d.Given), Note: r.T("office.given.count", d.Refunds)},
		{Label: r.T("office.arrives"), Value: web.Money(d.Arrives()), Note: r.T("office.arrives.fee", web.Money(d.Fee))},
	}
	for i, pair := range [][2]int64{{d.Net().Minor(), before.Net().Minor()}, {int64(d.Count), int64(before.Count)}, {d.Average().Minor(), before.Average().Minor()}} {
		if c, ok := report.Change(pair[0], pair[1]); ok {
			list[i].Note, list[i].Tone = signed(c)+" "+versus, "good"
			if c < 0 {
				list[i].Tone = "bad"
			}
		}
	}
	return list
}

// signed is tenths of a percent with their sign.
func signed(permille int64) string {
	sign := "+"
	if permille < 0 {
		sign, permille = "−", -permille
	}
	return fmt.Sprintf("%s%d.%d%%", sign, permille/10, permille%10)
}

// hours are a day's columns, from the first hour that took something on either day to the last.
func hours(d report.Day, other *report.Day) (bars []bar) {
	first, last := 24, -1
	for h := range 24 {
		if d.Hours[h].Sign() > 0 || other != nil && other.Hours[h].Sign() > 0 {
			first, last = min(first, h), max(last, h)
		}
	}
	if last < 0 {
		first, last = 8, 20
	}
	first, last = max(0, min(first, last-5)), min(23, max(last, first+5))
	for h := first; h <= last; h++ {
		b := bar{Label: fmt.Sprintf("%d:00", h), Value: d.Hours[h]}
		if other != nil {
			b.Other = other.Hours[h]
		}
		bars = append(bars, b)
	}
	return bars
}

// days are a range's columns.
func days(list []report.Day) (bars []bar) {
	for _, d := range list {
		net := d.Net()
		if net.Sign() < 0 {
			net = money.Zero(net.Currency())
		}
		bars = append(bars, bar{Label: fmt.Sprintf("%d/%d", int(d.Day)/100%100, int(d.Day)%100), Value: net})
	}
	return bars
}
