package payment_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"hawker/internal/books"
	"hawker/internal/cases"
	"hawker/internal/channel"
	"hawker/internal/events"
	"hawker/internal/feelock/feelocktest"
	"hawker/internal/jobs"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/risk"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/terminal"
)

func TestScenario1ALateApprovalNeverRevivesTheSale(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.bank.when(func(r channel.Request) behaviour {
			if r.Kind == channel.Sale {
				return tardy
			}
			return loses // the reversal does not get through either, at first
		})
		a, err := w.sale(4650)
		if err != nil || a.State != payment.Reversing {
			t.Fatalf("%s, %v", a.State, err)
		}
		if waiting, err := jobs.List(t.Context(), w.db.Read()); err != nil || len(waiting) != 1 || waiting[0].Kind != "reversal" {
			t.Fatalf("no reversal is queued: %v, %v", waiting, err)
		}
		w.bank.deliver() // the approval arrives
		if s := w.state(a); s != payment.Reversing {
			t.Fatalf("late approval made the payment %s", s)
		}
		w.heal()
		if s := w.state(a); s != payment.Reversed || w.bank.owes() != 0 || w.balance(books.Pending) != 0 {
			t.Fatalf("payment %s, bank owes %d, pending %d", s, w.bank.owes(), w.balance(books.Pending))
		}
		if list, err := events.After(t.Context(), w.db.Read(), 1, 0, 100); err != nil || !told(list, "payment.unknown", "payment.reversing", "payment.late_answer", "payment.reversed") {
			t.Fatalf("events %v, %v", list, err)
		}
		w.agree()
	})
}

func told(list []events.Event, kinds ...string) bool {
	for _, e := range list {
		if len(kinds) > 0 && e.Kind == kinds[0] {
			kinds = kinds[1:]
		}
	}
	return len(kinds) == 0
}

func TestScenario2AReversalOvertakesItsRequest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		src := w.source()
		for range 2 { // it may be repeated
			if _, err := w.reverse(src.Trace, 4650); !errors.Is(err, payment.ErrNotFound) {
				t.Fatalf("reversal of nothing: %v", err)
			}
		}
		if _, err := w.engine.Sale(t.Context(), w.saleRequest(src, 4650)); !errors.Is(err, payment.ErrReversed) {
			t.Fatalf("original after its reversal: %v", err)
		}
		if len(w.bank.seen) != 0 {
			t.Fatalf("the bank was asked: %v", w.bank.seen)
		}
		w.agree()
	})
}

func TestAReversalOvertakesTheAnswer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.bank.arrived, w.bank.gate = make(chan channel.Request), make(chan struct{})
		src := w.source()
		sold := make(chan payment.Attempt, 1)
		go func() {
			a, err := w.engine.Sale(context.Background(), w.saleRequest(src, 4650))
			if err != nil {
				t.Error(err)
			}
			sold <- a
		}()
		<-w.bank.arrived
		if _, err := w.reverse(src.Trace, 4650); err != nil {
			t.Fatal(err)
		}
		w.bank.gate <- struct{}{} // now the bank approves
		if a := <-sold; a.State != payment.Reversing {
			t.Fatalf("the sale's answer says %s", a.State)
		}
		w.bank.arrived = nil
		w.heal()
		w.agree()
		if w.bank.owes() != 0 {
			t.Fatalf("bank owes %d", w.bank.owes())
		}
	})
}

func TestScenario4RefundsNeverPassWhatWasCaptured(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		sale := w.mustSale(1000)
		var wg sync.WaitGroup
		var mu sync.Mutex
		refunded := int64(0)
		for i := range 32 {
			r := w.returns(sale, 300)
			wg.Go(func() {
				a, err := w.engine.Refund(context.Background(), r)
				if err != nil {
					t.Error(err)
					return
				}
				if i%4 == 0 { // and each asks twice
					if again, err := w.engine.Refund(context.Background(), r); err != nil || again.ID != a.ID || again.State != a.State {
						t.Errorf("repeat: %v, %v", again, err)
					}
				}
				mu.Lock()
				defer mu.Unlock()
				switch {
				case a.State == payment.Approved:
					refunded += 300
				case a.State != payment.Declined || a.Reason != payment.ErrRefundOver.Name:
					t.Errorf("refund %s %s", a.State, a.Reason)
				}
			})
		}
		wg.Wait()
		if refunded != 900 || w.bank.owes() != 100 {
			t.Fatalf("refunded %d, bank owes %d", refunded, w.bank.owes())
		}
		if _, err := w.reverse(sale.Trace, 1000); !errors.Is(err, payment.ErrState) {
			t.Fatalf("reversal of a refunded sale: %v", err)
		}
		w.agree()
	})
}

func TestScenario6AVoidAroundMidnightIsDecidedByTheBatch(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.now = time.Date(2026, 11, 22, 15, 59, 58, 0, time.UTC) // 23:59:58 in Shanghai
		first, second := w.mustSale(1000), w.mustSale(2000)
		w.bank.arrived, w.bank.gate = make(chan channel.Request), make(chan struct{})
		w.pass(time.Second)
		done := make(chan payment.Attempt, 1)
		go func() {
			a, err := w.void(first)
			if err != nil {
				t.Error(err)
			}
			done <- a
		}()
		<-w.bank.arrived
		w.pass(4 * time.Second) // 00:00:03
		w.bank.gate <- struct{}{}
		if v := <-done; v.State != payment.Approved || v.Day != 20261122 {
			t.Fatalf("void %s on %s", v.State, v.Day)
		}
		w.bank.arrived = nil
		// After midnight the batch is still open: a void is right. Once it is settled, only a refund is.
		if _, err := w.engine.SettleBatch(t.Context(), w.source(), payment.Totals{Debit: w.amount(3000), DebitCount: 2, Credit: w.amount(1000), CreditCount: 1}); err != nil {
			t.Fatal(err)
		}
		w.batch = 2
		if v, err := w.void(second); err != nil || v.State != payment.Declined || v.Reason != payment.ErrBatchClosed.Name {
			t.Fatalf("void after settlement: %s %s, %v", v.State, v.Reason, err)
		}
		if r, err := w.refund(second, 2000); err != nil || r.State != payment.Approved || r.Day != 20261123 {
			t.Fatalf("refund after settlement: %s on %s, %v", r.State, r.Day, err)
		}
		w.agree()
	})
}

func TestScenario11CurrenciesWithNoDecimalsAndWithThree(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		currency money.Currency
		minor    int64
		fee      int64
	}{{money.JPY, 4650, 28}, {money.KWD, 4650, 28}, {money.CNY, 4650, 28}} {
		t.Run(string(c.currency), func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db, c.currency)
				a := w.mustSale(c.minor)
				if a.Fee.Minor() != c.fee || a.Fee.Currency() != c.currency || w.balance(books.Fees) != -c.fee {
					t.Fatalf("fee %v", a.Fee)
				}
				other := money.USD
				if _, err := w.engine.Sale(t.Context(), func() payment.SaleRequest {
					r := w.saleRequest(w.source(), 1)
					r.Amount = money.New(1, other)
					return r
				}()); !errors.Is(err, payment.ErrCurrency) {
					t.Fatalf("%s at a %s merchant: %v", other, c.currency, err)
				}
				if r, err := w.refund(a, c.minor); err != nil || r.State != payment.Approved || w.balance(books.Pending) != 0 {
					t.Fatal(r.State, err)
				}
				w.agree()
			})
		})
	}
}

func TestScenario12RefundsGiveBackExactlyTheStoredFee(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, c := range []struct {
			minor   int64
			fee     int64
			refunds []int64
		}{
			{10000, 60, []int64{3333, 3333, 3334}},
			{1, 1, []int64{1}},                           // the minimum
			{10_000_000, 2000, []int64{1, 9_999_998, 1}}, // the cap
			{999, 6, []int64{100, 100, 100, 699}},        // 5.994 rounds half up
			{750, 5, []int64{1, 1, 748}},                 // 4.5 rounds half up
		} {
			fees, pending := w.balance(books.Fees), w.balance(books.Pending)
			sale := w.mustSale(c.minor)
			if sale.Fee.Minor() != c.fee {
				t.Errorf("fee of %d is %v, want %d", c.minor, sale.Fee, c.fee)
			}
			back := int64(0)
			for _, minor := range c.refunds {
				r, err := w.refund(sale, minor)
				if err != nil || r.State != payment.Approved || r.Fee.Sign() < 0 {
					t.Fatalf("refund of %d: %s %v, %v", minor, r.State, r.Fee, err)
				}
				back += r.Fee.Minor()
			}
			if back != c.fee || w.balance(books.Fees) != fees || w.balance(books.Pending) != pending {
				t.Errorf("of a fee of %d came back %d", c.fee, back)
			}
		}
		// A plan that changes later changes no payment that was made.
		sale := w.mustSale(10000)
		w.lower(30)
		if later := w.mustSale(10000); later.Fee.Minor() != 30 {
			t.Fatal(later.Fee)
		}
		if r, err := w.refund(sale, 10000); err != nil || r.Fee.Minor() != 60 {
			t.Fatal(r.Fee, err)
		}
		w.agree()
	})
}

func TestScenario14AReplayedOrWrappedTraceNumber(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		src := w.source()
		first, err := w.engine.Sale(t.Context(), w.saleRequest(src, 4650))
		if err != nil {
			t.Fatal(err)
		}
		w.pass(13 * time.Hour) // past midnight, same batch
		w.restart()
		again, err := w.engine.Sale(t.Context(), w.saleRequest(src, 4650))
		if err != nil || again.ID != first.ID || again.Code != first.Code || again.AuthCode != first.AuthCode || !again.Created.Equal(first.Created) {
			t.Fatalf("replay: %+v, %v", again, err)
		}
		if _, err := w.engine.Sale(t.Context(), w.saleRequest(src, 4651)); !errors.Is(err, payment.ErrReused) {
			t.Fatalf("other content: %v", err)
		}
		old := src
		if _, err := w.engine.SettleBatch(t.Context(), w.source(), payment.Totals{Debit: w.amount(4650), DebitCount: 1, Credit: w.amount(0)}); err != nil {
			t.Fatal(err)
		}
		if again, err := w.engine.Sale(t.Context(), w.saleRequest(old, 4650)); err != nil || again.ID != first.ID {
			t.Fatalf("replay after settlement: %+v, %v", again, err)
		}
		old.Trace = 99
		if _, err := w.engine.Sale(t.Context(), w.saleRequest(old, 4650)); !errors.Is(err, terminal.ErrBatch) {
			t.Fatalf("a new sale in a settled batch: %v", err)
		}
		w.batch = 2
		src.Batch = 2 // the terminal's counter wrapped or was reset: a new batch makes the number new
		fresh, err := w.engine.Sale(t.Context(), w.saleRequest(src, 4650))
		if err != nil || fresh.ID == first.ID || fresh.State != payment.Approved {
			t.Fatal(fresh, err)
		}
		if w.bank.owes() != 9300 {
			t.Fatalf("bank owes %d", w.bank.owes())
		}
		w.agree()
	})
}

func TestTheSameKeyFromManySidesHasOneEffect(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		src := w.source()
		var wg sync.WaitGroup
		ids := make([]int64, 64)
		for i := range ids {
			wg.Go(func() {
				a, err := w.engine.Sale(context.Background(), w.saleRequest(src, 4650))
				if err != nil || a.State != payment.Approved {
					t.Errorf("%s, %v", a.State, err)
				}
				ids[i] = a.ID
			})
		}
		wg.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Fatalf("two attempts: %d and %d", ids[0], id)
			}
		}
		if w.bank.owes() != 4650 {
			t.Fatalf("bank owes %d", w.bank.owes())
		}
		w.agree()
	})
}

func TestASilentVoidIsTakenBackAndTheSaleStands(t *testing.T) {
	for _, how := range []behaviour{loses, mute, tardy} {
		each2(t, how, func(t *testing.T, w *world) {
			sale := w.mustSale(1000)
			w.bank.when(func(r channel.Request) behaviour {
				if r.Kind == channel.Void {
					return how
				}
				return approves
			})
			v, err := w.void(sale)
			if err != nil || v.State != payment.Reversing || w.state(sale) != payment.Restoring {
				t.Fatalf("void %s, payment %s, %v", v.State, w.state(sale), err)
			}
			if r, err := w.refund(sale, 1); err != nil || r.State != payment.Declined {
				t.Fatalf("refund meanwhile: %s, %v", r.State, err)
			}
			w.heal()
			if w.state(sale) != payment.Approved || w.bank.owes() != 1000 {
				t.Fatalf("payment %s, bank owes %d", w.state(sale), w.bank.owes())
			}
			w.agree()
		})
	}
}

func each2(t *testing.T, how behaviour, test func(*testing.T, *world)) {
	t.Run([]string{"approves", "declines", "loses", "mute", "tardy", "unreachable"}[how], func(t *testing.T) { each(t, test) })
}

func TestAReversedVoidBringsTheSaleBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		sale := w.mustSale(1000)
		v, err := w.void(sale)
		if err != nil || v.State != payment.Approved || w.balance(books.Pending) != 0 {
			t.Fatal(v.State, err)
		}
		if again, err := w.void(sale); err != nil || again.State != payment.Declined {
			t.Fatalf("second void: %s, %v", again.State, err)
		}
		if _, err := w.reverse(v.Trace, 1000); err != nil {
			t.Fatal(err)
		}
		w.heal()
		if w.state(sale) != payment.Approved || w.balance(books.Pending) != -994 {
			t.Fatalf("payment %s, pending %d", w.state(sale), w.balance(books.Pending))
		}
		w.agree()
	})
}

func TestASilentRefundIsAskedAgainUntilItEnds(t *testing.T) {
	for _, how := range []behaviour{loses, mute, tardy} {
		each2(t, how, func(t *testing.T, w *world) {
			sale := w.mustSale(1000)
			w.bank.always(how)
			r := w.returns(sale, 400)
			a, err := w.engine.Refund(t.Context(), r)
			if err != nil || a.State != payment.Unknown {
				t.Fatal(a.State, err)
			}
			if over, err := w.refund(sale, 601); err != nil || over.State != payment.Declined {
				t.Fatalf("what is under way is not reserved: %s, %v", over.State, err)
			}
			w.heal()
			if again, err := w.engine.Refund(t.Context(), r); err != nil || again.ID != a.ID || again.State != payment.Approved {
				t.Fatalf("the terminal repeats: %s, %v", again.State, err)
			}
			if w.bank.owes() != 600 {
				t.Fatalf("bank owes %d", w.bank.owes())
			}
			w.agree()
		})
	}
}

func TestARefundDeclinedLateFreesWhatItReserved(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		sale := w.mustSale(1000)
		w.bank.always(loses)
		if a, err := w.refund(sale, 1000); err != nil || a.State != payment.Unknown {
			t.Fatal(a.State, err)
		}
		w.bank.always(declines)
		w.pass(time.Hour)
		w.jobs.RunDue(t.Context())
		w.bank.always(approves)
		if a, err := w.refund(sale, 1000); err != nil || a.State != payment.Approved {
			t.Fatal(a.State, err)
		}
		w.agree()
	})
}

func TestAnUnreachableBankChargesNobody(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		sale := w.mustSale(1000)
		w.bank.always(unreachable)
		a, err := w.sale(2000)
		if err != nil || a.State != payment.Declined || a.Reason != payment.ErrUnreachable.Name {
			t.Fatalf("%s %s, %v", a.State, a.Reason, err)
		}
		if v, err := w.void(sale); err != nil || v.State != payment.Declined || w.state(sale) != payment.Approved {
			t.Fatal(v.State, err)
		}
		if r, err := w.refund(sale, 1000); err != nil || r.State != payment.Declined {
			t.Fatal(r.State, err)
		}
		w.bank.always(approves)
		if r, err := w.refund(sale, 1000); err != nil || r.State != payment.Approved {
			t.Fatal(r.State, err)
		}
		w.agree()
	})
}

func TestAProcessThatDiesWithAPaymentInFlight(t *testing.T) {
	for _, kind := range []channel.Kind{channel.Sale, channel.Void, channel.Refund} {
		for _, how := range []behaviour{loses, mute} {
			t.Run(string(kind), func(t *testing.T) {
				each2(t, how, func(t *testing.T, w *world) {
					sale := w.mustSale(1000)
					hold := make(chan struct{})
					w.bank.when(func(r channel.Request) behaviour {
						if r.Kind == kind && r.Ref != sale.Ref() {
							return how
						}
						return approves
					})
					dying := &stuck{bank: w.bank, kind: kind, sent: make(chan struct{}), hold: hold}
					old := payment.New(payment.Config{DB: w.db, Clock: w.clock, Fees: feelocktest.Open(w.db, w.clock), Card: dying, Jobs: jobs.NewRunner(w.db, w.clock, discard), Log: discard, Metrics: noMetrics{}})
					ended := make(chan struct{})
					r := w.returns(sale, 1000)
					go func() { // the old process: its answer comes after it was declared dead
						defer close(ended)
						switch kind {
						case channel.Sale:
							_, _ = old.Sale(context.Background(), w.saleRequest(r.Source, 500))
						case channel.Void:
							_, _ = old.Void(context.Background(), r)
						default:
							_, _ = old.Refund(context.Background(), r)
						}
					}()
					<-dying.sent
					w.restart()
					if n, err := w.engine.Recover(t.Context(), everything); err != nil || n != 1 {
						t.Fatalf("recovered %d, %v", n, err)
					}
					w.heal()
					close(hold)
					<-ended
					w.heal()
					w.agree()
				})
			})
		}
	}
}

// stuck is a bank whose answers to one kind are held until hold is closed.
type stuck struct {
	*bank
	kind channel.Kind
	sent chan struct{}
	hold chan struct{}
}

func (s *stuck) Do(ctx context.Context, r channel.Request) channel.Outcome {
	if r.Kind != s.kind {
		return s.bank.Do(ctx, r)
	}
	o := s.bank.Do(ctx, r)
	close(s.sent)
	<-s.hold
	return o
}

func TestReversalsThatAreNeverAnsweredBecomeACase(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.bank.always(mute)
		a, err := w.sale(1000)
		if err != nil || a.State != payment.Reversing {
			t.Fatal(a.State, err)
		}
		for range 200 {
			w.pass(11 * time.Minute)
			w.jobs.RunDue(t.Context())
		}
		open, err := cases.List(t.Context(), w.db.Read())
		if err != nil || len(open) != 1 || open[0].Kind != "reversal exhausted" {
			t.Fatalf("cases %v, %v", open, err)
		}
		left, err := jobs.List(t.Context(), w.db.Read())
		if err != nil || len(left) != 1 || left[0].State != jobs.Exhausted {
			t.Fatalf("jobs %v, %v", left, err)
		}
		w.write(func(ctx context.Context, tx *store.Tx) error { // a person tries again
			_, err := jobs.Retry(ctx, tx, 1, "reversal", left[0].Ref, w.clock())
			return err
		})
		w.heal()
		w.agree()
	})
}

func TestWhatIsRefusedBeforeAnythingLeaves(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.limit(risk.Limit{Method: payment.MethodCard, PerPayment: w.amount(5000), Daily: w.amount(8000)})
		sale := w.mustSale(5000)
		for _, c := range []struct {
			name string
			do   func() (payment.Attempt, error)
			want error
		}{
			{"amount zero", func() (payment.Attempt, error) { return w.sale(0) }, payment.ErrAmount},
			{"amount negative", func() (payment.Attempt, error) { return w.sale(-1) }, payment.ErrAmount},
			{"over the limit of one payment", func() (payment.Attempt, error) { return w.sale(5001) }, risk.ErrOverPayment},
			{"over the day's limit", func() (payment.Attempt, error) { return w.sale(3001) }, risk.ErrOverDay},
			{"void of another amount", func() (payment.Attempt, error) { return w.engine.Void(t.Context(), w.returns(sale, 4999)) }, payment.ErrAmountDiffer},
			{"refund of more than the sale", func() (payment.Attempt, error) { return w.refund(sale, 5001) }, payment.ErrRefundOver},
			{"refund of nothing known", func() (payment.Attempt, error) { return w.refund(payment.Attempt{ID: 77, Batch: 1, Trace: 1}, 1) }, payment.ErrNotFound},
			{"refund that names another trace", func() (payment.Attempt, error) {
				return w.refund(payment.Attempt{ID: sale.ID, Batch: 1, Trace: sale.Trace + 1}, 1)
			}, payment.ErrNotFound},
			{"refund to another card", func() (payment.Attempt, error) {
				r := w.returns(sale, 1)
				r.Token = "tok_bbbbbbbbbbbbbbbbbbbbbbbbbb"
				return w.engine.Refund(t.Context(), r)
			}, payment.ErrCardDiffers},
			{"another batch", func() (payment.Attempt, error) {
				r := w.saleRequest(w.source(), 1)
				r.Batch = 9
				return w.engine.Sale(t.Context(), r)
			}, terminal.ErrBatch},
			{"another terminal", func() (payment.Attempt, error) {
				r := w.saleRequest(w.source(), 1)
				r.Terminal = "T0000009"
				return w.engine.Sale(t.Context(), r)
			}, terminal.ErrUnknown},
		} {
			before := len(w.bank.seen)
			a, err := c.do()
			if err == nil && a.State == payment.Declined {
				if want := c.want.(interface{ Error() string }).Error(); a.Reason != want {
					t.Errorf("%s: declined for %s, want %s", c.name, a.Reason, want)
				}
			} else if !errors.Is(err, c.want) {
				t.Errorf("%s: %s, %v; want %v", c.name, a.State, err, c.want)
			}
			if len(w.bank.seen) != before {
				t.Errorf("%s: the bank was asked", c.name)
			}
		}
		if a := w.mustSale(3000); a.State != payment.Approved { // refused ones used up nothing
			t.Fatal(a.State)
		}
		w.write(func(ctx context.Context, tx *store.Tx) error {
			return terminal.SetState(ctx, tx, 1, w.tid, terminal.Suspended)
		})
		if _, err := w.sale(1); !errors.Is(err, terminal.ErrSuspended) {
			t.Errorf("suspended terminal: %v", err)
		}
		w.merchant.State = merchant.Suspended
		if _, err := w.sale(1); !errors.Is(err, merchant.ErrSuspended) {
			t.Errorf("suspended merchant: %v", err)
		}
		w.agree()
	})
}

func TestADeclinedOrReversedSaleFreesItsLimit(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.limit(risk.Limit{Method: payment.MethodCard, Daily: w.amount(1000)})
		w.bank.always(declines)
		if a, err := w.sale(1000); err != nil || a.Code != "51" {
			t.Fatal(a, err)
		}
		w.bank.always(approves)
		a := w.mustSale(1000)
		if _, err := w.reverse(a.Trace, 1000); err != nil {
			t.Fatal(err)
		}
		w.heal()
		v := w.mustSale(1000)
		if _, err := w.void(v); err != nil {
			t.Fatal(err)
		}
		w.mustSale(1000)
		if a, err := w.sale(1); err != nil || a.Reason != risk.ErrOverDay.Name {
			t.Fatal(a.State, err)
		}
		w.agree()
	})
}

func TestABatchIsSettledOnceAndComparedByTrace(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, b, c := w.mustSale(1000), w.mustSale(2000), w.mustSale(3000)
		if _, err := w.void(b); err != nil {
			t.Fatal(err)
		}
		if _, err := w.reverse(c.Trace, 3000); err != nil {
			t.Fatal(err)
		}
		w.heal()
		src := w.source()
		claim := payment.Totals{Debit: w.amount(3100), DebitCount: 2, Credit: w.amount(2000), CreditCount: 1} // the terminal has 100 too much
		for range 2 {
			got, err := w.engine.SettleBatch(t.Context(), src, claim)
			if err != nil || got.Balanced() || got.Host != (payment.Totals{Debit: w.amount(3000), DebitCount: 2, Credit: w.amount(2000), CreditCount: 1}) {
				t.Fatalf("%+v, %v", got, err)
			}
		}
		claim.DebitCount++
		if _, err := w.engine.SettleBatch(t.Context(), src, claim); !errors.Is(err, payment.ErrBatchAgain) {
			t.Fatal(err)
		}
		details := []payment.Detail{{Trace: a.Trace, Amount: w.amount(1100)}, {Trace: b.Trace, Amount: w.amount(2000)}, {Trace: b.Trace + 2, Amount: w.amount(2000)}}
		for range 2 {
			if err := w.engine.Upload(t.Context(), src, details); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.engine.EndUpload(t.Context(), src, 4); !errors.Is(err, payment.ErrDetails) {
			t.Fatal(err)
		}
		breaks, err := w.engine.EndUpload(t.Context(), src, 3)
		if err != nil || len(breaks) != 1 || breaks[0] != (payment.Break{Trace: a.Trace, Ref: a.Ref(), Kind: a.Kind, Host: w.amount(1000), Terminal: w.amount(1100)}) {
			t.Fatalf("%+v, %v", breaks, err)
		}
		open, err := cases.List(t.Context(), w.db.Read())
		if err != nil || len(open) != 1 || open[0].Kind != "batch break" {
			t.Fatal(open, err)
		}
	})
}

func TestScenario3AReversalAfterSettlementIsAnAdjustmentAndACase(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.mustSale(1000)
		claim := payment.Totals{Debit: w.amount(1000), DebitCount: 1, Credit: w.amount(0)}
		settled, err := w.engine.SettleBatch(t.Context(), w.source(), claim)
		if err != nil {
			t.Fatal(err)
		}
		w.pass(24 * time.Hour)
		for range 3 {
			if _, err := w.reverse(a.Trace, 1000); err != nil { // still batch 1
				t.Fatal(err)
			}
		}
		w.heal()
		if w.state(a) != payment.Reversed || w.bank.owes() != 0 || w.balance(books.Pending) != 0 {
			t.Fatalf("payment %s, bank owes %d", w.state(a), w.bank.owes())
		}
		again, err := w.engine.SettleBatch(t.Context(), w.at(99), claim)
		if err != nil || again.Host != settled.Host {
			t.Fatalf("the closed batch changed: %+v, %v", again, err)
		}
		open, err := cases.List(t.Context(), w.db.Read())
		if err != nil || len(open) != 1 || open[0].Kind != "reversal after settlement" {
			t.Fatal(open, err)
		}
	})
}
