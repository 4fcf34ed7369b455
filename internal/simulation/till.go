package simulation

import (
	"errors"
	"fmt"
	"time"

	"hawker/internal/channel"
	"hawker/internal/fault"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/terminal"
)

// till is a terminal without wires: it asks the engine directly, through the same bad
// weather, and keeps the promises of docs/terminal-protocol.md: what has no answer is
// reversed or, a refund, repeated; nothing new before that; a batch is settled with
// totals that count what was approved. Now and then it does what a good terminal would not.
type till struct {
	world *world
	shop  shop
	id    terminal.ID
	dice  dice

	timeout  time.Duration
	batch    int
	trace    int
	rows     []*row
	undo     *row   // to be reversed before anything else
	refunds  []*row // to be repeated until they have an outcome
	settling *payment.Totals
}

// row is one transaction as the till remembers it.
type row struct {
	slot
	kind   channel.Kind
	minor  int64
	card   string
	ref    string
	of     *row // what a void takes back
	state  standing
	voided bool // a sale: by an approved void

	regretted bool // it was approved, and is to be taken back all the same
}

// standing is what a till believes of a transaction.
type standing string

const (
	unknown  standing = "unknown"
	approved standing = "approved"
	declined standing = "declined"
	reversed standing = "reversed"
)

// slot names a transaction for both sides.
type slot struct {
	terminal     terminal.ID
	batch, trace int
}

func (s slot) String() string { return fmt.Sprintf("%s/%06d/%06d", s.terminal, s.batch, s.trace) }

// lastTrace is followed by 1.
const lastTrace = 999999

func newTill(w *world, s shop, c counter) *till {
	d := w.dice("till", c.id)
	t := &till{world: w, shop: s, id: c.id, dice: d, batch: c.batch, trace: 1}
	t.timeout = w.patience + d.between(-time.Second, 10*time.Second)
	if d.chance(0.2) {
		t.trace = lastTrace - d.IntN(4)
	}
	return t
}

// next spends a trace number.
func (t *till) next() int {
	n := t.trace
	t.trace = n%lastTrace + 1
	return n
}

func (t *till) source(s slot) payment.Source {
	if t.world.sabotage.Trace != nil {
		s.trace = t.world.sabotage.Trace(s.trace)
	}
	return payment.Source{Merchant: t.shop.Merchant, Terminal: s.terminal, Batch: s.batch, Trace: s.trace}
}

func (t *till) amount(minor int64) money.Amount { return money.New(minor, t.shop.Currency) }

// answer is what came back, if anything did.
type answer[T any] struct {
	value T
	err   error
}

// ask carries a request to some host and its answer back, or loses either on its way. A
// copy of the request may go to another host. heard says that an answer came in time.
func ask[T any](t *till, what string, say func(T) string, do func(*payment.Engine) (T, error)) (got answer[T], heard bool) {
	w, hop := t.world, t.world.toHosts
	what = fmt.Sprintf("%s %s", t.id, what)
	nth := hop.again("request " + what)
	answers := make(chan answer[T], 16)
	for copy, late := range hop.fate(what + " asked").whole() {
		to := pick(t.dice, w.hosts...)
		w.busy.Go(func() {
			time.Sleep(late)
			p := to.process()
			if p == nil {
				return
			}
			v, err := do(p.engine)
			if p.dead.Load() {
				return
			}
			a := answer[T]{v, err}
			// Which copy of which request is answered is told, because a host may answer several at one instant.
			for _, late := range hop.fate(fmt.Sprintf("%s answered, %d.%d: %s", what, nth, copy+1, a.say(say))).whole() {
				w.busy.Go(func() {
					time.Sleep(late)
					select {
					case answers <- a:
					default: // nobody waits for so many
					}
				})
			}
		})
	}
	timer := time.NewTimer(t.timeout)
	defer timer.Stop()
	select {
	case got = <-answers:
		return got, true
	case <-timer.C:
		return got, false
	}
}

func (a answer[T]) say(say func(T) string) string {
	if a.err != nil {
		return fault.Of(a.err).Name
	}
	return say(a.value)
}

func sayAttempt(a payment.Attempt) string {
	return fmt.Sprintf("%s %s%s", a.State, a.Code, a.Reason)
}

// judge writes down what an answer says about a row. A refusal of a repeat does not speak
// of the first; an approval names what it approves.
func (t *till) judge(r *row, got answer[payment.Attempt], heard, repeat bool) {
	if !heard || r.state != unknown {
		return
	}
	a, err := got.value, got.err
	switch {
	case err == nil && a.State == payment.Approved:
		r.state, r.ref = approved, a.Ref()
	case err == nil && a.State == payment.Declined:
		r.state = declined
	case err == nil && a.State == payment.Reversed, errors.Is(err, payment.ErrReversed):
		r.state = reversed
	case err != nil && !repeat && fault.Of(err).Kind != fault.Internal:
		r.state = declined
	}
	if r.state == approved && a.Amount.Minor() != r.minor {
		t.world.blame("%s: %d was asked, %d was approved", r.slot, r.minor, a.Amount.Minor())
	}
}

// totals count what was approved, as field 48 wants it.
func (t *till) totals() payment.Totals {
	var debit, credit int64
	sums := payment.Totals{}
	for _, r := range t.rows {
		switch {
		case r.batch != t.batch || r.state != approved:
		case r.kind == channel.Sale:
			sums.DebitCount++
			debit += r.minor
		default:
			sums.CreditCount++
			credit += r.minor
		}
	}
	sums.Debit, sums.Credit = t.amount(debit), t.amount(credit)
	return sums
}

// believes is every transaction that the till takes for approved.
func (t *till) believes() map[slot]belief {
	all := map[slot]belief{}
	for _, r := range t.rows {
		if r.state == approved {
			all[r.slot] = belief{r.kind, r.minor}
		}
		if r.state == unknown {
			t.world.blame("%s: the till still does not know", r.slot)
		}
	}
	return all
}

func (t *till) close() error { return nil }
