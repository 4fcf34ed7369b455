package channeltest

import (
	"context"
	"sync"
	"testing/synctest"
	"time"

	"hawker/internal/channel"
)

// walletSales: the customer shows a code.
var walletSales = []walletRow{
	{name: "a code that pays is Approved and booked once", play: func(p *walletPlay) {
		p.do(p.order(channel.Sale), channel.Approved)
		p.owes(price)
	}},
	{name: "a refusal is Declined with its code, and nothing is booked", play: func(p *walletPlay) {
		p.under(Refused, p.order(channel.Sale), channel.Declined)
		p.owes(0)
	}},
	{name: "a sale that is sent Once tells what the first answer says, and is asked for by its caller", play: func(p *walletPlay) {
		sale := p.order(channel.Sale)
		sale.Once = true
		p.under(Types, sale, channel.Waiting)
		p.do(p.about(sale, channel.Query), channel.Waiting)
		lost := p.order(channel.Sale)
		lost.Once = true
		p.under(Busy, lost, channel.Silent)
		p.do(p.about(lost, channel.Query), channel.Approved)
		p.owes(price)
	}},
	{name: "a code pays once", play: func(p *walletPlay) {
		first, second := p.order(channel.Sale), p.order(channel.Sale)
		second.Code = first.Code
		p.do(first, channel.Approved)
		p.do(second, channel.Declined)
		p.owes(price)
	}},
	{name: "a number pays once, whatever code comes with it", play: func(p *walletPlay) {
		sale := p.order(channel.Sale)
		first := p.do(sale, channel.Approved)
		sale.Code = p.Code()
		if again := p.do(sale, channel.Approved); again.Number != first.Number {
			p.Errorf("a second payment %s beside %s", again.Number, first.Number)
		}
		p.owes(price)
	}},
	{name: "an answer cut short is asked for", play: askedFor(Cut)},
	{name: "an answer about another amount is none and the payment is asked for", play: askedFor(WrongAmount)},
	{name: "an answer that is not authentic is none and the payment is asked for", play: askedFor(Forged)},
	{name: "an answer about another order is none and the payment is asked for", play: askedFor(Stranger)},
	{name: "a system error is asked after", play: askedFor(Busy)},
	{name: "a lost answer is asked for", hours: true, play: askedFor(Mute)},
	{name: "a late answer is not waited for but asked for", hours: true, play: askedFor(Late)},
	{name: "a request that never arrives ends Silent at the deadline, and its reversal ends it", hours: true, play: func(p *walletPlay) {
		sale := p.order(channel.Sale)
		p.under(Lost, sale, channel.Silent)
		if took := time.Since(sale.At); took > time.Minute {
			p.Errorf("it took %s", took)
		}
		p.owes(0)
		p.until(p.about(sale, channel.Reversal), channel.Approved)
		p.owes(0)
	}},
	{name: "falsified queries are believed not", hours: true, play: func(p *walletPlay) {
		for _, f := range []Fault{WrongAmount, Forged, Stranger} {
			sale := p.order(channel.Sale)
			p.Meet(Mute, channel.Sale)
			p.Meet(f, channel.Query)
			p.do(sale, channel.Silent)
			p.Meet(None)
			p.Meet(None, channel.Query)
			p.do(p.about(sale, channel.Query), channel.Approved)
		}
		p.owes(3 * price)
	}},
	{name: "a customer who types the password is waited for and told of once", hours: true, play: func(p *walletPlay) {
		sale := p.order(channel.Sale)
		p.under(Types, sale, channel.Approved)
		if len(p.asked) != 1 || p.asked[0].Sub(sale.At) > time.Second {
			p.Errorf("told at %v that the customer is typing", p.asked)
		}
		p.owes(price)
	}},
	{name: "a customer who cancels is Declined", hours: true, play: func(p *walletPlay) {
		p.under(Cancels, p.order(channel.Sale), channel.Declined)
		p.owes(0)
	}},
	{name: "a customer who does nothing ends Silent at the deadline; reversed, nobody can pay any more", hours: true, play: func(p *walletPlay) {
		sale := p.order(channel.Sale)
		p.under(Dreams, sale, channel.Silent)
		p.until(p.about(sale, channel.Reversal), channel.Approved)
		if p.Confirm(number(sale)) == nil {
			p.Error("the customer could still pay")
		}
		p.do(p.about(sale, channel.Query), channel.Declined)
		p.owes(0)
	}},
	{name: "a wallet that cannot be reached is Unsent, and it is tried again", play: func(p *walletPlay) {
		p.Net.Away(WalletPlace, true)
		p.do(p.order(channel.Sale), channel.Unsent)
		p.Net.Away(WalletPlace, false)
		p.owes(0)
		p.do(p.order(channel.Sale), channel.Approved)
		p.owes(price)
	}},
	{name: "kinds that a wallet does not know are Unsent", play: func(p *walletPlay) {
		for _, k := range []channel.Kind{channel.Balance, channel.Void, "tip"} {
			p.do(p.order(k), channel.Unsent)
		}
		p.owes(0)
	}},
	{name: "a sale without a code, or with a ref that is none, is Unsent", play: func(p *walletPlay) {
		sale := p.order(channel.Sale)
		bare, odd := sale, sale
		bare.Code, odd.Ref = channel.Request{}.Code, "short"
		p.do(bare, channel.Unsent)
		p.do(odd, channel.Unsent)
		p.owes(0)
	}},
	{name: "a caller that stops waiting knows nothing, at once", hours: true, play: func(p *walletPlay) {
		p.Meet(Mute)
		ctx, cancel := context.WithCancel(p.Context())
		sale, ended := p.order(channel.Sale), make(chan channel.Outcome)
		began := time.Now()
		go func() { ended <- p.Wallet().Do(ctx, sale) }()
		synctest.Wait()
		cancel()
		if o := <-ended; o.Result != channel.Silent || time.Since(began) > 0 {
			p.Errorf("%s after %s", results[o.Result], time.Since(began))
		}
		p.Meet(None)
		p.owes(price)
	}},
	{name: "64 sales at once all get their own answers", play: func(p *walletPlay) {
		var wg sync.WaitGroup
		for range crowd {
			sale := p.order(channel.Sale)
			wg.Go(func() { p.do(sale, channel.Approved) })
		}
		wg.Wait()
		p.owes(crowd * price)
	}},
}

// askedFor is a sale that is paid and whose answer is no use: the query tells.
func askedFor(f Fault) func(*walletPlay) {
	return func(p *walletPlay) {
		p.under(f, p.order(channel.Sale), channel.Approved)
		p.owes(price)
		p.do(p.order(channel.Sale), channel.Approved)
		p.owes(2 * price)
	}
}
