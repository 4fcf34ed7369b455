// Package keys is a software keystore: it holds the keys that terminals and
// card networks share with us, each wrapped under one master key, and does with
// them what their purpose allows: verify messages, translate PIN blocks,
// decipher tracks. Clear keys, and PINs, never leave it. It refuses to know who
// pays whom, and how a protocol lays its fields out.
package keys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"

	"hawker/internal/clock"
	"hawker/internal/store"
	"hawker/internal/tdes"
)

// Keystore performs every operation on keys. Any number of goroutines may use
// it, and several processes may share its database: a key that another process
// replaces is noticed when a message or block fails under the former one, and
// within 30 seconds in any case.
type Keystore struct {
	db     *store.DB
	now    clock.Clock
	master aead
	cache  *cache
	data   struct {
		sync.Mutex
		keys *dataKeys // nil until first used
	}
}

// Open reads the master key, 32 bytes in hexadecimal, from masterFile. An absent
// file is made, with mode 0600; one that its group or others may read, or that
// belongs to another database, is ErrMaster. Whoever loses the file loses every key.
func Open(ctx context.Context, db *store.DB, masterFile string, now clock.Clock) (*Keystore, error) {
	made, err := makeMaster(masterFile)
	if err != nil {
		return nil, fmt.Errorf("make master key: %w", err)
	}
	raw, err := readMaster(masterFile)
	if err != nil {
		return nil, fmt.Errorf("read master key: %w", err)
	}
	defer clear(raw)
	master, err := newAEAD(raw)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	ks := &Keystore{db: db, now: now, master: master, cache: newCache(now)}
	if err := ks.claim(ctx); err != nil {
		if made && errors.Is(err, ErrMaster) {
			err = errors.Join(err, os.Remove(masterFile)) // it wraps nothing, and would hide that the right one is missing
		}
		return nil, fmt.Errorf("open keystore: %w", err)
	}
	return ks, nil
}

// claim ties the database to its first master key, by a row that only that key unwraps.
func (ks *Keystore) claim(ctx context.Context) error {
	const ref, text = Ref("check/master"), "this database's keys are wrapped under this master key"
	_, err := ks.firstOrStored(ctx, ref, func() []byte { return []byte(text) })
	if errors.Is(err, ErrCorrupt) {
		return ErrMaster.With("the database's keys are wrapped under another master key")
	}
	return err
}

// attempts bounds how often an operation reads a key that is dropped again
// before it can be used.
const attempts = 8

// with runs do on the keys of refs, in their order. do must be brief and keep
// none of them: while it runs no key can be replaced.
func (ks *Keystore) with(ctx context.Context, do func(k []tdes.Key) error, refs ...Ref) error {
	for range attempts {
		missing, err := ks.cache.use(do, refs)
		if missing == "" {
			return err
		}
		if _, err := ks.refresh(ctx, missing); err != nil {
			return err
		}
	}
	return ErrUnavailable.With("%v are replaced all the time", refs)
}

// recheck is with, and once more when do's refusal may come from a key that
// another process has replaced.
func (ks *Keystore) recheck(ctx context.Context, do func(k []tdes.Key) error, refs ...Ref) error {
	refusal := ks.with(ctx, do, refs...)
	if !errors.Is(refusal, ErrMAC) && !errors.Is(refusal, ErrPINBlock) && !errors.Is(refusal, ErrTrack) {
		return refusal
	}
	again := false
	for _, ref := range refs {
		changed, err := ks.refresh(ctx, ref)
		if err != nil {
			return err
		}
		again = again || changed
	}
	if !again {
		return refusal
	}
	return ks.with(ctx, do, refs...)
}

// refresh reads a key's row into the cache, and reports whether it differs from what was there.
func (ks *Keystore) refresh(ctx context.Context, ref Ref) (changed bool, err error) {
	as := ks.cache.generation(ref)
	k, err := ks.load(ctx, ks.db.Read(), ref)
	if err != nil {
		ks.cache.drop(ref)
		return false, err
	}
	return ks.cache.put(ref, k, as), nil
}

// KCV is the check value of a key, eight hexadecimal digits. It is no secret.
func (ks *Keystore) KCV(ctx context.Context, ref Ref) (kcv string, err error) {
	if _, err := ParseRef(string(ref)); err != nil {
		return "", err
	}
	err = ks.with(ctx, func(k []tdes.Key) error {
		kcv = checkValue(k[0])
		return nil
	}, ref)
	return kcv, err
}

// Destroy removes keys for good. What is not there is no error.
func (ks *Keystore) Destroy(ctx context.Context, refs ...Ref) error {
	for _, ref := range refs {
		if _, err := ParseRef(string(ref)); err != nil {
			return err
		}
	}
	err := ks.write(ctx, func(tx *store.Tx) error {
		for _, ref := range refs {
			if err := remove(ctx, tx, ref); err != nil {
				return err
			}
		}
		return nil
	})
	ks.cache.drop(refs...)
	return err
}

func checkValue(k tdes.Key) string { return fmt.Sprintf("%X", k.KCV()) }

// aead hands out a cipher instead of being one, so that printing what holds it shows no key.
type aead func() tink.AEAD

// newAEAD is AES-256-GCM that draws a nonce for each text and puts it in front; one
// key is good for 2³² texts. key is copied.
func newAEAD(key []byte) (aead, error) {
	c, err := subtle.NewAESGCM(bytes.Clone(key))
	if err != nil {
		return nil, err
	}
	return func() tink.AEAD { return c }, nil
}
