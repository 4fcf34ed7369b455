package keys

import (
	"context"
	"encoding/hex"
	"errors"

	"hawker/internal/card"
	"hawker/internal/dukpt"
)

// purposeSerial names the keys of one transaction by their serial number. They are derived, never stored.
const purposeSerial Purpose = "ksn"

// Serial refers to the PIN key of one transaction, for TranslatePIN.
func Serial(ksn []byte) Ref { return refer(purposeSerial, hex.EncodeToString(ksn)) }

// session is the key of one transaction of a reader, of either kind.
type session interface {
	VerifyRequest(data, mac []byte) error
	ResponseMAC(data []byte) ([]byte, error)
	DecryptData(sealed []byte) ([]byte, error)
	Wipe()
}

// serial is a key serial number taken apart.
type serial struct {
	base    Ref
	reader  string
	counter uint32
	open    func(base []byte) (session, error)
}

// parseSerial reads a serial number of ten bytes, or of twelve for AES.
func parseSerial(ksn []byte) (serial, error) {
	if k, err := dukpt.ParseAESKSN(ksn); err == nil {
		return serial{AESBDK(k.KeySet()), k.Reader(), k.Counter(), func(base []byte) (session, error) {
			initial, err := dukpt.AESInitialKey(base, k[:8])
			if err != nil {
				return nil, err
			}
			defer clear(initial)
			return dukpt.NewAESSession(initial, k)
		}}, nil
	}
	k, err := dukpt.ParseKSN(ksn)
	if err != nil {
		return serial{}, ErrSerial.Wrap(err)
	}
	return serial{BDK(k.KeySet()), k.Reader(), k.Counter(), func(base []byte) (session, error) {
		initial, err := dukpt.InitialKey(base, k)
		if err != nil {
			return nil, err
		}
		defer clear(initial)
		return dukpt.NewSession(initial, k)
	}}, nil
}

// derive runs do under the transaction's key, with the keys of more. The base key is
// revealed for it, because what derivation makes of it is nothing that a module makes.
func (ks *Keystore) derive(ctx context.Context, n serial, do func(s session, more []Key) error, more ...Ref) error {
	r, err := find(ctx, ks.db.Read(), n.base)
	if err != nil {
		return err
	}
	base, err := ks.module.Reveal(n.base.algorithm(), r.wrapped, r.bound())
	if err != nil {
		return err
	}
	defer clear(base)
	s, err := n.open(base)
	if err != nil {
		return ErrSerial.Wrap(err)
	}
	defer s.Wipe()
	if len(more) == 0 {
		return do(s, nil)
	}
	return ks.recheck(ctx, func(k []Key) error { return do(s, k) }, more...)
}

// VerifyDerived refuses with ErrMAC what the reader of serial number ksn did not
// authenticate, with ErrReader what comes from another reader than the
// terminal's, and with ErrCounter a counter that has been used, unless it is the
// last one's message again. After nil the counter is spent.
func (ks *Keystore) VerifyDerived(ctx context.Context, terminal string, ksn, data, mac []byte) error {
	n, err := parseSerial(ksn)
	if err != nil {
		return err
	}
	err = ks.derive(ctx, n, func(s session, _ []Key) error {
		if s.VerifyRequest(data, mac) != nil {
			return ErrMAC.With("under %x", ksn)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return ks.spend(ctx, terminal, n, data, mac)
}

// MACDerived is the eight bytes of the MAC field of an answer, under the key of the request's serial number.
func (ks *Keystore) MACDerived(ctx context.Context, ksn, data []byte) (mac []byte, err error) {
	n, err := parseSerial(ksn)
	if err != nil {
		return nil, err
	}
	err = ks.derive(ctx, n, func(s session, _ []Key) (err error) {
		mac, err = s.ResponseMAC(data)
		return err
	})
	return mac, err
}

// DecryptTrackDerived gives the clear track of one that a reader enciphered; the
// caller wipes both. What does not decipher to a track is ErrTrack.
func (ks *Keystore) DecryptTrackDerived(ctx context.Context, ksn, sealed []byte) (track card.Track, err error) {
	n, err := parseSerial(ksn)
	if err != nil {
		return card.Track{}, err
	}
	err = ks.derive(ctx, n, func(s session, _ []Key) error {
		text, err := s.DecryptData(sealed)
		if errors.Is(err, dukpt.ErrData) {
			return ErrTrack.With("under %x", ksn)
		}
		if err != nil {
			return err
		}
		defer clear(text)
		for _, c := range text {
			if (c < '0' || c > '9') && c != '=' {
				return ErrTrack.With("under %x", ksn)
			}
		}
		track = card.NewTrack(string(text))
		return nil
	})
	return track, err
}

// translateDerived is TranslatePIN from a transaction's key: of a block of ISO
// 9564-1 format 0, or of format 4 where the reader has AES.
func (ks *Keystore) translateDerived(ctx context.Context, from, to Ref, pan card.PAN, block card.PINBlock) (out card.PINBlock, err error) {
	if err := to.must(PurposeZPK); err != nil {
		return card.PINBlock{}, err
	}
	ksn, err := hex.DecodeString(from.Owner())
	if err != nil {
		return card.PINBlock{}, ErrSerial.With("%s", from)
	}
	n, err := parseSerial(ksn)
	if err != nil {
		return card.PINBlock{}, err
	}
	err = ks.derive(ctx, n, func(s session, more []Key) error {
		pin, err := decipherPIN(s, block, pan)
		if err != nil {
			return ErrPINBlock.Wrap(err)
		}
		defer pin.Wipe()
		out, err = seal(more[0].Encrypt, pin, pan)
		return err
	}, to)
	return out, err
}

func decipherPIN(s session, block card.PINBlock, pan card.PAN) (card.PIN, error) {
	if s, ok := s.(dukpt.AESSession); ok {
		account, err := card.AccountField(pan)
		if err != nil {
			return card.PIN{}, err
		}
		field, err := s.DecryptPIN(block.Reveal(), account)
		if err != nil {
			return card.PIN{}, err
		}
		defer clear(field)
		return card.ParsePINField(field)
	}
	clearBlock, err := s.(dukpt.Session).DecryptPIN(block.Reveal())
	if err != nil {
		return card.PIN{}, err
	}
	defer clear(clearBlock)
	return card.DecodePIN(card.ISO0, clearBlock, pan)
}
