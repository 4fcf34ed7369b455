package main

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"hawker/internal/merchant"
	"hawker/internal/payment"
	"hawker/internal/store"
)

type walletsCommand struct {
	Numbers walletNumbersCommand `cmd:"" help:"List a merchant's numbers, and since when each counts."`
	Number  walletNumberCommand  `cmd:"" help:"Give a merchant a sub-merchant number (sub_mchid) from now on; what began before goes on under the number before."`
}

type walletNumbersCommand struct {
	dataFlags
	MID string `arg:"" help:"The merchant's number here, 15 digits."`
}

// Run prints a line for each number.
func (c walletNumbersCommand) Run(ctx context.Context) error {
	return c.open(ctx, func(db *store.DB) error {
		m, err := merchant.ByMID(ctx, db.Read(), c.MID)
		if err != nil {
			return err
		}
		list, err := merchant.WalletNumbers(ctx, db.Read(), m.ID)
		if err != nil {
			return err
		}
		t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(t, "wallet\tnumber\tsince\tby")
		for _, n := range list {
			_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", n.Method, n.Number, n.Since.In(m.Zone).Format(time.DateTime), n.By)
		}
		return t.Flush()
	})
}

type walletNumberCommand struct {
	dataFlags
	MID    string `arg:"" help:"The merchant's number here, 15 digits."`
	Number string `arg:"" help:"Its number at WeChat Pay."`
	By     string `required:"" help:"Who says so."`
}

// Run stores the number.
func (c walletNumberCommand) Run(ctx context.Context) error {
	return c.open(ctx, func(db *store.DB) error {
		m, err := merchant.ByMID(ctx, db.Read(), c.MID)
		if err != nil {
			return err
		}
		err = db.Write(ctx, func(tx *store.Tx) error {
			return merchant.SetWalletNumber(ctx, tx, m.ID, merchant.WalletNumber{Method: payment.MethodWeChat, Number: c.Number, Since: time.Now(), By: c.By})
		})
		if err == nil {
			fmt.Printf("%s is %s at WeChat Pay from now on\n", m.MID, c.Number)
		}
		return err
	})
}
