package terminal_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/terminal"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func counter() terminal.Terminal {
	return terminal.Terminal{Merchant: 7, ID: "T0000001", Serial: "SN-1", Model: "soft", Profile: "un3c", Lang: "zh-CN",
		State: terminal.Active, Batch: 1, BatchDay: 20261122}
}

func write(t testing.TB, db *store.DB, do func(tx *store.Tx) error) error {
	t.Helper()
	return db.Write(t.Context(), do)
}

func add(t testing.TB, db *store.DB, x terminal.Terminal) error {
	t.Helper()
	return write(t, db, func(tx *store.Tx) error { return terminal.Add(t.Context(), tx, x) })
}

func TestATerminalIsFoundAsItWasAdded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		want := counter()
		if err := add(t, db, want); err != nil {
			t.Fatal(err)
		}
		got, err := terminal.ByID(t.Context(), db.Read(), want.Merchant, want.ID)
		if err != nil || got != want {
			t.Errorf("got %+v, %v", got, err)
		}
		if err := write(t, db, func(tx *store.Tx) error {
			got, err := terminal.Lock(t.Context(), tx, want.Merchant, want.ID)
			if got != want {
				t.Errorf("locked %+v", got)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
		again := want
		again.Serial = "SN-2"
		if err := add(t, db, again); !store.IsUnique(err) {
			t.Errorf("one number twice at one merchant: %v", err)
		}
		if got, err := terminal.BySerial(t.Context(), db.Read(), "SN-1"); err != nil || got != want {
			t.Errorf("by its serial: %+v, %v", got, err)
		}
		if _, err := terminal.BySerial(t.Context(), db.Read(), "SN-2"); !errors.Is(err, terminal.ErrUnknown) {
			t.Errorf("an unknown serial: %v", err)
		}
		elsewhere := want
		elsewhere.Merchant = 8
		if err := add(t, db, elsewhere); !store.IsUnique(err) {
			t.Errorf("one machine at two merchants: %v", err)
		}
		elsewhere.Serial = "SN-2"
		if err := add(t, db, elsewhere); err != nil {
			t.Errorf("one number at two merchants: %v", err)
		}
	})
}

func TestAnUnknownTerminalIsNotFound(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if err := add(t, db, counter()); err != nil {
			t.Fatal(err)
		}
		_, other := terminal.ByID(t.Context(), db.Read(), 7, "T0000002")
		_, foreign := terminal.ByID(t.Context(), db.Read(), 8, "T0000001")
		set := write(t, db, func(tx *store.Tx) error { return terminal.SetState(t.Context(), tx, 8, "T0000001", terminal.Suspended) })
		for what, err := range map[string]error{"another number": other, "another merchant's": foreign, "setting another merchant's state": set} {
			if !errors.Is(err, terminal.ErrUnknown) || fault.Of(err).Kind != fault.NotFound {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

func TestATerminalThatCannotWorkIsNotAdded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for name, spoil := range map[string]func(*terminal.Terminal){
			"no merchant":              func(x *terminal.Terminal) { x.Merchant = 0 },
			"a number of 7 characters": func(x *terminal.Terminal) { x.ID = "T000001" },
			"no serial":                func(x *terminal.Terminal) { x.Serial = "" },
			"batch 0":                  func(x *terminal.Terminal) { x.Batch = 0 },
			"a batch of 7 digits":      func(x *terminal.Terminal) { x.Batch = terminal.LastBatch + 1 },
			"no business day":          func(x *terminal.Terminal) { x.BatchDay = 0 },
		} {
			x := counter()
			spoil(&x)
			if err := add(t, db, x); err == nil || store.IsUnique(err) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestOnlyAnActiveTerminalMayTakePayments(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if err := add(t, db, counter()); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			state terminal.State
			want  error
		}{{terminal.Suspended, terminal.ErrSuspended}, {terminal.Tampered, terminal.ErrTampered}, {terminal.Lost, terminal.ErrReported},
			{terminal.Stolen, terminal.ErrReported}, {terminal.Retired, terminal.ErrRetired}, {terminal.Active, nil}} {
			if err := write(t, db, func(tx *store.Tx) error { return terminal.SetState(t.Context(), tx, 7, "T0000001", c.state) }); err != nil {
				t.Fatal(err)
			}
			x, err := terminal.ByID(t.Context(), db.Read(), 7, "T0000001")
			if err != nil || !errors.Is(x.MayTake(), c.want) {
				t.Errorf("%s: %v, %v", c.state, x.MayTake(), err)
			}
		}
		if !errors.Is((terminal.Terminal{}).MayTake(), terminal.ErrSuspended) {
			t.Error("a terminal without a state may take payments")
		}
	})
}

func TestTheNextBatch(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name       string
		batch      int
		want       int
		today, day clock.Day
	}{
		{"counts on", 1, 2, 20261122, 20261123},
		{"may open on the same day", 41, 42, 20261122, 20261122},
		{"reaches 999999", 999998, 999999, 20261122, 20261123},
		{"begins at 1 again after 999999", 999999, 1, 20261122, 20261123},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for i, c := range rows { // a terminal each
			x := counter()
			x.ID, x.Serial, x.Batch, x.BatchDay = terminal.ID(fmt.Sprintf("T%07d", i)), fmt.Sprint(i), c.batch, c.today
			if err := add(t, db, x); err != nil {
				t.Fatal(err)
			}
			var next terminal.Terminal
			if err := write(t, db, func(tx *store.Tx) (err error) {
				next, err = terminal.NextBatch(t.Context(), tx, x, c.day)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			stored, err := terminal.ByID(t.Context(), db.Read(), x.Merchant, x.ID)
			if err != nil || next.Batch != c.want || next.BatchDay != c.day || stored != next {
				t.Errorf("%s: returned %+v, stored %+v, %v", c.name, next, stored, err)
			}
		}
	})
}

func TestABatchIsClosedOnceWhoeverTries(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		x := counter()
		if err := add(t, db, x); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var closed atomic.Int32
		for range 16 {
			wg.Go(func() {
				err := write(t, db, func(tx *store.Tx) error {
					_, err := terminal.NextBatch(t.Context(), tx, x, 20261123)
					return err
				})
				switch {
				case err == nil:
					closed.Add(1)
				case !errors.Is(err, terminal.ErrBatch):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		stored, err := terminal.ByID(t.Context(), db.Read(), x.Merchant, x.ID)
		if err != nil || closed.Load() != 1 || stored.Batch != 2 {
			t.Errorf("closed %d times; the batch is %d, %v", closed.Load(), stored.Batch, err)
		}
	})
}

func TestSigningOnAndOffIsNoted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		x, noon := counter(), time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)
		if err := add(t, db, x); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name string
			note func(tx *store.Tx) error
			want store.Time
		}{
			{"signed on", func(tx *store.Tx) error { return terminal.SignOn(t.Context(), tx, x, noon) }, store.At(noon)},
			{"signed off", func(tx *store.Tx) error { return terminal.SignOff(t.Context(), tx, x) }, 0},
		} {
			if err := write(t, db, c.note); err != nil {
				t.Fatal(err)
			}
			var at store.Time
			if err := db.Read().QueryRow(t.Context(), "SELECT signed_on_at FROM terminals").Scan(&at); err != nil || at != c.want {
				t.Errorf("%s: %v, %v", c.name, at.Time(), err)
			}
		}
	})
}
