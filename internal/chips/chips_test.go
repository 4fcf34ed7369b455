package chips_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"hawker/internal/card"
	"hawker/internal/chips"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func use(letter string, sequence, counter int) chips.Use {
	return chips.Use{Chip: chips.Chip{Token: card.Token(card.TokenPrefix + strings.Repeat(letter, 26)), Sequence: sequence}, Counter: counter}
}

// advance commits whatever is decided, as a payment does.
func advance(t testing.TB, db *store.DB, u chips.Use) (refusal error) {
	t.Helper()
	if err := db.Write(t.Context(), func(tx *store.Tx) error {
		desk := chips.NewDesk(tx)
		refusal = desk.Advance(t.Context(), u)
		return desk.Write(t.Context())
	}); err != nil {
		t.Error(err)
	}
	return refusal
}

func TestACounterOnlyGrows(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, step := range []struct {
			name string
			use  chips.Use
			want error
		}{
			{"the first transaction", use("a", 1, 5), nil},
			{"the same again", use("a", 1, 5), chips.ErrCounter},
			{"an earlier one", use("a", 1, 4), chips.ErrCounter},
			{"a later one, with a gap", use("a", 1, 9), nil},
			{"another copy of the card begins by itself", use("a", 2, 1), nil},
			{"another card too", use("b", 1, 1), nil},
			{"no chip", chips.Use{}, nil},
			{"the last one of a chip", use("a", 1, chips.MaxCounter), nil},
		} {
			if err := advance(t, db, step.use); !errors.Is(err, step.want) {
				t.Errorf("%s: %v", step.name, err)
			}
		}
		for _, u := range []chips.Use{use("c", 1, chips.MaxCounter+1), use("c", 1, -1)} {
			if err := advance(t, db, u); err == nil || errors.Is(err, chips.ErrCounter) {
				t.Errorf("a counter of %d: %v", u.Counter, err)
			}
		}
	})
}

func TestWhatIsTakenBackWasNeverSeen(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		if err := db.Write(ctx, func(tx *store.Tx) error {
			desk := chips.NewDesk(tx)
			err := errors.Join(desk.Load(ctx, use("a", 1, 1), use("a", 1, 1), chips.Use{}), desk.Advance(ctx, use("a", 1, 1)))
			mark := desk.Mark()
			err = errors.Join(err, desk.Advance(ctx, use("a", 1, 2)), desk.Advance(ctx, use("a", 1, 3)), desk.Advance(ctx, use("b", 1, 1)))
			desk.Back(mark)
			if refusal := desk.Advance(ctx, use("a", 1, 1)); !errors.Is(refusal, chips.ErrCounter) {
				t.Errorf("what was before the mark: %v", refusal)
			}
			return errors.Join(err, desk.Write(ctx))
		}); err != nil {
			t.Fatal(err)
		}
		if err := advance(t, db, use("a", 1, 2)); err != nil {
			t.Error(err)
		}
		if err := advance(t, db, use("b", 1, 1)); err != nil {
			t.Error(err)
		}
	})
}

func TestOneOfManyAtOnceWins(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var won atomic.Int32
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				if advance(t, db, use("a", 1, 7)) == nil {
					won.Add(1)
				}
			})
		}
		all.Wait()
		if n := won.Load(); n != 1 {
			t.Errorf("%d of 16 with the same counter were taken", n)
		}
	})
}
