package payment

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"hawker/internal/channel"
	"hawker/internal/chips"
	"hawker/internal/fault"
	"hawker/internal/risk"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

// intent is an attempt about to be made.
type intent struct {
	Source
	attempt Attempt // kind, amount and fee
	hash    []byte  // of the content
	facts   *risk.Facts
	chip    chips.Use // must be new; zero for none

	// rules checks business rules and makes reservations. A refusal is recorded as a
	// declined attempt, together with what rules kept before it refused.
	rules func(w *work, a *Attempt) (risk.Approval, error)
}

// begun is an intent that is durable.
type begun struct {
	Attempt
	proof risk.Approval
	fresh bool   // false: the same request was here before, and this is its attempt
	land  func() // to be called when the outcome of a fresh one is stored
}

// begin makes an attempt durable before anything leaves: key taken, rules checked,
// row written in state sent, or declined with the reason.
func (e *Engine) begin(ctx context.Context, i intent) (begun, error) {
	now := e.now()
	stan, err := e.stans.draw(now)
	if err != nil {
		return begun{land: func() {}}, err
	}
	a := i.attempt
	a.Merchant, a.ID, a.Channel, a.STAN = i.Merchant.ID, store.NewID(now), cmp.Or(i.attempt.Channel, e.card.Name()), stan
	a.Terminal, a.Batch, a.Trace, a.hash, a.Node = i.Terminal, i.Batch, i.Trace, i.hash, e.node
	a.Day, a.Created, a.Updated = i.Merchant.Day(now), now, now
	if i.facts != nil {
		i.facts.Attempt, i.facts.Day = a.ID, a.Day
	}
	b := begun{land: e.flights.begin(a.ID)}
	c := &command{merchant: a.Merchant, source: &i.Source, facts: i.facts, chip: i.chip}
	c.apply = func(w *work) (err error) {
		b.Attempt, b.proof, b.fresh, err = e.intend(w, i, a)
		return err
	}
	err = e.write(c)
	if err != nil || !b.fresh {
		b.land()
		b.land = func() {}
	}
	switch {
	case err != nil:
		return begun{land: b.land}, err
	case b.fresh:
		return b, nil
	case b.ID == a.ID: // refused just now
		e.metrics.Attempt(b.Kind, b.State, b.Reason)
		return b, nil
	}
	b.Attempt, err = e.repeat(ctx, b.Attempt, a)
	return b, err
}

// intend decides about an intent. It returns the attempt under the key, fresh or from before.
func (e *Engine) intend(w *work, i intent, a Attempt) (Attempt, risk.Approval, bool, error) {
	none := risk.Approval{}
	t, err := w.terminal(a.Merchant, a.Terminal)
	if err != nil {
		return a, none, false, err
	}
	day, err := w.batchDay(t, a.Batch)
	if errors.Is(err, ErrNotFound) {
		return a, none, false, terminal.ErrBatch.With("terminal says %d, open is %d", a.Batch, t.Batch)
	} else if err != nil {
		return a, none, false, err
	}
	a.BatchDay, a.key = day, key(day, t.ID, a.Batch, a.Trace)
	was, err := w.byKey(a.Merchant, a.key)
	switch {
	case err == nil && was.ID == a.ID:
		// The commit of an earlier run was in doubt, and had happened.
		return was, i.approved(was), was.State == Sent, nil
	case err == nil:
		return was, none, false, nil
	case !errors.Is(err, ErrNotFound):
		return a, none, false, err
	case t.Batch != a.Batch:
		return a, none, false, terminal.ErrBatch.With("terminal says %d, open is %d", a.Batch, t.Batch)
	}
	if err := t.MayTake(); err != nil { // what was answered before is answered again, even to a suspended terminal
		return a, none, false, err
	}
	a.State = Sent
	err = w.advance(i.chip)
	proof := none
	if err == nil {
		proof, err = i.rules(w, &a)
	}
	if err != nil {
		f := fault.Of(err)
		if f.Kind == fault.Internal || f.Kind == fault.Unavailable {
			return a, none, false, err // undecided: nothing is recorded, the answer is "not now"
		}
		a.State, a.Reason = Declined, f.Name
	}
	w.addAttempt(a)
	return a, proof, a.State == Sent, nil
}

// approved is the proof for an attempt whose intent was committed, and so assessed, by a run whose end was in doubt.
func (i intent) approved(a Attempt) risk.Approval {
	return risk.AssessReturn(risk.Facts{Merchant: int64(a.Merchant), Attempt: a.ID, Amount: a.Amount})
}

// repeat answers a request whose key is taken: by itself, by something else, or
// by the reversal that overtook it.
func (e *Engine) repeat(ctx context.Context, was, asked Attempt) (Attempt, error) {
	if was.Kind == channel.Reversal {
		return was, ErrReversed
	}
	if !bytes.Equal(was.hash, asked.hash) { // which begins with what was asked for
		return was, ErrReused
	}
	if was.State != Sent {
		return e.again(ctx, was, nil)
	}
	e.flights.wait(ctx, was.ID)
	was, err := attemptByID(ctx, e.db.Read(), was.Merchant, was.ID)
	return e.again(ctx, was, err)
}

// content hashes what makes two requests under one key the same request. The
// parts hold a token, never a card number.
func content(kind channel.Kind, parts ...any) []byte {
	sum := sha256.Sum256(fmt.Append([]byte(kind+"|"), parts...))
	return sum[:]
}

// send lets an attempt leave, against the proof that risk allowed it.
func (e *Engine) send(ctx context.Context, proof risk.Approval, attempt int64, r channel.Request) channel.Outcome {
	return e.sendTo(ctx, e.card, proof, attempt, r)
}

// sendTo is send through a channel of any method.
func (e *Engine) sendTo(ctx context.Context, ch channel.Channel, proof risk.Approval, attempt int64, r channel.Request) channel.Outcome {
	if err := proof.Use(attempt); err != nil {
		return channel.Outcome{Result: channel.Unsent, Detail: err.Error()}
	}
	return ch.Do(ctx, r)
}
