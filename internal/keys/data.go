package keys

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
)

// The keys of our own data. They are made at the first start and never replaced: what
// they sealed, what they looked up, and what they vouched for in print, would be lost.
const (
	sealRef   = Ref("vault-seal/v1")
	lookupRef = Ref("vault-lookup/v1")
	vouchRef  = Ref("own-vouch/v1")
	dataSize  = 32
)

// Seal enciphers plain with AES-256-GCM, under a key of its own, and binds it to
// bound: only with the same bound does it open.
func (ks *Keystore) Seal(_ context.Context, plain, bound []byte) ([]byte, error) {
	return ks.data.seal.Seal(plain, bound)
}

// OpenSealed gives back what Seal took; the caller wipes it. Changed bytes, or
// another bound, are ErrCorrupt.
func (ks *Keystore) OpenSealed(_ context.Context, sealed, bound []byte) ([]byte, error) {
	return ks.data.seal.Unseal(sealed, bound)
}

// Lookup is HMAC-SHA-256 of data, 32 bytes, under a key of its own: equal data
// finds its row again, and nobody without the key can try data out.
func (ks *Keystore) Lookup(_ context.Context, data []byte) ([]byte, error) {
	return ks.data.lookup.Sum(data)
}

// Vouch is HMAC-SHA-256 of data, 32 bytes, under a key of its own: who sees it
// again with the same data knows that it was us who gave it out. use names what
// it is for and has no zero byte; the same data for another use gives another value.
func (ks *Keystore) Vouch(_ context.Context, use string, data []byte) ([]byte, error) {
	return ks.data.vouch.Sum(slices.Concat([]byte(use), []byte{0}, data))
}

// openData opens the keys, and makes those that are not there. It is done at once, because
// what makes a key writes, and would wait for a transaction that waits for it.
func (ks *Keystore) openData(ctx context.Context) error {
	for ref, kept := range map[Ref]*DataKey{sealRef: &ks.data.seal, lookupRef: &ks.data.lookup, vouchRef: &ks.data.vouch} {
		r, err := ks.firstOrStored(ctx, ref, func() []byte {
			b := make([]byte, dataSize)
			_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
			return b
		})
		if err != nil {
			return err
		}
		if *kept, err = ks.module.OpenData(r.wrapped, r.bound()); err != nil {
			return fmt.Errorf("%s: %w", ref, err)
		}
	}
	return nil
}
