package bench

import (
	"math"
	"math/bits"
	"time"
)

// Histogram counts durations in buckets that are each less than one percent wide,
// from a microsecond to over an hour, in a fixed 13 kB. The zero Histogram is empty.
type Histogram struct {
	counts  [octaves * steps]uint32
	total   uint64
	longest time.Duration
}

const (
	stepBits = 7 // 128 buckets from a power of two to the next
	steps    = 1 << stepBits
	octaves  = 26 // after the first, which holds 0 to 127 µs exactly
)

// Record counts one duration; what is below 0 counts as 0.
func (h *Histogram) Record(d time.Duration) {
	h.counts[bucket(d)]++
	h.total++
	h.longest = max(h.longest, d)
}

// Add counts all that o has counted.
func (h *Histogram) Add(o *Histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.total += o.total
	h.longest = max(h.longest, o.longest)
}

// Count is how many were recorded.
func (h *Histogram) Count() int { return int(h.total) } //nolint:gosec // no run counts to 2^63

// Max is the longest duration recorded, exactly.
func (h *Histogram) Max() time.Duration { return h.longest }

// Quantile is the duration that a share q (0 to 1) of all do not exceed, at most
// one percent too long; 0 when nothing was recorded.
func (h *Histogram) Quantile(q float64) time.Duration {
	want := uint64(math.Ceil(q * float64(h.total)))
	var seen uint64
	for i, n := range h.counts {
		if seen += uint64(n); n > 0 && seen >= want {
			return min(upper(i), h.longest)
		}
	}
	return 0
}

// bucket is the place of a duration: its microseconds up to 127, from then on its
// octave and the seven bits after the leading one.
func bucket(d time.Duration) int {
	us := uint64(max(d, 0).Microseconds()) //nolint:gosec // not negative
	octave := max(bits.Len64(us)-stepBits, 0)
	if octave == 0 {
		return int(us) //nolint:gosec // below 128
	}
	i := (octave-1)*steps + int(us>>(octave-1)) //nolint:gosec // below 256
	return min(i, octaves*steps-1)
}

// upper is the longest duration of a bucket.
func upper(i int) time.Duration {
	octave, step := i/steps, i%steps
	if octave == 0 {
		return time.Duration(step+1)*time.Microsecond - 1
	}
	return time.Duration(steps+step+1)<<(octave-1)*time.Microsecond - 1
}
