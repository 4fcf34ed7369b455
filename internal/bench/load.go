package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"hawker/internal/app"
	"hawker/internal/sandbox/cards"
)

// phase is how far a run is.
type phase int32

const (
	warming phase = iota
	measuring
	stopping
)

// load is all terminals together.
type load struct {
	terminals []*terminal
	phase     atomic.Int32
	paid      atomic.Int64 // approved sales, warm-up included
	refused   atomic.Int64 // answers other than 00
}

func (l *load) now() phase { return phase(l.phase.Load()) }

// signedOn dials every device, a few at a time, and signs it on. Every card
// belongs to one terminal, or to several when there are fewer cards than terminals.
func signedOn(ctx context.Context, address string, devices []app.Device, all []cards.Card) (*load, error) {
	l := &load{terminals: make([]*terminal, len(devices))}
	failed := make([]error, len(devices))
	slots := make(chan struct{}, 16)
	var wg sync.WaitGroup
	for i, d := range devices {
		mine := []cards.Card{all[i%len(all)]}
		for at := i + len(devices); at < len(all); at += len(devices) {
			mine = append(mine, all[at])
		}
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			l.terminals[i], failed[i] = dial(ctx, address, d, mine)
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
	for _, t := range l.terminals {
		if t != nil {
			_ = t.conn.Close() // nothing is expected of it any more
		}
	}
}

// patience is how long answers may take after the load has stopped.
const patience = time.Minute

// run loads the server: warm-up, then the measured time between before and after.
// It returns when every terminal has the answer to its last sale.
func (l *load) run(ctx context.Context, warmup, duration time.Duration, before, after func()) error {
	ctx, broken := context.WithCancelCause(ctx)
	defer broken(nil)
	var wg sync.WaitGroup
	for _, t := range l.terminals {
		wg.Go(func() {
			if err := t.work(l); err != nil {
				broken(fmt.Errorf("terminal %s/%s: %w", t.MID, t.TID, err))
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

// latency is all terminals' together.
func (l *load) latency() *Histogram {
	var all Histogram
	for _, t := range l.terminals {
		all.Add(&t.latency)
	}
	return &all
}

// declined counts the measured time's answers other than 00, by response code.
func (l *load) declined() map[string]int {
	all := map[string]int{}
	for _, t := range l.terminals {
		for code, n := range t.declined {
			all[code] += n
		}
	}
	return all
}
