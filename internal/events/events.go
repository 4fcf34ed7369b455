// Package events is the outbox: what became true, written in the transaction that
// made it true, numbered 1, 2, 3… for each merchant. Whoever must tell others reads
// it with a cursor. Nothing that must be true now is an event.
package events

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"hawker/internal/store"
)

// Event is one thing that became true. Its body holds no card data.
type Event struct {
	Merchant int64
	Seq      int64  // given by Append
	Kind     string // "payment.approved"
	Ref      string // of what it is about
	Body     any    // written as JSON
	At       time.Time
}

// Append writes an event in tx. It takes the merchant's head row last, so that two
// transactions of one merchant meet here and nowhere earlier.
func Append(ctx context.Context, tx *store.Tx, e Event) error {
	body, err := json.Marshal(e.Body)
	if err != nil {
		return fmt.Errorf("event %s: %w", e.Kind, err)
	}
	err = tx.QueryRow(ctx, `INSERT INTO event_heads (merchant_id, seq) VALUES ($1, 1)
		ON CONFLICT (merchant_id) DO UPDATE SET seq = event_heads.seq + 1 RETURNING seq`, e.Merchant).Scan(&e.Seq)
	if err != nil {
		return fmt.Errorf("event %s: %w", e.Kind, err)
	}
	if _, err = tx.Exec(ctx, `INSERT INTO events (merchant_id, seq, kind, ref, body, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		e.Merchant, e.Seq, e.Kind, e.Ref, string(body), store.At(e.At)); err != nil {
		return fmt.Errorf("event %s: %w", e.Kind, err)
	}
	return nil
}

// After lists a merchant's events with numbers above seq, oldest first, at most limit. Body is a json.RawMessage.
func After(ctx context.Context, q store.Querier, merchant, seq int64, limit int) ([]Event, error) {
	rows, err := q.Query(ctx, `SELECT seq, kind, ref, body, created_at FROM events
		WHERE merchant_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`, merchant, seq, limit)
	if err != nil {
		return nil, fmt.Errorf("events: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var list []Event
	for rows.Next() {
		e := Event{Merchant: merchant}
		var body string
		var at store.Time
		if err := rows.Scan(&e.Seq, &e.Kind, &e.Ref, &body, &at); err != nil {
			return nil, fmt.Errorf("events: %w", err)
		}
		e.Body, e.At = json.RawMessage(body), at.Time()
		list = append(list, e)
	}
	return list, rows.Err()
}
