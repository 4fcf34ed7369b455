package signature

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hawker/internal/keys"
	"hawker/internal/money"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func now() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 123456789, time.UTC) }

func open(t testing.TB, db *store.DB) *Store {
	t.Helper()
	ks, err := keys.Open(t.Context(), db, filepath.Join(t.TempDir(), "master.key"), now)
	if err != nil {
		t.Fatal(err)
	}
	return Open(db, ks, now)
}

var lunch = Facts{Merchant: 7, Payment: 1234, Terminal: "T0000001", Batch: 3, Trace: 17, Amount: money.New(4650, money.CNY)}

// bitmap is a picture of so many pixels with a text in it that a search would find.
func bitmap(width, height int, text string) []byte {
	b := []byte("P4\n" + itoa(width) + " " + itoa(height) + "\n")
	body := bytes.Repeat([]byte{0x5A}, (width+7)/8*height)
	copy(body, text)
	return append(b, body...)
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

func TestASignatureIsBoundToItsPaymentAndSealed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := open(t, db), t.Context()
		if _, err := s.Get(ctx, 7, 1234); !errors.Is(err, ErrNone) {
			t.Errorf("before it is there: %v", err)
		}
		const canary = "the picture of Wang Xiaoming"
		picture := bitmap(128, 48, canary)
		if err := s.Put(ctx, lunch, picture); err != nil {
			t.Fatal(err)
		}
		g, err := s.Get(ctx, 7, 1234)
		if err != nil || g.Facts != lunch || g.Format != PBM || !bytes.Equal(g.Picture, picture) || !g.Signed.Equal(now().Truncate(time.Microsecond)) {
			t.Errorf("it comes back as %+v of %s at %s, %v", g.Facts, g.Format, g.Signed, err)
		}
		if err := s.Put(ctx, lunch, bitmap(8, 8, "")); !errors.Is(err, ErrRepeat) {
			t.Errorf("a second signature: %v", err)
		}
		var sealed []byte
		if err := db.Read().QueryRow(ctx, `SELECT sealed FROM signatures`).Scan(&sealed); err != nil || bytes.Contains(sealed, []byte(canary)) {
			t.Errorf("the picture lies open: %v", err)
		}
		for name, change := range map[string]string{
			"another amount": `UPDATE signatures SET amount_minor = amount_minor + 1`, "another time": `UPDATE signatures SET signed_at = signed_at + 1`,
			"another payment": `UPDATE signatures SET payment_id = payment_id + 1`,
		} {
			if err := db.Write(ctx, func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, change)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			payment := int64(1234)
			if name == "another payment" {
				payment++
			}
			if _, err := s.Get(ctx, 7, payment); !errors.Is(err, ErrBroken) {
				t.Errorf("%s: %v", name, err)
			}
			if err := db.Write(ctx, func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, strings.Replace(change, "+ 1", "- 1", 1))
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE signatures SET digest = sealed`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(ctx, 7, 1234); !errors.Is(err, ErrBroken) {
			t.Errorf("another digest: %v", err)
		}
	})
}

func TestAnOldSignatureIsPurged(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := open(t, db), t.Context()
		if err := s.Put(ctx, lunch, bitmap(8, 8, "")); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			before time.Time
			want   int64
		}{{now(), 0}, {now().Add(time.Second), 1}} {
			if err := db.Write(ctx, func(tx *store.Tx) error {
				n, err := Purge(ctx, tx, c.before)
				if n != c.want {
					t.Errorf("before %s: %d", c.before, n)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Get(ctx, 7, 1234); !errors.Is(err, ErrNone) {
			t.Error("it is still there:", err)
		}
	})
}

func TestSegmentsMakeOnePicture(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := open(t, db), t.Context()
		picture := bitmap(240, 96, "")
		part := func(n int) []byte { return picture[(n-1)*1000 : min(n*1000, len(picture))] }
		for _, step := range []struct {
			name string
			n    int
			last bool
			data []byte
			want error
		}{
			{"the second comes first", 2, false, part(2), ErrSegment},
			{"a first one that is given up", 1, false, []byte("other"), nil},
			{"the first, anew", 1, false, part(1), nil},
			{"the first again", 1, false, part(1), nil},
			{"one too far", 3, true, part(3), ErrSegment},
			{"the second", 2, false, part(2), nil},
			{"the second, changed", 2, false, []byte("other"), ErrSegment},
			{"nothing", 3, true, nil, ErrPicture},
			{"number 0", 0, false, part(1), ErrPicture},
			{"number 17", 17, false, part(1), ErrPicture},
			{"the last", 3, true, part(3), nil},
			{"the last again", 3, true, part(3), ErrRepeat},
			{"the first again after the last", 1, false, part(1), ErrRepeat},
		} {
			if err := s.PutPart(ctx, lunch, step.n, step.last, step.data); !errors.Is(err, step.want) || (err == nil) != (step.want == nil) {
				t.Errorf("%s: %v", step.name, err)
			}
		}
		if g, err := s.Get(ctx, 7, 1234); err != nil || !bytes.Equal(g.Picture, picture) {
			t.Errorf("the picture has %d bytes, %v", len(g.Picture), err)
		}
		var left int
		if err := db.Read().QueryRow(ctx, `SELECT COUNT(*) FROM signature_parts`).Scan(&left); err != nil || left != 0 {
			t.Errorf("%d segments are left, %v", left, err)
		}
	})
}

func TestSegmentsThatMakeNoPictureMayBeginAnew(t *testing.T) {
	t.Parallel()
	s := open(t, storetest.SQLite(t))
	if err := s.PutPart(context.Background(), lunch, 1, true, []byte("no picture")); !errors.Is(err, ErrPicture) {
		t.Errorf("no picture: %v", err)
	}
	if err := s.PutPart(context.Background(), lunch, 1, true, bitmap(8, 8, "")); err != nil {
		t.Errorf("then a picture: %v", err)
	}
}

// jbig is the header of a bi-level image of 128 × 48 pixels, and some coded bytes.
const jbig = "00000100" + "00000080" + "00000030" + "00000030" + "08000000" + "FFAC0102"

func TestOnlyPicturesAreKept(t *testing.T) {
	t.Parallel()
	raw := func(text string) []byte {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, row := range []struct {
		name    string
		picture []byte
		want    Format
	}{
		{"a bitmap", bitmap(9, 3, ""), PBM},
		{"a JBIG", raw(jbig), JBIG},
		{"nothing", nil, ""},
		{"a JBIG without image", raw(jbig)[:20], ""},
		{"a JBIG of two planes", raw("00000200" + jbig[8:]), ""},
		{"a JBIG of layers that go down", raw("02000100" + jbig[8:]), ""},
		{"a JBIG without width", raw(jbig[:8] + "00000000" + jbig[16:]), ""},
		{"a JBIG of four billion pixels", raw(jbig[:8] + "FFFFFFFF" + jbig[16:]), ""},
		{"a JBIG of endless stripes", raw(jbig[:24] + "00000000" + jbig[32:]), ""},
		{"a bitmap cut short", bitmap(9, 3, "")[:10], ""},
		{"a bitmap with more behind", append(bitmap(9, 3, ""), 0), ""},
		{"a bitmap of no pixels", []byte("P4\n0 3\n"), ""},
		{"a bitmap too wide", bitmap(1025, 1, ""), ""},
		{"a bitmap with a comment", []byte("P4\n# hello\n8 1\n\x00"), ""},
		{"a bitmap of words", []byte("P4\neight by one\n"), ""},
		{"a JPEG", raw("FFD8FFE000104A46494600010100000100010000FFD9"), ""},
		{"a book", bytes.Repeat([]byte{0}, MaxPicture+1), ""},
	} {
		got, err := Sniff(row.picture)
		if row.want == "" {
			if !errors.Is(err, ErrPicture) {
				t.Errorf("%s: %v", row.name, err)
			}
		} else if got != row.want || err != nil {
			t.Errorf("%s is %q, %v", row.name, got, err)
		}
	}
}

func FuzzSniff(f *testing.F) {
	header, err := hex.DecodeString(jbig)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(header)
	f.Add(bitmap(9, 3, ""))
	f.Add([]byte("P4\n99999999999999999999 1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := Sniff(b); err != nil && !errors.Is(err, ErrPicture) {
			t.Error(err)
		}
	})
}
