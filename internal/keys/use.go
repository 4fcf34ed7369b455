package keys

import (
	"context"
	"errors"

	"hawker/internal/card"
	"hawker/internal/tdes"
)

// MAC is the eight bytes of the MAC field for data, under a terminal's or a
// network's authentication key. algorithm is one of package tdes.
func (ks *Keystore) MAC(ctx context.Context, ref Ref, algorithm string, data []byte) (mac []byte, err error) {
	if err := ref.must(PurposeTAK, PurposeZAK); err != nil {
		return nil, err
	}
	err = ks.with(ctx, func(k []Key) (err error) {
		mac, err = tdes.MACBy(algorithm, k[0], data)
		return err
	}, ref)
	return mac, err
}

// VerifyMAC refuses with ErrMAC what was not authenticated under the key.
func (ks *Keystore) VerifyMAC(ctx context.Context, ref Ref, algorithm string, data, mac []byte) error {
	if err := ref.must(PurposeTAK, PurposeZAK); err != nil {
		return err
	}
	return ks.recheck(ctx, func(k []Key) error {
		err := tdes.VerifyMACBy(algorithm, k[0], data, mac)
		if errors.Is(err, tdes.ErrMAC) {
			return ErrMAC.With("under %s", ref)
		}
		return err
	}, ref)
}

// TranslatePIN deciphers a PIN block of ISO 9564-1 format 0 under from, a PIN
// key of a terminal or network, and enciphers the same PIN for the same card
// under to, a network's PIN key. The clear PIN lives in this function alone. A
// block that is none under from and pan is ErrPINBlock.
func (ks *Keystore) TranslatePIN(ctx context.Context, from, to Ref, pan card.PAN, block card.PINBlock) (out card.PINBlock, err error) {
	if from.Purpose() == purposeSerial {
		return ks.translateDerived(ctx, from, to, pan, block)
	}
	if err := from.must(PurposeTPK, PurposeZPK); err != nil {
		return card.PINBlock{}, err
	}
	if err := to.must(PurposeZPK); err != nil {
		return card.PINBlock{}, err
	}
	err = ks.recheck(ctx, func(k []Key) (err error) {
		out, err = translate(k[0].Decrypt, k[1].Encrypt, pan, block)
		return err
	}, from, to)
	return out, err
}

func translate(decrypt, encrypt func([]byte) ([]byte, error), pan card.PAN, block card.PINBlock) (card.PINBlock, error) {
	clearBlock, err := decrypt(block.Reveal())
	if err != nil {
		return card.PINBlock{}, err
	}
	defer clear(clearBlock)
	pin, err := card.DecodePIN(card.ISO0, clearBlock, pan)
	if err != nil {
		return card.PINBlock{}, ErrPINBlock.Wrap(err)
	}
	defer pin.Wipe()
	return seal(encrypt, pin, pan)
}

// seal enciphers a PIN for a network, as a block of format 0.
func seal(encrypt func([]byte) ([]byte, error), pin card.PIN, pan card.PAN) (card.PINBlock, error) {
	fresh, err := card.EncodePIN(card.ISO0, pin, pan)
	if err != nil {
		return card.PINBlock{}, err
	}
	defer clear(fresh)
	sealed, err := encrypt(fresh)
	if err != nil {
		return card.PINBlock{}, err
	}
	return card.NewPINBlock(sealed)
}

// DecryptTrack gives the clear track of one that a terminal enciphered under its
// data key; the caller wipes both. What does not decipher to a track is ErrTrack.
func (ks *Keystore) DecryptTrack(ctx context.Context, ref Ref, track card.Track) (out card.Track, err error) {
	if err := ref.must(PurposeTDK); err != nil {
		return card.Track{}, err
	}
	err = ks.recheck(ctx, func(k []Key) error {
		text, err := tdes.DecryptTrackBy(k[0].Decrypt, string(track.Reveal()))
		if errors.Is(err, tdes.ErrTrack) {
			return ErrTrack.With("under %s", ref)
		}
		out = card.NewTrack(text)
		return err
	}, ref)
	if err != nil {
		return card.Track{}, err
	}
	return out, nil
}
