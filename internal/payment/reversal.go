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
func (e *Engine) Reverse(_ context.Context, r ReversalRequest) (a Attempt, err error) {
	overtook := false
	err = e.write(&command{merchant: r.Merchant.ID, source: &r.Source, apply: func(w *work) (err error) {
		a, overtook, err = e.wish(w, r)
		return err
	}})
	e.jobs.Wake()
	if err == nil && overtook {
		err = ErrNotFound
	}
	return a, err
}

// wish decides about a terminal's reversal. overtook means that its original has not come (yet).
func (e *Engine) wish(w *work, r ReversalRequest) (a Attempt, overtook bool, err error) {
	now := e.now()
	t, err := w.terminal(r.Merchant.ID, r.Terminal)
	if err != nil {
		return a, false, err
	}
	day, err := w.batchDay(t, r.Batch)
	if err != nil {
		return a, false, err
	}
	a, err = w.byKey(r.Merchant.ID, key(day, t.ID, r.Batch, r.Trace))
	switch {
	case errors.Is(err, ErrNotFound) && t.Batch != r.Batch:
		return a, false, err // that batch is closed: nothing of it can still come
	case errors.Is(err, ErrNotFound):
		a = e.tombstone(r, t, now)
		w.addAttempt(a)
		return a, true, nil
	case err != nil:
		return a, false, err
	case a.Kind == channel.Reversal:
		return a, true, nil
	case asked(a.Kind), a.Kind == channel.Close:
		return a, false, ErrState
	case a.Amount != r.Amount:
		return a, false, ErrAmountDiffer
	case a.State == Declined || a.State == Reversing || a.State == Reversed:
		return a, false, nil // nothing stands, or it is being taken back
	}
	if ofHold(a.Kind) {
		h, err := w.hold(a.Merchant, a.Payment)
		if err != nil {
			return a, false, err
		}
		return a, false, e.takeBackHold(w, &a, &h, takenBack(a.Kind), r.Reason)
	}
	p, err := w.payment(a.Merchant, a.Payment)
	if err != nil {
		return a, false, err
	}
	if !p.Refunded.IsZero() || a.Kind == channel.Sale && p.Amount != a.Amount {
		return a, false, ErrState // what was refunded, tipped or adjusted had an answer
	}
	if a.Kind == channel.Present && p.State != Approved {
		return a, false, e.unshow(w, p, now)
	}
	if (a.Kind == channel.Sale || completes(a.Kind)) && (p.State == Voiding || p.State == Voided || p.State == Restoring) {
		return a, false, ErrState // its void takes it back; both would take it twice
	}
	if t.Batch != r.Batch {
		w.openCase(cases.Case{Merchant: int64(a.Merchant), Kind: "reversal after settlement", Ref: a.Ref(), Opened: now,
			Detail: fmt.Sprintf("%s of %s in batch %06d, settled before its reversal came", a.Kind, a.Amount, a.Batch)})
	}
	return a, false, e.takeBack(w, &a, &p, r.Reason)
}

// tombstone takes an original's key, so that the original is refused if it comes after all.
func (e *Engine) tombstone(r ReversalRequest, t terminal.Terminal, now time.Time) Attempt {
	return Attempt{Merchant: r.Merchant.ID, ID: store.NewID(now), Kind: channel.Reversal, Channel: e.card.Name(), State: Reversed,
		Terminal: t.ID, Batch: t.Batch, BatchDay: t.BatchDay, Trace: r.Trace, Amount: r.Amount, Fee: money.Zero(r.Amount.Currency()),
		Reason: r.Reason, Day: r.Merchant.Day(now), Created: now, Updated: now, key: key(t.BatchDay, t.ID, t.Batch, r.Trace), hash: []byte{}}
}

// takeBack writes that an attempt is being taken back, and the job that does it.
func (e *Engine) takeBack(w *work, a *Attempt, p *Payment, reason string) error {
	now := e.now()
	if err := w.moveAttempt(a, Reverse, now); err != nil {
		return err
	}
	if err := errors.Join(w.movePayment(p, Reverse, now), e.disturbHold(w, *a, now)); err != nil {
		return err
	}
	return e.reverse(w, *a, *p, reason, now)
}

// reverse writes the reversal of an attempt, and the job that sends it.
func (e *Engine) reverse(w *work, a Attempt, p Payment, reason string, now time.Time) error {
	event := "payment.reversing"
	if p.State == Cancelling {
		event = "payment.cancelling"
	}
	return e.reverseWith(w, a, p, reason, event, now)
}

func (e *Engine) reverseWith(w *work, a Attempt, p Payment, reason, event string, now time.Time) error {
	stan, err := e.stans.draw(now)
	if err != nil {
		return err
	}
	r := a
	r.ID, r.Kind, r.Of, r.State = store.NewID(now), channel.Reversal, a.ID, Sent
	r.STAN, r.Reason, r.Created, r.Updated = stan, reason, now, now
	r.Code, r.AuthCode, r.Issuer, r.Booked = "", "", "", false
	r.key, r.hash = fmt.Sprintf("%08d:r:%s", a.Day, a.Ref()), []byte{}
	w.addAttempt(r)
	w.tell(event, r, p, now)
	due := now
	if e.ofWallet(a) && a.Kind == channel.Sale { // which may not be reversed at once
		due = a.Created.Add(e.pace(a.Channel).Soonest)
	}
	w.addJob(jobs.Job{Merchant: int64(a.Merchant), Kind: jobReversal, Ref: r.Ref(), MaxTries: maxTries, Due: due})
	return nil
}

// runReversal asks the channel to take an attempt back, and books its end.
func (e *Engine) runReversal(ctx context.Context, j jobs.Job) error {
	r, of, p, m, err := e.load(ctx, j)
	if err != nil || r.State != Sent {
		return err
	}
	req := e.request(m, r, channel.Card{Token: p.Card.Token, Entry: p.Card.mode()})
	req.Original, req.Reason = original(of), r.Reason
	req.Original.Amount = of.Amount
	ch, err := e.channelOf(r.Channel)
	if err != nil {
		return err
	}
	if err := e.expiry(ctx, &req, of); err != nil {
		return err
	}
	o := ch.Do(ctx, req)
	if o.Result != channel.Approved {
		return unsettled(o)
	}
	err = e.write(&command{merchant: r.Merchant, attempt: r.ID, payment: r.Payment, apply: func(w *work) error {
		return e.settleReversal(w, m, r.ID, o)
	}})
	if err == nil {
		e.metrics.Attempt(channel.Reversal, Approved, o.Code)
	}
	return err
}

// settleReversal books that the channel has taken an attempt back.
func (e *Engine) settleReversal(w *work, m merchant.Merchant, id int64, o channel.Outcome) error {
	now := e.now()
	r, err := w.attempt(m.ID, id)
	if err != nil || r.State == Approved { // done by an earlier run
		return err
	}
	of, err := w.attempt(m.ID, r.Of)
	if err != nil {
		return err
	}
	if ofHold(of.Kind) {
		return e.settleHold(w, m, r, of, o.Code)
	}
	if of.Kind == channel.Present && !of.Booked {
		return e.tookBack(w, &r, &of, o.Code)
	}
	p, err := w.payment(m.ID, r.Payment)
	if err != nil {
		return err
	}
	booked := of.Booked
	r.Code, of.Booked = o.Code, false
	if err := errors.Join(w.moveAttempt(&r, Accept, now), w.moveAttempt(&of, Settle, now), w.movePayment(&p, Settle, now)); err != nil {
		return err
	}
	entry, kind := books.VoidReversal, "void.reversed"
	switch {
	case byCode(of.Kind):
		entry, kind = books.SaleReversal, "payment."+string(p.State)
		err = w.desk.Release(w.ctx, e.counted(p, of))
	case of.Kind == channel.Completion:
		entry, kind = books.SaleReversal, "payment.reversed"
		err = errors.Join(w.desk.Release(w.ctx, facts(p, of.ID)), e.reopenAfter(w, r, of, booked, now))
	case of.Kind == channel.CompletionVoid && booked:
		err = errors.Join(w.desk.Restore(w.ctx, facts(p, of.ID)), e.resumed(w, r, of, now))
	case booked: // the sale stands again, and takes back the room that its void made in the limits
		err = w.desk.Restore(w.ctx, facts(p, of.ID))
	}
	if err != nil {
		return w.failed(err)
	}
	w.tell(kind, r, p, now)
	if !booked {
		return nil
	}
	if o.Code != codeApproved && !e.ofWallet(of) {
		// The bank knew nothing of what we had booked: our books are put right, a person looks at theirs.
		w.openCase(cases.Case{Merchant: int64(m.ID), Kind: "reversal without original", Ref: r.Ref(), Opened: now,
			Detail: fmt.Sprintf("channel answered %s to the reversal of approved %s %s of %s", o.Code, of.Kind, of.Ref(), of.Amount)})
	}
	return w.post(entry, books.Fact{Merchant: m.ID, Ref: r.Ref(), Channel: r.Channel, Amount: of.Amount, Fee: of.Fee, Day: m.Day(now), At: now})
}

// runRefund asks the channel again for a refund, or another notice, that it did not answer.
func (e *Engine) runRefund(ctx context.Context, j jobs.Job) error {
	a, of, p, m, err := e.load(ctx, j)
	if err != nil || a.State != Unknown {
		return err
	}
	req := e.request(m, a, channel.Card{Token: p.Card.Token, Entry: p.Card.mode()})
	if of.ID != 0 {
		req.Original = original(of)
		req.Original.Amount = of.Amount
	}
	ch, err := e.channelOf(a.Channel)
	if err != nil {
		return err
	}
	o := ch.Do(ctx, req)
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

// load reads what a job is about; of is zero for an attempt about no other.
func (e *Engine) load(ctx context.Context, j jobs.Job) (a, of Attempt, p Payment, m merchant.Merchant, err error) {
	id, err := ParseRef(j.Ref)
	if err != nil {
		return a, of, p, m, err
	}
	q := e.db.Read()
	if a, err = attemptByID(ctx, q, merchant.ID(j.Merchant), id); err != nil {
		return a, of, p, m, err
	}
	if a.Of != 0 {
		if of, err = attemptByID(ctx, q, a.Merchant, a.Of); err != nil {
			return a, of, p, m, err
		}
	}
	if p.Card, err = e.cardOf(ctx, a, of); err != nil {
		return a, of, p, m, err
	}
	m, err = merchant.ByID(ctx, q, a.Merchant)
	return a, of, p, m, err
}
