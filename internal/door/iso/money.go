package iso

import (
	"context"
	"errors"
	"fmt"

	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/emv"
	"hawker/internal/fault"
	"hawker/internal/iso8583"
	"hawker/internal/payment"
)

// sale answers 0200/000000/22.
func (s *Server) sale(ctx context.Context, c *call) error {
	if c.message.Text(22)[:2] == entryCode {
		return s.scan(ctx, c)
	}
	return s.take(ctx, c, s.Engine.Sale)
}

// take is a sale or a pre-authorization.
func (s *Server) take(ctx context.Context, c *call, do func(context.Context, payment.SaleRequest) (payment.Attempt, error)) error {
	amount, err := c.amount()
	if err != nil {
		return err
	}
	presented, facts, err := s.card(ctx, c)
	if err != nil {
		return err
	}
	if err := c.authorizes(&presented, &facts); err != nil {
		presented.Wipe()
		return err
	}
	a, err := do(ctx, payment.SaleRequest{Source: c.source(), Amount: amount, Card: presented, Facts: facts})
	return s.settleAnswer(c, a, err)
}

// void answers 0200/200000/23.
func (s *Server) void(ctx context.Context, c *call) error { return s.giveBack(ctx, c, s.Engine.Void) }

// refund answers 0220/200000/25; the card must be there.
func (s *Server) refund(ctx context.Context, c *call) error {
	if !c.message.Has(2) && !c.hasTrack() {
		return errFormat.Wrap(&iso8583.FormatError{Field: 2, Expected: "a card number or track 2", Got: "neither"})
	}
	return s.giveBack(ctx, c, s.Engine.Refund)
}

func (s *Server) giveBack(ctx context.Context, c *call, do func(context.Context, payment.ReturnRequest) (payment.Attempt, error)) error {
	amount, err := c.amount()
	if err != nil {
		return err
	}
	f61, err := iso8583.ParseField61(c.message.Text(61))
	if err != nil {
		return formatFault(err)
	}
	r := payment.ReturnRequest{Source: c.source(), Amount: amount, Ref: c.message.Text(37), OriginalBatch: number(f61.Batch), OriginalTrace: number(f61.Trace)}
	if c.message.Has(2) || c.hasTrack() {
		var facts payment.CardFacts
		if r.Card, facts, err = s.card(ctx, c); err != nil {
			return err
		}
		r.Token = facts.Token
	}
	a, err := do(ctx, r)
	return s.settleAnswer(c, a, err)
}

// settleAnswer fills the answer to whatever moves or holds money.
func (s *Server) settleAnswer(c *call, a payment.Attempt, err error) error {
	if err != nil && (a.ID == 0 || fault.Of(err).Kind != fault.Internal) {
		return err
	}
	s.stamp(c, a)
	if err != nil { // it left, and its end could not be stored
		s.Log.Error("payment's end is unknown", "attempt", a.Ref(), "err", err)
		c.reply.Set(39, codeUnknown)
		return nil
	}
	c.reply.Set(39, codeOfAttempt(a))
	return refusalOf(a)
}

// reverse answers 0400. A reversal that is taken over, or has nothing left to do, is accepted.
func (s *Server) reverse(ctx context.Context, c *call) error {
	amount, err := c.amount()
	if err != nil {
		return err
	}
	s.noteChip(c)
	a, err := s.Engine.Reverse(ctx, payment.ReversalRequest{Source: c.source(), Amount: amount, Reason: c.message.Text(39)})
	switch {
	case err == nil:
		s.stamp(c, a)
	case errors.Is(err, payment.ErrAmountDiffer):
		return errDiffers.Wrap(err)
	}
	return err
}

// inquire answers 0200/310000/01.
func (s *Server) inquire(ctx context.Context, c *call) error {
	if _, err := c.currency(); err != nil {
		return err
	}
	presented, facts, err := s.card(ctx, c)
	if err != nil {
		return err
	}
	if err := c.authorizes(&presented, &facts); err != nil {
		presented.Wipe()
		return err
	}
	ref, o, err := s.Engine.Inquire(ctx, c.source(), presented, facts.Chip)
	if err != nil {
		return err
	}
	if o.Result == channel.Unsent {
		return payment.ErrUnreachable.With("%s", o.Detail)
	}
	c.tellChip(o.ICC)
	c.reply.Set(37, ref).Set(39, outcomeCode(o)).Set(44, fmt.Sprintf("%-11.11s%-11.11s", o.Issuer, s.Acquirer))
	if o.Result == channel.Approved {
		if !o.Balance.Currency().Known() {
			return errUntold // an approval without field 54 would say nothing
		}
		text, err := iso8583.Balance54{{Account: "10", Type: "02", Currency: o.Balance.Currency().Numeric(), Amount: o.Balance.Minor()}}.Build()
		if err != nil {
			return err
		}
		c.reply.Set(54, text)
	}
	return nil
}

// card reads what the terminal presented. The number goes into the vault at once;
// what travels on is a token, and secrets in their types. PIN blocks stay enciphered.
func (s *Server) card(ctx context.Context, c *call) (channel.Card, payment.CardFacts, error) {
	m := c.message
	out := channel.Card{Entry: m.Text(22)[:2], Sequence: m.Text(23), Expiry: m.Text(14)}
	fail := func(err error) (channel.Card, payment.CardFacts, error) {
		out.Wipe()
		return channel.Card{}, payment.CardFacts{}, err
	}
	var pan card.PAN
	withTrack, err := s.track(ctx, c, &out.Track2)
	if err != nil {
		return fail(err)
	}
	if withTrack {
		number, expiry, rest, err := out.Track2.Split()
		if err != nil {
			return fail(errInvalidCard.Wrap(err))
		}
		pan, out.Expiry, c.service = number, expiry, service(rest[:min(3, len(rest))])
	}
	if m.Has(2) {
		number, err := card.ParsePAN(m.Text(2))
		if err != nil {
			return fail(errInvalidCard.Wrap(err))
		}
		if withTrack && !number.Equal(pan) {
			return fail(errInvalidCard.With("fields 2 and 35 are of two cards"))
		}
		pan = number
	}
	if pan.IsZero() {
		return fail(errFormat.Wrap(&iso8583.FormatError{Field: 2, Expected: "a card number or track 2", Got: "neither"}))
	}
	if withPIN := m.Text(22)[2] == '1'; withPIN != m.Has(52) {
		return fail(errFormat.Wrap(&iso8583.FormatError{Field: 52, Expected: "a PIN block just when field 22 says so", Got: "otherwise"}))
	}
	if m.Has(52) {
		block, err := card.NewPINBlock(m.Bytes(52))
		if err != nil {
			return fail(errFormat.Wrap(err))
		}
		out.PIN, out.PINKey = block, string(c.protection().pinKey(c))
	}
	if m.Has(55) {
		t, err := c.icc(emv.Online)
		if err != nil {
			return fail(err)
		}
		out.ICC = card.NewICC(t.Bytes())
	}
	token, err := s.Vault.Tokenize(ctx, pan)
	if err != nil {
		return fail(err)
	}
	out.Token = token
	return out, payment.CardFacts{Token: token, BIN: pan.BIN(), Last4: pan.Last4(), Kind: pan.Issue().Kind, Entry: m.Text(22)}, nil
}
