package payment

import (
	"context"
	"errors"
	"time"

	"hawker/internal/books"
	"hawker/internal/channel"
	"hawker/internal/fault"
	"hawker/internal/ledger"
	"hawker/internal/money"
	"hawker/internal/risk"
)

// Refusals of what a terminal concludes by itself.
var (
	ErrOverTip   = fault.New(fault.Invalid, "over_tip", "小费超过允许的比例。", "The tip is over what may be added to the sale.")
	ErrOverFloor = fault.New(fault.Declined, "over_floor", "超过脱机限额，请联机收款。", "Over the limit for offline sales. Take the payment online.")
	ErrNothing   = fault.New(fault.Invalid, "nothing_left", "调整后金额必须大于零，请用撤销。", "An adjustment must leave something. Please void the sale instead.")
)

// SaleTerms bound what a terminal may conclude without asking first. The zero
// SaleTerms allow tips of 20 %, no offline sale, and from purses what these may hold at most.
type SaleTerms struct {
	Tip   money.BasisPoints // what tips may add to a sale, in hundredths of a percent of it; 0: 2000; negative: nothing
	Floor money.Amount      // the most that an offline sale may take; zero: there are none
	Purse money.Amount      // the most that a sale from a chip's purse may take; the zero Amount: 1,000.00 CNY
}

func (t SaleTerms) orDefault() SaleTerms {
	if t.Tip == 0 {
		t.Tip = 2000
	}
	if t.Purse == (money.Amount{}) {
		t.Purse = money.New(1_000_00, money.CNY)
	}
	return t
}

// allowTip refuses to capture more than a sale and the share of it, rounded down.
func (t SaleTerms) allowTip(sale, captured money.Amount) error {
	whole, rest := sale.Minor()/10000, sale.Minor()%10000
	share := int64(max(0, t.Tip))
	if most := sale.Minor() + whole*share + rest*share/10000; captured.Minor() > most {
		return ErrOverTip.With("%d with a sale of %d, at most %d", captured.Minor(), sale.Minor(), most)
	}
	return nil
}

// allowOffline refuses an offline sale over a limit.
func allowOffline(a, most money.Amount) error {
	if a.Currency() != most.Currency() || a.Minor() > most.Minor() {
		return ErrOverFloor.With("%s, at most %s", a, most)
	}
	return nil
}

// sells are the kinds that make a payment by themselves.
func sells(k channel.Kind) bool { return k == channel.Sale || k == channel.OfflineSale }

// changes are the kinds that change what a sale captured.
func changes(k channel.Kind) bool { return k == channel.Tip || k == channel.Adjustment }

// OfflineSale charges a card for what the terminal has concluded already, up to
// SaleTerms.Floor. Answers as Sale's, but an attempt left Unknown is not reversed: it
// is asked again at the bank until it has an end.
func (e *Engine) OfflineSale(ctx context.Context, s SaleRequest) (Attempt, error) {
	return e.charge(ctx, channel.OfflineSale, s, func() error { return allowOffline(s.Amount, e.sales.Floor) })
}

// CashSale is OfflineSale of what a chip has paid out of its purse and proves by its last
// cryptogram, up to SaleTerms.Purse.
func (e *Engine) CashSale(ctx context.Context, s SaleRequest) (Attempt, error) {
	return e.charge(ctx, channel.OfflineSale, s, func() error { return allowOffline(s.Amount, e.sales.Purse) })
}

// Tip adds Amount to what a sale of the terminal's open batch captured, up to the
// share of SaleTerms. Answers as OfflineSale's.
func (e *Engine) Tip(ctx context.Context, r ReturnRequest) (Attempt, error) {
	return e.change(ctx, channel.Tip, r, func(w *work, a *Attempt, of Attempt, p Payment, captured money.Amount) (risk.Approval, error) {
		if err := e.sales.allowTip(of.Amount, captured); err != nil {
			return risk.Approval{}, err
		}
		return w.desk.Assess(w.ctx, changed(p, *a))
	})
}

// Adjust takes Amount off what a sale of the terminal's open batch captured, and leaves
// something. Answers as OfflineSale's.
func (e *Engine) Adjust(ctx context.Context, r ReturnRequest) (Attempt, error) {
	return e.change(ctx, channel.Adjustment, r, func(_ *work, a *Attempt, _ Attempt, p Payment, captured money.Amount) (risk.Approval, error) {
		if captured.Sign() <= 0 {
			return risk.Approval{}, ErrNothing
		}
		return risk.AssessReturn(changed(p, *a)), nil
	})
}

// change is a tip or an adjustment; allow judges what would be captured.
func (e *Engine) change(ctx context.Context, kind channel.Kind, r ReturnRequest,
	allow func(w *work, a *Attempt, of Attempt, p Payment, captured money.Amount) (risk.Approval, error)) (Attempt, error) {
	return e.about(ctx, kind, r, func(w *work, a *Attempt, of Attempt, p Payment) (risk.Approval, error) {
		switch {
		case !a.sameBatch(of):
			return risk.Approval{}, ErrBatchClosed
		case p.State != Approved || !p.Refunded.IsZero():
			return risk.Approval{}, ErrState
		}
		captured, err := p.Amount.Add(signed(*a))
		if err != nil {
			return risk.Approval{}, err
		}
		proof, err := allow(w, a, of, p, captured)
		if err != nil {
			return risk.Approval{}, err
		}
		plan, err := e.planAt(ctx, r.Merchant, p.Card, p.Created)
		if err != nil {
			return risk.Approval{}, err
		}
		fee, err := plan.Fee(captured)
		if err != nil {
			return risk.Approval{}, err
		}
		more := fee.Minor() - p.Fee.Minor() // the fee is always that of what is captured
		if kind == channel.Adjustment {
			more = -more
		}
		a.Fee = money.New(max(0, more), fee.Currency())
		return proof, w.movePayment(&p, Adjust, a.Created)
	})
}

// signed is what a tip or adjustment does to the captured amount.
func signed(a Attempt) money.Amount {
	if a.Kind == channel.Adjustment {
		return a.Amount.Neg()
	}
	return a.Amount
}

// changed are what a tip or adjustment counts in the limits.
func changed(p Payment, a Attempt) risk.Facts {
	p.Amount = a.Amount
	return facts(p, a.ID)
}

// acceptChange books an approved tip or adjustment.
func (e *Engine) acceptChange(w *work, a Attempt, p *Payment, at time.Time) (func(books.Fact) (ledger.Entry, error), string, error) {
	fee := a.Fee
	if a.Kind == channel.Adjustment {
		fee = fee.Neg()
	}
	amount, err := p.Amount.Add(signed(a))
	if err != nil {
		return nil, "", err
	}
	if fee, err = p.Fee.Add(fee); err != nil {
		return nil, "", err
	}
	p.Amount, p.Fee = amount, fee
	if a.Kind == channel.Tip {
		return books.Tip, "payment.tipped", w.movePayment(p, Accept, at)
	}
	return books.Adjustment, "payment.adjusted", errors.Join(w.movePayment(p, Accept, at), w.desk.Release(w.ctx, changed(*p, a)))
}

// refuseChange lets the payment stand as it was.
func (e *Engine) refuseChange(w *work, a Attempt, p *Payment, at time.Time) (string, error) {
	if a.Kind == channel.Tip {
		return "tip.declined", errors.Join(w.movePayment(p, Refuse, at), w.desk.Release(w.ctx, changed(*p, a)))
	}
	return "adjustment.declined", w.movePayment(p, Refuse, at)
}
