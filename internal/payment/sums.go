package payment

import (
	"context"
	"fmt"
	"time"

	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
)

// Taken reports whether a payment in this state holds the payer's money: approved, or
// approved while something more is asked.
func (s State) Taken() bool {
	switch s {
	case Approved, Adjusting, Voiding, Restoring:
		return true
	}
	return false
}

// Sum is what a merchant's payments of one quarter of an hour come to, by method and state.
type Sum struct {
	Day      clock.Day
	At       time.Time // the quarter's beginning
	Method   string
	State    State
	Count    int
	Amount   money.Amount
	Fee      money.Amount
	Refunded money.Amount // of these payments, whenever
}

// quarter is a quarter of an hour in microseconds: every zone's hours are whole numbers of it.
const quarter = 15 * 60 * 1_000_000

const sumsByDay = `SELECT day, created_at / $4, method, state, currency, COUNT(*), CAST(SUM(amount_minor) AS BIGINT), CAST(SUM(fee_minor) AS BIGINT), CAST(SUM(refunded_minor) AS BIGINT)
	FROM payments WHERE merchant_id = $1 AND day >= $2 AND day <= $3 GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5`

// Sums adds up a merchant's payments of the business days from one to another, both included.
func Sums(ctx context.Context, q store.Querier, m merchant.ID, from, to clock.Day) ([]Sum, error) {
	rows, err := q.Query(ctx, sumsByDay, m, from, to, int64(quarter))
	if err != nil {
		return nil, fmt.Errorf("sum payments: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var list []Sum
	for rows.Next() {
		var s Sum
		var at, amount, fee, refunded int64
		var c money.Currency
		if err := rows.Scan(&s.Day, &at, &s.Method, &s.State, &c, &s.Count, &amount, &fee, &refunded); err != nil {
			return nil, fmt.Errorf("sum payments: %w", err)
		}
		s.At = store.Time(at * quarter).Time()
		s.Amount, s.Fee, s.Refunded = money.New(amount, c), money.New(fee, c), money.New(refunded, c)
		list = append(list, s)
	}
	return list, rows.Err()
}

// Given is what a merchant gave back on one business day: refunds that were approved on it,
// whenever their payments were made.
type Given struct {
	Day    clock.Day
	Count  int
	Amount money.Amount
	Fee    money.Amount // given back with them
}

// Attempts' ids follow time, so that those of some days are found by their key. Zone and
// cutoff move a business day by two days at most.
const givenByDay = `SELECT day, currency, COUNT(*), CAST(SUM(amount_minor) AS BIGINT), CAST(SUM(fee_minor) AS BIGINT) FROM attempts
	WHERE merchant_id = $1 AND attempt_id >= $2 AND attempt_id < $3 AND day >= $4 AND day <= $5 AND kind = $6 AND state = $7 GROUP BY day, currency ORDER BY day, currency`

// GivenBack adds up the refunds of the business days from one to another, both included.
func GivenBack(ctx context.Context, q store.Querier, m merchant.ID, from, to clock.Day) ([]Given, error) {
	low, high := store.IDAt(from.Time().AddDate(0, 0, -2)), store.IDAt(to.Time().AddDate(0, 0, 3))
	rows, err := q.Query(ctx, givenByDay, m, low, high, from, to, channel.Refund, Approved)
	if err != nil {
		return nil, fmt.Errorf("sum refunds: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var list []Given
	for rows.Next() {
		var g Given
		var amount, fee int64
		var c money.Currency
		if err := rows.Scan(&g.Day, &c, &g.Count, &amount, &fee); err != nil {
			return nil, fmt.Errorf("sum refunds: %w", err)
		}
		g.Amount, g.Fee = money.New(amount, c), money.New(fee, c)
		list = append(list, g)
	}
	return list, rows.Err()
}

// Passing reports whether a payment in this state may still become approved or over.
func Passing(s State) bool { return !s.Taken() && len(PaymentMoves[s]) > 0 && s != Voided }
