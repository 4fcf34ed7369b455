package torture

import (
	"context"
	"fmt"
	"slices"

	"hawker/internal/jobs"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/sandbox/pos"
)

// absent stands for a transaction that the host has never written down, or only as the
// tombstone of a reversal that came first.
const absent payment.State = "absent"

// lawful holds every way in which a terminal and the host may see one transaction when
// all is at rest. What is not here is a difference.
//
//	approved   the merchant was told that money moved: it must have, exactly so.
//	declined   the merchant was told that none did: the host may never have seen the
//	           request, may have refused it, or may have taken it back after a silence
//	           that the terminal heard of as a refusal.
//	reversed   the merchant was told that nothing is known, and then that it was taken
//	           back: by whomever of the two came first.
//	unknown    ends while healing; nothing is lawful about it.
var lawful = map[pos.State]map[payment.State]bool{
	pos.Approved: {payment.Approved: true},
	pos.Declined: {absent: true, payment.Declined: true, payment.Reversed: true},
	pos.Reversed: {absent: true, payment.Declined: true, payment.Reversed: true},
	pos.Unknown:  {},
}

// resting are the states in which a hold may wait.
var resting = map[payment.State]bool{payment.Held: true, payment.Completed: true, payment.Voided: true, payment.Reversed: true, payment.Declined: true, payment.Expired: true}

// expected are matters for a person that chaos brings about lawfully; any other open case is a difference.
var expected = map[string]bool{"reversal after settlement": true, "batch break": true}

// verdict is what an audit found.
type verdict struct {
	Differences []string
	Cases       map[string]int // open cases by kind
	Compared    Compared
}

func (v *verdict) differ(format string, args ...any) {
	v.Differences = append(v.Differences, fmt.Sprintf(format, args...))
}

// audit gathers and compares everything.
func (w *world) audit(ctx context.Context) (Report, error) {
	e, err := w.gather(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("gather evidence: %w", err)
	}
	v := e.compare()
	for _, p := range append(slices.Clone(w.workers), w.serve, w.network) {
		for _, crash := range p.lived().Crashes {
			v.differ("%s", crash)
		}
	}
	err = w.scan(&v)
	return w.report(v, e.operations()), err
}

// operations counts what the merchants did and what they were told.
func (e *evidence) operations() map[string]map[string]int {
	all := map[string]map[string]int{}
	for _, m := range e.Terminals {
		for _, l := range m.Lines {
			if all[l.Op] == nil {
				all[l.Op] = map[string]int{}
			}
			all[l.Op][l.Told]++
		}
	}
	return all
}

// compare holds every side against every other.
func (e *evidence) compare() verdict {
	v := verdict{Cases: map[string]int{}}
	v.Compared = Compared{Attempts: len(e.Attempts), Entries: len(e.Entries)}
	e.atRest(&v)
	e.paymentsAndAttempts(&v)
	e.terminalsAndHost(&v)
	e.hostAndNetwork(&v)
	e.sums(&v)
	return v
}

// atRest checks that nothing is under way and every book is proven by itself.
func (e *evidence) atRest(v *verdict) {
	if e.Ledger != nil {
		v.differ("%v", e.Ledger)
	}
	if e.Network != nil {
		v.differ("the network's books: %v", e.Network)
	}
	for _, a := range e.UnderWay {
		v.differ("%s %s of %s is still %s", a.Kind, a.Ref(), a.Amount, a.State)
	}
	for _, h := range e.Holds {
		if !resting[h.State] {
			v.differ("hold %s of %s is still %s", payment.Ref(h.ID), h.Amount, h.State)
		}
	}
	for _, j := range e.Jobs {
		if j.State == jobs.Waiting && j.Tries == 0 && j.Due.After(e.At) { // a hold's expiry, a wallet's bill: it waits for its day
			continue
		}
		v.differ("job %s of %s is %s after %d tries: %s", j.Kind, j.Ref, j.State, j.Tries, j.Last)
	}
	for _, c := range e.Cases {
		if v.Cases[c.Kind]++; !expected[c.Kind] {
			v.differ("case %s of %s: %s", c.Kind, c.Ref, c.Detail)
		}
	}
	total := map[money.Currency]int64{}
	for _, l := range e.Trial {
		total[l.Balance.Currency()] += l.Balance.Minor()
	}
	for c, sum := range total {
		if sum != 0 {
			v.differ("the trial balance is off by %d %s", sum, c)
		}
	}
}
