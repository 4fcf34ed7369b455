package torture

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Fault is what becomes of one frame on its way, or of its connection.
type Fault string

// The faults of the proxy. All of them happen on real lines; none forges a byte.
const (
	Pass      Fault = "pass"
	Delay     Fault = "delay"     // it comes later; others overtake it
	Drop      Fault = "drop"      // it never comes
	Duplicate Fault = "duplicate" // it comes now and once more later
	Reorder   Fault = "reorder"   // the next frame overtakes it
	Split     Fault = "split"     // it comes byte by byte
	Cut       Fault = "cut"       // a part of it comes, then the connection is reset
	HalfOpen  Fault = "half-open" // from now on nothing comes this way, and the connection stays
)

// faults lists the faults in the order in which a mood's shares are laid out.
var faults = []Fault{Delay, Drop, Duplicate, Reorder, Split, Cut, HalfOpen}

// Mood says how many of a thousand frames meet each fault.
type Mood struct {
	Name   string
	Shares map[Fault]int
}

// moods are what a line can be like; the first is a healthy one.
var moods = []Mood{
	{"calm", nil},
	{"lossy", map[Fault]int{Drop: 60, Delay: 20}},
	{"slow", map[Fault]int{Delay: 200}},
	{"stammering", map[Fault]int{Duplicate: 200, Split: 60}},
	{"shuffling", map[Fault]int{Reorder: 150, Delay: 60, Duplicate: 40}},
	{"crumbling", map[Fault]int{Cut: 60, HalfOpen: 20, Split: 40}},
	{"stormy", map[Fault]int{Delay: 50, Drop: 40, Duplicate: 50, Reorder: 40, Split: 40, Cut: 20, HalfOpen: 10}},
	{"dead", map[Fault]int{Drop: 1000}},
}

// without is the mood less the faults that are switched off.
func (m Mood) without(calm Calm) Mood {
	shares := map[Fault]int{}
	for f, n := range m.Shares {
		if !calm[string(f)] {
			shares[f] = n
		}
	}
	return Mood{m.Name, shares}
}

// draw picks the fault of the next frame.
func (m Mood) draw(r *rand.Rand) Fault {
	n := r.IntN(1000)
	for _, f := range faults {
		if n -= m.Shares[f]; n < 0 {
			return f
		}
	}
	return Pass
}

// later is how long a frame is held back: short as often as long.
func later(r *rand.Rand, longest time.Duration) time.Duration {
	if r.IntN(2) == 0 {
		longest /= 8
	}
	return time.Duration(r.Int64N(int64(longest) + 1))
}

// Calm names the kinds of trouble that are switched off.
type Calm map[string]bool

// ParseCalm reads names, separated by commas: faults of the proxy, strikes of the plan, and "bank".
func ParseCalm(names string) (Calm, error) {
	calm := Calm{}
	for name := range strings.SplitSeq(names, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if !slices.Contains(Troubles(), name) {
			return nil, fmt.Errorf("no trouble is called %q; there are %s", name, strings.Join(Troubles(), ", "))
		}
		calm[name] = true
	}
	return calm, nil
}

// bank is the trouble that the simulated bank makes by itself: cards and amounts that misbehave.
const bank = "bank"

// Troubles lists everything that Calm can name.
func Troubles() []string {
	names := []string{bank}
	for _, f := range faults {
		names = append(names, string(f))
	}
	for _, k := range strikes {
		names = append(names, string(k.Kind))
	}
	return names
}
