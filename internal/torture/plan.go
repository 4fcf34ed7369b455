package torture

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// StrikeKind is what the conductor does to a process, a line or a disk.
type StrikeKind string

// The strikes.
const (
	KillServe    StrikeKind = "kill-serve" // SIGKILL
	KillNetwork  StrikeKind = "kill-network"
	KillTerminal StrikeKind = "kill-terminal"
	KillDatabase StrikeKind = "kill-database" // SIGKILL of PostgreSQL, all its processes
	StopServe    StrikeKind = "stop-serve"    // SIGSTOP, and SIGCONT after a while
	StopNetwork  StrikeKind = "stop-network"
	StopTerminal StrikeKind = "stop-terminal"
	StopDatabase StrikeKind = "stop-database"
	TerminalLine StrikeKind = "terminal-line" // the line between terminals and server takes a mood
	NetworkLine  StrikeKind = "network-line"  // the line between server and network
	FullDisk     StrikeKind = "full-disk"     // the data directory's file system has no byte left for a while
	FailingIO    StrikeKind = "failing-io"    // for a while no file grows: writes fail with EFBIG
)

// Strike is one thing that is done at one moment.
type Strike struct {
	At     time.Duration `json:"at"` // from the start
	Kind   StrikeKind    `json:"kind"`
	Target int           `json:"target,omitempty"` // which terminal, or which process fails to write
	Mood   string        `json:"mood,omitempty"`
	Length time.Duration `json:"length,omitempty"` // of a stop, a full disk, failing writes; the pause before a restart
}

// String is the strike as the log shows it.
func (s Strike) String() string {
	return fmt.Sprintf("%7.2fs %s %s target %d for %s", s.At.Seconds(), s.Kind, s.Mood, s.Target, s.Length.Round(time.Millisecond))
}

// strikes says how often each kind comes, in units of Config.KillEvery, and how long it lasts.
// All kills together come about once in KillEvery.
var strikes = []struct {
	Kind        StrikeKind
	Every       float64
	Short, Long time.Duration
}{
	{KillServe, 3, 0, 600 * time.Millisecond},
	{KillNetwork, 4, 0, 600 * time.Millisecond},
	{KillTerminal, 4, 0, 300 * time.Millisecond},
	{KillDatabase, 6, 0, 400 * time.Millisecond},
	{StopServe, 6, 200 * time.Millisecond, 2 * time.Second},
	{StopNetwork, 6, 200 * time.Millisecond, 2 * time.Second},
	{StopTerminal, 8, 200 * time.Millisecond, 2 * time.Second},
	{StopDatabase, 8, 200 * time.Millisecond, 2 * time.Second},
	{TerminalLine, 1, 0, 0},
	{NetworkLine, 1, 0, 0},
	{FullDisk, 8, 300 * time.Millisecond, 2500 * time.Millisecond},
	{FailingIO, 5, 100 * time.Millisecond, 1500 * time.Millisecond},
}

// Plan decides the whole run up front: the same config gives the same plan. Every
// kind has a stream of its own, so that calming one leaves the others where they are.
func Plan(c Config) []Strike {
	var plan []Strike
	for i, k := range strikes {
		if c.Calm[string(k.Kind)] || !c.has(k.Kind) {
			continue
		}
		r := rand.New(rand.NewPCG(c.Seed, uint64(i))) //nolint:gosec // chaos is no secret
		mean := k.Every * float64(c.KillEvery)
		for at := time.Duration(r.ExpFloat64() * mean); at < c.Duration; at += time.Duration(r.ExpFloat64() * mean) {
			s := Strike{At: at, Kind: k.Kind, Target: r.IntN(max(1, c.Terminals)), Length: k.Short + time.Duration(r.Int64N(int64(k.Long-k.Short)+1))}
			if k.Kind == TerminalLine || k.Kind == NetworkLine {
				s.Mood = moods[max(0, r.IntN(2*len(moods))-len(moods))].Name // calm every second time
			}
			plan = append(plan, s)
		}
	}
	slices.SortStableFunc(plan, func(a, b Strike) int { return cmp.Compare(a.At, b.At) })
	return plan
}

// has reports whether a run of this config can strike so at all.
func (c Config) has(k StrikeKind) bool {
	switch k {
	case KillDatabase, StopDatabase:
		return c.Database == Postgres
	case FullDisk:
		return c.DiskFull
	case FailingIO:
		return c.FailingIO
	}
	return true
}

// kill reports whether a strike ends a process.
func (k StrikeKind) kill() bool {
	return k == KillServe || k == KillNetwork || k == KillTerminal || k == KillDatabase
}
