package torture

import (
	"hawker/internal/app"
	"hawker/internal/channel"
	"hawker/internal/merchant"
	"hawker/internal/payment"
	"hawker/internal/sandbox/pos"
)

// sums compares what every merchant is owed, by terminals' slips, by the host's attempts, by
// its ledger, by the network's books; and what is held for it, by the latter two.
func (e *evidence) sums(v *verdict) {
	type side struct{ slips, host, ledger, network, held, kept int64 }
	slips := map[pos.Kind]int64{}
	for k, n := range takes {
		slips[slipOf(k)] = n
	}
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
				at(m.Merchant).slips += slips[t.Kind] * t.Amount.Minor()
			}
		}
	}
	for _, a := range e.Attempts {
		if a.State == payment.Approved && a.Kind != channel.Reversal {
			approved++
			at(a.Merchant).host += takes[a.Kind] * a.Amount.Minor()
		}
	}
	for _, l := range e.Trial {
		switch m := at(merchant.ID(l.Owner)); l.Account {
		case app.CardReceivable():
			m.ledger += l.Balance.Minor()
		case app.CardHeld():
			m.held += l.Balance.Minor()
		}
	}
	for _, n := range e.Entries {
		if !n.Held.IsZero() {
			at(ids[n.Merchant]).kept += n.Held.Minor()
		}
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
		if s.held != s.kept {
			v.differ("merchant %d: the ledger has %d held, the network keeps %d ready", m, s.held, s.kept)
		}
	}
}
