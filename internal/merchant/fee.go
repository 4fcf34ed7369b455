package merchant

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"hawker/internal/money"
	"hawker/internal/store"
)

// FeePlan is what a merchant pays for one payment of a method and card kind.
type FeePlan struct {
	Version int               // 1, 2, 3… per merchant, method and card kind
	Rate    money.BasisPoints // of the amount
	Min     money.Amount      // at least this, but never more than the amount; zero for none
	Cap     money.Amount      // at most this; zero for none
}

// Fee computes the fee of a payment: the rate, rounded half up, not under Min,
// not over Cap, never over the amount itself. Decision 003 says why half up.
func (p FeePlan) Fee(a money.Amount) (money.Amount, error) {
	fee, _, err := a.Split(p.Rate, money.HalfUp)
	if err != nil {
		return money.Amount{}, err
	}
	if fee.Minor() < p.Min.Minor() {
		fee = money.New(p.Min.Minor(), a.Currency())
	}
	if p.Cap.Sign() > 0 && fee.Minor() > p.Cap.Minor() {
		fee = money.New(p.Cap.Minor(), a.Currency())
	}
	if fee.Minor() > a.Minor() {
		fee = a
	}
	return fee, nil
}

// FeeAt finds the plan in force at an instant for a method ("card") and card kind
// ("debit", "credit", "" when it does not tell). A merchant without one cannot take the payment:
// the error is Internal, because boarding must have set it.
func FeeAt(ctx context.Context, q store.Querier, m Merchant, method, cardKind string, at time.Time) (FeePlan, error) {
	var p FeePlan
	var minimum, limit int64
	err := q.QueryRow(ctx, `SELECT version, basis_points, min_minor, cap_minor FROM fee_plans
		WHERE merchant_id = $1 AND method = $2 AND card_kind = $3 AND effective_from <= $4 ORDER BY version DESC LIMIT 1`,
		m.ID, method, cardKind, store.At(at)).Scan(&p.Version, &p.Rate, &minimum, &limit)
	if errors.Is(err, sql.ErrNoRows) {
		return FeePlan{}, fmt.Errorf("merchant %s has no fee plan for %s %s", m.MID, method, cardKind)
	} else if err != nil {
		return FeePlan{}, fmt.Errorf("fee plan: %w", err)
	}
	p.Min, p.Cap = money.New(minimum, m.Currency), money.New(limit, m.Currency)
	return p, nil
}

// AddFee stores a version of a plan that holds from an instant on.
func AddFee(ctx context.Context, tx *store.Tx, id ID, method, cardKind string, p FeePlan, from time.Time) error {
	if p.Version < 1 || p.Rate < 0 || p.Rate > 10000 || p.Min.Sign() < 0 || p.Cap.Sign() < 0 {
		return fmt.Errorf("add fee plan: no plan is %+v", p)
	}
	_, err := tx.Exec(ctx, `INSERT INTO fee_plans (merchant_id, method, card_kind, version, basis_points, min_minor, cap_minor, effective_from)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, id, method, cardKind, p.Version, p.Rate, p.Min.Minor(), p.Cap.Minor(), store.At(from))
	if err != nil {
		return fmt.Errorf("add fee plan: %w", err)
	}
	return nil
}
