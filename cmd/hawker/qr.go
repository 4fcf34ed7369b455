package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hawker/internal/app"
	"hawker/internal/fault"
	"hawker/internal/keys"
	"hawker/internal/paylink"
	"hawker/internal/qr"
	"hawker/internal/store"
)

type qrCommand struct {
	Explain qrExplain `cmd:"" help:"Tell what a payment code is: its scheme, its fields, its check value, what is wrong and where; customers' codes masked."`
	Build   qrBuild   `cmd:"" help:"Make a merchant's code, and draw it."`
}

// keyFlags say where signed codes get their signature.
type keyFlags struct {
	dataFlags
	Master string `help:"The master key file; master.key in the data directory when absent." placeholder:"FILE"`
}

func (f keyFlags) open(ctx context.Context, do func(*store.DB, *keys.Keystore) error) error {
	return f.dataFlags.open(ctx, func(db *store.DB) error {
		ks, err := app.OpenKeystore(ctx, db, f.Data, f.Master)
		if err != nil {
			return err
		}
		return do(db, ks)
	})
}

// there reports whether there is a server's database to ask.
func (f keyFlags) there() bool {
	_, err := os.Stat(filepath.Join(f.Data, "hawker.db"))
	return f.Database != "" || err == nil
}

type qrExplain struct {
	keyFlags
	Text string `arg:"" help:"What the code says; - reads standard input, which keeps a customer's code out of the shell's history."`
}

// Run prints the explanation; what is no sound code exits with 1 after what could be read of it.
func (c qrExplain) Run(ctx context.Context) error {
	return told(c.run(ctx, os.Stdin, os.Stdout, time.Now()))
}

func (c qrExplain) run(ctx context.Context, in io.Reader, out io.Writer, now time.Time) error {
	text := c.Text
	if text == "-" {
		b, err := io.ReadAll(io.LimitReader(in, 64<<10))
		if err != nil {
			return err
		}
		text = string(b)
	}
	text = strings.TrimSpace(text)
	e := qr.Known.Explain(text)
	if paylink.Is(text) {
		var err error
		if e, err = c.link(ctx, text, e, now); err != nil {
			return err
		}
	}
	if _, err := e.WriteTo(out); err != nil {
		return err
	}
	if e.Err != nil {
		return errors.New("this code is not to be used")
	}
	return nil
}

// link opens a link that may be ours: only who has the keys can tell.
func (c qrExplain) link(ctx context.Context, text string, e qr.Explanation, now time.Time) (qr.Explanation, error) {
	if !c.there() {
		e.Rows[0].Note = "it has the form of a Hawker code; without the server's data nobody can tell whether one signed it"
		return e, nil
	}
	err := c.open(ctx, func(_ *store.DB, ks *keys.Keystore) error {
		code, err := paylink.Read(ctx, ks, text, now)
		e = explainOwn(code, e.Rows)
		e.Err = err
		if f := fault.Of(err); f != nil && f.Kind == fault.Internal {
			return err
		}
		return nil
	})
	return e, err
}

// explainOwn shows what one of our own codes says; where it leads stands before it.
func explainOwn(code paylink.Code, rows []qr.Row) qr.Explanation {
	e := qr.Explanation{Kind: "Hawker merchant code", KindZH: "Hawker 商户收款码", Rows: rows}
	if code == (paylink.Code{}) {
		return e
	}
	row := func(field, name, zh, value, note string) {
		e.Rows = append(e.Rows, qr.Row{Offset: -1, Field: field, Name: name, NameZH: zh, Value: value, Note: note})
	}
	e.Rows[0].Note = "signed by us"
	row("payee", "pays", "收款方", code.Payee, "")
	row("merchant", "merchant", "商户", fmt.Sprint(code.Merchant), "")
	if code.Kind == paylink.Static {
		row("plate", "static plate", "静态牌号", fmt.Sprint(code.Plate), fmt.Sprintf("at most %s per customer per day", paylink.ClassD))
		return e
	}
	row("amount", "amount", "金额", code.Amount.String(), "")
	row("payment", "payment", "支付编号", fmt.Sprint(code.Payment), "")
	row("expires", "expires", "失效时间", code.Expires.Format(time.RFC3339), "")
	return e
}

// told puts a refusal's sentences before its line for the log.
func told(err error) error {
	if f := fault.Of(err); f != nil && f.Kind != fault.Internal {
		return fmt.Errorf("%s %s (%w)", f.ZH, f.EN, err)
	}
	return err
}
