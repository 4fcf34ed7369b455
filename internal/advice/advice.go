package advice

import (
	"cmp"
	"fmt"
	"slices"

	"hawker/internal/money"
)

// Plan is a machine with its methods, fees, limits and costs, and why.
type Plan struct {
	Model   Model
	Fees    FeePlan
	Limits  []Limit
	Costs   []Cost
	Total   money.Amount // of all costs over the offer's months; a deposit that comes back is not in it
	Deposit money.Amount
	Share   money.BasisPoints // of the takings that the total is, rounded up
	For     []Reason
	Against []Reason
	Fits    bool
	Tags    []Tag
	points  int64
}

// Tag says what a plan is best in.
type Tag string

// The tags.
const (
	Best     Tag = "best"     // fits the answers best
	Cheapest Tag = "cheapest" // costs least of those that fit
	Fullest  Tag = "fullest"  // takes the most methods
)

// Advise gives two or three plans, the best first: what fits best, what costs least, and
// what can do most. Each is worked out in full.
func (o Offer) Advise(n Needs) ([]Plan, error) {
	if err := n.check(o.Currency); err != nil {
		return nil, err
	}
	var plans []Plan
	for _, m := range o.Models {
		p, err := o.cheapest(n, m)
		if err != nil {
			return nil, err
		}
		plans = append(plans, p)
	}
	// Best first: what fits, then by points, then by cost.
	slices.SortStableFunc(plans, func(a, b Plan) int {
		return cmp.Or(-compareBool(a.Fits, b.Fits), cmp.Compare(b.points, a.points), cmp.Compare(a.Total.Minor(), b.Total.Minor()))
	})
	fit := slices.IndexFunc(plans, func(p Plan) bool { return !p.Fits })
	if fit < 0 {
		fit = len(plans)
	}
	if fit == 0 {
		return nil, ErrNeeds.With("no model does what is asked")
	}
	cheap, full := 0, 0
	for i := range fit {
		if plans[i].Total.Minor() < plans[cheap].Total.Minor() {
			cheap = i
		}
		if len(plans[i].Model.Tags) > len(plans[full].Model.Tags) {
			full = i
		}
	}
	chosen := []int{0}
	for _, i := range []int{cheap, full} {
		if !slices.Contains(chosen, i) {
			chosen = append(chosen, i)
		}
	}
	if len(chosen) < 2 && len(plans) > 1 { // something to compare with, even if it fits less
		chosen = append(chosen, 1)
	}
	var list []Plan
	for _, i := range chosen {
		p := plans[i]
		for tag, at := range map[Tag]int{Best: 0, Cheapest: cheap, Fullest: full} {
			if i == at {
				p.Tags = append(p.Tags, tag)
			}
		}
		slices.Sort(p.Tags)
		list = append(list, p)
	}
	return list, nil
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// cheapest works a model out with the fee plan that costs least.
func (o Offer) cheapest(n Needs, m Model) (best Plan, err error) {
	found := false
	for _, f := range o.FeePlans {
		if !slices.Contains(f.Kinds, n.Kind) {
			continue
		}
		p, err := o.work(n, m, f)
		if err != nil {
			return p, err
		}
		if !found || p.Total.Minor() < best.Total.Minor() {
			best, found = p, true
		}
	}
	return best, nil
}

// Compose works out what the merchant chooses, whatever the advice was; what speaks
// against it stands in Against. ErrModel or ErrPlan when there is no such thing.
func (o Offer) Compose(n Needs, model, feePlan string) (Plan, error) {
	if err := n.check(o.Currency); err != nil {
		return Plan{}, err
	}
	m, err := o.Model(model)
	if err != nil {
		return Plan{}, err
	}
	f, err := o.FeePlan(feePlan, n.Kind)
	if err != nil {
		return Plan{}, err
	}
	return o.work(n, m, f)
}

func (o Offer) work(n Needs, m Model, f FeePlan) (Plan, error) {
	p := Plan{Model: m, Fees: f, Deposit: money.New(m.Deposit, o.Currency)}
	for _, l := range o.Limits[n.Kind] {
		if slices.Contains(m.Methods, l.Method) {
			p.Limits = append(p.Limits, l)
		}
	}
	var reasons []Reason
	p.points, p.Fits, reasons = o.judge(n, m)
	for _, r := range reasons {
		if r.Speak > 0 {
			p.For = append(p.For, r)
		} else {
			p.Against = append(p.Against, r)
		}
	}
	var err error
	if p.Costs, err = o.costs(n, m, f); err != nil {
		return p, fmt.Errorf("costs of %s with %s: %w", m.Code, f.Code, err)
	}
	p.Total = money.Zero(o.Currency)
	for _, c := range p.Costs {
		if p.Total, err = p.Total.Add(c.Total); err != nil {
			return p, err
		}
	}
	takings := n.Volume.Minor() * o.Months
	p.Share = money.BasisPoints((p.Total.Minor()*10000 + takings - 1) / takings) //nolint:gosec // costs are bounded by takings and prices
	return p, nil
}
