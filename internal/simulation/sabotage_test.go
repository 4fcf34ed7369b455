package simulation_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"hawker/internal/channel"
	"hawker/internal/jobs"
	"hawker/internal/simulation"
)

// enough is within how many seeds a broken system must be noticed.
const enough = 60

// broken are systems with one thing wrong, and a seed that is known to notice it: where
// the search begins.
var broken = map[string]struct {
	simulation.Sabotage
	from simulation.Seed
}{
	"silence is taken for a no":              {simulation.Sabotage{Channel: changed(silence, channel.Outcome{Result: channel.Declined, Code: "91"})}, 5},
	"silence is taken for a yes":             {simulation.Sabotage{Channel: changed(silence, channel.Outcome{Result: channel.Approved, Code: "00"})}, 2},
	"a no is taken for a yes":                {simulation.Sabotage{Channel: changed(refusal, channel.Outcome{Result: channel.Approved, Code: "00"})}, 1},
	"a reversal is believed without asking":  {simulation.Sabotage{Channel: wrapped(believe)}, 2},
	"a repeated refund is another refund":    {simulation.Sabotage{Channel: wrapped(anew)}, 16},
	"a silent sale is asked for once more":   {simulation.Sabotage{Channel: wrapped(twice)}, 5},
	"every request is a new one":             {simulation.Sabotage{Trace: func(int) int { return 100_000 + int(numbers.Add(1)) }}, 1},
	"what was in flight is left alone":       {simulation.Sabotage{NoRecovery: true}, 23},
	"a reversal is done before it is asked":  {simulation.Sabotage{Jobs: func(r *jobs.Runner) { r.Handle("reversal", done) }}, 2},
	"what is acknowledged is not yet stored": {simulation.Sabotage{Amnesia: true}, 3},
}

// numbers are used once.
var numbers atomic.Int64

// TestWhatIsBrokenIsNoticed plays broken systems until a run complains.
func TestWhatIsBrokenIsNoticed(t *testing.T) {
	t.Parallel()
	for name, b := range broken {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := b.from; seed < b.from+enough; seed++ {
				if _, err := play(t, simulation.Plan{Seed: seed, Tier: simulation.Lean, Sabotage: b.Sabotage}); err != nil {
					first, _, _ := strings.Cut(err.Error(), "\n")
					t.Logf("noticed at seed %d: %s", seed, first)
					return
				}
			}
			t.Errorf("not noticed in %d seeds", enough)
		})
	}
}

func done(context.Context, jobs.Job) error { return nil }

// door is a channel before another.
type door struct {
	channel.Channel
	do func(ctx context.Context, next channel.Channel, r channel.Request) channel.Outcome
}

func (d door) Do(ctx context.Context, r channel.Request) channel.Outcome {
	return d.do(ctx, d.Channel, r)
}

func wrapped(do func(context.Context, channel.Channel, channel.Request) channel.Outcome) func(channel.Channel) channel.Channel {
	return func(c channel.Channel) channel.Channel { return door{c, do} }
}

// changed replaces some of the outcomes of what is not a reversal.
func changed(which func(channel.Outcome) bool, by channel.Outcome) func(channel.Channel) channel.Channel {
	return wrapped(func(ctx context.Context, next channel.Channel, r channel.Request) channel.Outcome {
		if o := next.Do(ctx, r); r.Kind == channel.Reversal || !which(o) {
			return o
		}
		return by
	})
}

func silence(o channel.Outcome) bool { return o.Result == channel.Silent }

func refusal(o channel.Outcome) bool { return o.Result == channel.Declined }

// believe answers reversals for the bank.
func believe(ctx context.Context, next channel.Channel, r channel.Request) channel.Outcome {
	if r.Kind == channel.Reversal {
		return channel.Outcome{Result: channel.Approved, Code: "00"}
	}
	return next.Do(ctx, r)
}

// anew gives a refund another number each time that it is asked for.
func anew(ctx context.Context, next channel.Channel, r channel.Request) channel.Outcome {
	if r.Kind == channel.Refund {
		r.STAN = int(numbers.Add(1)) % 1_000_000
	}
	return next.Do(ctx, r)
}

// twice asks again when the line was silent, as if that were certain never to have arrived.
func twice(ctx context.Context, next channel.Channel, r channel.Request) channel.Outcome {
	o := next.Do(ctx, r)
	if o.Result == channel.Silent && r.Kind == channel.Sale {
		r.STAN = r.STAN%999999 + 1
		return next.Do(ctx, r)
	}
	return o
}
