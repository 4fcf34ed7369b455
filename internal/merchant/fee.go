package merchant

import "hawker/internal/money"

// FeePlan is what a merchant pays for one payment of a method and card kind: the
// arithmetic. Which plan is in force, and that he agreed to it, feelock knows.
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
