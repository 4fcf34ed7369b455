package pos

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"hawker/internal/card"
	"hawker/internal/iso8583"
	"hawker/internal/money"
)

// The psp dialect's own words for a payment by code.
const (
	pspScan     = "700000"
	pspScanKind = "60"
)

// Scan takes amount (more than zero, CNY) by the customer's payment code, of whichever wallet
// it is: the host recognises it. Unknown results and errors are as for Sale; while the customer
// types the password the host keeps the terminal waiting. The code is kept nowhere.
func (t *Terminal) Scan(ctx context.Context, amount money.Amount, code card.Code) (Result, error) {
	return t.run(func(s *session) (Result, error) {
		if err := checkAmount(amount); err != nil {
			return Result{}, err
		}
		if code.IsZero() {
			return Result{}, ErrCard.because(errors.New("no code"))
		}
		if err := s.ready(ctx); err != nil {
			return Result{}, err
		}
		m := s.state.request(Sale, s.state.Trace, s.state.Batch)
		defer wipe(m)
		putAmount(m, amount)
		if s.profile.Name == iso8583.PSP.Name {
			m.Set(3, pspScan).Set(60, pspScanKind+m.Text(60)[2:])
		}
		m.Set(22, entries[Scan].mode+withoutPIN).Set(59, iso8583.Build59(iso8583.QRCode, string(code.Reveal())))
		return s.undoable(ctx, m, nil, Transaction{Kind: Sale, Amount: amount, MaskedPAN: masked(code), Entry: Scan})
	})
}

// masked shows the first two digits of a code, which tell whose it is, and the last two.
func masked(c card.Code) string {
	text := string(c.Reveal())
	return text[:2] + strings.Repeat("*", len(text)-4) + text[len(text)-2:]
}

type scanCommand struct {
	Amount string `required:"" help:"In yuan, e.g. 46.50."`
	Code   string `required:"" help:"What the scanner read; - reads it from standard input, so that it stands in no list of processes."`
}

// Run takes a payment by code.
func (cmd scanCommand) Run(c *CLI, app *kong.Context) error {
	amount, amountErr := parseAmount(cmd.Amount)
	text := cmd.Code
	var readErr error
	if text == "-" {
		var line [64]byte
		n, err := os.Stdin.Read(line[:])
		text, readErr = string(line[:n]), err
	}
	code, err := card.NewCode(strings.TrimSpace(text))
	if err != nil {
		err = ErrCard.because(err)
	}
	return c.check(app, errors.Join(amountErr, readErr, err), func(t *Terminal, ctx context.Context) (Result, error) {
		return t.Scan(ctx, amount, code)
	})
}
