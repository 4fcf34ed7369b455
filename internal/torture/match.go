package torture

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"hawker/internal/channel"
	"hawker/internal/merchant"
	"hawker/internal/payment"
	"hawker/internal/sandbox/cardnet"
	"hawker/internal/sandbox/pos"
)

// takes is what an approved attempt moves from the card to the merchant: 1 its amount, -1 that
// amount back, 0 nothing.
var takes = map[channel.Kind]int64{channel.Sale: 1, channel.Completion: 1, channel.CompletionNotice: 1,
	channel.Void: -1, channel.Refund: -1, channel.CompletionVoid: -1}

// undoes are the kinds after which a payment stands no more.
var undoes = map[channel.Kind]bool{channel.Void: true, channel.CompletionVoid: true}

// slipOf is what a terminal calls a kind.
func slipOf(k channel.Kind) pos.Kind { return pos.Kind(strings.ReplaceAll(string(k), " ", "-")) }

// paymentsAndAttempts checks that every payment stands as its attempts say.
func (e *evidence) paymentsAndAttempts(v *verdict) {
	attempts := map[int64][]payment.Attempt{}
	for _, a := range e.Attempts {
		attempts[a.Payment] = append(attempts[a.Payment], a)
	}
	for _, p := range e.Payments {
		want, refunded := absent, int64(0)
		for _, a := range attempts[p.ID] {
			switch {
			case takes[a.Kind] > 0:
				want = a.State
			case undoes[a.Kind] && a.State == payment.Approved:
				want = payment.Voided
			case a.Kind == channel.Refund && a.State == payment.Approved:
				refunded += a.Amount.Minor()
			}
		}
		if p.State != want {
			v.differ("payment %s of %s rests in state %s, by its attempts %s", payment.Ref(p.ID), p.Amount, p.State, want)
		}
		if p.Refunded.Minor() != refunded || refunded > p.Amount.Minor() {
			v.differ("payment %s of %s has %s refunded, by its attempts %d", payment.Ref(p.ID), p.Amount, p.Refunded, refunded)
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
			v.differ("%s: %s %d/%d of %s was approved and is not any more", m.Name, t.Kind, t.Batch, t.Trace, t.Amount)
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
	name := fmt.Sprintf("%s: %s %d/%d of %s", m.Name, t.Kind, t.Batch, t.Trace, t.Amount)
	if len(found) > 1 {
		v.differ("%s exists %d times at the host", name, len(found))
		return
	}
	state := absent
	if len(found) == 1 {
		a := found[0]
		state = a.State
		switch {
		case slipOf(a.Kind) != t.Kind:
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
			want = takes[a.Kind] * a.Amount.Minor()
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
