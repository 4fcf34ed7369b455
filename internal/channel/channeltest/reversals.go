package channeltest

import "hawker/internal/channel"

// unanswered are the faults after which nobody knows what the network did.
var unanswered = map[string]Fault{
	"lost": Lost, "mute": Mute, "late": Late, "cut": Cut, "wrong amount": WrongAmount, "forged": Forged, "stranger": Stranger,
}

// reversals: whatever became of a payment, its reversal ends it.
var reversals = []row{
	{"the reversal of an approved sale is Approved, again and again", func(p *play) {
		sale := p.order(channel.Sale)
		p.do(sale, channel.Approved)
		p.undo(sale)
		p.owes(0)
	}},
	{"the reversal of a refused sale is Approved and books nothing", func(p *play) {
		sale := p.order(channel.Sale)
		p.under(Refused, sale, channel.Declined)
		p.undo(sale)
		p.owes(0)
	}},
	{"the reversal of a sale without an answer leaves nothing booked", func(p *play) {
		for name, fault := range unanswered {
			sale := p.order(channel.Sale)
			p.under(fault, sale, channel.Silent)
			p.undo(sale)
			p.later()
			p.Log(name)
			p.owes(0)
		}
	}},
	{"a reversal without an answer is repeated and has one effect", func(p *play) {
		for name, fault := range unanswered {
			sale := p.order(channel.Sale)
			p.do(sale, channel.Approved)
			reversal := p.about(sale, channel.Reversal)
			p.under(fault, reversal, channel.Silent)
			p.do(reversal, channel.Approved)
			p.later()
			p.Log(name)
			p.owes(0)
		}
	}},
	{"the reversal of what the network never saw is Approved, and the original is refused should it come", func(p *play) {
		sale := p.order(channel.Sale)
		p.undo(sale)
		p.do(sale, channel.Declined)
		p.undo(sale)
		p.owes(0)
	}},
	{"the reversal of a void lets the sale stand", func(p *play) {
		for name, fault := range unanswered {
			sale := p.order(channel.Sale)
			p.do(sale, channel.Approved)
			void := p.about(sale, channel.Void)
			p.under(fault, void, channel.Silent)
			p.undo(void)
			p.later()
			p.Log(name)
			p.owes(price)
			p.do(p.about(sale, channel.Void), channel.Approved)
			p.owes(0)
		}
	}},
}

// undo reverses r, repeats the reversal unchanged, and sends another.
func (p *play) undo(r channel.Request) {
	p.Helper()
	reversal := p.about(r, channel.Reversal)
	p.do(reversal, channel.Approved)
	p.do(reversal, channel.Approved)
	p.do(p.about(r, channel.Reversal), channel.Approved)
}
