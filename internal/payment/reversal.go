package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hawker/internal/books"
	"hawker/internal/cases"
	"hawker/internal/channel"
	"hawker/internal/jobs"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/risk"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

// Job kinds and their bound: with jobs.Backoff, 150 tries last a little over a day.
const (
	jobReversal = "reversal"
	jobRefund   = "refund"
	maxTries    = 150
)

// reasonSilent is why we reverse without being asked: the bank did not answer.
// codeApproved is a channel's plain yes.
const (
	reasonSilent = "98"
	codeApproved = "00"
)

// ReversalRequest is a terminal's wish that something it sent be taken back. Batch
// and Trace are those of the original.
type ReversalRequest struct {
	Source
	Amount money.Amount
	Reason string // field 39: 98, A0, 06
}

// Reverse takes a sale or void back, whatever its state, and may come any number
// of times, before its original, or after the batch was settled. nil means that
// Hawker has taken it over. ErrNotFound means that there is no original: should it
// come later it is refused. Other faults mean that there is nothing to reverse.
func (e *Engine) Reverse(ctx context.Context, r ReversalRequest) (Attempt, error) {
	ctx = context.WithoutCancel(ctx)
	var a Attempt
	overtook := false
	try := func(tx *store.Tx) error {
		now := e.now()
		overtook = false
		t, err := terminal.Lock(ctx, tx, r.Merchant.ID, r.Terminal)
		if err != nil {
			return err
		}
		day, err := batchDay(ctx, tx, t, r.Batch)
		if err != nil {
			return err
		}
		a, err = attemptByKey(ctx, tx, r.Merchant.ID, key(day, t.ID, r.Batch, r.Trace))
		if errors.Is(err, ErrNotFound) {
			if t.Batch != r.Batch {
				return err // that batch is closed: nothing of it can still come
			}
			overtook = true
			a = e.tombstone(r, t, now)
			return insertAttempt(ctx, tx, a)
		} else if err != nil {
			return err
		}
		if a.Kind == channel.Reversal {
			overtook = true
			return nil
		}
		if a.Kind == channel.Refund {
			return ErrState
		}
		if a.Amount != r.Amount {
			return ErrAmountDiffer
		}
		switch a.State {
		case Declined, Reversing, Reversed:
			return nil // nothing stands, or it is being taken back
		}
		p, err := readPayment(ctx, tx, a.Merchant, a.Payment, " FOR UPDATE")
		if err != nil {
			return err
		}
		if !p.Refunded.IsZero() {
			return ErrState
		}
		if t.Batch != r.Batch {
			if err := cases.Open(ctx, tx, cases.Case{Merchant: int64(a.Merchant), Kind: "reversal after settlement", Ref: a.Ref(), Opened: now,
				Detail: fmt.Sprintf("%s of %s in batch %06d, settled before its reversal came", a.Kind, a.Amount, a.Batch)}); err != nil {
				return err
			}
		}
		return e.reverse(ctx, tx, &a, &p, r.Reason)
	}
	err := e.db.Write(ctx, try)
	if store.IsUnique(err) { // the original came at the same moment
		err = e.db.Write(ctx, try)
	}
	e.jobs.Wake()
	if err == nil && overtook {
		err = ErrNotFound
	}
	return a, err
}

// tombstone takes an original's key, so that the original is refused if it comes after all.
func (e *Engine) tombstone(r ReversalRequest, t terminal.Terminal, now time.Time) Attempt {
	return Attempt{Merchant: r.Merchant.ID, ID: store.NewID(now), Kind: channel.Reversal, Channel: e.card.Name(), State: Reversed,
		Terminal: t.ID, Batch: t.Batch, BatchDay: t.BatchDay, Trace: r.Trace, Amount: r.Amount, Fee: money.Zero(r.Amount.Currency()),
		Reason: r.Reason, Day: r.Merchant.Day(now), Created: now, Updated: now, key: key(t.BatchDay, t.ID, t.Batch, r.Trace), hash: []byte{}}
}

// reverse writes, in tx, that an attempt is being taken back, and the job that does it.
func (e *Engine) reverse(ctx context.Context, tx *store.Tx, a *Attempt, p *Payment, reason string) error {
	now := e.now()
	if err := moveAttempt(ctx, tx, a, Reverse, now); err != nil {
		return err
	}
	if err := movePayment(ctx, tx, p, Reverse, now); err != nil {
		return err
	}
	r := *a
	r.ID, r.Kind, r.Of, r.State = store.NewID(now), channel.Reversal, a.ID, Sent
	r.STAN, r.Reason, r.Created, r.Updated = e.nextSTAN(), reason, now, now
	r.key, r.hash = fmt.Sprintf("%08d:r:%s", a.Day, a.Ref()), []byte{}
	if err := insertAttempt(ctx, tx, r); err != nil {
		return err
	}
	if err := e.tell(ctx, tx, "payment.reversing", r, *p); err != nil {
		return err
	}
	return jobs.Add(ctx, tx, jobs.Job{Merchant: int64(a.Merchant), Kind: jobReversal, Ref: r.Ref(), MaxTries: maxTries}, now)
}

// runReversal asks the channel to take an attempt back, and books its end.
func (e *Engine) runReversal(ctx context.Context, j jobs.Job) error {
	r, of, p, m, err := e.load(ctx, j)
	if err != nil || r.State != Sent {
		return err
	}
	req := e.request(m, r, channel.Card{Token: p.Card.Token, Entry: p.Card.Entry})
	req.Original, req.Reason = original(of), r.Reason
	o := e.card.Do(ctx, req)
	if o.Result != channel.Approved {
		return unsettled(o)
	}
	err = e.db.Write(ctx, func(tx *store.Tx) error { return e.settleReversal(ctx, tx, r, o) })
	if err == nil {
		e.metrics.Attempt(channel.Reversal, Approved, o.Code)
	}
	return err
}

func (e *Engine) settleReversal(ctx context.Context, tx *store.Tx, r Attempt, o channel.Outcome) error {
	now := e.now()
	m, err := merchant.ByID(ctx, tx, r.Merchant)
	if err != nil {
		return err
	}
	r.Code = o.Code
	if err := moveAttempt(ctx, tx, &r, Accept, now); err != nil {
		return err
	}
	of, err := attemptByID(ctx, tx, r.Merchant, r.Of)
	if err != nil {
		return err
	}
	p, err := readPayment(ctx, tx, r.Merchant, r.Payment, " FOR UPDATE")
	if err != nil {
		return err
	}
	booked := of.Booked
	of.Booked = false
	if err := moveAttempt(ctx, tx, &of, Settle, now); err != nil {
		return err
	}
	if err := movePayment(ctx, tx, &p, Settle, now); err != nil {
		return err
	}
	entry, kind := books.VoidReversal, "void.reversed"
	if of.Kind == channel.Sale {
		entry, kind = books.SaleReversal, "payment.reversed"
		if err := risk.Release(ctx, tx, facts(p, of.ID)); err != nil {
			return err
		}
	}
	if booked {
		if o.Code != codeApproved {
			// The bank knew nothing of what we had booked: our books are put right, a person looks at theirs.
			if err := cases.Open(ctx, tx, cases.Case{Merchant: int64(r.Merchant), Kind: "reversal without original", Ref: r.Ref(), Opened: now,
				Detail: fmt.Sprintf("channel answered %s to the reversal of approved %s %s of %s", o.Code, of.Kind, of.Ref(), of.Amount)}); err != nil {
				return err
			}
		}
		if err := post(ctx, tx, entry, books.Fact{Merchant: r.Merchant, Ref: r.Ref(), Channel: r.Channel, Amount: of.Amount, Fee: of.Fee,
			Day: m.Day(now), At: now}); err != nil {
			return err
		}
	}
	return e.tell(ctx, tx, kind, r, p)
}

// runRefund asks the channel again for a refund that it did not answer.
func (e *Engine) runRefund(ctx context.Context, j jobs.Job) error {
	a, of, p, m, err := e.load(ctx, j)
	if err != nil || a.State != Unknown {
		return err
	}
	req := e.request(m, a, channel.Card{Token: p.Card.Token, Entry: p.Card.Entry})
	req.Original = original(of)
	o := e.card.Do(ctx, req)
	if o.Result != channel.Approved && o.Result != channel.Declined {
		return unsettled(o)
	}
	_, err = e.resolve(ctx, a, o)
	return err
}

func unsettled(o channel.Outcome) error {
	switch o.Result {
	case channel.Declined:
		return fmt.Errorf("the channel answered %s", o.Code)
	case channel.Unsent:
		return fmt.Errorf("the channel cannot be reached: %s", o.Detail)
	}
	return fmt.Errorf("the channel did not answer: %s", o.Detail)
}

// load reads what a job is about.
func (e *Engine) load(ctx context.Context, j jobs.Job) (a, of Attempt, p Payment, m merchant.Merchant, err error) {
	id, err := ParseRef(j.Ref)
	if err != nil {
		return a, of, p, m, err
	}
	q := e.db.Read()
	if a, err = attemptByID(ctx, q, merchant.ID(j.Merchant), id); err != nil {
		return a, of, p, m, err
	}
	if of, err = attemptByID(ctx, q, a.Merchant, a.Of); err != nil {
		return a, of, p, m, err
	}
	if p, err = readPayment(ctx, q, a.Merchant, a.Payment, ""); err != nil {
		return a, of, p, m, err
	}
	m, err = merchant.ByID(ctx, q, a.Merchant)
	return a, of, p, m, err
}

// Recover resolves attempts that were sent before an instant and have no outcome
// and no flight here: their process died, or could not store the answer. They
// become unknown, and their reversals or repeats start. It returns how many.
func (e *Engine) Recover(ctx context.Context, before time.Time) (int, error) {
	list, err := UnderWay(ctx, e.db.Read())
	if err != nil {
		return 0, err
	}
	n := 0
	for _, a := range list {
		if a.State != Sent || a.Kind == channel.Reversal || a.Created.After(before) || e.flights.has(a.ID) {
			continue
		}
		e.log.Warn("attempt without an outcome found; resolving it", "attempt", a.Ref(), "kind", a.Kind)
		if _, err := e.resolve(ctx, a, channel.Outcome{Result: channel.Silent, Detail: "no outcome was stored"}); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
