package nodes_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"hawker/internal/nodes"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func TestANodeLivesWhileItsHeartbeatIsFresh(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
		write := func(do func(tx *store.Tx) error) {
			t.Helper()
			if err := db.Write(t.Context(), do); err != nil {
				t.Fatal(err)
			}
		}
		alive := func(since time.Time) []nodes.ID {
			t.Helper()
			m, err := nodes.Alive(t.Context(), db.Read(), since)
			if err != nil {
				t.Fatal(err)
			}
			return slices.Sorted(maps.Keys(m))
		}
		for i, id := range []nodes.ID{1, 2, 3} {
			write(func(tx *store.Tx) error {
				return nodes.Beat(t.Context(), tx, id, now.Add(time.Duration(i)*time.Second))
			})
		}
		write(func(tx *store.Tx) error { return nodes.Beat(t.Context(), tx, 1, now.Add(5*time.Second)) })
		write(func(tx *store.Tx) error { return nodes.Leave(t.Context(), tx, 3) })
		if got := alive(now.Add(2 * time.Second)); !slices.Equal(got, []nodes.ID{1}) {
			t.Errorf("alive are %v", got)
		}
		if got := alive(now); !slices.Equal(got, []nodes.ID{1, 2}) {
			t.Errorf("alive are %v", got)
		}
	})
}
