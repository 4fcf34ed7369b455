package pos

import (
	"context"
	"errors"

	"github.com/alecthomas/kong"

	"hawker/internal/money"
)

type preauthCommand struct {
	Amount string `required:"" help:"In yuan, e.g. 500.00."`
	cardFlags
}

// Run has an amount kept ready.
func (cmd preauthCommand) Run(c *CLI, app *kong.Context) error {
	amount, amountErr := parseAmount(cmd.Amount)
	p, err := cmd.presented()
	return c.check(app, errors.Join(amountErr, err), func(t *Terminal, ctx context.Context) (Result, error) {
		return t.Preauth(ctx, amount, p)
	})
}

// holdFlags point at a pre-authorization.
type holdFlags struct {
	Trace int    `help:"Trace number of the pre-authorization."`
	Auth  string `help:"Its authorization code, when the terminal does not have it any more."`
	Batch int    `help:"Its batch, with --auth; may be left out."`
	Date  string `help:"Its date, MMDD, with --auth."`
	cardFlags
}

func (f holdFlags) original() Original {
	return Original{Trace: f.Trace, AuthCode: f.Auth, Batch: f.Batch, Date: f.Date}
}

type preauthVoidCommand struct {
	Amount string `help:"In yuan, what was held; needed with --auth."`
	holdFlags
}

// Run gives a pre-authorization back.
func (cmd preauthVoidCommand) Run(c *CLI, app *kong.Context) error {
	var amount money.Amount
	var amountErr error
	if cmd.Amount != "" {
		amount, amountErr = parseAmount(cmd.Amount)
	}
	p, err := cmd.presented()
	return c.check(app, errors.Join(amountErr, err), func(t *Terminal, ctx context.Context) (Result, error) {
		return t.PreauthVoid(ctx, cmd.original(), amount, p)
	})
}

type completeCommand struct {
	Amount string `required:"" help:"In yuan, up to 115 % of the pre-authorization."`
	Notice bool   `help:"Tell the bank what is concluded already: never reversed, repeated until it has an answer."`
	holdFlags
}

// Run takes money of a pre-authorization.
func (cmd completeCommand) Run(c *CLI, app *kong.Context) error {
	amount, amountErr := parseAmount(cmd.Amount)
	p, err := cmd.presented()
	return c.check(app, errors.Join(amountErr, err), func(t *Terminal, ctx context.Context) (Result, error) {
		if cmd.Notice {
			return t.CompleteNotice(ctx, cmd.original(), amount, p)
		}
		return t.Complete(ctx, cmd.original(), amount, p)
	})
}

type completionVoidCommand struct {
	Trace int `required:"" help:"Trace number of the completion."`
}

// Run undoes a completion.
func (cmd completionVoidCommand) Run(c *CLI, app *kong.Context) error {
	return c.operate(app, func(t *Terminal, ctx context.Context) (Result, error) { return t.CompletionVoid(ctx, cmd.Trace) })
}
