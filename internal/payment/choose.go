package payment

import (
	"context"
	"errors"
	"fmt"

	"hawker/internal/channel"
	"hawker/internal/feelock"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/risk"
	"hawker/internal/store"
)

// maxChoices bounds how often the payer of one code may choose.
const maxChoices = 10

// Choose takes the wallet that the payer of a presented code has chosen, and gives the
// link that opens it: the same link as before when it was chosen before. Who chooses
// another wallet may still pay by the first one: whichever is paid first counts, and the
// other is closed, or given back. ErrPaid, ErrOver and ErrState when nobody can pay it
// any more; ErrBusy and ErrUnreachable are worth another try.
func (e *Engine) Choose(ctx context.Context, m merchant.ID, payment int64, method string) (link string, err error) {
	ch := e.wallets[method]
	if ch == nil {
		return "", ErrMethod.With("%q", method)
	}
	who, err := merchant.ByID(ctx, e.db.Read(), m)
	if err != nil {
		return "", err
	}
	if err := who.MayTake(); err != nil {
		return "", err
	}
	order, err := OrderOf(ctx, e.db.Read(), m, payment)
	if err != nil {
		return "", err
	}
	c := choice{method: method, merchant: who, order: order}
	plan, err := e.planFor(ctx, who, method, "", e.now())
	if err != nil {
		return "", err
	}
	c.plan = plan
	if c.stan, err = e.stans.draw(e.now()); err != nil {
		return "", err
	}
	id := store.NewID(e.now())
	land := e.flights.begin(id)
	err = e.write(&command{merchant: m, payment: payment, apply: func(w *work) error { return e.choose(w, &c, id) }})
	if err != nil || !c.fresh {
		land()
	}
	switch {
	case err != nil:
		return "", err
	case !c.fresh:
		wait, cancel := context.WithTimeout(ctx, e.patience)
		defer cancel()
		e.flights.wait(wait, c.a.ID)
	default:
		e.fly(ctx, land, func(ctx context.Context) {
			r := e.request(who, c.a, channel.Card{})
			r.Expires = order.Expires
			if _, err := e.resolve(ctx, c.a, e.sendTo(ctx, ch, c.proof, c.a.ID, r)); err != nil {
				e.log.Error("code at a wallet", "attempt", c.a.Ref(), "err", err)
			}
		})
	}
	return e.chosen(ctx, c.a)
}

// chosen is the link of an attempt that has landed.
func (e *Engine) chosen(ctx context.Context, a Attempt) (string, error) {
	now, err := attemptByID(ctx, e.db.Read(), a.Merchant, a.ID)
	if err != nil {
		return "", err
	}
	link, err := linkOf(ctx, e.db.Read(), a)
	switch {
	case err != nil:
		return "", err
	case now.State == Waiting && link != "":
		return link, nil
	case now.State == Sent:
		return "", ErrBusy
	case now.State == Approved:
		return "", ErrPaid
	case now.State == Closing || now.State == Closed:
		return "", ErrOver
	}
	return "", ErrUnreachable.With("attempt %s is %s %s", now.Ref(), now.State, now.Code)
}

// choice is a wallet on its way to be chosen.
type choice struct {
	method   string
	merchant merchant.Merchant
	order    OrderFacts
	plan     feelock.Plan
	stan     int
	a        Attempt
	proof    risk.Approval
	fresh    bool
}

// choose decides about a choice.
func (e *Engine) choose(w *work, c *choice, id int64) error {
	c.fresh = false
	now := e.now()
	p, err := w.payment(c.merchant.ID, c.order.Payment)
	switch {
	case err != nil:
		return err
	case p.State == Approved:
		return ErrPaid
	case p.State == Expiring, p.State == Expired, p.State == Created && !now.Before(c.order.Expires):
		return ErrOver
	case p.State != Created:
		return ErrState.With("payment %s is %s", Ref(p.ID), p.State)
	}
	list, err := w.attemptsOf(p.Merchant, p.ID)
	if err != nil {
		return err
	}
	for _, a := range list {
		if a.Kind == channel.Present && a.Channel == c.method && (a.State == Sent || a.State == Waiting) {
			c.a = a
			return nil
		}
	}
	if len(list) >= maxChoices {
		return ErrState.With("%d choices were made", len(list))
	}
	fee, err := c.plan.Fee(p.Amount)
	if err != nil {
		return err
	}
	day := c.merchant.Day(now)
	a := Attempt{Merchant: p.Merchant, ID: id, Payment: p.ID, Kind: channel.Present, Channel: c.method, State: Sent, Terminal: p.Terminal, BatchDay: day,
		Amount: p.Amount, Fee: fee, STAN: c.stan, Day: day, Node: e.node, Created: now, Updated: now,
		key: fmt.Sprintf("%08d:w:%s:%d", p.Day, Ref(p.ID), len(list)+1), hash: []byte{}}
	if c.proof, err = w.desk.Assess(w.ctx, e.counted(p, a)); err != nil {
		return err
	}
	w.addAttempt(a)
	c.a, c.fresh = a, true
	return nil
}

// presented books that a code was paid. Another wallet's payment of it that came first
// stands; this one is then given back.
func (e *Engine) presented(w *work, a *Attempt, p *Payment) (surplus bool, err error) {
	now := e.now()
	if _, no := PaymentMoves.Next(p.State, Accept); no != nil {
		a.Booked = false
		if err := w.moveAttempt(a, Accept, now); err != nil {
			return true, err
		}
		w.tell("payment.surplus", *a, *p, now)
		return true, e.takeBackAttempt(w, a, *p)
	}
	plan, err := e.planFor(w.ctx, merchant.Merchant{ID: a.Merchant, Currency: a.Amount.Currency()}, e.methodOf(a.Channel), "", a.Created)
	if err != nil {
		return false, err
	}
	p.Method, p.Fee, p.FeeVersion = e.methodOf(a.Channel), a.Fee, plan.Version()
	if err := errors.Join(w.moveAttempt(a, Accept, now), w.movePayment(p, Accept, now)); err != nil {
		return false, err
	}
	list, err := w.attemptsOf(p.Merchant, p.ID)
	if err != nil {
		return false, err
	}
	for _, other := range list {
		if other.ID != a.ID && other.Kind == channel.Present && other.State == Waiting {
			if err := e.takeBackAttempt(w, &other, *p); err != nil {
				return false, err
			}
		}
	}
	return false, nil
}

// unpresented undoes an attempt that its wallet refused, or lets it be closed when the wallet was silent: nobody has its link.
func (e *Engine) unpresented(w *work, a *Attempt, p *Payment, event Event) error {
	now := e.now()
	if err := w.moveAttempt(a, event, now); err != nil {
		return err
	}
	if event == TimeOut {
		if err := e.takeBackAttempt(w, a, *p); err != nil {
			return err
		}
	} else if err := w.desk.Release(w.ctx, e.counted(*p, *a)); err != nil {
		return w.failed(err)
	}
	w.tell("attempt."+string(a.State), *a, *p, now)
	return e.settleShut(w, p, now)
}

// takeBackAttempt has one attempt of a presented payment taken back; the payment stays where it is.
func (e *Engine) takeBackAttempt(w *work, a *Attempt, p Payment) error {
	now := e.now()
	if err := w.moveAttempt(a, Reverse, now); err != nil {
		return err
	}
	return e.reverseWith(w, *a, p, reasonSilent, "attempt.reversing", now)
}

// tookBack books that a presented attempt was taken back.
func (e *Engine) tookBack(w *work, r, of *Attempt, code string) error {
	now := e.now()
	p, err := w.payment(of.Merchant, of.Payment)
	if err != nil {
		return err
	}
	r.Code, of.Booked = code, false
	if err := errors.Join(w.moveAttempt(r, Accept, now), w.moveAttempt(of, Settle, now)); err != nil {
		return err
	}
	if err := w.desk.Release(w.ctx, e.counted(p, *of)); err != nil {
		return w.failed(err)
	}
	w.tell("attempt.reversed", *of, p, now)
	return nil
}

// zero is no money, in an amount's currency.
func zero(a money.Amount) money.Amount { return money.Zero(a.Currency()) }
