package store

import (
	"context"
	"sync"
	"time"
)

// Cache keeps what was read for a short while, so that a row that hardly changes is
// not read for every message. It never keeps a failure. What it returns may be as old
// as its lifetime: nothing that must be true now may be decided by it.
type Cache[K comparable, V any] struct {
	read func(ctx context.Context, key K) (V, error)
	now  func() time.Time
	life time.Duration
	max  int

	mu   sync.RWMutex
	kept map[K]kept[V]
}

type kept[V any] struct {
	value V
	read  time.Time
}

// NewCache makes a cache over read that keeps at most limit values, each for life.
func NewCache[K comparable, V any](now func() time.Time, life time.Duration, limit int, read func(context.Context, K) (V, error)) *Cache[K, V] {
	return &Cache[K, V]{read: read, now: now, life: life, max: limit, kept: map[K]kept[V]{}}
}

// Get gives the value of key, read now or lately.
func (c *Cache[K, V]) Get(ctx context.Context, key K) (V, error) {
	now := c.now()
	c.mu.RLock()
	k, ok := c.kept[key]
	c.mu.RUnlock()
	if age := now.Sub(k.read); ok && age >= 0 && age < c.life { // a clock that went back proves nothing
		return k.value, nil
	}
	v, err := c.read(ctx, key)
	if err != nil {
		return v, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.kept) >= c.max {
		clear(c.kept) // simple, and rare: limits are set above what a node serves
	}
	c.kept[key] = kept[V]{v, now}
	return v, nil
}

// Forget drops the value of key, so that Get reads it again. A reading that began
// before may still put the former value back, for its lifetime.
func (c *Cache[K, V]) Forget(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.kept, key)
}
