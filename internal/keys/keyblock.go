package keys

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"

	"hawker/internal/tr31"
)

// blockUse is how a purpose reads in a key block's header (X9.143, key usage and mode of use).
type blockUse struct {
	usages []string // accepted; the first is written
	modes  string   // accepted; the first is written
}

// blockUses holds the purposes that travel in key blocks. A mode is accepted when
// it allows what we do with the key: encipher under a TMK and a ZPK, decipher under
// a TPK, a TDK and a ZMK, make and verify codes under a TAK and a ZAK.
var blockUses = map[Purpose]blockUse{
	PurposeTMK: {[]string{"K0"}, "BEN"}, PurposeZMK: {[]string{"K0"}, "BDN"},
	PurposeTPK: {[]string{"P0"}, "BDN"}, PurposeZPK: {[]string{"P0"}, "BEN"}, PurposeTDK: {[]string{"D0"}, "BDN"},
	PurposeTAK: {[]string{"M3", "M0", "M1"}, "CN"}, PurposeZAK: {[]string{"M3", "M0", "M1"}, "CN"},
	PurposeBDK:  {[]string{"B0"}, "XN"},
	PurposeKBPK: {[]string{"K1"}, "BN"}, PurposeTDESKBPK: {[]string{"K1"}, "BN"},
}

// ImportBlock stores the key of a key block that is protected under kbpk, and
// returns its check value. The block's header must allow what the key is for: its
// usage and mode fit ref's purpose. A key that came not exportable stays so: the
// block's exportability counts, not in's. in.KCV is what the sender says. What is malformed, or not authentic,
// is ErrKeyBlock, whose cause says where; a key for another use is ErrPurpose.
func (ks *Keystore) ImportBlock(ctx context.Context, ref Ref, in Injection, kbpk Ref, block string) (string, error) {
	if _, err := ParseRef(string(ref)); err != nil {
		return "", err
	}
	if err := kbpk.must(PurposeKBPK, PurposeTDESKBPK); err != nil {
		return "", err
	}
	block = strings.TrimSpace(block)
	h, err := tr31.ParseHeader(block)
	if err != nil {
		return "", ErrKeyBlock.Wrap(err)
	}
	if err := fits(h, ref, kbpk); err != nil {
		return "", err
	}
	h, raw, err := ks.unwrapBlock(ctx, kbpk, h.Version, block)
	if err != nil {
		return "", err
	}
	defer clear(raw)
	in.Exportability = Exportability(string(rune(h.Exportability)))
	return ks.keep(ctx, ref, in, raw)
}

func (ks *Keystore) unwrapBlock(ctx context.Context, kbpk Ref, version byte, block string) (h tr31.Header, raw []byte, err error) {
	if version == 'A' || version == 'C' { // variants of the protection key, which a module does not make
		return ks.unwrapVariant(ctx, kbpk, block)
	}
	err = ks.with(ctx, func(k []Key) (err error) {
		h, raw, err = tr31.Unwrap(k[0], block)
		return err
	}, kbpk)
	return h, raw, blockFault(err)
}

func (ks *Keystore) unwrapVariant(ctx context.Context, kbpk Ref, block string) (h tr31.Header, raw []byte, err error) {
	r, err := find(ctx, ks.db.Read(), kbpk)
	if err != nil {
		return h, nil, err
	}
	protection, err := ks.module.Reveal(kbpk.algorithm(), r.wrapped, r.bound())
	if err != nil {
		return h, nil, err
	}
	defer clear(protection)
	k, err := tr31.NewTDES(protection)
	if err != nil {
		return h, nil, ErrCorrupt.Wrap(err)
	}
	defer k.Wipe()
	h, raw, err = tr31.Unwrap(k, block)
	return h, raw, blockFault(err)
}

// blockFault gives tr31's complaints their kind.
func blockFault(err error) error {
	var format *tr31.FormatError
	if errors.As(err, &format) || errors.Is(err, tr31.ErrMAC) || errors.Is(err, tr31.ErrKBPK) || errors.Is(err, tr31.ErrKey) {
		return ErrKeyBlock.Wrap(err)
	}
	return err
}

// fits refuses a header that does not allow what ref is for, or a version that kbpk does not protect.
func fits(h tr31.Header, ref, kbpk Ref) error {
	use := blockUses[ref.Purpose()]
	algorithms := map[Algorithm]string{DES: "TD", AES: "A"}[ref.algorithm()]
	switch {
	case (h.Version == 'D') != (kbpk.Purpose() == PurposeKBPK):
		return ErrKeyBlock.With("version %c is not protected by a %s", h.Version, kbpk.Purpose())
	case !slices.Contains(use.usages, h.Usage):
		return ErrPurpose.With("usage %s, a %s has %v", h.Usage, ref.Purpose(), use.usages)
	case !strings.ContainsRune(use.modes, rune(h.Mode)):
		return ErrPurpose.With("mode %c, a %s has one of %s", h.Mode, ref.Purpose(), use.modes)
	case !strings.ContainsRune(algorithms, rune(h.Algorithm)):
		return ErrPurpose.With("algorithm %c, a %s has one of %s", h.Algorithm, ref.Purpose(), algorithms)
	}
	return nil
}

// ExportBlock gives a key in a key block under kbpk, version D under an AES key and
// B under triple DES, and its check value. as is the exportability that the block
// grants its receiver. A key that is Sealed is ErrSealed, one stronger than its
// protection ErrKeyBlock.
func (ks *Keystore) ExportBlock(ctx context.Context, ref, kbpk Ref, as Exportability) (block, kcv string, err error) {
	use, ok := blockUses[ref.Purpose()]
	if _, err := ParseRef(string(ref)); err != nil || !ok {
		return "", "", ErrPurpose.With("%.80q does not travel in key blocks", string(ref))
	}
	if err := kbpk.must(PurposeKBPK, PurposeTDESKBPK); err != nil {
		return "", "", err
	}
	if len(as) != 1 || !strings.Contains("ESN", string(as)) {
		return "", "", ErrPurpose.With("exportability %.8q", string(as))
	}
	r, err := find(ctx, ks.db.Read(), ref)
	if err != nil {
		return "", "", err
	}
	if r.export == Sealed {
		return "", "", ErrSealed.With("%s", ref)
	}
	raw, err := ks.module.Reveal(ref.algorithm(), r.wrapped, r.bound())
	if err != nil {
		return "", "", err
	}
	defer clear(raw)
	h := tr31.Header{Version: 'B', Usage: use.usages[0], Algorithm: 'T', Mode: use.modes[0], KeyVersion: "00", Exportability: as[0]}
	if ref.algorithm() == AES {
		h.Algorithm = 'A'
	}
	if kbpk.Purpose() == PurposeKBPK {
		h.Version = 'D'
	}
	if kcv, err = checkValueOf(ref.algorithm(), raw); err != nil {
		return "", "", err
	}
	err = ks.with(ctx, func(k []Key) (err error) {
		block, err = tr31.Wrap(k[0], h, raw, rand.Reader)
		return err
	}, kbpk)
	return block, kcv, blockFault(err)
}
