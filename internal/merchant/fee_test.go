package merchant_test

import (
	"context"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
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

func TestThePlanInForceIsTheNewestThatHasBegun(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m := noodles(t)
		from := func(hours int) time.Time { return noon.Add(time.Duration(hours) * time.Hour) }
		plan := func(version int, rate money.BasisPoints) merchant.FeePlan {
			return merchant.FeePlan{Version: version, Rate: rate, Min: money.New(1, m.Currency), Cap: money.New(2000, m.Currency)}
		}
		if err := db.Write(t.Context(), func(tx *store.Tx) error {
			for _, p := range []struct {
				kind string
				plan merchant.FeePlan
				from time.Time
			}{
				{"credit", plan(1, 60), from(0)}, {"credit", plan(2, 55), from(24)}, {"credit", plan(3, 50), from(48)},
				{"debit", plan(1, 50), from(0)}, {"", plan(1, 65), from(0)},
			} {
				if err := merchant.AddFee(t.Context(), tx, m.ID, "card", p.kind, p.plan, p.from); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name string
			kind string
			at   time.Time
			want merchant.FeePlan
		}{
			{"the first, from its very instant", "credit", from(0), plan(1, 60)},
			{"the first, a microsecond before the second begins", "credit", from(24).Add(-time.Microsecond), plan(1, 60)},
			{"the second, from its very instant", "credit", from(24), plan(2, 55)},
			{"the third, long after", "credit", from(24 * 365), plan(3, 50)},
			{"another card kind has its own", "debit", from(72), plan(1, 50)},
			{"a card that does not tell has its own", "", from(72), plan(1, 65)},
		} {
			if got, err := feeAt(t.Context(), db.Read(), m, "card", c.kind, c.at); err != nil || got != c.want {
				t.Errorf("%s: got %+v, %v", c.name, got, err)
			}
		}
		for name, missing := range map[string]func() (merchant.FeePlan, error){
			"before the first begins": func() (merchant.FeePlan, error) {
				return feeAt(t.Context(), db.Read(), m, "card", "credit", from(0).Add(-time.Microsecond))
			},
			"another method": func() (merchant.FeePlan, error) {
				return feeAt(t.Context(), db.Read(), m, "wallet", "credit", from(1))
			},
			"another merchant": func() (merchant.FeePlan, error) {
				stranger := m
				stranger.ID++
				return feeAt(t.Context(), db.Read(), stranger, "card", "credit", from(1))
			},
		} {
			if p, err := missing(); err == nil || fault.Of(err).Kind != fault.Internal {
				t.Errorf("%s: got %+v, %v", name, p, err)
			}
		}
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			return merchant.AddFee(t.Context(), tx, m.ID, "card", "credit", plan(3, 1), from(0))
		})
		if !store.IsUnique(err) {
			t.Errorf("a version was written twice: %v", err)
		}
	})
}

func TestAPlanThatCannotBeComputedIsNotStored(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for name, p := range map[string]merchant.FeePlan{
			"a rate over 100 %":  {Version: 1, Rate: 10001},
			"a negative rate":    {Version: 1, Rate: -1},
			"a negative minimum": {Version: 1, Min: money.New(-1, money.CNY)},
			"a negative cap":     {Version: 1, Cap: money.New(-1, money.CNY)},
			"no version":         {},
		} {
			if err := db.Write(t.Context(), func(tx *store.Tx) error {
				return merchant.AddFee(t.Context(), tx, 7, "card", name, p, noon)
			}); err == nil {
				t.Errorf("%s was stored", name)
			}
		}
	})
}

// feeAt is what a payment does: read the plans, take the one in force.
func feeAt(ctx context.Context, q store.Querier, m merchant.Merchant, method, cardKind string, at time.Time) (merchant.FeePlan, error) {
	plans, err := merchant.PlansOf(ctx, q, m.ID, m.Currency, method, cardKind)
	if err != nil {
		return merchant.FeePlan{}, err
	}
	return plans.At(at)
}
