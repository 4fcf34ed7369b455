package iso

import (
	"context"
	"errors"
	"fmt"

	"hawker/internal/download"
	"hawker/internal/iso8583"
	"hawker/internal/keys"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

// signOn answers 0800: fresh working keys under the terminal's master key, the
// open batch, the time.
func (s *Server) signOn(ctx context.Context, c *call) error {
	if err := s.mayBegin(ctx, c); err != nil {
		return err
	}
	tak, kcv := c.profile.KeyBlock.KeySizes()
	fresh, err := s.Keys.WorkingKeysOf(ctx, keys.TMK(c.keyOwner()), keys.Layout(c.f60.Network), keys.Sizes{TAK: tak, KCV: kcv})
	if err != nil {
		return err
	}
	block, err := c.profile.BuildKeyBlock(iso8583.Layout(c.f60.Network), iso8583.KeyBlock{
		TPK: iso8583.WrappedKey(fresh.TPK), TAK: iso8583.WrappedKey(fresh.TAK), TDK: iso8583.WrappedKey(fresh.TDK),
	})
	if err != nil {
		return err
	}
	c.reply.SetBytes(62, block)
	return s.opened(ctx, c)
}

// begin answers a sign-on that brings no keys: the open batch, the time.
func (s *Server) begin(ctx context.Context, c *call) error {
	if err := s.mayBegin(ctx, c); err != nil {
		return err
	}
	return s.opened(ctx, c)
}

// mayBegin reads the terminal anew, since its batch must not be a remembered one,
// and refuses it or its merchant.
func (s *Server) mayBegin(ctx context.Context, c *call) (err error) {
	if c.terminal, err = terminal.ByID(ctx, s.DB.Read(), c.merchant.ID, c.terminal.ID); err != nil {
		return err
	}
	return errors.Join(c.terminal.MaySignOn(), c.merchant.MayTake())
}

// opened notes the sign-on and tells the open batch.
func (s *Server) opened(ctx context.Context, c *call) error {
	if err := s.DB.Write(ctx, func(tx *store.Tx) error { return terminal.SignOn(ctx, tx, c.terminal, s.Clock()) }); err != nil {
		return err
	}
	f60, err := iso8583.Field60{Type: c.f60.Type, Batch: fmt.Sprintf("%06d", c.terminal.Batch), Network: c.f60.Network}.Build()
	if err != nil {
		return err
	}
	c.terminal.Renew, c.terminal.SignedOn = false, s.Clock() // nothing more to ask of it
	c.reply.Set(60, f60)
	return nil
}

// stale reports whether the terminal's working keys are so old that it is asked to
// sign on after what it does now.
func (s *Server) stale(c *call) bool {
	since := c.terminal.SignedOn
	return s.RotateAfter > 0 && !since.IsZero() && s.Clock().Sub(since) >= s.RotateAfter
}

// signOff answers 0820/002. It is not authenticated, so it destroys no keys.
func (s *Server) signOff(ctx context.Context, c *call) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		return terminal.SignOff(ctx, tx, c.terminal)
	})
}

// status answers 0820/362: how the terminal is. One that proves to say it was opened
// loses its keys and is blocked at once; what anybody can say only has it sign on
// again, and a person look at it.
func (s *Server) status(ctx context.Context, c *call) error {
	status, err := iso8583.ParseStatus62(c.message.Text(62))
	if err != nil {
		return formatFault(err)
	}
	if !status.Tampered {
		return s.DB.Write(ctx, func(tx *store.Tx) error { return download.Report(ctx, tx, c.fetcher(), status, s.Clock) })
	}
	if s.Custody == nil {
		return errNotSupp.With("nobody is here to destroy keys")
	}
	if !c.proven && c.peer == nil { // its line proves it too
		s.Log.Warn("terminal says without proof that it was tampered with", "mid", c.merchant.MID, "tid", c.terminal.ID, "detail", status.Detail)
		return s.Custody.Claim(ctx, c.merchant, c.terminal.ID, status.Detail)
	}
	s.Log.Error("terminal was tampered with", "mid", c.merchant.MID, "tid", c.terminal.ID, "detail", status.Detail)
	if err := s.Custody.Tamper(ctx, c.merchant, c.terminal.ID, status.Detail); err != nil {
		return err
	}
	c.silenced = true
	s.terminals.Forget(terminalKey{c.merchant.ID, c.terminal.ID})
	return nil
}

// echo answers 0820/301: the line works.
func (s *Server) echo(context.Context, *call) error { return nil }

// settle answers 0500 with the host's totals and whether they agree.
func (s *Server) settle(ctx context.Context, c *call) error {
	claimed, err := iso8583.ParseTotals48(c.message.Text(48))
	if err != nil {
		return formatFault(err)
	}
	currency, err := c.currency()
	if err != nil {
		return err
	}
	d, f := claimed.Domestic, claimed.Foreign
	b, err := s.Engine.SettleBatch(ctx, c.source(), payment.Totals{
		Debit: money.New(d.DebitAmount+f.DebitAmount, currency), DebitCount: d.DebitCount + f.DebitCount,
		Credit: money.New(d.CreditAmount+f.CreditAmount, currency), CreditCount: d.CreditCount + f.CreditCount,
	})
	if err != nil {
		return err
	}
	text, err := totals48(b)
	if err != nil {
		return err
	}
	at := b.Settled.In(c.merchant.Zone) // the same whenever it is asked for again
	c.reply.Set(12, at.Format("150405")).Set(13, at.Format("0102")).Set(15, b.Day.MMDD()).Set(48, text)
	return nil
}

// totals48 is field 48 of a settlement's answer. Counts beyond the field's three
// digits read 999: the batch is closed, and its terminal must be told so.
func totals48(b payment.Batch) (string, error) {
	verdict := iso8583.Balanced
	if !b.Balanced() {
		verdict = iso8583.NotBalanced
	}
	return iso8583.Totals48{
		Domestic: iso8583.Totals{DebitAmount: b.Host.Debit.Minor(), DebitCount: min(b.Host.DebitCount, 999),
			CreditAmount: b.Host.Credit.Minor(), CreditCount: min(b.Host.CreditCount, 999), Result: verdict},
		Foreign: iso8583.Totals{Result: iso8583.Balanced}, // one merchant has one currency
	}.Build()
}
