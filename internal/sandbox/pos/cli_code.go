package pos

import (
	"cmp"
	"context"

	"github.com/alecthomas/kong"
)

type showCommand struct {
	Amount string `required:"" help:"In yuan, e.g. 46.50."`
	Wallet string `required:"" help:"wechat or alipay." enum:"wechat,alipay"`
}

// Run shows a code.
func (cmd showCommand) Run(c *CLI, app *kong.Context) error {
	amount, err := parseAmount(cmd.Amount)
	return c.check(app, err, func(t *Terminal, ctx context.Context) (Result, error) {
		return t.Show(ctx, amount, walletsByName[cmd.Wallet])
	})
}

type queryCommand struct {
	Trace int `required:"" help:"Trace number of the code."`
	Times int `help:"How often to ask, three seconds apart." default:"20"`
}

// Run asks after a code; one that nobody has paid yet is unknown.
func (cmd queryCommand) Run(c *CLI, app *kong.Context) error {
	var waits error
	err := c.operate(app, func(t *Terminal, ctx context.Context) (Result, error) {
		r, err := t.Ask(ctx, cmd.Trace, cmd.Times)
		if r.State == Waiting {
			waits = &Exit{status: exitUnknown, text: r.Title.In(c.language(t))}
		}
		return r, err
	})
	return cmp.Or(err, waits)
}
