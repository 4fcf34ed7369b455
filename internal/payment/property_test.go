package payment_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hawker/internal/channel"
	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/terminal"
)

var discard = slog.New(slog.DiscardHandler)

func TestAnyOrderOfEventsKeepsLedgerAndBankEqual(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, money.CNY)
		rapid.Check(t, func(r *rapid.T) {
			w.freshTerminal(r)
			w.live(r)
			w.heal()
			if err := w.disagreement(); err != nil {
				r.Fatal(err)
			}
		})
	})
}

// freshTerminal gives each run its own batch and trace numbers on one database.
func (w *world) freshTerminal(r *rapid.T) {
	w.tid = terminal.ID("T" + payment.Ref(store.NewID(w.clock()))[5:])
	w.batch, w.trace = 1, 0
	w.write(func(ctx context.Context, tx *store.Tx) error {
		return terminal.Add(ctx, tx, terminal.Terminal{Merchant: 1, ID: w.tid, Serial: "S" + string(w.tid), Model: "m", Profile: "unionpay-pos", Lang: "en",
			State: terminal.Active, Batch: 1, BatchDay: w.merchant.Day(w.clock())})
	})
}

// live does a random run of everything a terminal, a bank and time can do.
func (w *world) live(r *rapid.T) {
	var sales []payment.Attempt
	var requests []payment.SaleRequest
	known := func(a payment.Attempt, err error) payment.Attempt {
		if f := fault.Of(err); f != nil && f.Kind == fault.Internal {
			r.Fatal(err)
		}
		return a
	}
	pick := func() (payment.Attempt, bool) {
		if len(sales) == 0 {
			return payment.Attempt{}, false
		}
		return sales[rapid.IntRange(0, len(sales)-1).Draw(r, "which")], true
	}
	steps := rapid.IntRange(3, 14).Draw(r, "steps")
	for range steps {
		mood := behaviour(rapid.IntRange(0, 5).Draw(r, "mood"))
		if rapid.IntRange(0, 2).Draw(r, "calm") > 0 {
			mood = approves
		}
		w.bank.when(func(q channel.Request) behaviour {
			if q.Kind == channel.Reversal && mood == declines {
				return loses // a reversal is never declined
			}
			return mood
		})
		switch rapid.SampledFrom([]string{"sale", "sale", "void", "refund", "reverse", "repeat", "early reversal", "late", "jobs", "time", "restart", "settle"}).Draw(r, "step") {
		case "sale":
			q := w.saleRequest(w.source(), rapid.Int64Range(1, 5000).Draw(r, "amount"))
			requests = append(requests, q)
			if a := known(w.engine.Sale(context.Background(), q)); a.ID != 0 {
				sales = append(sales, a)
			}
		case "void":
			if a, ok := pick(); ok {
				known(w.void(a))
			}
		case "refund":
			if a, ok := pick(); ok {
				known(w.refund(a, rapid.Int64Range(1, a.Amount.Minor()).Draw(r, "part")))
			}
		case "reverse":
			if a, ok := pick(); ok {
				batch := w.batch
				w.batch = a.Batch
				known(w.reverse(a.Trace, a.Amount.Minor()))
				w.batch = batch
			}
		case "repeat":
			if len(requests) > 0 {
				known(w.engine.Sale(context.Background(), requests[rapid.IntRange(0, len(requests)-1).Draw(r, "again")]))
			}
		case "early reversal":
			q := w.saleRequest(w.source(), 777)
			if _, err := w.reverse(q.Trace, 777); !errors.Is(err, payment.ErrNotFound) {
				r.Fatalf("reversal of nothing: %v", err)
			}
			if _, err := w.engine.Sale(context.Background(), q); !errors.Is(err, payment.ErrReversed) {
				r.Fatalf("sale after its reversal: %v", err)
			}
		case "late":
			w.bank.deliver()
		case "jobs":
			w.jobs.RunDue(context.Background())
		case "time":
			w.pass(time.Duration(rapid.IntRange(1, 3600*20).Draw(r, "seconds")) * time.Second)
		case "restart":
			w.restart()
			if _, err := w.engine.Recover(context.Background(), everything); err != nil {
				r.Fatal(err)
			}
		case "settle":
			t, err := terminal.ByID(context.Background(), w.db.Read(), merchant.ID(1), w.tid)
			if err != nil {
				r.Fatal(err)
			}
			totals, err := w.engine.BatchTotals(context.Background(), t, money.CNY)
			if err != nil {
				r.Fatal(err)
			}
			if b, err := w.engine.SettleBatch(context.Background(), w.source(), totals); err != nil || !b.Balanced() {
				r.Fatal(b, err)
			}
			w.batch++
		}
	}
}
