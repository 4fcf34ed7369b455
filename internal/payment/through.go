package payment

import (
	"context"
	"time"

	"hawker/internal/channel"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

// Through lists the attempts of all merchants by which a wallet moved money, and that may
// have been decided between two instants: approved sales, presented codes and refunds. It is what a wallet's bill is
// held against.
func Through(ctx context.Context, q store.Querier, wallet string, from, to time.Time) ([]Attempt, error) {
	return attempts(ctx, q, `attempt_id >= $1 AND attempt_id < $2 AND channel = $3 AND state = 'approved' AND updated_at >= $4 AND created_at < $5
		AND kind IN ('`+string(channel.Sale)+`', '`+string(channel.Present)+`', '`+string(channel.Refund)+`') AND merchant_id IN (
		WITH RECURSIVE all_merchants (id) AS (
			SELECT MIN(merchant_id) FROM attempts
			UNION ALL SELECT (SELECT MIN(merchant_id) FROM attempts WHERE merchant_id > all_merchants.id) FROM all_merchants WHERE id IS NOT NULL)
		SELECT id FROM all_merchants WHERE id IS NOT NULL) ORDER BY attempt_id`,
		store.IDAt(from.Add(-longAgo)), store.IDAt(to.Add(store.IDLead)), wallet, store.At(from), store.At(to))
}

// longAgo is how long before its decision an attempt may have begun: a refund is asked for a day and more.
const longAgo = 48 * time.Hour

// ByWalletNumber finds the attempt that bore an order or refund number at a wallet; ErrNotFound when it is none of ours.
func ByWalletNumber(ctx context.Context, q store.Querier, wallet, number string) (Attempt, error) {
	mid, ref, err := channel.ParseNumber(number)
	if err != nil {
		return Attempt{}, ErrNotFound.Wrap(err)
	}
	id, err := ParseRef(ref)
	if err != nil {
		return Attempt{}, err
	}
	m, err := merchant.ByMID(ctx, q, mid)
	if err != nil {
		return Attempt{}, err
	}
	a, err := attemptByID(ctx, q, m.ID, id)
	if err == nil && a.Channel != wallet {
		err = ErrNotFound.With("attempt %s went through %s", a.Ref(), a.Channel)
	}
	return a, err
}
