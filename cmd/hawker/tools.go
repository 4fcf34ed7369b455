package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"hawker/internal/app"
	"hawker/internal/cases"
	"hawker/internal/jobs"
	"hawker/internal/ledger"
	"hawker/internal/store"
)

type dataFlags struct {
	Data     string `help:"The server's data directory." default:"hawker-data"`
	Database string `help:"postgres://… instead of the SQLite file in the data directory." placeholder:"URL"`
}

func (f dataFlags) open(ctx context.Context, do func(*store.DB) error) error {
	db, err := app.OpenStore(ctx, f.Data, f.Database)
	if err != nil {
		return err
	}
	return errors.Join(do(db), db.Close())
}

type jobsCommand struct {
	List  jobsList  `cmd:"" default:"1" help:"List jobs that are not done."`
	Retry jobsRetry `cmd:"" help:"Make an exhausted job run again."`
}

type jobsList struct{ dataFlags }

// Run lists jobs by due time.
func (c jobsList) Run(ctx context.Context) error {
	return c.open(ctx, func(db *store.DB) error {
		list, err := jobs.List(ctx, db.Read())
		if err != nil {
			return err
		}
		if len(list) == 0 {
			fmt.Println("No job waits.")
			return nil
		}
		t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(t, "MERCHANT\tKIND\tREF\tSTATE\tTRIES\tDUE\tLAST ERROR")
		for _, j := range list {
			_, _ = fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%d of %d\t%s\t%s\n", j.Merchant, j.Kind, j.Ref, j.State, j.Tries, j.MaxTries, j.Due.Format(time.RFC3339), j.Last)
		}
		return t.Flush()
	})
}

type jobsRetry struct {
	dataFlags
	Merchant int64  `arg:"" help:"Merchant number."`
	Kind     string `arg:"" help:"Kind of job."`
	Ref      string `arg:"" help:"What it is about."`
}

// Run gives an exhausted job fresh tries.
func (c jobsRetry) Run(ctx context.Context) error {
	return c.open(ctx, func(db *store.DB) error {
		var n int64
		err := db.Write(ctx, func(tx *store.Tx) (err error) {
			n, err = jobs.Retry(ctx, tx, c.Merchant, c.Kind, c.Ref, time.Now())
			return err
		})
		if err == nil && n == 0 {
			err = errors.New("no exhausted job of that merchant, kind and ref")
		}
		return err
	})
}

type casesCommand struct{ dataFlags }

// Run lists open cases, oldest first.
func (c casesCommand) Run(ctx context.Context) error {
	return c.open(ctx, func(db *store.DB) error {
		list, err := cases.List(ctx, db.Read())
		if err != nil {
			return err
		}
		if len(list) == 0 {
			fmt.Println("No case is open.")
			return nil
		}
		t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(t, "MERCHANT\tKIND\tREF\tOPENED\tDETAIL")
		for _, one := range list {
			_, _ = fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\n", one.Merchant, one.Kind, one.Ref, one.Opened.Format(time.RFC3339), one.Detail)
		}
		return t.Flush()
	})
}

type verifyCommand struct{ dataFlags }

// Run proves the ledger from its postings.
func (c verifyCommand) Run(ctx context.Context) error {
	return c.open(ctx, func(db *store.DB) error {
		if err := ledger.Prove(ctx, db.Read()); err != nil {
			return err
		}
		lines, err := ledger.Trial(ctx, db.Read(), 0)
		if err != nil {
			return err
		}
		fmt.Printf("The ledger is proven: every entry sums to zero, %d balances equal their postings.\n", len(lines))
		return nil
	})
}
