package torture

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"hawker/internal/channel"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/sandbox/cardnet"
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

// lasting are the states in which a payment may rest.
var lasting = map[payment.State]bool{payment.Approved: true, payment.Declined: true, payment.Reversed: true, payment.Voided: true}

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
	for _, j := range e.Jobs {
		v.differ("job %s of %s is %s after %d tries: %s", j.Kind, j.Ref, j.State, j.Tries, j.Last)
	}
	for _, c := range e.Cases {
		if v.Cases[c.Kind]++; !expected[c.Kind] {
			v.differ("case %s of %s: %s", c.Kind, c.Ref, c.Detail)
		}
	}
	for _, p := range e.Payments {
		if !lasting[p.State] {
			v.differ("payment %s of %s rests in state %s", payment.Ref(p.ID), p.Amount, p.State)
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

// keyOf names a transaction as terminal and host both do.
type keyOf struct {
	merchant merchant.ID
	tid      string
	slipID
}

// terminalsAndHost compares transaction by transaction, from both sides.
func (e *evidence) terminalsAndHost(v *verdict) {
	host := map[keyOf][]payment.Attempt{}
	for _, a := range e.Attempts {
		if a.Kind != channel.Reversal {
			k := keyOf{a.Merchant, string(a.Terminal), slipID{a.Batch, a.Trace}}
			host[k] = append(host[k], a)
		}
	}
	for _, m := range e.Terminals {
		last, taken := m.slips()
		v.Compared.Slips += len(last)
		for _, t := range taken {
			v.differ("terminal %s: %s %d/%d of %s was approved and is not any more", m.TID, t.Kind, t.Batch, t.Trace, t.Amount)
		}
		for _, t := range sorted(last) {
			k := keyOf{m.Merchant, m.TID, idOf(t)}
			v.pair(m, t, host[k])
			delete(host, k)
		}
	}
	for k, list := range host {
		for _, a := range list {
			if a.State == payment.Approved {
				v.differ("host: %s %s of %s by %s %d/%d is approved, and its terminal knows nothing of it", a.Kind, a.Ref(), a.Amount, k.tid, k.Batch, k.Trace)
			}
		}
	}
}

func sorted(slips map[slipID]pos.Transaction) []pos.Transaction {
	list := make([]pos.Transaction, 0, len(slips))
	for _, t := range slips {
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b pos.Transaction) int {
		return cmp.Or(cmp.Compare(a.Batch, b.Batch), cmp.Compare(a.Trace, b.Trace))
	})
	return list
}

// pair compares one slip with the host's attempts under its numbers.
func (v *verdict) pair(m memory, t pos.Transaction, found []payment.Attempt) {
	name := fmt.Sprintf("terminal %s: %s %d/%d of %s", m.TID, t.Kind, t.Batch, t.Trace, t.Amount)
	if len(found) > 1 {
		v.differ("%s exists %d times at the host", name, len(found))
		return
	}
	state := absent
	if len(found) == 1 {
		a := found[0]
		state = a.State
		switch {
		case string(a.Kind) != string(t.Kind):
			v.differ("%s is a %s at the host, %s", name, a.Kind, a.Ref())
		case a.Amount != t.Amount:
			v.differ("%s is of %s at the host, %s", name, a.Amount, a.Ref())
		case t.State == pos.Approved && (t.RRN != a.Ref() || t.Code != a.Code || t.AuthCode != strings.TrimSpace(a.AuthCode)):
			v.differ("%s has RRN %s, code %s, authorization %s; at the host %s, %s, %s", name, t.RRN, t.Code, t.AuthCode, a.Ref(), a.Code, a.AuthCode)
		}
	}
	if !lawful[t.State][state] {
		v.differ("%s is %s (code %s, RRN %s), and at the host %s", name, t.State, t.Code, t.RRN, state)
	}
}

// hostAndNetwork compares, attempt by attempt, what the host believes with what the network
// booked and did not undo: an approved attempt moved its amount, any other moved nothing.
func (e *evidence) hostAndNetwork(v *verdict) {
	booked := map[string]int64{} // by RRN of the original
	times := map[string]int{}    // approvals under an RRN
	rrns := map[cardnet.Reference]string{}
	for _, n := range e.Entries {
		rrns[n.Ref] = n.RRN
		rrn := n.RRN
		if n.Kind == cardnet.Reversal {
			rrn = rrns[n.Original]
		} else if n.Code == "00" && !n.Booked.IsZero() {
			times[rrn]++
		}
		booked[rrn] += n.Booked.Minor()
	}
	for _, a := range e.Attempts {
		if a.Kind == channel.Reversal {
			continue
		}
		var want int64
		if a.State == payment.Approved {
			if want = a.Amount.Minor(); a.Kind != channel.Sale {
				want = -want
			}
		}
		if got := booked[a.Ref()]; got != want {
			v.differ("host: %s %s of %s is %s, and the network moved %d", a.Kind, a.Ref(), a.Amount, a.State, got)
		}
		if n := times[a.Ref()]; n > 1 {
			v.differ("network: %s %s was approved %d times", a.Kind, a.Ref(), n)
		}
		delete(booked, a.Ref())
	}
	for rrn, minor := range booked {
		if minor != 0 {
			v.differ("network: %s moved %d, and the host knows nothing of it", rrn, minor)
		}
	}
}

// sums compares what every merchant is owed: by terminals' slips, by the host's attempts,
// by its ledger, by the network's books.
func (e *evidence) sums(v *verdict) {
	type side struct{ slips, host, ledger, network int64 }
	approved := 0
	all := map[merchant.ID]*side{}
	ids := map[string]merchant.ID{}
	at := func(m merchant.ID) *side {
		if all[m] == nil {
			all[m] = &side{}
		}
		return all[m]
	}
	for _, m := range e.Terminals {
		ids[m.MID] = m.Merchant
		last, _ := m.slips()
		for _, t := range last {
			if t.State == pos.Approved {
				at(m.Merchant).slips += signed(t.Kind == pos.Sale, t.Amount)
			}
		}
	}
	for _, a := range e.Attempts {
		if a.State == payment.Approved && a.Kind != channel.Reversal {
			approved++
			at(a.Merchant).host += signed(a.Kind == channel.Sale, a.Amount)
		}
	}
	for m, minor := range e.receivables() {
		at(m).ledger = minor
	}
	for _, b := range e.Books {
		at(ids[b.Merchant]).network += b.Net.Minor()
	}
	if approved == 0 {
		v.differ("nothing was ever approved: this run has shown nothing")
	}
	for m, s := range all {
		if s.slips != s.host || s.host != s.ledger || s.ledger != s.network {
			v.differ("merchant %d: slips %d, host %d, ledger %d, network %d", m, s.slips, s.host, s.ledger, s.network)
		}
	}
}

func signed(sale bool, a money.Amount) int64 {
	if sale {
		return a.Minor()
	}
	return -a.Minor()
}
