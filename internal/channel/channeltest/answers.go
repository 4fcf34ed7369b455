package channeltest

import "hawker/internal/channel"

// answers: what the channel makes of one answer, or of none.
var answers = []row{
	{"an approval is Approved and booked once", func(p *play) {
		if o := p.do(p.order(channel.Sale), channel.Approved); o.Code == "" {
			p.Error("an approval without a code")
		}
		p.owes(price)
	}},
	{"a refusal is Declined with its code, and nothing is booked", func(p *play) {
		p.under(Refused, p.order(channel.Sale), channel.Declined)
		p.owes(0)
	}},
	{"a request that never arrives is Silent", func(p *play) {
		p.under(Lost, p.order(channel.Sale), channel.Silent)
		p.owes(0)
	}},
	{"a lost answer is Silent, though the payment is booked", func(p *play) {
		p.under(Mute, p.order(channel.Sale), channel.Silent)
		p.owes(price)
	}},
	{"a late answer is told, once, and only after Silent", func(p *play) {
		sale := p.order(channel.Sale)
		p.under(Late, sale, channel.Silent)
		if told := p.lately(); len(told) > 0 {
			p.Errorf("told before it came: %v", told)
		}
		told := p.later()
		if len(told) != 1 || told[0].request.Attempt != sale.Attempt || told[0].outcome.Result != channel.Approved {
			p.Fatalf("told %d late answers, want the sale's approval: %v", len(told), told)
		}
		if card := told[0].request.Card; !card.Track2.IsZero() || !card.PIN.IsZero() || !card.ICC.IsZero() {
			p.Error("card data was kept for an answer that might come")
		}
		p.owes(price)
	}},
	{"an answer that comes twice counts once, and the next request gets its own", func(p *play) {
		p.under(Twice, p.order(channel.Sale), channel.Approved)
		p.do(p.order(channel.Sale), channel.Approved)
		if told := p.later(); len(told) > 0 {
			p.Errorf("the second was told as late: %v", told)
		}
		p.owes(2 * price)
	}},
	{"an answer about another amount is none", believeNot(WrongAmount)},
	{"an answer that is not authentic is none", believeNot(Forged)},
	{"an answer to another order is none", believeNot(Stranger)},
	{"an answer cut short is none, and the next request is served", believeNot(Cut)},
	{"a balance is told and nothing is booked", func(p *play) {
		if o := p.do(p.order(channel.Balance), channel.Approved); o.Balance.Sign() <= 0 || o.Balance.Currency() != yuan(0).Currency() {
			p.Errorf("balance %s", o.Balance)
		}
		p.owes(0)
	}},
	{"a balance that is not told is Silent", func(p *play) {
		p.under(Lost, p.order(channel.Balance), channel.Silent)
	}},
}

func believeNot(f Fault) func(*play) {
	return func(p *play) {
		p.under(f, p.order(channel.Sale), channel.Silent)
		p.owes(price)
		p.do(p.order(channel.Sale), channel.Approved)
		if told := p.later(); len(told) > 0 {
			p.Errorf("told as a late answer: %v", told)
		}
		p.owes(2 * price)
	}
}
