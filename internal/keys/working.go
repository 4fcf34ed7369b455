package keys

import (
	"context"
	"crypto/rand"
	"fmt"

	"hawker/internal/store"
	"hawker/internal/tdes"
)

// Layout is a sign-on's network management code (F60.3), which says what
// working keys the terminal asks for.
type Layout string

const (
	// Double asks for a double-length PIN key and a single-length authentication key.
	Double Layout = "003"
	// DoubleWithTrack asks for a double-length data key besides.
	DoubleWithTrack Layout = "004"
)

// Wrapped is a key enciphered under another (ECB), and its check value of four
// bytes. Neither is secret. The zero Wrapped is no key.
type Wrapped struct{ Cipher, KCV []byte }

// WorkingKeys are a terminal's keys until its next sign-on, under its master
// key: TPK 16 bytes, TAK 8, TDK 16 or none.
type WorkingKeys struct{ TPK, TAK, TDK Wrapped }

// WorkingKeys generates the keys of layout for the terminal that owns tmk, and
// stores them in the place of its former ones, all or none. A layout without a
// data key destroys the former. Layouts other than the two are ErrLayout: a
// single-length PIN key is not acceptable.
func (ks *Keystore) WorkingKeys(ctx context.Context, tmk Ref, layout Layout) (WorkingKeys, error) {
	if err := tmk.must(PurposeTMK); err != nil {
		return WorkingKeys{}, err
	}
	if layout != Double && layout != DoubleWithTrack {
		return WorkingKeys{}, ErrLayout.With("%.8q", string(layout))
	}
	var out WorkingKeys
	// In this order in every transaction, so that two sign-ons of one terminal queue up.
	batch := []struct {
		ref  Ref
		size int
		out  *Wrapped
		row  row
	}{
		{ref: TPK(tmk.Owner()), size: 16, out: &out.TPK},
		{ref: TAK(tmk.Owner()), size: 8, out: &out.TAK},
		{ref: TDK(tmk.Owner()), size: 16, out: &out.TDK},
	}
	refs := make([]Ref, len(batch))
	for i := range batch {
		refs[i] = batch[i].ref
	}
	if layout == Double {
		batch = batch[:2]
	}
	for i := range batch {
		k, err := tdes.Generate(batch[i].size, rand.Reader)
		if err != nil {
			return WorkingKeys{}, ErrUnavailable.Wrap(err)
		}
		defer k.Wipe()
		if *batch[i].out, batch[i].row, err = ks.wrapUnder(ctx, tmk, batch[i].ref, k); err != nil {
			return WorkingKeys{}, err
		}
	}
	err := ks.write(ctx, func(tx *store.Tx) error {
		for _, b := range batch {
			if err := ks.replace(ctx, tx, b.row, fmt.Sprintf("%X", b.out.KCV)); err != nil {
				return err
			}
		}
		if layout == Double {
			return remove(ctx, tx, TDK(tmk.Owner()))
		}
		return nil
	})
	ks.cache.drop(refs...)
	if err != nil {
		return WorkingKeys{}, err
	}
	return out, nil
}

// wrapUnder enciphers k for a terminal, and wraps it for ourselves.
func (ks *Keystore) wrapUnder(ctx context.Context, tmk, ref Ref, k tdes.Key) (w Wrapped, r row, err error) {
	raw := k.Reveal()
	defer clear(raw)
	w.KCV = k.KCV()
	err = ks.with(ctx, func(m []Key) (err error) {
		w.Cipher, err = m[0].Encrypt(raw)
		return err
	}, tmk)
	if err == nil {
		r, err = ks.wrap(ref, Sealed, raw)
	}
	return w, r, err
}
