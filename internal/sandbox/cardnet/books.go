package cardnet

import (
	"errors"
	"fmt"

	"hawker/internal/card"
	"hawker/internal/money"
	"hawker/internal/sandbox/cards"
)

// books are the network's own: every entry in order, and what follows from them.
// apply alone changes them, so that replaying the entries gives the same books.
// They grow with traffic and are kept in memory whole. Nothing here locks:
// Network.mu does. Sums are minor units of the card's currency; 10^6 amounts of
// field 4's largest fit, and no test comes near.
type books struct {
	records   []*record
	byKey     map[key]*record
	early     map[key]bool // originals whose reversal came first: the tombstones
	accounts  map[string]*account
	byPAN     map[card.PAN]*account
	merchants map[merchantKey]*tally
	scans     map[string]bool // hashes of customers' codes that were used
}

// scanned names the card behind every customer's code.
const scanned = "test-credit"

// payer finds the card of a request: by its number, behind a customer's code, or that of the
// sale by code that it is about.
func (b *books) payer(r *request) *account {
	switch {
	case !r.pan.IsZero():
		return b.byPAN[r.pan]
	case r.known:
		return b.accounts[scanned]
	}
	if of := b.byKey[r.Original.key()]; of != nil && of.Scan != "" && (r.Kind == Reversal || r.voucher == of.voucher()) {
		return b.accounts[of.Card]
	}
	return nil
}

// voucher names a sale by code from its approval on.
func (e Entry) voucher() string { return e.RRN + "00" + e.Auth }

// account is one card at its issuer. available may fall below zero: the
// reversal of a void takes back what the holder may have spent meanwhile.
type account struct {
	card      cards.Card
	available int64
	wrongPINs int
	counters  counters
}

type merchantKey struct {
	merchant string
	currency money.Currency
}

// tally is a merchant's book in minor units; counts and sums by kind.
type tally struct {
	count map[Kind]int
	sum   map[Kind]int64 // what the kind moved to the merchant; voids and refunds are negative
	net   int64
}

func newBooks(issued []cards.Card) (*books, error) {
	b := &books{
		byKey: map[key]*record{}, early: map[key]bool{}, accounts: map[string]*account{}, scans: map[string]bool{},
		byPAN: map[card.PAN]*account{}, merchants: map[merchantKey]*tally{},
	}
	for _, c := range issued {
		switch {
		case c.Name == "" || b.accounts[c.Name] != nil:
			return nil, fmt.Errorf("card %q: no name, or two cards of that name", c.Name)
		case c.PAN.IsZero() || b.byPAN[c.PAN] != nil:
			return nil, fmt.Errorf("card %s: no number, or two cards of that number", c.Name)
		case !c.Funds.Currency().Known():
			return nil, fmt.Errorf("card %s: its funds have no known currency", c.Name)
		}
		if _, err := goodUntil(c.Expiry); err != nil {
			return nil, fmt.Errorf("card %s: %w", c.Name, err)
		}
		a := &account{card: c, available: c.Funds.Minor(), counters: counters{}}
		b.accounts[c.Name], b.byPAN[c.PAN] = a, a
	}
	return b, nil
}

// fill writes a verdict into the entry it will be.
func (b *books) fill(e *Entry, v verdict) {
	e.Code, e.PIN, e.Counter, e.Sequence = v.code, v.pin, v.counter, v.sequence
	e.Booked = money.New(v.booked, e.Amount.Currency())
	if v.held != 0 {
		e.Held = money.New(v.held, e.Amount.Currency())
	}
	if a := b.accounts[e.Card]; a != nil {
		e.Available = money.New(a.available-v.booked-v.held, a.card.Funds.Currency())
	}
	if e.Code == approved {
		e.Auth = fmt.Sprintf("%06d", (len(b.records)+1)%1_000_000)
	}
}

// apply books an entry. It refuses, changing nothing, what decide cannot have
// said: a state file may have been edited, or belong to other cards.
func (b *books) apply(e Entry) error {
	a, original := b.accounts[e.Card], b.byKey[e.Original.key()]
	booked, held := e.Booked.Minor(), e.Held.Minor()
	switch {
	case e.Card != "" && a == nil:
		return fmt.Errorf("no card is named %q", e.Card)
	case e.Kind != Unlock && b.byKey[e.Ref.key()] != nil:
		return errors.New("a second entry for one request")
	case (booked != 0 || held != 0) && (e.Code != approved || a == nil || e.Booked.Currency() != a.card.Funds.Currency()):
		return errors.New("booked without an approval, a card, or in another currency")
	case e.Code == approved && e.Original != Reference{} && original == nil:
		return errors.New("approved without the original")
	case a != nil && e.Available.Minor() != a.available-booked-held:
		return errors.New("the card's funds do not follow from the entries before")
	}
	rec := &record{Entry: e}
	b.records = append(b.records, rec)
	if a != nil {
		a.available -= booked + held
		a.countPIN(e)
		if e.Counter > 0 {
			a.counters[e.Sequence] = e.Counter
		}
	}
	if e.Kind == Unlock {
		return nil
	}
	b.byKey[e.Ref.key()] = rec
	if e.Scan != "" {
		b.scans[e.Scan] = true
	}
	if e.Kind == Reversal && e.Code == "25" && original == nil {
		b.early[e.Original.key()] = true
	}
	if e.Code == approved {
		b.mark(e, original)
		b.tally(e)
	}
	return nil
}

func (a *account) countPIN(e Entry) {
	switch {
	case e.PIN == WrongPIN:
		a.wrongPINs++
	case e.PIN == RightPIN, e.Kind == Unlock:
		a.wrongPINs = 0
	}
}

// mark writes on the original what the approved entry did to it.
func (b *books) mark(e Entry, original *record) {
	switch e.Kind {
	case Void, PreauthVoid:
		original.voided = true
	case Completion:
		original.completed = true
	case CompletionVoid:
		original.voided = true
		b.byKey[original.Original.key()].completed = false
	case Refund:
		original.refunded += e.Amount.Minor()
	case Tip:
		original.changed += e.Amount.Minor()
	case Adjustment:
		original.changed -= e.Amount.Minor()
	case Reversal:
		original.reversed = true
		if !e.Booked.IsZero() || !e.Held.IsZero() {
			b.unmark(original)
		}
	case Sale, Offline, Preauth, Balance, ScriptNotice, Link, Unlock:
	}
}

// unmark takes back what a reversed record had done to its own original.
func (b *books) unmark(rec *record) {
	of := b.byKey[rec.Original.key()]
	if of == nil {
		return // it had none
	}
	switch rec.Kind {
	case Void, PreauthVoid:
		of.voided = false
	case Completion:
		of.completed = false
	case CompletionVoid:
		of.voided = false
		b.byKey[of.Original.key()].completed = true
	case Sale, Offline, Preauth, Balance, Refund, Tip, Adjustment, Reversal, ScriptNotice, Link, Unlock:
	}
}

// tally adds an approved entry to its merchant's book. A second reversal of one
// original is approved, moves nothing and is not counted.
func (b *books) tally(e Entry) {
	if e.Booked.IsZero() {
		return
	}
	k := merchantKey{e.Merchant, e.Amount.Currency()}
	t := b.merchants[k]
	if t == nil {
		t = &tally{count: map[Kind]int{}, sum: map[Kind]int64{}}
		b.merchants[k] = t
	}
	t.count[e.Kind]++
	t.sum[e.Kind] += e.Booked.Minor()
	t.net += e.Booked.Minor()
}
