package rest

import (
	"context"
	"net/http"
	"time"

	"hawker/internal/auth"
	"hawker/internal/channel"
	"hawker/internal/fault"
	"hawker/internal/money"
	"hawker/internal/payment"
)

// Refund is money given back.
type Refund struct {
	ID       string    `json:"id" example:"00ZGK5M0T7X2"`
	Payment  string    `json:"payment" example:"00ZGK5J2Q8W1"`
	State    string    `json:"state" example:"approved" doc:"approved, declined, or on its way: sent, unknown. What is unknown is asked again until it has an end."`
	Amount   int64     `json:"amount_minor" example:"1000"`
	Currency string    `json:"currency" example:"CNY"`
	Fee      int64     `json:"fee_minor" example:"6" doc:"The share of the payment's fee that comes back to the merchant."`
	Code     string    `json:"code,omitempty" doc:"What the channel said."`
	Created  time.Time `json:"created_at"`
}

// NewRefund asks to give back.
type NewRefund struct {
	Amount   int64  `json:"amount_minor" minimum:"1" maximum:"99999999999" example:"1000"`
	Currency string `json:"currency" minLength:"3" maxLength:"3" pattern:"^[A-Z]{3}$" example:"CNY"`
	Reason   string `json:"reason,omitempty" maxLength:"200" example:"少了一份"`
}

type refundInput struct {
	Keyed
	PaymentPath
	Body NewRefund
}

type refundOutput struct{ Body Refund }

// Refunds are all of a payment.
type Refunds struct {
	Data []Refund `json:"data" nullable:"false" doc:"Oldest first."`
}

type refundsOutput struct{ Body Refunds }

func (d *Door) refunds() {
	register(d, op{id: "createRefund", method: http.MethodPost, path: "/v1/payments/{id}/refunds", action: auth.PaymentRefund, tag: "Refunds", status: http.StatusCreated,
		summary: "Give back a part of a payment, or all that is left",
		refuses: []*fault.Fault{payment.ErrNotFound, payment.ErrRefundOver, payment.ErrState, payment.ErrReused, payment.ErrCurrency}}, d.createRefund)
	register(d, op{id: "listRefunds", method: http.MethodGet, path: "/v1/payments/{id}/refunds", action: auth.PaymentRead, tag: "Refunds",
		summary: "List a payment's refunds", refuses: notFound}, d.listRefunds)
}

func refundOf(a payment.Attempt) Refund {
	return Refund{ID: a.Ref(), Payment: payment.Ref(a.Payment), State: string(a.State), Amount: a.Amount.Minor(), Currency: string(a.Amount.Currency()),
		Fee: a.Fee.Minor(), Code: a.Code, Created: a.Created.UTC()}
}

func (d *Door) createRefund(ctx context.Context, who caller, in *refundInput) (*refundOutput, error) {
	p, err := d.find(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	c := money.Currency(in.Body.Currency)
	if !c.Known() {
		return nil, payment.ErrCurrency
	}
	a, err := d.Engine.GiveBack(ctx, payment.RefundOrder{Merchant: who.merchant, Device: who.device(), Key: in.Key, Payment: p.ID,
		Amount: money.New(in.Body.Amount, c), Reason: in.Body.Reason})
	if err != nil {
		return nil, err
	}
	return &refundOutput{refundOf(a)}, nil
}

func (d *Door) listRefunds(ctx context.Context, who caller, in *struct{ PaymentPath }) (*refundsOutput, error) {
	p, err := d.find(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	tries, err := payment.Attempts(ctx, d.DB.Read(), who.merchant.ID, p.ID)
	if err != nil {
		return nil, err
	}
	out := &refundsOutput{Refunds{Data: []Refund{}}}
	for _, a := range tries {
		if a.Kind == channel.Refund {
			out.Body.Data = append(out.Body.Data, refundOf(a))
		}
	}
	return out, nil
}
