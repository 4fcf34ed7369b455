package torture

import (
	"context"
	"fmt"
	"time"
)

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
			fail("%s does not come to rest", p.name)
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
