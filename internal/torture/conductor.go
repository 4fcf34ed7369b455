package torture

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// strike carries out the plan in time.
func (w *world) strike(ctx context.Context, plan []Strike) {
	began := time.Now()
	live := time.NewTicker(w.liveEvery())
	defer live.Stop()
	over := time.After(w.Duration)
	for {
		var next <-chan time.Time
		if len(plan) > 0 {
			next = time.After(time.Until(began.Add(plan[0].At)))
		}
		select {
		case <-next:
			if w.do(plan[0]) {
				w.mu.Lock()
				w.hits[plan[0].Kind]++
				w.mu.Unlock()
			}
			plan = plan[1:]
		case <-live.C:
			w.show(time.Since(began))
		case <-over:
			return
		case <-ctx.Done():
			return
		}
	}
}

// do strikes once; false when the target was down already.
func (w *world) do(s Strike) bool {
	switch s.Kind {
	case KillServe:
		return w.serve.kill(s.Length)
	case KillNetwork:
		return w.network.kill(s.Length)
	case KillTerminal:
		return w.workers[s.Target].kill(s.Length)
	case KillDatabase:
		return w.postgres.kill(s.Length)
	case StopServe:
		return w.serve.freeze(s.Length)
	case StopNetwork:
		return w.network.freeze(s.Length)
	case StopTerminal:
		return w.workers[s.Target].freeze(s.Length)
	case StopDatabase:
		return w.postgres.freeze(s.Length)
	case TerminalLine:
		w.toServe.SetMood(moodOf(s.Mood).without(w.Calm))
	case NetworkLine:
		w.toBank.SetMood(moodOf(s.Mood).without(w.Calm))
	case FullDisk:
		return w.disk != nil && w.disk.fill(s.Length) == nil
	case FailingIO:
		return w.failing(s)
	}
	return true
}

// failing lets the writes of the server or the network fail.
func (w *world) failing(s Strike) bool {
	p := w.serve
	if s.Target%3 == 2 {
		p = w.network
	}
	pid := p.pid()
	return pid != 0 && failWrites(pid, s.Length) == nil
}

func moodOf(name string) Mood {
	for _, m := range moods {
		if m.Name == name {
			return m
		}
	}
	return moods[0]
}

// heal ends the chaos: everything runs, nothing is disturbed, terminals end what they
// have pending and settle, the server ends its jobs. It says how long that took, and
// what did not come to rest in time. Then everything but the database is stopped.
func (w *world) heal(ctx context.Context) (took time.Duration, unhealed []string) {
	ctx, cancel := context.WithTimeout(ctx, w.Healing)
	defer cancel()
	if w.disk != nil {
		w.disk.free()
	}
	for _, p := range append(w.workers, w.serve, w.network) {
		p.signal(sigCont)
		if pid := p.pid(); w.FailingIO && pid != 0 {
			_ = limitFiles(pid, "unlimited")
		}
	}
	fail := func(format string, args ...any) { unhealed = append(unhealed, fmt.Sprintf(format, args...)) }
	for _, err := range stopAll(w.Healing, w.workers...) {
		fail("%v", err)
	}
	w.toServe.Heal()
	w.toBank.Heal()
	began := time.Now()
	if w.postgres != nil && waitFor(ctx, w.Healing, w.postgres.up) != nil {
		fail("PostgreSQL does not run again")
	}
	for _, p := range []*process{w.network, w.serve} {
		if waitFor(ctx, w.Healing, p.up) != nil {
			fail("%s does not run again", p.name)
		}
	}
	var healers []*process
	for i := range w.stations {
		healers = append(healers, w.worker(context.WithoutCancel(ctx), i, true))
	}
	for _, p := range healers {
		if waitFor(ctx, w.Healing, p.over) != nil {
			fail("terminal %s does not come to rest", p.name)
		}
		_ = p.stop(time.Second)
	}
	if waitFor(ctx, w.Healing, func() bool { n, err := w.waiting(); return err == nil && n == 0 }) != nil {
		n, err := w.waiting()
		fail("the server has %d jobs waiting after %s (%v)", n, w.Healing, err)
	}
	took = time.Since(began)
	for _, err := range stopAll(30*time.Second, w.serve, w.network) {
		fail("%v", err)
	}
	return took, unhealed
}

// stopAll stops processes together and lists those that would not.
func stopAll(within time.Duration, list ...*process) (unwilling []error) {
	results := make(chan error, len(list))
	for _, p := range list {
		go func() { results <- p.stop(within) }()
	}
	for range list {
		if err := <-results; err != nil {
			unwilling = append(unwilling, err)
		}
	}
	return unwilling
}

// liveEvery is how often the live line is written: often on a screen, seldom in a file.
func (w *world) liveEvery() time.Duration {
	if w.onScreen() {
		return 250 * time.Millisecond
	}
	return 10 * time.Second
}

func (w *world) onScreen() bool {
	f, ok := w.Out.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// show writes the live line.
func (w *world) show(at time.Duration) {
	w.mu.Lock()
	var ops, struck int
	for _, n := range w.done {
		ops += n
	}
	kills := 0
	for k, n := range w.hits {
		struck += n
		if k.kill() {
			kills += n
		}
	}
	approved, unknown := w.done["approved"], w.done["unknown"]
	w.mu.Unlock()
	frames := 0
	for _, p := range []*Proxy{w.toServe, w.toBank} {
		for f, n := range p.Counts() {
			if f != Pass {
				frames += n
			}
		}
	}
	var down []string
	for _, p := range append(w.workers, w.serve, w.network) {
		if !p.up() {
			down = append(down, p.name)
		}
	}
	line := fmt.Sprintf("%5.0fs  %d operations, %d approved, %d unknown · %d kills of %d strikes · %d frames disturbed",
		at.Seconds(), ops, approved, unknown, kills, struck, frames)
	if len(down) > 0 {
		line += " · down: " + strings.Join(down, " ")
	}
	if w.onScreen() {
		_, _ = fmt.Fprintf(w.Out, "\r\x1b[K%s", line)
		return
	}
	_, _ = fmt.Fprintln(w.Out, line)
}
