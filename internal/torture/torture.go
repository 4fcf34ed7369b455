// Package torture runs Hawker as an operator would, every part a process of its own, and
// then treats it as the world does: it kills and stops processes and the database at
// random moments, fills the disk, lets writes fail, and puts a proxy on both hops that
// delays, drops, doubles, reorders, splits and cuts what passes. After a healing phase it
// compares terminals' slips, the host's database and the network's books, and looks for
// card data in every file. It knows how to start the parts and how to read what they
// leave; it refuses to know how they work inside.
//
// A seed decides the plan: what is struck when, what every frame of a connection meets,
// what every terminal does. It does not decide how the machine schedules processes, so a
// replay strikes the same blows and need not hit the same instruction.
package torture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Config says how long and how hard.
type Config struct {
	Binary    string        // the hawker program; "" is the one that runs
	Seed      uint64        // of the plan
	Duration  time.Duration // of the chaos, without healing
	Healing   time.Duration // bound of the healing phase; 0 is twelve minutes
	Terminals int           // how many, from 1 to 99
	Database  string        // SQLite or Postgres
	KillEvery time.Duration // mean time between two kills
	Patience  time.Duration // of the server with the network; terminals wait twice as long, and no frame is delayed by much more
	Calm      Calm          // troubles that are switched off
	DiskFull  bool          // a small file system of its own for the data, which is full at times
	FailingIO bool          // writes fail at times
	Keep      string        // a directory to leave everything in; "" leaves nothing
	Out       io.Writer     // the live line and what is skipped; nil is silent
}

func (c *Config) complete() error {
	if c.Binary == "" {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		c.Binary = self
	}
	if c.Healing == 0 {
		c.Healing = 12 * time.Minute // a job that failed all the time comes again after ten
	}
	if c.Out == nil {
		c.Out = io.Discard
	}
	switch {
	case c.Duration <= 0 || c.KillEvery <= 0 || c.Patience <= 0:
		return errors.New("duration, mean time between kills and patience must be more than zero")
	case c.Terminals < 1 || c.Terminals > 99:
		return errors.New("there must be 1 to 99 terminals")
	case c.Database != SQLite && c.Database != Postgres:
		return fmt.Errorf("no database %q", c.Database)
	}
	return nil
}

// Run tortures and reports. An error means that the run itself could not be made; what
// was found wrong with Hawker is in Report.Differences.
func Run(ctx context.Context, c Config) (r Report, err error) {
	if err := c.complete(); err != nil {
		return Report{}, err
	}
	dir := c.Keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "hawker-torture-"); err != nil {
			return Report{}, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	} else if err := os.MkdirAll(dir, 0o700); err != nil {
		return Report{}, err
	} else if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) > 0 {
		return Report{}, errors.Join(err, fmt.Errorf("%s is not empty", dir))
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return Report{}, err
	}
	w := &world{Config: c, dir: dir}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.open(ctx); err != nil {
		return Report{}, err
	}
	began := time.Now()
	w.strike(ctx, Plan(w.Config))
	chaos := time.Since(began)
	healed, unhealed := w.heal(ctx)
	if r, err = w.audit(ctx); err != nil {
		return Report{}, err
	}
	r.Chaos, r.Healing = chaos, healed
	r.Differences = append(unhealed, r.Differences...)
	return r, ctx.Err()
}
