package store_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

// note is a command that writes one row, refuses, or breaks the transaction.
type note struct {
	merchant int64
	refuse   bool
	breaks   bool
	err      error
}

var errRefused = errors.New("refused")

var insertNotes = store.InsertSet("event_heads", "", store.Ints("merchant_id", "seq"))

func write(ctx context.Context, tx *store.Tx, notes []*note) error {
	var rows [][]any
	for _, n := range notes {
		n.err = nil
		switch {
		case n.refuse:
			n.err = errRefused
		case n.breaks:
			if _, err := tx.Exec(ctx, "INSERT INTO nothing VALUES (1)"); err != nil {
				return err
			}
		default:
			rows = append(rows, []any{n.merchant, 1})
		}
	}
	_, err := insertNotes.Exec(ctx, tx, rows)
	return err
}

func TestACommandThatFailsFailsAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var mu sync.Mutex
		commits, commands := 0, 0
		b := store.NewBatch(db, store.BatchOptions{Shards: 2, Max: 64, Report: func(n int) {
			mu.Lock()
			defer mu.Unlock()
			commits, commands = commits+1, commands+n
		}}, write)
		var wg sync.WaitGroup
		for i := range 300 {
			wg.Go(func() {
				n := &note{merchant: int64(i + 1), refuse: i%10 == 3, breaks: i%50 == 7}
				err := b.Do(uint64(i), n)
				switch {
				case n.breaks && err == nil:
					t.Error("a broken statement went unnoticed")
				case !n.breaks && err != nil:
					t.Errorf("command %d: %v", i, err)
				case n.refuse && !errors.Is(n.err, errRefused):
					t.Errorf("command %d was not refused: %v", i, n.err)
				}
			})
		}
		wg.Wait()
		if rows := number(t, db.Read(), "SELECT COUNT(*) FROM event_heads"); rows != 264 {
			t.Errorf("%d rows of 264 were written", rows)
		}
		if commands != 294 || commits > commands {
			t.Errorf("%d commits of %d commands", commits, commands)
		}
	})
}

func TestAQueueThatIsFullSaysSo(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	inside, gate := make(chan struct{}), make(chan struct{})
	var once sync.Once
	b := store.NewBatch(db, store.BatchOptions{Queue: 3}, func(ctx context.Context, tx *store.Tx, notes []*note) error {
		once.Do(func() { close(inside); <-gate })
		return write(ctx, tx, notes)
	})
	results := make(chan error, 4)
	do := func(m int64) { results <- b.Do(0, &note{merchant: m}) }
	go do(1)
	<-inside
	for m := range int64(3) {
		go do(m + 2)
	}
	for b.Waiting() < 3 {
		runtime.Gosched()
	}
	if err := b.Do(0, &note{merchant: 9}); !errors.Is(err, store.ErrBusy) {
		t.Errorf("the fourth was told %v", err)
	}
	close(gate)
	for range 4 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

func TestASetDoesTheSameOnBothDatabases(t *testing.T) {
	t.Parallel()
	insert := store.InsertSet("cards", "ON CONFLICT (token) DO NOTHING", store.Texts("token"), store.Byteas("lookup"), store.Texts("bin", "last4"), store.Byteas("sealed"), store.Ints("created_at"))
	update := store.UpdateSet("cards", "bin = u.new_bin, created_at = created_at + u.more", "t.token = u.id AND t.bin = u.old_bin",
		store.Texts("id", "old_bin", "new_bin"), store.Ints("more"))
	find := store.SelectSet("token, bin, created_at", "cards", true, store.Texts("token", "bin"))
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			var rows [][]any
			for i := range 5 {
				rows = append(rows, []any{fmt.Sprint("t", i), []byte{byte(i), 0, 255}, "old", "1234", []byte{}, int64(i)})
			}
			if n, err := insert.Exec(t.Context(), tx, rows); err != nil || n != 5 {
				return fmt.Errorf("inserted %d, %w", n, err)
			}
			if n, err := insert.Exec(t.Context(), tx, rows[:2]); err != nil || n != 0 {
				return fmt.Errorf("inserted again %d, %w", n, err)
			}
			n, err := update.Exec(t.Context(), tx, [][]any{{"t1", "old", "new", 10}, {"t2", "other", "new", 10}, {"t3", "old", "new", 20}})
			if err != nil || n != 2 {
				return fmt.Errorf("updated %d, %w", n, err)
			}
			got := map[string]int64{}
			err = find.Query(t.Context(), &tx.Reader, [][]any{{"t1", "new"}, {"t2", "new"}, {"t3", "new"}, {"t4", "old"}}, func(scan func(...any) error) error {
				var token, bin string
				var at int64
				err := scan(&token, &bin, &at)
				got[token] = at
				return err
			})
			if err != nil || fmt.Sprint(got) != "map[t1:11 t3:23 t4:4]" {
				return fmt.Errorf("found %v, %w", got, err)
			}
			_, err = insert.Exec(t.Context(), tx, nil)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
