package simulation

import (
	"os"

	"hawker/internal/channel"
	"hawker/internal/jobs"
)

// Sabotage breaks the system on purpose, at seams that it has anyway, to see whether a run
// notices. The zero Sabotage breaks nothing.
type Sabotage struct {
	Channel    func(channel.Channel) channel.Channel // between the engine and the card host; nil for nothing
	Jobs       func(*jobs.Runner)                    // replaces what the engine has registered; nil for nothing
	Trace      func(trace int) int                   // what becomes of a till's trace number; nil for nothing
	NoRecovery bool                                  // what was in flight at a death is left alone
	Amnesia    bool                                  // a death takes with it what was committed since the last heartbeat; of a host that is alone
}

func (s Sabotage) channel(c channel.Channel) channel.Channel {
	if s.Channel == nil {
		return c
	}
	return s.Channel(c)
}

// remember copies the database with its log, as they are between two transactions.
func (w *world) remember() {
	w.carry(".memory", "")
}

// forget puts the copy in their place.
func (w *world) forget() {
	if len(w.hosts) == 1 { // else another has the database open
		_ = os.Remove(databaseIn(w.site) + "-shm") // an index of the log: made anew
		w.carry("", ".memory")
	}
}

// carry copies the files that end in from to those that end in to.
func (w *world) carry(to, from string) {
	for _, part := range []string{"", "-wal"} {
		b, err := os.ReadFile(databaseIn(w.site) + part + from) //nolint:gosec // a file of this run
		w.must(err)
		w.must(os.WriteFile(databaseIn(w.site)+part+to, b, 0o600)) //nolint:gosec // as above
	}
}
