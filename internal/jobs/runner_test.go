package jobs_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hawker/internal/jobs"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

// short is a lease of real time for handlers that use it up.
const short = 50 * time.Millisecond

func TestAHandlerThatUsesUpItsLeaseIsRecordedAsFailed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		clock := newClock()
		r := runner(db, clock, map[string]jobs.Handler{"k": func(ctx context.Context, _ jobs.Job) error {
			<-ctx.Done()
			return ctx.Err()
		}})
		r.Lease = short
		add(t, db, noon, jobs.Job{Kind: "k", Ref: "r", MaxTries: 2})
		r.RunDue(t.Context())
		// Whether the handler or the runner saw the end first, there is a reason, and the next try has its backoff.
		if j := job(t, db, "r"); j.Last == "" || j.State != jobs.Waiting || !j.Due.Equal(noon.Add(jobs.Backoff(1))) {
			t.Errorf("got %+v", j)
		}
	})
}

func TestAHandlerThatHangsKeepsNoWorker(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		clock, release, good := newClock(), make(chan struct{}), make(chan struct{})
		defer close(release)
		r := runner(db, clock, map[string]jobs.Handler{
			"hang": func(context.Context, jobs.Job) error { <-release; return nil },
			"k":    func(context.Context, jobs.Job) error { close(good); return nil },
		})
		r.Workers, r.Lease = 1, short
		add(t, db, noon, jobs.Job{Kind: "hang", Ref: "1", MaxTries: 1}, jobs.Job{Kind: "hang", Ref: "2", MaxTries: 1},
			jobs.Job{Kind: "k", Ref: "good", MaxTries: 1, Due: noon.Add(time.Microsecond)})
		clock.Add(time.Millisecond)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); r.Run(ctx) }()
		<-good
		stop()
		<-ended
		if list := openCases(t, db); len(list) != 2 {
			t.Errorf("cases: %+v", list)
		}
	})
}

// Not parallel: it counts the goroutines of the whole process.
func TestRunStopsWhenToldAndFinishesWhatItHasInHand(t *testing.T) {
	for name, open := range map[string]func(testing.TB) *store.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			db, clock := open(t), newClock()
			before := goleak.IgnoreCurrent()
			began, release, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
			r := runner(db, clock, map[string]jobs.Handler{"k": func(ctx context.Context, _ jobs.Job) error {
				close(began)
				<-release
				return ctx.Err() // shutting down does not cancel the work
			}})
			r.Poll = time.Hour // Wake alone makes it look
			ctx, stop := context.WithCancel(t.Context())
			go func() { defer close(ended); r.Run(ctx) }()
			add(t, db, noon, jobs.Job{Kind: "k", Ref: "r", MaxTries: 1})
			r.Wake()
			<-began
			stop()
			add(t, db, noon, jobs.Job{Kind: "k", Ref: "later", MaxTries: 1})
			r.Wake()
			select {
			case <-ended:
				t.Error("it left a job in hand")
			default:
			}
			close(release)
			<-ended
			if j := job(t, db, "r"); j.State != jobs.Done {
				t.Errorf("the job in hand: %+v", j)
			}
			if j := job(t, db, "later"); j.Tries != 0 {
				t.Errorf("it took a job after it was told to stop: %+v", j)
			}
			goleak.VerifyNone(t, before)
		})
	}
}

func TestWorkAddedBeforeRunNeedsNoWaking(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		clock := newClock()
		add(t, db, noon, jobs.Job{Kind: "k", Ref: "r", MaxTries: 1})
		ran, ended := make(chan struct{}), make(chan struct{})
		r := runner(db, clock, map[string]jobs.Handler{"k": func(context.Context, jobs.Job) error { close(ran); return nil }})
		r.Poll = time.Hour
		ctx, stop := context.WithCancel(t.Context())
		go func() { defer close(ended); r.Run(ctx) }()
		<-ran
		stop()
		<-ended
	})
}
