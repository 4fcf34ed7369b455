package payment_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hawker/internal/channel"
	"hawker/internal/feelock/feelocktest"
	"hawker/internal/jobs"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/schema"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/terminal"
)

// instant is a bank without latency or books.
type instant struct{}

func (instant) Name() string { return "bank" }

func (instant) Do(context.Context, channel.Request) channel.Outcome {
	return channel.Outcome{Result: channel.Approved, Code: "00", AuthCode: "123456"}
}

// BenchmarkSale is a sale's two commits on a real disk, 256 terminals of 64 merchants at
// once, with natural batching and with one payment a commit. The bank takes no time.
func BenchmarkSale(b *testing.B) {
	for _, database := range []string{"sqlite", "postgres"} {
		for name, o := range map[string]store.BatchOptions{"batched": {}, "alone": {Max: 1, Shards: 16}} {
			b.Run(database+"/"+name, func(b *testing.B) {
				target := filepath.Join(b.TempDir(), "hawker.db")
				if database == "postgres" {
					target = storetest.PostgresURL(b)
				}
				benchmarkSale(b, target, o)
			})
		}
	}
}

func benchmarkSale(b *testing.B, target string, o store.BatchOptions) {
	ctx := context.Background()
	db, err := store.Open(ctx, target)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Migrate(ctx, schema.Files); err != nil {
		b.Fatal(err)
	}
	const merchants, perMerchant = 64, 4
	w := &world{now: today}
	var list []merchant.Merchant
	if err := db.Write(ctx, func(tx *store.Tx) error {
		for i := range merchants {
			m := merchant.Merchant{ID: merchant.ID(i + 1), MID: fmt.Sprintf("%015d", i+1), MCC: "5812", Currency: money.CNY, Zone: zone(b), State: merchant.Active}
			list = append(list, m)
			if err := merchant.Add(ctx, tx, m, today); err != nil {
				return err
			}
			if err := feelocktest.Open(db, w.clock).Board(ctx, tx, m, feelocktest.Consent(), today, cardRates(plan, "debit")...); err != nil {
				return err
			}
			for t := range perMerchant {
				if err := terminal.Add(ctx, tx, terminal.Terminal{Merchant: m.ID, ID: terminal.ID(fmt.Sprintf("T%07d", t)), Serial: fmt.Sprint(i, "-", t),
					State: terminal.Active, Batch: 1, BatchDay: m.Day(today)}); err != nil {
					return err
				}
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	counter := &commits{}
	log := slog.New(slog.DiscardHandler)
	e := payment.New(payment.Config{DB: db, Clock: w.clock, Fees: feelocktest.Open(db, w.clock), Card: instant{}, Jobs: jobs.NewRunner(db, w.clock, log), Log: log, Metrics: counter, Batch: o, Remember: 1})
	stop := analyze(b, db)
	defer stop()
	var next atomic.Int64
	b.SetParallelism(128)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		me := int(next.Add(1))
		w := &world{merchant: list[me%merchants], tid: terminal.ID(fmt.Sprintf("T%07d", me/merchants%perMerchant)), batch: 1, trace: me / (merchants * perMerchant) * 100000}
		for pb.Next() {
			if a, err := e.Sale(ctx, w.saleRequest(w.source(), 4650)); err != nil || a.State != payment.Approved {
				b.Error(a.State, err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "payments/s")
	b.ReportMetric(float64(counter.commands.Load())/float64(max(1, counter.commits.Load())), "commands/commit")
}

// analyze does what the server does now and then.
func analyze(b *testing.B, db *store.DB) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var busy sync.WaitGroup
	busy.Go(func() {
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if err := db.Analyze(context.Background()); err != nil {
					b.Error(err)
				}
			}
		}
	})
	return func() { cancel(); busy.Wait() }
}

type commits struct{ commits, commands atomic.Int64 }

func (*commits) Attempt(channel.Kind, payment.State, string) {}

func (c *commits) Commit(n int) { c.commits.Add(1); c.commands.Add(int64(n)) }
