package simulation

import (
	"sync"
	"time"
)

// timepiece is one machine's clock. The true time is the bubble's, moved to the run's
// epoch; a machine may be wrong about it, and may be set while it runs.
type timepiece struct {
	world *world

	mu   sync.Mutex
	off  time.Duration
	most time.Duration // that off ever was
}

// now is a clock.Clock.
func (t *timepiece) now() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.world.now().Add(t.off)
}

// set puts the clock forward or back.
func (t *timepiece) set(by time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.off += by
	t.most = max(t.most, t.off)
}

// wrong is how far ahead of the true time the clock is, and was at most.
func (t *timepiece) wrong() (now, most time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.off, t.most
}

// epochs are instants shortly before something happens to calendars. A run begins up
// to two minutes before one of them, or at any time.
var epochs = []time.Time{
	time.Date(2026, 6, 17, 6, 30, 0, 0, time.UTC),  // an ordinary afternoon in Shanghai
	time.Date(2026, 1, 31, 16, 0, 0, 0, time.UTC),  // midnight in Shanghai, end of a month
	time.Date(2028, 2, 28, 16, 0, 0, 0, time.UTC),  // 29 February begins in Shanghai
	time.Date(2028, 2, 29, 16, 0, 0, 0, time.UTC),  // and ends
	time.Date(2026, 12, 31, 16, 0, 0, 0, time.UTC), // a year ends in Shanghai
	time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),    // and where field 7 counts
	time.Date(2027, 3, 14, 7, 0, 0, 0, time.UTC),   // clocks go forward in New York
	time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC),   // clocks go back in New York
	time.Date(2026, 11, 1, 3, 0, 0, 0, time.UTC),   // 23:00 in New York, where the second shop's day ends
	time.Date(2027, 2, 28, 23, 59, 0, 0, time.UTC), // end of a month that has no 29th
}
