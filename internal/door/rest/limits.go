package rest

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"hawker/internal/clock"
)

// Rate is how much one key may ask. The zero Rate is 100 requests a second, in bursts of 200.
type Rate struct {
	PerSecond float64 // below zero: as much as it wants
	Burst     int
}

// strangers is how often one address may come with a key that is none: five a second.
var strangers = Rate{PerSecond: 5, Burst: 20}

// most bounds the limiters in memory.
const most = 65536

// limits are the buckets of keys and of strangers' addresses.
type limits struct {
	rate Rate
	now  clock.Clock

	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

func newLimits(r Rate, now clock.Clock) *limits {
	if r.PerSecond == 0 {
		r.PerSecond = 100
	}
	if r.Burst == 0 {
		r.Burst = int(math.Ceil(math.Max(1, 2*r.PerSecond)))
	}
	return &limits{rate: r, now: now, buckets: map[string]*rate.Limiter{}}
}

// take takes one request from a bucket and says in headers what is left; false when none is.
func (l *limits) take(h http.Header, bucket string, r Rate) bool {
	if r.PerSecond < 0 {
		return true
	}
	l.mu.Lock()
	b := l.buckets[bucket]
	if b == nil {
		if len(l.buckets) >= most {
			clear(l.buckets)
		}
		b = rate.NewLimiter(rate.Limit(r.PerSecond), r.Burst)
		l.buckets[bucket] = b
	}
	l.mu.Unlock()
	now := l.now()
	ok := b.AllowN(now, 1)
	left := b.TokensAt(now)
	h.Set("RateLimit-Limit", strconv.Itoa(r.Burst))
	h.Set("RateLimit-Remaining", strconv.Itoa(max(0, int(left))))
	full := time.Duration((float64(r.Burst) - left) / r.PerSecond * float64(time.Second))
	h.Set("RateLimit-Reset", strconv.Itoa(int(math.Ceil(full.Seconds()))))
	if !ok {
		h.Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil((1-left)/r.PerSecond)))))
	}
	return ok
}
