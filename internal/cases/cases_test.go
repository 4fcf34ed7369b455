package cases_test

import (
	"testing"
	"time"

	"hawker/internal/cases"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var noon = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

func open(t testing.TB, db *store.DB, c cases.Case) {
	t.Helper()
	if err := db.Write(t.Context(), func(tx *store.Tx) error { return cases.Open(t.Context(), tx, c) }); err != nil {
		t.Fatal(err)
	}
}

func closeIt(t testing.TB, db *store.DB, merchant int64, kind, ref string) {
	t.Helper()
	if err := db.Write(t.Context(), func(tx *store.Tx) error {
		return cases.Close(t.Context(), tx, merchant, kind, ref, noon.Add(time.Hour))
	}); err != nil {
		t.Fatal(err)
	}
}

func list(t testing.TB, db *store.DB) []cases.Case {
	t.Helper()
	found, err := cases.List(t.Context(), db.Read())
	if err != nil {
		t.Fatal(err)
	}
	for i := range found {
		if found[i].ID == 0 {
			t.Error("a case has no id")
		}
		found[i].ID = 0
	}
	return found
}

func TestACaseIsOpenUntilItIsClosed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		first := cases.Case{Merchant: 2, Kind: "reversal exhausted", Ref: "r1", Detail: "gave up", Opened: noon}
		second := cases.Case{Merchant: 1, Kind: "batch break", Ref: "b1", Detail: "off by 1", Opened: noon.Add(time.Second)}
		open(t, db, second)
		open(t, db, first)
		if got := list(t, db); len(got) != 2 || got[0] != first || got[1] != second {
			t.Fatalf("oldest first: %+v", got)
		}
		closeIt(t, db, 2, "reversal exhausted", "r1")
		if got := list(t, db); len(got) != 1 || got[0] != second {
			t.Errorf("after closing the first: %+v", got)
		}
	})
}

func TestACaseIsOneHoweverOftenItIsOpened(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		first := cases.Case{Merchant: 1, Kind: "batch break", Ref: "b1", Detail: "off by 1", Opened: noon}
		again := first
		again.Detail, again.Opened = "off by 2", noon.Add(time.Hour)
		open(t, db, first)
		open(t, db, again)
		if got := list(t, db); len(got) != 1 || got[0] != first {
			t.Errorf("got %+v", got)
		}
	})
}

func TestAMatterThatComesBackIsOpenAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		first := cases.Case{Merchant: 1, Kind: "reversal exhausted", Ref: "r1", Detail: "gave up", Opened: noon}
		again := first
		again.Detail, again.Opened = "gave up again", noon.Add(2*time.Hour)
		open(t, db, first)
		closeIt(t, db, 1, "reversal exhausted", "r1")
		open(t, db, again)
		if got := list(t, db); len(got) != 1 || got[0] != again {
			t.Fatalf("got %+v", got)
		}
		closeIt(t, db, 1, "reversal exhausted", "r1")
		if got := list(t, db); len(got) != 0 {
			t.Errorf("it cannot be closed again: %+v", got)
		}
	})
}

func TestClosingTouchesNoOtherCase(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := cases.Case{Merchant: 1, Kind: "batch break", Ref: "b1", Opened: noon}
		open(t, db, c)
		closeIt(t, db, 2, c.Kind, c.Ref)
		closeIt(t, db, 1, "another kind", c.Ref)
		closeIt(t, db, 1, c.Kind, "b2")
		if got := list(t, db); len(got) != 1 || got[0] != c {
			t.Errorf("got %+v", got)
		}
	})
}
