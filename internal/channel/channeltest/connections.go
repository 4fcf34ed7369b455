package channeltest

import (
	"context"
	"testing/synctest"
	"time"

	"hawker/internal/channel"
)

// connections: what left and what did not.
var connections = []row{
	{"a refused connection is Unsent, and it is tried again", func(p *play) {
		p.Refuse(true)
		p.do(p.order(channel.Sale), channel.Unsent)
		p.Refuse(false)
		p.owes(0)
		p.do(p.order(channel.Sale), channel.Approved)
		p.owes(price)
	}},
	{"a network that restarts between two requests is connected anew", func(p *play) {
		p.do(p.order(channel.Sale), channel.Approved)
		p.Restart()
		synctest.Wait() // the channel has seen its connection end
		p.do(p.order(channel.Sale), channel.Approved)
		p.owes(2 * price)
	}},
	{"a network that restarts under a request leaves it Silent", func(p *play) {
		p.Meet(Mute)
		sale, ended := p.order(channel.Sale), make(chan channel.Outcome)
		go func() { ended <- p.Channel().Do(p.Context(), sale) }()
		synctest.Wait()
		p.Restart()
		if o := <-ended; o.Result != channel.Silent {
			p.Errorf("ended as %s", results[o.Result])
		}
		p.owes(price)
	}},
	{"a card that the vault does not know is Unsent", func(p *play) {
		sale := p.order(channel.Sale)
		sale.Card.Token = "tok_aaaaaaaaaaaaaaaaaaaaaaaaaa"
		p.do(sale, channel.Unsent)
		p.owes(0)
	}},
	{"a kind that the channel does not know is Unsent", func(p *play) {
		p.do(p.order("gift"), channel.Unsent)
		p.owes(0)
	}},
	{"a caller that stops waiting knows nothing, at once", func(p *play) {
		p.Meet(Mute)
		began := time.Now()
		ctx, cancel := context.WithCancel(p.Context())
		sale, ended := p.order(channel.Sale), make(chan channel.Outcome)
		go func() { ended <- p.Channel().Do(ctx, sale) }()
		synctest.Wait()
		cancel()
		if o := <-ended; o.Result != channel.Silent {
			p.Errorf("ended as %s", results[o.Result])
		}
		if waited := time.Since(began); waited > 0 {
			p.Errorf("it was kept for %s", waited)
		}
		p.owes(price)
	}},
}
