// Package keys is the keystore: it holds the keys that terminals and card networks
// share with us, each wrapped under one master key, and does with them what their
// purpose allows: verify messages, translate PIN blocks, decipher tracks, read and
// build key blocks. Clear keys, and PINs, never leave it; the master key is in a
// Module, software or hardware. It refuses to know who pays whom, and how a
// protocol lays its fields out.
package keys

import (
	"context"
	"errors"
	"fmt"
	"os"

	"hawker/internal/clock"
	"hawker/internal/store"
	"hawker/internal/tdes"
	"hawker/internal/tr31"
)

// Keystore performs every operation on keys. Any number of goroutines may use
// it, and several processes may share its database: a key that another process
// replaces is noticed when a message or block fails under the former one, and
// within 30 seconds in any case.
type Keystore struct {
	db     *store.DB
	now    clock.Clock
	module Module
	cache  *cache
	data   struct {
		seal, lookup, vouch DataKey
	}
}

// Open reads the master key, 32 bytes in hexadecimal, from masterFile. An absent
// file is made, with mode 0600; one that its group or others may read, or that
// belongs to another database, is ErrMaster. Whoever loses the file loses every key.
func Open(ctx context.Context, db *store.DB, masterFile string, now clock.Clock) (*Keystore, error) {
	made, err := MakeSecret(masterFile)
	if err != nil {
		return nil, fmt.Errorf("make master key: %w", err)
	}
	raw, err := ReadSecret(masterFile)
	if err != nil {
		return nil, fmt.Errorf("read master key: %w", err)
	}
	defer clear(raw)
	module, err := NewSoftware(raw)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	ks, err := OpenWith(ctx, db, module, now)
	if made && errors.Is(err, ErrMaster) {
		err = errors.Join(err, os.Remove(masterFile)) // it wraps nothing, and would hide that the right one is missing
	}
	return ks, err
}

// OpenWith opens the keystore of db with a module. One that holds another master
// key than the database's is ErrMaster. The caller closes the module, last.
func OpenWith(ctx context.Context, db *store.DB, module Module, now clock.Clock) (*Keystore, error) {
	ks := &Keystore{db: db, now: now, module: module, cache: newCache(now)}
	if err := ks.claim(ctx); err != nil {
		return nil, fmt.Errorf("open keystore: %w", err)
	}
	if err := ks.openData(ctx); err != nil {
		return nil, fmt.Errorf("open keystore: %w", err)
	}
	return ks, nil
}

// claim ties the database to its first master key, by a row that only that key unwraps.
func (ks *Keystore) claim(ctx context.Context) error {
	const ref, text = Ref("check/master"), "this database's keys are wrapped under this master key"
	r, err := ks.firstOrStored(ctx, ref, func() []byte { return []byte(text) })
	if err != nil {
		return err
	}
	_, err = ks.module.Reveal(Data, r.wrapped, r.bound())
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
func (ks *Keystore) with(ctx context.Context, do func(k []Key) error, refs ...Ref) error {
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
func (ks *Keystore) recheck(ctx context.Context, do func(k []Key) error, refs ...Ref) error {
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
	r, err := find(ctx, ks.db.Read(), ref)
	if err != nil {
		ks.cache.drop(ref)
		return false, err
	}
	k, err := ks.open(r)
	if err != nil {
		ks.cache.drop(ref)
		return false, err
	}
	return ks.cache.put(ref, k, r.wrapped, as), nil
}

// KCV is the check value of a key in hexadecimal: eight digits, ten of an AES key.
// It is no secret.
func (ks *Keystore) KCV(ctx context.Context, ref Ref) (kcv string, err error) {
	if _, err := ParseRef(string(ref)); err != nil {
		return "", err
	}
	err = ks.with(ctx, func(k []Key) (err error) {
		kcv, err = checkValue(ref.algorithm(), k[0])
		return err
	}, ref)
	return kcv, err
}

// Destroy removes keys for good. What is not there is no error.
func (ks *Keystore) Destroy(ctx context.Context, refs ...Ref) error {
	err := ks.write(ctx, func(tx *store.Tx) error { return ks.Remove(ctx, tx, refs...) })
	ks.Forget(refs...)
	return err
}

// Remove deletes keys in a transaction of the caller, who calls Forget once it has
// committed. What is not there is no error.
func (ks *Keystore) Remove(ctx context.Context, tx *store.Tx, refs ...Ref) error {
	for _, ref := range refs {
		if _, err := ParseRef(string(ref)); err != nil {
			return err
		}
	}
	for _, ref := range refs {
		if err := remove(ctx, tx, ref); err != nil {
			return err
		}
	}
	return nil
}

// RemoveWorking is Remove for what every terminal got at sign-on; the caller then
// calls ForgetAll.
func (ks *Keystore) RemoveWorking(ctx context.Context, tx *store.Tx) error {
	_, err := tx.Exec(ctx, `DELETE FROM keys WHERE purpose IN ($1, $2, $3)`, string(PurposeTPK), string(PurposeTAK), string(PurposeTDK))
	return err
}

// ForgetAll wipes every key from the memory of this process; those that are still
// kept are read again when they are needed.
func (ks *Keystore) ForgetAll() { ks.cache.dropAll() }

// Forget wipes keys from the memory of this process.
func (ks *Keystore) Forget(refs ...Ref) { ks.cache.drop(refs...) }

// checkValue is a DES key's first four bytes of enciphered zeros, and an AES key's
// first five of the CMAC of zeros, in hexadecimal.
func checkValue(a Algorithm, k Key) (string, error) {
	if a == AES {
		sum, err := tr31.CheckValue(k)
		return fmt.Sprintf("%X", sum), err
	}
	sum, err := k.Encrypt(make([]byte, tdes.BlockSize))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%X", sum[:4]), nil
}
