package store_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"hawker/internal/schema"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func exec(t *testing.T, db *store.DB, query string, args ...any) {
	t.Helper()
	if err := db.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), query, args...)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func number(t *testing.T, q store.Querier, query string) (n int64) {
	t.Helper()
	if err := q.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAnErrorRollsBackEverything(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		refused := errors.New("refused")
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.Exec(t.Context(), "INSERT INTO event_heads (merchant_id, seq) VALUES ($1, $2)", 1, 1); err != nil {
				return err
			}
			return refused
		})
		if !errors.Is(err, refused) {
			t.Fatalf("got %v", err)
		}
		if n := number(t, db.Read(), "SELECT count(*) FROM event_heads"); n != 0 {
			t.Fatalf("%d rows survived a rollback", n)
		}
	})
}

func TestConcurrentReadThenWriteLosesNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		exec(t, db, "INSERT INTO event_heads (merchant_id, seq) VALUES (1, 0)")
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 10 {
					err := db.Write(t.Context(), func(tx *store.Tx) error {
						var seq int64
						if err := tx.QueryRow(t.Context(), "SELECT seq FROM event_heads WHERE merchant_id = 1 FOR UPDATE").Scan(&seq); err != nil {
							return err
						}
						_, err := tx.Exec(t.Context(), "UPDATE event_heads SET seq = $1 WHERE merchant_id = 1", seq+1)
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if n := number(t, db.Read(), "SELECT seq FROM event_heads"); n != 80 {
			t.Fatalf("80 increments left %d", n)
		}
	})
}

func TestAUniqueViolationIsRecognised(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		insert := func() error {
			return db.Write(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Exec(t.Context(), "INSERT INTO event_heads (merchant_id, seq) VALUES (7, 0)")
				return err
			})
		}
		if err := insert(); err != nil {
			t.Fatal(err)
		}
		if err := insert(); !store.IsUnique(err) {
			t.Fatalf("second insert: %v", err)
		}
		if store.IsUnique(sql.ErrNoRows) || store.IsUnique(nil) {
			t.Fatal("other errors are no unique violation")
		}
	})
}

func TestMigratingTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if err := db.Migrate(context.Background(), schema.Files); err != nil {
			t.Fatal(err)
		}
	})
}

func TestATimeSurvivesToTheMicrosecond(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 4, 5, 6, 123456789, time.FixedZone("CST", 8*3600))
	if got := store.At(at).Time(); !got.Equal(at.Truncate(time.Microsecond)) || got.Location() != time.UTC {
		t.Fatalf("got %v", got)
	}
	if store.At(time.Time{}) != 0 || !store.Time(0).Time().IsZero() {
		t.Fatal("zero must stay zero")
	}
}

func TestIDsGrowWithTimeAndNeverRepeat(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	seen, last := map[int64]bool{}, int64(0)
	for i := range 10000 {
		id := store.NewID(now.Add(time.Duration(i/100) * time.Millisecond))
		if seen[id] || id <= last {
			t.Fatalf("id %d after %d", id, last)
		}
		seen[id], last = true, id
	}
	if id := store.NewID(time.Date(2088, 1, 1, 0, 0, 0, 0, time.UTC)); id <= 0 || id >= 1<<62 {
		t.Fatalf("id %d does not fit 62 bits", id)
	}

	now = time.Date(2027, 3, 1, 10, 30, 0, 0, time.UTC)
	first := store.NewID(now)
	if back := store.NewID(now.Add(-59 * time.Minute)); back <= first || back >= store.IDAt(now.Add(-59*time.Minute+store.IDLead)) {
		t.Errorf("the clock went back by a little: %d after %d", back, first)
	}
	if back := store.NewID(now.AddDate(-1, 0, 0)); back >= store.IDAt(now.AddDate(-1, 0, 0).Add(store.IDLead)) {
		t.Errorf("the clock went back by a year: %d", back)
	}
}

func TestABackupTakenWhileOthersWriteIsWhole(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { // pairs of rows, written together
		defer close(stopped)
		for i := 1; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := db.Write(context.Background(), func(tx *store.Tx) error {
				for _, m := range []int{i, -i} {
					if _, err := tx.Exec(context.Background(), "INSERT INTO event_heads (merchant_id, seq) VALUES ($1, 1)", m); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	file := filepath.Join(t.TempDir(), "copy.db")
	for number(t, db.Read(), "SELECT COUNT(*) FROM event_heads") < 20 {
	}
	if err := db.Backup(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	if err := db.Backup(t.Context(), file); err == nil {
		t.Fatal("a backup was overwritten")
	}
	back, err := store.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = back.Close() }()
	if n, sum := number(t, back.Read(), "SELECT COUNT(*) FROM event_heads"), number(t, back.Read(), "SELECT SUM(merchant_id) FROM event_heads"); n < 20 || sum != 0 {
		t.Fatalf("%d rows, sum %d: a transaction was torn", n, sum)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info.Mode(), err)
	}
}
