package nodes_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"hawker/internal/nodes"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

var noon = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

// dead is how long a place is kept for who gives no sign of life.
const dead = 10 * time.Second

// sit is one sign of life at an instant.
func sit(db *store.DB, id nodes.ID, life nodes.Life, at time.Time) (p nodes.Place, err error) {
	ctx := context.Background()
	err = db.Write(ctx, func(tx *store.Tx) (err error) {
		p, err = nodes.Sit(ctx, tx, id, life, at, at.Add(-dead))
		return err
	})
	return p, err
}

func TestNoTwoLivingNodesShareAPlace(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		lives := make([]nodes.Life, nodes.Places)
		places := make([]nodes.Place, nodes.Places)
		var wg sync.WaitGroup
		for i := range nodes.Places { // all at once
			lives[i] = nodes.NewLife()
			wg.Go(func() {
				var err error
				if places[i], err = sit(db, nodes.ID(i+1), lives[i], noon); err != nil {
					t.Errorf("node %d: %v", i+1, err)
				}
			})
		}
		wg.Wait()
		taken := map[nodes.Place]bool{}
		for i, p := range places {
			if p < 0 || p >= nodes.Places || taken[p] {
				t.Errorf("node %d has place %d, which is taken or none", i+1, p)
			}
			taken[p] = true
		}
		if p, err := sit(db, 99, nodes.NewLife(), noon.Add(dead)); !errors.Is(err, nodes.ErrNoPlace) {
			t.Errorf("one node too many has place %d, %v", p, err)
		}
		for i := 1; i < nodes.Places; i++ { // all but the first live on
			if p, err := sit(db, nodes.ID(i+1), lives[i], noon.Add(dead)); err != nil || p != places[i] {
				t.Errorf("node %d had place %d, has %d, %v", i+1, places[i], p, err)
			}
		}
		if p, err := sit(db, 99, nodes.NewLife(), noon.Add(dead+time.Microsecond)); err != nil || p != places[0] {
			t.Errorf("the dead one had place %d, the new one has %d, %v", places[0], p, err)
		}
		if p, err := sit(db, 1, lives[0], noon.Add(dead+time.Second)); !errors.Is(err, nodes.ErrNoPlace) {
			t.Errorf("who was taken for dead sits beside another, on %d, %v", p, err)
		}
	})
}

func TestANodeThatStartsAgainSitsElsewhere(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		other := nodes.NewLife()
		theirs, err := sit(db, 2, other, noon)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[nodes.Place]bool{theirs: true}
		for i := range nodes.Places - 1 { // killed and started within one second
			p, err := sit(db, 1, nodes.NewLife(), noon.Add(time.Duration(i)*time.Millisecond))
			if err != nil || seen[p] {
				t.Fatalf("life %d has place %d again, %v", i, p, err)
			}
			seen[p] = true
		}
		for i := range 3 * nodes.Places { // it never runs out of places, nor takes another's
			if p, err := sit(db, 1, nodes.NewLife(), noon.Add(time.Second+time.Duration(i)*time.Millisecond)); err != nil || p == theirs {
				t.Fatalf("life %d has place %d, %v", i, p, err)
			}
		}
		if p, err := sit(db, 2, other, noon.Add(2*time.Second)); err != nil || p != theirs {
			t.Fatalf("the other had place %d, has %d, %v", theirs, p, err)
		}
	})
}
