package payment_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hawker/internal/fault"
	"hawker/internal/payment"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

// TestAnyOrderOfCreateNoticeQueryCancelRefundAndTimeKeepsLedgerAndWalletsEqual: whatever
// people, wallets and time do, once everything is at rest the ledger is at zero and equal to
// the wallets' own books, and no payment has more than one that stands.
func TestAnyOrderOfCreateNoticeQueryCancelRefundAndTimeKeepsLedgerAndWalletsEqual(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newStall(t, db)
		rapid.Check(t, func(r *rapid.T) {
			w.trade(r)
			w.rest()
			w.rest() // what the first found may have made more to do
			if err := w.differ(); err != nil {
				r.Fatal(err)
			}
			if n := w.count(`SELECT COUNT(*) FROM (SELECT payment_id FROM attempts WHERE kind IN ('sale', 'present') AND state = 'approved' GROUP BY payment_id HAVING COUNT(*) > 1) AS twice`); n != 0 {
				r.Fatalf("%d payments were paid twice", n)
			}
			if n := w.count(`SELECT COUNT(*) FROM payments WHERE state IN ('created', 'sent', 'waiting', 'unknown', 'cancelling', 'expiring', 'reversing')`); n != 0 {
				r.Fatalf("%d payments have no end", n)
			}
		})
	})
}

// trade does a random run of everything people, wallets and time can do.
func (w *stall) trade(r *rapid.T) {
	ctx := context.Background()
	fine := func(err error) {
		if f := fault.Of(err); f != nil && f.Kind == fault.Internal {
			r.Fatal(err)
		}
	}
	var made []payment.Payment
	var asked []payment.Order
	var codes []payment.Attempt // that terminals show
	pick := func() (payment.Payment, bool) {
		if len(made) == 0 {
			return payment.Payment{}, false
		}
		return made[rapid.IntRange(0, len(made)-1).Draw(r, "which")], true
	}
	purses := []*purse{w.wechat, w.alipay}
	for range rapid.IntRange(4, 16).Draw(r, "steps") {
		p := purses[rapid.IntRange(0, 1).Draw(r, "purse")]
		m := mood(rapid.IntRange(0, int(tooEarly)).Draw(r, "mood"))
		if rapid.IntRange(0, 2).Draw(r, "calm") > 0 {
			m = gives
		}
		p.always(m)
		step := rapid.SampledFrom([]string{"scan", "scan", "show", "choose", "both", "pay", "pay", "away", "notice", "refresh", "cancel", "refund", "repeat", "jobs", "time", "restart",
			"terminal shows", "terminal shows", "terminal voids", "terminal asks", "terminal reverses", "terminal repeats"}).Draw(r, "step")
		switch step {
		case "scan":
			o := w.scan(p, rapid.Int64Range(1, 5000).Draw(r, "amount"))
			asked = append(asked, o)
			one, err := w.engine.Create(ctx, o)
			fine(err)
			if err == nil {
				made = append(made, one)
			}
		case "show":
			o := w.ask(rapid.Int64Range(1, 5000).Draw(r, "amount"))
			o.Number = fmt.Sprint("order ", w.keys)
			asked = append(asked, o)
			one, err := w.engine.Create(ctx, o)
			fine(err)
			if err == nil {
				made = append(made, one)
			}
		case "terminal shows":
			a, _, err := w.engine.Present(ctx, payment.PresentRequest{Source: w.source(), Amount: w.amount(rapid.Int64Range(1, 5000).Draw(r, "amount")), Method: p.name})
			fine(err)
			if a.ID != 0 {
				codes = append(codes, a)
				made = append(made, payment.Payment{ID: a.Payment, Amount: a.Amount})
			}
		case "terminal voids", "terminal asks", "terminal reverses", "terminal repeats":
			if len(codes) == 0 {
				continue
			}
			a := codes[rapid.IntRange(0, len(codes)-1).Draw(r, "code")]
			var err error
			switch step {
			case "terminal voids":
				_, err = w.engine.VoidCode(ctx, w.about(a))
			case "terminal asks":
				_, _, err = w.engine.AskCode(ctx, w.about(a))
			case "terminal reverses":
				_, err = w.reverse(a.Trace, a.Amount.Minor())
			default:
				_, _, err = w.engine.Present(ctx, payment.PresentRequest{Source: w.at(a.Trace), Amount: a.Amount, Method: a.Channel})
			}
			fine(err)
		case "choose":
			if one, ok := pick(); ok {
				_, err := w.engine.Choose(ctx, 1, one.ID, p.name)
				if !errors.Is(err, payment.ErrNotFound) {
					fine(err)
				}
			}
		case "both": // the payer opens one wallet and the other
			if one, ok := pick(); ok {
				for _, at := range purses {
					if link, err := w.engine.Choose(ctx, 1, one.ID, at.name); err == nil {
						at.pay(link[len(at.name+"://"):])
					}
				}
			}
		case "pay":
			if refs := p.refs(); len(refs) > 0 {
				p.pay(refs[rapid.IntRange(max(0, len(refs)-6), len(refs)-1).Draw(r, "paid")])
			}
		case "away":
			if refs := p.refs(); len(refs) > 0 {
				p.putAway(refs[rapid.IntRange(max(0, len(refs)-6), len(refs)-1).Draw(r, "left")])
			}
		case "notice":
			if refs := p.refs(); len(refs) > 0 {
				if err := w.tell(p, refs[rapid.IntRange(max(0, len(refs)-6), len(refs)-1).Draw(r, "told")]); err != nil && m == gives {
					r.Fatal(err)
				}
			}
		case "refresh":
			if one, ok := pick(); ok {
				_, err := w.engine.Refresh(ctx, 1, one.ID)
				fine(err)
			}
		case "cancel":
			if one, ok := pick(); ok {
				_, err := w.engine.Cancel(ctx, 1, one.ID)
				fine(err)
			}
		case "refund":
			if one, ok := pick(); ok {
				w.keys++
				_, err := w.engine.GiveBack(ctx, payment.RefundOrder{Merchant: w.merchant, Device: "pos/1", Key: fmt.Sprint("r", w.keys), Payment: one.ID,
					Amount: w.amount(rapid.Int64Range(1, one.Amount.Minor()).Draw(r, "part"))})
				fine(err)
			}
		case "repeat":
			if len(asked) > 0 {
				_, err := w.engine.Create(ctx, asked[rapid.IntRange(0, len(asked)-1).Draw(r, "again")])
				if f := fault.Of(err); f == nil || f.Name != payment.ErrOrder.Name { // its code has expired
					fine(err)
				}
			}
		case "jobs":
			w.jobs.RunDue(ctx)
		case "time":
			w.pass(time.Duration(rapid.SampledFrom([]int{1, 5, 6, 14, 16, 31, 45, 121, 301, 3600}).Draw(r, "seconds")) * time.Second)
		case "restart":
			w.engine.Drain(ctx)
			w.start()
			if _, err := w.engine.Recover(ctx, everything); err != nil {
				r.Fatal(err)
			}
		}
	}
}
