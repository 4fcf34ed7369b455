package shop

import (
	"errors"
	"strings"
	"testing"
	"time"

	"hawker/internal/money"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func cny(minor int64) money.Amount { return money.New(minor, money.CNY) }

func latte() Item {
	return Item{Merchant: 7, NameZH: "拿铁", NameEN: "Latte", Price: cny(2800), Barcode: "6901234567892", Category: "咖啡"}
}

// write runs one transaction.
func write(t *testing.T, db *store.DB, do func(tx *store.Tx) error) error {
	t.Helper()
	return db.Write(t.Context(), do)
}

func add(t *testing.T, db *store.DB, i Item) Item {
	t.Helper()
	if err := write(t, db, func(tx *store.Tx) (err error) {
		i, err = Add(t.Context(), tx, i, noon)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return i
}

func TestAnItemIsRefusedForWhatIsWrongWithIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Item)
		want   error
	}{
		"as it is":                               {func(*Item) {}, nil},
		"an English name alone":                  {func(i *Item) { i.NameZH = "" }, nil},
		"no name":                                {func(i *Item) { i.NameZH, i.NameEN = " \t", "" }, ErrName},
		"a name of forty-one characters":         {func(i *Item) { i.NameZH = strings.Repeat("面", 41) }, ErrName},
		"no price":                               {func(i *Item) { i.Price = cny(0) }, ErrPrice},
		"a price beyond every bound":             {func(i *Item) { i.Price = cny(1_000_000_000) }, ErrPrice},
		"a price without a currency":             {func(i *Item) { i.Price = money.New(100, "") }, ErrPrice},
		"a long category":                        {func(i *Item) { i.Category = strings.Repeat("咖", 21) }, ErrCategory},
		"a product code with a wrong last digit": {func(i *Item) { i.Barcode = "6901234567890" }, ErrBarcode},
		"a product code of eight digits":         {func(i *Item) { i.Barcode = "96385074" }, nil},
		"a code of the shop's own":               {func(i *Item) { i.Barcode = "NOODLE-01" }, nil},
		"what a customer pays with":              {func(i *Item) { i.Barcode = "134567890123456789" }, ErrBarcode},
		"a barcode with a blank in it":           {func(i *Item) { i.Barcode = "NOODLE 01" }, ErrBarcode},
		"a barcode in Chinese":                   {func(i *Item) { i.Barcode = "面" }, ErrBarcode},
		"a state that there is not":              {func(i *Item) { i.State = "free" }, ErrState},
	} {
		i := latte()
		c.change(&i)
		if _, err := i.clean(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestANameIsOneLine(t *testing.T) {
	t.Parallel()
	i := latte()
	i.NameZH, i.NameEN = " 牛肉\n面\u202e ", "Beef\x00 noodles"
	if i, err := i.clean(); err != nil || i.NameZH != "牛肉 面" || i.NameEN != "Beef noodles" {
		t.Errorf("%q %q, %v", i.NameZH, i.NameEN, err)
	}
}

func TestACatalogueIsTheMerchantsOwn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, first := t.Context(), add(t, db, latte())
		theirs := latte()
		theirs.Merchant = 8 // the same barcode at another merchant's
		add(t, db, theirs)
		tea := add(t, db, Item{Merchant: 7, NameZH: "茶", Price: cny(500), Place: -1})
		list, err := List(ctx, db.Read(), 7)
		if err != nil || len(list) != 2 || list[0] != tea || list[1] != first {
			t.Fatalf("%+v, %v", list, err)
		}
		if i, err := ByBarcode(ctx, db.Read(), 7, latte().Barcode); err != nil || i != first {
			t.Errorf("by barcode: %+v, %v", i, err)
		}
		if _, err := ByBarcode(ctx, db.Read(), 7, ""); !errors.Is(err, ErrUnknown) {
			t.Errorf("no barcode finds an item without one: %v", err)
		}
		if _, err := ByID(ctx, db.Read(), 8, first.ID); !errors.Is(err, ErrUnknown) {
			t.Errorf("another merchant's item: %v", err)
		}
		if err := write(t, db, func(tx *store.Tx) error { _, err := Add(ctx, tx, latte(), noon); return err }); !errors.Is(err, ErrTaken) {
			t.Errorf("the same barcode twice: %v", err)
		}
		tea.Barcode = first.Barcode
		if err := write(t, db, func(tx *store.Tx) error { return Change(ctx, tx, tea, noon) }); !errors.Is(err, ErrTaken) {
			t.Errorf("changed to the same barcode: %v", err)
		}
		tea.Barcode, tea.State, tea.Price = "", SoldOut, cny(600)
		if err := write(t, db, func(tx *store.Tx) error { return Change(ctx, tx, tea, noon) }); err != nil {
			t.Fatal(err)
		}
		if i, err := ByID(ctx, db.Read(), 7, tea.ID); err != nil || i != tea {
			t.Errorf("changed: %+v, %v", i, err)
		}
		tea.Merchant = 8
		if err := write(t, db, func(tx *store.Tx) error { return Change(ctx, tx, tea, noon) }); !errors.Is(err, ErrUnknown) {
			t.Errorf("changed by another merchant: %v", err)
		}
	})
}
