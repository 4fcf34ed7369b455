package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"hawker/internal/merchant"
	"hawker/internal/payment"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

type batchesCommand struct {
	List batchesList `cmd:"" default:"1" help:"List settled batches, the newest first."`
	Show batchesShow `cmd:"" help:"Show a settled batch: both sides' totals, and the payments on which they differ."`
}

type batchesList struct {
	dataFlags
	Unbalanced bool `help:"Only those whose totals differed."`
	Limit      int  `help:"At most so many." default:"50"`
}

// Run lists settled batches.
func (c batchesList) Run(ctx context.Context) error {
	if c.Limit < 1 {
		return errors.New("--limit is at least 1")
	}
	return c.open(ctx, func(db *store.DB) error {
		list, err := payment.SettledBatches(ctx, db.Read(), c.Unbalanced, c.Limit)
		if err != nil {
			return err
		}
		return printBatches(os.Stdout, list)
	})
}

func printBatches(out io.Writer, list []payment.Batch) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "No batch is settled.")
		return err
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "MERCHANT\tTERMINAL\tBATCH\tDAY\tSTATE\tDEBIT\tCREDIT\tSETTLED")
	for _, b := range list {
		_, _ = fmt.Fprintf(t, "%d\t%s\t%06d\t%d\t%s\t%d: %s\t%d: %s\t%s\n", b.Merchant, b.Terminal, b.Number, b.Day, b.State,
			b.Host.DebitCount, b.Host.Debit, b.Host.CreditCount, b.Host.Credit, b.Settled.Format(time.RFC3339))
	}
	return t.Flush()
}

type batchesShow struct {
	dataFlags
	Merchant int64  `arg:"" help:"Merchant number."`
	Terminal string `arg:"" help:"Terminal (field 41)."`
	Batch    int    `arg:"" help:"Batch number: the latest of it."`
}

// Run shows one settled batch.
func (c batchesShow) Run(ctx context.Context) error {
	return c.open(ctx, func(db *store.DB) error {
		b, err := payment.SettledBatch(ctx, db.Read(), merchant.ID(c.Merchant), terminal.ID(c.Terminal), c.Batch)
		if errors.Is(err, payment.ErrNotFound) {
			return errors.New("that terminal has settled no batch of that number")
		} else if err != nil {
			return err
		}
		breaks, uploaded, err := payment.Compare(ctx, db.Read(), b)
		if err != nil {
			return err
		}
		return printBatch(os.Stdout, b, breaks, uploaded)
	})
}

// printBatch shows differences only where details came to compare with.
func printBatch(out io.Writer, b payment.Batch, breaks []payment.Break, uploaded int) error {
	if err := printBatches(out, []payment.Batch{b}); err != nil {
		return err
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "\nSIDE\tDEBIT\tCREDIT")
	for _, side := range []struct {
		name string
		payment.Totals
	}{{"host", b.Host}, {"terminal", b.Claimed}} {
		_, _ = fmt.Fprintf(t, "%s\t%d: %s\t%d: %s\n", side.name, side.DebitCount, side.Debit, side.CreditCount, side.Credit)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	switch {
	case b.State == payment.BatchBalanced:
		_, err := fmt.Fprintf(out, "\nThe totals agree. %d details were uploaded.\n", uploaded)
		return err
	case b.State == payment.BatchUnbalanced:
		_, err := fmt.Fprintf(out, "\nThe totals differ. The upload has not ended: %d details so far.\n", uploaded)
		return err
	case len(breaks) == 0:
		_, err := fmt.Fprintf(out, "\nThe totals differed; the %d details agree with the host's payments.\n", uploaded)
		return err
	}
	_, _ = fmt.Fprintf(out, "\n%d differences in %d details:\n", len(breaks), uploaded)
	for _, one := range breaks {
		if _, err := fmt.Fprintf(out, "  %s\n", one); err != nil {
			return err
		}
	}
	return nil
}
