package payment

import (
	"context"
	"errors"
	"fmt"

	"hawker/internal/books"
	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/events"
	"hawker/internal/jobs"
	"hawker/internal/ledger"
	"hawker/internal/merchant"
	"hawker/internal/risk"
	"hawker/internal/store"
)

// resolve stores how an attempt ended at the channel: its state, the payment's,
// the postings and the event in one transaction. Silence becomes unknown, and with
// it, in the same transaction, the job that ends it. When somebody moved the
// attempt meanwhile (its reversal overtook the answer), the answer is only noted.
func (e *Engine) resolve(ctx context.Context, a Attempt, o channel.Outcome) (Attempt, error) {
	from := a.State
	err := e.db.Write(ctx, func(tx *store.Tx) error {
		a := a
		a.Code, a.AuthCode, a.Issuer = o.Code, o.AuthCode, o.Issuer
		p, err := readPayment(ctx, tx, a.Merchant, a.Payment, " FOR UPDATE")
		if err != nil {
			return err
		}
		switch o.Result {
		case channel.Approved:
			return e.accepted(ctx, tx, &a, &p)
		case channel.Declined, channel.Unsent:
			if o.Result == channel.Unsent {
				a.Reason = ErrUnreachable.Name
			}
			return e.refused(ctx, tx, &a, &p)
		default:
			return e.silent(ctx, tx, &a, &p)
		}
	})
	e.jobs.Wake()
	if errors.Is(err, ErrState) {
		e.Late(ctx, channel.Request{Kind: a.Kind, Attempt: a.ID, Merchant: channel.Merchant{ID: int64(a.Merchant)}}, o)
		err = nil
	}
	if err != nil {
		e.log.Error("outcome cannot be stored; it will be resolved", "attempt", a.Ref(), "kind", a.Kind, "result", o.Result, "err", err)
		return a, fmt.Errorf("store outcome of %s: %w", a.Ref(), err)
	}
	now, err := attemptByID(ctx, e.db.Read(), a.Merchant, a.ID)
	if err == nil && now.State != from {
		e.metrics.Attempt(now.Kind, now.State, now.Code)
	}
	return now, err
}

// accepted books an approved attempt.
func (e *Engine) accepted(ctx context.Context, tx *store.Tx, a *Attempt, p *Payment) error {
	now := e.now()
	a.Booked = true
	if err := moveAttempt(ctx, tx, a, Accept, now); err != nil {
		return err
	}
	fact := books.Fact{Merchant: a.Merchant, Ref: a.Ref(), Channel: a.Channel, Amount: a.Amount, Fee: a.Fee, Day: a.Day, At: now}
	switch a.Kind {
	case channel.Sale:
		return errors.Join(movePayment(ctx, tx, p, Accept, now), post(ctx, tx, books.Sale, fact), e.tell(ctx, tx, "payment.approved", *a, *p))
	case channel.Void:
		return errors.Join(movePayment(ctx, tx, p, Accept, now), post(ctx, tx, books.Void, fact), risk.Release(ctx, tx, facts(*p, a.ID)),
			e.tell(ctx, tx, "payment.voided", *a, *p))
	default:
		return errors.Join(post(ctx, tx, books.Refund, fact), e.tell(ctx, tx, "refund.approved", *a, *p))
	}
}

// refused undoes what the intent had reserved.
func (e *Engine) refused(ctx context.Context, tx *store.Tx, a *Attempt, p *Payment) error {
	now := e.now()
	if err := moveAttempt(ctx, tx, a, Refuse, now); err != nil {
		return err
	}
	switch a.Kind {
	case channel.Sale:
		return errors.Join(movePayment(ctx, tx, p, Refuse, now), risk.Release(ctx, tx, facts(*p, a.ID)), e.tell(ctx, tx, "payment.declined", *a, *p))
	case channel.Void:
		return errors.Join(movePayment(ctx, tx, p, Refuse, now), e.tell(ctx, tx, "void.declined", *a, *p))
	default:
		return errors.Join(addRefunded(ctx, tx, *p, a.Amount.Neg(), a.Fee.Neg(), now), e.tell(ctx, tx, "refund.declined", *a, *p))
	}
}

// silent records that nothing is known, and the job that will end it: a sale or
// void is reversed, a refund asked again.
func (e *Engine) silent(ctx context.Context, tx *store.Tx, a *Attempt, p *Payment) error {
	now := e.now()
	if err := moveAttempt(ctx, tx, a, TimeOut, now); err != nil {
		return err
	}
	if a.Kind == channel.Refund {
		return errors.Join(e.tell(ctx, tx, "refund.unknown", *a, *p),
			jobs.Add(ctx, tx, jobs.Job{Merchant: int64(a.Merchant), Kind: jobRefund, Ref: a.Ref(), MaxTries: maxTries}, now))
	}
	if a.Kind == channel.Sale {
		if err := movePayment(ctx, tx, p, TimeOut, now); err != nil {
			return err
		}
	}
	if err := e.tell(ctx, tx, "payment.unknown", *a, *p); err != nil {
		return err
	}
	return e.reverse(ctx, tx, a, p, reasonSilent)
}

func post(ctx context.Context, tx *store.Tx, entry func(books.Fact) (ledger.Entry, error), f books.Fact) error {
	made, err := entry(f)
	if err != nil {
		return err
	}
	return ledger.Post(ctx, tx, made)
}

// told is an event's body: what became true of a payment, without card data but BIN and last four.
type told struct {
	Payment string    `json:"payment"`
	Attempt string    `json:"attempt"`
	State   State     `json:"state"`
	Minor   int64     `json:"amount_minor"`
	Code    string    `json:"code,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Cur     string    `json:"currency"`
	Last4   string    `json:"card_last4,omitempty"`
	Day     clock.Day `json:"business_date"`
}

func (e *Engine) tell(ctx context.Context, tx *store.Tx, kind string, a Attempt, p Payment) error {
	return events.Append(ctx, tx, events.Event{Merchant: int64(a.Merchant), Kind: kind, Ref: Ref(p.ID), At: e.now(),
		Body: told{Payment: Ref(p.ID), Attempt: a.Ref(), State: p.State, Minor: a.Amount.Minor(), Cur: string(a.Amount.Currency()),
			Code: a.Code, Reason: a.Reason, Last4: p.Card.Last4, Day: a.Day}})
}

// Late takes an answer that came after its attempt was given up. A refund's still
// counts, because it is being asked for again; a sale's or void's is noted, because
// its reversal is under way and will undo whatever the bank did.
func (e *Engine) Late(ctx context.Context, r channel.Request, o channel.Outcome) {
	m := merchant.ID(r.Merchant.ID)
	a, err := attemptByID(ctx, e.db.Read(), m, r.Attempt)
	if err != nil {
		e.log.Warn("late answer to an unknown attempt", "attempt", Ref(r.Attempt), "err", err)
		return
	}
	if a.Kind == channel.Refund && a.State == Unknown && (o.Result == channel.Approved || o.Result == channel.Declined) {
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
