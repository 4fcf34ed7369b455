package simulation_test

import (
	"fmt"

	"github.com/anishathalye/porcupine"

	"hawker/internal/channel"
	"hawker/internal/payment"
)

// wish is what somebody asks of one payment, or the bank's answer to it: the two commits
// of a payment are two steps, and between them anybody may look.
type wish struct {
	what   string
	minor  int64          // of a refund
	answer channel.Result // of the bank, where it is a step's input
}

// result is what was told of it: a state, the name of a refusal, or both of a query's figures.
type result struct {
	told     string
	refunded int64
}

// The steps.
const (
	saleAsked      = "sale"
	saleAnswered   = "the bank answers the sale"
	voidAsked      = "void"
	voidAnswered   = "the bank answers the void"
	refundAsked    = "refund"
	refundAnswered = "the bank answers the refund"
	reversalAsked  = "reversal"
	saleReversed   = "the bank reverses the sale"
	voidReversed   = "the bank reverses the void"
	refundRepeated = "the bank answers the repeated refund"
	query          = "query"
)

// told by a step that only left for the bank.
const left = "left"

const (
	conflict = "state_conflict"
	overRest = "refund_over_rest"
	accepted = "accepted"
)

// life is all that is to be known of one payment of price.
type life struct {
	pay, sale payment.State // "" before it exists
	refunded  int64         // refunds under way included
}

const price = 1000

// spec says what each step makes of a payment and what it is told, one step after another.
var spec = porcupine.Model{
	Init: func() any { return life{} },
	Step: func(state, input, output any) (bool, any) {
		l, w, r := state.(life), input.(wish), output.(result)
		next, want := l.step(w)
		return r == want, next
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v → %+v", input, output) },
	DescribeState:     func(state any) string { return fmt.Sprintf("%+v", state) },
}

func (l life) step(w wish) (life, result) {
	switch w.what {
	case saleAsked:
		if l.pay != "" {
			return l, result{told: string(l.sale)}
		}
		return life{pay: payment.Sent, sale: payment.Sent}, result{told: left}
	case saleAnswered:
		if l.sale == payment.Sent {
			l.sale = map[channel.Result]payment.State{channel.Approved: payment.Approved, channel.Declined: payment.Declined, channel.Silent: payment.Reversing}[w.answer]
			l.pay = l.sale
		}
		return l, result{told: string(l.sale)}
	case reversalAsked:
		return l.reverse()
	case saleReversed:
		if l.sale == payment.Reversing {
			l.sale, l.pay = payment.Reversed, payment.Reversed
		}
		return l, result{}
	case query:
		return l, result{string(l.pay), l.refunded}
	case refundAsked, refundAnswered, refundRepeated:
		return l.refund(w)
	}
	return l.void(w)
}

func (l life) reverse() (life, result) {
	switch {
	case l.sale == payment.Declined || l.sale == payment.Reversing || l.sale == payment.Reversed:
		return l, result{told: accepted}
	case l.refunded > 0 || l.pay == payment.Voiding || l.pay == payment.Voided || l.pay == payment.Restoring:
		return l, result{told: conflict}
	}
	l.sale, l.pay = payment.Reversing, payment.Reversing
	return l, result{told: accepted}
}

func (l life) void(w wish) (life, result) {
	switch {
	case w.what == voidAsked && (l.pay != payment.Approved || l.refunded > 0):
		return l, result{told: conflict}
	case w.what == voidAsked:
		l.pay = payment.Voiding
		return l, result{told: left}
	case w.what == voidReversed:
		l.pay = payment.Approved
		return l, result{}
	case w.answer == channel.Approved:
		l.pay = payment.Voided
		return l, result{told: string(payment.Approved)}
	case w.answer == channel.Declined:
		l.pay = payment.Approved
		return l, result{told: string(payment.Declined)}
	}
	l.pay = payment.Restoring
	return l, result{told: string(payment.Reversing)}
}

func (l life) refund(w wish) (life, result) {
	switch {
	case w.what == refundAsked && l.pay != payment.Approved:
		return l, result{told: conflict}
	case w.what == refundAsked && l.refunded+w.minor > price:
		return l, result{told: overRest}
	case w.what == refundAsked:
		l.refunded += w.minor
		return l, result{told: left}
	}
	if w.answer == channel.Declined {
		l.refunded -= w.minor
	}
	if w.what == refundRepeated {
		return l, result{}
	}
	return l, result{told: string(map[channel.Result]payment.State{channel.Approved: payment.Approved, channel.Declined: payment.Declined, channel.Silent: payment.Unknown}[w.answer])}
}
