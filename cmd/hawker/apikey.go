package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"hawker/internal/apikey"
	"hawker/internal/audit"
	"hawker/internal/auth"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

type apikeyCommand struct {
	Create apikeyCreate `cmd:"" help:"Make a key for a merchant's program; it is shown once."`
	List   apikeyList   `cmd:"" help:"List a merchant's keys: what they may do, and when they were last used."`
	Rotate apikeyRotate `cmd:"" help:"Make a key's successor; the old one holds for a while."`
	Revoke apikeyRevoke `cmd:"" help:"End a key; it works within a second."`
}

// deskFlags are what every command of keys needs.
type deskFlags struct {
	dataFlags
	Merchant string `arg:"" help:"Merchant number, field 42."`
}

func (f deskFlags) desk(ctx context.Context, do func(*apikey.Desk, *store.DB, merchant.ID) error) error {
	return inWords(f.open(ctx, func(db *store.DB) error {
		m, err := merchant.ByMID(ctx, db.Read(), f.Merchant)
		if err != nil {
			return err
		}
		return do(apikey.New(db, func() time.Time { return time.Now().UTC() }, apikey.Test), db, m.ID)
	}))
}

// operator is who uses the command line: whoever may read the database.
func operator() audit.Actor {
	return audit.Actor{Kind: "system", Name: "command line"}
}

type apikeyCreate struct {
	deskFlags
	Name   string   `help:"What the program is called." required:""`
	Scopes []string `name:"scope" help:"What it may do: payments:read, payments:write, refunds:write, shop:read, shop:write, webhooks:write, reports:read." default:"payments:read,payments:write,refunds:write,webhooks:write"`
	Mode   string   `help:"test for the sandbox, live where money is real." enum:"test,live" default:"test"`
}

// Run makes a key.
func (c apikeyCreate) Run(ctx context.Context) error {
	return c.desk(ctx, func(d *apikey.Desk, _ *store.DB, m merchant.ID) error {
		w := apikey.Wanted{Merchant: m, Mode: apikey.Mode(c.Mode), Name: c.Name}
		for _, s := range c.Scopes {
			w.Scopes = append(w.Scopes, auth.Scope(s))
		}
		_, secret, err := d.Create(ctx, w, operator(), "")
		if err == nil {
			show(secret)
		}
		return err
	})
}

func show(s apikey.Secret) {
	fmt.Println(s.Reveal())
	_, _ = fmt.Fprintln(os.Stderr, "Keep it now: it is not stored and cannot be shown again.")
}

type apikeyList struct{ deskFlags }

// Run lists keys.
func (c apikeyList) Run(ctx context.Context) error {
	return c.desk(ctx, func(_ *apikey.Desk, db *store.DB, m merchant.ID) error {
		list, err := apikey.List(ctx, db.Read(), m)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			fmt.Println("There is no key.")
			return nil
		}
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "KEY\tNAME\tSCOPES\tSTATE\tLAST USE\tFROM")
		for _, k := range list {
			used := "never"
			if !k.Used.IsZero() {
				used = k.Used.Format(time.RFC3339)
			}
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", k.Label(), k.Name, strings.Trim(fmt.Sprint(k.Scopes), "[]"), k.State(time.Now()), used, k.From)
		}
		return w.Flush()
	})
}

type apikeyRotate struct {
	deskFlags
	Key     string        `arg:"" help:"The key, as the list shows it."`
	Overlap time.Duration `help:"How long the old one still holds, at most a week." default:"24h"`
}

// Run makes a successor.
func (c apikeyRotate) Run(ctx context.Context) error {
	return c.desk(ctx, func(d *apikey.Desk, _ *store.DB, m merchant.ID) error {
		id, err := apikey.ParseLabel(c.Key)
		if err != nil {
			return err
		}
		_, secret, err := d.Rotate(ctx, m, id, c.Overlap, operator(), "")
		if err == nil {
			show(secret)
		}
		return err
	})
}

type apikeyRevoke struct {
	deskFlags
	Key string `arg:"" help:"The key, as the list shows it."`
}

// Run ends a key.
func (c apikeyRevoke) Run(ctx context.Context) error {
	return c.desk(ctx, func(d *apikey.Desk, _ *store.DB, m merchant.ID) error {
		id, err := apikey.ParseLabel(c.Key)
		if err != nil {
			return err
		}
		return d.Revoke(ctx, m, id, operator(), "")
	})
}
