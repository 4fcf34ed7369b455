package payment

import (
	"context"
	"fmt"
	"time"

	"hawker/internal/channel"
	"hawker/internal/merchant"
	"hawker/internal/risk"
)

// channelCash names what cash goes through: the drawer, which is asked nothing.
const channelCash = MethodCash

// channelOf finds the channel that an attempt went through.
func (e *Engine) channelOf(name string) (channel.Channel, error) {
	if name == e.card.Name() {
		return e.card, nil
	}
	if w := e.wallets[name]; w != nil {
		return w, nil
	}
	return nil, fmt.Errorf("channel %q is not configured", name)
}

// methodOf is the method that a channel's payments have.
func (e *Engine) methodOf(channelName string) string {
	if channelName == e.card.Name() {
		return MethodCard
	}
	return channelName
}

// ofWallet reports whether an attempt went to a wallet.
func (e *Engine) ofWallet(a Attempt) bool {
	return a.Channel != e.card.Name() && a.Channel != channelCash
}

// pace is how a wallet wants to be asked.
func (e *Engine) pace(name string) channel.Pace {
	if w := e.wallets[name]; w != nil {
		return w.Patience()
	}
	return channel.Pace{First: 5 * time.Second, Longest: 10 * time.Second, Deadline: 30 * time.Second}
}

// counted are what an attempt counts in the limits.
func (e *Engine) counted(p Payment, a Attempt) risk.Facts {
	f := facts(p, a.ID)
	if a.Kind == channel.Present {
		f.Method, f.Day = e.methodOf(a.Channel), a.Day
	}
	return f
}

// question builds a request about an attempt: its reversal or refund, which are attempts
// of their own, or a Query or Close, which are not.
func (e *Engine) question(ctx context.Context, m merchant.Merchant, kind channel.Kind, r, of Attempt) (channel.Request, error) {
	q := e.request(m, r, channel.Card{})
	q.Kind = kind
	q.Original = original(of)
	q.Original.Amount = of.Amount
	if of.Of != 0 {
		q.Original.Of = Ref(of.Of)
	}
	return q, e.expiry(ctx, &q, of)
}

// expiry tells the channel until when a presented code could be paid.
func (e *Engine) expiry(ctx context.Context, q *channel.Request, a Attempt) error {
	if a.Kind != channel.Present {
		return nil
	}
	o, err := OrderOf(ctx, e.db.Read(), a.Merchant, a.Payment)
	q.Expires = o.Expires
	return err
}

// query asks the wallet what became of an attempt.
func (e *Engine) query(ctx context.Context, m merchant.Merchant, a Attempt) channel.Outcome {
	ch, err := e.channelOf(a.Channel)
	if err != nil {
		return channel.Outcome{Detail: err.Error()}
	}
	q, err := e.question(ctx, m, channel.Query, a, a)
	if err != nil {
		return channel.Outcome{Detail: err.Error()}
	}
	return ch.Do(ctx, q)
}

// contradiction is what a wallet said of an attempt against what it had said before.
type contradiction struct {
	stands Attempt
	said   channel.Result
}

// learn takes what a wallet says of an attempt, whenever and however often it says so. What
// stands already is no news, and what contradicts it changes nothing and is returned.
func (e *Engine) learn(ctx context.Context, a Attempt, o channel.Outcome) (_ *contradiction, err error) {
	var against *contradiction
	var now Attempt
	before := a.State
	err = e.write(&command{merchant: a.Merchant, attempt: ahead(a), payment: a.Payment, apply: func(w *work) error {
		against = nil
		var err error
		if now, err = w.attempt(a.Merchant, a.ID); err != nil {
			return err
		}
		before = now.State
		switch o.Result {
		case channel.Approved:
			switch now.State {
			case Sent, Waiting, Unknown, Closing:
				now, err = e.conclude(w, now, o)
			case Declined, Closed:
				against = &contradiction{now, o.Result}
			}
		case channel.Declined:
			switch now.State {
			case Sent, Waiting, Unknown:
				now, err = e.conclude(w, now, o)
			case Closing:
				err = e.closed(w, &now)
			case Approved:
				against = &contradiction{now, o.Result}
			}
		case channel.Waiting:
			if now.Kind == channel.Sale && now.State == Unknown {
				now, err = e.conclude(w, now, o)
			}
		case channel.Silent, channel.Unsent: // nothing is known
		}
		return err
	}})
	if err == nil && now.State != before {
		e.metrics.Attempt(now.Kind, now.State, now.Code)
		e.jobs.Wake()
	}
	return against, err
}

// ahead is the attempt that a command reads and locks before its payment. A presented
// code's is not: what becomes of it may touch the others of its payment, which are all
// locked after the payment.
func ahead(a Attempt) int64 {
	if a.Kind == channel.Present {
		return 0
	}
	return a.ID
}
