package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"hawker/internal/app"
	"hawker/internal/clock"
	"hawker/internal/reconcile"
	"hawker/internal/store"
)

type billsCommand struct {
	List  billsListCommand  `cmd:"" help:"List the bills that were held against our payments."`
	Show  billsShowCommand  `cmd:"" help:"Show on which lines a bill and our payments differ."`
	Check billsCheckCommand `cmd:"" help:"Fetch a bill now and hold it against our payments, line by line."`
}

// billOf names a bill.
type billOf struct {
	Wallet string `arg:"" help:"wechat or alipay." enum:"wechat,alipay"`
	Day    string `arg:"" optional:"" help:"The wallet's day, 2026-11-25; yesterday unless set." placeholder:"DAY"`
}

func (b billOf) day() (clock.Day, error) {
	if b.Day == "" {
		return 0, nil
	}
	if _, err := time.Parse(time.DateOnly, b.Day); err != nil {
		return 0, fmt.Errorf("%q is no day like 2026-11-25", b.Day)
	}
	n, err := strconv.Atoi(strings.ReplaceAll(b.Day, "-", ""))
	return clock.Day(n), err
}

type billsListCommand struct {
	dataFlags
	Limit int `help:"At most so many." default:"60"`
}

// Run prints a line for each checked bill.
func (c billsListCommand) Run(ctx context.Context) error {
	return c.open(ctx, func(db *store.DB) error {
		list, err := reconcile.Summaries(ctx, db.Read(), c.Limit)
		if err != nil {
			return err
		}
		t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(t, "day\twallet\tlines\tmatched\tbreaks\tsales\trefunds\tfees\tchecked")
		for _, s := range list {
			_, _ = fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%s\t%s\t%s\t%s\n", s.Day, s.Channel, s.Rows, s.Matched, s.Breaks, s.Sales, s.Refunds, s.Fees, s.Checked.Format(time.DateTime))
		}
		return t.Flush()
	})
}

type billsShowCommand struct {
	billOf
	dataFlags
}

// Run prints the breaks of a checked bill.
func (c billsShowCommand) Run(ctx context.Context) error {
	day, err := c.day()
	if err != nil {
		return err
	}
	if day == 0 {
		day = clock.DayOf(time.Now(), reconcile.Zone, 24*time.Hour).Add(-1)
	}
	return c.open(ctx, func(db *store.DB) error {
		list, err := reconcile.Breaks(ctx, db.Read(), c.Wallet, day)
		if err != nil {
			return err
		}
		for _, l := range list {
			fmt.Printf("merchant %d  %s %s  %s: bill %s, ours %s\n", l.Merchant, l.Kind, l.Number, l.Verdict, l.There, l.Here)
		}
		fmt.Printf("%s %s: %d breaks\n", c.Wallet, day, len(list))
		return nil
	})
}

type billsCheckCommand struct {
	billOf
	dataFlags
	walletFlags
}

// Run fetches, compares and prints; breaks are an exit status of their own.
func (c billsCheckCommand) Run(ctx context.Context) error {
	day, err := c.day()
	if err != nil {
		return err
	}
	r, err := app.CheckBill(ctx, app.Config{Data: c.Data, Database: c.Database, Base: c.BaseURL, Wallets: c.walletFlags.config()}, c.Wallet, day)
	if err != nil {
		return err
	}
	app.PrintBill(os.Stdout, r)
	if n := len(r.Breaks()); n > 0 {
		return fmt.Errorf("%d lines differ; each is a case", n)
	}
	return nil
}
