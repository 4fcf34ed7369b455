package torture

import (
	"fmt"
	"os"
	"strings"
	"time"
)

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
