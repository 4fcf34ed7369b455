package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/reconcile"
	"hawker/internal/sandbox/wallet"
)

// demoWallets are wallets whose customers are quick, and whose bills are there at once.
func demoWallets(w Wallets) Wallets {
	w.Types, w.billsNow = 400*time.Millisecond, true
	w.Pace = channel.Pace{Call: 2 * time.Second, First: 300 * time.Millisecond, Longest: 500 * time.Millisecond, Deadline: 8 * time.Second}
	return w
}

// walletStory is what people do with wallets, and with cash.
var walletStory = []step{
	{"客人扫码 A code of 18.00 is presented; the customer scans it and chooses Alipay", func(d *demo) error {
		p, err := d.order("18.00", "")
		if err != nil {
			return err
		}
		m, err := merchant.ByMID(d.ctx, d.server.DB.Read(), seedMID)
		if err != nil {
			return err
		}
		link, _, err := d.server.Engine.Link(d.ctx, m, p.ID)
		if err != nil {
			return err
		}
		d.say("   the symbol shows %s\n", link)
		if link, err = d.server.Engine.Choose(d.ctx, m.ID, p.ID, payment.MethodAlipay); err != nil {
			return err
		}
		d.say("   the wallet opens %s\n", link)
		o, err := d.server.Wallets.Scan(link)
		if err != nil {
			return err
		}
		began := time.Now()
		if _, err := d.server.Wallets.Confirm(wallet.Alipay, o.Merchant, o.Order); err != nil {
			return err
		}
		if err := d.becomes(p, payment.Approved); err != nil {
			return err
		}
		d.say("   收款成功  Payment received, by Alipay's notice %d ms after the customer confirmed\n", time.Since(began).Milliseconds())
		return nil
	}},
	{"扫付款码 The merchant scans a code: it is recognised as WeChat Pay's, 25.50", func(d *demo) (err error) {
		d.scanned, err = d.scan(wallet.WeChat, "25.50", payment.Approved)
		return err
	}},
	{"等输密码 90.90: the customer must type the password, and does", func(d *demo) error {
		p, err := d.scan(wallet.WeChat, "90.90", payment.Waiting)
		if err != nil {
			return err
		}
		d.say("   等客人输入密码，请不要再扫一次  Customer is entering a password. Do not scan again\n")
		return d.becomes(p, payment.Approved)
	}},
	{"客人取消 90.88: the customer is asked for the password, and cancels", func(d *demo) error {
		p, err := d.scan(wallet.Alipay, "90.88", payment.Waiting)
		if err != nil {
			return err
		}
		return d.becomes(p, payment.Declined)
	}},
	{"取消 A presented code of 7.00 is cancelled: closed at the wallet, so that nobody can pay it", func(d *demo) error {
		p, err := d.order("7.00", "")
		if err != nil {
			return err
		}
		link, err := d.server.Engine.Choose(d.ctx, 1, p.ID, payment.MethodWeChat)
		if err != nil {
			return err
		}
		if p, err = d.server.Engine.Cancel(d.ctx, 1, p.ID); err != nil {
			return err
		}
		if err := d.becomes(p, payment.Cancelled); err != nil {
			return err
		}
		if _, err := d.server.Wallets.Scan(link); !errors.Is(err, wallet.ErrOver) {
			return fmt.Errorf("it can still be scanned: %w", err)
		}
		return nil
	}},
	{"现金 10.00 in cash: in the merchant's own drawer, without a fee", func(d *demo) error {
		p, err := d.order("10.00", payment.MethodCash)
		if err != nil {
			return err
		}
		return d.becomes(p, payment.Approved)
	}},
	{"退款 5.00 of the WeChat payment is given back", func(d *demo) error {
		m, err := merchant.ByMID(d.ctx, d.server.DB.Read(), seedMID)
		if err != nil {
			return err
		}
		a, err := d.server.Engine.GiveBack(d.ctx, payment.RefundOrder{Merchant: m, Device: "demo", Key: "refund", Payment: d.scanned.ID, Amount: money.New(500, money.CNY), Reason: "少了一份"})
		if err != nil {
			return err
		}
		d.say("   已退款  Refunded %s, and %s of the fee with it\n", a.Amount, a.Fee)
		if a.State != payment.Approved {
			return fmt.Errorf("the refund is %s", a.State)
		}
		return nil
	}},
	{"对账 Each wallet's bill, held against our payments line by line", func(d *demo) error {
		day := clock.DayOf(d.server.Config.Clock(), reconcile.Zone, 24*time.Hour)
		for _, name := range []string{payment.MethodWeChat, payment.MethodAlipay} {
			r, err := reconcile.Desk{DB: d.server.DB, Clock: d.server.Config.Clock}.Check(d.ctx, d.server.walletOf(name), day)
			if err != nil {
				return err
			}
			PrintBill(d.out, r)
			if n := len(r.Breaks()); n > 0 || len(r.Lines) == 0 {
				return fmt.Errorf("%d of %d lines differ", n, len(r.Lines))
			}
		}
		return nil
	}},
}

// order asks for a payment, as a POS screen does.
func (d *demo) order(amount, method string) (payment.Payment, error) {
	return d.create(amount, payment.Order{Method: method})
}

func (d *demo) create(amount string, o payment.Order) (payment.Payment, error) {
	m, err := merchant.ByMID(d.ctx, d.server.DB.Read(), seedMID)
	if err != nil {
		return payment.Payment{}, err
	}
	if o.Amount, err = money.Parse(amount, money.CNY); err != nil {
		return payment.Payment{}, err
	}
	d.orders++
	o.Merchant, o.Device, o.Key, o.Number = m, "demo", fmt.Sprint("order ", d.orders), fmt.Sprintf("D%03d", d.orders)
	return d.server.Engine.Create(d.ctx, o)
}

// scan has the merchant scan a customer's fresh code.
func (d *demo) scan(b wallet.Brand, amount string, want payment.State) (payment.Payment, error) {
	code, err := card.NewCode(wallet.Draw(b))
	if err != nil {
		return payment.Payment{}, err
	}
	p, err := d.create(amount, payment.Order{Code: code})
	if err != nil {
		return p, err
	}
	return p, d.becomes(p, want)
}

// becomes waits, not for long, until a payment is in a state.
func (d *demo) becomes(p payment.Payment, want payment.State) error {
	ctx, cancel := context.WithTimeout(d.ctx, settleBy)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		now, err := payment.Get(ctx, d.server.DB.Read(), p.Merchant, p.ID)
		if err != nil {
			return err
		}
		if now.State == want {
			d.say("   %s · %s · %s · fee %s\n", payment.Ref(now.ID), now.State, now.Amount, now.Fee)
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("payment %s is %s, not %s", payment.Ref(p.ID), now.State, want)
		case <-tick.C:
		}
	}
}
