// Package shop is what a merchant sells: items with prices, barcodes and photos, and the
// arithmetic of a cart of them. It refuses to know how a cart is paid.
package shop

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/money"
)

// Refusals.
var (
	ErrUnknown  = fault.New(fault.NotFound, "item_unknown", "没有这个商品。", "There is no such item.")
	ErrName     = fault.New(fault.Invalid, "item_name", "请给商品起个名字，中文或英文，最多 40 个字。", "Give the item a name, in Chinese or English, of at most 40 characters.")
	ErrPrice    = fault.New(fault.Invalid, "item_price", "单价要大于零，最多 9,999,999.99。", "The price must be more than zero and at most 9,999,999.99.")
	ErrCategory = fault.New(fault.Invalid, "item_category", "分类最多 20 个字。", "A category has at most 20 characters.")
	ErrBarcode  = fault.New(fault.Invalid, "item_barcode", "条码不对，请再扫一次：最多 32 个字母和数字，商品条码的校验位要对。", "The barcode is wrong, scan it again: at most 32 letters and digits, and a product code's check digit must match.")
	ErrTaken    = fault.New(fault.Conflict, "barcode_taken", "这个条码已经是另一个商品的。", "Another item has this barcode.")
	ErrState    = fault.New(fault.Invalid, "item_state", "商品只有在售、售罄、下架三种状态。", "An item is on sale, sold out or hidden.")
	ErrFull     = fault.New(fault.Conflict, "catalogue_full", "商品满 2,000 个了，请先下架不用的。", "There are 2,000 items already. Hide some first.")
)

// State is whether an item is sold.
type State string

// The states.
const (
	OnSale  State = "on sale"
	SoldOut State = "sold out" // shown, but cannot be chosen
	Hidden  State = "hidden"   // not shown; what was sold keeps its name
)

// Item is one thing that a merchant sells.
type Item struct {
	Merchant merchant.ID
	ID       int64
	NameZH   string // one of both names may be ""
	NameEN   string
	Price    money.Amount
	Barcode  string // "" for none; unique within the merchant
	Category string // "" for none
	Place    int    // order on the screen, lowest first
	State    State
	Photo    string // digest of its picture, "" for none; PutPhoto sets it
	Changed  time.Time
}

// The bounds of a catalogue.
const (
	MaxItems    = 2000 // that are not hidden
	MaxName     = 40
	MaxCategory = 20
	maxPrice    = 999_999_999 // minor units
	maxBarcode  = 32
)

// clean trims the item's texts, or says what is wrong with it.
func (i Item) clean() (Item, error) {
	i.NameZH, i.NameEN, i.Category, i.Barcode = line(i.NameZH), line(i.NameEN), line(i.Category), strings.TrimSpace(i.Barcode)
	if i.NameZH+i.NameEN == "" || utf8.RuneCountInString(i.NameZH) > MaxName || utf8.RuneCountInString(i.NameEN) > MaxName {
		return i, ErrName
	}
	if utf8.RuneCountInString(i.Category) > MaxCategory {
		return i, ErrCategory
	}
	if i.Price.Minor() <= 0 || i.Price.Minor() > maxPrice || !i.Price.Currency().Known() {
		return i, ErrPrice
	}
	if i.State == "" {
		i.State = OnSale
	}
	if i.State != OnSale && i.State != SoldOut && i.State != Hidden {
		return i, ErrState
	}
	return i, CheckBarcode(i.Barcode)
}

// line makes one line of a text: no control characters, single blanks.
func line(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// CheckBarcode accepts "", a product code (GTIN of 8, 12, 13 or 14 digits) with its check
// digit, and a shop's own code. What looks like a customer's payment code is refused:
// whoever scans must never be in doubt.
func CheckBarcode(s string) error {
	if len(s) > maxBarcode {
		return ErrBarcode
	}
	digits := true
	for _, r := range s {
		if r < '!' || r > '~' {
			return ErrBarcode
		}
		digits = digits && r >= '0' && r <= '9'
	}
	switch n := len(s); {
	case digits && (n == 8 || n == 12 || n == 13 || n == 14) && !gtin(s):
		return ErrBarcode.With("its check digit is wrong")
	case digits && n >= 16 && n <= 24:
		return ErrBarcode.With("%d digits are a payment code's", n)
	}
	return nil
}

// gtin holds the last digit against the others (GS1 General Specifications, 7.9): weights
// 3 and 1 in turn from the right.
func gtin(s string) bool {
	sum := 0
	for i := range len(s) {
		weight := 1
		if (len(s)-i)%2 == 0 {
			weight = 3
		}
		sum += weight * int(s[i]-'0')
	}
	return sum%10 == 0
}
