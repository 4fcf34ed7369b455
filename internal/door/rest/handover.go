package rest

import (
	"context"
	"net/http"
	"time"

	"hawker/internal/auth"
	"hawker/internal/fault"
	"hawker/internal/handover"
	"hawker/internal/payment"
)

// Handover is a code by which another device takes a payment over.
type Handover struct {
	Payment string    `json:"payment" example:"00ZGK5J2Q8W1"`
	Code    string    `json:"code" example:"492817" doc:"Six digits: typed at the other device, once."`
	Expires time.Time `json:"expires_at"`
}

type handoverOutput struct{ Body Handover }

type takeInput struct {
	Body struct {
		Code string `json:"code" minLength:"6" maxLength:"6" pattern:"^[0-9]{6}$" example:"492817" doc:"As the first device shows it."`
	}
}

func (d *Door) handovers() {
	register(d, op{id: "offerHandover", method: http.MethodPost, path: "/v1/payments/{id}/handover", action: auth.PaymentTake, tag: "Payments", status: http.StatusCreated,
		summary: "Show a code by which another device goes on with a payment", refuses: []*fault.Fault{payment.ErrNotFound, handover.ErrElsewhere, handover.ErrOver},
		about: "Everybody at the merchant sees a payment under way; the device whose turn it is may end it. The code passes the turn on, within two minutes."}, d.offer)
	register(d, op{id: "takeHandover", method: http.MethodPost, path: "/v1/handovers", action: auth.PaymentTake, tag: "Payments",
		summary: "Take a payment over by its code", refuses: []*fault.Fault{handover.ErrCode, handover.ErrOver, handover.ErrTries}}, d.take)
}

func (d *Door) offer(ctx context.Context, who caller, in *struct{ PaymentPath }) (*handoverOutput, error) {
	p, err := d.find(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	o, err := d.Handover.Offer(ctx, who.merchant.ID, p.ID, who.device())
	return &handoverOutput{Handover{payment.Ref(o.Payment), o.Code, o.Expires.UTC()}}, err
}

func (d *Door) take(ctx context.Context, who caller, in *takeInput) (*paymentOutput, error) {
	p, err := d.Handover.Take(ctx, who.merchant.ID, in.Body.Code, who.device())
	return d.tell(ctx, who, p, err)
}
