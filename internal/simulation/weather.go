package simulation

import (
	"fmt"
	"time"
)

// weather is how bad one stretch of network is in one run.
type weather struct {
	loss    float64       // of a message
	replay  float64       // of a message that arrives
	cut     float64       // of a connection, in the middle of a message
	refuse  float64       // of a connection
	slow    float64       // of a message, to be late
	longest time.Duration // how late
}

// draw makes weather: a third of it calm, storms rare, so that there is something to ruin.
func draw(d dice) weather {
	if d.chance(0.33) {
		return weather{longest: time.Second}
	}
	return weather{
		loss: d.rather(0.30), replay: d.upTo(0.50), cut: d.rather(0.05), refuse: d.rather(0.15), slow: d.rather(0.40),
		longest: pick(d, 200*time.Millisecond, 2*time.Second, 10*time.Second, 30*time.Second, 90*time.Second),
	}
}

// Light takes this long, at least and usually.
const (
	nearest = time.Millisecond
	usual   = 60 * time.Millisecond
)

// fate is what becomes of one message.
type fate struct {
	arrivals []time.Duration // one for each copy; none: it is lost
	cut      bool            // its one copy stops half-way, and the connection with it
}

func (w weather) fate(d dice) fate {
	if d.chance(w.loss) {
		return fate{}
	}
	copies := 1
	for copies < 3 && d.chance(w.replay) {
		copies++
	}
	f := fate{}
	for range copies {
		late := d.between(nearest, usual)
		if d.chance(w.slow) {
			late = d.between(nearest, nearest+w.longest)
		}
		f.arrivals = append(f.arrivals, late)
	}
	if d.chance(w.cut) {
		return fate{arrivals: f.arrivals[:1], cut: true}
	}
	return f
}

// whole are the arrivals of a message that is no use in part.
func (f fate) whole() []time.Duration {
	if f.cut {
		return nil
	}
	return f.arrivals
}

func (f fate) String() string {
	switch {
	case len(f.arrivals) == 0:
		return "lost"
	case f.cut:
		return fmt.Sprintf("cut after %v", f.arrivals[0])
	}
	return fmt.Sprintf("arrives after %v", f.arrivals)
}
