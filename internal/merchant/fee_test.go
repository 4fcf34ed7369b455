package merchant_test

import (
	"testing"

	"pgregory.net/rapid"

	"hawker/internal/merchant"
	"hawker/internal/money"
)

func TestAFeeIsItsRateRoundedHalfUpWithinItsBounds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		currency       money.Currency
		rate           money.BasisPoints
		minimum, limit int64
		amount, fee    int64
	}{
		{"0.60 % of 46.50", money.CNY, 60, 0, 0, 4650, 28},
		{"0.275 fen is nothing", money.CNY, 55, 0, 0, 50, 0},
		{"0.4999 fen is nothing", money.CNY, 1, 0, 0, 4999, 0},
		{"half a fen is one", money.CNY, 1, 0, 0, 5000, 1},
		{"1.4999 fen is one", money.CNY, 1, 0, 0, 14999, 1},
		{"one and a half fen is two, not to the even", money.CNY, 1, 0, 0, 15000, 2},
		{"two and a half fen is three, not to the even", money.CNY, 1, 0, 0, 25000, 3},
		{"no rate, no fee", money.CNY, 0, 0, 0, 1e12, 0},
		{"the whole amount", money.CNY, 10000, 0, 0, 4650, 4650},
		{"capped at 18.00", money.CNY, 50, 0, 1800, 1_000_000, 1800},
		{"just at the cap", money.CNY, 50, 0, 1800, 360_000, 1800},
		{"just under the cap", money.CNY, 50, 0, 1800, 359_800, 1799},
		{"rounding up does not pass the cap", money.CNY, 50, 0, 1800, 360_100, 1800},
		{"at least 0.10", money.CNY, 60, 10, 0, 1000, 10},
		{"just over the minimum", money.CNY, 60, 10, 0, 1750, 11},
		{"a minimum without a rate", money.CNY, 0, 10, 0, 4650, 10},
		{"the minimum is more than the amount", money.CNY, 60, 10, 0, 7, 7},
		{"one fen pays at most one fen", money.CNY, 60, 10, 0, 1, 1},
		{"the cap is under the minimum: the cap holds", money.CNY, 60, 10, 5, 4650, 5},
		{"yen have no decimals: 0.60 % of 4650 yen", money.JPY, 60, 0, 0, 4650, 28},
		{"half a yen is one", money.JPY, 50, 0, 0, 100, 1},
		{"49 hundredths of a yen are nothing", money.JPY, 49, 0, 0, 100, 0},
		{"dinars have three: 0.60 % of 4.650", money.KWD, 60, 0, 0, 4650, 28},
		{"the cap of 1.250 dinars", money.KWD, 60, 0, 1250, 1_000_000, 1250},
		{"the largest amount of field 4", money.CNY, 60, 0, 0, 999_999_999_999, 6_000_000_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := merchant.FeePlan{Rate: c.rate, Min: money.New(c.minimum, c.currency), Cap: money.New(c.limit, c.currency)}
			if fee, err := p.Fee(money.New(c.amount, c.currency)); err != nil || fee != money.New(c.fee, c.currency) {
				t.Errorf("got %v, %v", fee, err)
			}
		})
	}
}

func TestARateOutOfRangeIsRefused(t *testing.T) {
	t.Parallel()
	for _, rate := range []money.BasisPoints{-1, 10001} {
		if fee, err := (merchant.FeePlan{Rate: rate}).Fee(money.New(100, money.CNY)); err == nil {
			t.Errorf("%d basis points gave %v", rate, fee)
		}
	}
}

func TestAFeeIsNeverNegativeNorOverItsAmountAndNeverFallsWhenTheAmountGrows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		c := rapid.SampledFrom([]money.Currency{money.CNY, money.JPY, money.KWD}).Draw(r, "currency")
		amount := rapid.Int64Range(1, 999_999_999_999).Draw(r, "amount")
		p := merchant.FeePlan{Rate: money.BasisPoints(rapid.Int32Range(0, 10000).Draw(r, "rate")),
			Min: money.New(rapid.Int64Range(0, 1000).Draw(r, "min"), c), Cap: money.New(rapid.Int64Range(0, 1e6).Draw(r, "cap"), c)}
		fee, err := p.Fee(money.New(amount, c))
		if err != nil {
			r.Fatal(err)
		}
		if fee.Minor() < 0 || fee.Minor() > amount || fee.Currency() != c || (p.Cap.Sign() > 0 && fee.Minor() > p.Cap.Minor()) {
			r.Fatalf("fee of %d is %v", amount, fee)
		}
		more, err := p.Fee(money.New(amount+1, c))
		if err != nil || more.Minor() < fee.Minor() {
			r.Fatalf("fee of %d is %v, of one more it is %v, %v", amount, fee, more, err)
		}
	})
}
