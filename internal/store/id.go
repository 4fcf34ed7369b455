package store

import (
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// idEpoch is 2020-01-01T00:00:00Z in milliseconds; ids last until 2089.
const idEpoch = 1577836800000

var lastID atomic.Int64

// NewID makes a row id of 62 bits that orders by time: 41 bits of milliseconds
// since 2020, then 21 bits that are random for the first id of a millisecond and
// count on from there. Ids of one process never repeat; two processes collide
// with a chance of one in two million per shared millisecond and merchant, and
// the primary key tells.
func NewID(now time.Time) int64 {
	fresh := IDAt(now) | int64(rand.Uint32N(1<<20)) //nolint:gosec // an id is no secret
	for {
		last := lastID.Load()
		next := max(fresh, last+1)
		if lastID.CompareAndSwap(last, next) {
			return next
		}
	}
}

// IDAt is a bound of NewID: ids made for an instant or later are not smaller.
func IDAt(at time.Time) int64 { return (at.UnixMilli() - idEpoch) << 21 }
