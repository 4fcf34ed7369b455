package payment

import (
	"math/rand/v2"
	"sync"
	"time"

	"hawker/internal/nodes"
	"hawker/internal/store"
)

// stans draws trace numbers (STAN) towards the channel. A network names a request by its
// second, its STAN and the acquirer (fields 7, 11 and 32), and takes two of one name for
// the same request: so within a second no number may come twice, not even from two nodes
// under one acquirer. Every place among the nodes has a range of its own.
type stans struct {
	mu     sync.Mutex
	place  nodes.Place
	latest int   // 0 to perPlace-1, within the range
	second int64 // Unix time of the latest number
	drawn  int   // in that second
}

// perPlace is how many numbers a place has: of 1 to 999999, its share.
const perPlace = 999999 / nodes.Places

// newSTANs begins anywhere in the range of place 0. Should two nodes' clocks differ by
// more than a place is left unused, they still hardly meet.
func newSTANs() *stans {
	return &stans{latest: rand.IntN(perPlace)} //nolint:gosec // a trace number is no secret
}

// sit changes to the range of a place.
func (s *stans) sit(p nodes.Place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.place = p
}

// jitter is how many seconds callers may lag behind one another in asking the clock for
// the instant of their request. A larger step back is the clock's.
const jitter = 5

// draw gives a number that this place has not given in the second of an instant.
// store.ErrBusy when the range is used up in it.
func (s *stans) draw(at time.Time) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if step := at.Unix() - s.second; step > 0 || step < -jitter {
		s.second, s.drawn = at.Unix(), 0
	}
	if s.drawn == perPlace {
		return 0, store.ErrBusy.With("no trace number is left in this second")
	}
	s.drawn++
	s.latest = (s.latest + 1) % perPlace
	return int(s.place)*perPlace + s.latest + 1, nil
}

// Sit tells the engine its node's place, which chooses its trace numbers towards the
// channel. Until then it is 0: right for an engine that is alone.
func (e *Engine) Sit(p nodes.Place) { e.stans.sit(p) }
