package webhook

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"hawker/internal/audit"
	"hawker/internal/events"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

// DeliveryState is how far a delivery is.
type DeliveryState string

// The states of deliveries.
const (
	Waiting   DeliveryState = "waiting"   // to be tried, or to be tried again
	Delivered DeliveryState = "delivered" // it was taken
	Failed    DeliveryState = "failed"    // given up
)

// Delivery is one event for one endpoint.
type Delivery struct {
	Merchant merchant.ID
	ID       int64
	Endpoint int64
	Seq      int64  // the event's number
	Kind     string // the event's
	ReplayOf int64
	State    DeliveryState
	Tries    int
	Created  time.Time
	Ended    time.Time
}

// Message is the id by which a receiver knows a message again: the same for each try and
// each replay of an event.
func (v Delivery) Message() string {
	return "msg_" + strconv.FormatInt(int64(v.Merchant), 36) + "_" + strconv.FormatInt(v.Seq, 10)
}

// Try is one request and what came of it.
type Try struct {
	At      time.Time
	Status  int // of HTTP; 0 when there was no answer
	Took    time.Duration
	Failure string // "" when it was taken
}

const deliveryQuery = `SELECT merchant_id, delivery_id, endpoint_id, seq, kind, replay_of, state, tries, created_at, ended_at FROM webhook_deliveries WHERE merchant_id = $1`

func scanDelivery(scan func(...any) error) (v Delivery, err error) {
	var created, ended store.Time
	err = scan(&v.Merchant, &v.ID, &v.Endpoint, &v.Seq, &v.Kind, &v.ReplayOf, &v.State, &v.Tries, &created, &ended)
	if errors.Is(err, sql.ErrNoRows) {
		return v, ErrUnknown
	} else if err != nil {
		return v, fmt.Errorf("read delivery: %w", err)
	}
	v.Created, v.Ended = created.Time(), ended.Time()
	return v, nil
}

func deliveryByID(ctx context.Context, q store.Querier, m merchant.ID, id int64) (Delivery, error) {
	return scanDelivery(q.QueryRow(ctx, deliveryQuery+` AND delivery_id = $2`, m, id).Scan)
}

// MaxPage is the largest page of deliveries.
const MaxPage = 200

// Deliveries lists a merchant's, newest first: those of one endpoint, or of all when it is
// 0, and in one state, or "" for all. next is the cursor of the page that follows, "" at the end.
func Deliveries(ctx context.Context, q store.Querier, m merchant.ID, endpoint int64, s DeliveryState, cursor string, limit int) (list []Delivery, next string, err error) {
	below := int64(math.MaxInt64)
	if cursor != "" {
		if below, err = ParseRef("wd", cursor); err != nil {
			return nil, "", ErrCursor
		}
	}
	limit = min(max(limit, 1), MaxPage)
	rows, err := q.Query(ctx, deliveryQuery+` AND delivery_id < $2 AND ($3 = 0 OR endpoint_id = $3) AND ($4 = '' OR state = $4) ORDER BY delivery_id DESC LIMIT $5`,
		m, below, endpoint, string(s), limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list deliveries: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		v, err := scanDelivery(rows.Scan)
		if err != nil {
			return nil, "", err
		}
		list = append(list, v)
	}
	if err := rows.Err(); err != nil {
		return nil, "", err
	}
	if len(list) > limit {
		list = list[:limit]
		next = Ref("wd", list[limit-1].ID)
	}
	return list, next, nil
}

// TriesOf lists the tries of a delivery, oldest first.
func TriesOf(ctx context.Context, q store.Querier, m merchant.ID, delivery int64) (list []Try, err error) {
	rows, err := q.Query(ctx, `SELECT at, status, took, failure FROM webhook_tries WHERE merchant_id = $1 AND delivery_id = $2 ORDER BY try`, m, delivery)
	if err != nil {
		return nil, fmt.Errorf("list tries: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var t Try
		var at store.Time
		var took int64
		if err := rows.Scan(&at, &t.Status, &took, &t.Failure); err != nil {
			return nil, fmt.Errorf("list tries: %w", err)
		}
		t.At, t.Took = at.Time(), time.Duration(took)*time.Microsecond
		list = append(list, t)
	}
	return list, rows.Err()
}

// Replay sends the event of a delivery once more, as a delivery of its own.
func (d *Desk) Replay(ctx context.Context, m merchant.ID, delivery int64, by audit.Actor, from string) (v Delivery, err error) {
	err = d.db.Write(ctx, func(tx *store.Tx) error {
		old, err := deliveryByID(ctx, tx, m, delivery)
		if err != nil {
			return err
		}
		e, err := scanEndpoint(tx.QueryRow(ctx, endpointQuery+` AND endpoint_id = $2`, m, old.Endpoint).Scan)
		if err != nil {
			return err
		}
		if e.State != Enabled {
			return ErrState.With("endpoint %s is %s", Ref("we", e.ID), e.State)
		}
		id, err := d.add(ctx, tx, e, events.Event{Seq: old.Seq, Kind: old.Kind}, old.ID)
		if err != nil {
			return err
		}
		if v, err = deliveryByID(ctx, tx, m, id); err != nil {
			return err
		}
		return d.note(ctx, tx, "webhook.replay", e, by, from)
	})
	d.runner.Wake()
	return v, err
}

// RunDue sends what is due now, and returns how many: for tests and tools.
func (d *Desk) RunDue(ctx context.Context) int { return d.runner.RunDue(ctx) }
