package payment_test

import (
	"errors"
	"sync"
	"testing"

	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/terminal"
)

// A refused settlement has had the changes before it written; there is then nothing of them to forget.
func TestARefusedSettlementLeavesItsNeighboursAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		none := payment.Totals{Debit: money.Zero(money.CNY), Credit: money.Zero(money.CNY)}
		var all sync.WaitGroup
		for range 40 {
			src := w.source()
			all.Go(func() {
				if a, err := w.engine.Sale(t.Context(), w.saleRequest(src, 100)); err != nil || a.State != payment.Approved {
					t.Errorf("sale: %s, %v", a.State, err)
				}
			})
			wrong := src
			wrong.Batch = 77
			all.Go(func() {
				if _, err := w.engine.SettleBatch(t.Context(), wrong, none); !errors.Is(err, terminal.ErrBatch) {
					t.Errorf("settlement of another batch: %v", err)
				}
			})
		}
		all.Wait()
		if w.bank.owes() != 4000 {
			t.Errorf("the bank owes %d", w.bank.owes())
		}
		w.agree()
	})
}
