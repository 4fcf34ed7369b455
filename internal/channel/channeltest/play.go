package channeltest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hawker/internal/channel"
	"hawker/internal/money"
)

// play is one row under way.
type play struct {
	*testing.T
	World
	orders int

	mu   sync.Mutex
	told []told
}

// told is one late answer.
type told struct {
	request channel.Request
	outcome channel.Outcome
}

func (p *play) late(_ context.Context, r channel.Request, o channel.Outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = append(p.told, told{r, o})
}

const price = 100_00

// order is the next request, over the price.
func (p *play) order(k channel.Kind) channel.Request {
	p.orders++
	r := channel.Request{
		Kind: k, Attempt: int64(p.orders), Ref: fmt.Sprintf("%012d", p.orders), STAN: p.orders, At: time.Now(),
		Merchant: p.Merchant(), Terminal: "T0000001", Amount: yuan(price), Card: p.Card(),
	}
	if k == channel.Balance {
		r.Amount = yuan(0)
	}
	return r
}

// about is a void, refund or reversal of r; what is not stored of a card is not in it.
func (p *play) about(r channel.Request, k channel.Kind) channel.Request {
	n := p.order(k)
	n.Amount, n.Original = r.Amount, channel.Original{Kind: r.Kind, Ref: r.Ref, STAN: r.STAN, At: r.At}
	n.Card = channel.Card{Token: r.Card.Token, Entry: r.Card.Entry}
	if k == channel.Reversal {
		n.Reason = "98"
	}
	return n
}

func yuan(fen int64) money.Amount { return money.New(fen, money.CNY) }

// do sends r and holds the channel to how it must end.
func (p *play) do(r channel.Request, want channel.Result) channel.Outcome {
	p.Helper()
	o := p.Channel().Do(p.Context(), r)
	if o.Result != want {
		p.Errorf("%s %s ended as %s (code %q, %s), want %s", r.Kind, r.Ref, results[o.Result], o.Code, o.Detail, results[want])
	}
	switch {
	case o.Result == channel.Declined && o.Code == "":
		p.Errorf("%s %s was declined without a code", r.Kind, r.Ref)
	case o.Result == channel.Unsent && o.Code != "":
		p.Errorf("%s %s was never sent, and has code %s", r.Kind, r.Ref, o.Code)
	case o.Result == channel.Silent && o.Detail == "":
		p.Errorf("%s %s ended Silent, and the log will not say why", r.Kind, r.Ref)
	}
	return o
}

var results = map[channel.Result]string{
	channel.Silent: "Silent", channel.Approved: "Approved", channel.Declined: "Declined", channel.Unsent: "Unsent",
	channel.Waiting: "Waiting",
}

// under sends r while its answer meets f.
func (p *play) under(f Fault, r channel.Request, want channel.Result) {
	p.Helper()
	p.Meet(f)
	p.do(r, want)
	p.Meet(None)
}

// owes holds the network's books to an amount.
func (p *play) owes(fen int64) {
	p.Helper()
	net, err := p.Net()
	if err != nil {
		p.Errorf("the network's books: %v", err)
	}
	if net != yuan(fen) {
		p.Errorf("the network owes %s, want %s", net, yuan(fen))
	}
}

// later lets all that is late arrive.
func (p *play) later() []told {
	time.Sleep(time.Hour)
	return p.lately()
}

// lately gives what the channel has told of late answers.
func (p *play) lately() []told {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.told
}
