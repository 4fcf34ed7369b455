package merchant_test

import (
	"errors"
	"testing"

	"hawker/internal/merchant"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestAMerchantHasStoresAndCanBeChangedAndSearched(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m := noodles(t)
		if err := add(t, db, m); err != nil {
			t.Fatal(err)
		}
		write := func(do func(tx *store.Tx) error) error { return db.Write(t.Context(), do) }
		one := merchant.Store{Merchant: m.ID, ID: 1, Name: "总店", Region: "310000"}
		if err := write(func(tx *store.Tx) error { return merchant.AddStore(t.Context(), tx, one, noon) }); err != nil {
			t.Fatal(err)
		}
		if err := write(func(tx *store.Tx) error { return merchant.AddStore(t.Context(), tx, one, noon) }); !store.IsUnique(err) {
			t.Errorf("one store twice: %v", err)
		}
		if err := write(func(tx *store.Tx) error {
			return merchant.AddStore(t.Context(), tx, merchant.Store{Merchant: m.ID, ID: 2}, noon)
		}); err == nil {
			t.Error("a store without a name was added")
		}
		one.Name, one.Region = "分店", "440300"
		if err := write(func(tx *store.Tx) error { return merchant.MoveStore(t.Context(), tx, one) }); err != nil {
			t.Fatal(err)
		}
		if got, err := merchant.Stores(t.Context(), db.Read(), m.ID); err != nil || len(got) != 1 || got[0] != one {
			t.Errorf("stores %+v, %v", got, err)
		}
		if err := write(func(tx *store.Tx) error {
			return merchant.MoveStore(t.Context(), tx, merchant.Store{Merchant: m.ID, ID: 9, Name: "x", Region: "310000"})
		}); !errors.Is(err, merchant.ErrUnknown) {
			t.Errorf("no such store: %v", err)
		}
		m.NameZH, m.MCC = "百分%面馆", "5814"
		if err := write(func(tx *store.Tx) error { return merchant.Change(t.Context(), tx, m) }); err != nil {
			t.Fatal(err)
		}
		for text, want := range map[string]int{m.MID: 1, "面馆": 1, "分%": 1, "%%": 0, "馆": 0, "别的店": 0} {
			if got, err := merchant.Search(t.Context(), db.Read(), text, 5); err != nil || len(got) != want || (want == 1 && got[0].MCC != "5814") {
				t.Errorf("%q finds %+v, %v", text, got, err)
			}
		}
		m.ID++
		if err := write(func(tx *store.Tx) error { return merchant.Change(t.Context(), tx, m) }); !errors.Is(err, merchant.ErrUnknown) {
			t.Errorf("no such merchant: %v", err)
		}
	})
}
