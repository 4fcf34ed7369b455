package office

import (
	"html/template"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/web"
)

// ErrDates is a range that cannot be read.
var ErrDates = fault.New(fault.Invalid, "dates_unreadable", "请选开始和结束日期，开始不晚于结束。", "Please choose a first and a last day, the first not after the last.")

// filter is what somebody looks for, as the page's form says it.
type filter struct {
	Range    string // today, 7, 30, all, own
	From, To string // yyyy-mm-dd, of an own range
	Text     string
	State    string // name of a group; "" is all
	Method   string
	Error    error

	merchant merchant.Merchant
	first    clock.Day // 0 is the beginning
	last     clock.Day
	today    clock.Day
}

// group is a choice of states under one name.
type group struct {
	name   string
	states []payment.State
}

// groups are the states as a merchant asks for them.
var groups = []group{
	{"taken", []payment.State{payment.Approved, payment.Adjusting, payment.Voiding, payment.Restoring}},
	{"uncertain", nil}, // whatever passes
	{"declined", []payment.State{payment.Declined}},
	{"over", []payment.State{payment.Reversed, payment.Voided, "cancelled", payment.Expired}},
}

// uncertain are the states that are neither approved nor over. Sent is not among them: it
// lasts for seconds, and Beat turns what is left of it into silence.
func uncertain() (states []payment.State) {
	for s := range payment.PaymentMoves {
		if payment.Passing(s) && s != payment.Sent {
			states = append(states, s)
		}
	}
	slices.Sort(states)
	return states
}

var ranges = []string{"today", "7", "30", "all", "own"}

// readFilter reads the form. Who looks for something without saying when means always.
func readFilter(q url.Values, m merchant.Merchant, now time.Time) filter {
	f := filter{Range: q.Get("range"), From: q.Get("from"), To: q.Get("to"), Text: strings.TrimSpace(q.Get("q")), State: q.Get("state"), Method: q.Get("method"), merchant: m, today: m.Day(now)}
	if !slices.Contains(ranges, f.Range) {
		f.Range = "today"
		if f.Text != "" {
			f.Range = "all"
		}
	}
	f.last = f.today
	switch f.Range {
	case "today":
		f.first = f.today
	case "7":
		f.first = f.today.Add(-6)
	case "30":
		f.first = f.today.Add(-29)
	case "own":
		first, err1 := readDay(f.From)
		last, err2 := readDay(f.To)
		if err1 != nil || err2 != nil || first > last {
			f.first, f.last = f.today, f.today
			if f.From != "" || f.To != "" {
				f.Error = ErrDates
			}
			break
		}
		f.first, f.last = first, last
	}
	if f.first != 0 {
		f.From, f.To = f.first.String(), f.last.String()
	}
	return f
}

func readDay(s string) (clock.Day, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return 0, err
	}
	return clock.DayOf(t, time.UTC, 0), nil
}

var (
	amountText = regexp.MustCompile(`^[¥￥]?\s*(\d{1,12}(?:,\d{3})*(?:\.\d{1,3})?)(?:\s*元)?$`)
	fourDigits = regexp.MustCompile(`^\d{4}$`)
)

// amount is what the text says as money; ok is false when it says something else. Four
// digits alone are a card's last four.
func (f filter) amount() (a money.Amount, ok bool) {
	m := amountText.FindStringSubmatch(f.Text)
	if m == nil || fourDigits.MatchString(f.Text) {
		return a, false
	}
	a, err := money.Parse(strings.ReplaceAll(m[1], ",", ""), f.merchant.Currency)
	return a, err == nil
}

// AsAmount is the same search for four digits as an amount; "" when they are none.
func (f filter) AsAmount() string {
	if !fourDigits.MatchString(f.Text) {
		return ""
	}
	return web.Symbol(f.merchant.Currency) + f.Text
}

// payments is the filter as payment reads it.
func (f filter) payments() payment.Filter {
	p := payment.Filter{Merchant: f.merchant.ID}
	if f.first != 0 {
		p.From = f.merchant.Begins(f.first)
	}
	if f.last != f.today {
		p.To = f.merchant.Begins(f.last.Add(1))
	}
	if f.Method != "" {
		p.Methods = []string{f.Method}
	}
	for _, g := range groups {
		if g.name == f.State {
			p.States = g.states
			if p.States == nil {
				p.States = uncertain()
			}
		}
	}
	if a, ok := f.amount(); ok {
		p.Least, p.Most = a, a
	} else {
		p.Text = f.Text
	}
	return p
}

// query is the filter as an address has it.
func (f filter) query() url.Values {
	q := url.Values{"range": {f.Range}}
	for name, v := range map[string]string{"q": f.Text, "state": f.State, "method": f.Method} {
		if v != "" {
			q.Set(name, v)
		}
	}
	if f.Range == "own" {
		q.Set("from", f.From)
		q.Set("to", f.To)
	}
	return q
}

// Query is query with more names and values, for links.
func (f filter) Query(pairs ...string) template.URL {
	q := f.query()
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return template.URL(q.Encode()) //nolint:gosec // encoded
}

// Active reports whether more than a range was asked for.
func (f filter) Active() bool { return f.Text != "" || f.State != "" || f.Method != "" }
