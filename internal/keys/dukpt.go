package keys

import (
	"context"
	"errors"

	"hawker/internal/card"
	"hawker/internal/dukpt"
)

// TranslateDUKPT is TranslatePIN for a reader with one key a transaction: the block
// is under the PIN key that ksn names, derived from the base derivation key bdk. That
// ksn is newer than the reader's last one is for the caller to see.
func (ks *Keystore) TranslateDUKPT(ctx context.Context, bdk Ref, ksn dukpt.KSN, to Ref, pan card.PAN, block card.PINBlock) (out card.PINBlock, err error) {
	if err := to.must(PurposeZPK); err != nil {
		return card.PINBlock{}, err
	}
	s, err := ks.session(ctx, bdk, ksn)
	if err != nil {
		return card.PINBlock{}, err
	}
	defer s.Wipe()
	err = ks.with(ctx, func(k []Key) (err error) {
		out, err = translate(s.DecryptPIN, k[0].Encrypt, pan, block)
		return err
	}, to)
	return out, err
}

// VerifyDUKPT refuses with ErrMAC what the reader of ksn did not authenticate: the
// retail MAC under the request key of that transaction.
func (ks *Keystore) VerifyDUKPT(ctx context.Context, bdk Ref, ksn dukpt.KSN, data, mac []byte) error {
	s, err := ks.session(ctx, bdk, ksn)
	if err != nil {
		return err
	}
	defer s.Wipe()
	err = s.VerifyRequest(data, mac)
	if errors.Is(err, dukpt.ErrMAC) {
		return ErrMAC.With("under %s, %s", bdk, ksn)
	}
	return err
}

// DUKPTMAC is the code, eight bytes, of an answer to the reader of ksn, under the
// response key of that transaction.
func (ks *Keystore) DUKPTMAC(ctx context.Context, bdk Ref, ksn dukpt.KSN, data []byte) ([]byte, error) {
	s, err := ks.session(ctx, bdk, ksn)
	if err != nil {
		return nil, err
	}
	defer s.Wipe()
	if len(data) == 0 {
		return nil, ErrPurpose.With("no message to authenticate")
	}
	return s.ResponseMAC(data)
}

// session derives a transaction's key. The base key is revealed for it, because its
// variant, which derivation needs, is nothing that a module makes.
func (ks *Keystore) session(ctx context.Context, bdk Ref, ksn dukpt.KSN) (dukpt.Session, error) {
	if err := bdk.must(PurposeBDK); err != nil {
		return dukpt.Session{}, err
	}
	r, err := find(ctx, ks.db.Read(), bdk)
	if err != nil {
		return dukpt.Session{}, err
	}
	raw, err := ks.module.Reveal(bdk.algorithm(), r.wrapped, r.bound())
	if err != nil {
		return dukpt.Session{}, err
	}
	defer clear(raw)
	initial, err := dukpt.InitialKey(raw, ksn)
	if err != nil {
		return dukpt.Session{}, ErrCorrupt.Wrap(err)
	}
	defer clear(initial)
	s, err := dukpt.NewSession(initial, ksn)
	if err != nil {
		return dukpt.Session{}, ErrKSN.Wrap(err)
	}
	return s, nil
}
