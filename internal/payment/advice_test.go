package payment_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hawker/internal/books"
	"hawker/internal/channel"
	"hawker/internal/fault"
	"hawker/internal/feelock/feelocktest"
	"hawker/internal/jobs"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/risk"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func (w *world) tip(of payment.Attempt, minor int64) (payment.Attempt, error) {
	return w.engine.Tip(context.Background(), w.returns(of, minor))
}

func (w *world) adjust(of payment.Attempt, minor int64) (payment.Attempt, error) {
	return w.engine.Adjust(context.Background(), w.returns(of, minor))
}

func (w *world) offline(minor int64) (payment.Attempt, error) {
	return w.engine.OfflineSale(context.Background(), w.saleRequest(w.source(), minor))
}

// ends holds an attempt to how it must have ended.
func ends(t *testing.T, what string, want payment.State, a payment.Attempt, err error) payment.Attempt {
	t.Helper()
	if err != nil || a.State != want {
		t.Fatalf("%s: %s (%s), %v; want %s", what, a.State, a.Reason, err, want)
	}
	return a
}

// captured holds a payment to its amount and to the fee of the plan, 0.6 % and a fen at least.
func (w *world) captured(of payment.Attempt, minor int64) {
	w.t.Helper()
	p, err := payment.Get(context.Background(), w.db.Read(), 1, of.Payment)
	if err != nil {
		w.t.Fatal(err)
	}
	fee := max(1, (minor*60+5000)/10000)
	if p.Amount != w.amount(minor) || p.Fee != w.amount(fee) || p.State != payment.Approved {
		w.t.Errorf("captured %s, fee %s, %s; want %d and %d", p.Amount, p.Fee, p.State, minor, fee)
	}
}

func TestTipsRaiseASaleUpToTheirShare(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		sale := w.mustSale(100_00)
		tip, err := w.tip(sale, 15_00)
		ends(t, "a tip", payment.Approved, tip, err)
		w.captured(sale, 115_00)
		if fee := w.balance(books.Fees); fee != -69 {
			t.Errorf("fees %d", fee)
		}
		over, err := w.tip(sale, 5_01)
		if ends(t, "a tip over the share", payment.Declined, over, err); over.Reason != payment.ErrOverTip.Name {
			t.Errorf("refused as %s", over.Reason)
		}
		rest, err := w.tip(sale, 5_00)
		ends(t, "the rest of the share", payment.Approved, rest, err)
		w.captured(sale, 120_00)
		if got := w.totals(); got.Debit != w.amount(120_00) || got.DebitCount != 3 || got.CreditCount != 0 {
			t.Errorf("totals %+v", got)
		}
		part, err := w.void(sale)
		ends(t, "a void of the sale's own amount", payment.Declined, part, err)
		whole, err := w.engine.Void(t.Context(), w.returns(sale, 120_00))
		ends(t, "a void of all that was captured", payment.Approved, whole, err)
		if got := w.balance(books.Fees) + w.balance(books.Pending); got != 0 {
			t.Errorf("%d is left of a voided sale", got)
		}
		w.agree()
	})
}

func TestAdjustmentsLowerASaleAndLeaveSomething(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		sale := w.mustSale(100_00)
		less, err := w.adjust(sale, 40_00)
		ends(t, "an adjustment", payment.Approved, less, err)
		w.captured(sale, 60_00)
		if got := w.totals(); got.Debit != w.amount(100_00) || got.Credit != w.amount(40_00) || got.CreditCount != 1 {
			t.Errorf("totals %+v", got)
		}
		all, err := w.adjust(sale, 60_00)
		if ends(t, "to nothing", payment.Declined, all, err); all.Reason != payment.ErrNothing.Name {
			t.Errorf("refused as %s", all.Reason)
		}
		w.settled()
		late, err := w.adjust(sale, 1_00)
		if ends(t, "after settlement", payment.Declined, late, err); late.Reason != payment.ErrBatchClosed.Name {
			t.Errorf("refused as %s", late.Reason)
		}
		tip, err := w.tip(sale, 1_00)
		ends(t, "a tip after settlement", payment.Declined, tip, err)
		more, err := w.refund(sale, 60_01)
		ends(t, "a refund over what is captured", payment.Declined, more, err)
		back, err := w.refund(sale, 60_00)
		ends(t, "a refund of what is captured", payment.Approved, back, err)
		if got := w.balance(books.Fees) + w.balance(books.Pending); got != 0 {
			t.Errorf("%d is left", got)
		}
		w.agree()
	})
}

func TestAnOfflineSaleStaysUnderItsFloor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		sale, err := w.offline(floor)
		ends(t, "up to the floor", payment.Approved, sale, err)
		over, err := w.offline(floor + 1)
		if ends(t, "over the floor", payment.Declined, over, err); over.Reason != payment.ErrOverFloor.Name {
			t.Errorf("refused as %s", over.Reason)
		}
		tip, err := w.tip(sale, 10_00)
		ends(t, "its tip", payment.Approved, tip, err)
		if _, err := w.reverse(sale.Trace, floor); !errors.Is(err, payment.ErrState) {
			t.Errorf("its reversal: %v", err)
		}
		void, err := w.engine.Void(t.Context(), w.returns(sale, floor+10_00))
		ends(t, "its void", payment.Approved, void, err)
		w.agree()
	})
}

func TestWithoutAFloorThereAreNoOfflineSales(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.jobs = jobs.NewRunner(w.db, w.clock, slog.New(slog.DiscardHandler))
		w.engine = payment.New(payment.Config{DB: w.db, Clock: w.clock, Fees: feelocktest.Open(w.db, w.clock), Card: w.bank, Jobs: w.jobs, Log: slog.New(slog.DiscardHandler), Metrics: noMetrics{}, Sale: payment.SaleTerms{Tip: -1}})
		a, err := w.offline(1)
		ends(t, "a fen", payment.Declined, a, err)
		sale := w.mustSale(100_00)
		tip, err := w.tip(sale, 1)
		ends(t, "a tip where there are none", payment.Declined, tip, err)
		w.agree()
	})
}

func TestWhatTheBankDidNotAnswerIsAskedAgain(t *testing.T) {
	for name, mood := range map[string]behaviour{"the request was lost": loses, "the answer was lost": mute, "the answer is late": tardy} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				sale := w.mustSale(100_00)
				w.bank.always(mood)
				tip, err := w.tip(sale, 10_00)
				ends(t, "a tip", payment.Unknown, tip, err)
				off, err := w.offline(20_00)
				ends(t, "an offline sale", payment.Unknown, off, err)
				for what, do := range map[string]func() (payment.Attempt, error){
					"a void":     func() (payment.Attempt, error) { return w.void(sale) },
					"a refund":   func() (payment.Attempt, error) { return w.refund(sale, 1) },
					"a tip":      func() (payment.Attempt, error) { return w.tip(sale, 1) },
					"adjustment": func() (payment.Attempt, error) { return w.adjust(sale, 1) },
				} {
					a, err := do()
					ends(t, what+" meanwhile", payment.Declined, a, err)
				}
				if _, err := w.reverse(tip.Trace, 10_00); !errors.Is(err, payment.ErrState) {
					t.Errorf("a tip's reversal: %v", err)
				}
				if _, err := w.reverse(sale.Trace, 100_00); !errors.Is(err, payment.ErrState) {
					t.Errorf("the sale's reversal meanwhile: %v", err)
				}
				w.restart() // and the process that asked is gone
				w.heal()
				w.captured(sale, 110_00)
				w.captured(off, 20_00)
				if _, err := w.reverse(sale.Trace, 100_00); !errors.Is(err, payment.ErrState) {
					t.Errorf("the reversal of a tipped sale: %v", err)
				}
				w.agree()
			})
		})
	}
}

func TestWhatTheBankDeclinesChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.limit(risk.Limit{Method: payment.MethodCard, Daily: w.amount(120_00)})
		sale := w.mustSale(100_00)
		w.bank.always(declines)
		for what, do := range map[string]func() (payment.Attempt, error){
			"tip": func() (payment.Attempt, error) { return w.tip(sale, 20_00) }, "adjustment": func() (payment.Attempt, error) { return w.adjust(sale, 20_00) },
		} {
			a, err := do()
			ends(t, what, payment.Declined, a, err)
		}
		w.bank.always(approves)
		w.captured(sale, 100_00)
		tip, err := w.tip(sale, 20_00)
		ends(t, "a tip within the limit that the declined one gave back", payment.Approved, tip, err)
		over, err := w.sale(1)
		ends(t, "a sale over the limit that the tip used up", payment.Declined, over, err)
		less, err := w.adjust(sale, 30_00)
		ends(t, "an adjustment", payment.Approved, less, err)
		ok, err := w.sale(30_00)
		ends(t, "a sale in the room that it made", payment.Approved, ok, err)
		w.agree()
	})
}

func TestTheSameNoticeAgainHasOneEffect(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		sale := w.mustSale(100_00)
		r := w.returns(sale, 10_00)
		first, err := w.engine.Tip(t.Context(), r)
		ends(t, "a tip", payment.Approved, first, err)
		again, err := w.engine.Tip(t.Context(), r)
		if ends(t, "the same again", payment.Approved, again, err); again.ID != first.ID {
			t.Errorf("%s, then %s", first.Ref(), again.Ref())
		}
		r.Amount = w.amount(11_00)
		if _, err := w.engine.Tip(t.Context(), r); !errors.Is(err, payment.ErrReused) {
			t.Errorf("with another amount: %v", err)
		}
		r.Amount = w.amount(10_00)
		if _, err := w.engine.Adjust(t.Context(), r); !errors.Is(err, payment.ErrReused) {
			t.Errorf("as an adjustment: %v", err)
		}
		w.captured(sale, 110_00)
		w.agree()
	})
}

func TestAnyOrderOfTipsAndAdjustmentsKeepsLedgerAndBankEqual(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, money.CNY)
		rapid.Check(t, func(r *rapid.T) {
			w.freshTerminal(r)
			w.conclude(r)
			w.heal()
			if err := w.disagreement(); err != nil {
				r.Fatal(err)
			}
		})
	})
}

// conclude does a random run of what a terminal, a bank and time can do with sales and their changes.
func (w *world) conclude(r *rapid.T) {
	var sales []payment.Attempt
	which := func() (payment.Attempt, bool) {
		if len(sales) == 0 {
			return payment.Attempt{}, false
		}
		return sales[rapid.IntRange(0, len(sales)-1).Draw(r, "which")], true
	}
	amount := func(of int64) int64 { return rapid.Int64Range(1, of*12/10+1).Draw(r, "amount") }
	about := func(do func(payment.Attempt) (payment.Attempt, error)) func() (payment.Attempt, error) {
		return func() (payment.Attempt, error) {
			if a, ok := which(); ok {
				return do(a)
			}
			return payment.Attempt{}, nil
		}
	}
	steps := map[string]func() (payment.Attempt, error){
		"sale":       func() (payment.Attempt, error) { return w.sale(amount(5000)) },
		"offline":    func() (payment.Attempt, error) { return w.offline(amount(floor)) },
		"tip":        about(func(a payment.Attempt) (payment.Attempt, error) { return w.tip(a, amount(a.Amount.Minor())/4+1) }),
		"adjustment": about(func(a payment.Attempt) (payment.Attempt, error) { return w.adjust(a, amount(a.Amount.Minor())) }),
		"refund":     about(func(a payment.Attempt) (payment.Attempt, error) { return w.refund(a, amount(a.Amount.Minor())) }),
		"reversal":   about(func(a payment.Attempt) (payment.Attempt, error) { return w.reverse(a.Trace, a.Amount.Minor()) }),
		"void": about(func(a payment.Attempt) (payment.Attempt, error) {
			p, err := payment.Get(context.Background(), w.db.Read(), 1, a.Payment)
			if err != nil {
				return payment.Attempt{}, err
			}
			return w.engine.Void(context.Background(), w.returns(a, p.Amount.Minor()))
		}),
		"jobs": func() (payment.Attempt, error) { w.jobs.RunDue(context.Background()); return payment.Attempt{}, nil },
		"late": func() (payment.Attempt, error) { w.bank.deliver(); return payment.Attempt{}, nil },
		"time": func() (payment.Attempt, error) { w.pass(20 * time.Minute); return payment.Attempt{}, nil },
		"restart": func() (payment.Attempt, error) {
			w.restart()
			_, err := w.engine.Recover(context.Background(), everything)
			return payment.Attempt{}, err
		},
	}
	names := []string{"sale", "sale", "offline", "tip", "tip", "adjustment", "refund", "reversal", "void", "jobs", "late", "time", "restart"}
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
		if a.ID != 0 && (a.Kind == channel.Sale || a.Kind == channel.OfflineSale) {
			sales = append(sales, a)
		}
	}
}
