package keys

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

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

// Component is one person's part of a key, checked by its own check value. It
// prints as "[key]".
type Component struct{ part tdes.Key }

// NewComponent reads a part of 8, 16 or 24 bytes in hexadecimal, blanks allowed,
// and its check value of six or eight digits. What does not match is ErrComponent.
func NewComponent(text, kcv string) (Component, error) {
	raw, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return Component{}, ErrComponent.With("not hexadecimal") // the decoder's own error quotes a digit
	}
	defer clear(raw)
	part, err := tdes.NewKey(raw)
	if err != nil {
		return Component{}, ErrComponent.Wrap(err)
	}
	if !matches(part, kcv) {
		part.Wipe()
		return Component{}, ErrComponent.With("check value differs")
	}
	return Component{part}, nil
}

// Format hides the part for every verb.
func (c Component) Format(f fmt.State, verb rune) { c.part.Format(f, verb) }

// Wipe overwrites the part; a wiped or zero Component is refused.
func (c Component) Wipe() { c.part.Wipe() }

// Inject stores the XOR of two or more components of one length, and returns
// the key's check value for the people to compare.
func (ks *Keystore) Inject(ctx context.Context, ref Ref, over Overwrite, components ...Component) (kcv string, err error) {
	parts := make([][]byte, len(components))
	for i, c := range components {
		parts[i] = c.part.Reveal()
	}
	defer wipeAll(parts)
	raw, err := tdes.XOR(parts...)
	if err != nil {
		return "", ErrComponent.Wrap(err)
	}
	defer clear(raw)
	return ks.keep(ctx, ref, over, raw, "")
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
	err := ks.with(ctx, func(k []tdes.Key) (err error) {
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
	return ks.keep(ctx, ref, over, raw, kcv)
}

// keep checks a clear key against its purpose, and kcv if there is one, and stores it.
func (ks *Keystore) keep(ctx context.Context, ref Ref, over Overwrite, raw []byte, kcv string) (string, error) {
	if _, err := ParseRef(string(ref)); err != nil {
		return "", err
	}
	k, err := tdes.NewKey(raw)
	if err != nil {
		return "", ErrComponent.Wrap(err)
	}
	defer k.Wipe()
	if kcv != "" && !matches(k, kcv) {
		return "", ErrComponent.With("%s: check value differs", ref)
	}
	if err := strong(ref.Purpose(), k); err != nil {
		return "", err
	}
	err = ks.write(ctx, func(tx *store.Tx) error {
		if over == Replace {
			return ks.replace(ctx, tx, ref, raw, checkValue(k))
		}
		return ks.settle(ctx, tx, ref, raw, k)
	})
	if err != nil {
		return "", err
	}
	ks.cache.drop(ref)
	return checkValue(k), nil
}

// settle stores k unless there is another.
func (ks *Keystore) settle(ctx context.Context, tx *store.Tx, ref Ref, raw []byte, k tdes.Key) error {
	stored, err := ks.insert(ctx, tx, ref, raw, checkValue(k))
	if err != nil || stored {
		return err
	}
	old, err := ks.load(ctx, tx, ref)
	if err != nil {
		return err
	}
	defer old.Wipe()
	if !old.Equal(k) {
		return ErrExists.With("%s", ref)
	}
	return nil
}

// strong refuses what protects less than its length promises: components that
// cancel out, and equal halves, except in an authentication key, where networks
// send a single-length key doubled.
func strong(p Purpose, k tdes.Key) error {
	const zeroKey = "8CA64DE9" // the check value of nothing but zeros, parity aside, of any length
	authentication := p == PurposeTAK || p == PurposeZAK
	switch {
	case !slices.Contains(sizes[p], k.Size()):
		return ErrWeak.With("a %s of %d bytes, want %v", p, k.Size(), sizes[p])
	case k.Degenerate() && !authentication:
		return ErrWeak.With("a %s with equal halves", p)
	case checkValue(k) == zeroKey:
		return ErrWeak.With("a %s of zeros", p)
	}
	return nil
}

// matches compares a check value of six or eight digits with the key's own.
func matches(k tdes.Key, kcv string) bool {
	kcv = strings.ToUpper(strings.Join(strings.Fields(kcv), ""))
	return (len(kcv) == 6 || len(kcv) == 8) && strings.HasPrefix(checkValue(k), kcv)
}

func wipeAll(parts [][]byte) {
	for _, p := range parts {
		clear(p)
	}
}
