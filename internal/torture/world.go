package torture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// world is everything that a run starts: processes, proxies, the database, the disk.
type world struct {
	Config
	dir      string
	stations []station
	disk     *disk   // nil unless it can be full
	postgres *keeper // nil on SQLite
	toServe  *Proxy  // between terminals and server
	toBank   *Proxy  // between server and network
	serve    *process
	network  *process
	workers  []*process
	health   string // the server's address for readyz
	stop     context.CancelFunc
	busy     sync.WaitGroup
	closers  []func() error

	mu   sync.Mutex
	done map[string]int // operations by what was told, for the live line
	hits map[StrikeKind]int
}

// The places of a run.
func (w *world) data() string      { return filepath.Join(w.dir, "disk", "data") }
func (w *world) terminals() string { return filepath.Join(w.dir, "terminals") }
func (w *world) logs() string      { return filepath.Join(w.dir, "logs") }

// target is the database as --database wants it: "" is the SQLite file.
func (w *world) target() string {
	if w.postgres == nil {
		return ""
	}
	return w.postgres.Address()
}

// open starts everything, in the order in which one part needs another.
func (w *world) open(ctx context.Context) (err error) {
	w.done, w.hits = map[string]int{}, map[StrikeKind]int{}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	w.stop = stop
	if err := w.places(ctx); err != nil {
		return err
	}
	if err := w.database(ctx, life); err != nil {
		return err
	}
	ports, err := freePorts(5)
	if err != nil {
		return err
	}
	iso, bank, toServe, toBank := ports[0], ports[1], ports[2], ports[3]
	w.health = ports[4]
	longest := 5 * w.Patience / 2
	if w.toServe, err = NewProxy(ctx, toServe, iso, w.Seed, 1, longest); err != nil {
		return err
	}
	w.closers = append(w.closers, func() error { w.toServe.Close(); return nil })
	if w.toBank, err = NewProxy(ctx, toBank, bank, w.Seed, 2, longest); err != nil {
		return err
	}
	w.closers = append(w.closers, func() error { w.toBank.Close(); return nil })
	if err := w.provision(ctx, toServe); err != nil {
		return err
	}
	w.network = w.start(life, &process{name: "network", args: []string{"sandbox", "--data", w.data(), "--addr", bank, "--late", longest.String()}})
	if err := waitFor(ctx, 10*time.Second, func() bool { return listens(bank) }); err != nil {
		return fmt.Errorf("the network did not start: %w: see %s", err, w.logs())
	}
	w.serve = w.start(life, &process{name: "serve", ready: "terminals", args: w.serveArgs(iso, toBank)})
	if err := waitFor(ctx, 20*time.Second, w.serve.up); err != nil {
		return fmt.Errorf("the server did not start: %w: see %s", err, w.logs())
	}
	for i := range w.stations {
		w.workers = append(w.workers, w.worker(life, i, false))
	}
	return nil
}

func (w *world) serveArgs(iso, network string) []string {
	args := []string{"serve", "--data", w.data(), "--iso", iso, "--iso-plain", "--http", w.health, "--wallets", "127.0.0.1:0", "--network", network, "--network-timeout", w.Patience.String()}
	if t := w.target(); t != "" {
		args = append(args, "--database", t)
	}
	return args
}

// places makes the directories, on a small disk of their own when it is to be full.
func (w *world) places(ctx context.Context) error {
	if w.DiskFull {
		megabytes := 256
		if w.Database == Postgres {
			megabytes = 1536
		}
		d, err := mountDisk(ctx, filepath.Join(w.dir, "disk"), megabytes)
		if err != nil {
			_, _ = fmt.Fprintf(w.Out, "skipped: %v\n", err)
			w.DiskFull = false
		} else {
			w.disk = d
			w.closers = append(w.closers, d.unmount)
		}
	}
	if err := os.Chmod(w.dir, 0o711); err != nil { //nolint:gosec // PostgreSQL's user passes through it
		return err
	}
	for _, place := range []string{w.data(), w.terminals(), w.logs()} {
		if err := os.MkdirAll(place, 0o700); err != nil {
			return err
		}
	}
	return os.Chmod(filepath.Dir(w.data()), 0o711) //nolint:gosec // PostgreSQL's user passes through it
}

// database starts PostgreSQL, on the small disk when there is one.
func (w *world) database(ctx, life context.Context) error {
	if w.Database != Postgres {
		return nil
	}
	place := ""
	if w.disk != nil {
		place = w.disk.dir
	}
	db, err := startPostgres(ctx, place)
	if err != nil {
		return err
	}
	w.postgres = &keeper{database: db}
	w.closers = append(w.closers, w.postgres.end)
	w.busy.Go(func() { w.postgres.watch(life) })
	return nil
}

// start begins a process that is kept running.
func (w *world) start(life context.Context, p *process) *process {
	p.gone = make(chan struct{})
	log, err := os.OpenFile(filepath.Join(w.logs(), p.name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		p.past.Crashes = append(p.past.Crashes, err.Error())
		close(p.gone)
		return p
	}
	p.log = log
	w.busy.Go(func() {
		p.run(life, w.Binary)
		_ = log.Close()
	})
	return p
}

// worker begins a terminal's process, to work or to heal.
func (w *world) worker(life context.Context, i int, heal bool) *process {
	s := w.stations[i]
	work, err := json.Marshal(Worker{State: s.State, Slips: s.Slips, Host: w.toServe.Addr(), Seed: w.Seed<<8 + uint64(i), //nolint:gosec // below 99
		Timeout: 2 * w.Patience, Bank: !w.Calm[bank], Heal: heal})
	if err != nil {
		panic(err) // numbers and names
	}
	args := []string{"torture", "--terminal", string(work)}
	return w.start(life, &process{name: s.Name, ready: "power-on", once: heal, line: w.tell, args: args})
}

// tell counts what a worker did for the live line.
func (w *world) tell(line string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, told, ok := strings.Cut(line, " "); ok {
		w.done[told]++
	}
}

// waiting asks the server how many jobs wait; it fails while the server or its database does not answer.
func (w *world) waiting() (jobs int, err error) {
	client := http.Client{Timeout: 2 * time.Second}
	r, err := client.Get("http://" + w.health + "/readyz")
	if err != nil {
		return 0, err
	}
	defer func() { _ = r.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(r.Body, 4096))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if n, ok := strings.CutPrefix(line, "jobs waiting: "); ok {
			return strconv.Atoi(strings.TrimSpace(n))
		}
	}
	return 0, fmt.Errorf("not ready: %s", b)
}

// close ends whatever is left, last first.
func (w *world) close() error {
	for _, p := range append(w.workers, w.serve, w.network) {
		if p != nil {
			_ = p.stop(5 * time.Second)
		}
	}
	w.stop()
	w.busy.Wait()
	var errs []error
	for i := len(w.closers) - 1; i >= 0; i-- {
		errs = append(errs, w.closers[i]())
	}
	return errors.Join(errs...)
}
