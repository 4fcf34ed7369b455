package payment

import (
	"errors"
	"fmt"
	"time"

	"hawker/internal/books"
	"hawker/internal/cases"
	"hawker/internal/channel"
	"hawker/internal/merchant"
)

// holdOf gives the locked hold behind a completion, or behind a completion's void.
func (w *work) holdOf(a Attempt) (Hold, error) {
	of, err := w.attempt(a.Merchant, a.Of)
	if err != nil {
		return Hold{}, err
	}
	if completes(of.Kind) {
		if of, err = w.attempt(of.Merchant, of.Of); err != nil {
			return Hold{}, err
		}
	}
	return w.hold(of.Merchant, of.Payment)
}

// closeHold is what an approved completion does to its hold: its money is taken, the rest is free.
func (e *Engine) closeHold(w *work, a Attempt, now time.Time) error {
	h, err := w.holdOf(a)
	if err != nil {
		return err
	}
	return errors.Join(w.moveHold(&h, Accept, now), w.post(books.HoldEnd, e.holdFact(a, h, now)))
}

// standAgain is what a declined completion does to its hold: it stands and counts in the limits as before.
func (e *Engine) standAgain(w *work, a Attempt, now time.Time) error {
	h, err := w.holdOf(a)
	if err != nil {
		return err
	}
	return errors.Join(w.moveHold(&h, Refuse, now), w.desk.Restore(w.ctx, h.facts(a.ID)))
}

// reopenHold makes a hold stand again whose completion is undone: by its approved void,
// or by its reversal.
func (e *Engine) reopenHold(w *work, a Attempt, event Event, now time.Time) error {
	h, err := w.holdOf(a)
	if err != nil {
		return err
	}
	return errors.Join(w.moveHold(&h, event, now), w.desk.Restore(w.ctx, h.facts(a.ID)), w.post(books.Hold, e.holdFact(a, h, now)))
}

// disturbHold writes at a hold that something about its completion is being taken back.
func (e *Engine) disturbHold(w *work, a Attempt, now time.Time) error {
	event := Retract
	switch {
	case a.Kind == channel.CompletionVoid && a.Booked:
		event = Resume
	case a.Kind != channel.Completion:
		return nil
	}
	h, err := w.holdOf(a)
	if err != nil {
		return err
	}
	return w.moveHold(&h, event, now)
}

// reopenAfter is the end of a completion's reversal. Only one that was booked had ended the hold.
func (e *Engine) reopenAfter(w *work, r, of Attempt, booked bool, now time.Time) error {
	h, err := w.holdOf(of)
	if err != nil {
		return err
	}
	err = errors.Join(w.moveHold(&h, Settle, now), w.desk.Restore(w.ctx, h.facts(of.ID)))
	if err == nil && booked {
		err = w.post(books.Hold, e.holdFact(r, h, now))
	}
	return err
}

// resumed is the end of the reversal of an approved completion void: the completion stands again.
func (e *Engine) resumed(w *work, r, of Attempt, now time.Time) error {
	h, err := w.holdOf(of)
	if err != nil {
		return err
	}
	return errors.Join(w.moveHold(&h, Settle, now), w.desk.Release(w.ctx, h.facts(of.ID)), w.post(books.HoldEnd, e.holdFact(r, h, now)))
}

// takeBackHold writes that a pre-authorization, or its void, is being taken back, and the job that does it.
func (e *Engine) takeBackHold(w *work, a *Attempt, h *Hold, event Event, reason string) error {
	now := e.now()
	if err := errors.Join(w.moveAttempt(a, Reverse, now), w.moveHold(h, event, now)); err != nil {
		return err
	}
	return e.reverse(w, *a, h.asPayment(), reason, now)
}

// settleHold books that the channel has taken a pre-authorization or its void back.
func (e *Engine) settleHold(w *work, m merchant.Merchant, r, of Attempt, code string) error {
	now := e.now()
	h, err := w.hold(m.ID, of.Payment)
	if err != nil {
		return err
	}
	booked := of.Booked
	r.Code, of.Booked = code, false
	kind := "hold.reversed"
	if h.State == Expiring {
		kind = "hold.expired"
	}
	if err := errors.Join(w.moveAttempt(&r, Accept, now), w.moveAttempt(&of, Settle, now), w.moveHold(&h, Settle, now)); err != nil {
		return err
	}
	entry := books.HoldEnd
	switch {
	case of.Kind == channel.Preauth:
		err = w.desk.Release(w.ctx, h.facts(of.ID))
	case booked:
		entry, kind = books.Hold, "hold.restored"
		err = w.desk.Restore(w.ctx, h.facts(of.ID))
	default:
		kind = "hold.restored"
	}
	if err != nil {
		return w.failed(err)
	}
	w.tell(kind, r, h.asPayment(), now)
	if !booked {
		return nil
	}
	if code != codeApproved {
		w.openCase(cases.Case{Merchant: int64(m.ID), Kind: "reversal without original", Ref: r.Ref(), Opened: now,
			Detail: fmt.Sprintf("channel answered %s to the reversal of approved %s %s of %s", code, of.Kind, of.Ref(), of.Amount)})
	}
	return w.post(entry, e.holdFact(r, h, now))
}
