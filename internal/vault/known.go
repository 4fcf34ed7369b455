package vault

import (
	"sync"

	"hawker/internal/card"
)

// knownSize bounds the remembered tokens: about 8 MB.
const knownSize = 1 << 16

// known remembers tokens by fingerprint. It holds no card number, and nothing
// in it goes stale: a token never changes.
type known struct {
	mu     sync.RWMutex
	size   int
	tokens map[fingerprint]card.Token
}

func newKnown(size int) *known {
	return &known{size: size, tokens: map[fingerprint]card.Token{}}
}

func (k *known) get(fp fingerprint) (card.Token, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	token, ok := k.tokens[fp]
	return token, ok
}

// put forgets whichever fingerprint the map's random order names first, when full.
func (k *known) put(fp fingerprint, token card.Token) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.tokens[fp]; !ok && len(k.tokens) >= k.size {
		for other := range k.tokens {
			delete(k.tokens, other)
			break
		}
	}
	k.tokens[fp] = token
}
