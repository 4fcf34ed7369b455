package office

import (
	"time"

	"hawker/internal/clock"
	"hawker/internal/feelock"
	"hawker/internal/merchant"
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
	Rates              []rated
	Unproven           error // the fees cannot be shown: they are not covered by consent
	Open               bool  // the day is not over
}

// rated is what one kind of payment cost on the day, and what it had cost before.
type rated struct {
	Name, Terms, Since string
	Earlier            []was
}

type was struct{ Terms, Since string }

// rates are the fees of a day with all that led to them: what arrives can be worked out again.
func rates(lang web.Lang, m merchant.Merchant, day clock.Day, history []feelock.Change) (list []rated) {
	say := func(zh, en string) string {
		if lang == web.ZH {
			return zh
		}
		return en
	}
	line := -1
	for i, c := range history { // lines in order, newest first
		if m.Day(c.From) > day {
			continue // to come
		}
		terms, since := say(c.Words()), web.Day(lang, c.From.In(m.Zone))
		if line >= 0 && history[line].Line == c.Line {
			last := &list[len(list)-1]
			last.Earlier = append(last.Earlier, was{terms, since})
			continue
		}
		line = i
		list = append(list, rated{Name: say(c.Name()), Terms: terms, Since: since})
	}
	return list
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
	history, err := o.Fees.History(r.Context(), m.ID, m.Currency)
	p.Rates, p.Unproven = rates(r.Lang, m, day, history), err
	return web.Page("digest", p), nil
}
