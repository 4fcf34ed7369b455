package keys_test

import (
	"encoding/hex"
	"errors"
	"testing"

	"hawker/internal/card"
	"hawker/internal/dukpt"
	"hawker/internal/keys"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

// The published transaction of ANSI X9.24-1: PIN 1234, card 4012345678909.
const (
	bdkClear     = "0123456789ABCDEFFEDCBA9876543210"
	dukptPIN     = "1B9C1845EB993A7A"
	dukptMAC     = "9CCC78173FC4FB64"
	dukptMessage = "4012345678909D987"
)

var firstKSN = dukpt.KSN{0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xE0, 0x00, 0x01}

func bytesOf(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDUKPTMessagesOfAReader(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ks, ctx, bdk := open(t, db, masterFile(t)), t.Context(), keys.BDK("fleet")
		inject(t, ks, bdk, bdkClear)
		zpk := inject(t, ks, keys.ZPK("cup"), zpkClear)
		block, err := card.NewPINBlock(bytesOf(t, dukptPIN))
		if err != nil {
			t.Fatal(err)
		}
		pan, err := card.ParsePAN("4012345678909")
		if err != nil {
			t.Fatal(err)
		}
		out, err := ks.TranslateDUKPT(ctx, bdk, firstKSN, keys.ZPK("cup"), pan, block)
		if err != nil {
			t.Fatal(err)
		}
		clearBlock, err := zpk.Decrypt(out.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		if pin, err := card.DecodePIN(card.ISO0, clearBlock, pan); err != nil || string(pin.Reveal()) != "1234" {
			t.Error("the network reads another PIN", err)
		}
		if err := ks.VerifyDUKPT(ctx, bdk, firstKSN, []byte(dukptMessage), bytesOf(t, dukptMAC)); err != nil {
			t.Error(err)
		}
		initial, err := dukpt.InitialKey(bytesOf(t, bdkClear), firstKSN)
		if err != nil {
			t.Fatal(err)
		}
		s, err := dukpt.NewSession(initial, firstKSN)
		if err != nil {
			t.Fatal(err)
		}
		want, err := s.ResponseMAC([]byte(dukptMessage))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ks.DUKPTMAC(ctx, bdk, firstKSN, []byte(dukptMessage)); err != nil || string(got) != string(want) {
			t.Errorf("answered with %X: %v", got, err)
		}
		next := firstKSN
		next[9]++
		for name, c := range map[string]struct{ got, want error }{
			"a PIN of another transaction":     {second(ks.TranslateDUKPT(ctx, bdk, next, keys.ZPK("cup"), pan, block)), keys.ErrPINBlock},
			"a PIN for another card":           {second(ks.TranslateDUKPT(ctx, bdk, firstKSN, keys.ZPK("cup"), card.PAN{}, block)), keys.ErrPINBlock},
			"a PIN to a terminal's key":        {second(ks.TranslateDUKPT(ctx, bdk, firstKSN, keys.TPK(terminal), pan, block)), keys.ErrPurpose},
			"a PIN to a network without keys":  {second(ks.TranslateDUKPT(ctx, bdk, firstKSN, keys.ZPK("visa"), pan, block)), keys.ErrNoKey},
			"a code of another transaction":    {ks.VerifyDUKPT(ctx, bdk, next, []byte(dukptMessage), bytesOf(t, dukptMAC)), keys.ErrMAC},
			"a code of another message":        {ks.VerifyDUKPT(ctx, bdk, firstKSN, []byte("x"), bytesOf(t, dukptMAC)), keys.ErrMAC},
			"no code":                          {ks.VerifyDUKPT(ctx, bdk, firstKSN, []byte(dukptMessage), nil), keys.ErrMAC},
			"a serial number of no reader":     {ks.VerifyDUKPT(ctx, bdk, dukpt.KSN{}, nil, nil), keys.ErrKSN},
			"readers that nobody knows":        {ks.VerifyDUKPT(ctx, keys.BDK("x"), firstKSN, nil, nil), keys.ErrNoKey},
			"a PIN key in a base key's place":  {ks.VerifyDUKPT(ctx, keys.ZPK("cup"), firstKSN, nil, nil), keys.ErrPurpose},
			"a base key in a MAC key's place":  {second(ks.MAC(ctx, bdk, "x9.19", []byte("x"))), keys.ErrPurpose},
			"an answer of nothing":             {second(ks.DUKPTMAC(ctx, bdk, firstKSN, nil)), keys.ErrPurpose},
			"an answer of no transaction":      {second(ks.DUKPTMAC(ctx, bdk, dukpt.KSN{}, []byte("x"))), keys.ErrKSN},
			"an answer under another fleet":    {second(ks.DUKPTMAC(ctx, keys.BDK("x"), firstKSN, []byte("x"))), keys.ErrNoKey},
			"a base key in a PIN key's place":  {second(ks.TranslatePIN(ctx, bdk, keys.ZPK("cup"), pan, block)), keys.ErrPurpose},
			"a PIN under readers nobody knows": {second(ks.TranslateDUKPT(ctx, keys.BDK("x"), firstKSN, keys.ZPK("cup"), pan, block)), keys.ErrNoKey},
		} {
			if !errors.Is(c.got, c.want) {
				t.Errorf("%s: %v", name, c.got)
			}
		}
		// The standard's block of a base derivation key brings one in.
		inject(t, ks, keys.TDESKBPK("maker"), "1D22BF32387C600AD97F9B97A51311AC")
		const block31 = "B0104B0TX12S0100KS1800604B120F9292800000BB68BE8680A400D9191AD4ECE45B6E6C0D21C4738A52190E248719E24B433627"
		if _, err := ks.ImportBlock(ctx, keys.BDK("other"), keys.Injection{}, keys.TDESKBPK("maker"), block31); err != nil {
			t.Error(err)
		}
	})
}
