package torture

import (
	"context"
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
