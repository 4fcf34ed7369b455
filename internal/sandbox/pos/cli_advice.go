package pos

import (
	"context"
	"errors"

	"github.com/alecthomas/kong"
)

type offlineCommand struct {
	Amount string `required:"" help:"In yuan, up to the host's floor limit."`
	cardFlags
}

// Run tells the host of a payment that was concluded offline.
func (cmd offlineCommand) Run(c *CLI, app *kong.Context) error {
	amount, amountErr := parseAmount(cmd.Amount)
	p, err := cmd.presented()
	return c.check(app, errors.Join(amountErr, err), func(t *Terminal, ctx context.Context) (Result, error) {
		return t.OfflineSale(ctx, amount, p)
	})
}

type tipCommand struct {
	Trace  int    `required:"" help:"Trace number of the sale."`
	Amount string `required:"" help:"In yuan: the tip alone."`
}

// Run adds a tip to a sale.
func (cmd tipCommand) Run(c *CLI, app *kong.Context) error {
	amount, err := parseAmount(cmd.Amount)
	return c.check(app, err, func(t *Terminal, ctx context.Context) (Result, error) { return t.Tip(ctx, cmd.Trace, amount) })
}

type adjustCommand struct {
	Trace  int    `required:"" help:"Trace number of the sale."`
	Amount string `required:"" help:"In yuan: what the customer is to pay in the end, less than was taken."`
}

// Run lowers a sale.
func (cmd adjustCommand) Run(c *CLI, app *kong.Context) error {
	amount, err := parseAmount(cmd.Amount)
	return c.check(app, err, func(t *Terminal, ctx context.Context) (Result, error) { return t.Adjust(ctx, cmd.Trace, amount) })
}

type cashCommand struct {
	Amount string `required:"" help:"In yuan, up to what the purse holds."`
	purseFlags
}

// purseFlags are a card whose chip has a purse, held to the reader or inserted.
type purseFlags struct {
	Card string `help:"Name of a test card." default:"test-purse"`
	Chip bool   `help:"Insert the card instead of holding it to the reader."`
}

func (f purseFlags) presented() (Presented, error) {
	return cardFlags{Card: f.Card, Entry: Contactless, Chip: f.Chip}.presented()
}

// Run takes a payment out of a purse.
func (cmd cashCommand) Run(c *CLI, app *kong.Context) error {
	amount, amountErr := parseAmount(cmd.Amount)
	p, err := cmd.presented()
	return c.check(app, errors.Join(amountErr, err), func(t *Terminal, ctx context.Context) (Result, error) {
		return t.CashSale(ctx, amount, p)
	})
}

type purseCommand struct{ purseFlags }

// Run shows what a purse holds.
func (cmd purseCommand) Run(c *CLI, app *kong.Context) error {
	p, err := cmd.presented()
	return c.check(app, err, func(t *Terminal, ctx context.Context) (Result, error) { return t.Purse(ctx, p) })
}
