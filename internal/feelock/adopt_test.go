package feelock

import (
	"context"
	"errors"
	"testing"

	"hawker/internal/store"
)

func TestPlansFromBeforeTheLockAreRefusedUntilAPersonVouches(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		wechat := Line{"wechat", ""}
		for _, values := range []string{`1, 60, 1`, `2, 38, 2`} { // as an earlier release wrote them
			w.sql(`INSERT INTO fee_plans (merchant_id, method, card_kind, version, basis_points, effective_from, min_minor, cap_minor) VALUES (7, 'wechat', '', ` + values + `, 0, 0)`)
		}
		w.sql(`UPDATE fee_plans SET basis_points = 90 WHERE merchant_id = 7 AND card_kind = 'debit'`) // and one that was sealed, and changed
		if _, err := w.fee(wechat); !errors.Is(err, ErrUncovered) {
			t.Fatal(err)
		}
		adopt := func(by, why string) (n int, err error) {
			err = w.db.Write(t.Context(), func(tx *store.Tx) error { n, err = w.book.Adopt(t.Context(), tx, w.m, by, why); return err })
			return n, err
		}
		if _, err := adopt("root", "ok"); !errors.Is(err, ErrReason) {
			t.Error("without a reason:", err)
		}
		if n, err := adopt("root", "paper contract of 2025-03-01, page 4"); err != nil || n != 2 {
			t.Fatal(n, err)
		}
		w.mustFee(wechat, 38)
		if _, err := w.fee(debit); !errors.Is(err, ErrUncovered) {
			t.Error("what was broken is adopted:", err)
		}
		if n, err := adopt("root", "once more, to be sure"); err != nil || n != 0 {
			t.Error("adopted twice:", n, err)
		}
		w.write(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO fee_plans (merchant_id, method, card_kind, version, basis_points, effective_from, min_minor, cap_minor) VALUES (7, 'wechat', '', 3, 99, 3, 0, 0)`)
			return err
		})
		if n, err := adopt("root", "a version put beside the lock"); err != nil || n != 0 {
			t.Error("a later version is adopted:", n, err)
		}
		if _, err := w.fee(wechat); !errors.Is(err, ErrUncovered) {
			t.Error(err)
		}
	})
}
