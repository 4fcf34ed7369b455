// Package simulation runs all of Hawker in one process under a seeded clock, network and
// fortune: terminals, hosts that die and come back, the card channel, the jobs, the ledger,
// and a simulated bank. For a while everything goes wrong that the seed says: messages are
// lost, doubled, late, overtaken or cut; hosts are killed at the worst moment; clocks jump;
// the bank is silent. Then it heals: the weather clears, what is pending is resolved, and an
// audit holds ledger, bank and terminals against one another. It knows what must be true at
// the end; it refuses to know how the engine gets there.
//
// There are two tiers. In Lean, tills of its own call the engine directly and also do what a
// good terminal would not. In Full, the software terminals of sandbox/pos, with their memory
// in files, speak the terminal protocol to door/iso. Below the engine both have the same card
// channel, wire and bank.
//
// # What replays
//
// Run must be called in a bubble of testing/synctest. Then time passes only when nothing else
// can happen, and every delay is drawn to the nanosecond, so that one thing happens at an
// instant; what a message meets depends on the seed and on what it says, not on who comes
// first. So a seed gives the same journal, with every time in it, in both tiers: tests play
// seeds twice and compare. What is not the seed's are row ids, references, trace numbers
// towards the bank and session keys, which are drawn anew and never journalled, and the order
// of goroutines within one instant: which commands share a transaction may differ. Should a
// failure depend on that order, its seed may have to be played more than once.
package simulation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"hawker/internal/channel"
	"hawker/internal/nodes"
	"hawker/internal/sandbox/cardnet"
	"hawker/internal/store"
)

// Tier is how much of the system takes part.
type Tier string

// The tiers.
const (
	Lean Tier = "lean" // tills that call the engine: many seeds a second
	Full Tier = "full" // terminals that speak the protocol to a door
)

// Plan is one run.
type Plan struct {
	Seed     Seed
	Tier     Tier
	Sabotage Sabotage     // the zero Sabotage breaks nothing
	Log      *slog.Logger // of the system; nil for nobody
}

// world is all that takes part in a run.
type world struct {
	Seed
	ctx      context.Context
	tier     Tier
	sabotage Sabotage
	ground   *Ground
	journal  *Journal
	log      *slog.Logger
	epoch    time.Time
	site     string // the directory of its files
	bank     *cardnet.Network

	patience time.Duration // of a card host, for an answer
	busyness int           // how much an actor does, at most
	pace     time.Duration // at most between two things that it does
	crashes  float64       // at each point

	hosts   []*host
	actors  []actor
	toHosts *hop
	toBank  *hop
	calm    atomic.Bool
	busy    sync.WaitGroup // everything in flight

	mu     sync.Mutex
	counts map[string]int
	sales  map[string][]row // of each shop, approved, in their order
	faults []error
}

// actor is a terminal of some kind.
type actor interface {
	live()       // plays its part, good or bad
	mend() error // ends what is pending and settles, in calm weather
	believes() map[slot]belief
	close() error
}

// belief is what somebody takes for an approved transaction.
type belief struct {
	kind  channel.Kind
	minor int64
}

// Run plays a plan to its end and audits what is left. The error says what is wrong; the
// journal says how it came to that. It must be called in a bubble.
func Run(g *Ground, p Plan) (_ *Journal, err error) {
	w, err := newWorld(g, p)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	for _, h := range w.hosts {
		if err := h.start(); err != nil {
			return w.journal, err
		}
	}
	w.live()
	if err := w.heal(); err != nil {
		w.blame("%w", err)
	} else {
		w.audit()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.journal, errors.Join(w.faults...)
}

func newWorld(g *Ground, p Plan) (_ *world, err error) {
	d := p.Seed.dice("world")
	w := &world{Seed: p.Seed, ctx: context.Background(), tier: p.Tier, sabotage: p.Sabotage, ground: g, journal: newJournal(), log: p.Log,
		patience: d.between(3*time.Second, 6*time.Second), busyness: pick(d, 3, 6, 6, 12), pace: pick(d, 300*time.Millisecond, 2*time.Second, 8*time.Second), counts: map[string]int{}, sales: map[string][]row{}}
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	w.epoch = pick(d, epochs...).Add(-d.between(0, 2*time.Minute))
	if d.chance(0.6) {
		w.crashes = d.upTo(0.06)
	}
	w.toHosts, w.toBank = newHop(w, "shop", readsTerminal), newHop(w, "bank", readsBank)
	if w.site, err = g.copy(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(w.site))
		}
	}()
	if w.bank, err = newBank(w, d); err != nil {
		return nil, err
	}
	machines := 1
	if d.chance(0.35) {
		machines = 2
	}
	for i := range machines {
		h := &host{world: w, name: string(rune('A' + i)), id: nodes.ID(i + 1), clock: &timepiece{world: w}}
		h.clock.set(d.between(-2*time.Second, 2*time.Second))
		w.hosts = append(w.hosts, h)
	}
	return w, w.cast(d)
}

// cast chooses who plays.
func (w *world) cast(d dice) error {
	terminals := 0
	for _, s := range w.ground.shops {
		for _, c := range s.terminals {
			if terminals > 0 && !d.chance(0.6) {
				continue
			}
			terminals++
			if w.tier == Lean {
				w.actors = append(w.actors, newTill(w, s, c))
				continue
			}
			device, err := newDevice(w, s, c)
			if err != nil {
				return err
			}
			w.actors = append(w.actors, device)
		}
	}
	return nil
}

// now is the true time.
func (w *world) now() time.Time { return w.epoch.Add(time.Since(w.journal.began)).UTC() }

// database is what a living host has open; nil when all are down.
func (w *world) database() *store.DB {
	for _, h := range w.hosts {
		if p := h.process(); p != nil {
			return p.db
		}
	}
	return nil
}

func (w *world) read() *store.Reader { return w.database().Read() }

// again counts how often a thing happened.
func (w *world) again(what string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[what]++
	return w.counts[what]
}

// blame notes that something is not as it must be.
func (w *world) blame(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	w.journal.add("WRONG: %v", err)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, err)
}

// must notes an error that no fault of the plan explains.
func (w *world) must(err error) {
	if err != nil {
		w.blame("%w", err)
	}
}

// live lets everybody play until they are done.
func (w *world) live() {
	var playing sync.WaitGroup
	for _, a := range w.actors {
		playing.Go(a.live)
	}
	over := make(chan struct{})
	w.busy.Go(func() { w.misfortunes(over) })
	playing.Wait()
	close(over)
}

// close ends everything and waits until nothing moves any more.
func (w *world) close() error {
	var errs []error
	for _, a := range w.actors {
		errs = append(errs, a.close())
	}
	for _, h := range w.hosts {
		if p := h.process(); p != nil {
			p.end()
		}
	}
	errs = append(errs, w.bank.Close())
	w.toHosts.cut("")
	w.toBank.cut("")
	w.busy.Wait()
	time.Sleep(10 * time.Minute) // the last timers
	return errors.Join(append(errs, os.RemoveAll(w.site))...)
}
