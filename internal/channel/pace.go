package channel

import (
	"context"
	"time"
)

// Pace is a wallet's patience: how long one call may take, and how a sale that
// is not decided is asked after.
type Pace struct {
	Call     time.Duration // one call, from dialling to the last byte
	First    time.Duration // from the answer, or its lack, to the first query
	Longest  time.Duration // between two queries; each pause is half as long again as the one before
	Deadline time.Duration // from the sale's start to giving up
	Soonest  time.Duration // from the sale's start to its reversal, at least
}

// Or fills what is zero from d.
func (p Pace) Or(d Pace) Pace {
	for _, f := range []struct{ have, lack *time.Duration }{
		{&p.Call, &d.Call}, {&p.First, &d.First}, {&p.Longest, &d.Longest}, {&p.Deadline, &d.Deadline}, {&p.Soonest, &d.Soonest},
	} {
		if *f.have == 0 {
			*f.have = *f.lack
		}
	}
	return p
}

// Await asks until there is an outcome that is neither Silent nor Waiting, and
// gives the last one when the deadline or ctx ends the patience, and with it a
// question under way; it then is Silent, because a payment may still come of it.
func (p Pace) Await(ctx context.Context, began time.Time, last Outcome, ask func(context.Context) Outcome) Outcome {
	ctx, cancel := context.WithTimeout(ctx, p.Deadline-time.Since(began))
	defer cancel()
	for pause := p.First; last.Result == Silent || last.Result == Waiting; pause = min(pause+pause/2, p.Longest) {
		next := time.NewTimer(pause)
		select {
		case <-next.C:
			last = ask(ctx)
			continue
		case <-ctx.Done():
		}
		next.Stop()
		if last.Detail == "" {
			last.Detail = "the customer has not decided"
		}
		last.Result = Silent
		return last
	}
	return last
}
