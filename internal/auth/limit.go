package auth

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"hawker/internal/clock"
)

// limits bound how often something is tried, by address and by account. They live in the
// memory of one process: what must hold for all is the lock-out, which is in the database.
type limits struct {
	now     clock.Clock
	mu      *sync.Mutex
	buckets map[string]*bucket
}

type bucket struct {
	*rate.Limiter
	used time.Time
}

// mostBuckets bounds the memory that addresses can take.
const mostBuckets = 20000

func newLimits(now clock.Clock) limits {
	if now == nil {
		now = clock.System
	}
	return limits{now: now, mu: new(sync.Mutex), buckets: map[string]*bucket{}}
}

// pace is how often: so many at once, and then one each so often.
type pace struct {
	burst int
	each  time.Duration
}

// The paces. A shop's people share an address; a guesser has many accounts before him.
var (
	perAddress = pace{30, 2 * time.Second}
	perLogin   = pace{12, 10 * time.Second}
	perPairing = pace{10, 30 * time.Second}
)

// take returns nil, or ErrTooOften when key was used more often than pace allows.
func (l limits) take(p pace, key string) error {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[key]
	if b == nil {
		l.forget(now)
		b = &bucket{Limiter: rate.NewLimiter(rate.Every(p.each), p.burst)}
		l.buckets[key] = b
	}
	b.used = now
	if !b.AllowN(now, 1) {
		return ErrTooOften.With("%s", key)
	}
	return nil
}

// forget drops buckets that are full again, when there are too many.
func (l limits) forget(now time.Time) {
	if len(l.buckets) < mostBuckets {
		return
	}
	for key, b := range l.buckets {
		if now.Sub(b.used) > 10*time.Minute {
			delete(l.buckets, key)
		}
	}
	for key := range l.buckets { // a flood of addresses: some lose their count, in no order that they could use
		if len(l.buckets) < mostBuckets {
			return
		}
		delete(l.buckets, key)
	}
}
