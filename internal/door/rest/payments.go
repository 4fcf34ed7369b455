package rest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"hawker/internal/auth"
	"hawker/internal/card"
	"hawker/internal/fault"
	"hawker/internal/handover"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/qr"
)

// Payment is a payment as programs see it.
type Payment struct {
	ID       string     `json:"id" example:"00ZGK5J2Q8W1" doc:"Twelve characters; receipts show it too."`
	State    string     `json:"state" example:"approved" doc:"Only approved is money. unknown is neither yes nor no, and ends by itself."`
	Method   string     `json:"method" example:"wechat" doc:"card, wechat, alipay, unionpay or cash; empty while nobody has chosen."`
	Amount   int64      `json:"amount_minor" example:"4650" doc:"In minor units."`
	Currency string     `json:"currency" example:"CNY" doc:"ISO 4217."`
	Fee      int64      `json:"fee_minor" example:"28" doc:"What the payment costs the merchant."`
	Refunded int64      `json:"refunded_minor" example:"0" doc:"Given back, or being given back."`
	Number   string     `json:"order_number,omitempty" example:"A-1001" doc:"The merchant's own."`
	Note     string     `json:"note,omitempty"`
	Device   string     `json:"device" example:"key/3vr1k0q9c8" doc:"Who asked for it: a terminal, or a program's key."`
	Card     *Card      `json:"card,omitempty"`
	Day      string     `json:"business_date" format:"date" example:"2026-11-25"`
	Created  time.Time  `json:"created_at" example:"2026-11-25T03:30:00Z"`
	Present  *Presented `json:"present,omitempty" doc:"While it waits for the customer to scan: what to show."`
	Receipt  string     `json:"receipt_url,omitempty" format:"uri" doc:"The receipt, for the customer."`
}

// Card is what may be shown of a card.
type Card struct {
	Last4 string `json:"last4" example:"0013"`
	Kind  string `json:"kind,omitempty" example:"debit"`
}

// Presented is a code that the customer scans.
type Presented struct {
	Link    string    `json:"link" format:"uri" doc:"What the symbol holds: the checkout page."`
	Image   string    `json:"image" example:"/v1/payments/00ZGK5J2Q8W1/code.svg" doc:"The symbol as SVG, from this API."`
	Expires time.Time `json:"expires_at" doc:"Nobody can pay after it."`
}

// Line is one thing on the bill.
type Line struct {
	Name     string `json:"name" minLength:"1" maxLength:"100" example:"牛肉面"`
	Quantity int64  `json:"quantity" minimum:"1" maximum:"9999" example:"1"`
	Amount   int64  `json:"amount_minor" minimum:"0" maximum:"99999999999" example:"2800"`
}

// NewPayment asks for money.
type NewPayment struct {
	Amount   int64     `json:"amount_minor" minimum:"1" maximum:"99999999999" example:"4650" doc:"In minor units."`
	Currency string    `json:"currency" minLength:"3" maxLength:"3" pattern:"^[A-Z]{3}$" example:"CNY" doc:"ISO 4217."`
	Method   string    `json:"method,omitempty" enum:"wechat,alipay,unionpay,cash" doc:"Left out: the customer's code tells, or the customer chooses."`
	Code     string    `json:"code,omitempty" minLength:"16" maxLength:"512" writeOnly:"true" example:"134567890123456789" doc:"The payment code that the customer shows. Left out: a code is presented to him."`
	Number   string    `json:"order_number,omitempty" maxLength:"64" example:"A-1001" doc:"Your own number: there are never two payments for one."`
	Note     string    `json:"note,omitempty" maxLength:"200"`
	Lines    []Line    `json:"lines,omitempty" maxItems:"100" nullable:"false" doc:"What the customer was shown; kept as evidence."`
	Expires  time.Time `json:"expires_at,omitempty" doc:"Of a presented code: in five minutes unless said, at most in two hours."`
}

// Keyed is a request that moves money.
type Keyed struct {
	Key string `header:"Idempotency-Key" required:"true" minLength:"1" maxLength:"64" pattern:"^[\\x21-\\x7E]+$" example:"5f0c7a52-7b1e-4f5e-9c55-0d8a4c7f3a11" doc:"A new random text for each new payment or refund, the same again for a repeat."`
}

// PaymentPath names a payment.
type PaymentPath struct {
	ID string `path:"id" minLength:"12" maxLength:"12" pattern:"^[0-9A-Z]{12}$" example:"00ZGK5J2Q8W1" doc:"The payment's id."`
}

type createInput struct {
	Keyed
	Body NewPayment
}

type paymentOutput struct{ Body Payment }

type listInput struct {
	State  []string  `query:"state" maxItems:"20" nullable:"false" example:"approved" doc:"Only these states, separated by commas."`
	Method []string  `query:"method" maxItems:"10" nullable:"false" example:"wechat" doc:"Only these methods, separated by commas."`
	From   time.Time `query:"from" example:"2026-11-25T00:00:00Z" doc:"Made then or later."`
	To     time.Time `query:"to" example:"2026-11-26T00:00:00Z" doc:"Made before then."`
	Least  int64     `query:"amount_from" minimum:"0" doc:"At least so much, in minor units of the merchant's currency."`
	Most   int64     `query:"amount_to" minimum:"0" doc:"At most so much; 0 for any."`
	Device string    `query:"device" maxLength:"32" doc:"Only what this device asked for."`
	Text   string    `query:"q" maxLength:"64" example:"0013" doc:"The number of a payment, an order or an attempt, or a card's last four digits."`
	Cursor string    `query:"cursor" maxLength:"64" doc:"next_cursor of the page before."`
	Limit  int       `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"At most so many."`
}

// Payments is a page.
type Payments struct {
	Data []Payment `json:"data" nullable:"false" doc:"Newest first. A page may be short, or empty, and still have a next one."`
	Next string    `json:"next_cursor,omitempty" doc:"For the page that follows; left out at the end."`
}

type listOutput struct{ Body Payments }

var (
	notFound  = []*fault.Fault{payment.ErrNotFound}
	takes     = []*fault.Fault{payment.ErrCurrency, payment.ErrReused, payment.ErrMethod, payment.ErrCode, payment.ErrOrder, payment.ErrTaken, merchant.ErrSuspended, qr.ErrUnknown, qr.ErrLength}
	finishing = []*fault.Fault{payment.ErrNotFound, payment.ErrState, handover.ErrElsewhere}
)

func (d *Door) payments() {
	register(d, op{id: "createPayment", method: http.MethodPost, path: "/v1/payments", action: auth.PaymentTake, tag: "Payments", status: http.StatusCreated,
		summary: "Take a payment", refuses: takes,
		about: "With the customer's code it is charged at once. Without one, a code is presented: show it, and wait for the event. The answer comes within seconds: look at `state`."},
		d.createPayment)
	register(d, op{id: "listPayments", method: http.MethodGet, path: "/v1/payments", action: auth.PaymentRead, tag: "Payments",
		summary: "List payments", refuses: []*fault.Fault{payment.ErrCursor, payment.ErrFilter}}, d.listPayments)
	register(d, op{id: "getPayment", method: http.MethodGet, path: "/v1/payments/{id}", action: auth.PaymentRead, tag: "Payments",
		summary: "Read a payment", refuses: notFound, about: "The number of one of its attempts, as a terminal prints it, finds it too."}, d.getPayment)
	register(d, op{id: "refreshPayment", method: http.MethodPost, path: "/v1/payments/{id}/refresh", action: auth.PaymentTake, tag: "Payments",
		summary: "Ask the wallet now what became of a payment", refuses: notFound}, d.refreshPayment)
	register(d, op{id: "cancelPayment", method: http.MethodPost, path: "/v1/payments/{id}/cancel", action: auth.PaymentCancel, tag: "Payments",
		summary: "Let nobody pay it any more", refuses: finishing,
		about: "It ends `cancelled`, or `approved` if the customer was faster; `cancelling` while that is not known."}, d.cancelPayment)
	register(d, op{id: "getTimeline", method: http.MethodGet, path: "/v1/payments/{id}/timeline", action: auth.PaymentRead, tag: "Payments",
		summary: "Read a payment's life", refuses: notFound}, d.getTimeline)
}

func (d *Door) createPayment(ctx context.Context, who caller, in *createInput) (*paymentOutput, error) {
	b := in.Body
	o := payment.Order{Merchant: who.merchant, Device: who.device(), Key: in.Key, Number: b.Number, Method: b.Method, Note: b.Note, Expires: b.Expires}
	c := money.Currency(b.Currency)
	if !c.Known() {
		return nil, payment.ErrCurrency
	}
	o.Amount = money.New(b.Amount, c)
	if b.Code != "" {
		code, err := card.NewCode(b.Code)
		if err != nil {
			return nil, payment.ErrCode.Wrap(err)
		}
		o.Code = code
	}
	if len(b.Lines) > 0 {
		var err error
		if o.Shown, err = json.Marshal(map[string]any{"lines": b.Lines}); err != nil {
			return nil, err
		}
	}
	p, err := d.Engine.Create(ctx, o)
	return d.tell(ctx, who, p, err)
}

// tell is a payment as an answer.
func (d *Door) tell(ctx context.Context, who caller, p payment.Payment, err error) (*paymentOutput, error) {
	if err != nil {
		return nil, err
	}
	out, err := d.payment(ctx, who, p)
	return &paymentOutput{out}, err
}

func (d *Door) payment(ctx context.Context, who caller, p payment.Payment) (Payment, error) {
	out := Payment{ID: payment.Ref(p.ID), State: string(p.State), Method: p.Method, Amount: p.Amount.Minor(), Currency: string(p.Amount.Currency()),
		Fee: p.Fee.Minor(), Refunded: p.Refunded.Minor(), Device: string(p.Terminal), Day: p.Day.String(), Created: p.Created.UTC().Truncate(time.Microsecond)}
	if p.Card.Last4 != "" {
		out.Card = &Card{Last4: p.Card.Last4, Kind: string(p.Card.Kind)}
	}
	o, err := payment.OrderOf(ctx, d.DB.Read(), p.Merchant, p.ID)
	switch {
	case err == nil:
		out.Number, out.Note = o.Number, o.Note
	case !errors.Is(err, payment.ErrNotFound):
		return out, err
	}
	if p.State == payment.Created {
		link, expires, err := d.Engine.Link(ctx, who.merchant, p.ID)
		if err == nil {
			out.Present = &Presented{Link: link, Image: "/v1/payments/" + out.ID + "/code.svg", Expires: expires.UTC()}
		} else if !errors.Is(err, payment.ErrState) { // paid or expired meanwhile
			return out, err
		}
	}
	if d.Receipts != nil && paid(p.State) {
		if out.Receipt, err = d.Receipts.Link(ctx, p.Merchant, p.ID); err != nil {
			return out, err
		}
	}
	return out, nil
}

// paid reports a state of which there is a receipt.
func paid(s payment.State) bool {
	return s == payment.Approved || s == payment.Voided || s == payment.Voiding || s == payment.Adjusting
}

func (d *Door) find(ctx context.Context, who caller, id string) (payment.Payment, error) {
	return payment.ByNumber(ctx, d.DB.Read(), who.merchant.ID, id)
}

func (d *Door) getPayment(ctx context.Context, who caller, in *struct{ PaymentPath }) (*paymentOutput, error) {
	p, err := d.find(ctx, who, in.ID)
	return d.tell(ctx, who, p, err)
}

func (d *Door) refreshPayment(ctx context.Context, who caller, in *struct{ PaymentPath }) (*paymentOutput, error) {
	p, err := d.find(ctx, who, in.ID)
	if err == nil {
		p, err = d.Engine.Refresh(ctx, who.merchant.ID, p.ID)
	}
	return d.tell(ctx, who, p, err)
}

func (d *Door) cancelPayment(ctx context.Context, who caller, in *struct{ PaymentPath }) (*paymentOutput, error) {
	p, err := d.find(ctx, who, in.ID)
	if err == nil {
		err = d.mine(ctx, who, p)
	}
	if err == nil {
		p, err = d.Engine.Cancel(ctx, who.merchant.ID, p.ID)
	}
	return d.tell(ctx, who, p, err)
}

func (d *Door) listPayments(ctx context.Context, who caller, in *listInput) (*listOutput, error) {
	f := payment.Filter{Merchant: who.merchant.ID, Methods: in.Method, From: in.From, To: in.To, Device: in.Device, Text: in.Text, Cursor: in.Cursor, Limit: in.Limit}
	for _, s := range in.State {
		f.States = append(f.States, payment.State(s))
	}
	if in.Least > 0 {
		f.Least = money.New(in.Least, who.merchant.Currency)
	}
	if in.Most > 0 {
		f.Most = money.New(in.Most, who.merchant.Currency)
	}
	page, err := payment.List(ctx, d.DB.Read(), f)
	if err != nil {
		return nil, err
	}
	out := &listOutput{Payments{Data: []Payment{}, Next: page.Next}}
	for _, p := range page.Payments {
		told, err := d.payment(ctx, who, p)
		if err != nil {
			return nil, err
		}
		out.Body.Data = append(out.Body.Data, told)
	}
	return out, nil
}

// Step is one thing in a payment's life.
type Step struct {
	At     time.Time `json:"at"`
	Kind   string    `json:"kind" example:"sale" doc:"Of an attempt: sale, refund, reversal…; of an event: payment.approved…"`
	Ref    string    `json:"ref,omitempty" doc:"The attempt's number."`
	State  string    `json:"state,omitempty" doc:"Of an attempt: where it stands now."`
	Amount int64     `json:"amount_minor,omitempty"`
	Code   string    `json:"code,omitempty" doc:"What the channel said."`
	Reason string    `json:"reason,omitempty"`
}

// Timeline is a life in order.
type Timeline struct {
	Data []Step `json:"data" nullable:"false"`
}

type timelineOutput struct{ Body Timeline }

func (d *Door) getTimeline(ctx context.Context, who caller, in *struct{ PaymentPath }) (*timelineOutput, error) {
	p, err := d.find(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	steps, err := payment.Timeline(ctx, d.DB.Read(), who.merchant.ID, p.ID)
	if err != nil {
		return nil, err
	}
	out := &timelineOutput{Timeline{Data: []Step{}}}
	for _, s := range steps {
		step := Step{At: s.At.UTC()}
		if a := s.Attempt; a != nil {
			step.Kind, step.Ref, step.State, step.Amount, step.Code, step.Reason = string(a.Kind), a.Ref(), string(a.State), a.Amount.Minor(), a.Code, a.Reason
		} else {
			step.Kind = s.Event.Kind
		}
		out.Body.Data = append(out.Body.Data, step)
	}
	return out, nil
}
