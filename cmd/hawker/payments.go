package main

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"hawker/internal/app"
	"hawker/internal/merchant"
	"hawker/internal/payment"
	"hawker/internal/signature"
	"hawker/internal/store"
)

type paymentsCommand struct {
	Signatures paymentsSignatures `cmd:"" help:"List the sales whose signature is missing."`
	Signature  paymentsSignature  `cmd:"" help:"Write the signature of a payment to a file."`
}

type paymentsSignatures struct {
	dataFlags
	Days int `help:"How many days back." default:"7"`
}

// Run lists missing signatures.
func (c paymentsSignatures) Run(ctx context.Context) error {
	return c.open(ctx, func(db *store.DB) error {
		list, err := app.Unsigned(ctx, db.Read(), time.Now().AddDate(0, 0, -c.Days))
		if err != nil {
			return err
		}
		if len(list) == 0 {
			fmt.Println("No signature is missing.")
			return nil
		}
		t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(t, "MERCHANT\tTERMINAL\tBATCH\tTRACE\tRRN\tAMOUNT\tSINCE")
		for _, s := range list {
			_, _ = fmt.Fprintf(t, "%d\t%s\t%06d\t%06d\t%s\t%s\t%s\n", s.Merchant, s.Terminal, s.Batch, s.Trace, payment.Ref(s.ID), s.Amount, s.Created.Format(time.RFC3339))
		}
		return t.Flush()
	})
}

type paymentsSignature struct {
	toolFlags
	Merchant string `arg:"" help:"Merchant number, field 42."`
	RRN      string `arg:"" name:"rrn" help:"Reference number of the payment."`
	File     string `arg:"" help:"Where to write the picture; it must not exist."`
}

// Run writes a signature, after its hash was held against payment, amount and time.
func (c paymentsSignature) Run(ctx context.Context) error {
	return c.tools(ctx, func(t *app.Tools) error {
		m, err := merchant.ByMID(ctx, t.DB.Read(), c.Merchant)
		if err != nil {
			return err
		}
		id, err := payment.ParseRef(c.RRN)
		if err != nil {
			return err
		}
		s, err := signature.Open(t.DB, t.Keys, time.Now).Get(ctx, m.ID, id)
		if err != nil {
			return err
		}
		fmt.Printf("signed for %s at %s, terminal %s, batch %06d, trace %06d\nformat %s, hash %X\n",
			s.Amount, s.Signed.Format(time.RFC3339), s.Terminal, s.Batch, s.Trace, s.Format, s.Digest)
		return create(c.File, s.Picture)
	})
}
