package payment_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/payment/paymenttest"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestADeviceTookWhatStandsAndGaveBackWhatItRefunded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := paymenttest.Open(t, db, paymenttest.Noon)
		early := w.Sell(1000)
		w.At(paymenttest.Noon.Add(time.Hour))
		w.Sell(4650)
		w.Sell(3000 + paymenttest.Declines)
		w.Void(w.Sell(700))
		w.Refund(early, 300)
		w.At(paymenttest.Noon.Add(2 * time.Hour))
		w.Sell(9900)

		from, to := paymenttest.Noon.Add(30*time.Minute), paymenttest.Noon.Add(90*time.Minute)
		got, err := payment.TakenBy(t.Context(), db.Read(), w.Merchant.ID, from, to, "pos/elsewhere", string(w.Terminal))
		cny := func(minor int64) money.Amount { return money.New(minor, money.CNY) }
		want := []payment.Taking{{Method: "card", Count: 1, Taken: cny(4650), Refunded: cny(300)}}
		if err != nil || !cmp.Equal(got, want, cmp.AllowUnexported(money.Amount{})) {
			t.Errorf("%v %s", err, cmp.Diff(got, want, cmp.AllowUnexported(money.Amount{})))
		}
		for _, devices := range [][]string{nil, {"T000000%"}, {"pos/elsewhere"}} {
			if got, err := payment.TakenBy(t.Context(), db.Read(), w.Merchant.ID, from, to, devices...); err != nil || len(got) != 0 {
				t.Errorf("by %q: %+v, %v", devices, got, err)
			}
		}
	})
}
