package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hawker/internal/channel"
	"hawker/internal/jobs"
	"hawker/internal/merchant"
)

// jobAsk asks a wallet what became of an attempt until it is decided: a sale until the
// wallet's patience ends and it is reversed, a presented code until it has expired.
const jobAsk = "wallet query"

// maxAsks bounds the questions about one attempt. A sale's patience and a code's expiry end them earlier.
const maxAsks = 1000

// askAfter writes the job that asks after an attempt.
func (e *Engine) askAfter(w *work, a Attempt, now time.Time) {
	w.addJob(jobs.Job{Merchant: int64(a.Merchant), Kind: jobAsk, Ref: a.Ref(), MaxTries: maxAsks, Due: now.Add(e.pace(a.Channel).First)})
}

// waits records that the customer has not decided.
func (e *Engine) waits(w *work, a *Attempt, p *Payment, o channel.Outcome) error {
	now := e.now()
	if err := w.moveAttempt(a, Wait, now); err != nil {
		return err
	}
	if a.Kind == channel.Sale {
		if err := w.movePayment(p, Wait, now); err != nil {
			return err
		}
		w.tell("payment.waiting", *a, *p, now)
		e.askAfter(w, *a, now)
		return nil
	}
	if o.Link != "" {
		w.newLinks = append(w.newLinks, []any{a.Merchant, a.ID, o.Link})
	}
	if p.State != Created { // paid otherwise, cancelled or expired meanwhile
		return e.shutAttempt(w, *a, now)
	}
	w.tell("attempt.presented", *a, *p, now)
	e.askAfter(w, *a, now)
	return nil
}

// runAsk asks once.
func (e *Engine) runAsk(ctx context.Context, j jobs.Job) error {
	a, _, _, m, err := e.load(ctx, j)
	if err != nil {
		return err
	}
	p := e.pace(a.Channel)
	pause := p.First
	for range j.Tries {
		pause = min(pause+pause/2, p.Longest)
	}
	switch a.State {
	case Sent:
		return jobs.After(pause, errors.New("it is on its way"))
	case Waiting, Unknown:
	default:
		return nil
	}
	o := e.query(ctx, m, a)
	if _, err := e.learn(ctx, a, o); err != nil {
		return err
	}
	if o.Result == channel.Approved || o.Result == channel.Declined {
		return nil
	}
	now, ends := e.now(), a.Created.Add(p.Deadline)
	if a.Kind == channel.Present {
		order, err := OrderOf(ctx, e.db.Read(), a.Merchant, a.Payment)
		if err != nil {
			return err
		}
		ends = order.Expires
	}
	switch {
	case now.Before(ends):
		return jobs.After(max(min(pause, ends.Sub(now)), time.Millisecond), unsettled(o))
	case a.Kind == channel.Present:
		return nil // its payment expires, which closes it
	}
	return e.giveUp(a)
}

// giveUp reverses a sale that nobody has decided in time.
func (e *Engine) giveUp(a Attempt) error {
	err := e.write(&command{merchant: a.Merchant, attempt: a.ID, payment: a.Payment, apply: func(w *work) error {
		a, err := w.attempt(a.Merchant, a.ID)
		if err != nil || a.State != Waiting && a.State != Unknown {
			return err
		}
		p, err := w.payment(a.Merchant, a.Payment)
		if err != nil {
			return err
		}
		return e.takeBack(w, &a, &p, reasonSilent)
	}})
	e.jobs.Wake()
	return err
}

// Refresh asks the wallets now what became of a payment, and gives it as it stands.
func (e *Engine) Refresh(ctx context.Context, m merchant.ID, payment int64) (Payment, error) {
	p, err := Get(ctx, e.db.Read(), m, payment)
	if err != nil {
		return p, err
	}
	switch p.State {
	case Created, Waiting, Unknown, Cancelling, Expiring:
	default:
		return p, nil
	}
	list, err := Attempts(ctx, e.db.Read(), m, payment)
	if err != nil {
		return p, err
	}
	who, err := merchant.ByID(ctx, e.db.Read(), m)
	if err != nil {
		return p, err
	}
	for _, a := range list {
		if !e.ofWallet(a) || a.Kind != channel.Sale && a.Kind != channel.Present {
			continue
		}
		switch a.State {
		case Waiting, Unknown, Closing:
			if err := e.refresh(ctx, who, a); err != nil {
				return p, err
			}
		}
	}
	return Get(ctx, e.db.Read(), m, payment)
}

// refresh asks after one attempt, for as long as a caller waits.
func (e *Engine) refresh(ctx context.Context, m merchant.Merchant, a Attempt) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.patience)
	defer cancel()
	if _, err := e.learn(ctx, a, e.query(ctx, m, a)); err != nil {
		return fmt.Errorf("refresh %s: %w", a.Ref(), err)
	}
	return nil
}
