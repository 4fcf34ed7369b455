package pos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/alecthomas/kong"

	"hawker/internal/card"
	"hawker/internal/iso8583"
	"hawker/internal/money"
	"hawker/internal/sandbox/cards"
)

// CLI is the terminal as commands, for a kong program to embed. Each command is
// one operation of the terminal at State.
type CLI struct {
	Profile string        `help:"The sandbox's terminal of this host profile: psp, dukpt or dukpt-aes; its memory lies beside --state." placeholder:"NAME"`
	State   string        `help:"The terminal's memory." default:"hawker-data/terminal.json" placeholder:"FILE"`
	Host    string        `help:"Host address instead of the provisioned one." placeholder:"ADDR"`
	Plain   bool          `help:"TCP without TLS, even when the terminal has a certificate."`
	Lang    Language      `help:"zh-CN or en, instead of the terminal's language." enum:",zh-CN,en" default:""`
	JSON    bool          `help:"Print the result as JSON."`
	Verbose bool          `help:"Show every message, masked, on standard error."`
	Timeout time.Duration `help:"How long to wait for an answer; 0s is what the host has set, else 30 s." default:"0s"`

	SignOn         signOnCommand         `cmd:"" help:"Sign on: fetch working keys and the batch."`
	SignOff        signOffCommand        `cmd:"" help:"Sign off."`
	Echo           echoCommand           `cmd:"" help:"Ask whether the host is there."`
	Sale           saleCommand           `cmd:"" help:"Take a payment."`
	Scan           scanCommand           `cmd:"" help:"Take a payment by the customer's code: WeChat Pay, Alipay or UnionPay, as the code says."`
	Show           showCommand           `cmd:"" help:"Show a wallet's code for the customer to scan."`
	Query          queryCommand          `cmd:"" help:"Ask whether a code that is shown has been paid, until it is."`
	Void           voidCommand           `cmd:"" help:"Undo a sale of the current batch, or a code, paid or not."`
	Refund         refundCommand         `cmd:"" help:"Give money of a settled sale back."`
	Preauth        preauthCommand        `cmd:"" help:"Have the bank keep an amount ready."`
	PreauthVoid    preauthVoidCommand    `cmd:"" help:"Give a pre-authorization back."`
	Complete       completeCommand       `cmd:"" help:"Take money of a pre-authorization."`
	CompletionVoid completionVoidCommand `cmd:"" help:"Undo a completion of the current batch."`
	Tip            tipCommand            `cmd:"" help:"Add a tip to a sale of the current batch."`
	Adjust         adjustCommand         `cmd:"" help:"Lower a sale of the current batch."`
	Offline        offlineCommand        `cmd:"" help:"Tell the host of a payment that was concluded offline."`
	Cash           cashCommand           `cmd:"" help:"Take a payment out of the electronic purse of a card's chip, with or without the host."`
	Purse          purseCommand          `cmd:"" help:"Show what is in the electronic purse of a card's chip."`
	Balance        balanceCommand        `cmd:"" help:"Ask for a card's balance."`
	Settle         settleCommand         `cmd:"" help:"Settle the batch."`
	Sign           signCommand           `cmd:"" help:"Have the cardholder of a sale without PIN sign on the screen."`
	Fetch          fetchCommand          `cmd:"" help:"Ask what the host wants, and fetch it: parameters, keys, lists."`
	Report         reportCommand         `cmd:"" help:"Report the terminal's state to the host."`
	Resolve        resolveCommand        `cmd:"" help:"Settle what is pending: send the reversal, repeat refunds."`
	Tamper         tamperCommand         `cmd:"" help:"Act as if the terminal were opened: report it and erase the keys."`
	Status         statusCommand         `cmd:"" help:"Show what the terminal remembers."`
	Slip           slipCommand           `cmd:"" help:"Print a slip again."`
}

// Exit is how a command ended that was not approved or accepted.
type Exit struct {
	status int
	text   string
	cause  error
}

// Exit statuses; 0 is approved or accepted.
const (
	exitError    = 1
	exitDeclined = 2
	exitUnknown  = 3
)

// Error is a sentence in the terminal's language, and the cause when there is one.
func (e *Exit) Error() string {
	if e.cause == nil {
		return e.text
	}
	return e.text + ": " + e.cause.Error()
}

// Unwrap gives the cause.
func (e *Exit) Unwrap() error { return e.cause }

// ExitCode is 1 for an error (no money moved), 2 for declined, 3 for unknown.
func (e *Exit) ExitCode() int { return e.status }

// cardFlags are a card as the customer offers it.
type cardFlags struct {
	Card  string `help:"Name of a test card." default:"test-credit"`
	PIN   string `name:"pin" help:"The PIN that the customer enters; none when empty."`
	Entry Entry  `help:"How the card is read: swipe, chip, manual or contactless." enum:"swipe,chip,manual,contactless" default:"swipe"`

	Chip        bool `help:"Insert the card; the same as --entry chip." xor:"how"`
	Contactless bool `help:"Hold the card to the reader." xor:"how"`
	Swipe       bool `help:"Swipe the card." xor:"how"`
}

// entry is how the card meets the terminal.
func (f cardFlags) entry() Entry {
	switch {
	case f.Chip:
		return Chip
	case f.Contactless:
		return Contactless
	case f.Swipe:
		return Swipe
	}
	return f.Entry
}

func (f cardFlags) presented() (Presented, error) {
	c, ok := cards.ByName(f.Card)
	if !ok {
		return Presented{}, ErrCard.because(fmt.Errorf("no test card %q", f.Card))
	}
	p := Presented{Card: c, Entry: f.entry()}
	if f.PIN == "" {
		return p, nil
	}
	pin, err := card.NewPIN(f.PIN)
	p.PIN = pin
	return p, err
}

func parseAmount(s string) (money.Amount, error) {
	a, err := money.Parse(s, currency)
	if err != nil {
		return a, ErrAmount.because(err)
	}
	return a, nil
}

type signOnCommand struct{}

// Run signs on.
func (signOnCommand) Run(c *CLI, app *kong.Context) error { return c.operate(app, (*Terminal).SignOn) }

type signOffCommand struct{}

// Run signs off.
func (signOffCommand) Run(c *CLI, app *kong.Context) error {
	return c.operate(app, (*Terminal).SignOff)
}

type echoCommand struct{}

// Run sends an echo.
func (echoCommand) Run(c *CLI, app *kong.Context) error { return c.operate(app, (*Terminal).Echo) }

type tamperCommand struct {
	What string `help:"What tripped, up to 20 ASCII characters." default:"case switch"`
}

// Run reports a tamper and erases the keys.
func (cmd tamperCommand) Run(c *CLI, app *kong.Context) error {
	return c.operate(app, func(t *Terminal, ctx context.Context) (Result, error) { return t.Tamper(ctx, cmd.What) })
}

type settleCommand struct{}

// Run settles the batch.
func (settleCommand) Run(c *CLI, app *kong.Context) error {
	return c.operate(app, (*Terminal).SettleBatch)
}

type resolveCommand struct{}

// Run settles what is pending.
func (resolveCommand) Run(c *CLI, app *kong.Context) error {
	return c.operate(app, (*Terminal).ResolvePending)
}

type fetchCommand struct{}

// Run fetches what the host wants fetched.
func (fetchCommand) Run(c *CLI, app *kong.Context) error { return c.operate(app, (*Terminal).Fetch) }

type reportCommand struct {
	Battery int `help:"Per cent." default:"100"`
	Printer int `help:"1 works, 2 no paper, 3 broken." default:"1"`
}

// Run uploads the status.
func (cmd reportCommand) Run(c *CLI, app *kong.Context) error {
	return c.operate(app, func(t *Terminal, ctx context.Context) (Result, error) {
		return t.Report(ctx, iso8583.Status62{Version: "1.0", Battery: cmd.Battery, Printer: cmd.Printer})
	})
}

type saleCommand struct {
	Amount string `required:"" help:"In yuan, e.g. 46.50."`
	Sign   string `help:"The name that the cardholder signs with, when no PIN is entered." placeholder:"NAME"`
	cardFlags
}

// Run takes a payment.
func (cmd saleCommand) Run(c *CLI, app *kong.Context) error {
	amount, amountErr := parseAmount(cmd.Amount)
	p, err := cmd.presented()
	return c.check(app, errors.Join(amountErr, err), func(t *Terminal, ctx context.Context) (Result, error) {
		r, err := t.Sale(ctx, amount, p)
		if err != nil || cmd.Sign == "" || !signable(r.Transaction) {
			return r, err
		}
		signed, err := t.Sign(ctx, r.Trace, Draw(cmd.Sign, screenWidth, screenHeight))
		if err != nil { // the payment stands, and the picture is kept: the host asks for it again
			signed.Notes = []Words{{"签名还没有传给主机，终端会补传", "The signature did not reach the host; the terminal sends it again"}}
		}
		again, err := t.Reprint(r.Trace)
		again.Notes, again.Reprint = append(r.Notes, signed.Notes...), false
		return again, err
	})
}

// The screen that cardholders sign on, in pixels: a picture fits one message.
const (
	screenWidth  = 128
	screenHeight = 48
)

type signCommand struct {
	Trace int    `required:"" help:"Trace number of the sale."`
	Name  string `required:"" help:"The name that the cardholder signs with."`
}

// Run signs for a sale.
func (cmd signCommand) Run(c *CLI, app *kong.Context) error {
	return c.operate(app, func(t *Terminal, ctx context.Context) (Result, error) {
		return t.Sign(ctx, cmd.Trace, Draw(cmd.Name, screenWidth, screenHeight))
	})
}

type voidCommand struct {
	Trace int `required:"" help:"Trace number of the sale."`
}

// Run undoes a sale.
func (cmd voidCommand) Run(c *CLI, app *kong.Context) error {
	return c.operate(app, func(t *Terminal, ctx context.Context) (Result, error) { return t.Void(ctx, cmd.Trace) })
}

type refundCommand struct {
	Amount string `required:"" help:"In yuan, all or a part of what is left."`
	Trace  int    `help:"Trace number of the sale."`
	RRN    string `name:"rrn" help:"Reference number of the sale, when the terminal does not have it any more."`
	Batch  int    `help:"Batch of the sale, with --rrn."`
	Date   string `help:"Date of the sale, MMDD, with --rrn."`
	cardFlags
}

// Run gives money back.
func (cmd refundCommand) Run(c *CLI, app *kong.Context) error {
	amount, amountErr := parseAmount(cmd.Amount)
	p, err := cmd.presented()
	of := Original{Trace: cmd.Trace, RRN: cmd.RRN, Batch: cmd.Batch, Date: cmd.Date}
	return c.check(app, errors.Join(amountErr, err), func(t *Terminal, ctx context.Context) (Result, error) {
		return t.Refund(ctx, of, amount, p)
	})
}

type balanceCommand struct{ cardFlags }

// Run asks for a balance.
func (cmd balanceCommand) Run(c *CLI, app *kong.Context) error {
	p, err := cmd.presented()
	return c.check(app, err, func(t *Terminal, ctx context.Context) (Result, error) { return t.Balance(ctx, p) })
}

type statusCommand struct{}

// Run shows what the terminal remembers.
func (statusCommand) Run(c *CLI, app *kong.Context) error {
	return c.with(app, func(t *Terminal) error {
		status, err := t.Status()
		if err == nil {
			err = c.printStatus(app.Stdout, status)
		}
		return err
	})
}

type slipCommand struct {
	Trace int  `required:"" help:"Trace number of the transaction."`
	Copy  Copy `help:"merchant or customer." enum:"merchant,customer" default:"merchant"`
}

// Run prints a slip again.
func (cmd slipCommand) Run(c *CLI, app *kong.Context) error {
	return c.with(app, func(t *Terminal) error {
		r, err := t.Reprint(cmd.Trace)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(app.Stdout, r)
		}
		_, err = fmt.Fprint(app.Stdout, Slip(r, cmd.Copy, c.language(t)))
		return err
	})
}

// check refuses bad flags before the terminal is touched.
func (c *CLI) check(app *kong.Context, flags error, operation func(*Terminal, context.Context) (Result, error)) error {
	if flags != nil {
		return c.exit(flags, c.Lang)
	}
	return c.operate(app, operation)
}

// operate does one operation and prints it. An interrupt ends the waiting, not
// the reversal: that stays pending.
func (c *CLI) operate(app *kong.Context, operation func(*Terminal, context.Context) (Result, error)) error {
	return c.with(app, func(t *Terminal) error {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		r, err := operation(t, ctx)
		if err != nil {
			return err
		}
		if err := c.printResult(app.Stdout, r, c.language(t), t.state.Language); err != nil {
			return err
		}
		switch r.State {
		case Declined, Reversed:
			return &Exit{status: exitDeclined, text: r.Title.In(c.language(t))}
		case Unknown:
			return &Exit{status: exitUnknown, text: r.Title.In(c.language(t))}
		default:
			return nil
		}
	})
}

// with opens the terminal, and gives every error its exit status.
func (c *CLI) with(app *kong.Context, do func(*Terminal) error) error {
	options := Options{Host: c.Host, Timeout: c.Timeout, Plain: c.Plain}
	if c.Verbose {
		options.Trace = func(d Direction, explanation string) { _, _ = fmt.Fprintf(app.Stderr, "%s %s\n", d, explanation) }
	}
	t, err := Open(FileOf(c.State, c.Profile), options)
	if err != nil {
		return c.exit(err, c.Lang)
	}
	language := c.language(t)
	return c.exit(errors.Join(do(t), t.Close()), language)
}

// language is the flag's, else the terminal's.
func (c *CLI) language(t *Terminal) Language {
	if c.Lang != "" {
		return c.Lang
	}
	return t.state.Language
}

func (c *CLI) exit(err error, l Language) error {
	var ended *Exit
	var problem *Problem
	switch {
	case err == nil:
		return nil
	case errors.As(err, &ended):
		return ended
	case errors.As(err, &problem):
		return &Exit{status: exitError, text: problem.In(l), cause: problem.cause}
	default:
		return &Exit{status: exitError, text: Words{"终端出错", "The terminal failed"}.In(l), cause: err}
	}
}
