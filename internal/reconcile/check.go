package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hawker/internal/cases"
	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/payment"
	"hawker/internal/store"
)

// CaseBreak is the kind of the case that is open for a line that does not match. Its
// reference is the line's number.
const CaseBreak = "bill break"

// Zone is the wallets': their days are Chinese.
var Zone = time.FixedZone("CST", 8*60*60)

// Desk checks bills.
type Desk struct {
	DB    *store.DB
	Clock clock.Clock
}

// Check fetches a wallet's bill of a day, holds it against our payments, keeps the result
// in place of an earlier one, and opens a case for each break. A bill that is not there is
// channel.ErrNoBill, unless we expect nothing in it.
func (d Desk) Check(ctx context.Context, w channel.Wallet, day clock.Day) (Result, error) {
	from := time.Date(day.Time().Year(), day.Time().Month(), day.Time().Day(), 0, 0, 0, 0, Zone)
	r := Result{Channel: w.Name(), Day: day, Checked: d.Clock()}
	ours, err := d.ours(ctx, w.Name(), from)
	if err != nil {
		return r, err
	}
	switch r.Bill, err = w.Bill(ctx, day); {
	case errors.Is(err, channel.ErrNoBill) && len(ours) == 0 && !r.Checked.Before(from.Add(34*time.Hour)):
		// There is none for a day without payments.
	case err != nil:
		return r, fmt.Errorf("bill of %s for %s: %w", w.Name(), day, err)
	}
	var broken error
	known := map[string]payment.Attempt{}
	r.Lines = match(r.Bill, ours, from, from.Add(24*time.Hour), func(number string) (payment.Attempt, bool) {
		a, err := payment.ByWalletNumber(ctx, d.DB.Read(), w.Name(), number)
		if f := fault.Of(err); f != nil && f.Kind != fault.NotFound {
			broken = errors.Join(broken, err)
		}
		known[number] = a
		return a, err == nil
	})
	if broken != nil {
		return r, broken
	}
	if err := d.parties(ctx, r, known); err != nil {
		return r, err
	}
	return r, d.keep(ctx, r)
}

// parties holds the sub-merchants of a service provider's bill against the numbers under which
// the sales were made: the money of a row under another number is another merchant's.
func (d Desk) parties(ctx context.Context, r Result, known map[string]payment.Attempt) error {
	for i, row := range r.Bill.Rows { // their lines are the first, in the same order
		l := &r.Lines[i]
		if row.Sub == "" || l.Verdict != Matched {
			continue
		}
		a := known[l.Number]
		sale := a.ID
		if a.Of != 0 {
			sale = a.Of
		}
		number, err := merchant.NumberFor(ctx, d.DB.Read(), l.Merchant, r.Channel, sale)
		if err != nil {
			return err
		}
		if number != row.Sub {
			l.Verdict = PartyDiffers
		}
	}
	return nil
}

// ours are the attempts that may be in the bill of the day that begins at from, with their numbers.
func (d Desk) ours(ctx context.Context, wallet string, from time.Time) (list []own, err error) {
	found, err := payment.Through(ctx, d.DB.Read(), wallet, from, from.Add(24*time.Hour))
	if err != nil {
		return nil, err
	}
	mids := map[merchant.ID]string{}
	for _, a := range found {
		if mids[a.Merchant] == "" {
			m, err := merchant.ByID(ctx, d.DB.Read(), a.Merchant)
			if err != nil {
				return nil, err
			}
			mids[a.Merchant] = m.MID
		}
		number, err := channel.NumberOf(mids[a.Merchant], a.Ref())
		if err != nil {
			return nil, err
		}
		list = append(list, own{a, number})
	}
	return list, nil
}

// keep stores a result and opens the cases of its breaks; those of an earlier check that have gone are closed.
func (d Desk) keep(ctx context.Context, r Result) error {
	return d.DB.Write(ctx, func(tx *store.Tx) error {
		before, err := Breaks(ctx, tx, r.Channel, r.Day)
		if err != nil {
			return err
		}
		breaks := r.Breaks()
		still := map[string]bool{}
		for _, l := range breaks {
			still[ref(r.Channel, l)] = true
			if err := cases.Open(ctx, tx, cases.Case{Merchant: int64(l.Merchant), Kind: CaseBreak, Ref: ref(r.Channel, l), Detail: fmt.Sprintf("bill of %s for %s: %s", r.Channel, r.Day, l), Opened: r.Checked}); err != nil {
				return err
			}
		}
		for _, l := range before {
			if !still[ref(r.Channel, l)] {
				if err := cases.Close(ctx, tx, int64(l.Merchant), CaseBreak, ref(r.Channel, l), r.Checked); err != nil {
					return err
				}
			}
		}
		return write(ctx, tx, r, breaks)
	})
}

// ref names a break among cases.
func ref(channel string, l Line) string { return channel + ":" + string(l.Kind) + ":" + l.Number }
