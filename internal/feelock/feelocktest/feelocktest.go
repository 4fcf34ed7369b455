// Package feelocktest gives tests a fee lock without a keystore.
package feelocktest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"

	"hawker/internal/clock"
	"hawker/internal/feelock"
	"hawker/internal/store"
)

// Sealer makes seals under a key that is in the source: for tests.
type Sealer string

// Vouch is HMAC-SHA-256 under the Sealer's own text.
func (s Sealer) Vouch(_ context.Context, use string, data []byte) ([]byte, error) {
	h := hmac.New(sha256.New, []byte(s))
	_, _ = h.Write([]byte(use))
	_, _ = h.Write([]byte{0})
	_, _ = h.Write(data)
	return h.Sum(nil), nil
}

// Open makes a Book over a test's database.
func Open(db *store.DB, now clock.Clock) *feelock.Book {
	return feelock.Open(feelock.Config{DB: db, Seal: Sealer("test"), Clock: now})
}

// Consent begins lines in tests.
func Consent() feelock.Consent { return feelock.Seeded("a test") }
