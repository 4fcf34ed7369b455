package payment

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"hawker/internal/channel"
	"hawker/internal/fault"
	"hawker/internal/risk"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

// decide checks an attempt's business rules in the intent's transaction and makes
// its reservations. A refusal must leave nothing reserved.
type decide func(tx *store.Tx, a *Attempt) (risk.Approval, error)

// begin makes an attempt durable before anything leaves: key taken, rules checked,
// row written in state sent, or declined with the reason. fresh is false when the
// same request was here before: then a is that attempt, its flight awaited.
// The caller lands a fresh flight once the outcome is stored.
func (e *Engine) begin(ctx context.Context, src Source, a Attempt, hash []byte, rules decide) (_ Attempt, _ risk.Approval, fresh bool, land func(), err error) {
	now := e.now()
	a.Merchant, a.ID, a.Channel, a.STAN = src.Merchant.ID, store.NewID(now), e.card.Name(), e.nextSTAN()
	a.Terminal, a.Batch, a.Trace, a.hash = src.Terminal, src.Batch, src.Trace, hash
	a.Day, a.Created, a.Updated = src.Merchant.Day(now), now, now
	land = e.flights.begin(a.ID)
	var approval risk.Approval
	var before *Attempt
	err = e.db.Write(ctx, func(tx *store.Tx) error {
		draft := a // Write may run this again
		before = nil
		t, err := terminal.Lock(ctx, tx, src.Merchant.ID, src.Terminal)
		if err != nil {
			return err
		}
		if err := t.MayTake(); err != nil {
			return err
		}
		if t.Batch != src.Batch {
			return terminal.ErrBatch.With("terminal says %d, open is %d", src.Batch, t.Batch)
		}
		draft.BatchDay, draft.key = t.BatchDay, key(t.BatchDay, t.ID, src.Batch, src.Trace)
		was, err := attemptByKey(ctx, tx, src.Merchant.ID, draft.key)
		if err == nil {
			before = &was
			return nil
		} else if !errors.Is(err, ErrNotFound) {
			return err
		}
		draft.State = Sent
		if approval, err = rules(tx, &draft); err != nil {
			f := fault.Of(err)
			if f.Kind == fault.Internal || f.Kind == fault.Unavailable {
				return err // undecided: nothing is recorded, the answer is "not now"
			}
			draft.State, draft.Reason = Declined, f.Name
		}
		if err := insertAttempt(ctx, tx, draft); err != nil {
			return err
		}
		a = draft
		return nil
	})
	if store.IsUnique(err) { // a twin on another node was faster
		was, again := e.before(ctx, src)
		before, err = &was, again
	}
	if err != nil || before != nil || a.State == Declined {
		land()
		land = func() {}
	}
	switch {
	case err != nil:
		return Attempt{}, risk.Approval{}, false, land, err
	case before != nil:
		was, err := e.repeat(ctx, *before, a.Kind, hash)
		return was, risk.Approval{}, false, land, err
	case a.State == Declined:
		e.metrics.Attempt(a.Kind, a.State, a.Reason)
		return a, risk.Approval{}, false, land, nil
	}
	return a, approval, true, land, nil
}

func (e *Engine) before(ctx context.Context, src Source) (Attempt, error) {
	t, err := terminal.ByID(ctx, e.db.Read(), src.Merchant.ID, src.Terminal)
	if err != nil {
		return Attempt{}, err
	}
	return attemptByKey(ctx, e.db.Read(), src.Merchant.ID, key(t.BatchDay, t.ID, src.Batch, src.Trace))
}

// repeat answers a request whose key is taken: by itself, by something else, or
// by the reversal that overtook it.
func (e *Engine) repeat(ctx context.Context, was Attempt, kind channel.Kind, hash []byte) (Attempt, error) {
	if was.Kind == channel.Reversal {
		return was, ErrReversed
	}
	if was.Kind != kind || !bytes.Equal(was.hash, hash) {
		return was, ErrReused
	}
	e.flights.wait(ctx, was.ID)
	return attemptByID(ctx, e.db.Read(), was.Merchant, was.ID)
}

// content hashes what makes two requests under one key the same request. The
// parts hold a token, never a card number.
func content(kind channel.Kind, parts ...any) []byte {
	sum := sha256.Sum256(fmt.Append([]byte(kind+"|"), parts...))
	return sum[:]
}

// send lets an attempt leave, against the proof that risk allowed it.
func (e *Engine) send(ctx context.Context, proof risk.Approval, attempt int64, r channel.Request) channel.Outcome {
	if err := proof.Use(attempt); err != nil {
		return channel.Outcome{Result: channel.Unsent, Detail: err.Error()}
	}
	return e.card.Do(ctx, r)
}
