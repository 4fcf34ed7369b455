package wallet

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"hawker/internal/money"
)

// key finds an order: a merchant's numbers are its own.
type key struct {
	brand    Brand
	merchant string
	order    string
}

func (i Info) key() key { return key{i.Brand, i.Merchant, i.Order} }

// books hold every order. apply alone changes them, so that replaying the entries
// gives the same books. Nothing here locks: Simulator.mu does.
type books struct {
	entries []Entry
	orders  []*Order // in the order of their placing
	byKey   map[key]*Order
	byLink  map[string]*Order
	numbers map[key]*Order  // by brand and the wallet's number
	returns map[key]*Order  // by brand, merchant and the merchant's number of a refund
	codes   map[string]bool // hashes of codes that have been used
}

func newBooks() *books {
	return &books{byKey: map[key]*Order{}, byLink: map[string]*Order{}, numbers: map[key]*Order{}, returns: map[key]*Order{}, codes: map[string]bool{}}
}

// from are the states in which an event may happen.
var from = map[Event][]Status{
	Placed: {noStatus}, Scanned: {Open}, Paid: {Open, Asking}, Refused: {Open, Asking}, Closed: {Open, Asking},
	Reversed: {Open, Asking, Settled, Failed}, Refunded: {Settled}, Noticed: {Settled, Undone},
}

// apply books an entry. It refuses, changing nothing, what cannot follow from the
// entries before it: a state file may have been edited.
func (b *books) apply(e Entry) error {
	o := b.byKey[e.key()]
	now := noStatus
	if o != nil {
		now = o.Status
	}
	switch {
	case !slices.Contains(from[e.Event], now):
		return fmt.Errorf("%q of order %s, which is %q", e.Event, e.Order, now)
	case e.Event == Placed && (e.Amount <= 0 || e.Number == ""):
		return errors.New("an order without an amount or a number")
	case e.Event == Refunded && (e.Amount <= 0 || o.refunded+e.Amount > o.Amount || o.find(e.Refund) != nil):
		return fmt.Errorf("refund %s of order %s does not fit what is left", e.Refund, e.Order)
	}
	b.entries = append(b.entries, e)
	switch e.Event {
	case Placed:
		o = &Order{Entry: e, Status: Open}
		if e.Coded {
			o.Status = Asking
		}
		b.orders, b.byKey[e.key()], b.codes[e.Code] = append(b.orders, o), o, true
		b.numbers[key{e.Brand, "", e.Number}] = o
		if e.Link != "" {
			b.byLink[e.Link] = o
		}
	case Scanned:
		o.Status, o.Seen = Asking, true
	case Paid:
		o.Status, o.PaidAt = Settled, e.Time
	case Refused:
		o.Status, o.Why, o.EndedAt = Failed, e.Reason, e.Time
	case Closed:
		o.Status, o.EndedAt = Shut, e.Time
	case Reversed:
		o.Status, o.EndedAt = Undone, e.Time
		if !o.PaidAt.IsZero() {
			o.refunded = o.Amount
		}
	case Refunded:
		o.refunded += e.Amount
		b.returns[key{e.Brand, e.Merchant, e.Refund}] = o
		o.Returns = append(o.Returns, Return{e.Refund, e.Number, e.Amount, e.Time})
	case Noticed:
		o.Noticed = true
	}
	return nil
}

// find gives a refund by the merchant's number, or nil.
func (o *Order) find(refund string) *Return {
	for i := range o.Returns {
		if o.Returns[i].Refund == refund {
			return &o.Returns[i]
		}
	}
	return nil
}

// Book is what a wallet holds of one merchant: Net = Paid - Returned is what it
// owes, fees aside.
type Book struct {
	Brand    Brand
	Merchant string
	Sub      string
	Orders   int // that were ever paid
	Paid     money.Amount
	Returned money.Amount // refunds, and reversals of what was paid
	Net      money.Amount
}

// Books lists the merchants' books by brand, merchant and sub-merchant.
func (s *Simulator) Books() []Book {
	s.mu.Lock()
	defer s.mu.Unlock()
	sums := map[[3]string]*[3]int64{}
	for _, o := range s.books.orders {
		if o.PaidAt.IsZero() {
			continue
		}
		k := [3]string{string(o.Brand), o.Merchant, o.Sub}
		if sums[k] == nil {
			sums[k] = &[3]int64{}
		}
		sums[k][0], sums[k][1], sums[k][2] = sums[k][0]+1, sums[k][1]+o.Amount, sums[k][2]+o.refunded
	}
	var list []Book
	for k, n := range sums {
		list = append(list, Book{Brand(k[0]), k[1], k[2], int(n[0]), fen(n[1]), fen(n[2]), fen(n[1] - n[2])})
	}
	slices.SortFunc(list, func(x, y Book) int {
		return strings.Compare(string(x.Brand)+" "+x.Merchant+" "+x.Sub, string(y.Brand)+" "+y.Merchant+" "+y.Sub)
	})
	return list
}

func fen(n int64) money.Amount { return money.New(n, money.CNY) }

// Orders copies every order, oldest first.
func (s *Simulator) Orders() []Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Order, len(s.books.orders))
	for i, o := range s.books.orders {
		list[i] = *o
		list[i].Returns = slices.Clone(o.Returns)
	}
	return list
}

// Check replays every entry into new books and compares: what was answered must
// follow from what was written down, and no order may have given back more than it took.
func (s *Simulator) Check() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	again := newBooks()
	for i, e := range s.books.entries {
		if err := again.apply(e); err != nil {
			return fmt.Errorf("entry %d: %w", i+1, err)
		}
	}
	if len(again.orders) != len(s.books.orders) {
		return fmt.Errorf("%d orders follow from the entries, there are %d", len(again.orders), len(s.books.orders))
	}
	for i, o := range again.orders {
		have := s.books.orders[i]
		if o.Status != have.Status || o.refunded != have.refunded || !o.PaidAt.Equal(have.PaidAt) || len(o.Returns) != len(have.Returns) {
			return fmt.Errorf("order %s is %s, and %s follows from the entries", o.Order, have.Status, o.Status)
		}
		if o.refunded > o.Amount || o.refunded > 0 && o.PaidAt.IsZero() {
			return fmt.Errorf("order %s gave back %s of %s", o.Order, fen(o.refunded), fen(o.Amount))
		}
	}
	return nil
}
