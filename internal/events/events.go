// Package events is the outbox: what became true, written in the transaction that
// made it true, numbered 1, 2, 3… for each merchant. Whoever must tell others reads
// it with a cursor. Nothing that must be true now is an event.
package events

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
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

var (
	takeNumbers = store.InsertSet("event_heads", `ON CONFLICT (merchant_id) DO UPDATE SET seq = event_heads.seq + excluded.seq
		RETURNING merchant_id, seq`, store.Ints("merchant_id", "seq"))
	insertEvents = store.InsertSet("events", "", store.Ints("merchant_id", "seq"), store.Texts("kind", "ref", "body"), store.Ints("created_at"))
)

// Append writes events in tx, in their order. It takes the merchants' head rows, in
// ascending order, so call it last: two transactions of one merchant meet there and
// nowhere earlier.
func Append(ctx context.Context, tx *store.Tx, list ...Event) error {
	count := map[int64]int64{}
	for _, e := range list {
		count[e.Merchant]++
	}
	var heads [][]any
	for _, m := range slices.Sorted(maps.Keys(count)) {
		heads = append(heads, []any{m, count[m]})
	}
	next := map[int64]int64{}
	if err := takeNumbers.Query(ctx, &tx.Reader, heads, func(scan func(...any) error) error {
		var m, last int64
		err := scan(&m, &last)
		next[m] = last - count[m] + 1
		return err
	}); err != nil {
		return fmt.Errorf("number events: %w", err)
	}
	rows := make([][]any, len(list))
	for i, e := range list {
		body, err := json.Marshal(e.Body)
		if err != nil {
			return fmt.Errorf("event %s: %w", e.Kind, err)
		}
		rows[i] = []any{e.Merchant, next[e.Merchant], e.Kind, e.Ref, string(body), store.At(e.At)}
		next[e.Merchant]++
	}
	if _, err := insertEvents.Exec(ctx, tx, rows); err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	for m := range count {
		tx.Announce(topic, m)
	}
	return nil
}

// topic is under which commits are announced that wrote events.
const topic = "events"

// Listen has f called, in this process, with the merchant of events that were just
// committed. f must return at once.
func Listen(db *store.DB, f func(merchant int64)) (stop func()) { return db.Listen(topic, f) }

// Head is the number of a merchant's latest event; 0 when there is none.
func Head(ctx context.Context, q store.Querier, merchant int64) (seq int64, err error) {
	err = q.QueryRow(ctx, `SELECT COALESCE(MAX(seq), 0) FROM event_heads WHERE merchant_id = $1`, merchant).Scan(&seq)
	if err != nil {
		return 0, fmt.Errorf("head of events: %w", err)
	}
	return seq, nil
}

// About lists the events about ref, oldest first.
func About(ctx context.Context, q store.Querier, merchant int64, ref string) ([]Event, error) {
	return list(ctx, q, merchant, `ref = $2 ORDER BY seq`, ref)
}

// After lists a merchant's events with numbers above seq, oldest first, at most limit. Body is a json.RawMessage.
func After(ctx context.Context, q store.Querier, merchant, seq int64, limit int) ([]Event, error) {
	return list(ctx, q, merchant, `seq > $2 ORDER BY seq LIMIT $3`, seq, limit)
}

func list(ctx context.Context, q store.Querier, merchant int64, where string, args ...any) ([]Event, error) {
	rows, err := q.Query(ctx, `SELECT seq, kind, ref, body, created_at FROM events WHERE merchant_id = $1 AND `+where, append([]any{merchant}, args...)...)
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
