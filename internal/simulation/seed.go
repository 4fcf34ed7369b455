package simulation

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"
)

// Seed decides everything that chance decides in one run.
type Seed uint64

// dice is one stream of a seed's chance.
type dice struct{ *rand.Rand }

// dice gives the stream of a name. Each actor has its own, and each message, so that
// what one of them draws never shifts what another one meets.
func (s Seed) dice(name ...any) dice {
	sum := sha256.Sum256(fmt.Appendln(nil, append([]any{uint64(s)}, name...)...))
	return dice{rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])))} //nolint:gosec // chance that can be repeated is the point
}

// chance is true with probability p.
func (d dice) chance(p float64) bool { return d.Float64() < p }

// between draws a time from lo up to hi, to the nanosecond: two things hardly ever
// happen at the same instant, so their order is the seed's and not the scheduler's.
func (d dice) between(lo, hi time.Duration) time.Duration {
	return lo + time.Duration(d.Int64N(max(1, int64(hi-lo))))
}

// upTo draws a probability from 0 to p.
func (d dice) upTo(p float64) float64 { return d.Float64() * p }

// rather draws a probability from 0 to p, the low ones more often.
func (d dice) rather(p float64) float64 { return d.Float64() * d.upTo(p) }

// pick draws one of list.
func pick[T any](d dice, list ...T) T { return list[d.IntN(len(list))] }
