package cash

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hawker/internal/money"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var morning = time.Date(2026, 11, 22, 0, 30, 0, 0, time.UTC)

func cny(minor int64) money.Amount { return money.New(minor, money.CNY) }

var amounts = cmp.AllowUnexported(money.Amount{})

func open(t *testing.T, db *store.DB, s Shift, at time.Time) (Shift, error) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *store.Tx) (err error) {
		s, err = Open(t.Context(), tx, s, at)
		return err
	})
	return s, err
}

func shut(t *testing.T, db *store.DB, s Shift, totals []Total, counted money.Amount, at time.Time) (Shift, error) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *store.Tx) (err error) {
		s, err = Close(t.Context(), tx, s, totals, counted, "陈晨", at)
		return err
	})
	return s, err
}

func TestADrawerHoldsItsFloatAndTheCashTaken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		totals []Total
		want   int64
	}{
		"nothing was sold":            {nil, 20000},
		"cash was taken":              {[]Total{{Method: "cash", Taken: cny(4650), Refunded: cny(0)}}, 24650},
		"some of it was given back":   {[]Total{{Method: "cash", Taken: cny(4650), Refunded: cny(650)}}, 24000},
		"more was given than taken":   {[]Total{{Method: "cash", Taken: cny(0), Refunded: cny(650)}}, 19350},
		"cards do not go into it":     {[]Total{{Method: "card", Taken: cny(9900), Refunded: cny(100)}}, 20000},
		"wallets do not go in either": {[]Total{{Method: "wechat", Taken: cny(9900), Refunded: cny(0)}, {Method: "cash", Taken: cny(1), Refunded: cny(0)}}, 20001},
	} {
		if got, err := (Shift{Float: cny(20000)}).Expect(c.totals); err != nil || got != cny(c.want) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	if _, err := (Shift{Float: cny(1)}).Expect([]Total{{Method: "cash", Taken: money.New(1, money.USD)}}); err == nil {
		t.Error("dollars are counted among yuan")
	}
}

func TestAShiftIsOpenedOnceAndClosedOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		if _, err := Current(ctx, db.Read(), 7, "pos/1"); !errors.Is(err, ErrClosed) {
			t.Errorf("before any: %v", err)
		}
		s, err := open(t, db, Shift{Merchant: 7, Device: "pos/1", OpenedBy: "陈晨", Float: cny(20000)}, morning)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Current(ctx, db.Read(), 7, "pos/1"); err != nil || got.ID != s.ID || got.Float != s.Float || !got.Closed.IsZero() {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := open(t, db, s, morning); !errors.Is(err, ErrOpen) {
			t.Errorf("opened twice: %v", err)
		}
		for _, other := range []Shift{{Merchant: 7, Device: "pos/2", Float: cny(0)}, {Merchant: 8, Device: "pos/1", Float: cny(0)}} {
			if _, err := open(t, db, other, morning); err != nil {
				t.Errorf("at %s of %d: %v", other.Device, other.Merchant, err)
			}
		}
		totals := []Total{{Method: "card", Count: 3, Taken: cny(9900), Refunded: cny(0)}, {Method: "cash", Count: 2, Taken: cny(4650), Refunded: cny(650)}}
		evening := morning.Add(10 * time.Hour)
		closed, err := shut(t, db, s, totals, cny(23990), evening)
		if err != nil {
			t.Fatal(err)
		}
		if d, err := closed.Difference(); err != nil || d != cny(-10) {
			t.Errorf("ten fen are missing, and it says %s, %v", d, err)
		}
		if _, err := shut(t, db, s, nil, cny(0), evening); !errors.Is(err, ErrClosed) {
			t.Errorf("closed twice: %v", err)
		}
		last, err := Last(ctx, db.Read(), 7, "pos/1", 10)
		if err != nil || len(last) != 1 || !cmp.Equal(last[0], closed, amounts) {
			t.Errorf("%v %s", err, cmp.Diff(last, []Shift{closed}, amounts))
		}
		next, err := open(t, db, Shift{Merchant: 7, Device: "pos/1", OpenedBy: "李雷", Float: cny(23990)}, evening)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := shut(t, db, next, nil, cny(23990), evening.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if last, err := Last(ctx, db.Read(), 7, "pos/1", 1); err != nil || len(last) != 1 || last[0].ID != next.ID {
			t.Errorf("the newest is %+v, %v", last, err)
		}
	})
}

func TestADrawerIsNotCountedWrongly(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, float := range []money.Amount{cny(-1), {}} {
			if _, err := open(t, db, Shift{Merchant: 7, Device: "pos/1", Float: float}, morning); !errors.Is(err, ErrCount) {
				t.Errorf("opened with %s: %v", float, err)
			}
		}
		s, err := open(t, db, Shift{Merchant: 7, Device: "pos/1", Float: cny(0)}, morning)
		if err != nil {
			t.Fatal(err)
		}
		for _, counted := range []money.Amount{cny(-1), money.New(1, money.USD), {}} {
			if _, err := shut(t, db, s, nil, counted, morning); !errors.Is(err, ErrCount) {
				t.Errorf("closed with %s: %v", counted, err)
			}
		}
	})
}
