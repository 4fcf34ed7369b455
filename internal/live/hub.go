// Package live tells screens and programs what became true, as it becomes true: it reads
// the outbox of events with a cursor for each listener, so that one who was away gets
// what he missed, in order and once. It knows no kind of event.
package live

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"hawker/internal/events"
	"hawker/internal/fault"
	"hawker/internal/store"
)

// Refusals.
var (
	ErrCursor = fault.New(fault.Invalid, "event_id_invalid", "事件编号无效。", "This is not the id of an event.")
	ErrFull   = fault.New(fault.Unavailable, "streams_full", "实时连接太多，请稍后再试。", "Too many live connections. Please try again later.")
	ErrBehind = fault.New(fault.Conflict, "events_too_far_behind", "落后太多，请重新读取列表后再接收。", "Too far behind. Read the list again, then listen from now.")
)

// Bounds of what a hub keeps and serves.
const (
	kept    = 256    // latest events of a merchant in memory
	page    = 128    // events read at once
	Behind  = 10_000 // how far back a listener may resume
	streams = 64     // listeners of one merchant
	all     = 8192   // listeners of all
)

// Hub gives listeners the events of their merchants. It is safe for concurrent use.
type Hub struct {
	db  *store.DB
	log *slog.Logger

	Poll  time.Duration // how often to look for what other processes committed; a second unless set
	Pulse time.Duration // how often a silent stream gives a sign of life; 15 seconds unless set

	mu    sync.Mutex
	feeds map[int64]*feed // of merchants with listeners
	count int
	ended chan struct{} // closed when Run ends: listeners go
	deaf  func()        // ends the listening to commits
}

// feed is one merchant's latest events and those who wait for the next.
type feed struct {
	mu      sync.Mutex     // held while the outbox is read, so that many listeners read it once
	recent  []events.Event // without gaps
	waiters map[chan struct{}]bool
}

// New makes a hub that hears of this process's commits. Run must be running for it to hear of others'.
func New(db *store.DB, log *slog.Logger) *Hub {
	h := &Hub{db: db, log: log, Poll: time.Second, Pulse: 15 * time.Second, feeds: map[int64]*feed{}, ended: make(chan struct{})}
	h.deaf = events.Listen(db, h.wake)
	return h
}

// Run wakes listeners until ctx ends, and then ends them. It runs once.
func (h *Hub) Run(ctx context.Context) {
	defer h.deaf()
	defer close(h.ended)
	tick := time.NewTicker(h.Poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			h.mu.Lock()
			for _, f := range h.feeds {
				f.wake()
			}
			h.mu.Unlock()
		}
	}
}

func (h *Hub) wake(merchant int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f := h.feeds[merchant]; f != nil {
		f.wake()
	}
}

// wake is called under the hub's lock.
func (f *feed) wake() {
	for w := range f.waiters {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}

// Now is the number of a merchant's latest event: Subscribe after it hears what comes.
func (h *Hub) Now(ctx context.Context, merchant int64) (int64, error) {
	return events.Head(ctx, h.db.Read(), merchant)
}

// Subscribe gives a merchant's events with numbers above after, in order and without gaps,
// until ctx or the hub ends; then the channel is closed. Who reads slowly delays nobody.
// ErrBehind when after is too long ago, ErrCursor when it has not been yet.
func (h *Hub) Subscribe(ctx context.Context, merchant, after int64) (<-chan events.Event, error) {
	head, err := h.Now(ctx, merchant)
	switch {
	case err != nil:
		return nil, err
	case after < 0 || after > head:
		return nil, ErrCursor.With("event %d of %d", after, head)
	case head-after > Behind:
		return nil, ErrBehind
	}
	f, waiter, err := h.join(merchant)
	if err != nil {
		return nil, err
	}
	out := make(chan events.Event)
	go func() {
		defer close(out)
		defer h.leave(merchant, f, waiter)
		h.serve(ctx, f, merchant, after, waiter, out)
	}()
	return out, nil
}

func (h *Hub) join(merchant int64) (*feed, chan struct{}, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.feeds[merchant]
	if f == nil {
		f = &feed{waiters: map[chan struct{}]bool{}}
	}
	if len(f.waiters) >= streams || h.count >= all {
		return nil, nil, ErrFull
	}
	waiter := make(chan struct{}, 1)
	f.waiters[waiter] = true
	h.feeds[merchant] = f
	h.count++
	return f, waiter, nil
}

func (h *Hub) leave(merchant int64, f *feed, waiter chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(f.waiters, waiter)
	h.count--
	if len(f.waiters) == 0 {
		delete(h.feeds, merchant)
	}
}

// serve hands over events until nobody wants them.
func (h *Hub) serve(ctx context.Context, f *feed, merchant, after int64, waiter chan struct{}, out chan<- events.Event) {
	for {
		list, err := f.next(ctx, h.db, merchant, after)
		if err != nil && ctx.Err() == nil {
			h.log.Warn("events cannot be read; looking again", "merchant", merchant, "err", err)
		}
		for _, e := range list {
			select {
			case out <- e:
				after = e.Seq
			case <-ctx.Done():
				return
			case <-h.ended:
				return
			}
		}
		if len(list) > 0 {
			continue // there may be more
		}
		select {
		case <-waiter:
		case <-ctx.Done():
			return
		case <-h.ended:
			return
		}
	}
}

// next gives events after a number: from memory, where the first of them is there.
func (f *feed) next(ctx context.Context, db *store.DB, merchant, after int64) ([]events.Event, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.recent); n > 0 && f.recent[0].Seq <= after+1 && f.recent[n-1].Seq > after {
		return append([]events.Event(nil), f.recent[after+1-f.recent[0].Seq:]...), nil
	}
	list, err := events.After(ctx, db.Read(), merchant, after, page)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	switch n := len(f.recent); {
	case n == 0 || list[0].Seq > f.recent[n-1].Seq+1:
		f.recent = append(f.recent[:0], list...)
	case list[0].Seq == f.recent[n-1].Seq+1:
		f.recent = append(f.recent, list...)
	} // else it is history that somebody catches up with
	if over := len(f.recent) - kept; over > 0 {
		f.recent = append([]events.Event(nil), f.recent[over:]...)
	}
	return list, nil
}
