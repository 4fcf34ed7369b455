package payment

import (
	"context"
	"time"

	"hawker/internal/channel"
	"hawker/internal/nodes"
	"hawker/internal/store"
)

// Watch is how an engine keeps up with the nodes of its database.
type Watch struct {
	Started time.Time     // of this process: what its node began earlier is lost
	Dead    time.Duration // a node without a heartbeat for so long is dead
	Late    time.Duration // an attempt of this process that is older and not in flight is lost: its outcome could not be stored
}

// Beat writes this node's heartbeat and resolves what has no outcome and nobody who works
// on it: attempts from before our start, from dead nodes, and ours whose outcome could not
// be stored. It returns how many. To call it at the start and several times within Dead.
func (e *Engine) Beat(ctx context.Context, w Watch) (n int, err error) {
	now := e.now()
	if err := e.db.Write(ctx, func(tx *store.Tx) error { return nodes.Beat(ctx, tx, e.node, now, store.IDAt(now)) }); err != nil {
		return 0, err
	}
	known, err := nodes.All(ctx, e.db.Read())
	if err != nil {
		return 0, err
	}
	since := now.Add(-w.Late)
	if w.Started.After(since) {
		since = w.Started
	}
	// Ids follow the clock, but for one that was set back: where something is known to be lost, all are looked at.
	from, to := store.IDAt(since), store.IDAt(since)
	if e.adrift.Swap(false) {
		to = never
	}
	var dead []nodes.Node
	isDead := map[nodes.ID]bool{}
	for _, o := range known {
		switch {
		case o.ID == e.node:
			from = min(from, o.Settled)
		case o.Seen.Before(now.Add(-w.Dead)):
			from, to = min(from, o.Settled), never
			dead, isDead[o.ID] = append(dead, o), true
		}
	}
	left, n, err := e.recover(ctx, from, to, func(a Attempt) bool {
		return isDead[a.Node] || a.Node == e.node && a.Created.Before(since)
	})
	if err == nil {
		settled := min(left, store.IDAt(since), e.flights.oldest())
		err = e.db.Write(ctx, func(tx *store.Tx) error { return nodes.Settle(ctx, tx, e.node, settled, dead...) })
	}
	if err != nil || left != never {
		e.adrift.Store(true)
	}
	return n, err
}

// Recover resolves attempts that were sent, have no outcome and no flight here, and are
// lost: their process died, or could not store the answer. They become unknown, and
// their reversals or repeats start. It returns how many.
func (e *Engine) Recover(ctx context.Context, lost func(Attempt) bool) (int, error) {
	_, n, err := e.recover(ctx, 0, never, lost)
	return n, err
}

// recover is Recover for ids from from to below to. left is the first of this node's that it left as it was.
func (e *Engine) recover(ctx context.Context, from, to int64, lost func(Attempt) bool) (left int64, n int, err error) {
	list, err := underWay(ctx, e.db.Read(), from, to)
	if err != nil {
		return 0, 0, err
	}
	left = never
	for _, a := range list {
		switch {
		case a.State != Sent || a.Kind == channel.Reversal: // a job works on it
			continue
		case e.flights.has(a.ID) || !lost(a):
			if a.Node == e.node {
				left = min(left, a.ID)
			}
			continue
		}
		e.log.Warn("attempt without an outcome found; resolving it", "attempt", a.Ref(), "kind", a.Kind)
		if _, err := e.resolve(ctx, a, channel.Outcome{Result: channel.Silent, Detail: "no outcome was stored"}); err != nil {
			return 0, n, err
		}
		n++
	}
	return left, n, nil
}
