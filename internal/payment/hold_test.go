package payment_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"hawker/internal/books"
	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/jobs"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/risk"
)

func (w *world) preauth(minor int64) (payment.Attempt, error) {
	return w.engine.Preauth(context.Background(), w.saleRequest(w.source(), minor))
}

func (w *world) mustHold(minor int64) payment.Attempt {
	w.t.Helper()
	a, err := w.preauth(minor)
	if err != nil || a.State != payment.Approved {
		w.t.Fatalf("pre-authorization: %s, %v", a.State, err)
	}
	return a
}

func (w *world) holdRequest(of payment.Attempt, minor int64) payment.HoldRequest {
	return payment.HoldRequest{Source: w.source(), Amount: w.amount(minor), AuthCode: of.AuthCode, OriginalBatch: of.Batch, OriginalTrace: of.Trace,
		Card: channel.Card{Token: token, Entry: "02"}, Facts: payment.CardFacts{Token: token, Kind: card.Debit}}
}

func (w *world) complete(of payment.Attempt, minor int64) (payment.Attempt, error) {
	return w.engine.Complete(context.Background(), w.holdRequest(of, minor))
}

func (w *world) notice(of payment.Attempt, minor int64) (payment.Attempt, error) {
	return w.engine.CompleteNotice(context.Background(), w.holdRequest(of, minor))
}

func (w *world) release(of payment.Attempt) (payment.Attempt, error) {
	return w.engine.PreauthVoid(context.Background(), w.holdRequest(of, of.Amount.Minor()))
}

func (w *world) uncomplete(of payment.Attempt) (payment.Attempt, error) {
	return w.engine.CompletionVoid(context.Background(), w.returns(of, of.Amount.Minor()))
}

// holdIs holds a hold and the books to a state.
func (w *world) holdIs(of payment.Attempt, want payment.State, held, owed int64) {
	w.t.Helper()
	h, err := payment.HoldOf(context.Background(), w.db.Read(), of)
	if err != nil || h.State != want {
		w.t.Errorf("the hold is %s, want %s (%v)", h.State, want, err)
	}
	if got := w.balance(books.HeldAt("bank")); got != held || w.balance(books.Held) != -held {
		w.t.Errorf("held %d and %d, want %d", got, w.balance(books.Held), held)
	}
	if got := w.balance(books.Receivable("bank")); got != owed {
		w.t.Errorf("the bank owes %d, want %d", got, owed)
	}
}

func kind(k channel.Kind, b behaviour) func(channel.Request) behaviour {
	return func(r channel.Request) behaviour {
		if r.Kind == k {
			return b
		}
		return approves
	}
}

func TestHoldsAreCompletedOrGivenBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		first := w.mustHold(1000)
		w.holdIs(first, payment.Held, 1000, 0)
		done, err := w.complete(first, 900)
		if err != nil || done.State != payment.Approved {
			t.Fatalf("%s, %v", done.State, err)
		}
		w.holdIs(first, payment.Completed, 0, 900)
		if p, err := payment.Get(t.Context(), w.db.Read(), 1, done.Payment); err != nil || p.State != payment.Approved || p.Amount.Minor() != 900 || p.Fee.Minor() != 5 {
			t.Errorf("%+v, %v", p, err)
		}
		for name, again := range map[string]func() (payment.Attempt, error){
			"a second completion":                 func() (payment.Attempt, error) { return w.complete(first, 1) },
			"a notice after it":                   func() (payment.Attempt, error) { return w.notice(first, 1) },
			"a void after it":                     func() (payment.Attempt, error) { return w.release(first) },
			"a sale's void of the completion":     func() (payment.Attempt, error) { return w.void(done) },
			"a completion's void of the pre-auth": func() (payment.Attempt, error) { return w.uncomplete(first) },
			"a refund of the pre-auth":            func() (payment.Attempt, error) { return w.refund(first, 1) },
		} {
			if a, err := again(); err != nil || a.State != payment.Declined {
				t.Errorf("%s: %s %s, %v", name, a.State, a.Reason, err)
			}
		}
		if a, err := w.refund(done, 400); err != nil || a.State != payment.Approved {
			t.Errorf("refund of a completion: %s %s, %v", a.State, a.Reason, err)
		}
		second := w.mustHold(2000)
		if a, err := w.release(second); err != nil || a.State != payment.Approved {
			t.Errorf("void: %s, %v", a.State, err)
		}
		w.holdIs(second, payment.Voided, 0, 500)
		w.agree()
	})
}

func TestACompletionsVoidMakesTheHoldStandAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		hold := w.mustHold(1000)
		done, _ := w.complete(hold, 1100)
		if a, err := w.uncomplete(done); err != nil || a.State != payment.Approved {
			t.Fatalf("%s %s, %v", a.State, a.Reason, err)
		}
		w.holdIs(hold, payment.Held, 1000, 0)
		again, err := w.complete(hold, 700)
		if err != nil || again.State != payment.Approved {
			t.Fatalf("%s %s, %v", again.State, again.Reason, err)
		}
		w.holdIs(hold, payment.Completed, 0, 700)
		w.agree()
	})
}

func TestACompletionTakesAShareOfItsHold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, c := range []struct {
			hold, most int64
			share      money.BasisPoints
		}{{1000, 1150, 0}, {1001, 1151, 0}, {7, 8, 0}, {1000, 1000, 10000}, {1_000_000_000_000, 1_150_000_000_000, 0}} {
			w.restartWith(payment.HoldTerms{Share: c.share})
			hold := w.mustHold(c.hold)
			if a, err := w.complete(hold, c.most+1); err != nil || a.Reason != payment.ErrOverHold.Name {
				t.Errorf("%d of %d: %s %s, %v", c.most+1, c.hold, a.State, a.Reason, err)
			}
			if a, err := w.complete(hold, c.most); err != nil || a.State != payment.Approved {
				t.Errorf("%d of %d: %s %s, %v", c.most, c.hold, a.State, a.Reason, err)
			}
		}
		w.agree()
	})
}

func TestHoldsAreFoundByCodeAndCard(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		hold := w.mustHold(1000)
		for name, change := range map[string]func(*payment.HoldRequest){
			"another code":  func(r *payment.HoldRequest) { r.AuthCode = "999999" },
			"no code":       func(r *payment.HoldRequest) { r.AuthCode = "" },
			"another card":  func(r *payment.HoldRequest) { r.Facts.Token = "tok_bbbbbbbbbbbbbbbbbbbbbbbbbb" },
			"another trace": func(r *payment.HoldRequest) { r.OriginalTrace += 7 },
			"another batch": func(r *payment.HoldRequest) { r.OriginalBatch += 7 },
		} {
			r := w.holdRequest(hold, 1000)
			change(&r)
			if a, err := w.engine.Complete(t.Context(), r); err != nil || a.Reason != payment.ErrNotFound.Name {
				t.Errorf("%s: %s %s, %v", name, a.State, a.Reason, err)
			}
		}
		r := w.holdRequest(hold, 1000)
		r.OriginalBatch, r.OriginalTrace = 0, 0 // at another terminal, from the slip
		if a, err := w.engine.Complete(t.Context(), r); err != nil || a.State != payment.Approved {
			t.Errorf("by code and card: %s %s, %v", a.State, a.Reason, err)
		}
		if a, err := w.engine.PreauthVoid(t.Context(), w.holdRequest(w.mustHold(1000), 999)); err != nil || a.Reason != payment.ErrAmountDiffer.Name {
			t.Errorf("a void of a part: %s %s, %v", a.State, a.Reason, err)
		}
		w.agree()
	})
}

// TestEveryStepOfAHoldEndsWhateverTheBankDoes plays each step against each misbehaviour, and
// again with the terminal's reversal after it.
func TestEveryStepOfAHoldEndsWhateverTheBankDoes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		steps := map[channel.Kind]func(hold, done payment.Attempt) (payment.Attempt, error){
			channel.Preauth:          func(_, _ payment.Attempt) (payment.Attempt, error) { return w.preauth(1000) },
			channel.PreauthVoid:      func(hold, _ payment.Attempt) (payment.Attempt, error) { return w.release(hold) },
			channel.Completion:       func(hold, _ payment.Attempt) (payment.Attempt, error) { return w.complete(hold, 900) },
			channel.CompletionNotice: func(hold, _ payment.Attempt) (payment.Attempt, error) { return w.notice(hold, 900) },
			channel.CompletionVoid:   func(_, done payment.Attempt) (payment.Attempt, error) { return w.uncomplete(done) },
		}
		// What the hold must be at the end: after a yes, a no or an unsent request, and after silence.
		ends := map[channel.Kind]struct{ yes, no, silent payment.State }{
			channel.Preauth:          {payment.Held, payment.Declined, payment.Reversed},
			channel.PreauthVoid:      {payment.Voided, payment.Held, payment.Held},
			channel.Completion:       {payment.Completed, payment.Held, payment.Held},
			channel.CompletionNotice: {payment.Completed, payment.Held, payment.Completed},
			channel.CompletionVoid:   {payment.Held, payment.Completed, payment.Completed},
		}
		for k, step := range steps {
			for name, b := range map[string]behaviour{"approves": approves, "declines": declines, "loses": loses, "mute": mute, "tardy": tardy, "unreachable": unreachable} {
				for _, reversed := range []bool{false, true} {
					var hold, done payment.Attempt
					if k != channel.Preauth {
						hold = w.mustHold(1000)
					}
					if k == channel.CompletionVoid {
						done, _ = w.complete(hold, 900)
					}
					w.bank.when(kind(k, b))
					a, err := step(hold, done)
					if err != nil {
						t.Fatalf("%s, bank %s: %v", k, name, err)
					}
					if k == channel.Preauth {
						hold = a
					}
					want := ends[k].silent
					switch b {
					case approves:
						want = ends[k].yes
					case declines, unreachable:
						want = ends[k].no
					}
					if reversed {
						_, err := w.reverse(a.Trace, a.Amount.Minor())
						if refused := k == channel.CompletionNotice; refused != errors.Is(err, payment.ErrState) {
							t.Errorf("%s, bank %s: its reversal: %v", k, name, err)
						}
						if b == approves && k != channel.CompletionNotice {
							want = ends[k].silent
						}
					}
					w.heal()
					if h, err := payment.HoldOf(t.Context(), w.db.Read(), hold); err != nil || h.State != want {
						t.Errorf("%s, bank %s, reversed %t: the hold is %s, want %s (%v)", k, name, reversed, h.State, want, err)
					}
					if err := w.disagreement(); err != nil {
						t.Fatalf("%s, bank %s, reversed %t: %v", k, name, reversed, err)
					}
				}
			}
		}
	})
}

func TestACompletionAndAVoidAtOnceHaveOneWinner(t *testing.T) { // scenario 5
	each(t, func(t *testing.T, w *world) {
		for range 10 {
			hold := w.mustHold(1000)
			one, two := w.holdRequest(hold, 1000), w.holdRequest(hold, 1000)
			var all sync.WaitGroup
			won := make(chan channel.Kind, 2)
			note := func(a payment.Attempt, err error) {
				if err != nil {
					t.Error(err)
				}
				if a.State == payment.Approved {
					won <- a.Kind
				}
			}
			all.Go(func() { note(w.engine.Complete(context.Background(), one)) })
			all.Go(func() { note(w.engine.PreauthVoid(context.Background(), two)) })
			all.Wait()
			if len(won) != 1 {
				t.Fatalf("%d of two won", len(won))
			}
			if h, err := payment.HoldOf(t.Context(), w.db.Read(), hold); err != nil || (<-won == channel.Completion) != (h.State == payment.Completed) {
				t.Errorf("the hold is %s, %v", h.State, err)
			}
		}
		w.agree()
	})
}

func TestAHoldExpires(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.restartWith(payment.HoldTerms{Last: 7 * 24 * time.Hour})
		left, taken := w.mustHold(1000), w.mustHold(500)
		if _, err := w.complete(taken, 500); err != nil {
			t.Fatal(err)
		}
		w.pass(7*24*time.Hour - time.Minute)
		if n := w.jobs.RunDue(t.Context()); n != 0 {
			t.Fatalf("%d jobs before its time", n)
		}
		w.holdIs(left, payment.Held, 1000, 500)
		w.bank.when(kind(channel.Reversal, loses))
		w.pass(time.Minute)
		w.jobs.RunDue(t.Context())
		w.holdIs(left, payment.Expiring, 1000, 500)
		if a, err := w.complete(left, 1000); err != nil || a.State != payment.Declined {
			t.Errorf("completion after expiry: %s, %v", a.State, err)
		}
		w.heal()
		w.holdIs(left, payment.Expired, 0, 500)
		w.holdIs(taken, payment.Completed, 0, 500)
		w.agree()
	})
}

func TestLimitsCountAHoldUntilItIsCompleted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.limit(risk.Limit{Method: "card", Daily: money.New(1000, "CNY")})
		over := func(minor int64) bool {
			a, err := w.preauth(minor)
			if err != nil {
				t.Fatal(err)
			}
			if a.State == payment.Approved {
				_, err = w.release(a)
			}
			return a.Reason == risk.ErrOverDay.Name || err != nil
		}
		hold := w.mustHold(800)
		if !over(201) || over(200) {
			t.Error("a hold of 800 does not count")
		}
		if a, err := w.complete(hold, 900); err != nil || a.State != payment.Approved { // its own hold makes room
			t.Fatalf("%s %s, %v", a.State, a.Reason, err)
		}
		if !over(101) || over(100) {
			t.Error("a completion of 900 does not count, or counts beside its hold")
		}
		w.limit(risk.Limit{Method: "card", Daily: money.New(1050, "CNY")})
		hold = w.mustHold(140)
		if a, err := w.complete(hold, 151); err != nil || a.Reason != risk.ErrOverDay.Name {
			t.Errorf("a completion over the limit: %s %s, %v", a.State, a.Reason, err)
		}
		if !over(11) || over(10) {
			t.Error("the refused completion left another count behind")
		}
		w.agree()
	})
}

func TestTotalsCountCompletionsAndNoHolds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		hold := w.mustHold(1000)
		if _, err := w.release(w.mustHold(300)); err != nil {
			t.Fatal(err)
		}
		done, _ := w.complete(hold, 900)
		if _, err := w.notice(w.mustHold(100), 100); err != nil {
			t.Fatal(err)
		}
		if _, err := w.uncomplete(done); err != nil {
			t.Fatal(err)
		}
		b, err := w.engine.SettleBatch(t.Context(), w.source(), payment.Totals{Debit: w.amount(1000), DebitCount: 2, Credit: w.amount(900), CreditCount: 1})
		if err != nil || !b.Balanced() {
			t.Errorf("%+v, %v", b, err)
		}
	})
}

func TestARepeatedStepOfAHoldHasOneEffect(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		src := w.source()
		first, err := w.engine.Preauth(t.Context(), w.saleRequest(src, 1000))
		again, err2 := w.engine.Preauth(t.Context(), w.saleRequest(src, 1000))
		if err != nil || err2 != nil || first.ID != again.ID || again.AuthCode == "" {
			t.Fatalf("%v %v: %+v", err, err2, again)
		}
		if _, err := w.engine.Sale(t.Context(), w.saleRequest(src, 1000)); !errors.Is(err, payment.ErrReused) {
			t.Errorf("a sale under its number: %v", err)
		}
		r := w.holdRequest(first, 800)
		done, err := w.engine.CompleteNotice(t.Context(), r)
		repeated, err2 := w.engine.CompleteNotice(t.Context(), r)
		if err != nil || err2 != nil || done.ID != repeated.ID {
			t.Fatalf("%v %v", err, err2)
		}
		r.Amount = w.amount(801)
		if _, err := w.engine.CompleteNotice(t.Context(), r); !errors.Is(err, payment.ErrReused) {
			t.Errorf("with another amount: %v", err)
		}
		w.holdIs(first, payment.Completed, 0, 800)
		w.agree()
	})
}

func TestAnExpiryFarAwayMovesNoOtherJob(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.bank.when(kind(channel.Sale, mute))
		var all sync.WaitGroup
		for range 8 { // holds and reversals, written together
			one, two := w.source(), w.source()
			all.Go(func() { _, _ = w.engine.Preauth(context.Background(), w.saleRequest(one, 100)) })
			all.Go(func() { _, _ = w.engine.Sale(context.Background(), w.saleRequest(two, 100)) })
		}
		all.Wait()
		list, err := jobs.List(t.Context(), w.db.Read())
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range list {
			if late := j.Due.Sub(today) > time.Hour; late != (j.Kind == payment.JobHoldExpiry) {
				t.Errorf("%s is due at %s", j.Kind, j.Due)
			}
		}
		w.heal()
		w.agree()
	})
}
