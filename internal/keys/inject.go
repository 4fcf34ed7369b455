package keys

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"slices"

	"hawker/internal/store"
	"hawker/internal/tdes"
)

// Overwrite says what happens to another value under the same name.
type Overwrite bool

const (
	// Keep refuses with ErrExists. The same value again is accepted.
	Keep Overwrite = false
	// Replace puts the new value in its place at once.
	Replace Overwrite = true
)

// Exportability says whether a key may leave in a key block again (X9.143).
type Exportability string

// The exportabilities.
const (
	Exportable Exportability = "E" // under any key block protection key
	Sensitive  Exportability = "S" // likewise, where its owner agrees, which people decide
	Sealed     Exportability = "N" // not at all
)

// Injection says how a key is stored. The zero Injection keeps what is there,
// compares no check value and makes the key Exportable.
type Injection struct {
	Over          Overwrite
	KCV           string // six digits or more that the key's must begin with; "" is not compared
	Exportability Exportability
	// Also runs in the transaction that stores the key, with its check value: what
	// must be true when the key is there, such as a record of who brought it. nil is nothing.
	Also func(ctx context.Context, tx *store.Tx, kcv string) error
}

// Inject stores the XOR of two or more components of one length, and returns
// the key's check value for the people to compare.
func (ks *Keystore) Inject(ctx context.Context, ref Ref, over Overwrite, components ...Component) (kcv string, err error) {
	return ks.InjectAs(ctx, ref, Injection{Over: over}, components...)
}

// InjectAs is Inject with more to say.
func (ks *Keystore) InjectAs(ctx context.Context, ref Ref, in Injection, components ...Component) (kcv string, err error) {
	if _, err := ParseRef(string(ref)); err != nil {
		return "", err
	}
	raw, err := combine(ref.algorithm(), components)
	if err != nil {
		return "", err
	}
	defer clear(raw)
	return ks.keep(ctx, ref, in, raw)
}

// InjectWrapped stores a key that a network sent enciphered under the zone
// master key (ECB), and returns its check value. kcv is what the network says
// it is, six or eight digits; another is ErrComponent.
func (ks *Keystore) InjectWrapped(ctx context.Context, ref Ref, over Overwrite, zmk Ref, wrapped []byte, kcv string) (string, error) {
	if err := ref.must(PurposeZPK, PurposeZAK); err != nil {
		return "", err
	}
	if err := zmk.must(PurposeZMK); err != nil {
		return "", err
	}
	var raw []byte
	err := ks.with(ctx, func(k []Key) (err error) {
		raw, err = k[0].Decrypt(wrapped)
		return err
	}, zmk)
	if errors.Is(err, tdes.ErrBlocks) || kcv == "" {
		return "", ErrComponent.With("%s came in pieces of blocks or without a check value", ref)
	}
	if err != nil {
		return "", err
	}
	defer clear(raw)
	return ks.keep(ctx, ref, Injection{Over: over, KCV: kcv}, raw)
}

// keep checks a clear key against its purpose and check value, and stores it with odd parity.
func (ks *Keystore) keep(ctx context.Context, ref Ref, in Injection, raw []byte) (string, error) {
	if _, err := ParseRef(string(ref)); err != nil {
		return "", err
	}
	if in.Exportability == "" {
		in.Exportability = Exportable
	}
	if !slices.Contains([]Exportability{Exportable, Sensitive, Sealed}, in.Exportability) {
		return "", ErrPurpose.With("exportability %.8q", string(in.Exportability))
	}
	a := ref.algorithm()
	if a == DES {
		tdes.SetOddParity(raw)
	}
	k, err := local(a, raw)
	if err != nil {
		return "", ErrComponent.Wrap(err)
	}
	defer k.Wipe()
	kcv, err := checkValue(a, k)
	if err != nil {
		return "", err
	}
	if in.KCV != "" && !matches(kcv, in.KCV) {
		return "", ErrComponent.With("%s: check value differs", ref)
	}
	if err := strong(ref.Purpose(), k, raw); err != nil {
		return "", err
	}
	fresh, err := ks.wrap(ref, in.Exportability, raw)
	if err != nil {
		return "", err
	}
	err = ks.write(ctx, func(tx *store.Tx) error {
		var err error
		if in.Over == Replace {
			err = ks.replace(ctx, tx, fresh, kcv)
		} else {
			err = ks.settle(ctx, tx, fresh, k, kcv)
		}
		if err == nil && in.Also != nil {
			err = in.Also(ctx, tx, kcv)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	ks.cache.drop(ref)
	return kcv, nil
}

// settle stores k unless there is another.
func (ks *Keystore) settle(ctx context.Context, tx *store.Tx, fresh row, k Key, kcv string) error {
	stored, err := ks.insert(ctx, tx, fresh, kcv)
	if err != nil || stored {
		return err
	}
	r, err := find(ctx, tx, fresh.ref)
	if err != nil {
		return err
	}
	old, err := ks.open(r)
	if err != nil {
		return err
	}
	defer old.Wipe()
	if same, err := computesAlike(old, k); err != nil {
		return err
	} else if !same || r.export != fresh.export {
		return ErrExists.With("%s", fresh.ref)
	}
	return nil
}

// computesAlike reports whether two keys encipher a random text alike, which tells
// that they are equal without either leaving its module.
func computesAlike(a, b Key) (bool, error) {
	text := make([]byte, 32)
	_, _ = rand.Read(text) // never fails: crypto/rand ends the process instead
	one, err := a.Encrypt(text)
	if err != nil {
		return false, err
	}
	two, err := b.Encrypt(text)
	return err == nil && subtle.ConstantTimeCompare(one, two) == 1, err
}

// strong refuses what protects less than its length promises: weak keys of DES,
// components that cancel out, and equal halves, except in an authentication key,
// where networks send a single-length key doubled.
func strong(p Purpose, k Key, raw []byte) error {
	if !slices.Contains(sizes[p], k.Size()) {
		return ErrWeak.With("a %s of %d bytes, want %v", p, k.Size(), sizes[p])
	}
	d, ok := k.(tdes.Key)
	if !ok {
		if subtle.ConstantTimeCompare(raw, make([]byte, len(raw))) == 1 {
			return ErrWeak.With("a %s of zeros", p)
		}
		return nil
	}
	authentication := p == PurposeTAK || p == PurposeZAK
	switch {
	case d.Degenerate() && !authentication:
		return ErrWeak.With("a %s with equal halves", p)
	case d.Weak():
		return ErrWeak.With("a %s with a weak or semi-weak key of DES in it", p)
	}
	return nil
}
