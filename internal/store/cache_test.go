package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"hawker/internal/store"
)

func TestACacheIsReadAgainWhenItsTimeIsOver(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	reads, broken := 0, errors.New("broken")
	var fail error
	c := store.NewCache(func() time.Time { return now }, time.Second, 2, func(_ context.Context, key int) (int, error) {
		reads++
		return 10 * key, fail
	})
	get := func(key, want int) {
		t.Helper()
		if v, err := c.Get(t.Context(), key); err != nil || v != 10*key || reads != want {
			t.Errorf("key %d: %d, %v after %d reads, want %d", key, v, err, reads, want)
		}
	}
	get(1, 1)
	now = now.Add(999 * time.Millisecond)
	get(1, 1)
	now = now.Add(time.Millisecond)
	get(1, 2)
	now = now.Add(-time.Hour) // a clock that went back proves nothing
	get(1, 3)
	get(2, 4)
	get(3, 5) // no room: all are forgotten
	get(1, 6)
	c.Forget(1)
	c.Forget(7) // which is not there
	get(1, 7)
	now, fail = now.Add(time.Minute), broken
	for range 2 {
		if _, err := c.Get(t.Context(), 1); !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
	}
	if reads != 9 {
		t.Errorf("a failure was kept: %d reads", reads)
	}
	never := store.NewCache(time.Now, 0, 1, func(context.Context, int) (int, error) { reads++; return 0, nil })
	for range 2 {
		_, _ = never.Get(t.Context(), 1)
	}
	if reads != 11 {
		t.Errorf("without a lifetime nothing is kept: %d reads", reads)
	}
}
