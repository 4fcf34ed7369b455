package payment

import (
	"context"
	"errors"
	"time"

	"hawker/internal/books"
	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/feelock"
	"hawker/internal/jobs"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/risk"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

// ErrOverHold refuses a completion beyond the configured share of its hold.
var ErrOverHold = fault.New(fault.Invalid, "over_hold", "完成金额超过预授权允许的比例。", "The amount is over what may be taken of the pre-authorization.")

// Hold is money that a card's bank keeps ready for a merchant: a pre-authorization.
// Nothing is owed for it; a completion takes money as a payment of its own.
type Hold struct {
	Merchant merchant.ID
	ID       int64
	Attempt  int64 // the pre-authorization, whose id it has
	Terminal terminal.ID
	State    State
	Amount   money.Amount
	AuthCode string // "" until it is approved
	Batch    int    // of the pre-authorization, as Trace
	Trace    int
	Card     CardFacts
	Day      clock.Day
	Expires  time.Time
	Created  time.Time

	updated time.Time
}

// HoldTerms bound what may be done with a hold. The zero HoldTerms are 115 % and 30 days.
type HoldTerms struct {
	Share money.BasisPoints // the most that a completion may take, in hundredths of a percent of the hold; 0: 11500
	Last  time.Duration     // how long a hold stands before it is given back; 0: 30 days
}

func (t HoldTerms) orDefault() HoldTerms {
	if t.Share == 0 {
		t.Share = 11500
	}
	if t.Last == 0 {
		t.Last = 30 * 24 * time.Hour
	}
	return t
}

// allow refuses a completion of more than the share of a hold, rounded down.
func (t HoldTerms) allow(hold, completion money.Amount) error {
	whole, rest := hold.Minor()/10000, hold.Minor()%10000
	most := whole*int64(t.Share) + rest*int64(t.Share)/10000
	if completion.Minor() > most {
		return ErrOverHold.With("%d of a hold of %d, at most %d", completion.Minor(), hold.Minor(), most)
	}
	return nil
}

// JobHoldExpiry is the kind of the job that gives a hold back that nobody completed.
const JobHoldExpiry = "hold expiry"

// takenBack is what the reversal of a pre-authorization or its void means for the hold.
func takenBack(k channel.Kind) Event {
	if k == channel.Preauth {
		return Reverse
	}
	return Retract
}

// ofHold are the kinds whose attempts belong to a hold, not to a payment.
func ofHold(k channel.Kind) bool { return k == channel.Preauth || k == channel.PreauthVoid }

// completes are the kinds that take money of a hold.
func completes(k channel.Kind) bool {
	return k == channel.Completion || k == channel.CompletionNotice
}

// asked are the kinds that are asked again until they have an outcome, and never reversed.
func asked(k channel.Kind) bool {
	return k == channel.Refund || k == channel.CompletionNotice || k == channel.OfflineSale || changes(k)
}

// Preauth holds an amount of a card. Answers as Sale's.
func (e *Engine) Preauth(ctx context.Context, s SaleRequest) (Attempt, error) {
	ctx = context.WithoutCancel(ctx)
	defer s.Card.Wipe()
	if err := accepts(s.Merchant, s.Amount); err != nil {
		return Attempt{}, err
	}
	none := money.Zero(s.Amount.Currency())
	weigh := facts(Payment{Merchant: s.Merchant.ID, Method: MethodCard, Amount: s.Amount, Card: s.Facts}, 0)
	b, err := e.begin(ctx, intent{Source: s.Source, attempt: Attempt{Kind: channel.Preauth, Amount: s.Amount, Fee: none}, facts: &weigh, chip: s.Facts.Chip,
		hash: content(channel.Preauth, s.Amount, s.Facts.Token, s.Facts.Entry),
		rules: func(w *work, a *Attempt) (risk.Approval, error) {
			h := Hold{Merchant: a.Merchant, ID: a.ID, Attempt: a.ID, Terminal: a.Terminal, State: Sent, Amount: a.Amount, Batch: a.Batch, Trace: a.Trace,
				Card: s.Facts, Day: a.Day, Created: a.Created, Expires: a.Created.Add(e.terms.Last)}
			proof, refusal := w.desk.Assess(w.ctx, h.facts(a.ID))
			if refusal != nil {
				h.State = Declined
			}
			a.Payment = h.ID
			w.addHold(h)
			return proof, refusal
		}})
	defer b.land()
	if err != nil || !b.fresh {
		return b.Attempt, err
	}
	return e.resolve(ctx, b.Attempt, e.send(ctx, b.proof, b.ID, e.request(s.Merchant, b.Attempt, s.Card)))
}

// facts are what a hold counts for in the limits while it stands.
func (h Hold) facts(attempt int64) risk.Facts {
	return facts(Payment{Merchant: h.Merchant, Method: MethodCard, Amount: h.Amount, Card: h.Card, Day: h.Day}, attempt)
}

// asPayment shows a hold to what tells about payments.
func (h Hold) asPayment() Payment { return Payment{ID: h.ID, State: h.State, Card: h.Card} }

// HoldRequest asks for something to be done with a hold.
type HoldRequest struct {
	Source
	Amount        money.Amount
	AuthCode      string // field 38 of the pre-authorization's answer
	OriginalBatch int    // of the pre-authorization; 0 when the terminal did not say
	OriginalTrace int
	Card          channel.Card
	Facts         CardFacts // of the card presented; required
}

// PreauthVoid gives a whole hold back, once, until it is completed or has expired.
func (e *Engine) PreauthVoid(ctx context.Context, r HoldRequest) (Attempt, error) {
	return e.onHold(ctx, channel.PreauthVoid, r, func(w *work, a *Attempt, h Hold, _ feelock.Plan) (risk.Approval, error) {
		if a.Amount != h.Amount {
			return risk.Approval{}, ErrAmountDiffer
		}
		a.Payment = h.ID
		return risk.AssessReturn(h.facts(a.ID)), w.moveHold(&h, Void, a.Created)
	})
}

// Complete takes money of a hold, once: up to HoldTerms.Share of it. The rest is
// given back to the card. Answers as Sale's.
func (e *Engine) Complete(ctx context.Context, r HoldRequest) (Attempt, error) {
	return e.complete(ctx, channel.Completion, r)
}

// CompleteNotice is Complete of what the terminal has concluded already: an attempt
// left Unknown is not reversed but asked again until it has an end.
func (e *Engine) CompleteNotice(ctx context.Context, r HoldRequest) (Attempt, error) {
	return e.complete(ctx, channel.CompletionNotice, r)
}

func (e *Engine) complete(ctx context.Context, kind channel.Kind, r HoldRequest) (Attempt, error) {
	return e.onHold(ctx, kind, r, func(w *work, a *Attempt, h Hold, plan feelock.Plan) (risk.Approval, error) {
		if err := e.terms.allow(h.Amount, a.Amount); err != nil {
			return risk.Approval{}, err
		}
		if _, err := HoldMoves.Next(h.State, Complete); err != nil {
			return risk.Approval{}, err
		}
		fee, err := plan.Fee(a.Amount)
		if err != nil {
			return risk.Approval{}, err
		}
		p := Payment{Merchant: a.Merchant, ID: a.ID, Terminal: a.Terminal, Method: MethodCard, State: Sent, Amount: a.Amount, Fee: fee, FeeVersion: plan.Version(),
			Refunded: money.Zero(a.Amount.Currency()), RefundFee: money.Zero(a.Amount.Currency()), Card: h.Card, Day: a.Day, Created: a.Created}
		a.Fee = fee
		// What the hold took of the limits makes room for what completes it.
		if err := w.desk.Release(w.ctx, h.facts(a.ID)); err != nil {
			return risk.Approval{}, w.failed(err)
		}
		proof, refusal := w.desk.Assess(w.ctx, facts(p, a.ID))
		if refusal != nil {
			return risk.Approval{}, errors.Join(refusal, w.failed(w.desk.Restore(w.ctx, h.facts(a.ID))))
		}
		a.Payment = p.ID
		w.addPayment(p)
		return proof, w.moveHold(&h, Complete, a.Created)
	})
}

// onHold finds a hold by its authorization code and card, reserves, sends and resolves.
func (e *Engine) onHold(ctx context.Context, kind channel.Kind, r HoldRequest, reserve func(*work, *Attempt, Hold, feelock.Plan) (risk.Approval, error)) (Attempt, error) {
	ctx = context.WithoutCancel(ctx)
	defer r.Card.Wipe()
	if err := accepts(r.Merchant, r.Amount); err != nil {
		return Attempt{}, err
	}
	var plan feelock.Plan
	if completes(kind) { // read before the transaction, by the card that must be the hold's
		var err error
		if plan, err = e.planOf(ctx, r.Merchant, r.Facts); err != nil {
			return Attempt{}, err
		}
	}
	var preauth Attempt
	var hold Hold
	b, err := e.begin(ctx, intent{Source: r.Source, attempt: Attempt{Kind: kind, Amount: r.Amount, Fee: money.Zero(r.Amount.Currency())},
		hash: content(kind, r.Amount, r.AuthCode, r.OriginalBatch, r.OriginalTrace, r.Facts.Token),
		rules: func(w *work, a *Attempt) (_ risk.Approval, err error) {
			if hold, err = w.findHold(r); err != nil {
				return risk.Approval{}, err
			}
			if preauth, err = w.attempt(hold.Merchant, hold.Attempt); err != nil {
				return risk.Approval{}, err
			}
			a.Of = preauth.ID
			return reserve(w, a, hold, plan)
		}})
	defer b.land()
	if err != nil || !b.fresh {
		return b.Attempt, err
	}
	req := e.request(r.Merchant, b.Attempt, r.Card)
	req.Original = original(preauth)
	return e.resolve(ctx, b.Attempt, e.send(ctx, b.proof, b.ID, req))
}

// concludeHold is conclude for a pre-authorization or its void.
func (e *Engine) concludeHold(w *work, a Attempt, o channel.Outcome) (Attempt, error) {
	now := e.now()
	h, err := w.hold(a.Merchant, a.Payment)
	if err != nil {
		return a, err
	}
	event, kind := Accept, "hold.approved"
	switch o.Result {
	case channel.Approved:
	case channel.Declined, channel.Unsent:
		event, kind = Refuse, "hold.declined"
	default:
		if err := w.moveAttempt(&a, TimeOut, now); err != nil {
			return a, err
		}
		if a.Kind == channel.Preauth {
			if err := w.moveHold(&h, TimeOut, now); err != nil {
				return a, err
			}
		}
		w.tell("hold.unknown", a, h.asPayment(), now)
		return a, e.takeBackHold(w, &a, &h, takenBack(a.Kind), reasonSilent)
	}
	a.Booked = event == Accept
	if a.Kind == channel.Preauth && event == Accept {
		h.AuthCode = o.AuthCode
		w.addJob(jobs.Job{Merchant: int64(a.Merchant), Kind: JobHoldExpiry, Ref: a.Ref(), MaxTries: maxTries, Due: h.Expires})
	}
	if err := errors.Join(w.moveAttempt(&a, event, now), w.moveHold(&h, event, now)); err != nil {
		return a, err
	}
	switch {
	case a.Kind == channel.Preauth && event == Accept:
		err = w.post(books.Hold, e.holdFact(a, h, now))
	case a.Kind == channel.Preauth:
		err = w.desk.Release(w.ctx, h.facts(a.ID))
	case event == Accept:
		kind = "hold.voided"
		err = errors.Join(w.desk.Release(w.ctx, h.facts(a.ID)), w.post(books.HoldEnd, e.holdFact(a, h, now)))
	default:
		kind = "hold.void_declined"
	}
	w.tell(kind, a, h.asPayment(), now)
	return a, err
}

// holdFact is what the books hear of a hold that an attempt changed.
func (e *Engine) holdFact(a Attempt, h Hold, at time.Time) books.Fact {
	return books.Fact{Merchant: a.Merchant, Ref: a.Ref(), Channel: a.Channel, Amount: h.Amount, Fee: money.Zero(h.Amount.Currency()), Day: a.Day, At: at}
}

// runExpiry gives a hold back at the channel when its time is over.
func (e *Engine) runExpiry(_ context.Context, j jobs.Job) error {
	id, err := ParseRef(j.Ref)
	if err != nil {
		return err
	}
	m := merchant.ID(j.Merchant)
	err = e.write(&command{merchant: m, attempt: id, apply: func(w *work) error {
		a, err := w.attempt(m, id)
		if err != nil {
			return err
		}
		h, err := w.hold(m, a.Payment)
		if err != nil {
			return err
		}
		switch h.State {
		case Held:
			return e.takeBackHold(w, &a, &h, Expire, reasonExpired)
		case Voiding, Completing, Restoring, Reopening, Resuming:
			return ErrState.With("the hold is %s", h.State) // tried again: it may stand afterwards
		}
		return nil
	}})
	e.jobs.Wake()
	return err
}

// reasonExpired is why a hold is reversed that nobody completed.
const reasonExpired = "06"

// HoldOf reads the hold of a pre-authorization's or its void's attempt; ErrNotFound when there is none.
func HoldOf(ctx context.Context, q store.Querier, a Attempt) (Hold, error) {
	return holdByID(ctx, q, a.Merchant, a.Payment)
}
