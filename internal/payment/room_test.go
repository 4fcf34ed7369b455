package payment_test

import (
	"testing"

	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/risk"
)

// TestASaleThatStandsAgainCountsAgain: voids and their reversals make no room in a limit.
func TestASaleThatStandsAgainCountsAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.limit(risk.Limit{Method: payment.MethodCard, Daily: money.New(10_000, money.CNY)})
		w.mustSale(4_000)
		sale := w.mustSale(6_000)
		for range 2 {
			void, err := w.void(sale)
			if err != nil || void.State != payment.Approved {
				t.Fatalf("void: %s, %v", void.State, err)
			}
			if _, err := w.reverse(void.Trace, 6_000); err != nil {
				t.Fatal(err)
			}
			w.heal()
			if a, err := w.sale(1); err != nil || a.State != payment.Declined {
				t.Fatalf("a sale over the limit: %s, %v", a.State, err)
			}
		}
		if _, err := w.reverse(sale.Trace, 6_000); err != nil {
			t.Fatal(err)
		}
		w.heal()
		w.mustSale(6_000)
		if a, err := w.sale(1); err != nil || a.State != payment.Declined {
			t.Errorf("a sale over the limit: %s, %v", a.State, err)
		}
		w.agree()
	})
}
