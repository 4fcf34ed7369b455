package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/jobs"
	"hawker/internal/reconcile"
	"hawker/internal/store"
)

// jobBill fetches a wallet's bill of a day and holds it against our payments. It belongs to no merchant.
const jobBill = "wallet bill"

// billsFrom is when on the next day bills are fetched: wallets have them from ten o'clock.
const billsFrom = 10*time.Hour + 5*time.Minute

// billTries last about a day after billsFrom.
const billTries = 150

// bills has each day's bills fetched on the next, until ctx ends.
func (s *Server) bills(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	var planned clock.Day
	for {
		now := s.Config.Clock()
		day := clock.DayOf(now, reconcile.Zone, 24*time.Hour).Add(-1)
		if day != planned {
			if err := s.planBills(ctx, day, now); err == nil {
				planned = day
			} else if ctx.Err() == nil {
				s.Config.Log.Error("bills cannot be planned", "day", day, "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *Server) planBills(ctx context.Context, day clock.Day, now time.Time) error {
	midnight := time.Date(day.Time().Year(), day.Time().Month(), day.Time().Day()+1, 0, 0, 0, 0, reconcile.Zone)
	var list []jobs.Job
	for _, w := range s.wallets {
		list = append(list, jobs.Job{Kind: jobBill, Ref: fmt.Sprintf("%s:%08d", w.Name(), day), MaxTries: billTries, Due: midnight.Add(billsFrom)})
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error { return jobs.Add(ctx, tx, now, list...) })
}

func (s *Server) runBill(ctx context.Context, j jobs.Job) error {
	for _, w := range s.wallets {
		var day clock.Day
		if n, err := fmt.Sscanf(j.Ref, w.Name()+":%d", &day); n != 1 || err != nil {
			continue
		}
		r, err := reconcile.Desk{DB: s.DB, Clock: s.Config.Clock}.Check(ctx, w, day)
		if err == nil {
			s.Config.Log.Info("bill checked", "channel", r.Channel, "day", r.Day, "rows", len(r.Bill.Rows), "breaks", len(r.Breaks()))
		}
		return err
	}
	return fmt.Errorf("no wallet of %q", j.Ref)
}

// ErrNoWallet refuses a name that no wallet has.
var ErrNoWallet = errors.New("no such wallet; there are wechat and alipay")

// CheckBill fetches a wallet's bill of a day (a zero day is yesterday, in China) and holds
// it against the payments of a data directory, for a tool. A simulated wallet is the one
// that a running server simulates at Config.Wallets.SimAddr.
func CheckBill(ctx context.Context, c Config, name string, day clock.Day) (r reconcile.Result, err error) {
	db, err := OpenStore(ctx, c.Data, c.Database)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if c.Base == "" {
		c.Base = "https://localhost" // nothing is asked that is reported back
	}
	if err := c.complete(); err != nil {
		return r, err
	}
	s := &Server{Config: c, DB: db, walletURL: "http://" + c.Wallets.SimAddr}
	if s.accounts, err = simAccounts(c.walletFile()); err != nil {
		return r, err
	}
	if err := s.connectWallets(); err != nil {
		return r, err
	}
	if day == 0 {
		day = clock.DayOf(c.Clock(), reconcile.Zone, 24*time.Hour).Add(-1)
	}
	for _, w := range s.wallets {
		if w.Name() == name {
			return reconcile.Desk{DB: db, Clock: c.Clock}.Check(ctx, w, day)
		}
	}
	return r, ErrNoWallet
}

// PrintBill writes a bill beside our payments, line by line.
func PrintBill(w io.Writer, r reconcile.Result) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "  time\tkind\tnumber\tbill\tours\tfee\t")
	for _, l := range r.Lines {
		mark := "✓"
		if l.Verdict != reconcile.Matched {
			mark = "✗ " + string(l.Verdict)
		}
		_, _ = fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.At.In(reconcile.Zone).Format(time.TimeOnly), l.Kind, l.Number, l.There.Decimal(), l.Here.Decimal(), l.Fee.Decimal(), mark)
	}
	_ = t.Flush()
	_, _ = fmt.Fprintf(w, "  %s %s: %d lines, %d breaks; sales %s, refunds %s, fees %s\n", r.Channel, r.Day, len(r.Lines), len(r.Breaks()),
		r.Bill.Sales.Decimal(), r.Bill.Refunds.Decimal(), r.Bill.Fees.Decimal())
}

// walletOf finds a wallet by its name.
func (s *Server) walletOf(name string) channel.Wallet {
	for _, w := range s.wallets {
		if w.Name() == name {
			return w
		}
	}
	return nil
}
