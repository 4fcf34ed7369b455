package simulation

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"hawker/internal/channel"
	"hawker/internal/jobs"
)

// Sabotage breaks the system on purpose, at seams that it has anyway, to see whether a run
// notices. The zero Sabotage breaks nothing.
type Sabotage struct {
	Channel    func(channel.Channel) channel.Channel // between the engine and the card host; nil for nothing
	Jobs       func(*jobs.Runner)                    // replaces what the engine has registered; nil for nothing
	Trace      func(trace int) int                   // what becomes of a terminal's trace number, in Lean; nil for nothing
	NoRecovery bool                                  // what was in flight at a death is left alone
	Amnesia    bool                                  // a death takes with it what was committed since the last heartbeat; of one host alone
}

func (s Sabotage) channel(c channel.Channel) channel.Channel {
	if s.Channel == nil {
		return c
	}
	return s.Channel(c)
}

// memory is what a host with amnesia still knows after its death.
func (w *world) memory() string { return databaseIn(w.site) + ".memory" }

// remember copies the database as it is.
func (p *process) remember(ctx context.Context) {
	if err := os.Remove(p.world.memory()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.world.must(err)
	}
	if err := p.db.Backup(ctx, p.world.memory()); err != nil && !p.dead.Load() {
		p.world.must(err)
	}
}

// forget puts the copy in the place of the database.
func (p *process) forget() {
	w := p.world
	if len(w.hosts) > 1 {
		return // the other one has the database open
	}
	for _, log := range []string{"-wal", "-shm"} {
		_ = os.Remove(databaseIn(w.site) + log) // there may be none
	}
	w.must(os.Rename(w.memory(), databaseIn(w.site)))
}
