package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"hawker/internal/bench"
)

type benchCommand struct {
	Database  string        `help:"sqlite; postgres for a throw-away server; or the postgres://… of one where databases may be made." default:"sqlite"`
	Terminals int           `help:"Terminals, each with one sale under way." default:"256"`
	Merchants int           `help:"Merchants they belong to, as many each; 0: one for each terminal." default:"0"`
	Cards     int           `help:"Cards that pay in turn." default:"1000"`
	Delay     time.Duration `help:"How long the network's answers take." default:"0"`
	Sandbox   bool          `help:"Pay through the simulated network with all its checks; without, through a light one that leaves the machine to the server."`
	Duration  time.Duration `help:"Measured time." default:"20s"`
	Warmup    time.Duration `help:"Load before it." default:"3s"`
	Cooldown  time.Duration `help:"Rest before the server's memory is looked at again." default:"10s"`
	Preload   int           `help:"Payments to put into the tables before."`
	Lone      bool          `help:"One terminal alone: how much of its time is Hawker's own."`
	Pgbench   *bool         `help:"Run pgbench's TPC-B first, for the ratio; with PostgreSQL by default." negatable:""`
	Batching  string        `help:"off: the server commits every command by itself." enum:"on,off" default:"on"`
	LogLevel  string        `help:"Of the server; its log goes to a file." enum:"debug,info,warn,error" default:"info"`
	REST      bool          `name:"rest" help:"Ask by the REST API, and hold its rate against a bare echo that makes the same commits."`
	Compare   bool          `help:"Make the standard set of runs on both databases, and hold it against the bars."`
	JSON      bool          `name:"json" help:"Print JSON."`
	Out       string        `help:"Write the JSON to this file too." placeholder:"FILE"`
	Quiet     bool          `help:"No progress on standard error."`
	AsEcho    string        `help:"Be the echo of a run, with the world in its data directory." hidden:"" placeholder:"DIR"`
	AsNetwork string        `help:"Be the card network of a run, with the keys in its data directory." hidden:"" placeholder:"DIR"`
}

func (c benchCommand) config() bench.Config {
	b := bench.Config{Database: c.Database, Terminals: c.Terminals, Merchants: c.Merchants, Cards: c.Cards, Delay: c.Delay, Sandbox: c.Sandbox, Duration: c.Duration,
		Warmup: c.Warmup, Cooldown: c.Cooldown, Preload: c.Preload, Pgbench: c.Database != "sqlite", BatchingOff: c.Batching == "off", LogLevel: c.LogLevel}
	if c.Lone {
		b.Terminals, b.Merchants = 1, 1
	}
	if c.Pgbench != nil {
		b.Pgbench = *c.Pgbench
	}
	if !c.Quiet {
		b.Progress = os.Stderr
		if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			b.Progress = oneLine{os.Stderr}
		}
	}
	return b
}

// oneLine shows only the newest line, on a terminal that people look at.
type oneLine struct{ w io.Writer }

func (o oneLine) Write(line []byte) (int, error) {
	_, err := o.w.Write(append([]byte("\r\x1b[K"), bytes.TrimRight(line, "\n")...))
	return len(line), err
}

// finding is what a run or a comparison ends with: figures, and whether they will do.
type finding interface {
	Print(w io.Writer)
	Err() error
}

// Run measures. The exit status is 1 when the audit found a difference, or a comparison missed a bar.
func (c benchCommand) Run(ctx context.Context) error {
	if c.AsNetwork != "" {
		return bench.Network{Data: c.AsNetwork, Cards: c.Cards, Delay: c.Delay, Sandbox: c.Sandbox}.Run(ctx, os.Stdout)
	}
	if c.AsEcho != "" {
		return bench.Echo{Data: c.AsEcho, Database: c.Database}.Run(ctx, os.Stdout)
	}
	var f finding
	var err error
	if c.REST {
		f, err = bench.CompareREST(ctx, c.config())
	} else if c.Compare {
		f, err = bench.Compare(ctx, c.config())
	} else {
		f, err = bench.Run(ctx, c.config())
	}
	if !c.Quiet {
		fmt.Fprintln(os.Stderr)
	}
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if c.JSON {
		_, err = os.Stdout.Write(text)
	} else {
		f.Print(os.Stdout)
	}
	if c.Out != "" {
		err = errors.Join(err, os.WriteFile(c.Out, text, 0o600))
	}
	return errors.Join(err, f.Err())
}
