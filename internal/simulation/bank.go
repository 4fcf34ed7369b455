package simulation

import (
	"fmt"
	"time"

	"hawker/internal/sandbox/cardnet"
	"hawker/internal/sandbox/cards"
)

// newBank opens the bank, with a temper drawn by the seed.
func newBank(w *world, d dice) (*cardnet.Network, error) {
	late := d.between(w.patience, 30*time.Second)
	n, err := cardnet.New(cardnet.Config{ZPK: w.ground.zpk, ZAK: w.ground.zak, LateAfter: late, Clock: w.now, Log: w.log, Cards: cards.All()})
	if err != nil {
		return nil, err
	}
	if temper := d.upTo(0.25); d.chance(0.5) {
		n.SetFault(func(i cardnet.Info) cardnet.Behaviour { return w.temper(i, temper) })
	}
	return n, nil
}

// deliveries are what may become of a bank's answer. In all but the last it has booked.
var deliveries = []cardnet.Delivery{cardnet.Late, cardnet.Twice, cardnet.Cut, cardnet.WrongAmount, cardnet.WrongMAC, cardnet.Silent, cardnet.Lost}

// temper is how the bank treats one request.
func (w *world) temper(i cardnet.Info, p float64) cardnet.Behaviour {
	what := fmt.Sprintf("%s %s %d", i.Kind, i.Terminal, i.Amount.Minor())
	d := w.dice("bank", what, w.again("bank "+what))
	if w.calm.Load() || !d.chance(p) {
		return cardnet.Behaviour{}
	}
	b := cardnet.Behaviour{Delivery: pick(d, deliveries...)}
	if d.chance(0.4) {
		b = cardnet.Behaviour{Code: pick(d, refusals[i.Kind]...)}
	}
	w.journal.add("bank: %s: %+v", what, b)
	return b
}

// refusals are what a bank may say to each kind; a reversal is never refused for good.
var refusals = map[cardnet.Kind][]string{
	cardnet.Sale:     {"51", "91", "96", "68", "05"},
	cardnet.Balance:  {"91"},
	cardnet.Void:     {"91", "96", "05"},
	cardnet.Refund:   {"91", "96", "05"},
	cardnet.Reversal: {"91", "96"},

	cardnet.ScriptNotice: {"91", "96"},
}
