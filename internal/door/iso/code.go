package iso

import (
	"cmp"
	"context"
	"fmt"

	"hawker/internal/channel"
	"hawker/internal/iso8583"
	"hawker/internal/payment"
)

// walletOf is field 60.3 of what is paid by code: the wallet, "" where the terminal does not say.
var walletOf = map[string]string{"000": "", "002": payment.MethodWeChat, "003": payment.MethodAlipay, "004": payment.MethodUnionPay}

// kindCode is 60.1 of the PSP dialect's transactions by code.
const kindCode = "60"

// wallet is what field 60.3 says of a transaction by code.
func (c *call) wallet() string {
	if c.f60.Type != kindCode {
		return ""
	}
	return walletOf[c.f60.Network]
}

// cardless refuses a card where a code pays.
func (c *call) cardless() error {
	for _, n := range []int{2, 35, 36, 52, 55, iso8583.EncipheredTrack} {
		if c.message.Has(n) {
			return errFormat.Wrap(&iso8583.FormatError{Field: n, Expected: "no card where a code pays", Got: "one"})
		}
	}
	return nil
}

// longestCode is what a code's text may have so that field 59 holds it, in bytes.
const longestCode = 590

// present answers 0200/710000/60: the text of a wallet's code, which the terminal shows. The
// answer stays what it was while the code can be paid, and after it was.
func (s *Server) present(ctx context.Context, c *call) error {
	amount, err := c.amount()
	if err != nil {
		return err
	}
	if err := c.cardless(); err != nil {
		return err
	}
	a, text, err := s.Engine.Present(ctx, payment.PresentRequest{Source: c.source(), Amount: amount, Method: c.wallet()})
	if err != nil || text == "" {
		return s.settleAnswer(c, a, err)
	}
	if a.State == payment.Approved {
		a.State = payment.Waiting // of which a repeat's answer is the same
	}
	s.stamp(c, a)
	switch {
	case a.State != payment.Waiting:
		return payment.ErrReversed.With("the code is %s", a.State)
	case len(text) > longestCode:
		return errNotSupp.With("a code of %d characters", len(text))
	}
	c.reply.Set(39, codeApproved).Set(59, iso8583.Build59(iso8583.QRCode, text))
	return nil
}

// codeOriginal reads what a void or query of a code points at.
func (c *call) codeOriginal() (payment.ReturnRequest, error) {
	if err := c.cardless(); err != nil {
		return payment.ReturnRequest{}, err
	}
	f61, err := iso8583.ParseField61(c.message.Text(61))
	if err != nil {
		return payment.ReturnRequest{}, formatFault(err)
	}
	return payment.ReturnRequest{Source: c.source(), Ref: c.message.Text(37), OriginalBatch: number(f61.Batch), OriginalTrace: number(f61.Trace), Method: c.wallet()}, nil
}

// voidCode answers 0200/720000/60: nobody pays it any more, or it is given back, which the voucher tells.
func (s *Server) voidCode(ctx context.Context, c *call) error {
	amount, err := c.amount()
	if err != nil {
		return err
	}
	r, err := c.codeOriginal()
	if err != nil {
		return err
	}
	r.Amount = amount
	a, err := s.Engine.VoidCode(ctx, r)
	if err = s.settleAnswer(c, a, err); err == nil && a.Kind == channel.Refund && a.State == payment.Approved {
		c.reply.Set(59, iso8583.Build59(iso8583.QRVoucher, cmp.Or(a.AuthCode, a.Ref())))
	}
	return err
}

// askCode answers 0200/730000/60: what became of a payment by code.
func (s *Server) askCode(ctx context.Context, c *call) error {
	if _, err := c.currency(); err != nil {
		return err
	}
	r, err := c.codeOriginal()
	if err != nil {
		return err
	}
	p, a, err := s.Engine.AskCode(ctx, r)
	if err != nil {
		return err
	}
	s.stamp(c, a)
	c.reply.Set(4, fmt.Sprintf("%012d", a.Amount.Minor()))
	switch {
	case p.State == payment.Approved && p.Refunded.Minor() < p.Amount.Minor():
		c.reply.Set(39, codeApproved)
		if a.AuthCode != "" {
			c.reply.Set(59, iso8583.Build59(iso8583.QRVoucher, a.AuthCode))
		}
		return nil
	case a.State == payment.Declined:
		c.reply.Set(39, codeOfAttempt(a))
		return refusalOf(a)
	case p.State == payment.Expired:
		return payment.ErrOver
	case p.State != payment.Reversing && payment.Passing(p.State):
		return errUnpaid
	}
	return payment.ErrReversed
}
