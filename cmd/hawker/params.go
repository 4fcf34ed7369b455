package main

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"hawker/internal/download"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

type paramsCommand struct {
	Import paramsImport `cmd:"" help:"Read parameters, keys and lists from a JSON file; terminals are told to fetch what changed."`
	List   paramsList   `cmd:"" default:"1" help:"List what terminals can fetch, with versions."`
}

type paramsImport struct {
	dataFlags
	Merchant string `help:"Merchant number, field 42, whose terminals these are for; without it every merchant's that has none of its own." placeholder:"MID"`
	File     string `arg:"" help:"The file; docs/params-example.json is one." type:"existingfile"`
}

// Run stores each list of the file as a new version, all or none.
func (c paramsImport) Run(ctx context.Context) error {
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // nothing was written
	lists, err := download.Read(f)
	if err != nil {
		return err
	}
	return c.open(ctx, func(db *store.DB) error {
		owner := download.Institution
		if c.Merchant != "" {
			m, err := merchant.ByMID(ctx, db.Read(), c.Merchant)
			if err != nil {
				return err
			}
			owner = m.ID
		}
		var told []string
		err := db.Write(ctx, func(tx *store.Tx) error {
			told = nil // Write may run this again
			for _, k := range download.Kinds {
				rows, there := lists[k]
				if !there {
					continue
				}
				v, fresh, err := download.Put(ctx, tx, owner, k, rows, time.Now)
				if err != nil {
					return err
				}
				what := "is as before"
				if fresh {
					what = "is new"
				}
				told = append(told, fmt.Sprintf("%s: %d rows, version %d %s", k, len(rows), v.Version, what))
			}
			return nil
		})
		for _, line := range told {
			fmt.Println(line)
		}
		return err
	})
}

type paramsList struct{ dataFlags }

// Run lists versions.
func (c paramsList) Run(ctx context.Context) error {
	return c.open(ctx, func(db *store.DB) error {
		list, err := download.List(ctx, db.Read())
		if err != nil {
			return err
		}
		if len(list) == 0 {
			fmt.Println("Terminals have nothing to fetch.")
			return nil
		}
		t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(t, "MERCHANT\tKIND\tVERSION\tROWS\tSINCE")
		for _, l := range list {
			owner := "every"
			if l.Owner != download.Institution {
				owner = fmt.Sprint(l.Owner)
			}
			_, _ = fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%s\n", owner, l.Kind, l.Version.Version, l.Rows, l.Created.Time().Format(time.RFC3339))
		}
		return t.Flush()
	})
}
