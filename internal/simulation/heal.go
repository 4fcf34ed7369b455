package simulation

import (
	"fmt"
	"sync"
	"time"

	"hawker/internal/jobs"
	"hawker/internal/payment"
)

// Healing is bounded in virtual time: stragglers arrive, then everybody ends what is
// pending, then the system comes to rest.
const (
	aMoment = 50 * time.Second // longer than a death, a silence of the bank, or a late answer of its
	longest = 40 * time.Minute
)

// heal ends all faults and waits until nothing is pending.
func (w *world) heal() error {
	w.journal.add("the weather clears")
	w.calm.Store(true)
	w.setClocks()
	time.Sleep(w.toHosts.weather.longest + w.toBank.weather.longest + aMoment)
	errs := make(chan error, len(w.actors))
	var mending sync.WaitGroup
	for _, a := range w.actors {
		mending.Go(func() { errs <- a.mend() })
	}
	mending.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return w.rest()
}

// setClocks puts every host on one time: after all that any of them has written, and a
// day later, so that what was put off by a clock that was ahead is due.
func (w *world) setClocks() {
	ahead := time.Duration(0)
	for _, h := range w.hosts {
		_, most := h.clock.wrong()
		ahead = max(ahead, most)
	}
	for _, h := range w.hosts {
		now, _ := h.clock.wrong()
		h.clock.set(ahead + 24*time.Hour - now)
	}
}

// rest waits until nothing is under way.
func (w *world) rest() error {
	until := time.Now().Add(longest)
	for {
		under, err := payment.UnderWay(w.ctx, w.read())
		if err != nil {
			return err
		}
		waiting, err := jobs.List(w.ctx, w.read())
		if err != nil {
			return err
		}
		if len(under)+len(waiting) == 0 {
			return nil
		}
		if time.Now().After(until) {
			return unrest(under, waiting)
		}
		time.Sleep(10 * time.Second)
	}
}

// unrest names the first thing that does not end.
func unrest(under []payment.Attempt, waiting []jobs.Job) error {
	if len(under) > 0 {
		a := under[0]
		return fmt.Errorf("no rest: %d attempts and %d jobs; first %s %s/%06d/%06d of %s is %s", len(under), len(waiting), a.Kind, a.Terminal, a.Batch, a.Trace, a.Amount, a.State)
	}
	j := waiting[0]
	return fmt.Errorf("no rest: %d jobs; first a %s, %s after %d tries: %s", len(waiting), j.Kind, j.State, j.Tries, j.Last)
}
