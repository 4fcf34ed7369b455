package payment

import (
	"context"
	"time"

	"hawker/internal/merchant"
	"hawker/internal/store"
)

// OrderByKey finds the payment that a device asked for under an idempotency key, today or on
// the business day before; ErrNotFound when it asked for none.
func OrderByKey(ctx context.Context, q store.Querier, m merchant.Merchant, device, key string, now time.Time) (Payment, error) {
	o, err := scanOrder(q.QueryRow(ctx, `SELECT `+orderColumns+` FROM orders WHERE merchant_id = $1 AND (idem_key = $2 OR idem_key = $3) ORDER BY payment_id DESC LIMIT 1`,
		m.ID, askerKey(m.Day(now), 'o', device, key), askerKey(m.Day(now).Add(-1), 'o', device, key)).Scan)
	if err != nil {
		return Payment{}, err
	}
	return Get(ctx, q, m.ID, o.Payment)
}

// RefundByKey finds the attempt to give back that a device asked for under an idempotency key,
// today or on the business day before; ErrNotFound when it asked for none.
func RefundByKey(ctx context.Context, q store.Querier, m merchant.Merchant, device, key string, now time.Time) (Attempt, error) {
	return scanAttempt(q.QueryRow(ctx, `SELECT `+attemptColumns+` FROM attempts WHERE merchant_id = $1 AND (idem_key = $2 OR idem_key = $3) ORDER BY attempt_id DESC LIMIT 1`,
		m.ID, askerKey(m.Day(now), 'g', device, key), askerKey(m.Day(now).Add(-1), 'g', device, key)).Scan)
}
