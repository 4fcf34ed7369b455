// Package paymenttest gives tests of pages and reports a merchant who takes payments: the
// real engine over a bank that does what an amount's last two digits say.
package paymenttest

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/feelock"
	"hawker/internal/feelock/feelocktest"
	"hawker/internal/jobs"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

// The amounts that the bank does not approve: their last two digits.
const (
	Declines = 51
	Silent   = 98 // reversed as soon as Settle lets the jobs run
)

// World is one merchant with one terminal.
type World struct {
	DB       *store.DB
	Engine   *payment.Engine
	Jobs     *jobs.Runner
	Fees     *feelock.Book
	Merchant merchant.Merchant
	Terminal terminal.ID

	t     testing.TB
	m     sync.Mutex
	now   time.Time
	trace int
}

// Noon is noon in Shanghai on Sunday 22 November 2026.
var Noon = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

// Open makes a world at an instant. Its fee is 0.60 %.
func Open(t testing.TB, db *store.DB, now time.Time) *World {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	w := &World{t: t, DB: db, now: now, Terminal: "T0000001"}
	w.Merchant = merchant.Merchant{ID: 1, MID: "100290058120001", NameZH: "小满咖啡 · 南门店", NameEN: "Xiaoman Coffee · South Gate", Place: "Shanghai", MCC: "5812",
		Currency: "CNY", Zone: zone, Cutoff: 24 * time.Hour, State: merchant.Active}
	w.Fees = feelocktest.Open(db, w.Clock)
	w.Write(func(ctx context.Context, tx *store.Tx) error {
		if err := merchant.Add(ctx, tx, w.Merchant, now); err != nil {
			return err
		}
		plan := merchant.FeePlan{Rate: 60, Min: money.New(1, "CNY"), Cap: money.New(2000, "CNY")}
		var rates []feelock.Rate
		for _, kind := range []string{"", "debit", "credit"} {
			rates = append(rates, feelock.Rate{Line: feelock.Line{Method: payment.MethodCard, CardKind: kind}, FeePlan: plan})
		}
		if err := w.Fees.Board(ctx, tx, w.Merchant, feelocktest.Consent(), now.AddDate(-1, 0, 0), rates...); err != nil {
			return err
		}
		return terminal.Add(ctx, tx, terminal.Terminal{Merchant: 1, ID: w.Terminal, Serial: "S1", Model: "m", Profile: "unionpay-pos", Lang: "en",
			State: terminal.Active, Batch: 1, BatchDay: w.Merchant.Day(now)})
	})
	w.Jobs = jobs.NewRunner(db, w.Clock, slog.New(slog.DiscardHandler))
	w.Engine = payment.New(payment.Config{DB: db, Clock: w.Clock, Card: bank{}, Fees: w.Fees, Jobs: w.Jobs, Log: slog.New(slog.DiscardHandler), Metrics: silent{}})
	return w
}

// Clock is the world's time.
func (w *World) Clock() time.Time {
	w.m.Lock()
	defer w.m.Unlock()
	return w.now
}

// At puts the world's clock.
func (w *World) At(now time.Time) {
	w.m.Lock()
	defer w.m.Unlock()
	w.now = now
}

// Write changes the database.
func (w *World) Write(do func(context.Context, *store.Tx) error) {
	w.t.Helper()
	if err := w.DB.Write(context.Background(), func(tx *store.Tx) error { return do(context.Background(), tx) }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *World) source() payment.Source {
	w.trace++
	return payment.Source{Merchant: w.Merchant, Terminal: w.Terminal, Batch: 1, Trace: w.trace}
}

const token = card.Token("tok_aaaaaaaaaaaaaaaaaaaaaaaaaa")

// Sell takes a card payment of so many fen, which ends as its last two digits say.
func (w *World) Sell(minor int64) payment.Attempt {
	w.t.Helper()
	a, err := w.Engine.Sale(context.Background(), payment.SaleRequest{Source: w.source(), Amount: money.New(minor, "CNY"), Card: channel.Card{Token: token, Entry: "02"},
		Facts: payment.CardFacts{Token: token, BIN: "622200", Last4: "0013", Kind: card.Debit, Entry: "02"}})
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// Refund gives back so many fen of a sale.
func (w *World) Refund(of payment.Attempt, minor int64) payment.Attempt {
	w.t.Helper()
	a, err := w.Engine.Refund(context.Background(), payment.ReturnRequest{Source: w.source(), Amount: money.New(minor, "CNY"), Ref: of.Ref(),
		OriginalBatch: of.Batch, OriginalTrace: of.Trace, Token: token})
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// Void takes back a sale whose batch is open.
func (w *World) Void(of payment.Attempt) payment.Attempt {
	w.t.Helper()
	a, err := w.Engine.Void(context.Background(), payment.ReturnRequest{Source: w.source(), Amount: of.Amount, Ref: of.Ref(),
		OriginalBatch: of.Batch, OriginalTrace: of.Trace, Token: token})
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// Settle lets everything that is due run, and tells how much was.
func (w *World) Settle() int { return w.Jobs.RunDue(context.Background()) }

// bank approves, declines or is silent by the amount.
type bank struct{}

func (bank) Name() string { return "bank" }

func (bank) Do(_ context.Context, r channel.Request) channel.Outcome {
	switch {
	case r.Kind == channel.Sale && r.Amount.Minor()%100 == Declines:
		return channel.Outcome{Result: channel.Declined, Code: "51"}
	case r.Kind == channel.Sale && r.Amount.Minor()%100 == Silent:
		return channel.Outcome{Detail: "silent"}
	}
	return channel.Outcome{Result: channel.Approved, Code: "00", AuthCode: "A12345", Issuer: "99622200"}
}

type silent struct{}

func (silent) Attempt(channel.Kind, payment.State, string) {}
func (silent) Commit(int)                                  {}
