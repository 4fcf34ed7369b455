// Package nodes knows which processes work on one database: each writes a heartbeat,
// and one that has none is dead to the others, who take over what it left in flight. Each
// also holds a small number that no other has, its place.
package nodes

import (
	"context"
	"fmt"
	"time"

	"hawker/internal/store"
)

// ID names a process's data directory; it survives restarts.
type ID int64

// Beat writes that a node lives at an instant.
func Beat(ctx context.Context, tx *store.Tx, id ID, at time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO nodes (node_id, seen_at) VALUES ($1, $2) ON CONFLICT (node_id) DO UPDATE SET seen_at = excluded.seen_at`, id, store.At(at))
	if err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	return nil
}

// Leave writes that a node ended by itself, with nothing in flight.
func Leave(ctx context.Context, tx *store.Tx, id ID) error {
	_, err := tx.Exec(ctx, `DELETE FROM nodes WHERE node_id = $1`, id)
	return err
}

// Alive lists the nodes that were seen since an instant.
func Alive(ctx context.Context, q store.Querier, since time.Time) (map[ID]bool, error) {
	rows, err := q.Query(ctx, `SELECT node_id FROM nodes WHERE seen_at >= $1`, store.At(since))
	if err != nil {
		return nil, fmt.Errorf("nodes: %w", err)
	}
	defer func() { _ = rows.Close() }()
	alive := map[ID]bool{}
	for rows.Next() {
		var id ID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("nodes: %w", err)
		}
		alive[id] = true
	}
	return alive, rows.Err()
}
