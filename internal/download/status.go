package download

import (
	"context"
	"fmt"

	"hawker/internal/clock"
	"hawker/internal/iso8583"
	"hawker/internal/store"
)

// Report keeps the last status that a terminal uploaded.
func Report(ctx context.Context, tx *store.Tx, t Terminal, s iso8583.Status62, now clock.Clock) error {
	_, err := tx.Exec(ctx, `INSERT INTO terminal_statuses (merchant_id, tid, software, battery, printer, reported_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (merchant_id, tid) DO UPDATE SET software = excluded.software, battery = excluded.battery, printer = excluded.printer, reported_at = excluded.reported_at`,
		t.Merchant, t.ID, s.Version, s.Battery, s.Printer, store.At(now()))
	if err != nil {
		return fmt.Errorf("keep the status of terminal %s: %w", t.ID, err)
	}
	return nil
}
