package feelock

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"hawker/internal/merchant"
	"hawker/internal/store"
)

// The uses of the seals' key, so that one kind of row never stands for another.
const (
	useConsent = "fee consent"
	usePlan    = "fee plan"
	useHead    = "fee head"
)

// row is a stored plan.
type row struct {
	key
	currency string
	version  int
	rate     int64
	min, cap int64
	from     store.Time
	consent  Consent
	seal     string
}

// bytes is what the seal covers; before is the seal of the version before, "" of the first.
func (r row) bytes(before string) []byte {
	return fmt.Appendf(nil, "%d|%q|%q|%s|%d|%d|%d|%d|%d|%s|%s", r.merchant, r.Method, r.CardKind, r.currency, r.version, r.rate, r.min, r.cap, r.from, before, r.consent.seal)
}

// bytes is what a consent's seal covers.
func (c Consent) bytes(m merchant.ID) []byte {
	return fmt.Appendf(nil, "%d|%d|%s|%q|%q|%x|%q|%d", m, c.id, c.kind, c.actor, c.name, c.document, c.object, store.At(c.at))
}

// headBytes is what the seal of a line's head covers: how many versions there are, and the last one's seal.
func headBytes(k key, versions int, last string) []byte {
	return fmt.Appendf(nil, "%d|%q|%q|%d|%s", k.merchant, k.Method, k.CardKind, versions, last)
}

func (b *Book) vouch(ctx context.Context, use string, data []byte) (string, error) {
	sum, err := b.seal.Vouch(ctx, use, data)
	if err != nil {
		return "", fmt.Errorf("seal a %s: %w", use, err)
	}
	return hex.EncodeToString(sum), nil
}

// known is a seal with all that it covers; the process has seen that they belong together.
type known [sha256.Size]byte

// maxKnown bounds the seals in memory: some ten thousand merchants' plans.
const maxKnown = 1 << 17

// holds reports whether a seal is ours and covers data. The module is asked once for each:
// in hardware that takes a thousand times what the comparison takes.
func (b *Book) holds(ctx context.Context, use string, data []byte, seal string) (bool, error) {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%q|%q|", use, seal)
	_, _ = h.Write(data)
	var k known
	h.Sum(k[:0])
	b.mu.Lock()
	_, ok := b.known[k]
	b.mu.Unlock()
	if ok {
		return true, nil
	}
	ours, err := b.vouch(ctx, use, data)
	if err != nil {
		return false, err
	}
	if !hmac.Equal([]byte(ours), []byte(seal)) {
		return false, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.known) >= maxKnown {
		clear(b.known)
	}
	b.known[k] = struct{}{}
	return true, nil
}
