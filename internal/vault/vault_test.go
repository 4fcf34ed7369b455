package vault

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"hawker/internal/card"
	"hawker/internal/clock"
	"hawker/internal/keys"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func open(t testing.TB, db *store.DB, masterFile string, log *slog.Logger) *Vault {
	t.Helper()
	ks, err := keys.Open(t.Context(), db, masterFile, clock.System)
	if err != nil {
		t.Fatal(err)
	}
	return Open(db, ks, clock.System, log)
}

func fresh(t testing.TB, db *store.DB) *Vault {
	t.Helper()
	return open(t, db, filepath.Join(t.TempDir(), "master.key"), slog.New(slog.DiscardHandler))
}

func number(t testing.TB, digits string) card.PAN {
	t.Helper()
	pan, err := card.ParsePAN(digits)
	if err != nil {
		t.Fatal(err)
	}
	return pan
}

const canary = "6216263748596071821"

func TestTokenizeAndReveal(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		v, ctx := fresh(t, db), t.Context()
		rapid.Check(t, func(rt *rapid.T) {
			digits := rapid.StringMatching(`[1-9][0-9]{10,17}`).Draw(rt, "digits")
			pan := number(t, digits+string(rune('0'+card.CheckDigit(digits))))
			token, err := v.Tokenize(ctx, pan)
			if err != nil {
				rt.Fatal(err)
			}
			if _, err := card.ParseToken(string(token)); err != nil {
				rt.Fatal(token, err)
			}
			if back, err := v.Reveal(ctx, token, "test"); err != nil || back != pan {
				rt.Fatal("another number came back", err)
			}
			if bin, last4, err := v.Masked(ctx, token); err != nil || bin != pan.BIN() || last4 != pan.Last4() {
				rt.Fatal(bin, last4, err)
			}
			if again, err := v.Tokenize(ctx, pan); err != nil || again != token {
				rt.Fatal("the same card has another token", err)
			}
			v.known = newKnown[fingerprint, card.Token](2) // as after a restart
			if again, err := v.Tokenize(ctx, pan); err != nil || again != token {
				rt.Fatal("forgotten: the same card has another token", err)
			}
		})
	})
}

func TestOneCardManyTillsOneToken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		file := filepath.Join(t.TempDir(), "master.key")
		nodes := []*Vault{open(t, db, file, slog.New(slog.DiscardHandler)), open(t, db, file, slog.New(slog.DiscardHandler))}
		pan := number(t, canary)
		tokens := make([]card.Token, 64)
		start := make(chan struct{})
		var wg sync.WaitGroup
		for i := range tokens {
			wg.Go(func() {
				<-start
				token, err := nodes[i%2].Tokenize(t.Context(), pan)
				if err != nil {
					t.Error(err)
				}
				tokens[i] = token
			})
		}
		close(start)
		wg.Wait()
		for _, token := range tokens {
			if token != tokens[0] || token == "" {
				t.Fatal("one card has two tokens")
			}
		}
		var rows int
		if err := db.Read().QueryRow(t.Context(), `SELECT COUNT(*) FROM cards`).Scan(&rows); err != nil || rows != 1 {
			t.Fatal(rows, err)
		}
	})
}

func TestRefuses(t *testing.T) {
	v, ctx := fresh(t, storetest.SQLite(t)), t.Context()
	token, err := v.Tokenize(ctx, number(t, canary))
	if err != nil {
		t.Fatal(err)
	}
	unknown := newToken()
	for name, c := range map[string]struct{ got, want error }{
		"no card number":               {second(v.Tokenize(ctx, card.PAN{})), card.ErrPAN},
		"no purpose":                   {second(v.Reveal(ctx, token, " ")), ErrNoPurpose},
		"an unknown token":             {second(v.Reveal(ctx, unknown, "test")), ErrNoCard},
		"a card number for a token":    {second(v.Reveal(ctx, canary, "test")), ErrNoCard},
		"no token":                     {second(v.Reveal(ctx, "", "test")), ErrNoCard},
		"the mask of an unknown token": {third(v.Masked(ctx, unknown)), ErrNoCard},
		"the mask of no token":         {third(v.Masked(ctx, "")), ErrNoCard},
	} {
		if !errors.Is(c.got, c.want) || strings.Contains(fmt.Sprint(c.got), canary) {
			t.Errorf("%s: %v", name, c.got)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func third(_, _ string, err error) error { return err }

func TestSwappedCardsAreRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		v, ctx := fresh(t, db), t.Context()
		mine, err1 := v.Tokenize(ctx, number(t, canary))
		yours, err2 := v.Tokenize(ctx, number(t, "6224242900000113"))
		err3 := db.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE cards SET sealed = (SELECT sealed FROM cards WHERE token = $1) WHERE token = $2`, string(yours), string(mine))
			return err
		})
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Reveal(ctx, mine, "test"); !errors.Is(err, keys.ErrCorrupt) {
			t.Fatal("another card's number was given out:", err)
		}
	})
}

// TestNothingClearIsLeft looks for a number in what SQLite has written and in a log.
func TestNothingClearIsLeft(t *testing.T) {
	db := storetest.SQLite(t)
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	v := open(t, db, filepath.Join(t.TempDir(), "master.key"), logger)
	pan := number(t, canary)
	token, err := v.Tokenize(t.Context(), pan)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Reveal(t.Context(), token, "authorization"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), string(token)) || !strings.Contains(log.String(), "authorization") {
		t.Error("nobody will know that the number was revealed:", log.String())
	}
	_, err = v.Reveal(t.Context(), canary, "authorization")
	logger.Info("everything", "vault", v, "known", v.known, "pan", pan, "err", err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		fmt.Fprintf(&log, verb, []any{v, v.known, pan, struct{ v *Vault }{v}})
	}
	var seq int
	var name, path string
	if err := db.Read().QueryRow(t.Context(), `PRAGMA database_list`).Scan(&seq, &name, &path); err != nil {
		t.Fatal(err)
	}
	places := map[string][]byte{"log": log.Bytes()}
	for _, suffix := range []string{"", "-wal"} {
		if places[suffix], err = os.ReadFile(path + suffix); err != nil {
			t.Fatal(err)
		}
	}
	for place, text := range places {
		middle := []byte(canary[6:15]) // what no mask shows
		if len(text) == 0 || bytes.Contains(text, middle) || bytes.Contains(text, []byte(hex.EncodeToString(middle))) {
			t.Errorf("the number is in %q, or that is empty", place)
		}
	}
}

func TestKnownIsBounded(t *testing.T) {
	k := newKnown[fingerprint, card.Token](8)
	for i := range 100 {
		k.put(fingerprint{byte(i)}, newToken())
		if _, ok := k.get(fingerprint{byte(i)}); !ok {
			t.Fatal("the newest was forgotten")
		}
	}
	if len(k.m) != 8 {
		t.Fatal(len(k.m))
	}
}

func BenchmarkTokenizeKnown(b *testing.B) {
	v := fresh(b, storetest.SQLite(b))
	pan := number(b, canary)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Tokenize(b.Context(), pan); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTokenizeStored(b *testing.B) {
	v := fresh(b, storetest.SQLite(b))
	v.known = newKnown[fingerprint, card.Token](1)
	pans := []card.PAN{number(b, canary), number(b, "6224242900000113")}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := v.Tokenize(b.Context(), pans[i%2]); err != nil {
			b.Fatal(err)
		}
	}
}
