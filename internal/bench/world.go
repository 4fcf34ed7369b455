package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"hawker/internal/apikey"
	"hawker/internal/app"
	"hawker/internal/ledger"
	"hawker/internal/store"
)

// world is everything that one measurement needs: a data directory and an empty
// database, filled, and the two processes that are measured.
type world struct {
	dir        string
	target     string // the database's URL; "" is SQLite in dir
	devices    []app.Device
	preload    int
	account    ledger.Account // of what the network owes
	receivable tallies        // what the preload left
	since      int64          // the load's attempts have ids from here on
	network    *process
	serve      *process
	terminals  string          // address of the terminal port
	keys       []apikey.Secret // of each device's program
	metrics    string          // URL
	closers    []func() error
}

// build makes a world; the caller tears it down, also after an error.
func (c Config) build(ctx context.Context, s *server) (w *world, err error) {
	w = &world{account: app.CardReceivable()}
	if c.REST {
		w.account = app.CodesReceivable()
	}
	if w.dir, err = os.MkdirTemp("", "hawker-bench-"); err != nil {
		return w, err
	}
	w.closers = append(w.closers, func() error { return os.RemoveAll(w.dir) })
	if s != nil {
		target, drop, err := s.fresh(ctx, "hawker_bench")
		if err != nil {
			return w, err
		}
		w.target, w.closers = target, append(w.closers, drop)
	}
	if err := c.fill(ctx, w); err != nil {
		return w, err
	}
	if s != nil {
		if err := s.settle(ctx, w.target, c.Preload > 0); err != nil {
			return w, err
		}
	}
	return w, c.run(ctx, w)
}

// fill provisions the terminals and makes the history.
func (c Config) fill(ctx context.Context, w *world) (err error) {
	c.say(fmt.Sprintf("provisions %d terminals of %d merchants", c.Terminals, c.Merchants))
	each := c.Terminals / c.Merchants
	if w.devices, err = app.Provision(ctx, app.Config{Data: w.dir, Database: w.target}, c.Merchants, each); err != nil {
		return err
	}
	db, err := app.OpenStore(ctx, w.dir, w.target)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if c.REST {
		if err := w.giveKeys(ctx, db); err != nil {
			return err
		}
	}
	if c.Preload > 0 {
		h := history{db: db, payments: c.Preload, first: w.devices[0].Merchant, merchants: c.Merchants, terminals: each}
		if err := h.write(ctx, c.say); err != nil {
			return err
		}
	}
	w.preload, w.since = c.Preload, store.NewID(time.Now())
	w.receivable, err = receivables(ctx, db.Read(), w.account)
	return err
}

// run starts the processes and learns where they listen.
func (c Config) run(ctx context.Context, w *world) (err error) {
	role := func(name string, args ...string) (*process, error) {
		return start(ctx, w.dir, name, append([]string{c.Program}, args...))
	}
	if c.Echo {
		return c.runEcho(w, role)
	}
	network := []string{"bench", "--as-network", w.dir, "--cards", strconv.Itoa(c.Cards), "--delay", c.Delay.String()}
	if c.Sandbox {
		network = append(network, "--sandbox")
	}
	w.network, err = role("network", network...)
	if err != nil {
		return err
	}
	address, err := w.network.says("network")
	if err != nil {
		return err
	}
	batch := "0" // the server's own bound
	if c.BatchingOff {
		batch = "1"
	}
	w.serve, err = role("serve", "serve", "--data", w.dir, "--database", w.target, "--iso", "127.0.0.1:0", "--iso-plain", "--http", "127.0.0.1:0", "--wallets", "127.0.0.1:0", "--batch", batch,
		"--network", address, "--network-timeout", (c.Delay + 20*time.Second).String(), "--log-level", c.LogLevel)
	if err != nil {
		return err
	}
	if w.terminals, err = w.serve.says("terminals"); err != nil {
		return err
	}
	w.metrics, err = w.serve.says("metrics")
	return err
}

// stop ends the server, then the network, and gives what the network wrote of its books.
func (w *world) stop() (books []byte, err error) {
	_, err = w.serve.stop()
	books, stopped := w.network.stop()
	return books, errors.Join(err, stopped)
}

// tearDown ends what still runs and removes what was made.
func (w *world) tearDown() error {
	_, err := w.stop()
	errs := []error{err}
	for i := len(w.closers) - 1; i >= 0; i-- {
		errs = append(errs, w.closers[i]())
	}
	return errors.Join(errs...)
}
