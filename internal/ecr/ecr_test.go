package ecr

import (
	"errors"
	"testing"
	"time"

	"hawker/internal/money"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var noon = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

func lunch(minor int64) Ask {
	return Ask{Merchant: 7, Device: "pos/1", Key: "k1", Terminal: "T0000001", Amount: money.New(minor, money.CNY), Shown: []byte(`{"x":1}`), Note: "table 3"}
}

func put(t *testing.T, db *store.DB, a Ask, at time.Time) (_ Ask, fresh bool, _ error) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *store.Tx) (err error) {
		a, fresh, err = Put(t.Context(), tx, a, at)
		return err
	})
	return a, fresh, err
}

func end(t *testing.T, db *store.DB, a Ask, ref string, said Said) {
	t.Helper()
	if err := db.Write(t.Context(), func(tx *store.Tx) error { return End(t.Context(), tx, a, ref, said) }); err != nil {
		t.Fatal(err)
	}
}

func TestAnAskIsMadeOnceUnderItsKey(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, fresh, err := put(t, db, lunch(4650), noon)
		if err != nil || !fresh || a.State != Asked {
			t.Fatalf("%+v, %v, %v", a, fresh, err)
		}
		if again, fresh, err := put(t, db, lunch(4650), noon.Add(time.Second)); err != nil || fresh || again.ID != a.ID || again.Note != "table 3" {
			t.Errorf("again: %+v, %v, %v", again, fresh, err)
		}
		if _, _, err := put(t, db, lunch(4651), noon); !errors.Is(err, ErrReused) {
			t.Errorf("another amount: %v", err)
		}
		other := lunch(4651)
		other.Device = "pos/2"
		if _, fresh, err := put(t, db, other, noon); err != nil || !fresh {
			t.Errorf("another till's key: %v, %v", fresh, err)
		}
		if _, err := ByKey(t.Context(), db.Read(), 7, "pos/1", "k2"); !errors.Is(err, ErrNone) {
			t.Errorf("what nobody asked: %v", err)
		}
	})
}

func TestAnAskEndsOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		a, _, err := put(t, db, lunch(4650), noon)
		if err != nil {
			t.Fatal(err)
		}
		end(t, db, a, "00ABCDEFGHIJ", Said{})
		end(t, db, a, "", Said{ZH: "卡读不出来", EN: "The card cannot be read"}) // too late: it was sent
		got, err := ByKey(ctx, db.Read(), 7, "pos/1", "k1")
		if err != nil || got.State != Sent || got.Ref != "00ABCDEFGHIJ" || got.Said != (Said{}) {
			t.Errorf("%+v, %v", got, err)
		}
		if got, err := ByRef(ctx, db.Read(), 7, "00ABCDEFGHIJ", noon.Add(time.Minute)); err != nil || got.ID != a.ID {
			t.Errorf("by reference: %+v, %v", got, err)
		}
		if _, err := ByRef(ctx, db.Read(), 7, "00ABCDEFGHIJ", noon.Add(2*time.Hour)); !errors.Is(err, ErrNone) {
			t.Errorf("by the reference of a later payment: %v", err)
		}
		b := lunch(100)
		b.Key = "k2"
		b, _, err = put(t, db, b, noon)
		if err != nil {
			t.Fatal(err)
		}
		said := Said{ZH: "卡读不出来", EN: "The card cannot be read"}
		end(t, db, b, "", said)
		if got, err := ByKey(ctx, db.Read(), 7, "pos/1", "k2"); err != nil || got.State != Nothing || got.Said != said {
			t.Errorf("%+v, %v", got, err)
		}
	})
}
