package payment_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"hawker/internal/cases"
	"hawker/internal/payment"
	"hawker/internal/terminal"
)

const hour = time.Hour

// settled settles the open batch with the host's own totals, and goes on in the next.
func (w *world) settled() payment.Batch {
	w.t.Helper()
	b, err := w.engine.SettleBatch(context.Background(), w.source(), w.totals())
	if err != nil {
		w.t.Fatal(err)
	}
	w.batch++
	return b
}

// open reads the terminal as it stands.
func (w *world) open() terminal.Terminal {
	w.t.Helper()
	t, err := terminal.ByID(context.Background(), w.db.Read(), 1, w.tid)
	if err != nil {
		w.t.Fatal(err)
	}
	return t
}

// totals are the open batch's.
func (w *world) totals() payment.Totals {
	w.t.Helper()
	got, err := w.engine.BatchTotals(context.Background(), w.open(), w.merchant.Currency)
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

// TestScenario8ABatchIsSettledOnceWhoeverDies: the batch's number is the terminal's, so a
// settlement whose answer is lost is resumed by asking again, and there is never a second one.
func TestScenario8ABatchIsSettledOnceWhoeverDies(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.mustSale(1000)
		sale := w.mustSale(2000)
		src := w.source()
		claim := payment.Totals{Debit: w.amount(3000), DebitCount: 2, Credit: w.amount(0)}
		first, err := w.engine.SettleBatch(t.Context(), src, claim)
		if err != nil || !first.Balanced() {
			t.Fatalf("%+v, %v", first, err)
		}
		for range 3 { // the process dies before it can answer; the terminal asks the next one
			w.restart()
			w.pass(9 * hour)
			if again, err := w.engine.SettleBatch(t.Context(), src, claim); err != nil || again.Host != first.Host || !again.Settled.Equal(first.Settled) {
				t.Fatalf("resumed: %+v, %v; it was %+v", again, err, first)
			}
		}
		other := claim
		other.DebitCount++
		if _, err := w.engine.SettleBatch(t.Context(), src, other); !errors.Is(err, payment.ErrBatchAgain) {
			t.Errorf("with other totals: %v", err)
		}
		if n, at := w.count(`SELECT COUNT(*) FROM batches`), w.open(); n != 1 || at.Batch != 2 {
			t.Errorf("%d batches, the open one is %d", n, at.Batch)
		}
		if _, err := w.engine.Sale(t.Context(), w.saleRequest(w.source(), 1)); !errors.Is(err, terminal.ErrBatch) {
			t.Errorf("a sale for the closed batch: %v", err)
		}
		w.batch = 2
		if r, err := w.refund(sale, 2000); err != nil || r.State != payment.Approved || r.Batch != 2 {
			t.Errorf("a refund after it: %s in batch %d, %v", r.State, r.Batch, err)
		}
		w.agree()
	})
}

func TestScenario8ManyAskToSettleWhileSalesArrive(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const sales, settlements = 24, 8
		w.mustSale(1000)
		src, claim := w.source(), w.totals()
		var wg sync.WaitGroup
		var mu sync.Mutex
		inTime := int64(1000)
		var answers []payment.Batch
		for i := range sales + settlements {
			sale := w.saleRequest(w.source(), 100)
			wg.Go(func() {
				if i%4 == 3 {
					b, err := w.engine.SettleBatch(context.Background(), src, claim)
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					answers = append(answers, b)
					mu.Unlock()
					return
				}
				a, err := w.engine.Sale(context.Background(), sale)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil && a.State == payment.Approved:
					inTime += 100
				case !errors.Is(err, terminal.ErrBatch):
					t.Errorf("sale: %s, %v", a.State, err)
				}
			})
		}
		wg.Wait()
		for _, b := range answers {
			if b.Host != answers[0].Host || b.Number != 1 {
				t.Errorf("batch %d was settled with %+v and with %+v", b.Number, answers[0].Host, b.Host)
			}
		}
		// A sale that was on its way to the bank when the batch closed belongs to the closed one:
		// the totals tell what was approved until then, the details what was in the end.
		if host := answers[0].Host.Debit.Minor(); host < 1000 || host > inTime {
			t.Errorf("settled %d of %d", host, inTime)
		}
		if n := w.count(`SELECT COUNT(*) FROM batches`); n != 1 {
			t.Errorf("%d batches", n)
		}
		w.agree()
	})
}

func TestScenario8AnUploadThatWasCutIsSentAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, b := w.mustSale(1000), w.mustSale(2000)
		src := w.source()
		if got, err := w.engine.SettleBatch(t.Context(), src, payment.Totals{Debit: w.amount(1000), DebitCount: 1, Credit: w.amount(0)}); err != nil || got.Balanced() {
			t.Fatalf("%+v, %v", got, err)
		}
		part := []payment.Detail{{Trace: a.Trace, Amount: a.Amount}}
		if err := w.engine.Upload(t.Context(), src, part); err != nil {
			t.Fatal(err)
		}
		for range 2 { // dies, and is asked again from the beginning
			w.restart()
			if err := w.engine.Upload(t.Context(), src, part); err != nil {
				t.Fatal(err)
			}
			breaks, err := w.engine.EndUpload(t.Context(), src, 1)
			if err != nil || len(breaks) != 1 || breaks[0].Trace != b.Trace {
				t.Fatalf("%+v, %v", breaks, err)
			}
		}
		if n := w.count(`SELECT COUNT(*) FROM batch_details`); n != 1 {
			t.Errorf("one detail is stored %d times", n)
		}
		if open, err := cases.List(t.Context(), w.db.Read()); err != nil || len(open) != 1 || open[0].Kind != "batch break" {
			t.Errorf("cases %v, %v", open, err)
		}
	})
}
