package shop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
)

// Refusals of a cart.
var (
	ErrEmpty    = fault.New(fault.Invalid, "cart_empty", "还没有商品或金额。", "There is nothing in the cart yet.")
	ErrQuantity = fault.New(fault.Invalid, "cart_quantity", "数量要在 1 到 9,999 之间，一单最多 200 行。", "A quantity is 1 to 9,999, and a cart has at most 200 lines.")
	ErrDiscount = fault.New(fault.Invalid, "cart_discount", "优惠要小于总额。", "The discount must be less than the sum.")
	ErrSoldOut  = fault.New(fault.Conflict, "item_sold_out", "有商品已经售罄或下架，请从订单里拿掉。", "An item is sold out or no longer sold. Please take it off.")
	ErrChanged  = fault.New(fault.Conflict, "price_changed", "商品价格刚刚变了，请看过新的总额再收款。", "A price has just changed. Look at the new total before you charge.")
)

// The bounds of a cart.
const (
	MaxLines    = 200
	MaxQuantity = 9999
)

// Line is a number of one item, or of an amount that somebody typed.
type Line struct {
	Item     int64        // 0 for a typed amount
	Amount   money.Amount // of one, when Item is 0
	Quantity int
}

// Cart is what a customer buys, before it has a price.
type Cart struct {
	Lines   []Line
	Percent money.BasisPoints // taken off the sum first, rounded half up to a minor unit; 0 none
	Off     money.Amount      // taken off next; the zero Amount none
}

// Priced is a line with its price.
type Priced struct {
	Item     int64        `json:"item,omitempty"`
	NameZH   string       `json:"name_zh,omitempty"`
	NameEN   string       `json:"name_en,omitempty"`
	Quantity int          `json:"quantity"`
	Each     money.Amount `json:"each"`
	Sum      money.Amount `json:"sum"`
}

// Bill is a priced cart: Sum of the lines, less Discount, is Total.
type Bill struct {
	Lines    []Priced     `json:"lines"`
	Sum      money.Amount `json:"sum"`
	Discount money.Amount `json:"discount"`
	Total    money.Amount `json:"total"` // more than zero
}

// Shown is the bill as evidence of what the payer saw before paying.
func (b Bill) Shown() ([]byte, error) { return json.Marshal(b) }

// Price reads the items of a cart and works out its bill in currency c. Of two terminals'
// opinions about a price, the catalogue's counts: hold Total against what was shown.
func Price(ctx context.Context, q store.Querier, m merchant.ID, c money.Currency, cart Cart) (Bill, error) {
	items := map[int64]Item{}
	for _, l := range cart.Lines {
		if _, have := items[l.Item]; l.Item == 0 || have {
			continue
		}
		i, err := ByID(ctx, q, m, l.Item)
		if err != nil {
			return Bill{}, err
		}
		items[l.Item] = i
	}
	return price(cart, c, items)
}

func price(cart Cart, c money.Currency, items map[int64]Item) (b Bill, err error) {
	if len(cart.Lines) == 0 {
		return b, ErrEmpty
	}
	if len(cart.Lines) > MaxLines {
		return b, ErrQuantity.With("%d lines", len(cart.Lines))
	}
	b.Sum = money.Zero(c)
	for _, l := range cart.Lines {
		p, err := priceLine(l, items)
		if err != nil {
			return b, err
		}
		if b.Sum, err = b.Sum.Add(p.Sum); err != nil {
			return b, ErrPrice.Wrap(err)
		}
		b.Lines = append(b.Lines, p)
	}
	return b.less(cart)
}

func priceLine(l Line, items map[int64]Item) (Priced, error) {
	p := Priced{Item: l.Item, Quantity: l.Quantity, Each: l.Amount}
	if l.Quantity < 1 || l.Quantity > MaxQuantity {
		return p, ErrQuantity.With("a quantity of %d", l.Quantity)
	}
	if l.Item != 0 {
		i := items[l.Item]
		if i.State != OnSale {
			return p, ErrSoldOut.With("item %d is %s", l.Item, i.State)
		}
		p.NameZH, p.NameEN, p.Each = i.NameZH, i.NameEN, i.Price
	}
	if p.Each.Minor() <= 0 || p.Each.Minor() > maxPrice {
		return p, ErrPrice
	}
	p.Sum = money.New(p.Each.Minor()*int64(l.Quantity), p.Each.Currency()) // at most 10^13
	return p, nil
}

// less takes the discounts off.
func (b Bill) less(cart Cart) (Bill, error) {
	off, _, err := b.Sum.Split(cart.Percent, money.HalfUp)
	if err != nil {
		return b, ErrDiscount.Wrap(err)
	}
	if !cart.Off.IsZero() {
		if cart.Off.Sign() < 0 {
			return b, ErrDiscount
		}
		if off, err = off.Add(cart.Off); err != nil {
			return b, ErrDiscount.Wrap(err)
		}
	}
	total, err := b.Sum.Sub(off)
	if err != nil || total.Sign() <= 0 {
		return b, ErrDiscount.Wrap(errors.Join(err, fmt.Errorf("%s of %s", off, b.Sum)))
	}
	b.Discount, b.Total = off, total
	return b, nil
}
