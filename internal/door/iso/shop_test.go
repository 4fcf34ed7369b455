package iso

import (
	"context"
	"fmt"
	"time"

	"hawker/internal/feelock"
	"hawker/internal/feelock/feelocktest"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/risk"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

// shop is one merchant of a world. Tests that share a world have shops of their own.
type shop struct {
	merchant.Merchant
	w       *world
	devices int
	watch   func() // called before every message; nil for nothing
}

// The limits of every shop, in fen.
const (
	perPayment = 5_000_00
	perDay     = 20_000_00
)

func (w *world) shop() *shop {
	w.t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	s := &shop{w: w}
	w.shops = append(w.shops, s)
	id := len(w.shops)
	w.mu.Unlock()
	s.Merchant = merchant.Merchant{ID: merchant.ID(id), MID: fmt.Sprintf("8983100581%05d", id), NameZH: "小满面馆", NameEN: "Xiaoman Noodles",
		Place: "Shanghai", MCC: "5812", Currency: money.CNY, Zone: zone, Cutoff: 24 * time.Hour, State: merchant.Active}
	w.write(func(ctx context.Context, tx *store.Tx) error {
		if err := merchant.Add(ctx, tx, s.Merchant, w.clock()); err != nil {
			return err
		}
		var rates []feelock.Rate
		for _, kind := range []string{"", "debit", "credit"} {
			rates = append(rates, feelock.Rate{Line: feelock.Line{Method: payment.MethodCard, CardKind: kind}, FeePlan: merchant.FeePlan{Rate: 60}})
		}
		for _, wallet := range []string{payment.MethodWeChat, payment.MethodUnionPay} {
			rates = append(rates, feelock.Rate{Line: feelock.Line{Method: wallet}, FeePlan: merchant.FeePlan{Rate: 38}})
		}
		if err := w.fees().Board(ctx, tx, s.Merchant, feelocktest.Consent(), w.clock(), rates...); err != nil {
			return err
		}
		return risk.SetLimit(ctx, tx, int64(s.ID), risk.Limit{Method: payment.MethodCard, PerPayment: money.New(perPayment, money.CNY),
			Daily: money.New(perDay, money.CNY), Monthly: money.Zero(money.CNY)})
	})
	return s
}

// device registers another terminal with its master key; it has not signed on.
func (s *shop) device(lang string) *device {
	s.w.t.Helper()
	return s.deviceOf("unionpay-pos", lang)
}

// deviceOf registers a terminal of another host profile.
func (s *shop) deviceOf(profile, lang string) *device {
	s.w.t.Helper()
	s.devices++
	d := &device{w: s.w, shop: s, id: fmt.Sprintf("T%07d", s.devices), batch: 1, speech: speech{name: profile}}
	s.w.write(func(ctx context.Context, tx *store.Tx) error {
		return terminal.Add(ctx, tx, terminal.Terminal{Merchant: s.ID, ID: terminal.ID(d.id), Serial: s.MID + d.id, Model: "test", Profile: profile,
			Lang: lang, State: terminal.Active, Batch: 1, BatchDay: s.Day(s.w.clock())})
	})
	if d.derives() {
		d.bind()
		return d
	}
	d.tmk = s.w.newKey(keys.TMK(s.MID+"/"+d.id), 16)
	return d
}

// open is a device of a new shop, signed on.
func (w *world) device(lang string) *device {
	w.t.Helper()
	d := w.shop().device(lang)
	d.signOn("004")
	return d
}

func (s *shop) suspend() {
	s.w.write(func(ctx context.Context, tx *store.Tx) error {
		return merchant.SetState(ctx, tx, s.ID, merchant.Suspended)
	})
}

func (d *device) suspend() {
	d.w.write(func(ctx context.Context, tx *store.Tx) error {
		return terminal.SetState(ctx, tx, d.shop.ID, terminal.ID(d.id), terminal.Suspended)
	})
}
