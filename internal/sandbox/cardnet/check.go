package cardnet

import (
	"fmt"

	"hawker/internal/money"
)

// Check audits the books from their entries alone and returns the first
// contradiction: every card's opening funds less what it has left are its
// bookings; all cards together gave what all merchants together got, per
// currency; no sale gave more than it was or less than nothing.
func (n *Network) Check() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.books.check()
}

func (b *books) check() error {
	byCard, bySale := map[string]int64{}, map[*record]int64{}
	given := map[money.Currency]int64{}
	for i, rec := range b.records {
		booked := rec.Booked.Minor()
		if booked == 0 {
			continue
		}
		if rec.Code != approved {
			return fmt.Errorf("entry %d: %s %s is booked under code %s", i, rec.Kind, rec.RRN, rec.Code)
		}
		byCard[rec.Card] += booked
		given[rec.Booked.Currency()] += booked
		sale := b.saleOf(rec)
		if sale == nil {
			return fmt.Errorf("entry %d: %s %s is booked upon no sale", i, rec.Kind, rec.RRN)
		}
		bySale[sale] += booked
		if net := bySale[sale]; net < 0 || net > sale.Amount.Minor() {
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

// saleOf follows originals from a record to the sale at their root: at most
// reversal, void, sale. nil when they lead nowhere.
func (b *books) saleOf(rec *record) *record {
	for range 3 {
		if rec == nil || rec.Kind == Sale {
			return rec
		}
		rec = b.byKey[rec.Original.key()]
	}
	return nil
}
