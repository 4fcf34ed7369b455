package simulation

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/jobs"
	"hawker/internal/ledger"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/schema"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

type yes struct{}

func (yes) Name() string { return "bank" }
func (yes) Do(ctx context.Context, r channel.Request) channel.Outcome {
	time.Sleep(100 * time.Millisecond)
	return channel.Outcome{Result: channel.Approved, Code: "00"}
}

type noM struct{}

func (noM) Attempt(channel.Kind, payment.State, string) {}
func (noM) Commit(int)                                  {}

func must(t testing.TB, err error) {
	if err != nil {
		t.Helper()
		t.Fatal(err)
	}
}

func TestScratch(t *testing.T) {
	dir, _ := os.MkdirTemp("/dev/shm", "simx")
	defer os.RemoveAll(dir)
	tmpl := filepath.Join(dir, "t.db")
	db, err := store.Open(context.Background(), tmpl)
	must(t, err)
	must(t, db.Migrate(context.Background(), schema.Files))
	must(t, db.Backup(context.Background(), filepath.Join(dir, "b.db")))
	db.Close()
	b, err := os.ReadFile(filepath.Join(dir, "b.db"))
	must(t, err)
	fmt.Println("template size", len(b))
	var tc, to, ts, tops, tprove, tclose time.Duration
	_ = ts
	n := 30
	now0 := time.Now
	_ = now0
	clk := func() int64 { return nano() }
	for i := range n {
		f := filepath.Join(dir, fmt.Sprintf("s%d.db", i))
		t0 := clk()
		must(t, os.WriteFile(f, b, 0o600))
		tc += time.Duration(clk() - t0)
		synctest.Test(t, func(t *testing.T) {
			ctx := context.Background()
			t0 := clk()
			db, err := store.Open(ctx, f)
			must(t, err)
			t1 := clk()
			to += time.Duration(t1 - t0)
			zone, _ := time.LoadLocation("Asia/Shanghai")
			m := merchant.Merchant{ID: 1, MID: "100290058120001", NameZH: "x", NameEN: "Noodles", Place: "Shanghai", MCC: "5812",
				Currency: money.CNY, Zone: zone, Cutoff: 24 * time.Hour, State: merchant.Active}
			now := func() time.Time { return time.Now().UTC().AddDate(26, 0, 0) }
			must(t, db.Write(ctx, func(tx *store.Tx) error {
				must(t, merchant.Add(ctx, tx, m, now()))
				must(t, merchant.AddFee(ctx, tx, 1, "card", "debit", merchant.FeePlan{Version: 1, Rate: 60, Min: money.New(1, money.CNY), Cap: money.New(2000, money.CNY)}, now().Add(-time.Hour)))
				return terminal.Add(ctx, tx, terminal.Terminal{Merchant: 1, ID: "T0000001", Serial: "S1", Model: "m", Profile: "unionpay-pos", Lang: "en", State: terminal.Active, Batch: 1, BatchDay: m.Day(now())})
			}))
			log := slog.New(slog.DiscardHandler)
			t2 := clk()
			ts += time.Duration(t2 - t1)
			r := jobs.NewRunner(db, now, log)
			e := payment.New(payment.Config{DB: db, Clock: now, Card: yes{}, Jobs: r, Log: log, Metrics: noM{}})
			for k := range nsales {
				_, err := e.Sale(ctx, payment.SaleRequest{Source: payment.Source{Merchant: m, Terminal: "T0000001", Batch: 1, Trace: k + 1}, Amount: money.New(100, money.CNY), Card: channel.Card{Token: card.Token("tok_aaaaaaaaaaaaaaaaaaaaaaaaaa"), Entry: "02"}, Facts: payment.CardFacts{Token: card.Token("tok_aaaaaaaaaaaaaaaaaaaaaaaaaa"), BIN: "622200", Last4: "0013", Kind: card.Debit, Entry: "02"}})
				must(t, err)
			}
			t3 := clk()
			tops += time.Duration(t3 - t2)
			must(t, ledger.Prove(ctx, db.Read()))
			t4 := clk()
			tprove += time.Duration(t4 - t3)
			must(t, db.Close())
			tclose += time.Duration(clk() - t4)
		})
		os.Remove(f)
	}
	d := time.Duration(n)
	fmt.Println("copy", tc/d, "open", to/d, "seed", ts/d, "10 sales", tops/d, "prove", tprove/d, "close", tclose/d)
}
