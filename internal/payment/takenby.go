package payment

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hawker/internal/channel"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
)

// Taking is what some devices took by one method, and what they gave back.
type Taking struct {
	Method   string
	Count    int // of payments that were approved and stand
	Taken    money.Amount
	Refunded money.Amount // by these devices, of whosever payments
}

// Ids follow time, so that both read only what is as old as that.
const (
	takenBy = `SELECT method, currency, COUNT(*), CAST(SUM(amount_minor) AS BIGINT), 0 FROM payments
		WHERE merchant_id = $1 AND payment_id >= $2 AND payment_id < $3 AND created_at >= $4 AND created_at < $5
		AND state IN ('approved', 'adjusting', 'voiding', 'restoring') AND $6 LIKE '%,' || tid || ',%' GROUP BY method, currency`
	givenBy = `SELECT p.method, a.currency, 0, 0, CAST(SUM(a.amount_minor) AS BIGINT) FROM attempts a
		JOIN payments p ON p.merchant_id = a.merchant_id AND p.payment_id = a.payment_id
		WHERE a.merchant_id = $1 AND a.attempt_id >= $2 AND a.attempt_id < $3 AND a.created_at >= $4 AND a.created_at < $5
		AND a.kind = $7 AND a.state = 'approved' AND $6 LIKE '%,' || a.tid || ',%' GROUP BY p.method, a.currency`
)

// TakenBy adds up what devices took and gave back from one instant until before another, by
// method, in the order of the methods' names.
func TakenBy(ctx context.Context, q store.Querier, m merchant.ID, from, to time.Time, devices ...string) ([]Taking, error) {
	sums := map[string]Taking{}
	for _, query := range []string{takenBy, givenBy} {
		args := []any{m, store.IDAt(from), store.IDAt(to.Add(store.IDLead)), store.At(from), store.At(to), among(devices)}
		if query == givenBy {
			args = append(args, channel.Refund)
		}
		if err := addTakings(ctx, q, sums, query, args...); err != nil {
			return nil, fmt.Errorf("sum takings: %w", err)
		}
	}
	list := make([]Taking, 0, len(sums))
	for _, method := range slices.SortedFunc(maps.Keys(sums), strings.Compare) {
		list = append(list, sums[method])
	}
	return list, nil
}

func addTakings(ctx context.Context, q store.Querier, sums map[string]Taking, query string, args ...any) error {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var t Taking
		var c money.Currency
		var taken, given int64
		if err := rows.Scan(&t.Method, &c, &t.Count, &taken, &given); err != nil {
			return err
		}
		sum, ok := sums[t.Method]
		if !ok {
			sum = Taking{Method: t.Method, Taken: money.Zero(c), Refunded: money.Zero(c)}
		}
		sum.Count += t.Count
		if sum.Taken, err = sum.Taken.Add(money.New(taken, c)); err != nil {
			return err
		}
		if sum.Refunded, err = sum.Refunded.Add(money.New(given, c)); err != nil {
			return err
		}
		sums[t.Method] = sum
	}
	return rows.Err()
}
