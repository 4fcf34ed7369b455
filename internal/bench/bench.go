// Package bench measures Hawker as its users meet it: terminals over TCP against a
// serving process, a card network that is another process, and one of the two
// databases. It starts them, loads them, and audits afterwards that every payment
// that a terminal was told of is once in the database, in the ledger and in the
// network's books. It knows processes, clocks and sums; it refuses to know how a
// payment is made.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Databases that Config.Database may name besides an URL.
const (
	sqlite    = "sqlite"
	throwAway = "postgres"
)

// Config says what is measured. The numbers have no defaults but where it is said:
// the command knows them.
type Config struct {
	Program     string        // what runs the roles "serve" and "bench --as-network"; "" is this program
	Database    string        // "sqlite", "postgres" for a throw-away server, or the URL of one that may be filled
	Terminals   int           // each with one sale under way at a time
	Merchants   int           // that the terminals belong to, as many each; 0 is one for each terminal
	Cards       int           // that pay in turn
	Delay       time.Duration // of the network's answers
	Sandbox     bool          // pay through the simulated network with all its checks, instead of the light one
	Warmup      time.Duration
	Duration    time.Duration // that is measured
	Cooldown    time.Duration // before the server's memory is looked at again
	Preload     int           // payments in the tables before
	Pgbench     bool          // measure what TPC-B makes of the PostgreSQL, or of a throw-away one for SQLite
	REST        bool          // ask by the REST API, as so many programs, instead of by terminals
	Echo        bool          // with REST: of the bare echo, and not of Hawker
	BatchingOff bool          // let the server commit every command by itself
	LogLevel    string        // of the server
	Progress    io.Writer     // nil is silent
}

func (c *Config) complete() error {
	if c.Merchants == 0 {
		c.Merchants = c.Terminals
	}
	switch {
	case c.Terminals < 1 || c.Merchants < 1 || c.Cards < 1 || c.Preload < 0:
		return errors.New("terminals, merchants and cards must be at least 1")
	case c.Terminals%c.Merchants != 0:
		return fmt.Errorf("%d terminals cannot belong to %d merchants, as many each", c.Terminals, c.Merchants)
	case c.Duration <= 0:
		return errors.New("the duration must be more than nothing")
	}
	if c.Program != "" {
		return nil
	}
	self, err := os.Executable()
	c.Program = self
	return err
}

func (c Config) say(what string) {
	if c.Progress != nil {
		_, _ = fmt.Fprintln(c.Progress, "hawker bench:", what)
	}
}

// Run makes one measurement. Its error says that there is none; a difference that
// the audit found, or an error of the host's, is in the report.
func Run(ctx context.Context, c Config) (r Report, err error) {
	if err := c.complete(); err != nil {
		return r, err
	}
	var s *server
	if c.Database != sqlite {
		if s, err = startServer(ctx, c.Database); err != nil {
			return r, err
		}
		defer func() { err = errors.Join(err, s.stop()) }()
	}
	tps := 0.0
	if c.Pgbench {
		if tps, err = c.pgbench(ctx, s); err != nil {
			return r, err
		}
	}
	r, err = c.measure(ctx, s)
	r.TPCB = tps
	return r, err
}

// dial gives the load, connected and ready.
func (c Config) dial(ctx context.Context, w *world) (*load, error) {
	if c.REST {
		return programs(ctx, w)
	}
	return signedOn(ctx, w.terminals, w.devices, Cards(c.Cards))
}

// probe is how long the disk is measured before the load, and again after it.
func (c Config) probe() time.Duration { return min(time.Second, c.Duration/10) }

// pgbench measures the server, or without one a throw-away server.
func (c Config) pgbench(ctx context.Context, s *server) (tps float64, err error) {
	if s == nil {
		if s, err = startServer(ctx, throwAway); err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, s.stop()) }()
	}
	return s.pgbench(ctx, c.say)
}

// measure loads a fresh world on the server, nil for SQLite, and audits it.
func (c Config) measure(ctx context.Context, s *server) (r Report, err error) {
	w, err := c.build(ctx, s)
	defer func() { err = errors.Join(err, w.tearDown()) }()
	if err != nil {
		return r, err
	}
	l, err := c.dial(ctx, w)
	if err != nil {
		return r, fmt.Errorf("%w%s", err, w.serve.lastWords())
	}
	defer l.hangUp()
	r = c.report(s)
	syncs, err := syncTimes(w.dir, c.probe())
	if err != nil {
		return r, err
	}
	m := newMeter(w, s)
	r.Memory.Before = m.memory()
	stop := c.watch(l, m)
	err = l.run(ctx, c.Warmup, c.Duration, m.begin(ctx), m.end(ctx))
	stop()
	if err = errors.Join(err, m.err); err != nil {
		return r, fmt.Errorf("%w%s", err, w.serve.lastWords())
	}
	m.fill(&r, l)
	again, err := syncTimes(w.dir, c.probe())
	if err != nil {
		return r, err
	}
	syncs.Add(again)
	r.Sync = syncs.Quantile(0.5)
	wait(ctx, c.Cooldown)
	r.Memory.Max, r.Memory.After = m.most, m.memory()
	l.hangUp()
	c.say("stops the server and audits")
	books, err := w.stop()
	if err != nil {
		return r, err
	}
	if c.Echo {
		return r, nil // it tells nobody of money
	}
	r.Audit, err = w.audit(ctx, l.told(), books)
	return r, err
}
