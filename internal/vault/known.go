package vault

import "sync"

// knownSize bounds what is remembered of each kind: about 8 MB.
const knownSize = 1 << 16

// known remembers tokens by fingerprint, or sealed numbers by token. It holds no
// card number in clear, and nothing in it goes stale: neither ever changes.
type known[K comparable, V any] struct {
	mu   sync.RWMutex
	size int
	m    map[K]V
}

func newKnown[K comparable, V any](size int) *known[K, V] {
	return &known[K, V]{size: size, m: map[K]V{}}
}

func (k *known[K, V]) get(key K) (V, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	v, ok := k.m[key]
	return v, ok
}

// put forgets whichever key the map's random order names first, when full.
func (k *known[K, V]) put(key K, v V) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.m[key]; !ok && len(k.m) >= k.size {
		for other := range k.m {
			delete(k.m, other)
			break
		}
	}
	k.m[key] = v
}
