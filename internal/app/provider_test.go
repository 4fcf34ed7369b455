package app

import (
	"context"
	"testing"
	"time"

	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/channel/wechat"
	"hawker/internal/clock"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/reconcile"
	"hawker/internal/sandbox/wallet"
	"hawker/internal/store"
)

// TestAServiceProvidersMerchantsHaveNumbersOfTheirOwn takes WeChat payments for a merchant that
// is not at WeChat yet, that is, and whose number changed; a refund goes where its sale was.
func TestAServiceProvidersMerchantsHaveNumbersOfTheirOwn(t *testing.T) {
	t.Parallel()
	s, stop := start(t, Config{Wallets: Wallets{WeChat: WeChat{Provider: true}, Types: 50 * time.Millisecond, billsNow: true,
		Pace: channel.Pace{First: 20 * time.Millisecond, Longest: 40 * time.Millisecond}}})
	defer stop()
	m, err := merchant.ByID(t.Context(), s.DB.Read(), 1)
	if err != nil {
		t.Fatal(err)
	}
	pay := func(key string) payment.Payment {
		t.Helper()
		code, err := card.NewCode(wallet.Draw(wallet.WeChat))
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Engine.Create(t.Context(), payment.Order{Merchant: m, Device: "pos/1", Key: key, Amount: money.New(1000, money.CNY), Code: code})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	number := func(n string) error {
		// It begins between the ids before and after, which another test's clock may have put ahead.
		since := store.IDTime(store.NewID(s.Config.Clock())).Add(time.Millisecond)
		store.NewID(since.Add(time.Millisecond))
		return s.DB.Write(t.Context(), func(tx *store.Tx) error {
			return merchant.SetWalletNumber(t.Context(), tx, m.ID, merchant.WalletNumber{Method: payment.MethodWeChat, Number: n, Since: since, By: "test"})
		})
	}
	giveBack := func(p payment.Payment, key string) payment.Attempt {
		t.Helper()
		a, err := s.Engine.GiveBack(t.Context(), payment.RefundOrder{Merchant: m, Device: "pos/1", Key: key, Payment: p.ID, Amount: p.Amount, Reason: "returned"})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}

	none := pay("none")
	if a, err := payment.Attempts(t.Context(), s.DB.Read(), m.ID, none.ID); none.State != payment.Declined || err != nil || a[0].Code != wechat.NotOpened {
		t.Errorf("without a number: %s, %+v, %v", none.State, a, err)
	}
	if err := number("1900000101"); err != nil {
		t.Fatal(err)
	}
	first := pay("first")
	if err := number("1900000102"); err != nil {
		t.Fatal(err)
	}
	second := pay("second")
	if first.State != payment.Approved || second.State != payment.Approved {
		t.Errorf("payments: %s, %s", first.State, second.State)
	}
	for key, p := range map[string]payment.Payment{"back first": first, "back second": second} {
		if a := giveBack(p, key); a.State != payment.Approved {
			t.Errorf("%s: %s %s %s", key, a.State, a.Code, a.Reason)
		}
	}
	if err := number("19"); err == nil {
		t.Error("a number of two digits is taken")
	}
	day := clock.DayOf(s.Config.Clock(), reconcile.Zone, 24*time.Hour)
	r, err := reconcile.Desk{DB: s.DB, Clock: s.Config.Clock}.Check(t.Context(), s.walletOf(payment.MethodWeChat), day)
	if err != nil {
		t.Fatal(err)
	}
	subs := map[string]int{}
	for _, row := range r.Bill.Rows {
		subs[row.Sub]++
	}
	if len(r.Breaks()) != 0 || subs["1900000101"] != 2 || subs["1900000102"] != 2 {
		t.Errorf("the bill has %v, and differs in %v", subs, r.Breaks())
	}
	// A row under another sub-merchant's number is another merchant's money.
	wrong, err := reconcile.Desk{DB: s.DB, Clock: s.Config.Clock}.Check(t.Context(), astray{s.walletOf(payment.MethodWeChat)}, day)
	if breaks := wrong.Breaks(); err != nil || len(breaks) != 1 || breaks[0].Verdict != reconcile.PartyDiffers {
		t.Errorf("a row under another number: %v, %v", breaks, err)
	}
}

// astray is a wallet whose bill has its first row under another number.
type astray struct{ channel.Wallet }

func (a astray) Bill(ctx context.Context, day clock.Day) (channel.Bill, error) {
	b, err := a.Wallet.Bill(ctx, day)
	if len(b.Rows) > 0 {
		b.Rows[0].Sub = "1900000102"
	}
	return b, err
}
