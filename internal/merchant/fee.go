package merchant

import (
	"context"
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

// Plans are the versions of a merchant's plan for one method and card kind, newest first.
type Plans []DatedPlan

// DatedPlan is a plan and from when on it holds.
type DatedPlan struct {
	FeePlan
	From time.Time
}

// At gives the plan in force at an instant. A merchant without one cannot take the
// payment: the error is Internal, because boarding must have set it.
func (p Plans) At(at time.Time) (FeePlan, error) {
	for _, one := range p {
		if !one.From.After(at) {
			return one.FeePlan, nil
		}
	}
	return FeePlan{}, errors.New("no fee plan is in force")
}

// PlansOf reads a merchant's plans for a method ("card") and card kind ("debit",
// "credit", "" when it does not tell); none is no error.
func PlansOf(ctx context.Context, q store.Querier, id ID, c money.Currency, method, cardKind string) (Plans, error) {
	rows, err := q.Query(ctx, `SELECT version, basis_points, min_minor, cap_minor, effective_from FROM fee_plans
		WHERE merchant_id = $1 AND method = $2 AND card_kind = $3 ORDER BY version DESC`, id, method, cardKind)
	if err != nil {
		return nil, fmt.Errorf("fee plans of merchant %d: %w", id, err)
	}
	defer func() { _ = rows.Close() }()
	var plans Plans
	for rows.Next() {
		var p DatedPlan
		var minimum, limit int64
		var from store.Time
		if err := rows.Scan(&p.Version, &p.Rate, &minimum, &limit, &from); err != nil {
			return nil, fmt.Errorf("fee plans of merchant %d: %w", id, err)
		}
		p.Min, p.Cap, p.From = money.New(minimum, c), money.New(limit, c), from.Time()
		plans = append(plans, p)
	}
	return plans, rows.Err()
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
