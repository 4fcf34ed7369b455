// Package books turns business facts into postings: it alone knows which
// accounts a sale or a refund touches. It knows no channel's protocol and keeps
// no state.
package books

import (
	"time"

	"hawker/internal/clock"
	"hawker/internal/ledger"
	"hawker/internal/merchant"
	"hawker/internal/money"
)

// The accounts of one merchant's book. Channel receivables are one account a
// channel: Receivable.
const (
	Pending   ledger.Account = "pending"   // liability: owed to the merchant, not yet settled
	Available ledger.Account = "available" // liability: may be paid out
	Reserve   ledger.Account = "reserve"   // liability: held back, always with a reason
	Fees      ledger.Account = "fees"      // income: what the merchant paid for payments
)

// Held is what cards' banks keep ready for the merchant's pre-authorizations: a
// promise, not money, mirrored by HeldAt so that the two always cancel.
const Held ledger.Account = "held"

// HeldAt is what a channel's cards keep ready: Held's other side.
func HeldAt(channel string) ledger.Account { return ledger.Account("held/" + channel) }

// Receivable is what a channel owes us for this merchant's payments: an asset.
func Receivable(channel string) ledger.Account { return ledger.Account("channel/" + channel) }

// Drawer is cash in the merchant's own drawer, and Takings its other side: the institution
// neither owes it nor is owed it, so that it is noted as a memo, like a hold.
const (
	Drawer  ledger.Account = "drawer"
	Takings ledger.Account = "takings"
)

// Fact is what happened to money, once.
type Fact struct {
	Merchant merchant.ID
	Ref      string // of the attempt
	Channel  string
	Amount   money.Amount // gross, positive
	Fee      money.Amount // its fee, positive or zero; for a refund: the share given back
	Day      clock.Day
	At       time.Time
}

// Sale is taken: the channel owes us the amount, we owe the merchant the amount less the fee.
func Sale(f Fact) (ledger.Entry, error) { return f.entry("sale", ledger.Debit, ledger.Credit) }

// Void takes a sale back before settlement, fee included.
func Void(f Fact) (ledger.Entry, error) { return f.entry("void", ledger.Credit, ledger.Debit) }

// Refund gives an amount back to the payer and the fee's share to the merchant.
func Refund(f Fact) (ledger.Entry, error) { return f.entry("refund", ledger.Credit, ledger.Debit) }

// Tip raises what was taken, and its fee.
func Tip(f Fact) (ledger.Entry, error) { return f.entry("tip", ledger.Debit, ledger.Credit) }

// Adjustment lowers what was taken, and its fee.
func Adjustment(f Fact) (ledger.Entry, error) {
	return f.entry("adjustment", ledger.Credit, ledger.Debit)
}

// SaleReversal undoes a booked sale.
func SaleReversal(f Fact) (ledger.Entry, error) {
	return f.entry("sale reversal", ledger.Credit, ledger.Debit)
}

// VoidReversal undoes a booked void: the sale stands again.
func VoidReversal(f Fact) (ledger.Entry, error) {
	return f.entry("void reversal", ledger.Debit, ledger.Credit)
}

// Hold notes that a card's bank keeps the amount ready.
func Hold(f Fact) (ledger.Entry, error) {
	return f.memo("hold", ledger.Debit, ledger.Credit), nil
}

// HoldEnd notes that it does not any more: completed, given back, or expired.
func HoldEnd(f Fact) (ledger.Entry, error) {
	return f.memo("hold end", ledger.Credit, ledger.Debit), nil
}

// CashSale notes cash that went into the merchant's drawer. It costs no fee.
func CashSale(f Fact) (ledger.Entry, error) {
	return f.cash("cash sale", ledger.Debit, ledger.Credit), nil
}

// CashRefund notes cash that was given back out of it.
func CashRefund(f Fact) (ledger.Entry, error) {
	return f.cash("cash refund", ledger.Credit, ledger.Debit), nil
}

func (f Fact) cash(fact string, drawer, takings side) ledger.Entry {
	return ledger.Entry{
		Owner: ledger.Owner(f.Merchant), Fact: fact, Ref: f.Ref, Day: f.Day, At: f.At,
		Postings: []ledger.Posting{drawer(Drawer, f.Amount), takings(Takings, f.Amount)},
	}
}

// memo posts the amount on the two accounts of holds, which no money touches.
func (f Fact) memo(fact string, at, held side) ledger.Entry {
	return ledger.Entry{
		Owner: ledger.Owner(f.Merchant), Fact: fact, Ref: f.Ref, Day: f.Day, At: f.At,
		Postings: []ledger.Posting{at(HeldAt(f.Channel), f.Amount), held(Held, f.Amount)},
	}
}

type side func(ledger.Account, money.Amount) ledger.Posting

// entry posts the gross amount on the receivable's side and the rest on the other.
func (f Fact) entry(fact string, receivable, rest side) (ledger.Entry, error) {
	net, err := f.Amount.Sub(f.Fee)
	if err != nil {
		return ledger.Entry{}, err
	}
	return ledger.Entry{
		Owner: ledger.Owner(f.Merchant), Fact: fact, Ref: f.Ref, Day: f.Day, At: f.At,
		Postings: []ledger.Posting{receivable(Receivable(f.Channel), f.Amount), rest(Pending, net), rest(Fees, f.Fee)},
	}, nil
}
