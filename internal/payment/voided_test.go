package payment_test

import (
	"errors"
	"testing"

	"hawker/internal/payment"
)

// TestAVoidedSaleIsNotReversedBesides: the void has taken it back already.
func TestAVoidedSaleIsNotReversedBesides(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		sale := w.mustSale(4650)
		void, err := w.void(sale)
		if err != nil || void.State != payment.Approved {
			t.Fatalf("void: %s, %v", void.State, err)
		}
		if _, err := w.reverse(sale.Trace, 4650); !errors.Is(err, payment.ErrState) {
			t.Errorf("the sale's reversal: %v", err)
		}
		if _, err := w.reverse(void.Trace, 4650); err != nil {
			t.Errorf("the void's reversal: %v", err)
		}
		if _, err := w.reverse(sale.Trace, 4650); !errors.Is(err, payment.ErrState) {
			t.Errorf("the sale's reversal while its void is taken back: %v", err)
		}
		w.heal()
		if w.bank.owes() != 4650 {
			t.Errorf("the bank owes %d", w.bank.owes())
		}
		if _, err := w.reverse(sale.Trace, 4650); err != nil {
			t.Errorf("the sale's reversal once it stands again: %v", err)
		}
		w.heal()
		w.agree()
		if w.bank.owes() != 0 {
			t.Errorf("the bank owes %d", w.bank.owes())
		}
	})
}
