package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/paylink"
	"hawker/internal/plate"
	"hawker/internal/qr"
	"hawker/internal/store"
)

type qrBuild struct {
	Static  qrStatic  `cmd:"" help:"A signed code for a plate: the payer enters the amount."`
	Dynamic qrDynamic `cmd:"" help:"A signed code for one payment of one amount, which expires."`
	EMVCo   qrEMVCo   `cmd:"" name:"emvco" help:"EMVCo's merchant-presented code with UnionPay's account, not signed."`
}

// drawFlags say how a code is drawn.
type drawFlags struct {
	SVG     string   `name:"svg" help:"Write the plate as a picture." placeholder:"FILE" type:"path"`
	PDF     string   `name:"pdf" help:"Write the plate as a document." placeholder:"FILE" type:"path"`
	Paper   string   `help:"The plate's paper." enum:"A5,A6" default:"A6"`
	Schemes []string `help:"Whose wallets the plate names: wechat, alipay, unionpay, ecny." default:"wechat,alipay,unionpay"`
}

// draw writes the files that were asked for, or draws on the terminal.
func (f drawFlags) draw(out io.Writer, p plate.Plate) error {
	for _, s := range f.Schemes {
		p.Schemes = append(p.Schemes, qr.Scheme(s))
	}
	size := plate.A6
	if f.Paper == plate.A5.Name {
		size = plate.A5
	}
	if f.SVG == "" && f.PDF == "" {
		symbol, err := qr.Draw(p.Code, qr.Screen)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%s%s\n", symbol.Terminal(colourful(out)), p.Code)
		return err
	}
	if f.SVG != "" {
		text, err := p.SVG(size)
		if err != nil {
			return err
		}
		if err := os.WriteFile(f.SVG, []byte(text), 0o600); err != nil {
			return err
		}
	}
	if f.PDF != "" {
		file, err := p.PDF(size)
		if err != nil {
			return err
		}
		if err := os.WriteFile(f.PDF, file, 0o600); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(out, p.Code)
	return err
}

// colourful reports whether out is a terminal that shows colours (no-color.org).
func colourful(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// signFlags are what both signed codes need.
type signFlags struct {
	keyFlags
	drawFlags
	Merchant string `help:"The merchant's MID." required:""`
	Checkout string `help:"Where the checkout page is, as payers reach it: https://…" required:"" placeholder:"URL"`
}

// sign completes the code with its merchant, signs and draws it.
func (f signFlags) sign(ctx context.Context, out io.Writer, complete func(merchant.Merchant) (paylink.Code, error)) error {
	return f.keyFlags.open(ctx, func(db *store.DB, ks *keys.Keystore) error {
		m, err := merchant.ByMID(ctx, db.Read(), f.Merchant)
		if err != nil {
			return err
		}
		if err := m.MayTake(); err != nil {
			return err
		}
		code, err := complete(m)
		if err != nil {
			return err
		}
		code.Merchant, code.Payee = m.ID, m.NameZH
		if code.Payee == "" {
			code.Payee = m.NameEN
		}
		link, err := paylink.Make(ctx, ks, f.Checkout, code)
		if err != nil {
			return err
		}
		p := plate.Plate{Code: link, NameZH: m.NameZH, NameEN: m.NameEN, MID: m.MID, Number: code.Plate, Amount: code.Amount}
		if code.Kind == paylink.Static && m.Currency == paylink.ClassD.Currency() {
			p.Limit = paylink.ClassD
		}
		if err := f.draw(out, p); err != nil {
			return err
		}
		_, err = fmt.Fprintln(out, describe(code))
		return err
	})
}

// describe says what a code does.
func describe(c paylink.Code) string {
	if c.Kind == paylink.Static {
		return fmt.Sprintf("Pays %s, plate %d.", c.Payee, c.Plate)
	}
	return fmt.Sprintf("Pays %s %s, payment %d, until %s.", c.Payee, c.Amount, c.Payment, c.Expires.Format(time.RFC3339))
}

type qrStatic struct {
	signFlags
	Plate int64 `help:"The plate's number among the merchant's, from 1." default:"1"`
}

// Run draws a plate.
func (c qrStatic) Run(ctx context.Context) error { return told(c.run(ctx, os.Stdout)) }

func (c qrStatic) run(ctx context.Context, out io.Writer) error {
	return c.sign(ctx, out, func(merchant.Merchant) (paylink.Code, error) {
		return paylink.Code{Kind: paylink.Static, Plate: c.Plate}, nil
	})
}

type qrDynamic struct {
	signFlags
	Amount  string        `help:"What is to be paid, in the merchant's currency: 46.50." required:""`
	Payment int64         `help:"The payment's or order's number." required:""`
	Valid   time.Duration `help:"How long the code may be used." default:"2m"`
}

// longest is how long a code for one payment may live: a photograph of it must not
// be paid the day after.
const longest = 24 * time.Hour

// Run draws a code for one payment.
func (c qrDynamic) Run(ctx context.Context) error { return told(c.run(ctx, os.Stdout, time.Now())) }

func (c qrDynamic) run(ctx context.Context, out io.Writer, now time.Time) error {
	if c.Valid < time.Second || c.Valid > longest {
		return fmt.Errorf("--valid is from 1s to %s", longest)
	}
	return c.sign(ctx, out, func(m merchant.Merchant) (paylink.Code, error) {
		amount, err := money.Parse(c.Amount, m.Currency)
		if err != nil {
			return paylink.Code{}, fmt.Errorf("--amount: %w", err)
		}
		return paylink.Code{Kind: paylink.Dynamic, Amount: amount, Payment: c.Payment, Expires: now.Add(c.Valid).Truncate(time.Second).UTC()}, nil
	})
}

type qrEMVCo struct {
	drawFlags
	Acquirer  string `help:"UnionPay's number of the acquirer, 8 digits." required:""`
	Forwarder string `help:"UnionPay's number of the forwarder, 8 digits; the acquirer's when absent."`
	MID       string `name:"mid" help:"The merchant's MID, 15 characters." required:""`
	MCC       string `name:"mcc" help:"Merchant category code, four digits." required:""`
	Name      string `help:"The merchant's name in ASCII, up to 25 characters." required:""`
	City      string `help:"The merchant's city in ASCII, up to 15 characters." required:""`
	NameZH    string `name:"name-zh" help:"The merchant's name in Chinese, up to 25 characters."`
	CityZH    string `name:"city-zh" help:"The city in Chinese, up to 15 characters; needs the name."`
	Country   string `help:"ISO 3166-1 code of two letters." default:"CN"`
	Currency  string `help:"ISO 4217 code of three letters." default:"CNY"`
	Amount    string `help:"What is to be paid; with it the code is dynamic, for one payment."`
	Bill      string `help:"Bill number, up to 25 characters."`
	Terminal  string `help:"Terminal, up to 25 characters."`
}

// Run draws the code.
func (c qrEMVCo) Run() error { return told(c.run(os.Stdout)) }

func (c qrEMVCo) run(out io.Writer) error {
	if c.Forwarder == "" {
		c.Forwarder = c.Acquirer
	}
	account, err := qr.UnionPayAccount(c.Acquirer, c.Forwarder, c.MID)
	if err != nil {
		return err
	}
	m := qr.MPM{
		Initiation: qr.Static, Accounts: []qr.Template{account}, MCC: c.MCC, Currency: money.Currency(c.Currency),
		Country: c.Country, Name: c.Name, City: c.City, Additional: qr.Additional{Bill: c.Bill, Terminal: c.Terminal},
	}
	if c.Amount != "" {
		m.Initiation = qr.Dynamic
		if m.Amount, err = money.Parse(c.Amount, m.Currency); err != nil {
			return fmt.Errorf("--amount: %w", err)
		}
	}
	if c.NameZH != "" {
		m.Language = qr.Language{Code: "ZH", Name: c.NameZH, City: c.CityZH}
	} else if c.CityZH != "" {
		return errors.New("--city-zh needs --name-zh")
	}
	text, err := m.Build()
	if err != nil {
		return err
	}
	return c.draw(out, plate.Plate{Code: text, NameZH: c.NameZH, NameEN: c.Name, MID: c.MID, Amount: m.Amount})
}
