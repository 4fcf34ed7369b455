package torture

import (
	"hawker/internal/channel"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/sandbox/pos"
)

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
