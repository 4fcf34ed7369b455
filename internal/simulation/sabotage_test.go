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

// TestWhatIsBrokenIsNoticed plays broken systems until a run complains.
func TestWhatIsBrokenIsNoticed(t *testing.T) {
	t.Parallel()
	var numbers atomic.Int64
	for name, broken := range map[string]simulation.Sabotage{
		"silence is taken for a no":             {Channel: changed(silence, channel.Outcome{Result: channel.Declined, Code: "91"})},
		"silence is taken for a yes":            {Channel: changed(silence, channel.Outcome{Result: channel.Approved, Code: "00"})},
		"a no is taken for a yes":               {Channel: changed(refusal, channel.Outcome{Result: channel.Approved, Code: "00"})},
		"a reversal is believed without asking": {Channel: wrapped(believe)},
		"a repeated refund is another refund": {Channel: wrapped(func(ctx context.Context, next channel.Channel, r channel.Request) channel.Outcome {
			if r.Kind == channel.Refund {
				r.STAN = int(numbers.Add(1))
			}
			return next.Do(ctx, r)
		})},
		"every request is a new one":                 {Trace: func(int) int { return 100_000 + int(numbers.Add(1)) }},
		"what was in flight is left alone":           {NoRecovery: true},
		"jobs are done before they are":              {Jobs: func(r *jobs.Runner) { r.Handle("reversal", done) }},
		"what is acknowledged is not durable":        {Amnesia: true},
		"what the bank cannot do was done by nobody": {Channel: wrapped(twice)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range simulation.Seed(enough) {
				if _, err := play(t, simulation.Plan{Seed: seed + 1, Tier: simulation.Lean, Sabotage: broken}); err != nil {
					first, _, _ := strings.Cut(err.Error(), "\n")
					t.Logf("noticed at seed %d: %s", seed+1, first)
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

// twice asks again when the line was silent, as if that were certain never to have arrived.
func twice(ctx context.Context, next channel.Channel, r channel.Request) channel.Outcome {
	o := next.Do(ctx, r)
	if o.Result == channel.Silent && r.Kind == channel.Sale {
		r.STAN = r.STAN%999999 + 1
		return next.Do(ctx, r)
	}
	return o
}
