package channeltest

import "hawker/internal/channel"

// holds: pre-authorizations, and what becomes of them. Only completions move money.
var holds = []row{
	{"a pre-authorization owes nothing, a completion its own amount, once", func(p *play) {
		hold := p.hold()
		p.owes(0)
		p.do(p.with(hold, channel.Completion, 90_00), channel.Approved)
		p.owes(90_00)
		p.do(p.with(hold, channel.Completion, 90_00), channel.Declined)
		p.do(p.with(hold, channel.PreauthVoid, price), channel.Declined)
		p.owes(90_00)
	}},
	{"a pre-authorization that was voided cannot be completed", func(p *play) {
		hold := p.hold()
		p.do(p.with(hold, channel.PreauthVoid, price), channel.Approved)
		p.do(p.with(hold, channel.Completion, price), channel.Declined)
		p.owes(0)
	}},
	{"a completion under another authorization code is Declined", func(p *play) {
		hold := p.hold()
		hold.auth = "000000"
		p.do(p.with(hold, channel.Completion, price), channel.Declined)
		p.owes(0)
	}},
	{"a completion's void takes it back, and the hold can be completed again", func(p *play) {
		hold := p.hold()
		done := p.with(hold, channel.Completion, price)
		p.do(done, channel.Approved)
		p.do(p.about(done, channel.CompletionVoid), channel.Approved)
		p.owes(0)
		p.do(p.with(hold, channel.Completion, 80_00), channel.Approved)
		p.owes(80_00)
	}},
	{"a completion can be refunded", func(p *play) {
		done := p.with(p.hold(), channel.Completion, price)
		p.do(done, channel.Approved)
		p.do(p.refund(done, 30_00), channel.Approved)
		p.owes(70_00)
	}},
	{"the reversal of any step without an answer leaves what was before", func(p *play) {
		owed := int64(0)
		for name, fault := range unanswered {
			p.Log(name)
			first := p.order(channel.Preauth)
			p.under(fault, first, channel.Silent)
			p.undo(first)
			hold := p.hold()
			void := p.with(hold, channel.PreauthVoid, price)
			p.under(fault, void, channel.Silent)
			p.undo(void)
			done := p.with(hold, channel.Completion, price)
			p.under(fault, done, channel.Silent)
			p.undo(done)
			p.later()
			p.owes(owed)
			done = p.with(hold, channel.Completion, price)
			p.do(done, channel.Approved)
			cancel := p.about(done, channel.CompletionVoid)
			p.under(fault, cancel, channel.Silent)
			p.undo(cancel)
			p.later()
			owed += price
			p.owes(owed)
		}
	}},
	{"a completion notice is repeated until it has an answer, and has one effect", func(p *play) {
		owed := int64(0)
		for name, fault := range unanswered {
			notice := p.with(p.hold(), channel.CompletionNotice, 90_00)
			p.under(fault, notice, channel.Silent)
			p.do(notice, channel.Approved)
			p.do(notice, channel.Approved)
			p.later()
			owed += 90_00
			p.Log(name)
			p.owes(owed)
		}
	}},
}

// held is a pre-authorization that was approved.
type held struct {
	channel.Request
	auth string
}

func (p *play) hold() held {
	p.Helper()
	r := p.order(channel.Preauth)
	o := p.do(r, channel.Approved)
	if o.AuthCode == "" {
		p.Error("a pre-authorization without an authorization code")
	}
	return held{r, o.AuthCode}
}

// with is something done with a hold, over an amount.
func (p *play) with(h held, k channel.Kind, fen int64) channel.Request {
	r := p.about(h.Request, k)
	r.Amount, r.Original.AuthCode = yuan(fen), h.auth
	return r
}
