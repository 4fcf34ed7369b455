package channeltest

import "hawker/internal/channel"

// changes: what a terminal concludes by itself: offline sales, tips and adjustments.
var changes = []row{
	{"a tip raises what is owed for a sale, and its void takes all of it back", func(p *play) {
		sale := p.order(channel.Sale)
		p.do(sale, channel.Approved)
		p.do(p.change(sale, channel.Tip, 15_00), channel.Approved)
		p.owes(115_00)
		p.do(p.about(sale, channel.Void), channel.Declined)
		p.do(p.change(sale, channel.Void, 115_00), channel.Approved)
		p.owes(0)
		p.do(p.change(sale, channel.Tip, 1_00), channel.Declined)
	}},
	{"an adjustment lowers what is owed for a sale, and leaves something", func(p *play) {
		sale := p.order(channel.Sale)
		p.do(sale, channel.Approved)
		p.do(p.change(sale, channel.Adjustment, 40_00), channel.Approved)
		p.owes(60_00)
		p.do(p.change(sale, channel.Adjustment, 60_00), channel.Declined)
		p.do(p.refund(sale, 60_01), channel.Declined)
		p.do(p.refund(sale, 60_00), channel.Approved)
		p.owes(0)
	}},
	{"a tip or adjustment of what does not exist is Declined", func(p *play) {
		p.do(p.change(p.order(channel.Sale), channel.Tip, 1), channel.Declined)
		p.do(p.change(p.order(channel.Sale), channel.Adjustment, 1), channel.Declined)
		p.owes(0)
	}},
	{"an offline sale owes its amount, and is tipped, voided and refunded as a sale", func(p *play) {
		sale, other := p.concluded(), p.concluded()
		p.do(sale, channel.Approved)
		p.do(other, channel.Approved)
		p.owes(200_00)
		p.do(p.change(sale, channel.Tip, 10_00), channel.Approved)
		p.do(p.change(sale, channel.Void, 110_00), channel.Approved)
		p.do(p.refund(other, 30_00), channel.Approved)
		p.owes(70_00)
	}},
	{"what was concluded without an answer is repeated until it has one, and has one effect", func(p *play) {
		owed := int64(0)
		for name, fault := range unanswered {
			sale := p.concluded()
			p.under(fault, sale, channel.Silent)
			p.do(sale, channel.Approved)
			tip := p.change(sale, channel.Tip, 20_00)
			p.under(fault, tip, channel.Silent)
			p.do(tip, channel.Approved)
			less := p.change(sale, channel.Adjustment, 50_00)
			p.under(fault, less, channel.Silent)
			p.do(less, channel.Approved)
			p.do(tip, channel.Approved)
			p.later()
			owed += 70_00
			p.Log(name)
			p.owes(owed)
		}
	}},
}

// concluded is an offline sale over the price: nobody typed a PIN.
func (p *play) concluded() channel.Request {
	r := p.order(channel.OfflineSale)
	r.Card = channel.Card{Token: r.Card.Token, Entry: r.Card.Entry}
	return r
}

// change is a void, tip or adjustment of r over an amount.
func (p *play) change(of channel.Request, k channel.Kind, fen int64) channel.Request {
	r := p.about(of, k)
	r.Amount = yuan(fen)
	return r
}
