package keys

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"hawker/internal/fault"
	"hawker/internal/store"
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

// row is one kept key.
type row struct {
	ref     Ref
	export  Exportability
	wrapped []byte
}

// bound is the associated data that ties a wrapped key to its row. Whether it may
// be exported is a part of it, so that nobody allows by a change of the row what the sender forbade.
func (r row) bound() []byte {
	b := fmt.Appendf(nil, "hawker key|%s|%s", r.ref, r.ref.Purpose())
	if r.export != Exportable {
		b = fmt.Appendf(b, "|%s", r.export)
	}
	return b
}

// find reads a key's row; ErrNoKey when there is none.
func find(ctx context.Context, q store.Querier, ref Ref) (row, error) {
	r := row{ref: ref}
	switch err := q.QueryRow(ctx, `SELECT wrapped, exportability FROM keys WHERE ref = $1`, string(ref)).Scan(&r.wrapped, &r.export); {
	case errors.Is(err, sql.ErrNoRows):
		return row{}, ErrNoKey.With("%s", ref)
	case err != nil:
		return row{}, unavailable(err)
	}
	return r, nil
}

// open readies a key for use; the caller wipes it or puts it into the cache.
func (ks *Keystore) open(r row) (Key, error) {
	k, err := ks.module.Open(r.ref.algorithm(), r.wrapped, r.bound())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.ref, err)
	}
	return k, nil
}

// insert stores a value unless the ref has one: then stored is false.
func (ks *Keystore) insert(ctx context.Context, tx *store.Tx, r row, kcv string) (stored bool, err error) {
	return ks.put(ctx, tx, r, kcv, `DO NOTHING`)
}

// replace stores a value in the place of any other.
func (ks *Keystore) replace(ctx context.Context, tx *store.Tx, r row, kcv string) error {
	_, err := ks.put(ctx, tx, r, kcv, `DO UPDATE SET purpose = excluded.purpose, kcv = excluded.kcv, wrapped = excluded.wrapped,
		exportability = excluded.exportability, created_at = excluded.created_at`)
	return err
}

func (ks *Keystore) put(ctx context.Context, tx *store.Tx, r row, kcv, otherwise string) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO keys (ref, purpose, kcv, wrapped, exportability, created_at)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (ref) `+otherwise,
		string(r.ref), string(r.ref.Purpose()), kcv, r.wrapped, string(r.export), store.At(ks.now()))
	return n == 1, err
}

// wrap makes the row of a clear key.
func (ks *Keystore) wrap(ref Ref, export Exportability, raw []byte) (row, error) {
	r := row{ref: ref, export: export}
	var err error
	if r.wrapped, err = ks.module.Wrap(ref.algorithm(), raw, r.bound()); err != nil {
		return row{}, fmt.Errorf("wrap %s: %w", ref, err)
	}
	return r, nil
}

func remove(ctx context.Context, tx *store.Tx, ref Ref) error {
	_, err := tx.Exec(ctx, `DELETE FROM keys WHERE ref = $1`, string(ref))
	return err
}

// firstOrStored gives the stored row of ref. Where there is none it stores what
// first makes; of several processes one wins, and all get the winner's.
func (ks *Keystore) firstOrStored(ctx context.Context, ref Ref, first func() []byte) (row, error) {
	r, err := find(ctx, ks.db.Read(), ref)
	if !errors.Is(err, ErrNoKey) {
		return r, err
	}
	raw := first()
	defer clear(raw)
	fresh, err := ks.wrap(ref, Exportable, raw)
	if err != nil {
		return row{}, err
	}
	err = ks.write(ctx, func(tx *store.Tx) (err error) {
		if _, err := ks.insert(ctx, tx, fresh, ""); err != nil {
			return err
		}
		r, err = find(ctx, tx, ref)
		return err
	})
	return r, err
}
