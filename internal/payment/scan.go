package payment

import (
	"context"
	"crypto/sha256"
	"time"

	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/money"
	"hawker/internal/qr"
	"hawker/internal/risk"
)

// ScanRequest is what a terminal asks to be charged to a customer's code.
type ScanRequest struct {
	Source
	Amount money.Amount
	Code   card.Code
	Method string        // where the terminal says whose code it is; "" where it does not
	Wait   time.Duration // how long a customer who types the password is waited for
}

// EntryScan is the entry mode of a payment by code.
const EntryScan = "032"

// Scan charges a customer's code, of whichever wallet it is. Answers as Sale's; an attempt
// that is Waiting or Unknown after Wait is asked after, and reversed in the end: a terminal
// that reverses it then does right.
func (e *Engine) Scan(ctx context.Context, s ScanRequest) (Attempt, error) {
	ctx = context.WithoutCancel(ctx)
	if err := accepts(s.Merchant, s.Amount); err != nil {
		return Attempt{}, err
	}
	code, err := qr.Known.Recognise(string(s.Code.Reveal()))
	if err != nil {
		return Attempt{}, err
	}
	method := string(code.Scheme())
	if s.Method != "" && s.Method != method {
		return Attempt{}, ErrCode.With("it is of %s, and the terminal says %s", method, s.Method)
	}
	ch := e.wallets[method]
	if ch == nil {
		return Attempt{}, ErrMethod.With("%q", method)
	}
	plan, err := e.planFor(ctx, s.Merchant, method, "", e.now())
	if err != nil {
		return Attempt{}, err
	}
	fee, err := plan.Fee(s.Amount)
	if err != nil {
		return Attempt{}, err
	}
	p := Payment{Merchant: s.Merchant.ID, Terminal: s.Terminal, Method: method, Amount: s.Amount, Fee: fee, FeeVersion: plan.Version(),
		Refunded: zero(s.Amount), RefundFee: zero(s.Amount), Card: CardFacts{Entry: EntryScan}}
	weigh := facts(p, 0)
	sum := sha256.Sum256(s.Code.Reveal())
	var made wrote
	b, err := e.begin(ctx, intent{Source: s.Source, attempt: Attempt{Kind: channel.Sale, Channel: method, Amount: s.Amount, Fee: fee}, facts: &weigh,
		hash: content(channel.Sale, s.Amount, method, sum),
		rules: func(w *work, a *Attempt) (risk.Approval, error) {
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
	r := e.request(s.Merchant, b.Attempt, channel.Card{})
	r.Code, r.Once = s.Code, true
	a, err := e.store(ctx, b.Attempt, e.sendTo(ctx, ch, b.proof, b.ID, r), &made)
	if err != nil {
		return a, err
	}
	return e.stay(ctx, s, ch, a)
}

// stay asks after a sale that is not decided, by the wallet's rhythm, for as long as the terminal waits.
func (e *Engine) stay(ctx context.Context, s ScanRequest, ch channel.Wallet, a Attempt) (Attempt, error) {
	ends := time.NewTimer(s.Wait)
	defer ends.Stop()
	pace := ch.Patience()
	for pause := pace.First; a.State == Waiting || a.State == Unknown; pause = min(pause+pause/2, pace.Longest) {
		next := time.NewTimer(pause)
		select {
		case <-next.C:
		case <-ends.C:
			next.Stop()
			return a, nil
		}
		if _, err := e.learn(ctx, a, e.query(ctx, s.Merchant, a)); err != nil {
			return a, err
		}
		now, err := attemptByID(ctx, e.db.Read(), a.Merchant, a.ID)
		if err != nil {
			return a, err
		}
		a = now
	}
	return a, nil
}
