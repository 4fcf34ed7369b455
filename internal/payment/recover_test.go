package payment_test

import (
	"context"
	"testing"
	"time"

	"hawker/internal/channel"
	"hawker/internal/feelock/feelocktest"
	"hawker/internal/jobs"
	"hawker/internal/nodes"
	"hawker/internal/payment"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

// TestWhatADeadNodeLeftIsFoundByAnotherOne has a node die with a sale at the bank: one that
// lives takes the sale over once the heartbeats have ended, and not before, even when its own
// clock stands behind the dead one's.
func TestWhatADeadNodeLeftIsFoundByAnotherOne(t *testing.T) {
	t.Parallel()
	for name, skew := range map[string]time.Duration{"clocks agree": 0, "the dead one's clock was ahead": time.Hour, "the dead one's clock was behind": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db, "CNY")
				watch := payment.Watch{Started: w.clock(), Dead: 10 * time.Second, Late: 40 * time.Second}
				engine := func(id nodes.ID, c channel.Channel, skew time.Duration) *payment.Engine {
					clock := func() time.Time { return w.clock().Add(skew) }
					e := payment.New(payment.Config{DB: w.db, Clock: clock, Fees: feelocktest.Open(w.db, clock), Card: c, Jobs: jobs.NewRunner(w.db, clock, discard), Log: discard, Metrics: noMetrics{}, Node: id})
					e.Sit(nodes.Place(id))
					return e
				}
				beat := func(e *payment.Engine, want int) {
					t.Helper()
					if n, err := e.Beat(t.Context(), watch); err != nil || n != want {
						t.Fatalf("%d attempts were taken over, %v; want %d", n, err, want)
					}
				}
				hold, ended := make(chan struct{}), make(chan struct{})
				dying := &stuck{bank: w.bank, kind: channel.Sale, sent: make(chan struct{}), hold: hold}
				mortal, other := engine(7, dying, skew), engine(8, w.bank, 0)
				ahead := max(skew, 0) // a heartbeat from the future is fresh for so much longer
				beat(other, 0)
				if n, err := mortal.Beat(t.Context(), payment.Watch{Started: w.clock().Add(skew), Dead: 3 * time.Hour, Late: 40 * time.Second}); err != nil || n != 0 {
					t.Fatal(n, err)
				}
				go func() {
					defer close(ended)
					_, _ = mortal.Sale(context.Background(), w.saleRequest(w.source(), 500))
				}()
				<-dying.sent
				if skew >= 0 {
					w.pass(5 * time.Second)
					beat(other, 0)
				}
				w.pass(ahead + 6*time.Second)
				beat(other, 1)
				beat(other, 0)
				known, err := nodes.All(t.Context(), db.Read())
				if err != nil || len(known) != 1 || known[0].ID != 8 {
					t.Fatalf("known are %+v, %v", known, err)
				}
				close(hold)
				<-ended
			})
		})
	}
}

// TestANodeKnowsHowFarItsAttemptsHaveOutcomes watches the mark from which attempts are looked at after a crash.
func TestANodeKnowsHowFarItsAttemptsHaveOutcomes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, "CNY")
		hold, ended := make(chan struct{}), make(chan struct{})
		slow := &stuck{bank: w.bank, kind: channel.Sale, sent: make(chan struct{}), hold: hold}
		e := payment.New(payment.Config{DB: db, Clock: w.clock, Fees: feelocktest.Open(db, w.clock), Card: slow, Jobs: jobs.NewRunner(db, w.clock, discard), Log: discard, Metrics: noMetrics{}, Node: 7})
		e.Sit(nodes.Place(1))
		watch := payment.Watch{Started: w.clock(), Dead: 10 * time.Second, Late: 40 * time.Second}
		mark := func() int64 {
			t.Helper()
			if _, err := e.Beat(t.Context(), watch); err != nil {
				t.Fatal(err)
			}
			known, err := nodes.All(t.Context(), db.Read())
			if err != nil || len(known) != 1 {
				t.Fatal(known, err)
			}
			return known[0].Settled
		}
		mark()
		go func() {
			defer close(ended)
			_, _ = e.Sale(context.Background(), w.saleRequest(w.source(), 500))
		}()
		<-slow.sent
		w.pass(time.Hour)
		if at, sale := mark(), w.count("SELECT MIN(attempt_id) FROM attempts"); at > int64(sale) {
			t.Errorf("the mark stands at %d, after sale %d, which is still at the bank", at, sale)
		}
		close(hold)
		<-ended
		if at := mark(); at != store.IDAt(w.clock().Add(-watch.Late)) {
			t.Errorf("nothing is in flight, and the mark stands at %d", at)
		}
	})
}
