package keystest

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
	"time"

	"hawker/internal/card"
	"hawker/internal/dukpt"
	"hawker/internal/keys"
	"hawker/internal/store/storetest"
	"hawker/internal/tdes"
)

const terminal = "48270000001/T0000001"

// keystore plays a terminal's day on a keystore with the module: ceremony, key
// block, sign-on, a sale's MAC, PIN and track, export and destruction.
func keystore(t *testing.T, master, stranger Master) {
	ctx, db := t.Context(), storetest.SQLite(t)
	ks := must[*keys.Keystore](t)(keys.OpenWith(ctx, db, master(t), time.Now))
	if _, err := keys.OpenWith(ctx, db, stranger(t), time.Now); !errors.Is(err, keys.ErrMaster) {
		t.Error("another master key opens the database:", err)
	}
	inject := func(ref keys.Ref, clearKey string) tdes.Key {
		t.Helper()
		raw := unhex(t, clearKey)
		var parts []keys.Component
		mask := bytes.Repeat([]byte{0x5A, 0xC3, 0x96}, len(raw))[:len(raw)]
		for _, part := range [][]byte{mask, must[[]byte](t)(tdes.XOR(raw, mask))} {
			k := must[tdes.Key](t)(tdes.NewKey(part))
			parts = append(parts, must[keys.Component](t)(keys.NewComponent(hex.EncodeToString(part), fmt.Sprintf("%X", k.KCV()))))
		}
		k := must[tdes.Key](t)(tdes.NewKey(raw))
		if kcv := must[string](t)(ks.Inject(ctx, ref, keys.Keep, parts...)); kcv != fmt.Sprintf("%X", k.KCV()) {
			t.Fatalf("%s: check value %s", ref, kcv)
		}
		if _, err := ks.Inject(ctx, ref, keys.Keep, parts...); err != nil {
			t.Fatal("the same key again:", err)
		}
		return k
	}
	tmk, zmk := inject(keys.TMK(terminal), raws[1]), inject(keys.ZMK("cup"), "A1B2C3D4E5F60718293A4B5C6D7E8F90")
	inject(keys.TDESKBPK("cup"), "89E88CF7931444F334BD7547FC3F380C")
	const block = "B0120P0TE12E0100KS1800604B120F9292800000E6E28F097CB0350B2EB2DF520947F779FA34D9759CEE7E0DEEACF8353DB778D47FA4EC20DA3A9754"
	zpk := must[tdes.Key](t)(tdes.NewKey(unhex(t, "F039121BEC83D26B169BDCD5B22AAF8F")))
	if kcv := must[string](t)(ks.ImportBlock(ctx, keys.ZPK("cup"), keys.Injection{Over: keys.Keep, KCV: ""}, keys.TDESKBPK("cup"), block)); kcv != fmt.Sprintf("%X", zpk.KCV()) {
		t.Errorf("imported %s", kcv)
	}
	zak := must[tdes.Key](t)(tdes.NewKey(unhex(t, raws[0])))
	if _, err := ks.InjectWrapped(ctx, keys.ZAK("cup"), keys.Keep, keys.ZMK("cup"), must[[]byte](t)(zmk.Encrypt(zak.Reveal())), fmt.Sprintf("%X", zak.KCV())); err != nil {
		t.Fatal(err)
	}

	w := must[keys.WorkingKeys](t)(ks.WorkingKeys(ctx, keys.TMK(terminal), keys.DoubleWithTrack))
	working := func(w keys.Wrapped) tdes.Key {
		k := must[tdes.Key](t)(tdes.NewKey(must[[]byte](t)(tmk.Decrypt(w.Cipher))))
		if !bytes.Equal(k.KCV(), w.KCV) {
			t.Error("a working key's check value is not its own")
		}
		return k
	}
	tpk, tak, tdk := working(w.TPK), working(w.TAK), working(w.TDK)
	message := []byte("a message from MTI to the byte before the MAC")
	for ref, k := range map[keys.Ref]tdes.Key{keys.TAK(terminal): tak, keys.ZAK("cup"): zak} {
		for _, algorithm := range []string{tdes.UnionPayECB, tdes.X919} {
			if err := ks.VerifyMAC(ctx, ref, algorithm, message, must[[]byte](t)(tdes.MAC(algorithm, k, message))); err != nil {
				t.Errorf("%s under %s: %v", algorithm, ref, err)
			}
		}
		if err := ks.VerifyMAC(ctx, ref, tdes.X919, message, make([]byte, 8)); !errors.Is(err, keys.ErrMAC) {
			t.Errorf("a wrong code under %s: %v", ref, err)
		}
	}
	pan := must[card.PAN](t)(card.ParsePAN("6216263748596071821"))
	pin := must[card.PIN](t)(card.NewPIN("739518"))
	clearBlock := must[[]byte](t)(card.EncodePIN(card.ISO0, pin, pan))
	pinBlock := must[card.PINBlock](t)(card.NewPINBlock(must[[]byte](t)(tpk.Encrypt(clearBlock))))
	out := must[card.PINBlock](t)(ks.TranslatePIN(ctx, keys.TPK(terminal), keys.ZPK("cup"), pan, pinBlock))
	if got := must[[]byte](t)(zpk.Decrypt(out.Reveal())); !bytes.Equal(got, clearBlock) {
		t.Error("the network reads another PIN")
	}
	if _, err := ks.TranslatePIN(ctx, keys.ZPK("cup"), keys.ZPK("cup"), pan, pinBlock); !errors.Is(err, keys.ErrPINBlock) {
		t.Error("a block under another key:", err)
	}
	const track = "6216263748596071821=30122015123"
	sealed := must[string](t)(tdes.EncryptTrack(tdk, track))
	if got := must[card.Track](t)(ks.DecryptTrack(ctx, keys.TDK(terminal), card.NewTrack(sealed))); !got.Equal(card.NewTrack(track)) {
		t.Error("another track")
	}
	// One that is not enciphered becomes nonsense, which one time in a thousand looks like a track.
	if got, err := ks.DecryptTrack(ctx, keys.TDK(terminal), card.NewTrack(track)); err == nil && got.Equal(card.NewTrack(track)) || err != nil && !errors.Is(err, keys.ErrTrack) {
		t.Error("a track that is not enciphered:", err)
	}

	ksn := dukpt.KSN{0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xE0, 0x00, 0x01}
	inject(keys.BDK(ksn.KeySet()), raws[1])
	if err := ks.BindReader(ctx, terminal, ksn[:]); err != nil {
		t.Fatal(err)
	}
	if err := ks.VerifyDerived(ctx, terminal, ksn[:], []byte("4012345678909D987"), unhex(t, "9CCC78173FC4FB64")); err != nil {
		t.Error("X9.24-1's message:", err)
	}

	number := must[[]byte](t)(ks.Seal(ctx, []byte("6216263748596071821"), []byte("row")))
	if plain := must[[]byte](t)(ks.OpenSealed(ctx, number, []byte("row"))); string(plain) != "6216263748596071821" {
		t.Error("sealed data comes back another")
	}
	exported, kcv, err := ks.ExportBlock(ctx, keys.TMK(terminal), keys.TDESKBPK("cup"), keys.Exportable)
	if err != nil || kcv != fmt.Sprintf("%X", tmk.KCV()) {
		t.Fatal(kcv, err)
	}
	if got := must[string](t)(ks.ImportBlock(ctx, keys.TMK("elsewhere"), keys.Injection{Over: keys.Keep, KCV: kcv}, keys.TDESKBPK("cup"), exported)); got != kcv {
		t.Error("an exported key comes back another")
	}
	if err := ks.Destroy(ctx, keys.Terminal(terminal)...); err != nil {
		t.Fatal(err)
	}
	for _, ref := range keys.Terminal(terminal) {
		if _, err := ks.KCV(ctx, ref); !errors.Is(err, keys.ErrNoKey) {
			t.Errorf("%s outlived its end: %v", ref, err)
		}
	}
}
