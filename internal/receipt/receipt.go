// Package receipt is what proves a payment to the people who were there: what was paid,
// to whom, when, how and what became of it. It makes the signed link under which anybody
// who was given it sees the receipt as it stands now, and the slip for a printer. It
// reads payments and signatures, and refuses to know fees, accounts and pages.
package receipt

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"hawker/internal/channel"
	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/signature"
	"hawker/internal/store"
)

// ErrUnknown is what a link that we did not give out, or not as it is, is answered with.
var ErrUnknown = fault.New(fault.NotFound, "receipt_unknown", "这不是我们开出的凭证，请不要相信它。", "This is no receipt of ours. Please do not rely on it.")

// Receipt is one payment as its payer may see it.
type Receipt struct {
	Merchant  merchant.Merchant
	Payment   payment.Payment
	Sale      payment.Attempt // that made the payment
	Refunds   []payment.Attempt
	Signed    time.Time // when the cardholder signed on the screen; zero: there is no signature
	Signature []byte    // as PNG; nil where the picture cannot be drawn
	Link      string    // where it is seen; "" until it is asked for
}

// Desk gives receipts out.
type Desk struct {
	db         *store.DB
	voucher    Voucher
	signatures *signature.Store
	base       string
}

// Voucher vouches for data, as the keystore does.
type Voucher interface {
	Vouch(ctx context.Context, use string, data []byte) ([]byte, error)
}

// Open makes a desk. base is the address that links begin with, "https://pay.example";
// signatures may be nil.
func Open(db *store.DB, v Voucher, signatures *signature.Store, base string) *Desk {
	return &Desk{db, v, signatures, strings.TrimRight(base, "/")}
}

// Of gives the receipt of a payment, with its link. payment.ErrNotFound when the merchant has none of that id.
func (d *Desk) Of(ctx context.Context, m merchant.ID, id int64) (Receipt, error) {
	r := Receipt{}
	var err error
	if r.Payment, err = payment.Get(ctx, d.db.Read(), m, id); err != nil {
		return r, err
	}
	if r.Merchant, err = merchant.ByID(ctx, d.db.Read(), m); err != nil {
		return r, err
	}
	attempts, err := payment.Attempts(ctx, d.db.Read(), m, id)
	if err != nil {
		return r, fmt.Errorf("receipt of %s: %w", payment.Ref(id), err)
	}
	for _, a := range attempts {
		switch {
		case a.ID == id:
			r.Sale = a
		case a.Kind == channel.Refund && a.State != payment.Declined:
			r.Refunds = append(r.Refunds, a)
		}
	}
	if err := d.signature(ctx, &r); err != nil {
		return r, err
	}
	r.Link, err = d.Link(ctx, m, id)
	return r, err
}

// ByToken gives the receipt that a link's last part names; ErrUnknown unless we signed it.
func (d *Desk) ByToken(ctx context.Context, token string) (Receipt, error) {
	m, id, err := d.read(ctx, token)
	if err != nil {
		return Receipt{}, err
	}
	r, err := d.Of(ctx, m, id)
	if errors.Is(err, payment.ErrNotFound) || errors.Is(err, merchant.ErrUnknown) {
		err = ErrUnknown.Wrap(err)
	}
	return r, err
}

func (d *Desk) signature(ctx context.Context, r *Receipt) error {
	if d.signatures == nil {
		return nil
	}
	s, err := d.signatures.Get(ctx, r.Payment.Merchant, r.Payment.ID)
	if errors.Is(err, signature.ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	r.Signed, r.Signature = s.Signed, drawn(s)
	return nil
}

// Number is how people name the payment: the RRN.
func (r Receipt) Number() string { return payment.Ref(r.Payment.ID) }

// Refunded is what was given back already.
func (r Receipt) Refunded() (sum money.Amount) {
	sum = money.Zero(r.Payment.Amount.Currency())
	for _, a := range r.Refunds {
		if a.State != payment.Approved {
			continue
		}
		if more, err := sum.Add(a.Amount); err == nil { // of one currency, and never more than was captured
			sum = more
		}
	}
	return sum
}

// State is the payment's state, or what its refunds make of it.
func (r Receipt) State() string {
	given := r.Refunded()
	switch {
	case r.Payment.State != payment.Approved:
		return string(r.Payment.State)
	case !given.IsZero() && given == r.Payment.Amount:
		return "refunded"
	case !given.IsZero():
		return "partly_refunded"
	case !r.Payment.Refunded.IsZero():
		return "refunding"
	}
	return string(payment.Approved)
}

// Paid reports whether the merchant has the payer's money, or a part of it.
func (r Receipt) Paid() bool {
	return r.Payment.State == payment.Approved && r.Refunded() != r.Payment.Amount
}

// Card is the payer's card as it may be shown: "622588******1234"; "" when there was none.
func (r Receipt) Card() string {
	if r.Payment.Card.Last4 == "" {
		return ""
	}
	return r.Payment.Card.BIN + strings.Repeat("*", 6) + r.Payment.Card.Last4
}

// Terminal is the number of the terminal that took it; "" when it was taken by no terminal.
func (r Receipt) Terminal() string {
	if r.Sale.Trace == 0 {
		return ""
	}
	return string(r.Payment.Terminal)
}

// Made is when it was taken, in the merchant's zone.
func (r Receipt) Made() time.Time { return r.Payment.Created.In(r.Merchant.Zone) }
