package keys_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"hawker/internal/card"
	"hawker/internal/keys"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/tdes"
)

func TestMain(m *testing.M) { storetest.Main(m) }

const terminal = "48270000001/T0000001"

// node is one process on a database.
type node struct {
	*keys.Keystore
	ahead *atomic.Int64 // how far its clock is, in nanoseconds
}

func open(t testing.TB, db *store.DB, masterFile string) node {
	t.Helper()
	start, ahead := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC), new(atomic.Int64)
	ks, err := keys.Open(t.Context(), db, masterFile, func() time.Time { return start.Add(time.Duration(ahead.Load())) })
	if err != nil {
		t.Fatal(err)
	}
	return node{ks, ahead}
}

func masterFile(t testing.TB) string { return filepath.Join(t.TempDir(), "master.key") }

// component makes a part and its own check value.
func component(t testing.TB, text string) keys.Component {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	part, err := tdes.NewKey(raw)
	if err != nil {
		t.Fatal(err)
	}
	c, err := keys.NewComponent(text, fmt.Sprintf("%X", part.KCV()))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// inject stores a known key in two random components.
func inject(t testing.TB, ks node, ref keys.Ref, clearKey string) tdes.Key {
	t.Helper()
	raw, err := hex.DecodeString(clearKey)
	if err != nil {
		t.Fatal(err)
	}
	mask := make([]byte, len(raw))
	if _, err := rand.Read(mask); err != nil {
		t.Fatal(err)
	}
	other, err := tdes.XOR(raw, mask)
	if err != nil {
		t.Fatal(err)
	}
	kcv, err := ks.Inject(t.Context(), ref, keys.Replace, component(t, hex.EncodeToString(mask)), component(t, hex.EncodeToString(other)))
	if err != nil {
		t.Fatal(err)
	}
	k, err := tdes.NewKey(raw)
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%X", k.KCV()); kcv != want {
		t.Fatalf("check value %s, want %s", kcv, want)
	}
	return k
}

// unwrapped is a working key as the terminal gets it.
func unwrapped(t testing.TB, tmk tdes.Key, w keys.Wrapped) tdes.Key {
	t.Helper()
	raw, err := tmk.Decrypt(w.Cipher)
	if err != nil {
		t.Fatal(err)
	}
	k, err := tdes.NewKey(raw)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(k.KCV(), w.KCV) {
		t.Fatal("the check value is not the key's")
	}
	return k
}

const (
	tmkClear = "11223344556677888877665544332211"
	zpkClear = "A1B2C3D4E5F60718293A4B5C6D7E8F90"
)

func TestSignOnGivesKeysThatWork(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ks := open(t, db, masterFile(t))
		tmk := inject(t, ks, keys.TMK(terminal), tmkClear)
		for layout, withTrack := range map[keys.Layout]bool{keys.DoubleWithTrack: true, keys.Double: false} {
			w, err := ks.WorkingKeys(t.Context(), keys.TMK(terminal), layout)
			if err != nil {
				t.Fatal(err)
			}
			if len(w.TPK.Cipher) != 16 || len(w.TAK.Cipher) != 8 || len(w.TDK.Cipher) != 0 != withTrack {
				t.Fatalf("layout %s has other lengths", layout)
			}
			tak := unwrapped(t, tmk, w.TAK)
			message := []byte("a message from MTI to the byte before the MAC")
			mac, err := tdes.MAC(tdes.UnionPayECB, tak, message)
			if err != nil {
				t.Fatal(err)
			}
			if err := ks.VerifyMAC(t.Context(), keys.TAK(terminal), tdes.UnionPayECB, message, mac); err != nil {
				t.Fatal(err)
			}
			if ours, err := ks.MAC(t.Context(), keys.TAK(terminal), tdes.UnionPayECB, message); err != nil || !bytes.Equal(ours, mac) {
				t.Fatal("host and terminal make different codes", err)
			}
			message[0]++
			if err := ks.VerifyMAC(t.Context(), keys.TAK(terminal), tdes.UnionPayECB, message, mac); !errors.Is(err, keys.ErrMAC) {
				t.Fatal("a changed message:", err)
			}
			const text = "6216263748596071821=30122015123"
			if !withTrack {
				if _, err := ks.DecryptTrack(t.Context(), keys.TDK(terminal), card.NewTrack(text)); !errors.Is(err, keys.ErrNoKey) {
					t.Fatal("the former data key outlived a sign-on without one:", err)
				}
				continue
			}
			sealed, err := tdes.EncryptTrack(unwrapped(t, tmk, w.TDK), text)
			if err != nil {
				t.Fatal(err)
			}
			if track, err := ks.DecryptTrack(t.Context(), keys.TDK(terminal), card.NewTrack(sealed)); err != nil || !track.Equal(card.NewTrack(text)) {
				t.Fatal("another track", err)
			}
			// One that is not enciphered becomes nonsense, which one time in a thousand looks like a track.
			refused := 0
			for _, clear := range []string{text, "6225760008219524=30012011234", "4761739001010010=22122011184"} {
				if _, err := ks.DecryptTrack(t.Context(), keys.TDK(terminal), card.NewTrack(clear)); errors.Is(err, keys.ErrTrack) {
					refused++
				}
			}
			if refused == 0 {
				t.Fatal("tracks that are not enciphered are taken")
			}
		}
	})
}

func TestSignOnRefusesLayouts(t *testing.T) {
	ks := open(t, storetest.SQLite(t), masterFile(t))
	inject(t, ks, keys.TMK(terminal), tmkClear)
	for _, layout := range []keys.Layout{"001", "", "401"} {
		if _, err := ks.WorkingKeys(t.Context(), keys.TMK(terminal), layout); !errors.Is(err, keys.ErrLayout) {
			t.Errorf("%q: %v", layout, err)
		}
	}
	if _, err := ks.WorkingKeys(t.Context(), keys.TPK(terminal), keys.Double); !errors.Is(err, keys.ErrPurpose) {
		t.Errorf("under a PIN key: %v", err)
	}
	if _, err := ks.WorkingKeys(t.Context(), keys.TMK("nobody"), keys.Double); !errors.Is(err, keys.ErrNoKey) {
		t.Errorf("without a master key: %v", err)
	}
}

func TestTranslatePIN(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ks := open(t, db, masterFile(t))
		tmk := inject(t, ks, keys.TMK(terminal), tmkClear)
		zpk := inject(t, ks, keys.ZPK("cup"), zpkClear)
		w, err := ks.WorkingKeys(t.Context(), keys.TMK(terminal), keys.DoubleWithTrack)
		if err != nil {
			t.Fatal(err)
		}
		pan, block := pinBlock(t, unwrapped(t, tmk, w.TPK), "6216263748596071821")
		out, err := ks.TranslatePIN(t.Context(), keys.TPK(terminal), keys.ZPK("cup"), pan, block)
		if err != nil {
			t.Fatal(err)
		}
		clearBlock, err := zpk.Decrypt(out.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		if pin, err := card.DecodePIN(card.ISO0, clearBlock, pan); err != nil || string(pin.Reveal()) != "739518" {
			t.Fatal("the network reads another PIN", err)
		}
		other, err := card.ParsePAN("6224242900000113")
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			from, to keys.Ref
			pan      card.PAN
			want     error
		}{
			"another card's number":           {keys.TPK(terminal), keys.ZPK("cup"), other, keys.ErrPINBlock},
			"no card number":                  {keys.TPK(terminal), keys.ZPK("cup"), card.PAN{}, keys.ErrPINBlock},
			"an authentication key":           {keys.TAK(terminal), keys.ZPK("cup"), pan, keys.ErrPurpose},
			"a master key":                    {keys.TMK(terminal), keys.ZPK("cup"), pan, keys.ErrPurpose},
			"back under a terminal's key":     {keys.ZPK("cup"), keys.TPK(terminal), pan, keys.ErrPurpose},
			"a terminal that never signed on": {keys.TPK("x/y"), keys.ZPK("cup"), pan, keys.ErrNoKey},
			"a network without keys":          {keys.TPK(terminal), keys.ZPK("visa"), pan, keys.ErrNoKey},
			"another network's key":           {keys.ZPK("cup"), keys.ZPK("cup"), pan, keys.ErrPINBlock},
		} {
			if out, err := ks.TranslatePIN(t.Context(), c.from, c.to, c.pan, block); !errors.Is(err, c.want) || !out.IsZero() {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func pinBlock(t testing.TB, tpk tdes.Key, number string) (card.PAN, card.PINBlock) {
	t.Helper()
	pan, err := card.ParsePAN(number)
	if err != nil {
		t.Fatal(err)
	}
	pin, err := card.NewPIN("739518")
	if err != nil {
		t.Fatal(err)
	}
	clearBlock, err := card.EncodePIN(card.ISO0, pin, pan)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := tpk.Encrypt(clearBlock)
	if err != nil {
		t.Fatal(err)
	}
	block, err := card.NewPINBlock(sealed)
	if err != nil {
		t.Fatal(err)
	}
	return pan, block
}

func TestPurposeIsEnforced(t *testing.T) {
	ks := open(t, storetest.SQLite(t), masterFile(t))
	inject(t, ks, keys.TPK(terminal), zpkClear)
	for name, err := range map[string]error{
		"a PIN key cannot authenticate":      second(ks.MAC(t.Context(), keys.TPK(terminal), tdes.X919, []byte("x"))),
		"nor verify":                         ks.VerifyMAC(t.Context(), keys.TPK(terminal), tdes.X919, []byte("x"), nil),
		"nor decipher tracks":                second(ks.DecryptTrack(t.Context(), keys.TPK(terminal), card.NewTrack("1"))),
		"our own data keys have no name":     second(ks.KCV(t.Context(), "vault-seal/v1")),
		"and cannot be destroyed":            ks.Destroy(t.Context(), "vault-seal/v1"),
		"nor replaced":                       second(ks.Inject(t.Context(), "vault-seal/v1", keys.Replace, component(t, tmkClear), component(t, zpkClear))),
		"the check row neither":              ks.Destroy(t.Context(), "check/master"),
		"a terminal's key comes not wrapped": second(ks.InjectWrapped(t.Context(), keys.TMK(terminal), keys.Keep, keys.ZMK("cup"), make([]byte, 16), "000000")),
		"a PIN key wraps nothing":            second(ks.InjectWrapped(t.Context(), keys.ZPK("cup"), keys.Keep, keys.TPK(terminal), make([]byte, 16), "000000")),
	} {
		if !errors.Is(err, keys.ErrPurpose) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestDestroyEndsAKey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ks := open(t, db, masterFile(t))
		inject(t, ks, keys.TMK(terminal), tmkClear)
		if _, err := ks.WorkingKeys(t.Context(), keys.TMK(terminal), keys.DoubleWithTrack); err != nil {
			t.Fatal(err)
		}
		if _, err := ks.MAC(t.Context(), keys.TAK(terminal), tdes.UnionPayECB, []byte("x")); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time there is nothing, which is no error
			if err := ks.Destroy(t.Context(), keys.Terminal(terminal)...); err != nil {
				t.Fatal(err)
			}
		}
		for _, ref := range keys.Terminal(terminal) {
			if _, err := ks.KCV(t.Context(), ref); !errors.Is(err, keys.ErrNoKey) {
				t.Errorf("%s: %v", ref, err)
			}
		}
	})
}

func TestAnotherNodeReplacesKeys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		file := masterFile(t)
		here, there := open(t, db, file), open(t, db, file)
		tmk := inject(t, here, keys.TMK(terminal), tmkClear)
		inject(t, here, keys.ZPK("cup"), zpkClear)
		message := []byte("message")

		signOn := func(n node) (tpk, tak, tdk tdes.Key) {
			w, err := n.WorkingKeys(t.Context(), keys.TMK(terminal), keys.DoubleWithTrack)
			if err != nil {
				t.Fatal(err)
			}
			return unwrapped(t, tmk, w.TPK), unwrapped(t, tmk, w.TAK), unwrapped(t, tmk, w.TDK)
		}
		use := func(n node, tpk, tak, tdk tdes.Key) error {
			mac, err := tdes.MAC(tdes.UnionPayECB, tak, message)
			if err != nil {
				t.Fatal(err)
			}
			pan, block := pinBlock(t, tpk, "6216263748596071821")
			track, err := tdes.EncryptTrack(tdk, "6216263748596071821=30122015123")
			if err != nil {
				t.Fatal(err)
			}
			_, err = n.TranslatePIN(t.Context(), keys.TPK(terminal), keys.ZPK("cup"), pan, block)
			_, err2 := n.DecryptTrack(t.Context(), keys.TDK(terminal), card.NewTrack(track))
			return errors.Join(n.VerifyMAC(t.Context(), keys.TAK(terminal), tdes.UnionPayECB, message, mac), err, err2)
		}

		oldTPK, oldTAK, oldTDK := signOn(here)
		if err := use(here, oldTPK, oldTAK, oldTDK); err != nil {
			t.Fatal(err) // now they are in here's memory
		}
		tpk, tak, tdk := signOn(there)
		if err := use(here, tpk, tak, tdk); err != nil {
			t.Fatal("after a sign-on elsewhere:", err)
		}
		if err := use(here, oldTPK, oldTAK, oldTDK); !errors.Is(err, keys.ErrMAC) || !errors.Is(err, keys.ErrPINBlock) || !errors.Is(err, keys.ErrTrack) {
			t.Fatal("the former keys still work:", err)
		}

		// What cannot fail here, since only the network could tell, is read again in time.
		inject(t, there, keys.ZPK("cup"), tmkClear)
		before, err := here.KCV(t.Context(), keys.ZPK("cup"))
		if err != nil {
			t.Fatal(err)
		}
		here.ahead.Add(int64(30 * time.Second))
		if after, err := here.KCV(t.Context(), keys.ZPK("cup")); err != nil || after == before {
			t.Fatal("half a minute later the former network key still serves", err)
		}
	})
}
