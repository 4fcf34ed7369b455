package rest

import (
	"context"
	"net/http"
	"time"

	"hawker/internal/auth"
	"hawker/internal/fault"
	"hawker/internal/handover"
	"hawker/internal/payment"
	"hawker/internal/store"
)

// Handover is a code by which another device takes a payment over.
type Handover struct {
	Payment string    `json:"payment" example:"00ZGK5J2Q8W1"`
	Code    string    `json:"code" example:"492817" doc:"Six digits: typed at the other device, once."`
	Expires time.Time `json:"expires_at"`
}

type handoverOutput struct{ Body Handover }

// Takeover asks for a payment that another device has.
type Takeover struct {
	Code string `json:"code" minLength:"6" maxLength:"6" pattern:"^[0-9]{6}$" example:"492817" doc:"As the first device shows it."`
}

type takeInput struct{ Body Takeover }

func (d *Door) handovers() {
	register(d, op{id: "offerHandover", method: http.MethodPost, path: "/v1/payments/{id}/handover", action: auth.PaymentTake, tag: "Payments", status: http.StatusCreated,
		summary: "Show a code by which another device goes on with a payment", refuses: []*fault.Fault{payment.ErrNotFound, handover.ErrElsewhere},
		about: "Everybody at the merchant sees a payment under way; the device whose turn it is may end it. The code passes the turn on."}, d.offer)
	register(d, op{id: "takeHandover", method: http.MethodPost, path: "/v1/handovers", action: auth.PaymentTake, tag: "Payments",
		summary: "Take a payment over by its code", refuses: []*fault.Fault{handover.ErrCode}}, d.take)
}

// mine refuses whoever's turn it is not.
func (d *Door) mine(ctx context.Context, who caller, p payment.Payment) error {
	return handover.May(ctx, d.DB.Read(), p.Merchant, p.ID, handover.Began{Device: string(p.Terminal), At: p.Created}, who.device(), d.Clock())
}

func (d *Door) offer(ctx context.Context, who caller, in *struct{ PaymentPath }) (*handoverOutput, error) {
	p, err := d.find(ctx, who, in.ID)
	if err == nil {
		err = d.mine(ctx, who, p)
	}
	if err != nil {
		return nil, err
	}
	code, expires, err := handover.Offer(ctx, d.DB, p.Merchant, p.ID, d.Clock())
	return &handoverOutput{Handover{payment.Ref(p.ID), code, expires.UTC()}}, err
}

func (d *Door) take(ctx context.Context, who caller, in *takeInput) (*paymentOutput, error) {
	var p payment.Payment
	err := d.DB.Write(ctx, func(tx *store.Tx) error {
		now := d.Clock()
		id, err := handover.Take(ctx, tx, who.merchant.ID, in.Body.Code, who.device(), who.key.Name, now)
		if err != nil {
			return err
		}
		if p, err = payment.Get(ctx, tx, who.merchant.ID, id); err != nil {
			return err
		}
		return handover.Tell(ctx, tx, p.Merchant, payment.Ref(id), who.device(), who.key.Name, now)
	})
	return d.tell(ctx, who, p, err)
}
