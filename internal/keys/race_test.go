package keys_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"

	"hawker/internal/card"
	"hawker/internal/keys"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/tdes"
)

// TestUseWhileReplacing has users meet every moment of a replacement: each
// operation works under the former key or under the new one, or says why not.
func TestUseWhileReplacing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ks := open(t, db, masterFile(t))
		inject(t, ks, keys.TMK(terminal), tmkClear)
		inject(t, ks, keys.ZPK("cup"), zpkClear)
		signOn := func() {
			if _, err := ks.WorkingKeys(t.Context(), keys.TMK(terminal), keys.DoubleWithTrack); err != nil {
				t.Error(err)
			}
		}
		signOn()
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for ctx.Err() == nil {
					message := []byte("message")
					mac, err := ks.MAC(t.Context(), keys.TAK(terminal), tdes.UnionPayECB, message)
					if errors.Is(err, keys.ErrUnavailable) { // it was replaced at every try
						continue
					}
					if err != nil || bytes.Equal(mac, make([]byte, 8)) {
						t.Error("no code:", err)
					}
					if err := ks.VerifyMAC(t.Context(), keys.TAK(terminal), tdes.UnionPayECB, message, mac); err != nil && !errors.Is(err, keys.ErrMAC) && !errors.Is(err, keys.ErrUnavailable) {
						t.Error(err)
					}
				}
			})
		}
		for range 20 {
			signOn()
		}
		stop()
		wg.Wait()
	})
}

// TestNothingClearIsLeft looks for keys, PINs and tracks in the database's
// files, in a log of everything that was at hand, and in every error.
func TestNothingClearIsLeft(t *testing.T) {
	db, file := storetest.SQLite(t), masterFile(t)
	ks := open(t, db, file)
	master, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	tmk := inject(t, ks, keys.TMK(terminal), tmkClear)
	inject(t, ks, keys.ZPK("cup"), zpkClear)
	w, err := ks.WorkingKeys(t.Context(), keys.TMK(terminal), keys.DoubleWithTrack)
	if err != nil {
		t.Fatal(err)
	}
	tpk, tak, tdk := unwrapped(t, tmk, w.TPK), unwrapped(t, tmk, w.TAK), unwrapped(t, tmk, w.TDK)
	pan, block := pinBlock(t, tpk, "6216263748596071821")
	track := card.NewTrack("6216263748596071821=30122015123")
	_, err = ks.TranslatePIN(t.Context(), keys.TPK(terminal), keys.ZPK("cup"), pan, block)
	_, err2 := ks.TranslatePIN(t.Context(), keys.ZPK("cup"), keys.ZPK("cup"), pan, block)
	_, err3 := ks.DecryptTrack(t.Context(), keys.TDK(terminal), track)
	err4 := ks.VerifyMAC(t.Context(), keys.TAK(terminal), tdes.UnionPayECB, []byte("x"), []byte("00000000"))
	_, err5 := ks.Seal(t.Context(), []byte("6216263748596071821"), nil)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		fmt.Fprintf(&log, verb, []any{ks.Keystore, ks, err, err2, err3, err4, err5, tmk, pan, block, track, w})
	}
	logger.Info("everything", "keystore", ks.Keystore, "node", ks, "errors", errors.Join(err, err2, err3, err4, err5),
		"tmk", tmk, "pan", pan, "block", block, "track", track)

	masterRaw, err := hex.DecodeString(strings.TrimSpace(string(master)))
	if err != nil {
		t.Fatal(err)
	}
	canaries := map[string][]byte{"master key": masterRaw, "card number": []byte("6216263748596071821"), "PIN": []byte("739518")}
	for name, k := range map[string]tdes.Key{"TMK": tmk, "TPK": tpk, "TAK": tak, "TDK": tdk} {
		canaries[name] = k.Reveal()
	}
	places := files(t, db)
	places["log"] = log.Bytes()
	for place, text := range places {
		for name, c := range canaries {
			for _, form := range []string{string(c), hex.EncodeToString(c), strings.ToUpper(hex.EncodeToString(c)), strings.Trim(fmt.Sprint(c), "[]")} {
				if bytes.Contains(text, []byte(form)) {
					t.Errorf("%s in %s", name, place)
				}
			}
		}
	}
}

// files reads what SQLite has written so far.
func files(t *testing.T, db *store.DB) map[string][]byte {
	t.Helper()
	var seq int
	var name, path string
	if err := db.Read().QueryRow(t.Context(), `PRAGMA database_list`).Scan(&seq, &name, &path); err != nil {
		t.Fatal(err)
	}
	found := map[string][]byte{}
	for _, suffix := range []string{"", "-wal"} {
		text, err := os.ReadFile(path + suffix)
		if err != nil || len(text) == 0 {
			t.Fatal(path+suffix, len(text), err)
		}
		found["database"+suffix] = text
	}
	return found
}

func BenchmarkVerifyMAC(b *testing.B) {
	ks := open(b, storetest.SQLite(b), masterFile(b))
	inject(b, ks, keys.TAK(terminal), tmkClear[:16])
	data := make([]byte, 200)
	mac, err := ks.MAC(b.Context(), keys.TAK(terminal), tdes.UnionPayECB, data)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := ks.VerifyMAC(b.Context(), keys.TAK(terminal), tdes.UnionPayECB, data, mac); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTranslatePIN(b *testing.B) {
	ks := open(b, storetest.SQLite(b), masterFile(b))
	tpk := inject(b, ks, keys.TPK(terminal), tmkClear)
	inject(b, ks, keys.ZPK("cup"), zpkClear)
	pan, block := pinBlock(b, tpk, "6216263748596071821")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ks.TranslatePIN(b.Context(), keys.TPK(terminal), keys.ZPK("cup"), pan, block); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWorkingKeys(b *testing.B) {
	ks := open(b, storetest.SQLite(b), masterFile(b))
	inject(b, ks, keys.TMK(terminal), tmkClear)
	for b.Loop() {
		if _, err := ks.WorkingKeys(b.Context(), keys.TMK(terminal), keys.DoubleWithTrack); err != nil {
			b.Fatal(err)
		}
	}
}

// TestACrowdOfSignOnsDisturbsNobody: what one terminal replaces is no reason for another to read again.
func TestACrowdOfSignOnsDisturbsNobody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ks := open(t, db, masterFile(t))
		var wg sync.WaitGroup
		for i := range 24 {
			name := fmt.Sprintf("%s-%d", terminal, i)
			inject(t, ks, keys.TMK(name), tmkClear)
			wg.Go(func() {
				for range 10 {
					if _, err := ks.WorkingKeys(t.Context(), keys.TMK(name), keys.DoubleWithTrack); err != nil {
						t.Error(err)
					}
					if _, err := ks.MAC(t.Context(), keys.TAK(name), tdes.UnionPayECB, []byte("message")); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	})
}
