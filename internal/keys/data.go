package keys

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
)

// The keys of our own data. They are made at first use and never replaced: what
// they sealed, what they looked up, and what they vouched for in print, would be lost.
const (
	sealRef   = Ref("vault-seal/v1")
	lookupRef = Ref("vault-lookup/v1")
	vouchRef  = Ref("own-vouch/v1")
	dataSize  = 32
)

// Seal enciphers plain with AES-256-GCM, under a key of its own, and binds it to
// bound: only with the same bound does it open.
func (ks *Keystore) Seal(ctx context.Context, plain, bound []byte) ([]byte, error) {
	k, err := ks.dataKey(ctx, sealRef, &ks.data.seal)
	if err != nil {
		return nil, err
	}
	return k.Seal(plain, bound)
}

// OpenSealed gives back what Seal took; the caller wipes it. Changed bytes, or
// another bound, are ErrCorrupt.
func (ks *Keystore) OpenSealed(ctx context.Context, sealed, bound []byte) ([]byte, error) {
	k, err := ks.dataKey(ctx, sealRef, &ks.data.seal)
	if err != nil {
		return nil, err
	}
	return k.Unseal(sealed, bound)
}

// Lookup is HMAC-SHA-256 of data, 32 bytes, under a key of its own: equal data
// finds its row again, and nobody without the key can try data out.
func (ks *Keystore) Lookup(ctx context.Context, data []byte) ([]byte, error) {
	k, err := ks.dataKey(ctx, lookupRef, &ks.data.lookup)
	if err != nil {
		return nil, err
	}
	return k.Sum(data)
}

// Vouch is HMAC-SHA-256 of data, 32 bytes, under a key of its own: who sees it
// again with the same data knows that it was us who gave it out. use names what
// it is for and has no zero byte; the same data for another use gives another value.
func (ks *Keystore) Vouch(ctx context.Context, use string, data []byte) ([]byte, error) {
	k, err := ks.dataKey(ctx, vouchRef, &ks.data.vouch)
	if err != nil {
		return nil, err
	}
	return k.Sum(slices.Concat([]byte(use), []byte{0}, data))
}

// dataKey gives one of the keys, which is opened once and kept open.
func (ks *Keystore) dataKey(ctx context.Context, ref Ref, kept *DataKey) (DataKey, error) {
	ks.data.Lock()
	defer ks.data.Unlock()
	if *kept != nil {
		return *kept, nil
	}
	r, err := ks.firstOrStored(ctx, ref, func() []byte {
		b := make([]byte, dataSize)
		_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
		return b
	})
	if err != nil {
		return nil, err
	}
	k, err := ks.module.OpenData(r.wrapped, r.bound())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ref, err)
	}
	*kept = k
	return k, nil
}
