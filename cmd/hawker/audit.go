package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"hawker/internal/audit"
	"hawker/internal/store"
)

type auditCommand struct {
	Verify auditVerify `cmd:"" default:"withargs" help:"Prove that no record of what people did was changed, cut out or put in."`
	Export auditExport `cmd:"" help:"Verify the trail and write it as CSV or JSON."`
}

type auditVerify struct {
	dataFlags
	Heads string `help:"File of where the trails ended when they were last verified; it is held against them, and written anew. audit-heads.json in the data directory unless set. Keep it, or a copy, where the database's keepers cannot write." placeholder:"FILE"`
}

// Run verifies every trail.
func (c auditVerify) Run(ctx context.Context) error {
	return inWords(c.open(ctx, func(db *store.DB) error {
		file := c.Heads
		if file == "" {
			file = filepath.Join(c.Data, "audit-heads.json")
		}
		return verifyAudit(ctx, db, file, os.Stdout)
	}))
}

func verifyAudit(ctx context.Context, db *store.DB, file string, out io.Writer) error {
	known, err := readHeads(file)
	if err != nil {
		return err
	}
	records := 0
	heads, err := audit.Verify(ctx, db.Read(), known, func(audit.Record) error { records++; return nil })
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(heads, "", "  ")
	if err != nil {
		return err
	}
	// Written beside and renamed: a heads file that is half written would accuse the trail.
	if err := os.WriteFile(file+".new", append(text, '\n'), 0o600); err != nil {
		return err
	}
	if err := os.Rename(file+".new", file); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "The audit trail is whole: %d records of %d trails.\n", records, len(heads))
	for _, h := range heads {
		_, _ = fmt.Fprintf(out, "merchant %d: %d records, %s\n", h.Merchant, h.Seq, h.Hash)
	}
	_, err = fmt.Fprintf(out, "Where they end is written in %s, and %d ends known from before are still there.\n", file, len(known))
	return err
}

func readHeads(file string) (heads []audit.Head, err error) {
	text, err := os.ReadFile(file) //nolint:gosec // named by the operator
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &heads); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return heads, nil
}

type auditExport struct {
	dataFlags
	Format   string    `help:"csv, or json: one object a line." enum:"csv,json" default:"csv"`
	Merchant int64     `help:"Only this merchant's trail; 0 is the institution's own. All unless set." default:"-1"`
	From     time.Time `help:"Only from this instant on (RFC 3339)." format:"2006-01-02T15:04:05Z07:00" placeholder:"TIME"`
	To       time.Time `help:"Only before this instant." format:"2006-01-02T15:04:05Z07:00" placeholder:"TIME"`
	Out      string    `help:"File to write, which must not exist; standard output unless set." placeholder:"FILE"`
}

// Run writes the trail while it verifies it.
func (c auditExport) Run(ctx context.Context) error {
	return inWords(c.open(ctx, func(db *store.DB) (err error) {
		out := os.Stdout
		if c.Out != "" {
			if out, err = os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
				return err
			}
			defer func() { err = errors.Join(err, out.Close()) }()
		}
		n, err := c.export(ctx, db, out)
		if err == nil {
			_, _ = fmt.Fprintf(os.Stderr, "%d records; the whole trail was verified.\n", n)
		}
		return err
	}))
}

func (c auditExport) export(ctx context.Context, db *store.DB, to io.Writer) (n int, err error) {
	out := bufio.NewWriter(to)
	w := audit.Lines(out)
	if c.Format == "csv" {
		if w, err = audit.CSV(out); err != nil {
			return 0, err
		}
	}
	_, err = audit.Verify(ctx, db.Read(), nil, func(r audit.Record) error {
		if (c.Merchant >= 0 && r.Merchant != c.Merchant) || r.At.Before(c.From) || (!c.To.IsZero() && !r.At.Before(c.To)) {
			return nil
		}
		n++
		return w.Write(r)
	})
	return n, errors.Join(err, w.Flush(), out.Flush())
}
