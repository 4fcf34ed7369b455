package store

import (
	"math/rand/v2"
	"sync"
	"time"
)

// idEpoch is 2020-01-01T00:00:00Z in milliseconds; ids last until 2089.
const idEpoch = 1577836800000

// IDLead is how far ids may run ahead of a clock that was put back.
const IDLead = 2 * time.Hour

// ids remembers the greatest id of each hour, so that a clock that was put far back, or a
// second clock in one process, gets ids of its own time. A year adds some 9,000 entries.
var ids = struct {
	sync.Mutex
	last map[int64]int64
}{last: map[int64]int64{}}

// NewID makes a row id of 62 bits that orders by time: 41 bits of milliseconds
// since 2020, then 21 bits that are random for the first id of a millisecond and
// count on from there. Ids of one process never repeat, and grow even when the clock is
// put back by up to an hour; two processes collide with a chance of one in two million
// per shared millisecond and merchant, and the primary key tells.
func NewID(now time.Time) int64 {
	fresh := IDAt(now) | int64(rand.Uint32N(1<<20)) //nolint:gosec // an id is no secret
	ids.Lock()
	defer ids.Unlock()
	hour := hourOf(fresh)
	next := max(fresh, ids.last[hour]+1, ids.last[hour+1]+1)
	ids.last[hourOf(next)] = next
	return next
}

func hourOf(id int64) int64 { return (id >> 21) / time.Hour.Milliseconds() }

// IDTime is when an id says it was made, UTC: to the millisecond, and up to IDLead ahead of the clock that made it.
func IDTime(id int64) time.Time { return time.UnixMilli(id>>21 + idEpoch).UTC() }

// IDAt is a bound of NewID: ids made for an instant or later are not smaller.
func IDAt(at time.Time) int64 { return (at.UnixMilli() - idEpoch) << 21 }
