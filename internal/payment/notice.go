package payment

import (
	"context"
	"fmt"

	"hawker/internal/cases"
	"hawker/internal/channel"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

// Book is what the notices of a wallet are held against: the payments that went to it.
func (e *Engine) Book(wallet string) channel.Book { return book{e, wallet} }

type book struct {
	e      *Engine
	wallet string
}

// Order finds the request that bore the number.
func (b book) Order(ctx context.Context, number string) (channel.Request, error) {
	mid, ref, err := channel.ParseNumber(number)
	if err != nil {
		return channel.Request{}, ErrNotFound.Wrap(err)
	}
	id, err := ParseRef(ref)
	if err != nil {
		return channel.Request{}, err
	}
	q := b.e.db.Read()
	m, err := merchant.ByMID(ctx, q, mid)
	if err != nil {
		return channel.Request{}, err
	}
	a, err := attemptByID(ctx, q, m.ID, id)
	if err != nil {
		return channel.Request{}, err
	}
	if a.Channel != b.wallet {
		return channel.Request{}, ErrNotFound.With("attempt %s went through %s", a.Ref(), a.Channel)
	}
	r := b.e.request(m, a, channel.Card{})
	if a.Of != 0 {
		of, err := attemptByID(ctx, q, m.ID, a.Of)
		if err != nil {
			return r, err
		}
		r.Original = original(of)
		r.Original.Amount = of.Amount
	}
	return r, b.e.expiry(ctx, &r, a)
}

// Tell takes what became of the request. The same may come any number of times. What
// contradicts what stands is asked for at the wallet, and is a person's matter when the
// wallet itself contradicts us.
func (b book) Tell(ctx context.Context, r channel.Request, o channel.Outcome) error {
	a, err := attemptByID(ctx, b.e.db.Read(), merchant.ID(r.Merchant.ID), r.Attempt)
	if err != nil {
		return err
	}
	if a.Kind == channel.Reversal {
		return nil // its job asks until it is done
	}
	against, err := b.e.learn(ctx, a, o)
	if err != nil || against == nil {
		return err
	}
	return b.e.dispute(ctx, a, fmt.Sprintf("a notice of %s says %s of %s, which is %s", b.wallet, word(o.Result), a.Ref(), against.stands.State))
}

// Doubt takes that an authentic notice was about the request and did not fit it.
func (b book) Doubt(ctx context.Context, r channel.Request, why string) error {
	a, err := attemptByID(ctx, b.e.db.Read(), merchant.ID(r.Merchant.ID), r.Attempt)
	if err != nil {
		return err
	}
	if a.Kind == channel.Sale || a.Kind == channel.Present {
		if err := b.e.dispute(ctx, a, ""); err != nil {
			return err
		}
	}
	return b.e.doubt(ctx, a, fmt.Sprintf("a notice of %s does not fit %s: %s", b.wallet, a.Ref(), why))
}

// dispute asks the wallet itself. Its answer counts; one that contradicts what stands opens
// a case and moves nothing.
func (e *Engine) dispute(ctx context.Context, a Attempt, detail string) error {
	m, err := merchant.ByID(ctx, e.db.Read(), a.Merchant)
	if err != nil {
		return err
	}
	o := e.query(ctx, m, a)
	if o.Result == channel.Silent || o.Result == channel.Unsent {
		return unsettled(o) // not known: the notice shall come again
	}
	against, err := e.learn(ctx, a, o)
	if err != nil || against == nil {
		return err
	}
	return e.doubt(ctx, a, detail+"; asked, the wallet says "+word(o.Result))
}

// doubt opens a case about an attempt, once.
func (e *Engine) doubt(ctx context.Context, a Attempt, detail string) error {
	e.log.Warn("notice opens a case", "attempt", a.Ref(), "why", detail)
	return e.db.Write(ctx, func(tx *store.Tx) error {
		return cases.Open(ctx, tx, cases.Case{Merchant: int64(a.Merchant), Kind: "notice contradicts", Ref: a.Ref(), Opened: e.now(), Detail: detail})
	})
}

// word is a result for a person.
func word(r channel.Result) string {
	return [...]string{channel.Silent: "nothing", channel.Approved: "paid", channel.Declined: "not paid", channel.Unsent: "nothing", channel.Waiting: "not decided"}[r]
}
