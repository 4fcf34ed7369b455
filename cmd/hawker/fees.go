package main

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"hawker/internal/app"
	"hawker/internal/clock"
	"hawker/internal/feelock"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

type feesCommand struct {
	List  feesListCommand  `cmd:"" help:"List what a merchant pays, since when, and by which consent."`
	Adopt feesAdoptCommand `cmd:"" help:"Vouch for the fees of a merchant from before the fee lock, so that payments may use them."`
}

// feesOf names a merchant's fees.
type feesOf struct {
	MID      string `arg:"" help:"The merchant's number, 15 digits."`
	Data     string `help:"Data directory." default:"data" type:"path"`
	Database string `help:"postgres:// URL, or a SQLite file; hawker.db in the data directory unless set."`
	Master   string `help:"Master key file; master.key in the data directory unless set." type:"path"`
}

func (f feesOf) open(ctx context.Context, do func(db *store.DB, b *feelock.Book, m merchant.Merchant) error) error {
	db, err := app.OpenStore(ctx, f.Data, f.Database)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	ks, err := app.OpenKeystore(ctx, db, f.Data, f.Master)
	if err != nil {
		return err
	}
	m, err := merchant.ByMID(ctx, db.Read(), f.MID)
	if err != nil {
		return err
	}
	b := feelock.Open(feelock.Config{DB: db, Seal: ks, Clock: clock.System})
	defer b.Close()
	return do(db, b, m)
}

type feesListCommand struct{ feesOf }

func (c feesListCommand) Run(ctx context.Context) error {
	return c.open(ctx, func(_ *store.DB, b *feelock.Book, m merchant.Merchant) error {
		list, err := b.History(ctx, m.ID, m.Currency)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "fee\tno.\tterms\tfrom\tconsent\tby\tagreed")
		for _, f := range list {
			_, name := f.Name()
			_, terms := f.Words()
			_, _ = fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%s\n", name, f.Version, terms, f.From.In(m.Zone).Format(time.DateTime), f.Kind, f.By, f.Agreed.In(m.Zone).Format(time.DateTime))
		}
		return w.Flush()
	})
}

type feesAdoptCommand struct {
	feesOf
	By  string `required:"" help:"Who vouches."`
	Why string `required:"" help:"Which agreement states these fees."`
}

func (c feesAdoptCommand) Run(ctx context.Context) error {
	return c.open(ctx, func(db *store.DB, b *feelock.Book, m merchant.Merchant) error {
		var n int
		if err := db.Write(ctx, func(tx *store.Tx) (err error) { n, err = b.Adopt(ctx, tx, m, c.By, c.Why); return err }); err != nil {
			return err
		}
		fmt.Printf("%d versions adopted\n", n)
		return nil
	})
}
