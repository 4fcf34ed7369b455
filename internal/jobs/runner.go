package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"hawker/internal/clock"
	"hawker/internal/store"
)

// Handler does a job. nil means done; an error means try again later. It must be
// safe to run twice, because a worker may die after the work and before the mark.
type Handler func(ctx context.Context, j Job) error

// Backoff is how long after the n-th try (from 1) the next one is due.
func Backoff(n int) time.Duration {
	steps := [...]time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute}
	return steps[min(max(n, 1), len(steps))-1]
}

// paced is an end of a try that says itself when the next one is due.
type paced struct {
	error
	pause time.Duration
}

func (p *paced) Unwrap() error { return p.error }

// After makes an error of a handler that is no failure but a wait: the next try is due
// after pause instead of Backoff's. It counts as a try, as every other.
func After(pause time.Duration, err error) error { return &paced{err, pause} }

// Runner takes due jobs and runs them, a few at once, so that one that hangs blocks nobody.
type Runner struct {
	db       *store.DB
	now      clock.Clock
	log      *slog.Logger
	handlers map[string]Handler
	wake     chan struct{}
	only     string // the kind it takes; "" for any
	not      string // kinds that runners apart take: ",a,b,"; "," for none

	Workers int                         // how many jobs at once; 8 unless set
	Lease   time.Duration               // a worker has a job this long, its handler nine tenths of it; a minute unless set
	Poll    time.Duration               // how often to look without being woken; a second unless set
	Backoff func(try int) time.Duration // Backoff unless set
}

// NewRunner makes a runner. Handlers must be registered before Run.
func NewRunner(db *store.DB, now clock.Clock, log *slog.Logger) *Runner {
	return &Runner{db: db, now: now, log: log, handlers: map[string]Handler{}, wake: make(chan struct{}, 1), not: ",",
		Workers: 8, Lease: time.Minute, Poll: time.Second, Backoff: Backoff}
}

// Handle registers the handler of a kind.
func (r *Runner) Handle(kind string, h Handler) { r.handlers[kind] = h }

// Apart makes a runner for one kind of job, which r then leaves alone: for work that waits
// for strangers, so that they never keep money waiting. It runs beside r.
func (r *Runner) Apart(kind string, h Handler) *Runner {
	r.not += kind + ","
	a := NewRunner(r.db, r.now, r.log)
	a.only = kind
	a.Handle(kind, h)
	return a
}

// Wake makes Run look at once, because a job was added.
func (r *Runner) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends and then waits for the jobs in hand.
func (r *Runner) Run(ctx context.Context) {
	tick := time.NewTicker(r.Poll)
	defer tick.Stop()
	slots := make(chan struct{}, r.Workers)
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		free := cap(slots) - len(slots)
		var list []Job
		if free > 0 {
			list = r.due(ctx, free)
		}
		for _, j := range list {
			slots <- struct{}{}
			wg.Go(func() {
				r.do(ctx, j)
				<-slots
				r.Wake()
			})
		}
		if len(list) > 0 && len(list) == free {
			continue // there may be more
		}
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		case <-tick.C:
		}
	}
}

// RunDue runs every job that is due now, one after another, and returns how many: for tests and tools.
func (r *Runner) RunDue(ctx context.Context) int {
	list := r.due(ctx, 1000)
	for _, j := range list {
		r.do(ctx, j)
	}
	return len(list)
}

func (r *Runner) due(ctx context.Context, limit int) (list []Job) {
	err := r.db.Write(ctx, func(tx *store.Tx) (err error) {
		list, err = take(ctx, tx, r.now(), r.Lease, limit, r.only, r.not)
		return err
	})
	if err != nil {
		if ctx.Err() == nil {
			r.log.Error("jobs cannot be taken", "err", err)
		}
		return nil
	}
	return list
}

// markTime is how long the end of a job may take to be recorded. It is not taken from
// the lease, which the work may have used up.
const markTime = 10 * time.Second

func (r *Runner) do(ctx context.Context, j Job) {
	ctx = context.WithoutCancel(ctx) // the work and its mark outlive a shutdown that begins meanwhile
	failure := r.call(ctx, j)
	now := r.now()
	var p *paced
	patient := errors.As(failure, &p)
	if failure != nil && !patient {
		r.log.Warn("job failed", "kind", j.Kind, "ref", j.Ref, "try", j.Tries, "of", j.MaxTries, "err", failure)
	}
	pause := r.Backoff(j.Tries)
	if patient {
		pause = p.pause
	}
	ctx, cancel := context.WithTimeout(ctx, markTime)
	defer cancel()
	if err := r.db.Write(ctx, func(tx *store.Tx) error {
		return finish(ctx, tx, j, failure, now.Add(pause), now)
	}); err != nil {
		r.log.Error("job's end cannot be recorded; its lease will run out", "kind", j.Kind, "ref", j.Ref, "err", err)
	}
}

// call runs the handler. One that does not heed its context is left alone when the
// lease ends, so that it does not keep a worker from other jobs.
func (r *Runner) call(ctx context.Context, j Job) error {
	h, ok := r.handlers[j.Kind]
	if !ok {
		return fmt.Errorf("no handler for jobs of kind %q", j.Kind)
	}
	ctx, cancel := context.WithTimeout(ctx, r.Lease-r.Lease/10)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		err := errors.New("the handler ended without an answer")
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v", p)
			}
			ended <- err
		}()
		err = h(ctx, j)
	}()
	lease := time.NewTimer(r.Lease)
	defer lease.Stop()
	select {
	case err := <-ended:
		return err
	case <-lease.C:
		return errors.New("still running when its lease ended")
	}
}
