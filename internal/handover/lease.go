package handover

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"hawker/internal/events"
	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

// ErrElsewhere says that it is another device's turn.
var ErrElsewhere = fault.New(fault.Conflict, "payment_elsewhere", "这笔收款正在另一台设备上处理，请在那边完成，或用接手码接过来。", "Another device is finishing this payment. Finish it there, or take it over by its code.")

// Lease is how long a device that began or took a payment has it for itself. After it any
// device of the merchant may end it: one that broke keeps nobody waiting.
const Lease = 2 * time.Minute

// Began is which device began a payment, and when.
type Began struct {
	Device string
	At     time.Time
}

// May returns nil when a device may end a payment now, else ErrElsewhere: it is the turn
// of whoever took it over last, and else of whoever began it.
func May(ctx context.Context, q store.Querier, m merchant.ID, payment int64, began Began, device string, now time.Time) error {
	var holder string
	var since store.Time
	err := q.QueryRow(ctx, `SELECT holder, changed_at FROM handovers WHERE merchant_id = $1 AND payment_id = $2 AND holder <> ''`, m, payment).Scan(&holder, &since)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		holder, since = began.Device, store.At(began.At)
	case err != nil:
		return fmt.Errorf("find holder: %w", err)
	}
	if until := since.Time().Add(Lease); holder != device && now.Before(until) {
		return ErrElsewhere.With("it is at %s until %s", holder, until.Format(time.RFC3339))
	}
	return nil
}

// Tell writes the event that a payment, known by ref, moved to a device: the one that had it hears of it.
func Tell(ctx context.Context, tx *store.Tx, m merchant.ID, ref, device, name string, now time.Time) error {
	return events.Append(ctx, tx, events.Event{Merchant: int64(m), Kind: "payment.handed_over", Ref: ref, At: now,
		Body: map[string]string{"payment": ref, "device": device, "device_name": name}})
}
