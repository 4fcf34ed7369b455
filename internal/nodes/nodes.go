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

// Node is what is known of one process.
type Node struct {
	ID      ID
	Seen    time.Time // its last heartbeat; the zero time when it ended by itself
	Settled int64     // none of its attempts with a smaller id is without an outcome
}

// Beat writes that a node lives at an instant, and that its attempts may have ids from
// settled on: it counts for a node that was not known, or whose clock was set back.
func Beat(ctx context.Context, tx *store.Tx, id ID, at time.Time, settled int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO nodes (node_id, seen_at, settled_below) VALUES ($1, $2, $3)
		ON CONFLICT (node_id) DO UPDATE SET seen_at = excluded.seen_at,
			settled_below = CASE WHEN excluded.settled_below < nodes.settled_below THEN excluded.settled_below ELSE nodes.settled_below END`, id, store.At(at), settled)
	if err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	return nil
}

// Settle writes how far a node's attempts have outcomes, and forgets others that are dead and
// left nothing behind.
func Settle(ctx context.Context, tx *store.Tx, id ID, below int64, forget ...Node) error {
	if _, err := tx.Exec(ctx, `UPDATE nodes SET settled_below = $1 WHERE node_id = $2`, below, id); err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	for _, n := range forget { // unless it came back
		if _, err := tx.Exec(ctx, `DELETE FROM nodes WHERE node_id = $1 AND seen_at = $2`, n.ID, store.At(n.Seen)); err != nil {
			return fmt.Errorf("forget node: %w", err)
		}
	}
	return nil
}

// Leave writes that a node ended by itself.
func Leave(ctx context.Context, tx *store.Tx, id ID) error {
	_, err := tx.Exec(ctx, `UPDATE nodes SET seen_at = 0 WHERE node_id = $1`, id)
	return err
}

// All lists the nodes that are known.
func All(ctx context.Context, q store.Querier) ([]Node, error) {
	rows, err := q.Query(ctx, `SELECT node_id, seen_at, settled_below FROM nodes ORDER BY node_id`)
	if err != nil {
		return nil, fmt.Errorf("nodes: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var list []Node
	for rows.Next() {
		var n Node
		var seen store.Time
		if err := rows.Scan(&n.ID, &seen, &n.Settled); err != nil {
			return nil, fmt.Errorf("nodes: %w", err)
		}
		n.Seen = seen.Time()
		list = append(list, n)
	}
	return list, rows.Err()
}
