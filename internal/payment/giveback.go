package payment

import (
	"bytes"
	"context"
	"errors"

	"hawker/internal/books"
	"hawker/internal/channel"
	"hawker/internal/money"
	"hawker/internal/risk"
	"hawker/internal/store"
)

// GiveBack refunds a part of a payment of any method, or all that is left of it, any time
// after it was approved, and as often as something is left. The attempt returned is
// approved, declined, or under way: one that stays Unknown is asked again until it has an
// end. The same key and content give the same attempt again.
func (e *Engine) GiveBack(ctx context.Context, r RefundOrder) (Attempt, error) {
	if err := checkAsker(r.Device, r.Key); err != nil {
		return Attempt{}, err
	}
	if !printable(r.Reason, 200) {
		return Attempt{}, ErrOrder.With("a reason has at most 200 visible characters")
	}
	if err := accepts(r.Merchant, r.Amount); err != nil {
		return Attempt{}, err
	}
	now := e.now()
	stan, err := e.stans.draw(now)
	if err != nil {
		return Attempt{}, err
	}
	day := r.Merchant.Day(now)
	g := giving{RefundOrder: r, today: askerKey(day, 'g', r.Device, r.Key), yesterday: askerKey(day.Add(-1), 'g', r.Device, r.Key)}
	a := Attempt{Merchant: r.Merchant.ID, ID: store.NewID(now), Payment: r.Payment, Kind: channel.Refund, State: Sent, Terminal: deviceID(r.Device), BatchDay: day,
		Amount: r.Amount, Fee: zero(r.Amount), STAN: stan, Reason: r.Reason, Day: day, Node: e.node, Created: now, Updated: now,
		key: g.today, hash: content(channel.Refund, r.Amount, r.Payment, "\x00", r.Reason)}
	land := e.flights.begin(a.ID)
	err = e.write(&command{merchant: a.Merchant, payment: r.Payment, apply: func(w *work) error {
		g.a, g.fresh = a, false
		return e.give(w, &g)
	}})
	if err != nil || !g.fresh || g.a.State != Sent {
		land()
	}
	switch {
	case err != nil:
		return Attempt{}, err
	case !g.fresh:
		wait, cancel := context.WithTimeout(ctx, e.patience)
		defer cancel()
		e.flights.wait(wait, g.a.ID)
		return attemptByID(ctx, e.db.Read(), g.a.Merchant, g.a.ID)
	case g.a.State != Sent:
		e.metrics.Attempt(g.a.Kind, g.a.State, g.a.Reason)
		return g.a, nil
	}
	e.fly(ctx, land, func(ctx context.Context) {
		if err := e.giveNow(ctx, g); err != nil {
			e.log.Error("refund", "attempt", g.a.Ref(), "err", err)
		}
	})
	return attemptByID(ctx, e.db.Read(), g.a.Merchant, g.a.ID)
}

// giving is a refund on its way.
type giving struct {
	RefundOrder
	today, yesterday string // idempotency keys
	a, of            Attempt
	p                Payment
	proof            risk.Approval
	fresh            bool
}

// giveNow sends a refund and stores its outcome.
func (e *Engine) giveNow(ctx context.Context, g giving) error {
	ch, err := e.channelOf(g.a.Channel)
	if err != nil {
		return err
	}
	q, err := e.question(ctx, g.Merchant, channel.Refund, g.a, g.of)
	if err != nil {
		return err
	}
	if g.p.Card.Token != "" {
		q.Card = channel.Card{Token: g.p.Card.Token, Entry: entryManual}
	}
	_, err = e.resolve(ctx, g.a, e.sendTo(ctx, ch, g.proof, g.a.ID, q))
	return err
}

// give decides about a refund: the key, the payment's state, what is left of it.
func (e *Engine) give(w *work, g *giving) error {
	for _, word := range []string{g.today, g.yesterday} {
		was, err := w.byKey(g.a.Merchant, word)
		switch {
		case errors.Is(err, ErrNotFound):
			continue
		case err != nil:
			return err
		case was.ID == g.a.ID: // the commit of an earlier run was in doubt, and had happened
			g.a, g.fresh, g.proof = was, true, risk.AssessReturn(risk.Facts{Merchant: int64(was.Merchant), Attempt: was.ID, Amount: was.Amount})
			if g.of, err = w.attempt(was.Merchant, was.Of); err != nil {
				return err
			}
			g.p, err = w.payment(was.Merchant, was.Payment)
			return err
		case !bytes.Equal(was.hash, g.a.hash):
			return reused(was.hash, g.a.hash)
		}
		g.a = was
		return nil
	}
	p, err := w.payment(g.a.Merchant, g.Payment)
	if err != nil {
		return err
	}
	if g.of, err = e.payer(w, p); err != nil {
		return err
	}
	g.a.Of, g.a.Channel, g.fresh = g.of.ID, g.of.Channel, true
	if !e.ofWallet(g.of) && g.of.Channel != channelCash {
		g.a.Terminal = g.of.Terminal // a card network knows terminals only
	}
	if err := e.returnable(w, &g.a, p); err != nil {
		return err // nothing is kept: the asker may correct it under the same key
	}
	g.proof = risk.AssessReturn(facts(p, g.a.ID))
	if g.p, err = w.payment(p.Merchant, p.ID); err != nil {
		return err
	}
	if g.a.Channel == channelCash {
		g.a.State, g.a.Booked = Approved, true
		w.addAttempt(g.a)
		w.tell("refund.approved", g.a, g.p, g.a.Created)
		return w.post(books.CashRefund, books.Fact{Merchant: g.a.Merchant, Ref: g.a.Ref(), Channel: channelCash, Amount: g.a.Amount, Day: g.a.Day, At: g.a.Created})
	}
	w.addAttempt(g.a)
	return nil
}

// payer finds the attempt that took a payment's money.
func (e *Engine) payer(w *work, p Payment) (Attempt, error) {
	if p.State != Approved {
		return Attempt{}, ErrState.With("payment %s is %s", Ref(p.ID), p.State)
	}
	a, err := w.attempt(p.Merchant, p.ID)
	if err == nil || !errors.Is(err, ErrNotFound) {
		return a, err
	}
	list, err := w.attemptsOf(p.Merchant, p.ID)
	if err != nil {
		return Attempt{}, err
	}
	for _, a := range list {
		if a.Kind == channel.Present && a.State == Approved {
			return a, nil
		}
	}
	return Attempt{}, ErrNotFound
}

// returnable reserves a refund of what is left of a payment, and the share of the fee that goes with it.
func (e *Engine) returnable(w *work, a *Attempt, p Payment) error {
	if p.State != Approved {
		return ErrState
	}
	total, err := p.Refunded.Add(a.Amount)
	if err != nil || total.Minor() > p.Amount.Minor() {
		return ErrRefundOver
	}
	// The fee is given back so that all refunds together give exactly the stored fee.
	due, _, err := p.Fee.Share(total.Minor(), p.Amount.Minor(), money.HalfUp)
	if err != nil {
		return err
	}
	a.Fee = money.New(max(0, due.Minor()-p.RefundFee.Minor()), due.Currency())
	return w.addRefunded(p, a.Amount, a.Fee, a.Created)
}
