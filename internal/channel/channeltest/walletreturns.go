package channeltest

import (
	"errors"
	"time"

	"hawker/internal/channel"
	"hawker/internal/clock"
)

// walletRefunds: parts given back.
var walletRefunds = []walletRow{
	{name: "refunds give back parts until nothing is left", hours: true, play: func(p *walletPlay) {
		sale := p.order(channel.Sale)
		p.do(sale, channel.Approved)
		for _, r := range []struct {
			fen  int64
			want channel.Result
			owed int64
		}{
			{30_00, channel.Approved, 70_00},
			{70_01, channel.Declined, 70_00},
			{70_00, channel.Approved, 0},
			{1, channel.Declined, 0},
		} {
			time.Sleep(2 * time.Minute)
			p.do(p.refund(sale, r.fen), r.want)
			p.owes(r.owed)
		}
	}},
	{name: "a refund too soon after another is asked again, not refused", hours: true, play: func(p *walletPlay) {
		sale := p.order(channel.Sale)
		p.do(sale, channel.Approved)
		p.do(p.refund(sale, 30_00), channel.Approved)
		p.until(p.refund(sale, 20_00), channel.Approved)
		p.owes(50_00)
	}},
	{name: "a refund repeated unchanged has one effect", play: func(p *walletPlay) {
		sale := p.order(channel.Sale)
		p.do(sale, channel.Approved)
		refund := p.refund(sale, 30_00)
		first := p.do(refund, channel.Approved)
		if again := p.do(refund, channel.Approved); again != first {
			p.Errorf("first %+v, again %+v", first, again)
		}
		p.owes(70_00)
	}},
	{name: "a payment has one outcome, whenever it is asked and whatever was refunded", hours: true, play: func(p *walletPlay) {
		sale := p.order(channel.Sale)
		first := p.do(sale, channel.Approved)
		for _, fen := range []int64{30_00, 70_00} {
			time.Sleep(2 * time.Minute)
			p.do(p.refund(sale, fen), channel.Approved)
			if now := p.do(p.about(sale, channel.Query), channel.Approved); now != first {
				p.Errorf("it was %+v, it is %+v", first, now)
			}
		}
		p.owes(0)
	}},
	{name: "a refund of more than the sale is Declined", play: func(p *walletPlay) {
		sale := p.order(channel.Sale)
		p.do(sale, channel.Approved)
		p.do(p.refund(sale, price+1), channel.Declined)
		p.owes(price)
	}},
	{name: "a refund of what does not exist is Declined", play: func(p *walletPlay) {
		p.do(p.refund(p.order(channel.Sale), 1), channel.Declined)
		p.owes(0)
	}},
	{name: "a refund without the sale's amount is Unsent", play: func(p *walletPlay) {
		sale := p.order(channel.Sale)
		p.do(sale, channel.Approved)
		refund := p.refund(sale, 1)
		refund.Original.Amount = yuan(0).Neg()
		refund.Original.Ref = ""
		p.do(refund, channel.Unsent)
		p.owes(price)
	}},
	{name: "a refund without an answer is repeated until it has one, and has one effect", hours: true, play: func(p *walletPlay) {
		owed := int64(0)
		for name, f := range unanswered {
			sale := p.order(channel.Sale)
			p.do(sale, channel.Approved)
			refund := p.refund(sale, 30_00)
			p.Meet(f)
			if o := p.Wallet().Do(p.Context(), refund); o.Result != channel.Silent && o.Result != channel.Approved {
				p.Errorf("%s: it ended as %s", name, results[o.Result]) // Approved: the channel itself has asked again
			}
			p.Meet(None)
			p.until(refund, channel.Approved)
			owed += 70_00
			p.Log(name)
			p.owes(owed)
		}
	}},
	{name: "a refund can be asked after, and one that nobody sent is Declined in the end", hours: true, play: func(p *walletPlay) {
		sale := p.order(channel.Sale)
		p.do(sale, channel.Approved)
		refund := p.refund(sale, 30_00)
		first := p.do(refund, channel.Approved)
		if o := p.do(p.about(refund, channel.Query), channel.Approved); o.Number == "" || first.Number == "" {
			p.Errorf("the refund's number is %q, then %q", first.Number, o.Number)
		}
		p.until(p.about(p.refund(sale, 20_00), channel.Query), channel.Declined)
		p.owes(70_00)
	}},
}

// walletReversals: whatever became of a payment, its reversal ends it.
var walletReversals = []walletRow{
	{name: "the reversal of an approved sale is Approved, again and again", hours: true, play: func(p *walletPlay) {
		sale := p.order(channel.Sale)
		p.do(sale, channel.Approved)
		p.undone(sale)
	}},
	{name: "the reversal of a refused sale is Approved and books nothing", hours: true, play: func(p *walletPlay) {
		sale := p.order(channel.Sale)
		p.under(Refused, sale, channel.Declined)
		p.undone(sale)
	}},
	{name: "the reversal of what the wallet never saw is Approved once it cannot come any more", hours: true, play: func(p *walletPlay) {
		sale := p.order(channel.Sale)
		reversal := p.about(sale, channel.Reversal)
		p.do(reversal, channel.Silent)
		p.until(reversal, channel.Approved)
		p.owes(0)
	}},
	{name: "a reversal without an answer is repeated and has one effect", hours: true, play: func(p *walletPlay) {
		for name, f := range unanswered {
			sale := p.order(channel.Sale)
			p.do(sale, channel.Approved)
			reversal := p.about(sale, channel.Reversal)
			p.Meet(f)
			if o := p.Wallet().Do(p.Context(), reversal); o.Result != channel.Silent && f != WrongAmount {
				p.Errorf("%s: the reversal ended as %s", name, results[o.Result])
			}
			p.Meet(None)
			p.until(reversal, channel.Approved)
			p.owes(0)
		}
	}},
	{name: "a merchant's code is reversed, paid or not", hours: true, play: func(p *walletPlay) {
		unpaid, paid := p.order(channel.Present), p.order(channel.Present)
		unpaid.Expires = unpaid.At.Add(10 * time.Minute)
		link := p.present(unpaid)
		p.until(p.about(unpaid, channel.Reversal), channel.Approved)
		if p.Scan(link) == nil {
			p.Error("the customer could still pay")
		}
		p.pay(paid, p.present(paid))
		p.notice()
		p.owes(price)
		reversal := p.about(paid, channel.Reversal)
		p.until(reversal, channel.Approved)
		p.until(reversal, channel.Approved)
		p.owes(0)
	}},
	{name: "a refund is not reversed", play: func(p *walletPlay) {
		sale := p.order(channel.Sale)
		p.do(sale, channel.Approved)
		refund := p.refund(sale, 30_00)
		p.do(refund, channel.Approved)
		p.do(p.about(refund, channel.Reversal), channel.Unsent)
		p.owes(70_00)
	}},
}

func (p *walletPlay) undone(sale channel.Request) {
	p.Helper()
	reversal := p.about(sale, channel.Reversal)
	p.do(reversal, channel.Approved)
	p.do(reversal, channel.Approved)
	p.do(p.about(sale, channel.Reversal), channel.Approved)
	p.owes(0)
}

// walletBills: the wallet's own statement.
var walletBills = []walletRow{
	{name: "a bill has every payment, refund and reversal of its day, and adds up", hours: true, play: func(p *walletPlay) {
		day := clock.DayOf(time.Now(), shanghai, 0)
		if _, err := p.Wallet().Bill(p.Context(), day); !errors.Is(err, channel.ErrNoBill) {
			p.Fatalf("a bill before its day is over: %v", err)
		}
		var sales []channel.Request
		for range 3 {
			sale := p.order(channel.Sale)
			p.do(sale, channel.Approved)
			sales = append(sales, sale)
		}
		refund, reversal := p.refund(sales[1], 30_00), p.about(sales[2], channel.Reversal)
		time.Sleep(time.Minute)
		p.do(refund, channel.Approved)
		time.Sleep(time.Minute)
		p.do(reversal, channel.Approved)
		p.under(Refused, p.order(channel.Sale), channel.Declined)
		time.Sleep(48 * time.Hour)
		bill, err := p.Wallet().Bill(p.Context(), day)
		if err != nil {
			p.Fatal(err)
		}
		p.billed(bill, day, sales, refund)
		if _, err := p.Wallet().Bill(p.Context(), clock.DayOf(time.Now().Add(-24*time.Hour), shanghai, 0)); !errors.Is(err, channel.ErrNoBill) {
			p.Errorf("a bill of a day without payments: %v", err)
		}
	}},
}

// billed compares a bill with three sales, the second refunded in part and the third reversed.
func (p *walletPlay) billed(bill channel.Bill, day clock.Day, sales []channel.Request, refund channel.Request) {
	p.Helper()
	if bill.Day != day || bill.Channel != p.Wallet().Name() || bill.Sales != yuan(3*price) || bill.Refunds != yuan(130_00) || len(bill.Rows) != 5 {
		p.Fatalf("the bill is %+v", bill)
	}
	for i, sale := range sales {
		if r := bill.Rows[i]; r.Kind != channel.Sale || r.Order != number(sale) || r.Amount != yuan(price) || r.Number == "" || r.Fee != yuan(60) || r.Refund != "" {
			p.Errorf("row %d is %+v", i, r)
		}
	}
	back, undone := bill.Rows[3], bill.Rows[4]
	if back.Kind != channel.Refund || back.Order != number(sales[1]) || back.Refund != number(refund) || back.Amount != yuan(30_00) || back.Fee != yuan(-18) {
		p.Errorf("the refund is %+v", back)
	}
	if undone.Order != number(sales[2]) || undone.Amount != yuan(price) || undone.Fee != yuan(-60) || undone.Kind == channel.Sale {
		p.Errorf("the reversal is %+v", undone)
	}
	if bill.Fees != yuan(180-18-60) {
		p.Errorf("fees %s", bill.Fees)
	}
}

var shanghai = time.FixedZone("CST", 8*60*60)
