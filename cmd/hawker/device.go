package main

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"hawker/internal/app"
	"hawker/internal/identity"
	"hawker/internal/sandbox/pos"
)

type deviceCommand struct {
	Issue  deviceIssue  `cmd:"" help:"Give a terminal its first certificate."`
	Renew  deviceRenew  `cmd:"" help:"Give a terminal a new certificate; the old one holds for seven more days."`
	List   deviceList   `cmd:"" help:"List the terminals' certificates."`
	Revoke deviceRevoke `cmd:"" help:"Take a certificate back; it works within a second, on open connections too."`
	CA     deviceCA     `cmd:"" name:"ca" help:"Print the authority's certificate, which terminals must trust."`
	CRL    deviceCRL    `cmd:"" name:"crl" help:"Print the list of revoked certificates."`
}

// toolFlags are of commands that need the keystore beside the database.
type toolFlags struct {
	dataFlags
	Master string `help:"Master key file; master.key in the data directory unless set." placeholder:"FILE"`
}

func (f toolFlags) tools(ctx context.Context, do func(*app.Tools) error) error {
	t, err := app.OpenTools(ctx, app.Config{Data: f.Data, Database: f.Database, Master: f.Master})
	if err != nil {
		return err
	}
	return errors.Join(do(t), t.DB.Close())
}

// certify is what issuing and renewing share.
type certify struct {
	toolFlags
	Merchant string `arg:"" help:"Merchant number, field 42."`
	Terminal string `arg:"" help:"Terminal number, field 41."`
	CSR      string `name:"csr" help:"Certificate request of the machine, PEM or DER; without it a key is made." placeholder:"FILE"`
	Out      string `help:"Where to write the certificate, FILE.pem, and the key that was made, FILE.key; neither may exist." placeholder:"FILE"`
	State    string `help:"Load key and certificate into the software terminal of this memory instead." placeholder:"FILE"`
}

// authorityCall is Authority.Issue or Authority.Renew.
type authorityCall func(*identity.Authority) func(context.Context, identity.Terminal, []byte) (identity.Certificate, error)

func (c certify) run(ctx context.Context, call authorityCall) error {
	if (c.Out == "") == (c.State == "") || c.State != "" && c.CSR != "" {
		return errors.New("say where the certificate goes: --out, or --state without --csr")
	}
	return c.tools(ctx, func(t *app.Tools) error {
		of, err := t.Terminal(ctx, c.Merchant, c.Terminal)
		if err != nil {
			return err
		}
		var csr, key []byte
		if c.CSR != "" {
			csr, err = os.ReadFile(c.CSR)
		} else {
			csr, key, err = identity.Request()
		}
		if err != nil {
			return err
		}
		issued, err := call(t.Authority)(ctx, of, csr)
		if err != nil {
			return err
		}
		fmt.Printf("certificate %s for terminal %s, machine %s, until %s\n", issued.Number, of.ID, of.Serial, issued.NotAfter.Format(time.DateOnly))
		if c.State != "" {
			return loadIdentity(c.State, pos.Identity{CA: string(t.Authority.PEM()), Certificate: string(issued.PEM()), Key: key})
		}
		err = create(c.Out+".pem", append(issued.PEM(), t.Authority.PEM()...))
		if key != nil {
			err = errors.Join(err, create(c.Out+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
		}
		return err
	})
}

// load gives a software terminal its identity.
func loadIdentity(state string, i pos.Identity) error {
	t, err := pos.Open(state, pos.Options{Plain: true})
	if err != nil {
		return err
	}
	return errors.Join(t.Certify(i), t.Close())
}

// create writes a new file that only its owner may read.
func create(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the person names it
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

type deviceIssue struct{ certify }

// Run issues a first certificate.
func (c deviceIssue) Run(ctx context.Context) error {
	return c.run(ctx, func(a *identity.Authority) func(context.Context, identity.Terminal, []byte) (identity.Certificate, error) {
		return a.Issue
	})
}

type deviceRenew struct{ certify }

// Run issues a certificate after another.
func (c deviceRenew) Run(ctx context.Context) error {
	return c.run(ctx, func(a *identity.Authority) func(context.Context, identity.Terminal, []byte) (identity.Certificate, error) {
		return a.Renew
	})
}

type deviceList struct{ toolFlags }

// Run lists certificates by merchant and terminal.
func (c deviceList) Run(ctx context.Context) error {
	return c.tools(ctx, func(t *app.Tools) error {
		list, err := t.Authority.List(ctx)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			fmt.Println("No certificate was issued.")
			return nil
		}
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "MERCHANT\tTERMINAL\tMACHINE\tNUMBER\tUNTIL\tSTATE")
		for _, one := range list {
			_, _ = fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", one.Merchant, one.ID, one.Serial, one.Number, one.NotAfter.Format(time.DateOnly), one.State(time.Now()))
		}
		return w.Flush()
	})
}

type deviceRevoke struct {
	toolFlags
	Merchant string `arg:"" help:"Merchant number, field 42."`
	Terminal string `arg:"" help:"Terminal number, field 41."`
	Number   string `arg:"" help:"Number of the certificate."`
	Reason   string `help:"lost, stolen, tampered, replaced or retired." enum:"lost,stolen,tampered,replaced,retired" required:""`
}

// Run revokes one certificate.
func (c deviceRevoke) Run(ctx context.Context) error {
	return c.tools(ctx, func(t *app.Tools) error {
		of, err := t.Terminal(ctx, c.Merchant, c.Terminal)
		if err != nil {
			return err
		}
		return t.Authority.Revoke(ctx, of.Merchant, c.Number, identity.Reason(c.Reason))
	})
}

type deviceCA struct{ toolFlags }

// Run prints the authority's certificate.
func (c deviceCA) Run(ctx context.Context) error {
	return c.tools(ctx, func(t *app.Tools) error {
		_, err := os.Stdout.Write(t.Authority.PEM())
		return err
	})
}

type deviceCRL struct{ toolFlags }

// Run prints the revocation list.
func (c deviceCRL) Run(ctx context.Context) error {
	return c.tools(ctx, func(t *app.Tools) error {
		list, err := t.Authority.CRL(ctx)
		if err == nil {
			_, err = os.Stdout.Write(list)
		}
		return err
	})
}
