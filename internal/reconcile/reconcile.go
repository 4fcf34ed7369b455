// Package reconcile holds the bills of wallets against our payments, line by line: what
// is missing here, missing there, or differs, becomes a break and a case for a person. It
// reads payments and changes none, and knows no wallet's format.
package reconcile

import (
	"fmt"
	"time"

	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
)

// Verdict is how a line of a bill and a payment compare.
type Verdict string

// The verdicts. All but Matched are breaks.
const (
	Matched       Verdict = "matched"
	MissingHere   Verdict = "missing here"   // the wallet moved money that we know nothing of
	MissingThere  Verdict = "missing there"  // we booked money that the bill does not have
	AmountDiffers Verdict = "amount differs" //
	PartyDiffers  Verdict = "party differs"  // it went under another sub-merchant's number
	StateDiffers  Verdict = "state differs"  // the wallet moved money that does not stand with us, or twice
)

// Line is one line of the comparison.
type Line struct {
	Verdict  Verdict
	Kind     channel.Kind // of the bill's row; of ours where there is none
	Number   string       // our order or refund number
	At       time.Time    // of the bill's row; of ours where there is none
	Merchant merchant.ID  // 0: nobody's whom we know
	Attempt  int64        // ours; 0: none
	State    payment.State
	There    money.Amount // the bill's; zero: not in it
	Here     money.Amount // ours; zero: none
	Fee      money.Amount // what the wallet kept
}

// String says what a break is, for a person.
func (l Line) String() string {
	ours := "nothing"
	if l.Attempt != 0 {
		ours = fmt.Sprintf("%s, %s", l.Here, l.State)
	}
	return fmt.Sprintf("%s %s: %s; bill %s, ours %s", l.Kind, l.Number, l.Verdict, l.There, ours)
}

// Result is a bill beside our payments.
type Result struct {
	Channel string
	Day     clock.Day
	Bill    channel.Bill
	Lines   []Line
	Checked time.Time
}

// Breaks are the lines that do not match.
func (r Result) Breaks() (list []Line) {
	for _, l := range r.Lines {
		if l.Verdict != Matched {
			list = append(list, l)
		}
	}
	return list
}

// own is one of our attempts with its number at the wallet.
type own struct {
	payment.Attempt
	number string
}

// edge is how near to midnight a payment may be in the bill of the day beside it: clocks
// differ, and an outcome is stored after it came about.
const edge = 5 * time.Minute

// match compares the rows of a bill with our attempts. ours are those that moved money
// between from and to; find gives the attempt of a number, whenever it was.
func match(b channel.Bill, ours []own, from, to time.Time, find func(number string) (payment.Attempt, bool)) (lines []Line) {
	undone, seen := map[string]bool{}, map[string]bool{}
	for _, r := range b.Rows {
		if whole(r) || givenBack(r, find) {
			undone[r.Order] = true
		}
	}
	for _, r := range b.Rows {
		number := r.Order
		if r.Kind == channel.Refund && r.Refund != "" {
			number = r.Refund
		}
		l := Line{Kind: r.Kind, Number: number, At: r.At, There: r.Amount, Here: money.Zero(r.Amount.Currency()), Fee: r.Fee, Verdict: MissingHere}
		if a, ok := find(number); ok {
			l.Merchant, l.Attempt, l.State, l.Here = a.Merchant, a.ID, a.State, a.Amount
			l.Verdict = judge(r, a, undone[r.Order] || r.At.After(to.Add(-edge)))
		}
		if key := string(r.Kind) + number; seen[key] && l.Verdict == Matched {
			l.Verdict = StateDiffers // moved twice
		} else {
			seen[key] = true
		}
		seen[number] = true
		lines = append(lines, l)
	}
	for _, o := range ours {
		if seen[o.number] || o.Created.Before(from.Add(edge)) || o.Updated.After(to.Add(-edge)) {
			continue
		}
		kind := o.Kind
		if kind == channel.Present {
			kind = channel.Sale
		}
		lines = append(lines, Line{Verdict: MissingThere, Kind: kind, Number: o.number, At: o.Updated, Merchant: o.Merchant, Attempt: o.ID, State: o.State,
			There: money.Zero(o.Amount.Currency()), Here: o.Amount, Fee: money.Zero(o.Amount.Currency())})
	}
	return lines
}

// whole reports whether a row undoes a whole payment: WeChat calls it a reversal, Alipay a
// refund under the order's own number.
func whole(r channel.BillRow) bool {
	return r.Kind == channel.Reversal || r.Kind == channel.Refund && (r.Refund == r.Order || r.Refund == "")
}

// givenBack reports whether a row is the refund by which we took a whole payment back.
func givenBack(r channel.BillRow, find func(number string) (payment.Attempt, bool)) bool {
	if r.Kind != channel.Refund {
		return false
	}
	a, ok := find(r.Refund)
	return ok && a.Kind == channel.Reversal
}

// judge compares a row with the attempt of its number. undone tells that the same bill gives it back, or the next may.
func judge(r channel.BillRow, a payment.Attempt, undone bool) Verdict {
	taken := a.Kind == channel.Sale || a.Kind == channel.Present
	switch {
	case r.Amount != a.Amount:
		return AmountDiffers
	case r.Kind == channel.Sale && taken && (a.State == payment.Approved || undone && a.State == payment.Reversed):
	case whole(r) && taken && a.State == payment.Reversed:
	case r.Kind == channel.Refund && !taken && a.State == payment.Approved: // a refund, or a reversal by one
	default:
		return StateDiffers
	}
	return Matched
}
