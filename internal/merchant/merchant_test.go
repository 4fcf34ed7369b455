package merchant_test

import (
	"errors"
	"testing"
	"time"

	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var noon = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

func noodles(t testing.TB) merchant.Merchant {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	return merchant.Merchant{ID: 7, MID: "104310058120007", NameZH: "老王面馆", NameEN: "Wang's Noodles", Place: "Shanghai",
		MCC: "5812", Currency: money.CNY, Zone: zone, Cutoff: 23 * time.Hour, State: merchant.Active}
}

func add(t testing.TB, db *store.DB, m merchant.Merchant) error {
	t.Helper()
	return db.Write(t.Context(), func(tx *store.Tx) error { return merchant.Add(t.Context(), tx, m, noon) })
}

func TestAMerchantIsFoundAsItWasAdded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		want := noodles(t)
		if err := add(t, db, want); err != nil {
			t.Fatal(err)
		}
		byID, err1 := merchant.ByID(t.Context(), db.Read(), want.ID)
		byMID, err2 := merchant.ByMID(t.Context(), db.Read(), want.MID)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		for _, got := range []merchant.Merchant{byID, byMID} {
			if got.Zone.String() != want.Zone.String() {
				t.Errorf("its zone is %v", got.Zone)
			}
			got.Zone = want.Zone
			if got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		}
		if byID.Day(time.Date(2026, 11, 22, 15, 0, 0, 0, time.UTC)) != clock.Day(20261123) {
			t.Error("its business day does not end at its cutoff")
		}
		if err := add(t, db, want); !store.IsUnique(err) {
			t.Errorf("adding it twice: %v", err)
		}
		twin := want
		twin.ID++
		if err := add(t, db, twin); !store.IsUnique(err) {
			t.Errorf("two merchants with one MID: %v", err)
		}
	})
}

func TestAnUnknownMerchantIsNotFound(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		_, byID := merchant.ByID(t.Context(), db.Read(), 8)
		_, byMID := merchant.ByMID(t.Context(), db.Read(), "104310058120008")
		set := db.Write(t.Context(), func(tx *store.Tx) error { return merchant.SetState(t.Context(), tx, 8, merchant.Suspended) })
		for what, err := range map[string]error{"by id": byID, "by MID": byMID, "setting its state": set} {
			if !errors.Is(err, merchant.ErrUnknown) || fault.Of(err).Kind != fault.NotFound {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

func TestASuspendedMerchantMayNotTakePayments(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if err := add(t, db, noodles(t)); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			state merchant.State
			want  error
		}{{merchant.Suspended, merchant.ErrSuspended}, {merchant.Active, nil}} {
			if err := db.Write(t.Context(), func(tx *store.Tx) error { return merchant.SetState(t.Context(), tx, 7, c.state) }); err != nil {
				t.Fatal(err)
			}
			m, err := merchant.ByID(t.Context(), db.Read(), 7)
			if err != nil || m.State != c.state {
				t.Fatalf("it is %s, %v", m.State, err)
			}
			if err := m.MayTake(); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", c.state, err)
			}
		}
		if err := (merchant.Merchant{}).MayTake(); !errors.Is(err, merchant.ErrSuspended) {
			t.Errorf("a merchant without a state may take payments: %v", err)
		}
	})
}

func TestAMerchantThatCannotWorkIsNotAdded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, c := range []struct {
			name  string
			spoil func(*merchant.Merchant)
		}{
			{"no id", func(m *merchant.Merchant) { m.ID = 0 }},
			{"a negative id", func(m *merchant.Merchant) { m.ID = -1 }},
			{"a MID of 14 characters", func(m *merchant.Merchant) { m.MID = m.MID[1:] }},
			{"no MCC", func(m *merchant.Merchant) { m.MCC = "" }},
			{"an unknown currency", func(m *merchant.Merchant) { m.Currency = "XXX" }},
			{"no zone", func(m *merchant.Merchant) { m.Zone = nil }},
			{"a zone that only this machine knows", func(m *merchant.Merchant) { m.Zone = time.Local }},
			{"a zone that has no IANA name", func(m *merchant.Merchant) { m.Zone = time.FixedZone("Beijing", 8*3600) }},
			{"a cutoff before midnight", func(m *merchant.Merchant) { m.Cutoff = -time.Minute }},
			{"a cutoff after the day's end", func(m *merchant.Merchant) { m.Cutoff = 24*time.Hour + time.Minute }},
			{"a cutoff between two minutes", func(m *merchant.Merchant) { m.Cutoff = 23*time.Hour + time.Second }},
		} {
			m := noodles(t)
			c.spoil(&m)
			if err := add(t, db, m); err == nil {
				t.Errorf("%s: it was added", c.name)
				_ = db.Write(t.Context(), func(tx *store.Tx) error { _, err := tx.Exec(t.Context(), "DELETE FROM merchants"); return err })
			}
		}
	})
}
