package terminal

import (
	"context"
	"fmt"

	"hawker/internal/merchant"
	"hawker/internal/store"
)

// List gives a merchant's terminals by their ids.
func List(ctx context.Context, q store.Querier, m merchant.ID) (list []Terminal, err error) {
	rows, err := q.Query(ctx, `SELECT `+columns+` FROM terminals WHERE merchant_id = $1 ORDER BY tid`, m)
	if err != nil {
		return nil, fmt.Errorf("list terminals: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		t, err := read(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("list terminals: %w", err)
		}
		list = append(list, t)
	}
	return list, rows.Err()
}
