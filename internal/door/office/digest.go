package office

import (
	"time"

	"hawker/internal/money"
	"hawker/internal/report"
	"hawker/internal/web"
)

// digestPage is a day's digest.
type digestPage struct {
	Day, Before, After string // yyyy-mm-dd; After "" when it is not over
	Date               time.Time
	Figures            []figure
	Chart              chart
	Meters             []meter
	Text               string
	Against            []against
	Open               bool // the day is not over
}

// against is a line of the comparison.
type against struct {
	Name           string
	Net, Average   money.Amount
	Count, Refunds int
}

func (o *Office) digest(r *web.Request) (web.Response, error) {
	m, err := o.merchant(r)
	if err != nil {
		return nil, err
	}
	today := m.Day(o.Clock())
	day := today.Add(-1)
	if text := r.URL.Query().Get("day"); text != "" {
		if day, err = readDay(text); err != nil {
			return nil, ErrDates.Wrap(err)
		}
	}
	if day > today {
		day = today
	}
	d, err := report.DigestOf(r.Context(), o.DB.Read(), m, day)
	if err != nil {
		return nil, err
	}
	p := digestPage{Day: day.String(), Before: day.Add(-1).String(), Date: day.Time(), Open: day == today,
		Figures: figures(r, d.Day, d.Week, r.T("office.versus.week")), Meters: meters(d.Day),
		Chart: draw(r.T("office.hours"), [2]string{day.String(), d.Week.Day.String()}, hours(d.Day, &d.Week), m.Currency)}
	if day < today {
		p.After = day.Add(1).String()
	}
	zh, en := d.Texts()
	if p.Text = en; r.Lang == web.ZH {
		p.Text = zh
	}
	for _, x := range []report.Day{d.Day, d.Before, d.Week} {
		p.Against = append(p.Against, against{web.Day(r.Lang, x.Day.Time()), x.Net(), x.Average(), x.Count, x.Refunds})
	}
	return web.Page("digest", p), nil
}
