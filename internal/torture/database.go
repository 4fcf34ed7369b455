package torture

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"time"
)

// The databases that a run can be made on.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// database is a PostgreSQL that the conductor started for itself.
type database interface {
	Address() string // its URL
	Dir() string     // where it keeps its files
	Kill() error
	Restart(context.Context) error
	Signal(syscall.Signal) error
	Ended() bool // by itself
	Stop() error
}

// keeper keeps a PostgreSQL running: it starts it again when it was killed, or gave up
// by itself because its disk was full.
type keeper struct {
	database
	mu   sync.Mutex // one thing at a time
	back time.Time  // when to start it again; zero while it runs
	past life
}

// watch keeps PostgreSQL running until ctx ends.
func (k *keeper) watch(ctx context.Context) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		k.mu.Lock()
		if k.back.IsZero() && k.Ended() {
			k.past.Failures++
			k.back = time.Now().Add(restartAfter)
		}
		if !k.back.IsZero() && time.Now().After(k.back) {
			k.restart(ctx)
		}
		k.mu.Unlock()
	}
}

// restart tries once. The caller holds mu.
func (k *keeper) restart(ctx context.Context) {
	began := time.Now()
	if err := k.Restart(ctx); err != nil {
		k.past.Failures++
		k.back = time.Now().Add(restartAfter)
		return
	}
	k.back = time.Time{}
	k.past.Recoveries++
	k.past.Slowest = max(k.past.Slowest, time.Since(began))
}

// kill ends PostgreSQL; it comes back after pause. false when it is down already.
func (k *keeper) kill(pause time.Duration) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.back.IsZero() || k.Kill() != nil {
		return false
	}
	k.back = time.Now().Add(pause)
	k.past.Kills++
	return true
}

// freeze stops PostgreSQL's processes for a while.
func (k *keeper) freeze(d time.Duration) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.back.IsZero() || k.Signal(sigStop) != nil {
		return false
	}
	k.past.Stops++
	time.AfterFunc(d, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		_ = k.Signal(sigCont) // it may have been killed meanwhile
	})
	return true
}

// up reports whether PostgreSQL runs.
func (k *keeper) up() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.back.IsZero()
}

// end removes PostgreSQL and its files; watch has ended.
func (k *keeper) end() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.back.IsZero() {
		return errors.Join(k.Kill(), k.Stop())
	}
	return k.Stop()
}

// lived tells what became of PostgreSQL so far.
func (k *keeper) lived() life {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.past
}
