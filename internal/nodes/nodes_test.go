package nodes_test

import (
	"slices"
	"testing"
	"time"

	"hawker/internal/nodes"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func TestNodesAreKnownUntilNothingOfTheirsIsLeft(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
		at := func(s int) time.Time { return now.Add(time.Duration(s) * time.Second) }
		write := func(do func(tx *store.Tx) error) {
			t.Helper()
			if err := db.Write(t.Context(), do); err != nil {
				t.Fatal(err)
			}
		}
		beat := func(id nodes.ID, at time.Time, settled int64) {
			t.Helper()
			write(func(tx *store.Tx) error { return nodes.Beat(t.Context(), tx, id, at, settled) })
		}
		known := func(want ...nodes.Node) {
			t.Helper()
			got, err := nodes.All(t.Context(), db.Read())
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("known are %v, %v; want %v", got, err, want)
			}
		}
		for i := range 3 {
			beat(nodes.ID(i+1), at(i), int64(i*10))
		}
		beat(1, at(5), 99) // not news: where its attempts begin is known
		write(func(tx *store.Tx) error { return nodes.Leave(t.Context(), tx, 3) })
		known(nodes.Node{ID: 1, Seen: at(5)}, nodes.Node{ID: 2, Seen: at(1), Settled: 10}, nodes.Node{ID: 3, Settled: 20})
		dead, err := nodes.All(t.Context(), db.Read())
		if err != nil {
			t.Fatal(err)
		}
		beat(2, at(6), 7) // it was frozen, not dead, and its clock went back
		write(func(tx *store.Tx) error { return nodes.Settle(t.Context(), tx, 1, 44, dead[1:]...) })
		known(nodes.Node{ID: 1, Seen: at(5), Settled: 44}, nodes.Node{ID: 2, Seen: at(6), Settled: 7})
	})
}
