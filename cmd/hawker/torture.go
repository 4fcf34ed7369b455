package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"hawker/internal/torture"
)

type tortureCommand struct {
	Seed      uint64        `help:"The same seed makes the same plan." default:"1"`
	Duration  time.Duration `help:"Of the chaos; healing and audit come after it." default:"60s"`
	Terminals int           `help:"How many terminals." default:"4"`
	Database  string        `help:"sqlite, or postgres: one of its own is started." enum:"sqlite,postgres" default:"sqlite"`
	KillEvery time.Duration `help:"Mean time between two kills." default:"2s"`
	Patience  time.Duration `help:"How long the server waits for the network; 20s in real life." default:"1500ms"`
	Calm      string        `help:"Troubles to switch off, with commas; a wrong name lists them all." placeholder:"NAMES"`
	DiskFull  bool          `help:"Fill the data directory's file system at times; needs root."`
	FailingIO bool          `name:"failing-io" help:"Let writes fail at times; needs prlimit."`
	JSON      bool          `name:"json" help:"Print the report as JSON."`
	Keep      string        `help:"Leave everything in this directory." placeholder:"DIR"`

	Terminal string `hidden:""` // the work of one terminal of a run
}

// Run tortures, and fails when a difference is found.
func (c tortureCommand) Run(ctx context.Context) error {
	if c.Terminal != "" {
		return torture.Work(ctx, c.Terminal, os.Stdout)
	}
	calm, err := torture.ParseCalm(c.Calm)
	if err != nil {
		return err
	}
	r, err := torture.Run(ctx, torture.Config{Seed: c.Seed, Duration: c.Duration, Terminals: c.Terminals, Database: c.Database,
		KillEvery: c.KillEvery, Patience: c.Patience, Calm: calm, DiskFull: c.DiskFull, FailingIO: c.FailingIO, Keep: c.Keep, Out: os.Stderr})
	if err != nil {
		return err
	}
	if c.JSON {
		err = r.WriteJSON(os.Stdout)
	} else {
		_, err = r.WriteTo(os.Stdout)
	}
	if err == nil && len(r.Differences) > 0 {
		err = fmt.Errorf("%d differences", len(r.Differences))
	}
	return err
}
