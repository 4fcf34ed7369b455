package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"hawker/internal/app"
	"hawker/internal/merchant"
	"hawker/internal/sandbox/cards"
)

// phase is how far a run is.
type phase int32

const (
	warming phase = iota
	measuring
	stopping
)

// asker is a terminal or a program that asks for one payment after another.
type asker interface {
	// work asks until the load stops. An error ends the whole run: it says that the
	// server broke off or broke the protocol, not that it was slow or refused.
	work(l *load) error
	hangUp()
	tally() *noted
}

// noted is what one asker was told.
type noted struct {
	name     string
	merchant merchant.ID
	latency  Histogram      // of what was approved in the measured time
	declined map[string]int // answers in the measured time that approved nothing, by their code
	count    int            // of all approved, warm-up included
	sum      int64          // fen
}

func (n *noted) tally() *noted { return n }

// load is all askers together.
type load struct {
	askers  []asker
	phase   atomic.Int32
	paid    atomic.Int64 // approved payments, warm-up included
	refused atomic.Int64 // answers that approved nothing
}

func (l *load) now() phase { return phase(l.phase.Load()) }

// signedOn dials every device, a few at a time, and signs it on. Every card
// belongs to one terminal, or to several when there are fewer cards than terminals.
func signedOn(ctx context.Context, address string, devices []app.Device, all []cards.Card) (*load, error) {
	return dialled(len(devices), func(i int) (asker, error) {
		d := devices[i]
		mine := []cards.Card{all[i%len(all)]}
		for at := i + len(devices); at < len(all); at += len(devices) {
			mine = append(mine, all[at])
		}
		return dial(ctx, address, d, mine)
	})
}

// dialled makes so many askers, a few at a time.
func dialled(n int, dial func(i int) (asker, error)) (*load, error) {
	l := &load{askers: make([]asker, n)}
	failed := make([]error, n)
	slots := make(chan struct{}, 16)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if a, err := dial(i); err != nil {
				failed[i] = err
			} else {
				l.askers[i] = a
			}
		})
	}
	wg.Wait()
	if err := errors.Join(failed...); err != nil {
		l.hangUp()
		return nil, err
	}
	return l, nil
}

// hangUp ends every connection; it may be called again.
func (l *load) hangUp() {
	for _, a := range l.askers {
		if a != nil {
			a.hangUp()
		}
	}
}

// patience is how long answers may take after the load has stopped.
const patience = time.Minute

// run loads the server: warm-up, then the measured time between before and after.
// It returns when every asker has the answer to its last payment.
func (l *load) run(ctx context.Context, warmup, duration time.Duration, before, after func()) error {
	ctx, broken := context.WithCancelCause(ctx)
	defer broken(nil)
	var wg sync.WaitGroup
	for _, a := range l.askers {
		wg.Go(func() {
			if err := a.work(l); err != nil {
				broken(fmt.Errorf("%s: %w", a.tally().name, err))
			}
		})
	}
	wait(ctx, warmup)
	before()
	l.phase.Store(int32(measuring))
	wait(ctx, duration)
	l.phase.Store(int32(stopping))
	after()
	giveUp := time.AfterFunc(patience, func() { broken(fmt.Errorf("no answer within %s of the end", patience)) })
	defer giveUp.Stop()
	unblock := context.AfterFunc(ctx, l.hangUp)
	wg.Wait()
	unblock()
	return context.Cause(ctx)
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// latency is all askers' together.
func (l *load) latency() *Histogram {
	var all Histogram
	for _, a := range l.askers {
		all.Add(&a.tally().latency)
	}
	return &all
}

// declined counts the measured time's answers that approved nothing, by their code.
func (l *load) declined() map[string]int {
	all := map[string]int{}
	for _, a := range l.askers {
		for code, n := range a.tally().declined {
			all[code] += n
		}
	}
	return all
}

// note counts an answer: its time if it came in the measured time, its money always.
// Its code is "" when the payment was approved.
func (l *load) note(n *noted, code string, amount int64, took time.Duration) {
	measured := l.now() == measuring
	if code != "" {
		l.refused.Add(1)
		if measured {
			n.declined[code]++
		}
		return
	}
	n.count++
	n.sum += amount
	l.paid.Add(1)
	if measured {
		n.latency.Record(took)
	}
}

// amountOf spreads payments from 10.00 to 89.99: none meets an amount at which the
// simulated network misbehaves.
func amountOf(n int) int64 { return 1000 + int64(n)*37%8000 }
