package pos

import (
	"context"
	"fmt"

	"hawker/internal/card"
	"hawker/internal/money"
)

// OfflineSale tells the host of a payment that was concluded without asking, such as
// while the line was down; the host takes it up to its floor limit. It is never
// reversed: an Unknown result leaves it pending, and ResolvePending repeats it.
func (t *Terminal) OfflineSale(ctx context.Context, amount money.Amount, p Presented) (Result, error) {
	return t.run(func(s *session) (Result, error) {
		if err := checkAmount(amount); err != nil {
			return Result{}, err
		}
		p.PIN = card.PIN{} // nobody could verify it
		c, err := s.admit(&p, zero())
		if err != nil {
			return Result{}, err
		}
		c.remove() // its chip is read and makes no cryptogram
		if err := s.ready(ctx); err != nil {
			return Result{}, err
		}
		m := s.state.request(OfflineSale, s.state.Trace, s.state.Batch)
		defer wipe(m)
		putAmount(m, amount)
		p.put(m, s.state.copyOfCards())
		return s.refund(ctx, m, Transaction{Kind: OfflineSale, Amount: amount, MaskedPAN: p.Card.PAN.String(), Entry: p.Entry})
	})
}

// Tip adds amount to an approved sale of the current batch. trace is the sale's.
// Unknown is as for OfflineSale; after an error nothing was charged.
func (t *Terminal) Tip(ctx context.Context, trace int, amount money.Amount) (Result, error) {
	return t.change(ctx, Tip, trace, func(money.Amount) (money.Amount, error) { return amount, checkAmount(amount) })
}

// Adjust lowers an approved sale of the current batch to an amount. trace is the
// sale's. Unknown is as for OfflineSale; after an error the sale is unchanged.
func (t *Terminal) Adjust(ctx context.Context, trace int, to money.Amount) (Result, error) {
	return t.change(ctx, Adjustment, trace, func(captured money.Amount) (money.Amount, error) {
		if err := checkAmount(to); err != nil {
			return to, err
		}
		off, err := captured.Sub(to)
		if err != nil || off.Sign() <= 0 {
			return off, ErrNotLess.because(fmt.Errorf("%s of %s", to, captured))
		}
		return off, nil
	})
}

// change sends a tip or an adjustment; by says how much, given what was captured.
func (t *Terminal) change(ctx context.Context, k Kind, trace int, by func(captured money.Amount) (money.Amount, error)) (Result, error) {
	return t.run(func(s *session) (Result, error) {
		if err := s.ready(ctx); err != nil { // first: it may open another batch
			return Result{}, err
		}
		sale := find(s.state.Rows, trace)
		switch {
		case sale == nil:
			return Result{}, ErrNotFound.because(fmt.Errorf("no transaction %06d in batch %06d", trace, s.state.Batch))
		case !sale.sells() || sale.State != Approved || s.state.voided(trace) || s.state.refunded(*sale):
			return Result{}, ErrNotChangeable
		}
		captured, settled := s.state.captured(*sale)
		if !settled {
			return Result{}, ErrRefundPending
		}
		amount, err := by(captured)
		if err != nil {
			return Result{}, err
		}
		m := s.state.request(k, s.state.Trace, s.state.Batch)
		putAmount(m, amount)
		m.Set(22, entries[Manual].mode+withoutPIN) // no card is presented
		m.Set(37, sale.RRN).Set(61, six(sale.Batch)+six(trace)+sale.Time.Format("0102"))
		return s.refund(ctx, m, Transaction{Kind: k, Amount: amount, MaskedPAN: sale.MaskedPAN, Entry: sale.Entry, Original: trace, OriginalRRN: sale.RRN})
	})
}

// captured is a sale's amount with its approved tips and without its approved
// adjustments. settled is false while one of them has no outcome.
func (s *state) captured(sale Transaction) (amount money.Amount, settled bool) {
	minor := sale.Amount.Minor()
	for _, tx := range s.Rows {
		if tx.Original != sale.Trace || tx.Kind != Tip && tx.Kind != Adjustment {
			continue
		}
		switch {
		case tx.State == Unknown:
			return sale.Amount, false
		case tx.State != Approved:
		case tx.Kind == Tip:
			minor += tx.Amount.Minor()
		default:
			minor -= tx.Amount.Minor()
		}
	}
	return money.New(minor, currency), true
}

// refunded reports whether something of a sale was given back, or may have been.
func (s *state) refunded(sale Transaction) bool {
	for _, tx := range s.Rows {
		if tx.Kind.refunds() && tx.OriginalRRN == sale.RRN && (tx.State == Approved || tx.State == Unknown) {
			return true
		}
	}
	return false
}
