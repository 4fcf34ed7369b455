package ledger

import (
	"context"
	"fmt"

	"hawker/internal/money"
	"hawker/internal/store"
)

// Line is one account of a trial balance over all owners or one.
type Line struct {
	Owner   Owner
	Account Account
	Balance money.Amount // debit positive
}

// Trial lists every account's balance, ordered by owner, account and currency; owner 0 means everybody.
func Trial(ctx context.Context, q store.Querier, owner Owner) ([]Line, error) {
	rows, err := q.Query(ctx, `SELECT merchant_id, account, currency, balance_minor FROM ledger_balances
		WHERE $1 = 0 OR merchant_id = $1 ORDER BY merchant_id, account, currency`, owner)
	if err != nil {
		return nil, fmt.Errorf("trial balance: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var lines []Line
	for rows.Next() {
		var l Line
		var minor int64
		var c money.Currency
		if err := rows.Scan(&l.Owner, &l.Account, &c, &minor); err != nil {
			return nil, fmt.Errorf("trial balance: %w", err)
		}
		l.Balance = money.New(minor, c)
		lines = append(lines, l)
	}
	return lines, rows.Err()
}

// Prove checks the whole ledger from its postings: every entry sums to zero per
// currency, and every balance equals the sum of its postings. nil is the proof;
// the error names the first difference.
func Prove(ctx context.Context, q store.Querier) error {
	for _, proof := range []struct{ what, query string }{
		{"entry does not sum to zero", `SELECT merchant_id, fact || ' of ' || ref || ' ' || currency, CAST(SUM(amount_minor) AS BIGINT)
			FROM ledger_postings GROUP BY merchant_id, ref, fact, currency HAVING SUM(amount_minor) <> 0 LIMIT 1`},
		{"balance differs from its postings", `SELECT b.merchant_id, b.account || ' ' || b.currency, b.balance_minor - COALESCE(p.total, 0)
			FROM ledger_balances b LEFT JOIN (SELECT merchant_id, account, currency, CAST(SUM(amount_minor) AS BIGINT) AS total
				FROM ledger_postings GROUP BY merchant_id, account, currency) p
			ON p.merchant_id = b.merchant_id AND p.account = b.account AND p.currency = b.currency
			WHERE b.balance_minor <> COALESCE(p.total, 0) LIMIT 1`},
		{"posting without balance", `SELECT p.merchant_id, p.account || ' ' || p.currency, p.amount_minor
			FROM ledger_postings p LEFT JOIN ledger_balances b
			ON p.merchant_id = b.merchant_id AND p.account = b.account AND p.currency = b.currency WHERE b.merchant_id IS NULL LIMIT 1`},
	} {
		if err := none(ctx, q, proof.what, proof.query); err != nil {
			return err
		}
	}
	return nil
}

func none(ctx context.Context, q store.Querier, what, query string) error {
	rows, err := q.Query(ctx, query)
	if err != nil {
		return fmt.Errorf("prove the ledger: %w", err)
	}
	defer func() { _ = rows.Close() }()
	if rows.Next() {
		var owner, off int64
		var where string
		if err := rows.Scan(&owner, &where, &off); err != nil {
			return fmt.Errorf("prove the ledger: %w", err)
		}
		return fmt.Errorf("ledger: %s: owner %d, %s off by %d", what, owner, where, off)
	}
	return rows.Err()
}
