package payment

import (
	"fmt"

	"hawker/internal/store"
)

// ordinary reports a state in which nearly all payments are, or through which they all
// go. Payments in the others are also written apart, so that a list of, say, the declined
// ones need not read millions; an index over the state would be kept by every payment.
func ordinary(s State) bool { return s == "" || s == Sent || s == Approved }

var (
	insertApart = store.InsertSet("payments_apart", "ON CONFLICT (merchant_id, state, payment_id) DO NOTHING",
		store.Ints("merchant_id"), store.Texts("state"), store.Ints("payment_id"))
	deleteApart = store.DeleteSet("payments_apart", store.Ints("merchant_id"), store.Texts("state"), store.Ints("payment_id"))
)

// apart is what changes in that table.
type apart struct{ gone, come [][]any }

// move notes that a payment went from one state to another; "" is none.
func (a *apart) move(k rowKey, from, to State) {
	if from == to {
		return
	}
	if !ordinary(from) {
		a.gone = append(a.gone, []any{k.merchant, from, k.id})
	}
	if !ordinary(to) {
		a.come = append(a.come, []any{k.merchant, to, k.id})
	}
}

func (a *apart) write(w *work) error {
	if _, err := deleteApart.Exec(w.ctx, w.tx, a.gone); err != nil {
		return fmt.Errorf("payments apart: %w", err)
	}
	if _, err := insertApart.Exec(w.ctx, w.tx, a.come); err != nil {
		return fmt.Errorf("payments apart: %w", err)
	}
	return nil
}
