package iso

import (
	"context"
	"net/http"
	"sync"
	"time"

	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/sandbox/cardnet"
)

// pocket is a wallet of a world: it keeps books of its own, and fails as told.
type pocket struct {
	name string

	mu     sync.Mutex
	orders map[string]*order // by our number
	fault  cardnet.Behaviour // of the next request
}

// order is one order at a pocket.
type order struct {
	mid           string
	amount, given int64
	open, paid    bool
	refunds       map[string]bool
}

func (p *pocket) Name() string                      { return p.name }
func (p *pocket) Notices(channel.Book) http.Handler { return http.NotFoundHandler() }
func (p *pocket) Bill(context.Context, clock.Day) (channel.Bill, error) {
	return channel.Bill{}, channel.ErrNoBill
}
func (p *pocket) Patience() channel.Pace {
	return channel.Pace{Call: time.Second, First: time.Second, Longest: time.Second, Deadline: 10 * time.Second, Soonest: time.Second}
}

// fails tells what becomes of the next request.
func (p *pocket) fails(b cardnet.Behaviour) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = b
}

func (p *pocket) Do(_ context.Context, r channel.Request) channel.Outcome {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.fault
	p.fault = cardnet.Behaviour{}
	if b.Code != "" && r.Kind != channel.Query && r.Kind != channel.Close { // a wallet has no reason to lie
		return channel.Outcome{Result: channel.Declined, Code: "NOT_ENOUGH"}
	}
	o := p.do(r)
	if b.Delivery != cardnet.Normal {
		return channel.Outcome{Detail: "nobody hears"}
	}
	return o
}

func (p *pocket) do(r channel.Request) channel.Outcome {
	yes, no := channel.Outcome{Result: channel.Approved, Code: "SUCCESS", Number: "4200" + r.Ref}, channel.Outcome{Result: channel.Declined, Code: "CLOSED"}
	o := p.orders[r.Original.Ref]
	switch r.Kind {
	case channel.Sale:
		p.orders[r.Ref] = &order{mid: r.Merchant.MID, amount: r.Amount.Minor(), paid: true, refunds: map[string]bool{}}
		return yes
	case channel.Present:
		p.orders[r.Ref] = &order{mid: r.Merchant.MID, amount: r.Amount.Minor(), open: true, refunds: map[string]bool{}}
		return channel.Outcome{Result: channel.Waiting, Code: "NOTPAY", Link: p.name + "://pay/" + r.Ref}
	case channel.Refund:
		switch {
		case o == nil || !o.paid || !o.refunds[r.Ref] && o.given+r.Amount.Minor() > o.amount:
			return no
		case !o.refunds[r.Ref]:
			o.refunds[r.Ref] = true
			o.given += r.Amount.Minor()
		}
		return yes
	case channel.Query:
		switch {
		case o == nil || !o.open && !o.paid:
			return no
		case o.paid:
			yes.Number = "4200" + r.Original.Ref
			return yes
		}
		return channel.Outcome{Result: channel.Waiting, Code: "NOTPAY"}
	case channel.Close:
		if o != nil && o.paid {
			return channel.Outcome{Result: channel.Declined, Code: "PAID"}
		}
	}
	if o != nil { // closed, or reversed
		if o.open = false; o.paid {
			o.given = o.amount
		}
	}
	return yes
}

// pays is the customer who scans a code, by our number of it; false when nobody can pay it.
func (p *pocket) pays(ref string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := p.orders[ref]
	if o == nil || !o.open {
		return false
	}
	o.open, o.paid = false, true
	return true
}

// holds is what the pocket owes a merchant.
func (p *pocket) holds(mid string) (minor int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, o := range p.orders {
		if o.mid == mid && o.paid {
			minor += o.amount - o.given
		}
	}
	return minor
}
