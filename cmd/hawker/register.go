package main

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"hawker/internal/clock"
	"hawker/internal/institution"
	"hawker/internal/store"
)

type registerCommand struct {
	Import registerImport `cmd:"" help:"Read institutions and providers from a JSON file; docs/register.md describes it."`
	List   registerList   `cmd:"" default:"1" help:"List institutions and providers as they stand, and what ends soon."`
	Show   registerShow   `cmd:"" help:"Show every state that an entry ever had."`
}

type registerImport struct {
	dataFlags
	By   string `help:"Who imports it; it is written down." env:"USER" default:"operator"`
	File string `arg:"" help:"The file; docs/register-example.json is one." type:"existingfile"`
}

// Run stores each change of the file as a new version, all or none.
func (c registerImport) Run(ctx context.Context) error {
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // nothing was written
	list, err := institution.Read(f)
	if err != nil {
		return err
	}
	return c.open(ctx, func(db *store.DB) error {
		var changed []institution.Record
		err := db.Write(ctx, func(tx *store.Tx) (err error) {
			changed, err = institution.Import(ctx, tx, list, c.By, clock.System())
			return err
		})
		if err != nil {
			return err
		}
		for _, r := range changed {
			fmt.Printf("%s %s %s: %s, version %d\n", r.Kind, r.Number, r.NameZH, r.State, r.Version)
		}
		fmt.Printf("%d of %d entries changed\n", len(changed), len(list.Institutions)+len(list.Providers))
		return nil
	})
}

type registerList struct{ dataFlags }

// Run lists the register, the warnings last.
func (c registerList) Run(ctx context.Context) error {
	return c.open(ctx, func(db *store.DB) error {
		all, err := institution.All(ctx, db.Read())
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		for _, r := range all {
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\tuntil %s\t%s of %s\n", r.Kind, r.Number, r.NameZH, r.State, until(r), r.Source, r.AsOf)
		}
		for _, one := range institution.Warnings(all, institution.Terms{}, today()) {
			what := "ends soon"
			if one.Stops {
				what = "boards nobody new"
			}
			_, _ = fmt.Fprintf(w, "warning\t%s\t%s\t%s\t%d days left\t%s\n", one.Number, one.NameZH, one.State, one.Days, what)
		}
		return w.Flush()
	})
}

type registerShow struct {
	dataFlags
	Kind   institution.Kind `arg:"" help:"institution or provider." enum:"institution,provider"`
	Number string           `arg:"" help:"Licence or filing number."`
}

// Run shows an entry's history, newest first.
func (c registerShow) Run(ctx context.Context) error {
	return c.open(ctx, func(db *store.DB) error {
		list, err := institution.History(ctx, db.Read(), c.Kind, c.Number)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return institution.ErrUnknown
		}
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		for _, r := range list {
			_, _ = fmt.Fprintf(w, "version %d\t%s\t%s\tuntil %s\t%s of %s\t%s\n", r.Version, r.NameZH, r.State, until(r), r.Source, r.AsOf, r.Note)
		}
		return w.Flush()
	})
}

func until(r institution.Record) string {
	if r.Expires == 0 {
		return "no term"
	}
	return clock.Day(r.Expires).String()
}

// today is the calendar date where the register's authorities are.
func today() clock.Day { return clock.DayOf(clock.System(), time.FixedZone("UTC+8", 8*3600), 0) }
