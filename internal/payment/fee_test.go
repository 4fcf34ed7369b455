package payment_test

import (
	"context"
	"errors"
	"testing"

	"hawker/internal/cases"
	"hawker/internal/feelock"
	"hawker/internal/store"
)

// TestAFeeThatNobodyAgreedToStopsThePayment changes the plan in the database, past the fee lock.
func TestAFeeThatNobodyAgreedToStopsThePayment(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		sale := w.mustSale(10000)
		w.write(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE fee_plans SET basis_points = 61`)
			return err
		})
		owed := w.bank.owes()
		if a, err := w.engine.Sale(t.Context(), w.saleRequest(w.source(), 10000)); !errors.Is(err, feelock.ErrUncovered) || a.ID != 0 {
			t.Fatalf("%+v, %v", a, err)
		}
		if w.bank.owes() != owed {
			t.Error("something left for the bank")
		}
		if r, err := w.refund(sale, 10000); err != nil || r.Fee != sale.Fee {
			t.Error("a refund needs the stored fee only:", r.Fee, err)
		}
		w.book.Close()
		list, err := cases.List(t.Context(), w.db.Read())
		if err != nil || len(list) != 1 || list[0].Kind != feelock.CaseUncovered {
			t.Error(list, err)
		}
	})
}
