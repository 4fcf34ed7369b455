package bench

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hawker/internal/clock"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

// The statements name other packages' tables: history cannot be made through doors
// that date everything now.
var (
	//go:embed preload.sql
	preloadSQL string
	//go:embed totals.sql
	totalsSQL string
)

// days is how far back a preload's payments begin.
const days = 10

// history is approved sales of the days before today, spread over merchants in turn,
// with their attempts, entries, postings and events, as if the terminals that
// Provision makes had taken them.
type history struct {
	db        *store.DB
	payments  int
	first     merchant.ID
	merchants int
	terminals int // of each merchant
}

// write fills the tables, each by itself: PostgreSQL does several at once.
func (h history) write(ctx context.Context, say func(string)) error {
	parts := statements(preloadSQL)
	common, inserts := parts[0], parts[1:]
	if h.db.Dialect() == store.SQLite {
		common = strings.ReplaceAll(common, "AS BYTEA", "AS BLOB")
	}
	failed := make([]error, len(inserts))
	var done atomic.Int64
	var wg sync.WaitGroup
	for i, insert := range inserts {
		wg.Go(func() {
			for d := range days {
				if failed[i] = h.day(ctx, d, common+"\n"+insert); failed[i] != nil {
					return
				}
				if n := int(done.Add(1)); n%days == 0 {
					say(fmt.Sprintf("preload: %d %% of %d payments", 100*n/(days*len(inserts)), h.payments))
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("preload: %w", err)
	}
	return h.totals(ctx)
}

// day writes one day's payments into one table.
func (h history) day(ctx context.Context, d int, insert string) error {
	from, to := d*h.payments/days, (d+1)*h.payments/days-1
	if to < from {
		return nil
	}
	begin := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, d-days)
	apart := max(1, (20*time.Hour).Microseconds()/int64(to-from+1))
	hash := sha256.Sum256([]byte("content"))
	return h.db.Write(ctx, func(tx *store.Tx) error {
		if h.db.Dialect() == store.SQLite { // every merchant's last pages at hand
			if _, err := tx.Exec(ctx, "PRAGMA cache_size = -400000"); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, insert, from, to, h.first, h.merchants, h.terminals, clock.DayOf(begin, time.UTC, 0), store.At(begin), apart, hash[:])
		return err
	})
}

// totals writes what the payments come to, by the same arithmetic as the statements.
func (h history) totals(ctx context.Context) error {
	type total struct{ count, amount, fee int64 }
	of := make([]total, h.merchants)
	for n := range int64(h.payments) {
		t := &of[n%int64(h.merchants)]
		amount := 1000 + n*37%8000
		t.count, t.amount, t.fee = t.count+1, t.amount+amount, t.fee+(amount*60+5000)/10000
	}
	balances, head := statements(totalsSQL)[0], statements(totalsSQL)[1]
	return h.db.Write(ctx, func(tx *store.Tx) error {
		for i, t := range of {
			id := h.first + merchant.ID(i)
			if _, err := tx.Exec(ctx, balances, id, t.amount, -t.fee, t.fee-t.amount); err != nil {
				return fmt.Errorf("preload: %w", err)
			}
			if _, err := tx.Exec(ctx, head, id, t.count); err != nil {
				return fmt.Errorf("preload: %w", err)
			}
		}
		return nil
	})
}

func statements(text string) []string { return strings.Split(text, "\n;\n") }
