package payment_test

import (
	"context"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hawker/internal/channel"
	"hawker/internal/fault"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestAnyOrderOfStepsOfHoldsKeepsLedgerAndBankEqual(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, money.CNY)
		rapid.Check(t, func(r *rapid.T) {
			w.freshTerminal(r)
			w.hold(r)
			w.heal()
			if err := w.disagreement(); err != nil {
				r.Fatal(err)
			}
		})
	})
}

// hold does a random run of what a terminal, a bank and time can do with holds.
func (w *world) hold(r *rapid.T) {
	var all []payment.Attempt
	of := func(kinds ...channel.Kind) (payment.Attempt, bool) {
		var fit []payment.Attempt
		for _, a := range all {
			for _, k := range kinds {
				if a.Kind == k {
					fit = append(fit, a)
				}
			}
		}
		if len(fit) == 0 {
			return payment.Attempt{}, false
		}
		return fit[rapid.IntRange(0, len(fit)-1).Draw(r, "which")], true
	}
	steps := map[string]func() (payment.Attempt, error){
		"pre-authorization": func() (payment.Attempt, error) {
			return w.preauth(rapid.Int64Range(1, 5000).Draw(r, "amount"))
		},
	}
	about := func(name string, do func(payment.Attempt) (payment.Attempt, error), kinds ...channel.Kind) {
		steps[name] = func() (payment.Attempt, error) {
			if a, ok := of(kinds...); ok {
				return do(a)
			}
			return payment.Attempt{}, nil
		}
	}
	part := func(a payment.Attempt) int64 { return rapid.Int64Range(1, a.Amount.Minor()*12/10+1).Draw(r, "part") }
	about("completion", func(a payment.Attempt) (payment.Attempt, error) { return w.complete(a, part(a)) }, channel.Preauth)
	about("notice", func(a payment.Attempt) (payment.Attempt, error) { return w.notice(a, part(a)) }, channel.Preauth)
	about("void", w.release, channel.Preauth)
	about("completion void", w.uncomplete, channel.Completion, channel.CompletionNotice)
	about("refund", func(a payment.Attempt) (payment.Attempt, error) { return w.refund(a, part(a)) }, channel.Completion, channel.CompletionNotice)
	about("reversal", func(a payment.Attempt) (payment.Attempt, error) { return w.reverse(a.Trace, a.Amount.Minor()) },
		channel.Preauth, channel.PreauthVoid, channel.Completion, channel.CompletionNotice, channel.CompletionVoid)
	steps["jobs"] = func() (payment.Attempt, error) {
		w.jobs.RunDue(context.Background())
		return payment.Attempt{}, nil
	}
	steps["late"] = func() (payment.Attempt, error) { w.bank.deliver(); return payment.Attempt{}, nil }
	steps["time"] = func() (payment.Attempt, error) {
		w.pass(time.Duration(rapid.IntRange(1, 24*20).Draw(r, "hours")) * time.Hour) // a few of them, and holds expire
		return payment.Attempt{}, nil
	}
	steps["restart"] = func() (payment.Attempt, error) {
		w.restart()
		_, err := w.engine.Recover(context.Background(), everything)
		return payment.Attempt{}, err
	}
	names := []string{"pre-authorization", "pre-authorization", "completion", "completion", "notice", "void", "completion void", "refund", "reversal", "reversal", "jobs", "late", "time", "restart"}
	for range rapid.IntRange(3, 16).Draw(r, "steps") {
		mood := behaviour(rapid.IntRange(0, 5).Draw(r, "mood"))
		if rapid.IntRange(0, 2).Draw(r, "calm") > 0 {
			mood = approves
		}
		w.bank.when(func(q channel.Request) behaviour {
			if q.Kind == channel.Reversal && mood == declines {
				return loses
			}
			return mood
		})
		a, err := steps[rapid.SampledFrom(names).Draw(r, "step")]()
		if f := fault.Of(err); f != nil && f.Kind == fault.Internal {
			r.Fatal(err)
		}
		if a.ID != 0 && a.Kind != channel.Reversal {
			all = append(all, a)
		}
	}
}
