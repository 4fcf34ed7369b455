package office

import (
	"time"

	"hawker/internal/clock"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/web"
)

// row is a payment as a list shows it.
type row struct {
	Ref    string
	At     time.Time // in the merchant's zone
	Day    string    // "" on the day that is shown anyway
	Method string
	Last4  string
	Amount money.Amount
	Fee    money.Amount
	Net    money.Amount // what stays of it: less refunds and fee
	State  string
	Device string
	Note   string
}

// list is the page of payments.
type list struct {
	Filter  filter
	Ranges  []web.Option
	States  []web.Option
	Methods []web.Option
	Rows    []row
	Next    string // cursor; "" at the end
	Until   string // how far back was looked, when nothing was found so far
	More    bool   // the rows follow others
	Today   time.Time
	Export  bool // the person may
	Ticket  string
}

// methods are the ways of paying that a list can be narrowed to.
var methods = []string{payment.MethodCard, payment.MethodWeChat, payment.MethodAlipay, payment.MethodUnionPay, payment.MethodCash}

// budget is how long a page goes on looking for the first payment that is picked.
const budget = 40 * time.Millisecond

func (o *Office) payments(r *web.Request) (web.Response, error) {
	m, err := o.merchant(r)
	if err != nil {
		return nil, err
	}
	now := o.Clock()
	l := list{Filter: readFilter(r.URL.Query(), m, now), Today: now.In(m.Zone), More: r.URL.Query().Get("cursor") != ""}
	if err := o.find(r, &l, r.URL.Query().Get("cursor")); err != nil {
		return nil, err
	}
	l.options(r)
	switch {
	case r.Part() && l.More:
		return web.Part("payments", "rows", l), nil
	case r.Part():
		return web.Part("payments", "results", l), nil
	}
	return web.Page("payments", l), nil
}

// find fills in the rows. A page of a rare kind may be empty and go on: it is followed for
// a while, and then the person is asked.
func (o *Office) find(r *web.Request, l *list, cursor string) error {
	f := l.Filter.payments()
	f.Cursor, f.Limit = cursor, 50
	began := time.Now()
	for {
		page, err := payment.List(r.Context(), o.DB.Read(), f)
		if err != nil {
			return err
		}
		for _, p := range page.Payments {
			l.Rows = append(l.Rows, o.row(p, l.Filter))
		}
		l.Next, f.Cursor = page.Next, page.Next
		if len(l.Rows) > 0 || l.Next == "" || time.Since(began) > budget {
			return nil
		}
	}
}

// shownState is a payment's state with what was given back of it.
func shownState(p payment.Payment) string {
	if !p.State.Taken() || p.Refunded.Sign() == 0 {
		return string(p.State)
	}
	if p.Refunded == p.Amount {
		return "refunded"
	}
	return "partly_refunded"
}

// net is what stays of a payment for the merchant; nothing of one that is not taken.
func net(p payment.Payment) money.Amount {
	if !p.State.Taken() {
		return money.Zero(p.Amount.Currency())
	}
	return money.New(p.Amount.Minor()-p.Refunded.Minor()-p.Fee.Minor()+p.RefundFee.Minor(), p.Amount.Currency())
}

// fee is what a payment costs; nothing when it is not taken, whatever it would have cost.
func fee(p payment.Payment) money.Amount {
	if !p.State.Taken() {
		return money.Zero(p.Amount.Currency())
	}
	return p.Fee
}

func (o *Office) row(p payment.Payment, f filter) row {
	at := p.Created.In(f.merchant.Zone)
	x := row{Ref: payment.Ref(p.ID), At: at, Method: p.Method, Last4: p.Card.Last4, Amount: p.Amount, Fee: fee(p), Net: net(p), State: shownState(p), Device: string(p.Terminal)}
	if f.first != f.last || f.first == 0 {
		x.Day = at.Format("01-02")
		if clock.DayOf(at, f.merchant.Zone, 0)/10000 != f.today/10000 {
			x.Day = at.Format(time.DateOnly)
		}
	}
	return x
}

// options are the choices of the form.
func (l *list) options(r *web.Request) {
	for _, name := range ranges {
		l.Ranges = append(l.Ranges, web.Option{Value: name, Text: r.T("office.range." + name), Chosen: name == l.Filter.Range})
	}
	l.States = []web.Option{{Text: r.T("office.states.all"), Chosen: l.Filter.State == ""}}
	for _, g := range groups {
		l.States = append(l.States, web.Option{Value: g.name, Text: r.T("office.states." + g.name), Chosen: g.name == l.Filter.State})
	}
	l.Methods = []web.Option{{Text: r.T("office.methods.all"), Chosen: l.Filter.Method == ""}}
	for _, name := range methods {
		l.Methods = append(l.Methods, web.Option{Value: name, Text: r.T("web.method." + name), Chosen: name == l.Filter.Method})
	}
	l.Export = r.May(exportAction)
	l.Ticket = ticket()
}
