package keys

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"hawker/internal/fault"
	"hawker/internal/store"
	"hawker/internal/tdes"
)

// write runs a transaction; what the database refuses is ErrUnavailable.
func (ks *Keystore) write(ctx context.Context, do func(tx *store.Tx) error) error {
	return unavailable(ks.db.Write(ctx, do))
}

// unavailable gives an error of the database its kind, and leaves ours alone.
func unavailable(err error) error {
	if f := (*fault.Fault)(nil); err == nil || errors.As(err, &f) {
		return err
	}
	return ErrUnavailable.Wrap(err)
}

// load reads and unwraps a key, which the caller wipes or puts into the cache.
func (ks *Keystore) load(ctx context.Context, q store.Querier, ref Ref) (tdes.Key, error) {
	raw, err := ks.unwrap(ctx, q, ref)
	if err != nil {
		return tdes.Key{}, err
	}
	defer clear(raw)
	k, err := tdes.NewKey(raw)
	if err != nil {
		return tdes.Key{}, ErrCorrupt.With("%s: %w", ref, err)
	}
	return k, nil
}

func (ks *Keystore) unwrap(ctx context.Context, q store.Querier, ref Ref) ([]byte, error) {
	var wrapped []byte
	switch err := q.QueryRow(ctx, `SELECT wrapped FROM keys WHERE ref = $1`, string(ref)).Scan(&wrapped); {
	case errors.Is(err, sql.ErrNoRows):
		return nil, ErrNoKey.With("%s", ref)
	case err != nil:
		return nil, unavailable(err)
	}
	raw, err := ks.master().Decrypt(wrapped, ref.bound())
	if err != nil {
		return nil, ErrCorrupt.With("%s does not unwrap", ref)
	}
	return raw, nil
}

// insert stores a value unless the ref has one: then stored is false.
func (ks *Keystore) insert(ctx context.Context, tx *store.Tx, ref Ref, raw []byte, kcv string) (stored bool, err error) {
	return ks.put(ctx, tx, ref, raw, kcv, `DO NOTHING`)
}

// replace stores a value in the place of any other.
func (ks *Keystore) replace(ctx context.Context, tx *store.Tx, ref Ref, raw []byte, kcv string) error {
	_, err := ks.put(ctx, tx, ref, raw, kcv,
		`DO UPDATE SET purpose = excluded.purpose, kcv = excluded.kcv, wrapped = excluded.wrapped, created_at = excluded.created_at`)
	return err
}

func (ks *Keystore) put(ctx context.Context, tx *store.Tx, ref Ref, raw []byte, kcv, otherwise string) (bool, error) {
	wrapped, err := ks.master().Encrypt(raw, ref.bound())
	if err != nil {
		return false, fmt.Errorf("wrap %s: %w", ref, err)
	}
	n, err := tx.Exec(ctx, `INSERT INTO keys (ref, purpose, kcv, wrapped, created_at)
		VALUES ($1, $2, $3, $4, $5) ON CONFLICT (ref) `+otherwise,
		string(ref), string(ref.Purpose()), kcv, wrapped, store.At(ks.now()))
	return n == 1, err
}

func remove(ctx context.Context, tx *store.Tx, ref Ref) error {
	_, err := tx.Exec(ctx, `DELETE FROM keys WHERE ref = $1`, string(ref))
	return err
}

// firstOrStored gives the stored bytes of ref. Where there are none it stores
// what first makes; of several processes one wins, and all get the winner's.
func (ks *Keystore) firstOrStored(ctx context.Context, ref Ref, first func() []byte) ([]byte, error) {
	raw, err := ks.unwrap(ctx, ks.db.Read(), ref)
	if !errors.Is(err, ErrNoKey) {
		return raw, err
	}
	fresh := first()
	defer clear(fresh)
	err = ks.write(ctx, func(tx *store.Tx) (err error) {
		if _, err := ks.insert(ctx, tx, ref, fresh, ""); err != nil {
			return err
		}
		raw, err = ks.unwrap(ctx, tx, ref)
		return err
	})
	return raw, err
}
