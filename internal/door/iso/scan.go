package iso

import (
	"cmp"
	"context"
	"time"

	"hawker/internal/card"
	"hawker/internal/iso8583"
	"hawker/internal/payment"
	"hawker/internal/qr"
)

// entryCode is field 22 of a payment by the customer's code, first two digits.
const entryCode = "03"

// codeWait is how long a customer who types the password is waited for, unless Config says otherwise.
const codeWait = 15 * time.Second

// errNoCode refuses a payment by code without one.
var errNoCode = &iso8583.FormatError{Field: 59, Expected: "a customer's code in tag A3", Got: "none"}

// scan answers a payment by the customer's code: a sale whose field 22 says so, or the PSP
// dialect's own 700000. Which wallet it is of, the code says; field 60.3 may say the same.
func (s *Server) scan(ctx context.Context, c *call) error {
	amount, err := c.amount()
	if err != nil {
		return err
	}
	if err := c.cardless(); err != nil {
		return err
	}
	text, err := iso8583.Find59(c.message.Bytes(59), iso8583.QRCode)
	if err != nil {
		return formatFault(err)
	}
	if text == "" {
		return errFormat.Wrap(errNoCode)
	}
	code, err := card.NewCode(text)
	if err != nil {
		return qr.ErrUnknown.Wrap(err)
	}
	defer code.Wipe()
	a, err := s.Engine.Scan(ctx, payment.ScanRequest{Source: c.source(), Amount: amount, Code: code, Method: c.wallet(), Wait: cmp.Or(s.CodeWait, codeWait)})
	if err = s.settleAnswer(c, a, err); err == nil && a.State == payment.Approved && a.AuthCode != "" {
		c.reply.Set(59, iso8583.Build59(iso8583.QRVoucher, a.AuthCode))
	}
	return err
}

// walletCodes are wallets' words for a refusal as field 39 has them; another is 05.
var walletCodes = map[string]string{
	"NOT_ENOUGH": "51", "NOTENOUGH": "51", "ACQ.BUYER_BALANCE_NOT_ENOUGH": "51",
	"AUTH_CODE_EXPIRED": "54", "AUTHCODEEXPIRE": "54", "AUTH_CODE_INVALID": codeInvalidCard, "ACQ.PAYMENT_AUTH_CODE_INVALID": codeInvalidCard,
	"SUB_MCHID_MISSING": "03", "RULE_LIMIT": "61", "ACQ.BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR": "61",
}

// codeOfWord is field 39 for what a channel of words answered.
func codeOfWord(state payment.State, word string) string {
	if state == payment.Approved {
		return codeApproved
	}
	return cmp.Or(walletCodes[word], "05")
}
