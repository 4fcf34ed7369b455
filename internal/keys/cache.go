package keys

import (
	"bytes"
	"hash/maphash"
	"sync"
	"time"

	"hawker/internal/clock"
)

const (
	// cacheSize bounds the open keys.
	cacheSize = 8192
	// cacheAge bounds how long a key serves that another process has replaced or destroyed.
	cacheAge = 30 * time.Second
)

// cache holds keys that are open in the module. A key is wiped when it leaves, so users hold the read
// lock for as long as they use it.
type cache struct {
	mu    sync.RWMutex
	now   clock.Clock
	size  int
	keys  map[Ref]entry
	seed  maphash.Seed
	drops [1024]uint64 // counts drop for a part of the refs, so that what was read before one is not put behind it
}

type entry struct {
	key     Key
	wrapped []byte // what the row held
	read    time.Time
}

func newCache(now clock.Clock) *cache {
	return &cache{now: now, size: cacheSize, keys: map[Ref]entry{}, seed: maphash.MakeSeed()}
}

// use runs do on the keys of refs and gives its error. When one is missing or
// too old, do does not run, and missing names it.
func (c *cache) use(do func([]Key) error, refs []Ref) (missing Ref, err error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	now := c.now()
	found := make([]Key, 0, 2)
	for _, ref := range refs {
		e, ok := c.keys[ref]
		if age := now.Sub(e.read); !ok || age >= cacheAge || age <= -cacheAge {
			return ref, nil
		}
		found = append(found, e.key)
	}
	return "", do(found)
}

// generation counts what was dropped among the refs that ref stands with.
func (c *cache) generation(ref Ref) uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return *c.dropsOf(ref)
}

func (c *cache) dropsOf(ref Ref) *uint64 {
	return &c.drops[maphash.String(c.seed, string(ref))%uint64(len(c.drops))]
}

// put takes a key over that was read in generation as, and reports whether its row
// is new. In a later generation the key is wiped instead.
func (c *cache) put(ref Ref, k Key, wrapped []byte, as uint64) (changed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if as != *c.dropsOf(ref) {
		k.Wipe()
		return true // perhaps; the caller reads again
	}
	old, ok := c.keys[ref]
	changed = !ok || !bytes.Equal(old.wrapped, wrapped)
	if !ok && len(c.keys) >= c.size {
		c.evict()
	}
	c.keys[ref] = entry{k, wrapped, c.now()}
	if ok {
		old.key.Wipe()
	}
	return changed
}

// evict forgets whichever key the map's random order names first.
func (c *cache) evict() {
	for ref, e := range c.keys {
		delete(c.keys, ref)
		e.key.Wipe()
		return
	}
}

// drop forgets keys whose rows have changed.
func (c *cache) drop(refs ...Ref) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ref := range refs {
		*c.dropsOf(ref)++
		if e, ok := c.keys[ref]; ok {
			e.key.Wipe()
			delete(c.keys, ref)
		}
	}
}

// dropAll forgets every key.
func (c *cache) dropAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.drops {
		c.drops[i]++
	}
	for ref, e := range c.keys {
		delete(c.keys, ref)
		e.key.Wipe()
	}
}
