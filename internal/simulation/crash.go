package simulation

import (
	"context"
	"fmt"
	"time"

	"hawker/internal/channel"
	"hawker/internal/payment"
)

// die ends a process as SIGKILL does: its database connections close, so that nothing it
// does from now on is stored; its lines are cut, so that nothing it says is heard. The
// same host starts again after a while.
func (p *process) die(why string, down time.Duration) {
	if p.dead.Swap(true) {
		return
	}
	p.world.journal.add("%s dies %s, for %v", p.name, why, down)
	p.host.mu.Lock()
	p.live = nil
	p.host.mu.Unlock()
	_ = p.db.Close()
	p.stop()
	p.port.close()
	p.world.toHosts.cut(p.name)
	p.world.toBank.cut(p.name)
	p.world.busy.Go(p.card.Close)
	p.world.busy.Go(func() {
		p.threads.Wait()
		if p.world.sabotage.Amnesia {
			p.world.forget()
		}
		time.Sleep(down)
		p.world.must(p.host.start())
	})
}

// point is a place where the process may die, by the seed. It waits an instant first, in
// which everything that happens at this very moment comes to rest: a death has an order
// against everything else.
func (p *process) point(where string) {
	w := p.world
	d := w.dice("crash", p.name, where, w.again(p.name+where))
	if w.calm.Load() || !d.chance(w.crashes) {
		return
	}
	time.Sleep(d.between(1, time.Microsecond))
	p.die(where, d.between(0, 25*time.Second))
}

// gate stands between the engine and the card host. A dead process sends nothing and learns nothing.
type gate struct {
	*process
	next channel.Channel
}

// Name names the channel.
func (g gate) Name() string { return g.next.Name() }

// Do may be where the process dies: when the intent is durable and nothing has left, or
// when the bank has answered and nobody has written it down.
func (g gate) Do(ctx context.Context, r channel.Request) channel.Outcome {
	what := fmt.Sprintf("%s %s %d", r.Kind, r.Terminal, r.Amount.Minor())
	g.point("before it sends " + what)
	if g.dead.Load() {
		return channel.Outcome{Detail: "dead"}
	}
	o := g.next.Do(ctx, r)
	time.Sleep(g.world.dice("outcome", g.name, what, g.world.again("outcome "+g.name+what)).between(1, time.Microsecond)) // many may fail at one instant
	g.point("before it stores the outcome of " + what)
	if g.dead.Load() {
		return channel.Outcome{Detail: "dead"}
	}
	return o
}

// told is the engine's metrics: it hears of every outcome that was stored, before anybody is answered.
type told struct{ *process }

// Attempt may be where the process dies: when the outcome is durable and nobody knows.
func (t told) Attempt(kind channel.Kind, state payment.State, code string) {
	t.point(fmt.Sprintf("when it has stored %s %s %s", kind, state, code))
}

// Commit hears of a transaction.
func (t told) Commit(int) {}
