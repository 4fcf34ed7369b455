package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// meter reads what the processes use and the server tells, at the beginning and the
// end of the measured time.
type meter struct {
	w        *world
	server   *server // nil with SQLite
	from, to reading
	most     int64 // of the server's memory, from start on
	err      error
}

// reading is everything at one instant.
type reading struct {
	at        time.Time
	cpu       map[string]time.Duration // by process
	used, all time.Duration            // of the whole machine
	commits   commits
}

func newMeter(w *world, s *server) *meter { return &meter{w: w, server: s} }

func (m *meter) begin(ctx context.Context) func() { return func() { m.from = m.read(ctx) } }
func (m *meter) end(ctx context.Context) func()   { return func() { m.to = m.read(ctx) } }

func (m *meter) read(ctx context.Context) (r reading) {
	var err error
	r.commits, err = scrape(ctx, m.w.metrics)
	m.err = errors.Join(m.err, err)
	r.cpu = map[string]time.Duration{"serve": cpuTime(m.w.serve.cmd.Process.Pid), "bench": cpuTime(os.Getpid())}
	if m.w.network != nil {
		r.cpu["network"] = cpuTime(m.w.network.cmd.Process.Pid)
	}
	if m.server != nil && m.server.pid != 0 {
		r.cpu["postgres"] = familyTime(m.server.pid)
	}
	r.used, r.all = machineTime()
	r.at = time.Now()
	return r
}

// memory is the server's, now.
func (m *meter) memory() int64 {
	now := resident(m.w.serve.cmd.Process.Pid)
	m.most = max(m.most, now)
	return now
}

// fill writes what was measured into the report.
func (m *meter) fill(r *Report, l *load) {
	took := m.to.at.Sub(m.from.at)
	times := l.latency()
	r.Payments = times.Count()
	r.Rate = float64(r.Payments) / took.Seconds()
	r.Latency = Latency{times.Quantile(0.5), times.Quantile(0.99), times.Quantile(0.999), times.Max()}
	r.Errors = l.declined()
	ours := time.Duration(0)
	r.CPU = map[string]float64{}
	for name, from := range m.from.cpu {
		used := m.to.cpu[name] - from
		ours += used
		r.CPU[name] = float64(used.Microseconds()) / float64(max(r.Payments, 1))
	}
	if all := m.to.all - m.from.all; all > 0 {
		r.Others = max(0, float64(m.to.used-m.from.used-ours)/float64(all))
	}
	if c := m.to.commits.since(m.from.commits); c.count > 0 {
		r.Commits = &Commits{c.count / took.Seconds(), c.commands / c.count, c.quantile(0.5), c.quantile(0.99)}
	}
}

// watch samples the server's memory and writes a line each second until stop.
func (c Config) watch(l *load, m *meter) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		fast := time.NewTicker(100 * time.Millisecond)
		defer fast.Stop()
		began, last, at := time.Now(), int64(0), time.Now()
		for {
			select {
			case <-done:
				return
			case <-fast.C:
			}
			m.memory()
			if since := time.Since(at); since >= time.Second {
				paid := l.paid.Load()
				c.say(fmt.Sprintf("%3.0f s  %7.0f payments/s  %d errors  %s", time.Since(began).Seconds(),
					float64(paid-last)/since.Seconds(), l.refused.Load(), megabytes(resident(m.w.serve.cmd.Process.Pid))))
				last, at = paid, time.Now()
			}
		}
	})
	return sync.OnceFunc(func() { close(done); wg.Wait() })
}
