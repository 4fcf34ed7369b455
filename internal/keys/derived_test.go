package keys_test

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"hawker/internal/card"
	"hawker/internal/dukpt"
	"hawker/internal/keys"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/tdes"
)

// The published base keys of X9.24-1 and X9.24-3, and a reader of each.
const (
	tdesBase = "0123456789ABCDEFFEDCBA9876543210"
	aesBase  = "FEDCBA9876543210F1F1F1F1F1F1F1F1"
)

func unhexed(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// reader is a card reader with keys of its own: the other side of every operation here.
type reader interface {
	RequestMAC([]byte) ([]byte, error)
	VerifyResponse(data, mac []byte) error
	EncryptData([]byte) ([]byte, error)
}

// kinds are the two kinds of readers, by the number of their transaction.
var kinds = map[string]struct {
	base string
	ref  keys.Ref
	ksn  func(t testing.TB, counter byte) []byte
	open func(t testing.TB, ksn []byte) reader
}{
	"triple DES": {tdesBase, keys.BDK("FFFF987654"), func(t testing.TB, counter byte) []byte {
		return append(unhexed(t, "FFFF9876543210E000"), counter)
	}, func(t testing.TB, ksn []byte) reader {
		initial, err := dukpt.InitialKey(unhexed(t, tdesBase), dukpt.KSN(ksn))
		if err != nil {
			t.Fatal(err)
		}
		s, err := dukpt.NewSession(initial, dukpt.KSN(ksn))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}},
	"AES": {aesBase, keys.AESBDK("12345678"), func(t testing.TB, counter byte) []byte {
		return append(unhexed(t, "1234567890123456000000"), counter)
	}, func(t testing.TB, ksn []byte) reader {
		initial, err := dukpt.AESInitialKey(unhexed(t, aesBase), ksn[:8])
		if err != nil {
			t.Fatal(err)
		}
		s, err := dukpt.NewAESSession(initial, dukpt.AESKSN(ksn))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}},
}

func injectBase(t testing.TB, ks node, ref keys.Ref, base string) {
	t.Helper()
	mask := make([]byte, 16)
	if _, err := rand.Read(mask); err != nil {
		t.Fatal(err)
	}
	other, err := tdes.XOR(unhexed(t, base), mask)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ks.InjectBDK(t.Context(), ref, keys.Keep, mask, other); err != nil {
		t.Fatal(err)
	}
}

// eachReader runs do for each kind of reader, bound to terminal, on both databases.
func eachReader(t *testing.T, do func(t *testing.T, ks node, kind string)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ks := open(t, db, masterFile(t))
		for name, k := range kinds {
			injectBase(t, ks, k.ref, k.base)
			if err := ks.BindReader(t.Context(), terminal+name, k.ksn(t, 0)); err != nil {
				t.Fatal(err)
			}
			t.Run(name, func(t *testing.T) { do(t, ks, name) })
		}
	})
}

func TestACounterGoesForwardOnly(t *testing.T) {
	t.Parallel()
	eachReader(t, func(t *testing.T, ks node, kind string) {
		k := kinds[kind]
		verify := func(counter byte, data string) error {
			ksn := k.ksn(t, counter)
			mac, err := k.open(t, ksn).RequestMAC([]byte(data))
			if err != nil {
				t.Fatal(err)
			}
			return ks.VerifyDerived(t.Context(), terminal+kind, ksn, []byte(data), mac)
		}
		for i, step := range []struct {
			counter byte
			data    string
			want    error
		}{
			{1, "first", nil},
			{1, "first", nil},
			{1, "another", keys.ErrCounter},
			{5, "some were lost on the way", nil},
			{4, "a smaller counter", keys.ErrCounter},
			{1, "first", keys.ErrCounter},
			{5, "some were lost on the way", nil},
			{6, "the next", nil},
		} {
			if err := verify(step.counter, step.data); !errors.Is(err, step.want) {
				t.Errorf("step %d, counter %d, %q: %v, want %v", i, step.counter, step.data, err, step.want)
			}
		}
		// What is not authentic spends nothing.
		ksn := k.ksn(t, 9)
		if err := ks.VerifyDerived(t.Context(), terminal+kind, ksn, []byte("x"), make([]byte, 8)); !errors.Is(err, keys.ErrMAC) {
			t.Error(err)
		}
		if err := verify(7, "behind the forgery"); err != nil {
			t.Error(err)
		}
	})
}

func TestAReaderServesItsTerminalOnly(t *testing.T) {
	t.Parallel()
	eachReader(t, func(t *testing.T, ks node, kind string) {
		k := kinds[kind]
		ksn := k.ksn(t, 1)
		mac, err := k.open(t, ksn).RequestMAC([]byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		if err := ks.VerifyDerived(t.Context(), "another/T0000002", ksn, []byte("x"), mac); !errors.Is(err, keys.ErrReader) {
			t.Error(err)
		}
		if err := ks.BindReader(t.Context(), "another/T0000002", ksn); !errors.Is(err, keys.ErrExists) {
			t.Error("bound twice:", err)
		}
		if err := ks.BindReader(t.Context(), terminal+kind, ksn); !errors.Is(err, keys.ErrExists) {
			t.Error("its counter began anew:", err)
		}
		if err := ks.VerifyDerived(t.Context(), terminal+kind, ksn, []byte("x"), mac); err != nil {
			t.Error("a refused binding changed something:", err)
		}
		other := k.ksn(t, 0)
		other[5] ^= 0xFF // another reader of the same base key
		if err := ks.BindReader(t.Context(), terminal+kind, other); err != nil {
			t.Fatal(err)
		}
		if err := ks.VerifyDerived(t.Context(), terminal+kind, ksn, []byte("x"), mac); !errors.Is(err, keys.ErrReader) {
			t.Error("the former reader still serves:", err)
		}
	})
}

// TestOneOfManyWithOneCounterPasses races different messages of one counter.
func TestOneOfManyWithOneCounterPasses(t *testing.T) {
	t.Parallel()
	eachReader(t, func(t *testing.T, ks node, kind string) {
		k := kinds[kind]
		ksn := k.ksn(t, 3)
		var passed atomic.Int32
		var wg sync.WaitGroup
		for i := range 8 {
			data := []byte{byte(i)}
			mac, err := k.open(t, ksn).RequestMAC(data)
			if err != nil {
				t.Fatal(err)
			}
			wg.Go(func() {
				switch err := ks.VerifyDerived(t.Context(), terminal+kind, ksn, data, mac); {
				case err == nil:
					passed.Add(1)
				case !errors.Is(err, keys.ErrCounter):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := passed.Load(); n != 1 {
			t.Errorf("%d messages passed with one counter", n)
		}
	})
}

func TestAnswersTracksAndPINsOfATransaction(t *testing.T) {
	t.Parallel()
	eachReader(t, func(t *testing.T, ks node, kind string) {
		k := kinds[kind]
		ksn := k.ksn(t, 1)
		r := k.open(t, ksn)
		mac, err := ks.MACDerived(t.Context(), ksn, []byte("answer"))
		if err != nil || r.VerifyResponse([]byte("answer"), mac) != nil {
			t.Error("answer's MAC", err)
		}
		const text = "6222008642097530120=30122200000012300"
		sealed, err := r.EncryptData([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if track, err := ks.DecryptTrackDerived(t.Context(), ksn, sealed); err != nil || string(track.Reveal()) != text {
			t.Error("track", err)
		}
		noTrack, _ := r.EncryptData([]byte("no track at all"))
		for _, bad := range [][]byte{noTrack, sealed[:len(sealed)-1], make([]byte, 16), nil} {
			if _, err := ks.DecryptTrackDerived(t.Context(), ksn, bad); !errors.Is(err, keys.ErrTrack) {
				t.Errorf("%x: %v", bad, err)
			}
		}
		zpk := inject(t, ks, keys.ZPK("net"+kind[:1]), "89ABCDEF0123456776543210FEDCBA98")
		pan, err := card.ParsePAN("6216261000000000018")
		if err != nil {
			t.Fatal(err)
		}
		pin, err := card.NewPIN("739251")
		if err != nil {
			t.Fatal(err)
		}
		block, err := card.NewPINBlock(sealPIN(t, r, pin, pan))
		if err != nil {
			t.Fatal(err)
		}
		out, err := ks.TranslatePIN(t.Context(), keys.Serial(ksn), keys.ZPK("net"+kind[:1]), pan, block)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := zpk.Decrypt(out.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := card.DecodePIN(card.ISO0, opened, pan); err != nil || !got.Equal(pin) {
			t.Error("another PIN reached the network", err)
		}
		if _, err := ks.TranslatePIN(t.Context(), keys.Serial(k.ksn(t, 2)), keys.ZPK("net"+kind[:1]), pan, block); !errors.Is(err, keys.ErrPINBlock) {
			t.Error("under another counter:", err)
		}
		if _, err := ks.TranslatePIN(t.Context(), keys.Serial(ksn), keys.ZAK("net"), pan, block); !errors.Is(err, keys.ErrPurpose) {
			t.Error("to a key that is for no PIN:", err)
		}
		for _, ref := range []keys.Ref{"ksn/xx", "ksn/", "ksn/FFFF"} {
			if _, err := ks.TranslatePIN(t.Context(), ref, keys.ZPK("net"+kind[:1]), pan, block); !errors.Is(err, keys.ErrSerial) {
				t.Error(ref, err)
			}
		}
	})
}

// sealPIN is the reader's PIN block, in the format of its kind.
func sealPIN(t testing.TB, r reader, pin card.PIN, pan card.PAN) []byte {
	t.Helper()
	var out []byte
	var err error
	if aes, ok := r.(dukpt.AESSession); ok {
		field, _ := card.PINField(pin)
		account, _ := card.AccountField(pan)
		out, err = aes.EncryptPIN(field, account)
	} else {
		block, _ := card.EncodePIN(card.ISO0, pin, pan)
		out, err = r.(dukpt.Session).EncryptPIN(block)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestBaseKeysThatAreNotTaken(t *testing.T) {
	t.Parallel()
	ks := open(t, storetest.SQLite(t), masterFile(t))
	half := unhexed(t, tdesBase)
	for name, row := range map[string]struct {
		ref   keys.Ref
		parts [][]byte
		want  error
	}{
		"for another purpose":          {keys.ZPK("net"), [][]byte{half, make([]byte, 16)}, keys.ErrPurpose},
		"in parts of different length": {keys.BDK("FFFF987654"), [][]byte{half, half[:8]}, keys.ErrComponent},
		"parts that cancel out":        {keys.BDK("FFFF987654"), [][]byte{half, half}, keys.ErrWeak},
		"of eight bytes":               {keys.BDK("FFFF987654"), [][]byte{half[:8], half[8:]}, keys.ErrWeak},
	} {
		if _, err := ks.InjectBDK(t.Context(), row.ref, keys.Keep, row.parts...); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
	}
	for _, ksn := range [][]byte{nil, make([]byte, 9), make([]byte, 10)} {
		if err := ks.VerifyDerived(t.Context(), terminal, ksn, nil, nil); !errors.Is(err, keys.ErrSerial) {
			t.Errorf("%x: %v", ksn, err)
		}
		if _, err := ks.MACDerived(t.Context(), ksn, nil); !errors.Is(err, keys.ErrSerial) {
			t.Error(err)
		}
		if _, err := ks.DecryptTrackDerived(t.Context(), ksn, nil); !errors.Is(err, keys.ErrSerial) {
			t.Error(err)
		}
	}
	if err := ks.BindReader(t.Context(), terminal, make([]byte, 9)); !errors.Is(err, keys.ErrSerial) {
		t.Error(err)
	}
	if _, err := ks.MACDerived(t.Context(), unhexed(t, "FFFF9876543210E00001"), nil); !errors.Is(err, keys.ErrNoKey) {
		t.Error("without its base key:", err)
	}
}

// TestWorkingKeysInOtherSizes are those of a dialect whose check values have eight bytes.
func TestWorkingKeysInOtherSizes(t *testing.T) {
	t.Parallel()
	ks := open(t, storetest.SQLite(t), masterFile(t))
	tmk := inject(t, ks, keys.TMK(terminal), "0123456789ABCDEFFEDCBA9876543210")
	got, err := ks.WorkingKeysOf(t.Context(), keys.TMK(terminal), keys.DoubleWithTrack, keys.Sizes{TAK: 16, KCV: 8})
	if err != nil {
		t.Fatal(err)
	}
	for name, w := range map[string]keys.Wrapped{"TPK": got.TPK, "TAK": got.TAK, "TDK": got.TDK} {
		raw, err := tmk.Decrypt(w.Cipher)
		if err != nil || len(raw) != 16 || len(w.KCV) != 8 {
			t.Fatal(name, len(raw), len(w.KCV), err)
		}
		k, err := tdes.NewKey(raw)
		if err != nil {
			t.Fatal(err)
		}
		if whole, _ := k.Encrypt(make([]byte, 8)); string(whole) != string(w.KCV) {
			t.Errorf("%s has another check value", name)
		}
	}
}
