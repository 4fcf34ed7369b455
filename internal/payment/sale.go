package payment

import (
	"context"
	"fmt"
	"time"

	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/feelock"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/risk"
)

// SaleRequest is what a terminal asks to be charged.
type SaleRequest struct {
	Source
	Amount money.Amount
	Card   channel.Card
	Facts  CardFacts
}

// Sale charges a card. The attempt returned is approved, declined, or on its way
// to be reversed because the bank was silent: look at its State. An error is a
// fault of ours or of the request, and nothing was charged, unless its Kind is
// Internal: then the end is not known here and will be resolved.
func (e *Engine) Sale(ctx context.Context, s SaleRequest) (Attempt, error) {
	return e.charge(ctx, channel.Sale, s, func() error { return nil })
}

// charge is a sale, online or concluded offline. may refuses it before it is weighed.
func (e *Engine) charge(ctx context.Context, kind channel.Kind, s SaleRequest, may func() error) (Attempt, error) {
	ctx = context.WithoutCancel(ctx) // a terminal that hangs up changes nothing
	defer s.Card.Wipe()
	if err := accepts(s.Merchant, s.Amount); err != nil {
		return Attempt{}, err
	}
	plan, err := e.planOf(ctx, s.Merchant, s.Facts)
	if err != nil {
		return Attempt{}, err
	}
	fee, err := plan.Fee(s.Amount)
	if err != nil {
		return Attempt{}, err
	}
	p := Payment{Merchant: s.Merchant.ID, Terminal: s.Terminal, Method: MethodCard, Amount: s.Amount, Fee: fee, FeeVersion: plan.Version(),
		Refunded: money.Zero(s.Amount.Currency()), RefundFee: money.Zero(s.Amount.Currency()), Card: s.Facts}
	weigh := facts(p, 0)
	var made wrote
	b, err := e.begin(ctx, intent{Source: s.Source, attempt: Attempt{Kind: kind, Amount: s.Amount, Fee: fee}, facts: &weigh, chip: s.Facts.Chip,
		hash: content(kind, s.Amount, s.Facts.Token, s.Facts.Entry),
		rules: func(w *work, a *Attempt) (risk.Approval, error) {
			if err := may(); err != nil {
				return risk.Approval{}, err
			}
			p := p
			p.ID, p.Day, p.Created, p.State = a.ID, a.Day, a.Created, Sent
			proof, refusal := w.desk.Assess(w.ctx, facts(p, a.ID))
			if refusal != nil {
				p.State = Declined
			}
			a.Payment = p.ID
			w.addPayment(p)
			made.payment = p
			return proof, refusal
		}})
	defer b.land()
	if err != nil || !b.fresh {
		return b.Attempt, err
	}
	made.attempt = b.Attempt
	return e.store(ctx, b.Attempt, e.send(ctx, b.proof, b.ID, e.request(s.Merchant, b.Attempt, s.Card)), &made)
}

// planOf is the fee plan in force for a merchant's payments with such a card.
func (e *Engine) planOf(ctx context.Context, m merchant.Merchant, c CardFacts) (feelock.Plan, error) {
	return e.planAt(ctx, m, c, e.now())
}

// planAt is the plan that was in force at a time.
func (e *Engine) planAt(ctx context.Context, m merchant.Merchant, c CardFacts, at time.Time) (feelock.Plan, error) {
	return e.planFor(ctx, m, MethodCard, string(c.Kind), at)
}

// planFor is planAt of any method; wallets have no card kinds.
func (e *Engine) planFor(ctx context.Context, m merchant.Merchant, method, cardKind string, at time.Time) (feelock.Plan, error) {
	plans, err := e.plans.Get(ctx, planKey{m.ID, m.Currency, method, cardKind})
	if err != nil {
		return feelock.Plan{}, err
	}
	plan, err := plans.At(at)
	if err != nil {
		return plan, fmt.Errorf("merchant %s, %s %s: %w", m.MID, method, cardKind, err)
	}
	return plan, nil
}

func facts(p Payment, attempt int64) risk.Facts {
	return risk.Facts{Merchant: int64(p.Merchant), Attempt: attempt, Method: p.Method, CardKind: string(p.Card.Kind), Amount: p.Amount, Day: p.Day}
}

// ReturnRequest asks to void, refund, tip or adjust a sale.
type ReturnRequest struct {
	Source
	Amount        money.Amount
	Ref           string // of the sale's attempt: its RRN
	OriginalBatch int    // of the sale; 0 when the terminal did not say
	OriginalTrace int
	Method        string // of the original, where the terminal says it; "" for any
	Card          channel.Card
	Token         card.Token // of the card presented; "" when none was
}

// Void takes back a whole sale, its tips and adjustments included, of the terminal's open batch, once. Answers as Sale's.
func (e *Engine) Void(ctx context.Context, r ReturnRequest) (Attempt, error) {
	return e.void(ctx, channel.Void, r)
}

// CompletionVoid is Void of a completion: its hold stands again.
func (e *Engine) CompletionVoid(ctx context.Context, r ReturnRequest) (Attempt, error) {
	return e.void(ctx, channel.CompletionVoid, r)
}

func (e *Engine) void(ctx context.Context, kind channel.Kind, r ReturnRequest) (Attempt, error) {
	return e.about(ctx, kind, r, func(w *work, a *Attempt, of Attempt, p Payment) (risk.Approval, error) {
		switch {
		case !a.sameBatch(of):
			return risk.Approval{}, ErrBatchClosed
		case a.Amount != p.Amount:
			return risk.Approval{}, ErrAmountDiffer
		case !p.Refunded.IsZero():
			return risk.Approval{}, ErrState
		case e.ofWallet(of): // which knows no void: all of it is given back
			a.Kind = channel.Refund
			return risk.AssessReturn(facts(p, a.ID)), e.returnable(w, a, p)
		}
		a.Fee = p.Fee
		return risk.AssessReturn(facts(p, a.ID)), w.movePayment(&p, Void, a.Created)
	})
}

// sameBatch reports whether both are of one batch.
func (a Attempt) sameBatch(b Attempt) bool {
	return a.Terminal == b.Terminal && a.Batch == b.Batch && a.BatchDay == b.BatchDay
}

// Refund gives back a part or all of what is left of a sale. Answers as Sale's, but
// an attempt left Unknown is asked again at the bank until it has an end.
func (e *Engine) Refund(ctx context.Context, r ReturnRequest) (Attempt, error) {
	return e.about(ctx, channel.Refund, r, func(w *work, a *Attempt, _ Attempt, p Payment) (risk.Approval, error) {
		return risk.AssessReturn(facts(p, a.ID)), e.returnable(w, a, p)
	})
}

// about does something about a sale: find it, check, reserve, send, resolve.
func (e *Engine) about(ctx context.Context, kind channel.Kind, r ReturnRequest, reserve func(*work, *Attempt, Attempt, Payment) (risk.Approval, error)) (Attempt, error) {
	ctx = context.WithoutCancel(ctx)
	defer r.Card.Wipe()
	if err := accepts(r.Merchant, r.Amount); err != nil {
		return Attempt{}, err
	}
	var sale Attempt
	presented := r.Card
	b, err := e.begin(ctx, intent{Source: r.Source, attempt: Attempt{Kind: kind, Amount: r.Amount, Fee: money.Zero(r.Amount.Currency())},
		hash: content(kind, r.Amount, r.Ref, r.OriginalBatch, r.OriginalTrace, r.Token), // the original tells the method
		rules: func(w *work, a *Attempt) (risk.Approval, error) {
			p, err := r.find(w, kind, &sale)
			if err != nil {
				return risk.Approval{}, err
			}
			a.Payment, a.Of, a.Channel = p.ID, sale.ID, sale.Channel
			if kind == channel.Close && !e.ofWallet(sale) {
				return risk.Approval{}, ErrNotFound
			}
			if e.ofWallet(sale) && changes(kind) {
				return risk.Approval{}, ErrState.With("what was paid by code is not changed")
			}
			if r.Token != "" && r.Token != p.Card.Token {
				return risk.Approval{}, ErrCardDiffers
			}
			if r.Token == "" { // no card was presented: the one that paid
				presented = channel.Card{Token: p.Card.Token, Entry: entryManual}
			}
			return reserve(w, a, sale, p)
		}})
	defer b.land()
	if err != nil || !b.fresh {
		return b.Attempt, err
	}
	req := e.request(r.Merchant, b.Attempt, presented)
	req.Original = original(sale)
	req.Original.Amount = sale.Amount
	ch, err := e.channelOf(b.Channel)
	if err != nil {
		return b.Attempt, err
	}
	return e.resolve(ctx, b.Attempt, e.sendTo(ctx, ch, b.proof, b.ID, req))
}

// entryManual is how a card enters that nobody presented: its number was known.
const entryManual = "01"

// subjects tells of each kind what it may be about.
var subjects = map[channel.Kind]func(channel.Kind) bool{
	channel.Void:           func(k channel.Kind) bool { return sells(k) || k == channel.Present },
	channel.Close:          byCode,
	channel.CompletionVoid: completes,
	channel.Refund:         func(k channel.Kind) bool { return sells(k) || completes(k) || k == channel.Present },
	channel.Tip:            sells,
	channel.Adjustment:     sells,
}

// find reads the sale or completion that a request points at, and its payment.
func (r ReturnRequest) find(w *work, kind channel.Kind, sale *Attempt) (Payment, error) {
	id, err := ParseRef(r.Ref)
	if err != nil {
		return Payment{}, err
	}
	if *sale, err = w.attempt(r.Merchant.ID, id); err != nil {
		return Payment{}, err
	}
	if !r.points(kind, *sale) {
		return Payment{}, ErrNotFound
	}
	return w.payment(r.Merchant.ID, sale.Payment)
}

// points reports whether an attempt can be what a request of this kind is about.
func (r ReturnRequest) points(kind channel.Kind, of Attempt) bool {
	return subjects[kind](of.Kind) && (r.OriginalTrace == 0 || of.Trace == r.OriginalTrace && of.Batch == r.OriginalBatch) &&
		(r.Method == "" || r.Method == of.Channel)
}

// addRefunded moves a payment's refunded amount and fee, and refuses to pass the captured amount.
func (w *work) addRefunded(p Payment, amount, fee money.Amount, at time.Time) error {
	refunded, err := p.Refunded.Add(amount)
	if err != nil {
		return err
	}
	given, err := p.RefundFee.Add(fee)
	if err != nil {
		return err
	}
	if p.State != Approved || refunded.Sign() < 0 || refunded.Minor() > p.Amount.Minor() {
		return ErrRefundOver
	}
	p.Refunded, p.RefundFee = refunded, given
	w.changePayment(p, at)
	return nil
}
