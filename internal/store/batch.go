package store

import (
	"context"
	"sync"

	"hawker/internal/fault"
)

// ErrBusy is the back-pressure of a full queue: nothing was done, try again.
var ErrBusy = fault.New(fault.Unavailable, "busy", "系统繁忙，没有扣款，请稍后再试。", "The system is busy. Nothing was charged. Please try again.")

// Batch writes commands in natural batches: whatever arrives while one commit runs
// goes into the next, so a lone command waits for nobody and a crowd shares one
// transaction. Commands of one shard are written one batch after another; shards
// are independent of each other.
type Batch[C any] struct {
	db     *DB
	run    func(ctx context.Context, tx *Tx, commands []C) error
	max    int
	queue  int
	report func(commands int)
	shards []shard[C]
}

type shard[C any] struct {
	mu      sync.Mutex
	waiting []pending[C]
	running bool
}

type pending[C any] struct {
	command C
	done    chan error
}

// BatchOptions bound a Batch; zero values are usable.
type BatchOptions struct {
	Max    int                // commands in one transaction; 512 when 0
	Queue  int                // commands that may wait in a shard; 8192 when 0
	Shards int                // writers: 2 when 0; on SQLite always 2, who take turns at its one lock
	Report func(commands int) // told of every commit; nil for nobody
}

// NewBatch makes a Batch. run decides and writes commands in one transaction; a
// command that fails its own checks keeps its own error and lets run go on. An error
// of run rolls all of them back, and each is run again alone, so that one that
// breaks the transaction fails alone. run must be safe to repeat for a command.
func NewBatch[C any](db *DB, o BatchOptions, run func(ctx context.Context, tx *Tx, commands []C) error) *Batch[C] {
	b := &Batch[C]{db: db, run: run, max: o.Max, queue: o.Queue, report: o.Report}
	if b.max == 0 {
		b.max = 512
	}
	if b.queue == 0 {
		b.queue = 8192
	}
	if b.report == nil {
		b.report = func(int) {}
	}
	if o.Shards == 0 {
		o.Shards = 2
	}
	if db.dialect == SQLite {
		o.Shards = 2
	}
	b.shards = make([]shard[C], o.Shards)
	return b
}

// Do has a command written and returns when its transaction is committed, or with
// the error that kept it from being so. key chooses the shard: commands of one key
// are written in the order in which they come. ErrBusy when too many wait.
func (b *Batch[C]) Do(key uint64, command C) error {
	s := &b.shards[key%uint64(len(b.shards))]
	p := pending[C]{command, make(chan error, 1)}
	s.mu.Lock()
	if len(s.waiting) >= b.queue {
		s.mu.Unlock()
		return ErrBusy
	}
	s.waiting = append(s.waiting, p)
	start := !s.running
	s.running = true
	s.mu.Unlock()
	if start {
		go b.drain(s)
	}
	return <-p.done
}

// Waiting is how many commands wait in all shards, those being written left out.
func (b *Batch[C]) Waiting() int {
	n := 0
	for i := range b.shards {
		b.shards[i].mu.Lock()
		n += len(b.shards[i].waiting)
		b.shards[i].mu.Unlock()
	}
	return n
}

// drain writes batches until nothing waits. It lives only while there is work, so a
// Batch needs no closing. Its context is nobody's: what was accepted is written.
func (b *Batch[C]) drain(s *shard[C]) {
	ctx := context.Background()
	for {
		s.mu.Lock()
		n := min(len(s.waiting), b.max)
		if n == 0 {
			s.running = false
			s.mu.Unlock()
			return
		}
		taken := s.waiting[:n:n]
		s.waiting = s.waiting[n:]
		s.mu.Unlock()
		b.commit(ctx, taken)
	}
}

func (b *Batch[C]) commit(ctx context.Context, taken []pending[C]) {
	err := b.write(ctx, taken)
	if err == nil || len(taken) == 1 {
		for _, p := range taken {
			p.done <- err
		}
		return
	}
	for _, p := range taken {
		p.done <- b.write(ctx, []pending[C]{p})
	}
}

// write commits commands. A connection that broke during the commit leaves it in doubt;
// commands are safe to repeat, so they are, and find what they had written.
func (b *Batch[C]) write(ctx context.Context, taken []pending[C]) error {
	commands := make([]C, len(taken))
	for i, p := range taken {
		commands[i] = p.command
	}
	err := b.db.patiently(ctx, func() (bool, error) {
		err := b.db.Write(ctx, func(tx *Tx) error { return b.run(ctx, tx, commands) })
		return connectionLost(err), err
	})
	if err == nil {
		b.report(len(commands))
	}
	return err
}
