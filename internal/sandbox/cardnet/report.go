package cardnet

import (
	"slices"
	"strings"

	"hawker/internal/money"
)

// Total is how many bookings of a kind there were and what they came to.
type Total struct {
	Count  int
	Amount money.Amount
}

// MerchantBook is what the network holds of one merchant in one currency:
// Net = Sales - Voids - Refunds - Reversals is what it owes the acquirer.
type MerchantBook struct {
	Merchant  string // F42
	Sales     Total  // completions included
	Voids     Total  // of completions too
	Refunds   Total
	Reversals Total // of sales, less the voids that were reversed: may be negative
	Net       money.Amount
}

// Books lists the merchants' books by merchant, then currency.
func (n *Network) Books() []MerchantBook {
	n.mu.Lock()
	defer n.mu.Unlock()
	var list []MerchantBook
	for k, t := range n.books.merchants {
		total := func(sign int64, kinds ...Kind) (all Total) {
			var sum int64
			for _, kind := range kinds {
				all.Count += t.count[kind]
				sum += sign * t.sum[kind]
			}
			all.Amount = money.New(sum, k.currency)
			return all
		}
		list = append(list, MerchantBook{
			k.merchant, total(1, Sale, Completion), total(-1, Void, CompletionVoid), total(-1, Refund), total(-1, Reversal), money.New(t.net, k.currency),
		})
	}
	slices.SortFunc(list, func(x, y MerchantBook) int {
		if c := strings.Compare(x.Merchant, y.Merchant); c != 0 {
			return c
		}
		return strings.Compare(string(x.Net.Currency()), string(y.Net.Currency()))
	})
	return list
}

// CardBook is what an issuer holds of one card.
type CardBook struct {
	Card      string
	Opening   money.Amount // balance or line before any booking
	Available money.Amount // what is left of it; negative when a void was reversed after the money was spent
	Locked    bool         // after the third wrong PIN, until Unlock
}

// Cards lists the cards' books by name.
func (n *Network) Cards() []CardBook {
	n.mu.Lock()
	defer n.mu.Unlock()
	var list []CardBook
	for name, a := range n.books.accounts {
		list = append(list, CardBook{name, a.card.Funds, a.left(), a.locked()})
	}
	slices.SortFunc(list, func(x, y CardBook) int { return strings.Compare(x.Card, y.Card) })
	return list
}

func (a *account) left() money.Amount { return money.New(a.available, a.card.Funds.Currency()) }

// Journal copies every entry, oldest first.
func (n *Network) Journal() []Entry {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := make([]Entry, len(n.books.records))
	for i, rec := range n.books.records {
		list[i] = rec.Entry
	}
	return list
}
