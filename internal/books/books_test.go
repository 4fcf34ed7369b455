package books_test

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hawker/internal/books"
	"hawker/internal/ledger"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

const us = 7

var noon = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

var facts = map[string]func(books.Fact) (ledger.Entry, error){
	"sale": books.Sale, "void": books.Void, "refund": books.Refund, "sale reversal": books.SaleReversal, "void reversal": books.VoidReversal,
	"tip": books.Tip, "adjustment": books.Adjustment,
}

// memos move no money: their two accounts mirror each other.
var memos = map[string]func(books.Fact) (ledger.Entry, error){"hold": books.Hold, "hold end": books.HoldEnd}

func fact(ref string, amount, fee money.Amount) books.Fact {
	return books.Fact{Merchant: us, Ref: ref, Channel: "card", Amount: amount, Fee: fee, Day: 20261122, At: noon}
}

func post(t testing.TB, db *store.DB, what func(books.Fact) (ledger.Entry, error), f books.Fact) {
	t.Helper()
	entry, err := what(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Write(t.Context(), func(tx *store.Tx) error { return ledger.Post(t.Context(), tx, entry) }); err != nil {
		t.Fatal(err)
	}
}

func balances(t testing.TB, db *store.DB, owner ledger.Owner) map[ledger.Account]int64 {
	t.Helper()
	all := map[ledger.Account]int64{}
	for _, account := range []ledger.Account{books.Receivable("card"), books.Pending, books.Fees, books.Available, books.Reserve, books.Held, books.HeldAt("card")} {
		b, err := ledger.Balance(t.Context(), db.Read(), owner, account, money.CNY)
		if err != nil {
			t.Fatal(err)
		}
		if !b.IsZero() {
			all[account] = b.Minor()
		}
	}
	return all
}

func TestWhatEachFactDoesToTheAccounts(t *testing.T) {
	t.Parallel()
	const card, pending, fees = "channel/card", books.Pending, books.Fees
	rows := []struct {
		name  string
		facts []string // each of 46.50 with 0.28
		want  map[ledger.Account]int64
	}{
		{"a sale: the channel owes 46.50, we owe 46.22, we earned 0.28", []string{"sale"}, map[ledger.Account]int64{card: 4650, pending: -4622, fees: -28}},
		{"a void takes everything back, the fee included", []string{"sale", "void"}, map[ledger.Account]int64{}},
		{"a full refund takes everything back, the fee included", []string{"sale", "refund"}, map[ledger.Account]int64{}},
		{"a reversed sale stands nowhere", []string{"sale", "sale reversal"}, map[ledger.Account]int64{}},
		{"a hold owes nothing: two sides of a memo", []string{"hold"}, map[ledger.Account]int64{"held/card": 4650, books.Held: -4650}},
		{"a hold that was completed leaves the sale alone", []string{"hold", "hold end", "sale"}, map[ledger.Account]int64{card: 4650, pending: -4622, fees: -28}},
		{"a reversed void lets the sale stand", []string{"sale", "void", "void reversal"}, map[ledger.Account]int64{card: 4650, pending: -4622, fees: -28}},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for i, c := range rows { // a merchant each
			f := fact("1", money.New(4650, money.CNY), money.New(28, money.CNY))
			f.Merchant = merchant.ID(1 + i)
			for _, name := range c.facts {
				book := facts[name]
				if memo, ok := memos[name]; ok {
					book = memo
				}
				post(t, db, book, f)
			}
			if got := balances(t, db, ledger.Owner(f.Merchant)); fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("%s: got %v, want %v", c.name, got, c.want)
			}
		}
	})
}

// amounts draws a gross amount and its fee.
func amounts(r *rapid.T) (amount, fee money.Amount) {
	c := rapid.SampledFrom([]money.Currency{money.CNY, money.JPY, money.KWD}).Draw(r, "currency")
	gross := rapid.OneOf(rapid.Int64Range(1, 100), rapid.Int64Range(1, 999_999_999_999), rapid.Just(int64(math.MaxInt64))).Draw(r, "amount")
	return money.New(gross, c), money.New(rapid.OneOf(rapid.Int64Range(0, gross), rapid.SampledFrom([]int64{0, gross})).Draw(r, "fee"), c)
}

func TestEveryFactBalances(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := 0
		rapid.Check(t, func(r *rapid.T) {
			amount, fee := amounts(r)
			amount = money.New(amount.Minor()%1e12+1, amount.Currency()) // a hundred of them must fit a balance
			fee = money.New(min(fee.Minor(), amount.Minor()), fee.Currency())
			n++
			for name, book := range facts {
				entry, err := book(fact(fmt.Sprint(n), amount, fee))
				if err != nil {
					r.Fatal(err)
				}
				if err := db.Write(t.Context(), func(tx *store.Tx) error { return ledger.Post(t.Context(), tx, entry) }); err != nil {
					r.Fatalf("%s of %v with fee %v: %v", name, amount, fee, err)
				}
			}
		})
		if err := ledger.Prove(t.Context(), db.Read()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestNetAndFeeAreTheWholeAndNothingIsCreated(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		amount, fee := amounts(r)
		for name, book := range facts {
			entry, err := book(fact("1", amount, fee))
			if err != nil {
				r.Fatal(err)
			}
			got := map[ledger.Account]int64{}
			for _, p := range entry.Postings {
				got[p.Account] += p.Amount.Minor()
			}
			sign := int64(1)
			if name != "sale" && name != "tip" && name != "void reversal" {
				sign = -1
			}
			if got[books.Receivable("card")] != sign*amount.Minor() || got[books.Fees] != -sign*fee.Minor() ||
				got[books.Pending] != -sign*(amount.Minor()-fee.Minor()) || len(got) != 3 {
				r.Fatalf("%s of %v with fee %v: %v", name, amount, fee, got)
			}
			if entry.Fact != name || entry.Owner != us || entry.Ref != "1" || entry.Day != 20261122 || !entry.At.Equal(noon) {
				r.Fatalf("%s: %+v", name, entry)
			}
		}
	})
}

func TestAMemoTouchesNoMoney(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		amount, _ := amounts(r)
		for name, book := range memos {
			entry, err := book(fact("1", amount, money.Zero(amount.Currency())))
			if err != nil || len(entry.Postings) != 2 || entry.Fact != name {
				r.Fatal(entry, err)
			}
			sign := int64(1)
			if name == "hold end" {
				sign = -1
			}
			if at, held := entry.Postings[0], entry.Postings[1]; at.Account != books.HeldAt("card") || held.Account != books.Held ||
				at.Amount.Minor() != sign*amount.Minor() || held.Amount != at.Amount.Neg() {
				r.Fatalf("%s of %v: %+v", name, amount, entry.Postings)
			}
		}
	})
}

func TestAVoidMirrorsItsSale(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		f := fact("1", money.Amount{}, money.Amount{})
		f.Amount, f.Fee = amounts(r)
		for _, pair := range [][2]string{{"sale", "void"}, {"sale", "sale reversal"}, {"void", "void reversal"}} {
			there, err1 := facts[pair[0]](f)
			back, err2 := facts[pair[1]](f)
			if err := errors.Join(err1, err2); err != nil || len(there.Postings) != len(back.Postings) {
				r.Fatal(err, there, back)
			}
			for i, p := range there.Postings {
				if q := back.Postings[i]; q.Account != p.Account || q.Amount != p.Amount.Neg() {
					r.Fatalf("%s has %+v, %s has %+v", pair[0], p, pair[1], q)
				}
			}
		}
	})
}

func TestAFactWithTwoCurrenciesOrNoneIsRefused(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]books.Fact{
		"a fee in another currency": fact("1", money.New(100, money.CNY), money.New(1, money.JPY)),
		"a fee without one":         fact("1", money.New(100, money.CNY), money.Amount{}),
		"nothing":                   fact("1", money.Amount{}, money.Amount{}),
	} {
		for what, book := range facts {
			if _, err := book(f); !errors.Is(err, money.ErrCurrency) {
				t.Errorf("%s of %s: %v", what, name, err)
			}
		}
	}
}

func TestAFactIsBookedOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := fact("1", money.New(100, money.CNY), money.New(1, money.CNY))
		post(t, db, books.Sale, f)
		entry, err := books.Sale(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Write(t.Context(), func(tx *store.Tx) error { return ledger.Post(t.Context(), tx, entry) }); !errors.Is(err, ledger.ErrBooked) {
			t.Errorf("again: %v", err)
		}
	})
}
