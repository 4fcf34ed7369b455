package office

import (
	"time"

	"hawker/internal/report"
	"hawker/internal/web"
)

// analysisPage is how business goes over some days.
type analysisPage struct {
	Filter  filter
	Ranges  []web.Option
	Figures []figure
	Days    chart
	Hours   chart
	Meters  []meter
	Hints   []string
	Today   time.Time
}

func (o *Office) analysis(r *web.Request) (web.Response, error) {
	m, err := o.merchant(r)
	if err != nil {
		return nil, err
	}
	now, q := o.Clock(), r.URL.Query()
	if q.Get("range") == "" || q.Get("range") == "all" || q.Get("range") == "today" {
		q.Set("range", "7")
	}
	f := readFilter(q, m, now)
	if n := f.last.Sub(f.first) + 1; n > 366 && f.Error == nil {
		f.Error, f.first = report.ErrRange, f.last.Add(-365)
	}
	n := f.last.Sub(f.first) + 1
	p := analysisPage{Filter: f, Today: now.In(m.Zone)}
	for _, name := range []string{"7", "30", "own"} {
		p.Ranges = append(p.Ranges, web.Option{Value: name, Text: r.T("office.range." + name), Chosen: name == f.Range})
	}
	list, err := report.Days(r.Context(), o.DB.Read(), m, f.first, f.last)
	if err != nil {
		return nil, err
	}
	earlier, err := report.Days(r.Context(), o.DB.Read(), m, f.first.Add(-n), f.first.Add(-1))
	if err != nil {
		return nil, err
	}
	sum, err := report.Total(list, m.Currency)
	if err != nil {
		return nil, err
	}
	before, err := report.Total(earlier, m.Currency)
	if err != nil {
		return nil, err
	}
	p.Figures, p.Meters = figures(r, sum, before, r.T("office.versus.before", n)), meters(sum)
	p.Days = draw(r.T("office.days"), [2]string{r.T("office.taken"), ""}, days(list), m.Currency)
	p.Hours = draw(r.T("office.hours"), [2]string{r.T("office.gross"), ""}, hours(sum, nil), m.Currency)
	p.Hints = hints(r, list, sum, before)
	return web.Page("analysis", p), nil
}

// hints say in words what the figures show, from the merchant's own days only.
func hints(r *web.Request, list []report.Day, sum, before report.Day) (said []string) {
	if h, ok := sum.Peak(); ok {
		share := sum.Hours[h].Minor() * 100 / max(1, sum.Taken.Minor())
		said = append(said, r.T("office.hint.peak", h, h+1, share))
	}
	var week [7]int64
	var seen [7]int
	for _, d := range list {
		w := d.Day.Time().Weekday()
		week[w] += d.Net().Minor()
		seen[w]++
	}
	best, worst, known := -1, -1, 0
	for w := range week {
		if seen[w] == 0 {
			continue
		}
		known++
		if best < 0 || week[w]*int64(seen[best]) > week[best]*int64(seen[w]) {
			best = w
		}
		if worst < 0 || week[w]*int64(seen[worst]) < week[worst]*int64(seen[w]) {
			worst = w
		}
	}
	if known == 7 && len(list) >= 14 && best != worst {
		said = append(said, r.T("office.hint.week", r.T("office.weekday."+decimal(int64(best))), r.T("office.weekday."+decimal(int64(worst)))))
	}
	if sum.Refunds > 0 && sum.Taken.Sign() > 0 && sum.Given.Minor()*20 > sum.Taken.Minor() {
		said = append(said, r.T("office.hint.refunds", sum.Given.Minor()*100/sum.Taken.Minor()))
	}
	if tried := sum.Count + sum.Lost; tried >= 20 && sum.Lost*10 > tried {
		said = append(said, r.T("office.hint.lost", sum.Lost*100/tried))
	}
	return said
}
