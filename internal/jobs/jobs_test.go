package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hawker/internal/cases"
	"hawker/internal/jobs"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var (
	noon      = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)
	errNotYet = errors.New("not yet")
)

// hands is a clock that only the test moves.
type hands struct{ now atomic.Int64 }

func newClock() *hands {
	h := &hands{}
	h.now.Store(noon.UnixMicro())
	return h
}

func (h *hands) Now() time.Time      { return time.UnixMicro(h.now.Load()).UTC() }
func (h *hands) Add(d time.Duration) { h.now.Add(d.Microseconds()) }

func runner(db *store.DB, c *hands, handlers map[string]jobs.Handler) *jobs.Runner {
	r := jobs.NewRunner(db, c.Now, slog.New(slog.DiscardHandler))
	for kind, h := range handlers {
		r.Handle(kind, h)
	}
	return r
}

func add(t testing.TB, db *store.DB, now time.Time, list ...jobs.Job) {
	t.Helper()
	for _, j := range list {
		if j.Merchant == 0 {
			j.Merchant = 1
		}
		if err := db.Write(t.Context(), func(tx *store.Tx) error { return jobs.Add(t.Context(), tx, now, j) }); err != nil {
			t.Fatal(err)
		}
	}
}

// job reads one back, done ones too.
func job(t testing.TB, db *store.DB, ref string) (j jobs.Job) {
	t.Helper()
	var due store.Time
	if err := db.Read().QueryRow(t.Context(), `SELECT merchant_id, kind, ref, state, tries, max_tries, due_at, last_error FROM jobs WHERE ref = $1`, ref).
		Scan(&j.Merchant, &j.Kind, &j.Ref, &j.State, &j.Tries, &j.MaxTries, &due, &j.Last); err != nil {
		t.Fatal(err)
	}
	j.Due = due.Time()
	return j
}

func openCases(t testing.TB, db *store.DB) []cases.Case {
	t.Helper()
	list, err := cases.List(t.Context(), db.Read())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAJobRunsWhenItIsDueAndOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		clock := newClock()
		var ran []string
		r := runner(db, clock, map[string]jobs.Handler{"k": func(_ context.Context, j jobs.Job) error {
			ran = append(ran, j.Ref)
			return nil
		}})
		add(t, db, noon, jobs.Job{Kind: "k", Ref: "second", MaxTries: 1, Due: noon.Add(time.Minute)},
			jobs.Job{Kind: "k", Ref: "first", MaxTries: 1}, jobs.Job{Kind: "k", Ref: "overdue", MaxTries: 1, Due: noon.Add(-time.Hour)})
		for _, c := range []struct {
			name string
			wait time.Duration
			want string
		}{
			{"what is due now", 0, "[first overdue]"},
			{"nothing twice", 0, "[]"},
			{"not a microsecond early", time.Minute - time.Microsecond, "[]"},
			{"at its very instant", time.Microsecond, "[second]"},
			{"never again", time.Hour, "[]"},
		} {
			clock.Add(c.wait)
			ran = []string{}
			n := r.RunDue(t.Context())
			if got := fmt.Sprint(ran); n != len(ran) || (got != c.want && got != "[overdue first]") {
				t.Errorf("%s: %d ran, %s, want %s", c.name, n, got, c.want)
			}
		}
		if left, err := jobs.List(t.Context(), db.Read()); err != nil || len(left) != 0 {
			t.Errorf("left: %+v, %v", left, err)
		}
	})
}

func TestAJobExistsOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		clock, runs := newClock(), 0
		r := runner(db, clock, map[string]jobs.Handler{"k": func(context.Context, jobs.Job) error { runs++; return nil }})
		first := jobs.Job{Kind: "k", Ref: "r", MaxTries: 3}
		add(t, db, noon, first, jobs.Job{Kind: "k", Ref: "r", MaxTries: 9, Due: noon.Add(time.Hour)})
		if j := job(t, db, "r"); j.MaxTries != 3 || !j.Due.Equal(noon) {
			t.Errorf("the second changed the first: %+v", j)
		}
		r.RunDue(t.Context())
		add(t, db, noon, first) // a job that is done stays so
		r.RunDue(t.Context())
		if runs != 1 {
			t.Errorf("it ran %d times", runs)
		}
		add(t, db, noon, jobs.Job{Merchant: 2, Kind: "k", Ref: "r", MaxTries: 1}) // another merchant's is another
		if r.RunDue(t.Context()); runs != 2 {
			t.Errorf("they ran %d times", runs)
		}
	})
}

func TestAJobIsTakenByOneOfManyRunners(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const nodes, work = 4, 40
		clock := newClock()
		for i := range work {
			add(t, db, noon, jobs.Job{Kind: "k", Ref: fmt.Sprint(i), MaxTries: 3})
		}
		var mu sync.Mutex
		runs := map[string]int{}
		all := make(chan struct{})
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range nodes {
			r := runner(db, clock, map[string]jobs.Handler{"k": func(_ context.Context, j jobs.Job) error {
				mu.Lock()
				defer mu.Unlock()
				if runs[j.Ref]++; len(runs) == work {
					select {
					case <-all:
					default:
						close(all)
					}
				}
				return nil
			}})
			r.Workers = 2
			wg.Go(func() { r.Run(ctx) })
		}
		<-all
		stop()
		wg.Wait()
		for ref, n := range runs {
			if n != 1 {
				t.Errorf("job %s ran %d times", ref, n)
			}
		}
		if left, err := jobs.List(t.Context(), db.Read()); err != nil || len(left) != 0 {
			t.Errorf("left: %+v, %v", left, err)
		}
	})
}

// stuck starts a worker that has a job in hand and never comes back, until the test ends.
func stuck(t *testing.T, db *store.DB, clock *hands, want int) {
	t.Helper()
	took, release, ended := make(chan jobs.Job), make(chan struct{}), make(chan struct{})
	r := runner(db, clock, map[string]jobs.Handler{"k": func(_ context.Context, j jobs.Job) error {
		took <- j
		<-release
		return errors.New("too late to matter")
	}})
	r.Lease = time.Hour // of real time: for the handler's own context
	go func() {
		defer close(ended)
		r.RunDue(context.WithoutCancel(t.Context()))
	}()
	t.Cleanup(func() { close(release); <-ended })
	if j := <-took; j.Tries != want {
		t.Errorf("it was given for the %d. time, want %d", j.Tries, want)
	}
}

func TestAJobIsGivenAgainWhenItsLeaseRunsOut(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		clock := newClock()
		add(t, db, noon, jobs.Job{Kind: "k", Ref: "r", MaxTries: 5})
		t.Run("while a worker is stuck", func(t *testing.T) {
			stuck(t, db, clock, 1)
			var tries []int
			other := runner(db, clock, map[string]jobs.Handler{"k": func(_ context.Context, j jobs.Job) error {
				tries = append(tries, j.Tries)
				return nil
			}})
			if clock.Add(time.Hour - time.Microsecond); other.RunDue(t.Context()) != 0 {
				t.Error("it was given twice at once")
			}
			if clock.Add(time.Microsecond); other.RunDue(t.Context()) != 1 || fmt.Sprint(tries) != "[2]" {
				t.Errorf("after the lease it was given for tries %v", tries)
			}
		}) // here the stuck worker comes back and reports a failure
		if j := job(t, db, "r"); j.State != jobs.Done || j.Tries != 2 || j.Last != "" {
			t.Errorf("the late worker changed what the other did: %+v", j)
		}
	})
}

func TestAJobWhoseWorkersAlwaysDieIsExhausted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		clock := newClock()
		add(t, db, noon, jobs.Job{Kind: "k", Ref: "r", MaxTries: 2})
		t.Run("while two workers are stuck", func(t *testing.T) {
			stuck(t, db, clock, 1)
			clock.Add(time.Hour)
			stuck(t, db, clock, 2)
			clock.Add(time.Hour)
			third := runner(db, clock, map[string]jobs.Handler{"k": func(context.Context, jobs.Job) error {
				t.Error("it was tried for ever")
				return nil
			}})
			third.RunDue(t.Context())
			third.RunDue(t.Context())
		})
		if j := job(t, db, "r"); j.State != jobs.Exhausted || j.Tries != 2 {
			t.Errorf("got %+v", j)
		}
		if list := openCases(t, db); len(list) != 1 || list[0].Kind != "k exhausted" || list[0].Ref != "r" {
			t.Errorf("cases: %+v", list)
		}
	})
}

func TestBackoffGrowsAndIsBounded(t *testing.T) {
	t.Parallel()
	if jobs.Backoff(1) != time.Second || jobs.Backoff(0) != time.Second || jobs.Backoff(-5) != time.Second {
		t.Error("the first try again is not after a second")
	}
	for n := 1; n < 200; n++ {
		if jobs.Backoff(n+1) < jobs.Backoff(n) || jobs.Backoff(n) > 10*time.Minute {
			t.Errorf("after try %d: %v, then %v", n, jobs.Backoff(n), jobs.Backoff(n+1))
		}
	}
}

func TestAFailedJobIsTriedAgainAfterItsBackoffUntilItIsExhausted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		clock, failing := newClock(), true
		r := runner(db, clock, map[string]jobs.Handler{"k": func(_ context.Context, j jobs.Job) error {
			if failing {
				return fmt.Errorf("try %d: %w", j.Tries, errNotYet)
			}
			return nil
		}})
		add(t, db, noon, jobs.Job{Merchant: 3, Kind: "k", Ref: "r", MaxTries: 4})
		for try := 1; try <= 4; try++ {
			if n := r.RunDue(t.Context()); n != 1 {
				t.Fatalf("try %d: %d ran", try, n)
			}
			j := job(t, db, "r")
			if j.Tries != try || j.Last != fmt.Sprintf("try %d: not yet", try) || !j.Due.Equal(clock.Now().Add(jobs.Backoff(try))) {
				t.Errorf("after try %d: %+v", try, j)
			}
			if want := map[bool]jobs.State{false: jobs.Waiting, true: jobs.Exhausted}[try == 4]; j.State != want {
				t.Errorf("after try %d it is %s", try, j.State)
			}
			clock.Add(jobs.Backoff(try) - time.Microsecond)
			if n := r.RunDue(t.Context()); n != 0 {
				t.Errorf("after try %d it came back too early", try)
			}
			clock.Add(time.Microsecond)
		}
		if n := r.RunDue(t.Context()); n != 0 {
			t.Error("it was tried once too often")
		}
		list := openCases(t, db)
		if len(list) != 1 || list[0].Merchant != 3 || list[0].Kind != "k exhausted" || list[0].Ref != "r" || !strings.Contains(list[0].Detail, "4 tries: try 4: not yet") {
			t.Fatalf("cases: %+v", list)
		}
		retry := func(merchant int64, kind, ref string) (n int64) {
			if err := db.Write(t.Context(), func(tx *store.Tx) (err error) {
				n, err = jobs.Retry(t.Context(), tx, merchant, kind, ref, clock.Now())
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if retry(1, "k", "r")+retry(3, "x", "r")+retry(3, "k", "x") != 0 {
			t.Error("Retry touched another job")
		}
		if n := retry(3, "k", "r"); n != 1 {
			t.Errorf("Retry found %d", n)
		}
		if n := retry(3, "k", "r"); n != 0 {
			t.Error("a waiting job was retried")
		}
		if r.RunDue(t.Context()); job(t, db, "r").Tries != 1 || len(openCases(t, db)) != 1 {
			t.Errorf("after Retry: %+v", job(t, db, "r"))
		}
		failing = false
		clock.Add(time.Hour)
		if r.RunDue(t.Context()); job(t, db, "r").State != jobs.Done || len(openCases(t, db)) != 0 {
			t.Errorf("in the end: %+v, cases %+v", job(t, db, "r"), openCases(t, db))
		}
		if n := retry(3, "k", "r"); n != 0 {
			t.Error("a job that is done was retried")
		}
	})
}

func TestEveryJobEndsDoneOrAsAnOpenCase(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const work, tries = 40, 3
		clock, runs := newClock(), map[string]int{}
		r := runner(db, clock, map[string]jobs.Handler{"k": func(_ context.Context, j jobs.Job) error {
			runs[j.Ref]++
			var needs int // how many tries this one takes
			if _, err := fmt.Sscan(j.Ref, &needs); err != nil {
				return err
			}
			if runs[j.Ref] < needs%5+1 {
				return errNotYet
			}
			return nil
		}})
		for i := range work {
			add(t, db, noon, jobs.Job{Kind: "k", Ref: fmt.Sprint(i), MaxTries: tries})
		}
		for range tries {
			r.RunDue(t.Context())
			clock.Add(time.Hour)
		}
		for i := range work {
			j := job(t, db, fmt.Sprint(i))
			want := jobs.Done
			if i%5+1 > tries {
				want = jobs.Exhausted
			}
			if j.State != want || j.Tries != min(i%5+1, tries) || j.Tries != runs[j.Ref] {
				t.Errorf("job %d: %+v after %d runs", i, j, runs[j.Ref])
			}
		}
		left, err := jobs.List(t.Context(), db.Read())
		if err != nil || len(left) != work*2/5 || len(openCases(t, db)) != len(left) {
			t.Errorf("%d exhausted, %d cases, %v", len(left), len(openCases(t, db)), err)
		}
	})
}

func TestAPoisonousJobBlocksNobody(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		kind   string
		poison jobs.Handler
		last   string // what is recorded
	}{
		{"it panics", "p", func(context.Context, jobs.Job) error { panic("broken") }, "panic: broken"},
		{"it panics with nil in hand", "p", func(context.Context, jobs.Job) error { var j *jobs.Job; return errors.New(j.Ref) }, "panic: runtime error"},
		{"it ends its goroutine", "p", func(context.Context, jobs.Job) error { runtime.Goexit(); return nil }, "without an answer"},
		{"nobody handles its kind", "unknown", nil, `no handler for jobs of kind "unknown"`},
		{"its error is not text", "p", func(context.Context, jobs.Job) error { return errors.New("\x00\xff\xfe from a stranger") }, "from a stranger"},
		{"its error is endless", "p", func(context.Context, jobs.Job) error { return errors.New(strings.Repeat("付", 100_000)) }, "付"},
		{"its error says nothing", "p", func(context.Context, jobs.Job) error { return errors.New("") }, ""},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		clock := newClock()
		for i, c := range rows {
			good := 0
			r := runner(db, clock, map[string]jobs.Handler{"p": c.poison, "k": func(context.Context, jobs.Job) error { good++; return nil }})
			poison := fmt.Sprint("poison ", i)
			add(t, db, clock.Now(), jobs.Job{Kind: c.kind, Ref: poison, MaxTries: 2})
			clock.Add(time.Microsecond)
			add(t, db, clock.Now(), jobs.Job{Kind: "k", Ref: fmt.Sprint("good ", i), MaxTries: 1})
			if n := r.RunDue(t.Context()); n != 2 || good != 1 {
				t.Errorf("%s: %d ran, %d of them good", c.name, n, good)
			}
			j := job(t, db, poison)
			if j.State != jobs.Waiting || !strings.Contains(j.Last, c.last) || len(j.Last) > 1100 || !j.Due.Equal(clock.Now().Add(jobs.Backoff(1))) {
				t.Errorf("%s: after the first try: %+v", c.name, j)
			}
			clock.Add(time.Hour)
			if r.RunDue(t.Context()); job(t, db, poison).State != jobs.Exhausted || len(openCases(t, db)) != i+1 {
				t.Errorf("%s: in the end: %+v", c.name, job(t, db, poison))
			}
		}
	})
}
