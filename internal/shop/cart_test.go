package shop

import (
	"encoding/json"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"hawker/internal/money"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

var menu = map[int64]Item{
	1: {ID: 1, NameZH: "牛肉面", Price: cny(2800), State: OnSale},
	2: {ID: 2, NameZH: "卤蛋", Price: cny(333), State: OnSale},
	3: {ID: 3, NameZH: "凉面", Price: cny(1800), State: SoldOut},
	4: {ID: 4, NameZH: "Hot dog", Price: money.New(500, money.USD), State: OnSale},
}

func TestACartAddsUp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cart            Cart
		sum, off, total int64
		want            error
	}{
		"two of one and one of another":        {Cart{Lines: []Line{{Item: 1, Quantity: 2}, {Item: 2, Quantity: 1}}}, 5933, 0, 5933, nil},
		"a typed amount beside an item":        {Cart{Lines: []Line{{Item: 1, Quantity: 1}, {Amount: cny(450), Quantity: 1}}}, 3250, 0, 3250, nil},
		"the same item on two lines":           {Cart{Lines: []Line{{Item: 2, Quantity: 1}, {Item: 2, Quantity: 2}}}, 999, 0, 999, nil},
		"ten percent off, half up":             {Cart{Lines: []Line{{Item: 2, Quantity: 5}}, Percent: 1000}, 1665, 167, 1498, nil},
		"a percentage and then an amount":      {Cart{Lines: []Line{{Item: 1, Quantity: 1}}, Percent: 1000, Off: cny(20)}, 2800, 300, 2500, nil},
		"nothing":                              {Cart{}, 0, 0, 0, ErrEmpty},
		"a quantity of none":                   {Cart{Lines: []Line{{Item: 1}}}, 0, 0, 0, ErrQuantity},
		"a negative quantity":                  {Cart{Lines: []Line{{Item: 1, Quantity: -1}}}, 0, 0, 0, ErrQuantity},
		"ten thousand of one":                  {Cart{Lines: []Line{{Item: 1, Quantity: 10_000}}}, 0, 0, 0, ErrQuantity},
		"more lines than a receipt has":        {Cart{Lines: make([]Line, MaxLines+1)}, 0, 0, 0, ErrQuantity},
		"an item that is sold out":             {Cart{Lines: []Line{{Item: 3, Quantity: 1}}}, 0, 0, 0, ErrSoldOut},
		"a negative typed amount":              {Cart{Lines: []Line{{Amount: cny(-1), Quantity: 1}}}, 0, 0, 0, ErrPrice},
		"an item of another currency":          {Cart{Lines: []Line{{Item: 4, Quantity: 1}}}, 0, 0, 0, ErrPrice},
		"everything off":                       {Cart{Lines: []Line{{Item: 1, Quantity: 1}}, Percent: 10_000}, 0, 0, 0, ErrDiscount},
		"more off than there is":               {Cart{Lines: []Line{{Item: 1, Quantity: 1}}, Off: cny(2801)}, 0, 0, 0, ErrDiscount},
		"a surcharge that calls itself a gift": {Cart{Lines: []Line{{Item: 1, Quantity: 1}}, Off: cny(-1)}, 0, 0, 0, ErrDiscount},
		"a negative percentage":                {Cart{Lines: []Line{{Item: 1, Quantity: 1}}, Percent: -1}, 0, 0, 0, ErrDiscount},
		"an amount off of another currency":    {Cart{Lines: []Line{{Item: 1, Quantity: 1}}, Off: money.New(1, money.USD)}, 0, 0, 0, ErrDiscount},
	} {
		b, err := price(c.cart, money.CNY, menu)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if c.want == nil && (b.Sum != cny(c.sum) || b.Discount != cny(c.off) || b.Total != cny(c.total)) {
			t.Errorf("%s: %s less %s is %s", name, b.Sum, b.Discount, b.Total)
		}
	}
}

func TestABillAlwaysAddsUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.Custom(func(t *rapid.T) Line {
			l := Line{Quantity: rapid.IntRange(1, MaxQuantity).Draw(t, "quantity")}
			if l.Item = rapid.Int64Range(0, 2).Draw(t, "item"); l.Item == 0 {
				l.Amount = cny(rapid.Int64Range(1, maxPrice).Draw(t, "amount"))
			}
			return l
		})
		cart := Cart{Lines: rapid.SliceOfN(line, 1, MaxLines).Draw(t, "lines"),
			Percent: money.BasisPoints(rapid.Int32Range(0, 10_000).Draw(t, "percent")), Off: cny(rapid.Int64Range(0, 5000).Draw(t, "off"))}
		b, err := price(cart, money.CNY, menu)
		if errors.Is(err, ErrDiscount) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		lines := int64(0)
		for _, l := range b.Lines {
			lines += l.Each.Minor() * int64(l.Quantity)
		}
		if lines != b.Sum.Minor() || b.Sum.Minor()-b.Discount.Minor() != b.Total.Minor() || b.Total.Sign() <= 0 {
			t.Fatalf("lines %d, sum %s, discount %s, total %s", lines, b.Sum, b.Discount, b.Total)
		}
	})
}

func TestPricesAreTheCatalogues(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, i := t.Context(), add(t, db, latte())
		cart := Cart{Lines: []Line{{Item: i.ID, Quantity: 2}, {Item: i.ID, Quantity: 1}, {Amount: cny(100), Quantity: 1}}}
		b, err := Price(ctx, db.Read(), 7, money.CNY, cart)
		if err != nil || b.Total != cny(8500) || b.Lines[0].NameZH != "拿铁" {
			t.Fatalf("%+v, %v", b, err)
		}
		shown, err := b.Shown()
		var again Bill
		if err := errors.Join(err, json.Unmarshal(shown, &again)); err != nil || again.Total != b.Total || len(again.Lines) != 3 {
			t.Errorf("shown as %s, %v", shown, err)
		}
		if _, err := Price(ctx, db.Read(), 8, money.CNY, cart); !errors.Is(err, ErrUnknown) {
			t.Errorf("another merchant's item: %v", err)
		}
	})
}
