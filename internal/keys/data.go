package keys

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
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

// dataKeys hands out uses of the keys, not the keys, so that none can be printed.
type dataKeys struct {
	aead          aead
	lookup, vouch func(data []byte) []byte
}

// Seal enciphers plain with AES-256-GCM, under a key of its own, and binds it to
// bound: only with the same bound does it open.
func (ks *Keystore) Seal(ctx context.Context, plain, bound []byte) ([]byte, error) {
	k, err := ks.dataKeys(ctx)
	if err != nil {
		return nil, err
	}
	return k.aead().Encrypt(plain, bound)
}

// OpenSealed gives back what Seal took; the caller wipes it. Changed bytes, or
// another bound, are ErrCorrupt.
func (ks *Keystore) OpenSealed(ctx context.Context, sealed, bound []byte) ([]byte, error) {
	k, err := ks.dataKeys(ctx)
	if err != nil {
		return nil, err
	}
	plain, err := k.aead().Decrypt(sealed, bound)
	if err != nil {
		return nil, ErrCorrupt.With("sealed data does not open")
	}
	return plain, nil
}

// Lookup is HMAC-SHA-256 of data, 32 bytes, under a key of its own: equal data
// finds its row again, and nobody without the key can try data out.
func (ks *Keystore) Lookup(ctx context.Context, data []byte) ([]byte, error) {
	k, err := ks.dataKeys(ctx)
	if err != nil {
		return nil, err
	}
	return k.lookup(data), nil
}

// Vouch is HMAC-SHA-256 of data, 32 bytes, under a key of its own: who sees it
// again with the same data knows that it was us who gave it out. use names what
// it is for and has no zero byte; the same data for another use gives another value.
func (ks *Keystore) Vouch(ctx context.Context, use string, data []byte) ([]byte, error) {
	k, err := ks.dataKeys(ctx)
	if err != nil {
		return nil, err
	}
	return k.vouch(slices.Concat([]byte(use), []byte{0}, data)), nil
}

func (ks *Keystore) dataKeys(ctx context.Context) (*dataKeys, error) {
	ks.data.Lock()
	defer ks.data.Unlock()
	if ks.data.keys != nil {
		return ks.data.keys, nil
	}
	draw := func() []byte {
		b := make([]byte, dataSize)
		_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
		return b
	}
	sealKey, err := ks.firstOrStored(ctx, sealRef, draw)
	if err != nil {
		return nil, err
	}
	defer clear(sealKey)
	lookupKey, err := ks.firstOrStored(ctx, lookupRef, draw)
	if err != nil {
		return nil, err
	}
	vouchKey, err := ks.firstOrStored(ctx, vouchRef, draw)
	if err != nil {
		return nil, err
	}
	seal, err := newAEAD(sealKey)
	if err != nil || len(lookupKey) != dataSize || len(vouchKey) != dataSize {
		return nil, ErrCorrupt.With("%s, %s or %s is not of %d bytes", sealRef, lookupRef, vouchRef, dataSize)
	}
	ks.data.keys = &dataKeys{seal, mac(lookupKey), mac(vouchKey)}
	return ks.data.keys, nil
}

// mac hands out a use of key, which it keeps.
func mac(key []byte) func(data []byte) []byte {
	return func(data []byte) []byte {
		h := hmac.New(sha256.New, key)
		h.Write(data)
		return h.Sum(nil)
	}
}
