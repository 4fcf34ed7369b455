package simulation

import (
	"hawker/internal/channel"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/sandbox/cards"
)

// sold notes an approved sale, so that any terminal of the shop may refund it.
func (w *world) sold(s shop, r *row) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sales[s.MID] = append(w.sales[s.MID], *r)
}

// anySale draws an approved sale of a shop.
func (w *world) anySale(s shop, d dice) (row, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.sales[s.MID]
	if len(list) == 0 {
		return row{}, false
	}
	return pick(d, list...), true
}

// saleRequest is what a door would make of a sale with this test card, its number typed in.
func (w *world) saleRequest(src payment.Source, amount money.Amount, name string) payment.SaleRequest {
	c, _ := cards.ByName(name)
	token := w.ground.tokens[name]
	return payment.SaleRequest{Source: src, Amount: amount, Card: channel.Card{Token: token, Expiry: c.Expiry, Entry: "01"},
		Facts: payment.CardFacts{Token: token, BIN: c.PAN.BIN(), Last4: c.PAN.Last4(), Kind: c.PAN.Issue().Kind, Entry: "01"}}
}
