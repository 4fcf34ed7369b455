package payment

import (
	"context"
	"errors"
	"time"

	"hawker/internal/channel"
	"hawker/internal/jobs"
	"hawker/internal/merchant"
)

// Job kinds: jobClose closes an attempt at its wallet; JobPaymentExpiry ends a presented
// code that nobody has paid.
const (
	jobClose         = "wallet closing"
	JobPaymentExpiry = "payment expiry"
)

// reasonCancelled is why a sale is reversed that somebody cancelled.
const reasonCancelled = "cancelled"

// Cancel lets nobody pay a payment any more. It ends cancelled, or approved if the
// customer was faster; Cancelling while that is not known. What has ended stays as it is.
func (e *Engine) Cancel(ctx context.Context, m merchant.ID, payment int64) (Payment, error) {
	p, err := e.Refresh(ctx, m, payment)
	if err != nil {
		return p, err
	}
	if p.Method == MethodCard {
		return p, ErrState.With("a card payment is voided or reversed at its terminal")
	}
	err = e.write(&command{merchant: m, payment: payment, apply: func(w *work) error { return e.cancel(w, m, payment) }})
	if err != nil {
		return p, err
	}
	e.jobs.Wake()
	e.closeNow(ctx, m, payment)
	return Get(ctx, e.db.Read(), m, payment)
}

// cancel decides about a wish to cancel.
func (e *Engine) cancel(w *work, m merchant.ID, payment int64) error {
	p, err := w.payment(m, payment)
	if err != nil {
		return err
	}
	now := e.now()
	switch p.State {
	case Created:
		if err := w.movePayment(&p, Cancel, now); err != nil {
			return err
		}
		return e.shut(w, &p, now)
	case Sent, Waiting, Unknown:
		a, err := w.attempt(m, p.ID)
		if err != nil {
			return err
		}
		if err := errors.Join(w.moveAttempt(&a, Reverse, now), w.movePayment(&p, Cancel, now)); err != nil {
			return err
		}
		return e.reverse(w, a, p, reasonCancelled, now)
	}
	return nil
}

// shut closes what is still open of a payment that is being cancelled or expires.
func (e *Engine) shut(w *work, p *Payment, now time.Time) error {
	list, err := w.attemptsOf(p.Merchant, p.ID)
	if err != nil {
		return err
	}
	for _, a := range list {
		if a.Kind == channel.Present && a.State == Waiting {
			if err := e.shutAttempt(w, a, now); err != nil {
				return err
			}
		}
	}
	w.tell("payment."+string(p.State), Attempt{Merchant: p.Merchant, Amount: p.Amount, Day: p.Day}, *p, now)
	return e.settleShut(w, p, now)
}

// shutAttempt has an attempt closed at its wallet.
func (e *Engine) shutAttempt(w *work, a Attempt, now time.Time) error {
	w.addJob(jobs.Job{Merchant: int64(a.Merchant), Kind: jobClose, Ref: a.Ref(), MaxTries: maxTries, Due: now})
	return w.moveAttempt(&a, Close, now)
}

// settleShut ends a payment that is being cancelled or expires, once nobody can pay it any more.
func (e *Engine) settleShut(w *work, p *Payment, now time.Time) error {
	if p.State != Cancelling && p.State != Expiring {
		return nil
	}
	list, err := w.attemptsOf(p.Merchant, p.ID)
	if err != nil {
		return err
	}
	last := Attempt{Merchant: p.Merchant, Amount: p.Amount, Day: p.Day}
	for _, a := range list {
		switch {
		case a.Kind != channel.Present:
		case a.State == Sent, a.State == Waiting, a.State == Closing:
			return nil
		default:
			last = a
		}
	}
	if err := w.movePayment(p, Settle, now); err != nil {
		return err
	}
	w.tell("payment."+string(p.State), last, *p, now)
	return nil
}

// closed records that nobody can pay an attempt any more, and nobody did.
func (e *Engine) closed(w *work, a *Attempt) error {
	now := e.now()
	if err := w.moveAttempt(a, Settle, now); err != nil {
		return err
	}
	p, err := w.payment(a.Merchant, a.Payment)
	if err != nil {
		return err
	}
	if err := w.desk.Release(w.ctx, e.counted(p, *a)); err != nil {
		return w.failed(err)
	}
	return e.settleShut(w, &p, now)
}

// closeNow closes a payment's attempts without waiting for the jobs that do the same, for
// as long as a caller waits. What fails is the jobs' matter.
func (e *Engine) closeNow(ctx context.Context, m merchant.ID, payment int64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.patience)
	defer cancel()
	list, err := Attempts(ctx, e.db.Read(), m, payment)
	if err != nil {
		return
	}
	for _, a := range list {
		if a.State == Closing {
			if err := e.closeOne(ctx, a); err != nil {
				e.log.Info("closing is left to its job", "attempt", a.Ref(), "why", err)
			}
		}
	}
}

func (e *Engine) runClose(ctx context.Context, j jobs.Job) error {
	a, _, _, _, err := e.load(ctx, j)
	if err != nil {
		return err
	}
	if err := e.closeOne(ctx, a); err != nil {
		return jobs.After(jobs.Backoff(j.Tries), err)
	}
	return nil
}

// closeOne closes an attempt at its wallet; one that is paid counts.
func (e *Engine) closeOne(ctx context.Context, a Attempt) error {
	if a.State != Closing {
		return nil
	}
	m, err := merchant.ByID(ctx, e.db.Read(), a.Merchant)
	if err != nil {
		return err
	}
	ch, err := e.channelOf(a.Channel)
	if err != nil {
		return err
	}
	q, err := e.question(ctx, m, channel.Close, a, a)
	if err != nil {
		return err
	}
	o := ch.Do(ctx, q)
	switch o.Result {
	case channel.Approved: // closed: as if the wallet had refused it
		_, err = e.learn(ctx, a, channel.Outcome{Result: channel.Declined, Code: o.Code})
		return err
	case channel.Declined: // it is paid, as the question will say
		if o = e.query(ctx, m, a); o.Result == channel.Approved || o.Result == channel.Declined {
			_, err = e.learn(ctx, a, o)
			return err
		}
	case channel.Silent, channel.Unsent, channel.Waiting:
	}
	return unsettled(o)
}

// runPaymentExpiry ends a presented code that nobody has paid in time.
func (e *Engine) runPaymentExpiry(_ context.Context, j jobs.Job) error {
	id, err := ParseRef(j.Ref)
	if err != nil {
		return err
	}
	m := merchant.ID(j.Merchant)
	err = e.write(&command{merchant: m, payment: id, apply: func(w *work) error {
		p, err := w.payment(m, id)
		if err != nil || p.State != Created {
			return err
		}
		now := e.now()
		if err := w.movePayment(&p, Expire, now); err != nil {
			return err
		}
		return e.shut(w, &p, now)
	}})
	e.jobs.Wake()
	return err
}
