package payment

import (
	"context"
	"fmt"
	"time"

	"hawker/internal/channel"
	"hawker/internal/jobs"
	"hawker/internal/money"
	"hawker/internal/risk"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

// PresentRequest is what a terminal asks to be paid by a code that it shows.
type PresentRequest struct {
	Source
	Amount money.Amount
	Method string // the wallet whose code it is
}

// presents is a wallet that says whether merchants' codes are drawn there; of one that says
// nothing they are.
type presents interface{ Presents() bool }

// Present draws a wallet's code for a terminal to show: a payment that stays Created until its
// customer has paid, somebody voids or reverses it, or its five minutes are over. The attempt's
// State is Waiting, with the link, or a later one of the same code, with the same link; else
// there is no code, nobody can pay, and answers are as Sale's.
func (e *Engine) Present(ctx context.Context, r PresentRequest) (a Attempt, link string, err error) {
	ctx = context.WithoutCancel(ctx)
	if err := accepts(r.Merchant, r.Amount); err != nil {
		return Attempt{}, "", err
	}
	ch := e.wallets[r.Method]
	if p, says := ch.(presents); ch == nil || says && !p.Presents() {
		return Attempt{}, "", ErrMethod.With("no codes of %q are shown", r.Method)
	}
	plan, err := e.planFor(ctx, r.Merchant, r.Method, "", e.now())
	if err != nil {
		return Attempt{}, "", err
	}
	fee, err := plan.Fee(r.Amount)
	if err != nil {
		return Attempt{}, "", err
	}
	now := e.now()
	p := Payment{Merchant: r.Merchant.ID, ID: store.NewID(now), Terminal: r.Terminal, Method: r.Method, State: Created, Amount: r.Amount, Fee: fee, FeeVersion: plan.Version(),
		Refunded: zero(r.Amount), RefundFee: zero(r.Amount), Created: now, Day: r.Merchant.Day(now)}
	expires := now.Add(codeLasts).Truncate(time.Second)
	weigh := facts(p, 0)
	b, err := e.begin(ctx, intent{Source: r.Source, attempt: Attempt{Kind: channel.Present, Channel: r.Method, Payment: p.ID, Amount: r.Amount, Fee: fee}, facts: &weigh,
		hash:  content(channel.Present, r.Amount, r.Method),
		rules: func(w *work, a *Attempt) (risk.Approval, error) { return e.show(w, *a, p, expires) }})
	defer b.land()
	if err != nil {
		return b.Attempt, "", err
	}
	if a = b.Attempt; b.fresh {
		req := e.request(r.Merchant, a, channel.Card{})
		req.Expires = expires
		if a, err = e.resolve(ctx, a, e.sendTo(ctx, ch, b.proof, a.ID, req)); err != nil {
			return a, "", err
		}
		if a.State != Waiting && a.State != Approved { // nobody has its code
			if _, err := e.Cancel(ctx, a.Merchant, a.Payment); err != nil {
				e.log.Info("a code that cannot be shown is left to its expiry", "attempt", a.Ref(), "why", err)
			}
		}
	}
	link, err = linkOf(ctx, e.db.Read(), a)
	return a, link, err
}

// show decides about a code for a terminal: its payment and what is kept beside it.
func (e *Engine) show(w *work, a Attempt, p Payment, expires time.Time) (risk.Approval, error) {
	proof, refusal := w.desk.Assess(w.ctx, facts(p, a.ID))
	if refusal != nil {
		p.State = Declined
	}
	device := "iso/" + string(p.Terminal)
	w.addPayment(p)
	w.addOrder(OrderFacts{Merchant: p.Merchant, Payment: p.ID, Device: device, Day: p.Day, Expires: expires, Created: p.Created,
		key: askerKey(p.Day, 'o', device, a.key), hash: a.hash})
	if refusal == nil {
		w.tell("payment.created", a, p, p.Created)
		w.addJob(jobs.Job{Merchant: int64(p.Merchant), Kind: JobPaymentExpiry, Ref: Ref(p.ID), MaxTries: maxTries, Due: expires})
	}
	return proof, refusal
}

// unshow takes a code back that its terminal reverses and nobody has paid.
func (e *Engine) unshow(w *work, p Payment, now time.Time) error {
	if p.State != Created {
		return nil // it is being closed, or has ended
	}
	if err := w.movePayment(&p, Cancel, now); err != nil {
		return err
	}
	return e.shut(w, &p, now)
}

// byCode are the kinds that a payment by code begins with.
func byCode(k channel.Kind) bool { return k == channel.Sale || k == channel.Present }

// VoidCode lets nobody pay a payment by code any more, or gives back all of it when the customer
// was faster, as Void does. ErrBusy while its wallet has not said which: the same again
// tells. Answers as Refund's.
func (e *Engine) VoidCode(ctx context.Context, r ReturnRequest) (Attempt, error) {
	ctx = context.WithoutCancel(ctx)
	if err := accepts(r.Merchant, r.Amount); err != nil {
		return Attempt{}, err
	}
	payment := int64(0)
	err := e.write(&command{merchant: r.Merchant.ID, source: &r.Source, apply: func(w *work) (err error) {
		payment, err = e.closeCode(w, r)
		return err
	}})
	if err != nil {
		return Attempt{}, err
	}
	if payment != 0 {
		e.jobs.Wake()
		e.closeNow(ctx, r.Merchant.ID, payment)
	}
	return e.about(ctx, channel.Close, r, func(w *work, a *Attempt, of Attempt, p Payment) (risk.Approval, error) {
		proof := risk.AssessReturn(facts(p, a.ID))
		switch {
		case a.Amount != p.Amount:
			return proof, ErrAmountDiffer
		case p.State == Cancelled, p.State == Expired: // nobody has paid, nobody can
			a.State, a.Code = Approved, codeApproved
			return proof, nil
		case Passing(p.State):
			return proof, ErrBusy.With("payment %s is %s", Ref(p.ID), p.State)
		case !a.sameBatch(of):
			return proof, ErrBatchClosed
		case !p.Refunded.IsZero():
			return proof, ErrState
		}
		a.Kind = channel.Refund
		return proof, e.returnable(w, a, p)
	})
}

// closeCode begins what a void of a payment by code wants while nobody has paid; it gives the
// payment, or 0 when there is nothing to close, of which the void itself says why.
func (e *Engine) closeCode(w *work, r ReturnRequest) (payment int64, err error) {
	t, err := w.terminal(r.Merchant.ID, r.Terminal)
	if err != nil || t.Batch != r.Batch || t.MayTake() != nil {
		return 0, err
	}
	if _, err := w.byKey(t.Merchant, key(t.BatchDay, t.ID, r.Batch, r.Trace)); err == nil {
		return 0, nil // its trace is taken
	}
	var of Attempt
	p, err := r.find(w, channel.Close, &of)
	if err != nil || !e.ofWallet(of) || r.Amount != p.Amount || !Passing(p.State) {
		return 0, w.broken
	}
	return p.ID, e.cancel(w, p.Merchant, p.ID)
}

// AskCode asks the wallet now what became of a payment by code, and gives it with the attempt
// that r points at. Nothing is stored of the question.
func (e *Engine) AskCode(ctx context.Context, r ReturnRequest) (Payment, Attempt, error) {
	t, err := terminal.ByID(ctx, e.db.Read(), r.Merchant.ID, r.Terminal)
	if err != nil {
		return Payment{}, Attempt{}, err
	}
	if t.Batch != r.Batch {
		return Payment{}, Attempt{}, terminal.ErrBatch.With("terminal says %d, open is %d", r.Batch, t.Batch)
	}
	id, err := ParseRef(r.Ref)
	if err != nil {
		return Payment{}, Attempt{}, err
	}
	a, err := attemptByID(ctx, e.db.Read(), r.Merchant.ID, id)
	if err != nil {
		return Payment{}, Attempt{}, err
	}
	if !r.points(channel.Close, a) || !e.ofWallet(a) {
		return Payment{}, Attempt{}, ErrNotFound
	}
	p, err := e.Refresh(ctx, a.Merchant, a.Payment)
	if err != nil {
		return p, a, fmt.Errorf("ask for %s: %w", a.Ref(), err)
	}
	if a, err = attemptByID(ctx, e.db.Read(), a.Merchant, a.ID); err != nil {
		return p, a, err
	}
	if p.State == Created && a.State == Declined { // its wallet will not have it paid any more
		p, err = e.Cancel(ctx, a.Merchant, a.Payment)
	}
	return p, a, err
}
