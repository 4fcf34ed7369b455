package office

import (
	"crypto/rand"
	"encoding/json"
	"time"

	"hawker/internal/auth"
	"hawker/internal/channel"
	"hawker/internal/events"
	"hawker/internal/iso8583"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/web"
)

// detail is one payment with all that happened to it.
type detail struct {
	Row      row
	Full     time.Time // when it was made
	Refunded money.Amount
	Day      string // of whose settlement it is
	Steps    []step
	Advice   string // what a declined or uncertain payment asks of the person
	Receipt  string // address; "" for none
	Form     *refundForm
	Whole    bool // a page of its own, not a drawer
	Changed  bool // the row in the list behind the drawer is old
}

// step is a line of the timeline.
type step struct {
	At   time.Time
	Text string
	More string
	Tone string
}

// refundForm gives back in place.
type refundForm struct {
	*web.Form
	Ref     string
	Max     money.Amount
	Symbol  string
	Reasons []web.Option
	Key     string       // makes a repeat the same refund
	Means   []auth.Means // by which a large refund is proved again
	Object  string
}

// byRef finds the payment of a request's address.
func (o *Office) byRef(r *web.Request, m merchant.Merchant) (payment.Payment, error) {
	return payment.ByNumber(r.Context(), o.DB.Read(), m.ID, r.PathValue("ref"))
}

func (o *Office) payment(r *web.Request) (web.Response, error) {
	d, err := o.detail(r)
	if err != nil {
		return nil, err
	}
	d.Whole = true
	return web.Page("payment", d), nil
}

func (o *Office) drawer(r *web.Request) (web.Response, error) {
	d, err := o.detail(r)
	if err != nil {
		return nil, err
	}
	return web.Part("payment", "drawer", d), nil
}

func (o *Office) detail(r *web.Request) (detail, error) {
	m, err := o.merchant(r)
	if err != nil {
		return detail{}, err
	}
	p, err := o.byRef(r, m)
	if err != nil {
		return detail{}, err
	}
	return o.detailOf(r, m, p)
}

func (o *Office) detailOf(r *web.Request, m merchant.Merchant, p payment.Payment) (d detail, err error) {
	f := filter{merchant: m, today: m.Day(o.Clock())}
	d = detail{Row: o.row(p, f), Full: p.Created.In(m.Zone), Refunded: p.Refunded, Day: p.Day.String()}
	life, err := payment.Timeline(r.Context(), o.DB.Read(), m.ID, p.ID)
	if err != nil {
		return d, err
	}
	for _, s := range life {
		var line step
		if s.Attempt != nil {
			line = triedStep(r, *s.Attempt)
		} else {
			line = toldStep(r, *s.Event)
		}
		line.At = s.At.In(m.Zone)
		d.Steps = append(d.Steps, line)
	}
	switch {
	case p.State == payment.Declined:
		d.Advice = declinedBecause(r, life)
	case payment.Passing(p.State):
		d.Advice = r.T("office.advice.uncertain")
	}
	if o.Receipt != nil && p.State.Taken() {
		if d.Receipt, err = o.Receipt(r.Context(), p); err != nil {
			return d, err
		}
	}
	if rest := money.New(p.Amount.Minor()-p.Refunded.Minor(), p.Amount.Currency()); p.State == payment.Approved && rest.Sign() > 0 && r.May(auth.PaymentRefund) {
		d.Form = newRefundForm(r, d.Row.Ref, rest, web.EmptyForm("amount", rest.Decimal(), "reason", refundReasons[0]))
	}
	return d, nil
}

// refundReasons are the chips: each has a text "office.reason.…" that is kept with the refund.
var refundReasons = []string{"returned", "mistyped", "twice", "agreed"}

func newRefundForm(r *web.Request, ref string, most money.Amount, filled *web.Form) *refundForm {
	f := &refundForm{Form: filled, Ref: ref, Max: most, Symbol: web.Symbol(most.Currency()), Key: filled.Value("key")}
	if f.Key == "" {
		f.Key = rand.Text()
	}
	for _, name := range refundReasons {
		f.Reasons = append(f.Reasons, web.Option{Value: name, Text: r.T("office.reason." + name), Chosen: filled.Value("reason") == name})
	}
	return f
}

// triedStep says that something was tried.
func triedStep(r *web.Request, a payment.Attempt) step {
	s := step{Text: r.Known("office.try.", string(a.Kind)), Tone: "info"}
	if a.Kind != channel.Sale && a.Kind != channel.Reversal && a.Amount.Sign() > 0 {
		s.Text += " " + web.Money(a.Amount)
	}
	if a.Terminal != "" {
		s.More = string(a.Terminal)
	}
	return s
}

// toldStep says what became true.
func toldStep(r *web.Request, e events.Event) step {
	s := step{Text: r.Known("office.event.", e.Kind), Tone: toneOf(e.Kind)}
	var body struct {
		Code  string `json:"code"`
		Minor int64  `json:"amount_minor"`
		Cur   string `json:"currency"`
	}
	if raw, ok := e.Body.(json.RawMessage); ok && json.Unmarshal(raw, &body) == nil && body.Code != "" && body.Code != "00" {
		s.More = r.T("office.code", body.Code)
	}
	return s
}

// toneOf is the colour of an event, by what it ends with.
func toneOf(kind string) string {
	for i := len(kind) - 1; i >= 0; i-- {
		if kind[i] == '.' {
			return web.Tone(kind[i+1:])
		}
	}
	return "quiet"
}

// declinedBecause is the bank's reason in words, with what to do now.
func declinedBecause(r *web.Request, life []payment.Step) string {
	for _, s := range life {
		if s.Attempt == nil || s.Attempt.State != payment.Declined || s.Attempt.Code == "" {
			continue
		}
		c, ok := iso8583.CodeText(s.Attempt.Code)
		if !ok {
			c = iso8583.UnknownCode(s.Attempt.Code)
		}
		if r.Lang == web.ZH {
			return c.ZH + c.ActionZH + r.T("office.code", c.Code)
		}
		return c.EN + " " + c.ActionEN + " " + r.T("office.code", c.Code)
	}
	return r.T("office.advice.declined")
}
