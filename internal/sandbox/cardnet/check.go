package cardnet

import (
	"fmt"
	"slices"

	"hawker/internal/money"
)

// Check audits the books from their entries alone and returns the first
// contradiction: every card's opening funds less what it has left are its
// bookings; all cards together gave what all merchants together got, per
// currency; no sale gave more than it and its tips less its adjustments were or less than nothing, no
// pre-authorization keeps more than it was or less.
func (n *Network) Check() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.books.check()
}

func (b *books) check() error {
	byCard, bySale, byHold := map[string]int64{}, map[*record]int64{}, map[*record]int64{}
	changed := map[*record]int64{} // tips less adjustments so far
	given := map[money.Currency]int64{}
	for i, rec := range b.records {
		booked, held := rec.Booked.Minor(), rec.Held.Minor()
		byCard[rec.Card] += held
		if hold := b.rootOf(rec, Preauth); held != 0 && hold == nil {
			return fmt.Errorf("entry %d: %s %s holds upon no pre-authorization", i, rec.Kind, rec.RRN)
		} else if byHold[hold] += held; hold != nil && (byHold[hold] < 0 || byHold[hold] > hold.Amount.Minor()) {
			return fmt.Errorf("entry %d: pre-authorization %s of %s holds %d", i, hold.RRN, hold.Amount, byHold[hold])
		}
		if booked == 0 {
			continue
		}
		if rec.Code != approved {
			return fmt.Errorf("entry %d: %s %s is booked under code %s", i, rec.Kind, rec.RRN, rec.Code)
		}
		byCard[rec.Card] += booked
		given[rec.Booked.Currency()] += booked
		sale := b.rootOf(rec, Sale, Offline, Completion)
		if sale == nil {
			return fmt.Errorf("entry %d: %s %s is booked upon no sale", i, rec.Kind, rec.RRN)
		}
		bySale[sale] += booked
		if rec.Kind == Tip || rec.Kind == Adjustment {
			changed[sale] += booked
		}
		if net := bySale[sale]; net < 0 || net > sale.Amount.Minor()+changed[sale] {
			return fmt.Errorf("entry %d: sale %s of %s stands at %d", i, sale.RRN, sale.Amount, net)
		}
	}
	for name, a := range b.accounts {
		if spent := a.card.Funds.Minor() - a.available; spent != byCard[name] {
			return fmt.Errorf("card %s: %d is gone, %d was booked", name, spent, byCard[name])
		}
	}
	for k, t := range b.merchants {
		given[k.currency] -= t.net
	}
	for currency, differ := range given {
		if differ != 0 {
			return fmt.Errorf("cards gave %d %s more than merchants got", differ, currency)
		}
	}
	return nil
}

// rootOf follows originals from a record to the nearest of the kinds: at most
// reversal, void, completion, pre-authorization. nil when they lead nowhere.
func (b *books) rootOf(rec *record, kinds ...Kind) *record {
	for range 4 {
		if rec == nil || slices.Contains(kinds, rec.Kind) {
			return rec
		}
		rec = b.byKey[rec.Original.key()]
	}
	return nil
}
