package store

import "sync"

// bells are who wants to know, within this process, that something was committed.
type bells struct {
	mu   sync.RWMutex
	next int
	ring map[string]map[int]func(key int64)
}

// Listen has f called after each commit of a transaction that announced a key under a
// topic, once for each key. f must return at once. What other processes commit is not
// heard: whoever must miss nothing also looks by himself, less often.
func (db *DB) Listen(topic string, f func(key int64)) (stop func()) {
	b := &db.bells
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ring == nil {
		b.ring = map[string]map[int]func(int64){}
	}
	if b.ring[topic] == nil {
		b.ring[topic] = map[int]func(int64){}
	}
	id := b.next
	b.next++
	b.ring[topic][id] = f
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.ring[topic], id)
	}
}

// announced is what one transaction will have told.
type announced struct {
	topic string
	key   int64
}

// Announce has those who listen to a topic told of key, when and if the transaction is committed.
func (t *Tx) Announce(topic string, key int64) {
	if t.announced == nil {
		t.announced = map[announced]bool{}
	}
	t.announced[announced{topic, key}] = true
}

// announce tells the listeners.
func (b *bells) announce(what map[announced]bool) {
	if len(what) == 0 {
		return
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	for a := range what {
		for _, f := range b.ring[a.topic] {
			f(a.key)
		}
	}
}
