package subject_test

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hawker/internal/keys"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/subject"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var noon = time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)

const wang = subject.ID("application/17")

var phone = subject.Place{Table: "applications", Field: "phone", Row: "17"}

type world struct {
	t    *testing.T
	db   *store.DB
	ring *subject.Ring
	now  time.Time
}

func each(t *testing.T, test func(t *testing.T, w *world)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := &world{t: t, db: db, now: noon}
		clock := func() time.Time { return w.now }
		ks, err := keys.Open(t.Context(), db, filepath.Join(t.TempDir(), "master.key"), clock)
		if err != nil {
			t.Fatal(err)
		}
		w.ring = subject.NewRing(ks, clock)
		test(t, w)
	})
}

func (w *world) write(do func(tx *store.Tx) error) error {
	w.t.Helper()
	return w.db.Write(w.t.Context(), do)
}

func (w *world) make(id subject.ID) (k subject.Key) {
	w.t.Helper()
	if err := w.write(func(tx *store.Tx) (err error) { k, err = w.ring.Make(w.t.Context(), tx, id); return err }); err != nil {
		w.t.Fatal(err)
	}
	return k
}

func TestWhatIsSealedOpensForItsSubjectAndPlaceOnly(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		k, other := w.make(wang), w.make("application/18")
		plain := []byte("13800001234")
		sealed, err := k.Seal(phone, plain)
		if err != nil || bytes.Contains(sealed, plain) {
			t.Fatal(err)
		}
		again, err := k.Seal(phone, plain)
		if err != nil || bytes.Equal(again, sealed) {
			t.Fatal("sealed texts repeat", err)
		}
		read, err := w.ring.Key(t.Context(), w.db.Read(), wang)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := read.Open(phone, sealed); err != nil || !bytes.Equal(got, plain) {
			t.Fatal(string(got), err)
		}
		changed := bytes.Clone(sealed)
		changed[len(changed)-1] ^= 1
		for name, try := range map[string]func() ([]byte, error){
			"another subject's key": func() ([]byte, error) { return other.Open(phone, sealed) },
			"another field":         func() ([]byte, error) { return read.Open(subject.Place{"applications", "name", "17"}, sealed) },
			"another row":           func() ([]byte, error) { return read.Open(subject.Place{"applications", "phone", "18"}, sealed) },
			"another table":         func() ([]byte, error) { return read.Open(subject.Place{"staff", "phone", "17"}, sealed) },
			"parts that run on":     func() ([]byte, error) { return read.Open(subject.Place{"applications", "phone|17", ""}, sealed) },
			"a changed byte":        func() ([]byte, error) { return read.Open(phone, changed) },
			"hardly a byte":         func() ([]byte, error) { return read.Open(phone, sealed[:5]) },
			"nothing":               func() ([]byte, error) { return read.Open(phone, nil) },
		} {
			if got, err := try(); !errors.Is(err, subject.ErrBroken) || got != nil {
				t.Errorf("%s opened it: %q, %v", name, got, err)
			}
		}
		if s := fmt.Sprintf("%v %+v %#v %x", k, k, k, k); s != "[key] [key] [key] [key]" {
			t.Error("a key shows itself:", s)
		}
	})
}

func TestTheZeroKeyDoesNothing(t *testing.T) {
	t.Parallel()
	if _, err := (subject.Key{}).Seal(phone, nil); err == nil {
		t.Error("it sealed")
	}
	if _, err := (subject.Key{}).Open(phone, make([]byte, 64)); err == nil {
		t.Error("it opened")
	}
}

func TestANameIsNoPersonalDatum(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		for _, id := range []subject.ID{"", "17", "application/", "/17", "application/王小明", "application/17 ", "Application/17", subject.ID("a/" + strings.Repeat("9", 65))} {
			if err := w.write(func(tx *store.Tx) error { _, err := w.ring.Make(t.Context(), tx, id); return err }); err == nil {
				t.Errorf("%q got a key", id)
			}
		}
	})
}

func TestWhoStartTogetherGetOneKey(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		got := make([]subject.Key, 8)
		var wg sync.WaitGroup
		for i := range got {
			wg.Go(func() {
				if err := w.db.Write(t.Context(), func(tx *store.Tx) (err error) { got[i], err = w.ring.Make(t.Context(), tx, wang); return err }); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		sealed, err := got[0].Seal(phone, []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range got[1:] {
			if _, err := k.Open(phone, sealed); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestWhoIsErasedStaysErased(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		if err := w.write(func(tx *store.Tx) error { return w.ring.Shred(ctx, tx, wang) }); !errors.Is(err, subject.ErrUnknown) {
			t.Error("nobody was shredded:", err)
		}
		w.make(wang)
		w.make("application/18")
		for range 2 {
			if err := w.write(func(tx *store.Tx) error { return w.ring.Shred(ctx, tx, wang) }); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.ring.Key(ctx, w.db.Read(), wang); !errors.Is(err, subject.ErrShredded) {
			t.Error("the key is still there:", err)
		}
		if err := w.write(func(tx *store.Tx) error { _, err := w.ring.Make(ctx, tx, wang); return err }); !errors.Is(err, subject.ErrShredded) {
			t.Error("it got another key:", err)
		}
		var n int
		if err := w.db.Read().QueryRow(ctx, `SELECT LENGTH(wrapped) FROM subject_keys WHERE subject = $1`, string(wang)).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d bytes are left, %v", n, err)
		}
		found, err := w.ring.Keys(ctx, w.db.Read(), wang, "application/18", "application/19")
		if _, ok := found["application/18"]; err != nil || !ok || len(found) != 1 {
			t.Error(found, err)
		}
	})
}

func TestNothingIsShreddedWhileAHoldStands(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		k := w.make(wang)
		hold := func(reason string, until time.Time) {
			t.Helper()
			if err := w.write(func(tx *store.Tx) error { return w.ring.PlaceHold(ctx, tx, wang, reason, until) }); err != nil {
				t.Fatal(err)
			}
		}
		shred := func() error {
			return w.write(func(tx *store.Tx) error { return w.ring.Shred(ctx, tx, wang) })
		}
		hold("transactions", noon.AddDate(10, 0, 0))
		hold("dispute/3", time.Time{})
		hold("transactions", noon.AddDate(1, 0, 0)) // never shorter
		hold("dispute/3", noon)
		w.now = noon.AddDate(9, 0, 0)
		if err := shred(); !errors.Is(err, subject.ErrHeld) || !strings.Contains(err.Error(), "dispute/3") {
			t.Error(err)
		}
		if err := w.write(func(tx *store.Tx) error { return w.ring.Release(ctx, tx, wang, "dispute/3") }); err != nil {
			t.Fatal(err)
		}
		w.now = noon.AddDate(10, 0, 0).Add(-time.Microsecond)
		if err := shred(); !errors.Is(err, subject.ErrHeld) || !strings.Contains(err.Error(), "transactions") {
			t.Error(err)
		}
		if _, err := k.Seal(phone, []byte("x")); err != nil {
			t.Error(err)
		}
		if _, err := w.ring.Key(ctx, w.db.Read(), wang); err != nil {
			t.Error("a refused shredding left a trace:", err)
		}
		w.now = noon.AddDate(10, 0, 0)
		if err := shred(); err != nil {
			t.Error(err)
		}
		if holds, err := subject.Holds(ctx, w.db.Read(), wang); err != nil || len(holds) != 1 || holds[0].Stands(w.now) {
			t.Error(holds, err)
		}
	})
}
