// Package cases holds what a person must look at: nothing that the machine gave up
// expires silently.
package cases

import (
	"context"
	"fmt"
	"time"

	"hawker/internal/store"
)

// Case is one matter for a person. Merchant, Kind and Ref name it: it exists once.
type Case struct {
	Merchant int64
	ID       int64
	Kind     string // "reversal exhausted"
	Ref      string
	Detail   string // for the operator; no card data
	Opened   time.Time
}

// Open writes a case in tx. One that is open already is left as it is; one that was closed is open again.
func Open(ctx context.Context, tx *store.Tx, c Case) error {
	_, err := tx.Exec(ctx, `INSERT INTO cases (merchant_id, case_id, kind, ref, detail, state, opened_at, closed_at)
		VALUES ($1, $2, $3, $4, $5, 'open', $6, 0) ON CONFLICT (merchant_id, kind, ref) DO UPDATE SET
			state = 'open', detail = excluded.detail, opened_at = excluded.opened_at, closed_at = 0 WHERE cases.state = 'closed'`,
		c.Merchant, store.NewID(c.Opened), c.Kind, c.Ref, c.Detail, store.At(c.Opened))
	if err != nil {
		return fmt.Errorf("open case %s of %s: %w", c.Kind, c.Ref, err)
	}
	return nil
}

// Close ends the case of a kind about ref, if there is an open one.
func Close(ctx context.Context, tx *store.Tx, merchant int64, kind, ref string, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE cases SET state = 'closed', closed_at = $1
		WHERE merchant_id = $2 AND kind = $3 AND ref = $4 AND state = 'open'`, store.At(at), merchant, kind, ref)
	return err
}

// List gives the open cases of all merchants, oldest first.
func List(ctx context.Context, q store.Querier) ([]Case, error) {
	rows, err := q.Query(ctx, `SELECT merchant_id, case_id, kind, ref, detail, opened_at FROM cases WHERE state = 'open' ORDER BY opened_at, case_id`)
	if err != nil {
		return nil, fmt.Errorf("list cases: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var list []Case
	for rows.Next() {
		var c Case
		var at store.Time
		if err := rows.Scan(&c.Merchant, &c.ID, &c.Kind, &c.Ref, &c.Detail, &at); err != nil {
			return nil, fmt.Errorf("list cases: %w", err)
		}
		c.Opened = at.Time()
		list = append(list, c)
	}
	return list, rows.Err()
}
