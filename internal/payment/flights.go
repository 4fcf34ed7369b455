package payment

import (
	"context"
	"math"
	"sync"
)

// flights are the attempts that this process is sending now. A repeat of one
// waits for its outcome instead of being told that nothing is known.
type flights struct {
	mu sync.Mutex
	m  map[int64]chan struct{}
}

// begin notes a flight; the caller calls land when its outcome is stored.
func (f *flights) begin(attempt int64) (land func()) {
	done := make(chan struct{})
	f.mu.Lock()
	if f.m == nil {
		f.m = map[int64]chan struct{}{}
	}
	f.m[attempt] = done
	f.mu.Unlock()
	return func() {
		f.mu.Lock()
		delete(f.m, attempt)
		f.mu.Unlock()
		close(done)
	}
}

// has reports whether the attempt is in flight here.
func (f *flights) has(attempt int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.m[attempt]
	return ok
}

// never is an id that no attempt has.
const never = math.MaxInt64

// oldest is the smallest id in flight here; never when there is none.
func (f *flights) oldest() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := int64(never)
	for k := range f.m {
		id = min(id, k)
	}
	return id
}

// wait returns when the attempt has landed, at once when it is not in flight here, or when ctx ends.
func (f *flights) wait(ctx context.Context, attempt int64) {
	f.mu.Lock()
	done := f.m[attempt]
	f.mu.Unlock()
	if done == nil {
		return
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
}
