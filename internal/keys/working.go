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
// or eight bytes. Neither is secret. The zero Wrapped is no key.
type Wrapped struct{ Cipher, KCV []byte }

// WorkingKeys are a terminal's keys until its next sign-on, under its master
// key: TPK 16 bytes, TAK 8 or 16, TDK 16 or none.
type WorkingKeys struct{ TPK, TAK, TDK Wrapped }

// WorkingKeys generates the keys of layout for the terminal that owns tmk, and
// stores them in the place of its former ones, all or none. A layout without a
// data key destroys the former. Layouts other than the two are ErrLayout: a
// single-length PIN key is not acceptable.
func (ks *Keystore) WorkingKeys(ctx context.Context, tmk Ref, layout Layout) (WorkingKeys, error) {
	return ks.WorkingKeysOf(ctx, tmk, layout, Sizes{})
}

// Sizes are what dialects differ in. The zero Sizes are the usual ones.
type Sizes struct {
	TAK int // bytes of the authentication key, 8 or 16; 8 when 0
	KCV int // bytes of each check value, 4 or 8; 4 when 0
}

// WorkingKeysOf is WorkingKeys in other sizes.
func (ks *Keystore) WorkingKeysOf(ctx context.Context, tmk Ref, layout Layout, s Sizes) (WorkingKeys, error) {
	if s.TAK == 0 {
		s.TAK = 8
	}
	if s.KCV == 0 {
		s.KCV = 4
	}
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
		{ref: TAK(tmk.Owner()), size: s.TAK, out: &out.TAK},
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
		if *batch[i].out, batch[i].row, err = ks.wrapUnder(ctx, tmk, batch[i].ref, k, s.KCV); err != nil {
			return WorkingKeys{}, err
		}
	}
	err := ks.write(ctx, func(tx *store.Tx) error {
		for _, b := range batch {
			if err := ks.replace(ctx, tx, b.row, fmt.Sprintf("%X", b.out.KCV[:4])); err != nil {
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

// wrapUnder enciphers k for a terminal, with the first kcv bytes of its check value, and
// wraps it for ourselves.
func (ks *Keystore) wrapUnder(ctx context.Context, tmk, ref Ref, k tdes.Key, kcv int) (w Wrapped, r row, err error) {
	raw := k.Reveal()
	defer clear(raw)
	whole, err := k.Encrypt(make([]byte, tdes.BlockSize))
	if err != nil {
		return w, r, err
	}
	w.KCV = whole[:min(kcv, len(whole))]
	err = ks.with(ctx, func(m []Key) (err error) {
		w.Cipher, err = m[0].Encrypt(raw)
		return err
	}, tmk)
	if err == nil {
		r, err = ks.wrap(ref, Sealed, raw)
	}
	return w, r, err
}
