package channeltest

import (
	"sync"

	"hawker/internal/channel"
)

const crowd = 64

// crowds: many requests at once.
var crowds = []row{
	{"64 requests at once all get their own answers", func(p *play) {
		for i, o := range p.rush() {
			if o.Result != channel.Approved {
				p.Errorf("request %d ended as %s: %s", i, results[o.Result], o.Detail)
			}
		}
		p.owes(crowd * price)
	}},
	{"64 requests at once to a network that is away are all Unsent", func(p *play) {
		p.Refuse(true)
		for i, o := range p.rush() {
			if o.Result != channel.Unsent {
				p.Errorf("request %d ended as %s", i, results[o.Result])
			}
		}
		p.owes(0)
	}},
	{"64 requests on a connection that breaks are all Silent, and all can be reversed", func(p *play) {
		p.Meet(Cut)
		var sales []channel.Request
		for range crowd {
			sales = append(sales, p.order(channel.Sale))
		}
		outcomes := p.all(sales)
		p.Meet(None)
		for i, o := range outcomes {
			if o.Result != channel.Silent && o.Result != channel.Unsent {
				p.Errorf("request %d ended as %s", i, results[o.Result])
			}
			if o.Result == channel.Silent {
				p.undo(sales[i])
			}
		}
		p.owes(0)
	}},
}

func (p *play) rush() []channel.Outcome {
	var sales []channel.Request
	for range crowd {
		sales = append(sales, p.order(channel.Sale))
	}
	return p.all(sales)
}

func (p *play) all(requests []channel.Request) []channel.Outcome {
	outcomes := make([]channel.Outcome, len(requests))
	var wg sync.WaitGroup
	for i, r := range requests {
		wg.Go(func() { outcomes[i] = p.Channel().Do(p.Context(), r) })
	}
	wg.Wait()
	return outcomes
}
