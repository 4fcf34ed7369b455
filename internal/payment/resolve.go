package payment

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"hawker/internal/books"
	"hawker/internal/channel"
	"hawker/internal/events"
	"hawker/internal/jobs"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

// resolve stores how an attempt ended at the channel: its state, the payment's,
// the postings and the event in one transaction. Silence becomes unknown, and with
// it, in the same transaction, the job that ends it. When somebody moved the
// attempt meanwhile (its reversal overtook the answer), the answer is only noted.
func (e *Engine) resolve(ctx context.Context, a Attempt, o channel.Outcome) (Attempt, error) {
	return e.store(ctx, a, o, nil)
}

// store is resolve; written is what the intent wrote, when that is known.
func (e *Engine) store(ctx context.Context, a Attempt, o channel.Outcome, written *wrote) (Attempt, error) {
	var now Attempt
	err := e.write(&command{merchant: a.Merchant, attempt: ahead(a), payment: a.Payment, wrote: written, apply: func(w *work) (err error) {
		now, err = e.conclude(w, a, o)
		return err
	}})
	if errors.Is(err, ErrState) {
		e.Late(ctx, channel.Request{Kind: a.Kind, Attempt: a.ID, Merchant: channel.Merchant{ID: int64(a.Merchant)}}, o)
		return attemptByID(ctx, e.db.Read(), a.Merchant, a.ID)
	}
	if err != nil {
		e.adrift.Store(true)
		e.log.Error("outcome cannot be stored; it will be resolved", "attempt", a.Ref(), "kind", a.Kind, "result", o.Result, "err", err)
		return a, fmt.Errorf("store outcome of %s: %w", a.Ref(), err)
	}
	if now.State != Approved && now.State != Declined {
		e.jobs.Wake()
	}
	e.metrics.Attempt(now.Kind, now.State, now.Code)
	return now, nil
}

// conclude decides what an outcome makes of an attempt that stands as a says.
func (e *Engine) conclude(w *work, a Attempt, o channel.Outcome) (Attempt, error) {
	stands, err := w.attempt(a.Merchant, a.ID)
	if err != nil {
		return a, err
	}
	o.AuthCode = cmp.Or(o.AuthCode, o.Number)
	if stands.State == Approved && o.Result == channel.Approved && stands.Code == o.Code && stands.AuthCode == o.AuthCode {
		stands.ICC = o.ICC
		return stands, nil // the commit of an earlier run was in doubt, and had happened
	}
	a.Code, a.AuthCode, a.Issuer, a.ICC = o.Code, o.AuthCode, o.Issuer, o.ICC
	w.tellChip(a)
	if o.Result == channel.Unsent {
		a.Reason = ErrUnreachable.Name
	}
	if ofHold(a.Kind) {
		return e.concludeHold(w, a, o)
	}
	p, err := w.payment(a.Merchant, a.Payment)
	if err != nil {
		return a, err
	}
	switch o.Result {
	case channel.Approved:
		err = e.accepted(w, &a, &p)
	case channel.Declined, channel.Unsent:
		err = e.refused(w, &a, &p)
	case channel.Waiting:
		if !e.ofWallet(a) {
			return a, e.silent(w, &a, &p)
		}
		err = e.waits(w, &a, &p, o)
	default:
		err = e.silent(w, &a, &p)
	}
	return a, err
}

// accepted books an approved attempt.
func (e *Engine) accepted(w *work, a *Attempt, p *Payment) error {
	now := e.now()
	a.Booked = true
	if a.Kind == channel.Present {
		if surplus, err := e.presented(w, a, p); err != nil || surplus {
			return err
		}
	} else if err := w.moveAttempt(a, Accept, now); err != nil {
		return err
	}
	fact := books.Fact{Merchant: a.Merchant, Ref: a.Ref(), Channel: a.Channel, Amount: a.Amount, Fee: a.Fee, Day: a.Day, At: now}
	entry, kind := books.Refund, "refund.approved"
	switch a.Kind {
	case channel.Sale, channel.OfflineSale:
		entry, kind = books.Sale, "payment.approved"
		if err := w.movePayment(p, Accept, now); err != nil {
			return err
		}
	case channel.Present:
		entry, kind = books.Sale, "payment.approved"
	case channel.Completion, channel.CompletionNotice:
		entry, kind = books.Sale, "payment.completed"
		if err := errors.Join(w.movePayment(p, Accept, now), e.closeHold(w, *a, now)); err != nil {
			return err
		}
	case channel.Void, channel.CompletionVoid:
		entry, kind = books.Void, "payment.voided"
		if err := errors.Join(w.movePayment(p, Accept, now), w.desk.Release(w.ctx, facts(*p, a.ID))); err != nil {
			return err
		}
		if a.Kind == channel.CompletionVoid {
			if err := e.reopenHold(w, *a, Reopen, now); err != nil {
				return err
			}
		}
	case channel.Tip, channel.Adjustment:
		var err error
		if entry, kind, err = e.acceptChange(w, *a, p, now); err != nil {
			return err
		}
	}
	w.tell(kind, *a, *p, now)
	return w.post(entry, fact)
}

// refused undoes what the intent had reserved.
func (e *Engine) refused(w *work, a *Attempt, p *Payment) error {
	if a.Kind == channel.Present {
		return e.unpresented(w, a, p, Refuse)
	}
	now := e.now()
	if err := w.moveAttempt(a, Refuse, now); err != nil {
		return err
	}
	kind := "refund.declined"
	var err error
	switch a.Kind {
	case channel.Sale, channel.OfflineSale:
		kind = "payment.declined"
		err = errors.Join(w.movePayment(p, Refuse, now), w.desk.Release(w.ctx, facts(*p, a.ID)))
	case channel.Completion, channel.CompletionNotice:
		kind = "completion.declined"
		err = errors.Join(w.movePayment(p, Refuse, now), w.desk.Release(w.ctx, facts(*p, a.ID)), e.standAgain(w, *a, now))
	case channel.Void, channel.CompletionVoid:
		kind = "void.declined"
		err = w.movePayment(p, Refuse, now)
	case channel.Tip, channel.Adjustment:
		kind, err = e.refuseChange(w, *a, p, now)
	default:
		err = w.addRefunded(*p, a.Amount.Neg(), a.Fee.Neg(), now)
	}
	w.tell(kind, *a, *p, now)
	return err
}

// silent records that nothing is known, and the job that will end it: a sale or
// void is reversed, a refund or another notice asked again.
func (e *Engine) silent(w *work, a *Attempt, p *Payment) error {
	if a.Kind == channel.Present {
		return e.unpresented(w, a, p, TimeOut)
	}
	now := e.now()
	if err := w.moveAttempt(a, TimeOut, now); err != nil {
		return err
	}
	if asked(a.Kind) {
		kind := unknown[a.Kind]
		if a.Kind == channel.CompletionNotice || a.Kind == channel.OfflineSale {
			if err := w.movePayment(p, TimeOut, now); err != nil {
				return err
			}
		}
		w.tell(kind, *a, *p, now)
		w.addJob(jobs.Job{Merchant: int64(a.Merchant), Kind: jobRefund, Ref: a.Ref(), MaxTries: maxTries, Due: now})
		return nil
	}
	if a.Kind == channel.Sale || a.Kind == channel.Completion {
		if err := w.movePayment(p, TimeOut, now); err != nil {
			return err
		}
	}
	w.tell("payment.unknown", *a, *p, now)
	if e.ofWallet(*a) { // which knows more: it is asked before the sale is taken back
		e.askAfter(w, *a, now)
		return nil
	}
	return e.takeBack(w, a, p, reasonSilent)
}

// unknown are the events of silence about what is asked again.
var unknown = map[channel.Kind]string{channel.Refund: "refund.unknown", channel.CompletionNotice: "completion.unknown",
	channel.OfflineSale: "payment.unknown", channel.Tip: "tip.unknown", channel.Adjustment: "adjustment.unknown"}

// Late takes an answer that came after its attempt was given up. A notice's still
// counts, because it is being asked for again; a sale's or void's is noted, because
// its reversal is under way and will undo whatever the bank did.
func (e *Engine) Late(ctx context.Context, r channel.Request, o channel.Outcome) {
	m := merchant.ID(r.Merchant.ID)
	a, err := attemptByID(ctx, e.db.Read(), m, r.Attempt)
	if err != nil {
		e.log.Warn("late answer to an unknown attempt", "attempt", Ref(r.Attempt), "err", err)
		return
	}
	if asked(a.Kind) && a.State == Unknown && (o.Result == channel.Approved || o.Result == channel.Declined) {
		if _, err := e.resolve(ctx, a, o); err != nil {
			e.log.Error("late answer", "attempt", a.Ref(), "err", err)
		}
		return
	}
	e.log.Warn("late answer noted, not acted upon", "attempt", a.Ref(), "kind", a.Kind, "state", a.State, "code", o.Code)
	err = e.db.Write(ctx, func(tx *store.Tx) error {
		return events.Append(ctx, tx, events.Event{Merchant: r.Merchant.ID, Kind: "payment.late_answer", Ref: Ref(a.Payment), At: e.now(),
			Body: map[string]string{"attempt": a.Ref(), "state": string(a.State), "code": o.Code}})
	})
	if err != nil {
		e.log.Error("late answer cannot be noted", "attempt", a.Ref(), "err", err)
	}
}
