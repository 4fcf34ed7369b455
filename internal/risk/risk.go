// Package risk decides whether a payment may be sent. It knows the facts handed
// to it, its limits and its own counters; it refuses to read anybody else's
// tables. Only it can make an Approval. If it cannot decide, nothing is sent.
package risk

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/money"
	"hawker/internal/store"
)

// Refusals.
var (
	ErrOverPayment = fault.New(fault.Declined, "over_payment_limit", "超过单笔限额。", "The amount is over the limit for one payment.")
	ErrOverDay     = fault.New(fault.Declined, "over_daily_limit", "超过今天的限额，请明天再收或换方式。", "The amount is over today's limit. Try tomorrow or another method.")
	ErrOverMonth   = fault.New(fault.Declined, "over_monthly_limit", "超过本月限额，请联系客服。", "The amount is over this month's limit. Please call support.")
)

// Facts are what a decision is made of.
type Facts struct {
	Merchant int64
	Attempt  int64
	Method   string // "card"
	CardKind string // "debit", "credit", "" when the number does not tell
	Amount   money.Amount
	Day      clock.Day
}

// Approval is the proof that an attempt was assessed and allowed. It is for that
// attempt, for one use. The zero Approval allows nothing.
type Approval struct {
	attempt int64
	used    *atomic.Bool
}

// ErrNoApproval means that code tried to send without a decision: a bug, answered closed.
var ErrNoApproval = errors.New("risk: no approval for this attempt")

// Use spends the approval.
func (a Approval) Use(attempt int64) error {
	if a.used == nil || a.attempt != attempt || a.used.Swap(true) {
		return ErrNoApproval
	}
	return nil
}

// Assess decides about a payment and, in tx, counts it against every limit of the
// merchant that applies: for its card kind and for all kinds together. A refusal is
// a fault of kind Declined and counts nothing if tx is rolled back or Release follows.
func Assess(ctx context.Context, tx *store.Tx, f Facts) (Approval, error) {
	limits, err := limitsOf(ctx, tx, f)
	if err != nil {
		return Approval{}, err
	}
	for i, l := range limits {
		if err := l.count(ctx, tx, f); err != nil {
			for _, counted := range limits[:i] {
				if undo := counted.release(ctx, tx, f); undo != nil {
					return Approval{}, undo
				}
			}
			return Approval{}, err
		}
	}
	return approve(f.Attempt), nil
}

// AssessReturn decides about money going back to a payer: a void or a refund. It counts against no limit.
func AssessReturn(f Facts) Approval { return approve(f.Attempt) }

func approve(attempt int64) Approval { return Approval{attempt, new(atomic.Bool)} }

// Release gives back what Assess counted, when the payment did not come about.
func Release(ctx context.Context, tx *store.Tx, f Facts) error {
	limits, err := limitsOf(ctx, tx, f)
	if err != nil {
		return err
	}
	for _, l := range limits {
		if err := l.release(ctx, tx, f); err != nil {
			return err
		}
	}
	return nil
}

// Limit bounds a merchant's payments of a method. Zero amounts mean no limit.
type Limit struct {
	Method     string
	CardKind   string // "" bounds all kinds together
	PerPayment money.Amount
	Daily      money.Amount
	Monthly    money.Amount
}

// SetLimit stores or replaces a limit.
func SetLimit(ctx context.Context, tx *store.Tx, merchant int64, l Limit) error {
	_, err := tx.Exec(ctx, `INSERT INTO limits (merchant_id, method, card_kind, per_payment_minor, daily_minor, monthly_minor) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (merchant_id, method, card_kind) DO UPDATE SET per_payment_minor = excluded.per_payment_minor,
			daily_minor = excluded.daily_minor, monthly_minor = excluded.monthly_minor`,
		merchant, l.Method, l.CardKind, l.PerPayment.Minor(), l.Daily.Minor(), l.Monthly.Minor())
	if err != nil {
		return fmt.Errorf("set limit: %w", err)
	}
	return nil
}

func limitsOf(ctx context.Context, q store.Querier, f Facts) ([]Limit, error) {
	rows, err := q.Query(ctx, `SELECT card_kind, per_payment_minor, daily_minor, monthly_minor FROM limits
		WHERE merchant_id = $1 AND method = $2 AND (card_kind = '' OR card_kind = $3) ORDER BY card_kind`, f.Merchant, f.Method, f.CardKind)
	if err != nil {
		return nil, fmt.Errorf("limits: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var limits []Limit
	for rows.Next() {
		l := Limit{Method: f.Method}
		var each, daily, monthly int64
		if err := rows.Scan(&l.CardKind, &each, &daily, &monthly); err != nil {
			return nil, fmt.Errorf("limits: %w", err)
		}
		c := f.Amount.Currency()
		l.PerPayment, l.Daily, l.Monthly = money.New(each, c), money.New(daily, c), money.New(monthly, c)
		limits = append(limits, l)
	}
	return limits, rows.Err()
}

// count adds the amount to the limit's day and month, or refuses and leaves neither counted.
func (l Limit) count(ctx context.Context, tx *store.Tx, f Facts) error {
	if l.PerPayment.Sign() > 0 && f.Amount.Minor() > l.PerPayment.Minor() {
		return ErrOverPayment
	}
	if ok, err := l.use(ctx, tx, f, int64(f.Day), l.Daily); err != nil || !ok {
		return orErr(err, ErrOverDay)
	}
	if ok, err := l.use(ctx, tx, f, int64(f.Day.Month()), l.Monthly); err != nil || !ok {
		if err == nil {
			err = l.free(ctx, tx, f, int64(f.Day), l.Daily)
		}
		return orErr(err, ErrOverMonth)
	}
	return nil
}

func orErr(err error, refusal *fault.Fault) error {
	if err != nil {
		return err
	}
	return refusal
}

// use counts the amount in a period unless it would pass the limit: one row of one merchant.
func (l Limit) use(ctx context.Context, tx *store.Tx, f Facts, period int64, limit money.Amount) (ok bool, err error) {
	if limit.Sign() <= 0 {
		return true, nil
	}
	if f.Amount.Minor() > limit.Minor() {
		return false, nil
	}
	n, err := tx.Exec(ctx, `INSERT INTO limit_usage (merchant_id, method, card_kind, period, used_minor) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (merchant_id, method, card_kind, period) DO UPDATE SET used_minor = limit_usage.used_minor + excluded.used_minor
		WHERE limit_usage.used_minor + excluded.used_minor <= $6`, f.Merchant, l.Method, l.CardKind, period, f.Amount.Minor(), limit.Minor())
	if err != nil {
		return false, fmt.Errorf("count against limit: %w", err)
	}
	return n == 1, nil
}

func (l Limit) release(ctx context.Context, tx *store.Tx, f Facts) error {
	return errors.Join(l.free(ctx, tx, f, int64(f.Day), l.Daily), l.free(ctx, tx, f, int64(f.Day.Month()), l.Monthly))
}

func (l Limit) free(ctx context.Context, tx *store.Tx, f Facts, period int64, limit money.Amount) error {
	if limit.Sign() <= 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `UPDATE limit_usage SET used_minor = used_minor - $1
		WHERE merchant_id = $2 AND method = $3 AND card_kind = $4 AND period = $5 AND used_minor >= $1`,
		f.Amount.Minor(), f.Merchant, l.Method, l.CardKind, period)
	if err != nil {
		return fmt.Errorf("release limit: %w", err)
	}
	return nil
}
