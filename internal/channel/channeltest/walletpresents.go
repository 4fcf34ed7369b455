package channeltest

import (
	"net/http"
	"time"

	"hawker/internal/channel"
)

// walletPresents: the customer scans the merchant's code.
var walletPresents = []walletRow{
	{name: "a merchant's code is Waiting until the customer pays; query and notice then say Approved", play: func(p *walletPlay) {
		code := p.order(channel.Present)
		link := p.present(code)
		p.owes(0)
		p.pay(code, link)
		if status := p.notice(); status >= http.StatusMultipleChoices {
			p.Errorf("the notice was answered %d", status)
		}
		p.wantTold(1, code, channel.Approved)
		if o := p.do(p.about(code, channel.Query), channel.Approved); o != p.told[0].outcome {
			p.Errorf("the query says %+v, the notice %+v", o, p.told[0].outcome)
		}
		p.owes(price)
	}},
	{name: "a scanned code that nobody has confirmed is Waiting", play: func(p *walletPlay) {
		code := p.order(channel.Present)
		if err := p.Scan(p.present(code)); err != nil {
			p.Fatal(err)
		}
		p.do(p.about(code, channel.Query), channel.Waiting)
		p.owes(0)
	}},
	{name: "a customer who scans and cancels leaves it Declined", play: func(p *walletPlay) {
		code := p.order(channel.Present)
		if err := p.Scan(p.present(code)); err != nil {
			p.Fatal(err)
		}
		if err := p.Cancel(number(code)); err != nil {
			p.Fatal(err)
		}
		p.do(p.about(code, channel.Query), channel.Declined)
		p.owes(0)
	}},
	{name: "a closed code cannot be paid, and may be closed again", play: func(p *walletPlay) {
		code := p.order(channel.Present)
		link := p.present(code)
		if err := p.Scan(link); err != nil {
			p.Fatal(err)
		}
		closing := p.about(code, channel.Close)
		p.do(closing, channel.Approved)
		p.do(closing, channel.Approved)
		if p.Scan(link) == nil || p.Confirm(number(code)) == nil {
			p.Error("the customer could still pay")
		}
		p.owes(0)
	}},
	{name: "a code that nobody scanned is closed at the latest when it expires", hours: true, play: func(p *walletPlay) {
		code := p.order(channel.Present)
		code.Expires = code.At.Add(10 * time.Minute)
		link := p.present(code)
		p.until(p.about(code, channel.Close), channel.Approved)
		if p.Scan(link) == nil {
			p.Error("the customer could still pay")
		}
	}},
	{name: "a code that is paid is not closed", play: func(p *walletPlay) {
		code := p.order(channel.Present)
		p.pay(code, p.present(code))
		p.notice()
		p.do(p.about(code, channel.Close), channel.Declined)
		p.owes(price)
	}},
	{name: "a code expires", hours: true, play: func(p *walletPlay) {
		code := p.order(channel.Present)
		code.Expires = code.At.Add(5 * time.Minute)
		link := p.present(code)
		time.Sleep(5 * time.Minute)
		if p.Scan(link) == nil {
			p.Error("the customer could still pay")
		}
		p.do(p.about(code, channel.Query), channel.Declined)
		p.owes(0)
	}},
	{name: "a number presents one code", play: func(p *walletPlay) {
		code := p.order(channel.Present)
		p.present(code)
		if o := p.Wallet().Do(p.Context(), code); o.Result == channel.Waiting && o.Link == "" {
			p.Errorf("presented again as %+v", o)
		}
		p.owes(0)
	}},
	{name: "an answer to the drawing of a code that is no use leaves it Silent, and it can be closed", hours: true, play: func(p *walletPlay) {
		for _, f := range []Fault{Lost, Mute, Late, Cut, Forged, Busy} {
			code := p.order(channel.Present)
			code.Expires = code.At.Add(10 * time.Minute)
			p.under(f, code, channel.Silent)
			p.until(p.about(code, channel.Close), channel.Approved)
		}
		p.owes(0)
	}},
}

// walletNotices: what the wallet reports of its own accord.
var walletNotices = []walletRow{
	{name: "a notice that comes twice is told twice alike", play: func(p *walletPlay) {
		code := p.paid(NoticeTwice)
		p.notice()
		p.notice()
		p.wantTold(2, code, channel.Approved)
		p.owes(price)
	}},
	{name: "a notice that is not authentic is told to nobody", play: disbelieved(NoticeForged)},
	{name: "a notice about another amount is told to nobody", play: disbelieved(NoticeAmount)},
	{name: "a notice about another merchant is told to nobody", play: disbelieved(NoticeMerchant)},
	{name: "a notice about an order that nobody placed is told to nobody", play: disbelieved(NoticeOrder)},
	{name: "a notice that could not be stored comes again", hours: true, play: func(p *walletPlay) {
		p.fails = 2
		code := p.paid(None)
		for i, good := range []bool{false, false, true} {
			if status := p.notice(); (status < http.StatusMultipleChoices) != good {
				p.Errorf("notice %d was answered %d", i, status)
			}
		}
		p.wantTold(1, code, channel.Approved)
	}},
	{name: "a notice with another body under the same signature is refused", play: func(p *walletPlay) {
		code := p.paid(None)
		p.notice()
		body := append([]byte(nil), p.lastBody...)
		body[len(body)/2] ^= 1
		p.hand(nil, p.last, body)
		p.wantTold(1, code, channel.Approved)
	}},
	{name: "notices of any length and content are refused without an effect", play: func(p *walletPlay) {
		p.paid(None)
		p.notice()
		for n := 0; n < len(p.lastBody); n += 7 {
			p.hand(nil, p.last, p.lastBody[:n])
		}
		p.hand(nil, p.last, make([]byte, 1<<20))
		if len(p.told) != 1 {
			p.Errorf("told %d times", len(p.told))
		}
	}},
}

// paid is a merchant's code that a customer has paid, its notices meeting f.
func (p *walletPlay) paid(f Fault) channel.Request {
	p.Helper()
	code := p.order(channel.Present)
	p.Meet(f)
	link := p.present(code)
	p.Meet(None)
	p.pay(code, link)
	return code
}

func disbelieved(f Fault) func(*walletPlay) {
	return func(p *walletPlay) {
		code := p.paid(f)
		p.notice()
		p.wantTold(0, code, channel.Approved)
		if n := p.doubted(); f == NoticeAmount && n != 1 {
			p.Errorf("the book was told of %d doubts", n)
		}
		p.do(p.about(code, channel.Query), channel.Approved)
		p.owes(price)
	}
}
