package simulation

import "time"

// misfortunes strike hosts, clocks and lines at moments that the seed draws, until it is over.
func (w *world) misfortunes(over <-chan struct{}) {
	d := w.dice("misfortunes")
	mean := d.between(5*time.Second, 60*time.Second)
	for {
		timer := time.NewTimer(d.between(0, 2*mean))
		select {
		case <-timer.C:
		case <-over:
			timer.Stop()
			return
		}
		w.misfortune(d)
	}
}

// jumps are how far a clock is set wrong.
var jumps = []time.Duration{time.Second, time.Minute, time.Hour, 24 * time.Hour}

func (w *world) misfortune(d dice) {
	h := pick(d, w.hosts...)
	switch what, length := d.IntN(6), d.between(0, 20*time.Second); what {
	case 0:
		if p := h.process(); p != nil && w.crashes > 0 {
			p.die("by misfortune", length)
		}
	case 1:
		by := pick(d, jumps...)
		if d.chance(0.5) {
			by = -by
		}
		h.clock.set(by)
		w.journal.add("the clock of %s jumps by %v", h.name, by)
	case 2:
		w.journal.add("the bank gives no sign of life for %v", length)
		w.bank.Down(true)
		time.Sleep(length)
		w.bank.Down(false)
	case 3:
		w.journal.add("all lines to the bank break")
		w.toBank.cut("")
	case 4:
		w.journal.add("all lines to %s break", h.name)
		w.toHosts.cut(h.name)
	case 5:
		w.hold(h, length)
	}
}

// hold keeps a host from doing its jobs for a while.
func (w *world) hold(h *host, length time.Duration) {
	p := h.process()
	if p == nil {
		return
	}
	w.journal.add("%s does no jobs for %v", h.name, length)
	(*p.pause.Load())()
	time.Sleep(length)
	p.resume <- struct{}{}
}
