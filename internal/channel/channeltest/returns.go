package channeltest

import (
	"hawker/internal/card"
	"hawker/internal/channel"
)

// returns: voids and refunds.
var returns = []row{
	{"a void takes the whole sale back, once", func(p *play) {
		sale := p.order(channel.Sale)
		p.do(sale, channel.Approved)
		p.do(p.about(sale, channel.Void), channel.Approved)
		p.do(p.about(sale, channel.Void), channel.Declined)
		p.owes(0)
	}},
	{"a void of what does not exist is Declined", func(p *play) {
		p.do(p.about(p.order(channel.Sale), channel.Void), channel.Declined)
		p.owes(0)
	}},
	{"refunds give back parts until nothing is left", func(p *play) {
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
			p.do(p.refund(sale, r.fen), r.want)
			p.owes(r.owed)
		}
	}},
	{"a refund repeated unchanged has one effect", func(p *play) {
		sale := p.order(channel.Sale)
		p.do(sale, channel.Approved)
		refund := p.refund(sale, 30_00)
		first := p.do(refund, channel.Approved)
		if again := p.do(refund, channel.Approved); again != first {
			p.Errorf("first %+v, again %+v", first, again)
		}
		p.owes(70_00)
	}},
	{"a script notice is repeated until it has an answer, and moves nothing", func(p *play) {
		sale := p.order(channel.Sale)
		p.do(sale, channel.Approved)
		for name, fault := range unanswered {
			notice := p.about(sale, channel.ScriptNotice)
			notice.Card.ICC = card.NewICC([]byte{0xDF, 0x31, 5, 0x20, 0, 0, 0, 1})
			p.under(fault, notice, channel.Silent)
			p.do(notice, channel.Approved)
			p.later()
			p.Log(name)
			p.owes(price)
		}
	}},
	{"a refund without an answer is repeated until it has one, and has one effect", func(p *play) {
		owed := int64(0)
		for name, fault := range unanswered {
			sale := p.order(channel.Sale)
			p.do(sale, channel.Approved)
			refund := p.refund(sale, 30_00)
			p.under(fault, refund, channel.Silent)
			p.do(refund, channel.Approved)
			p.later()
			owed += 70_00
			p.Log(name)
			p.owes(owed)
		}
	}},
}

func (p *play) refund(of channel.Request, fen int64) channel.Request {
	r := p.about(of, channel.Refund)
	r.Amount = yuan(fen)
	return r
}
