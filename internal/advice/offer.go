// Package advice turns what a merchant needs into plans: which machine, which methods,
// which fees and limits, and what all of it costs in two years, with the reasons. Models,
// fees and rules are data; the merchant may choose differently and is told what speaks
// against it. It refuses to know who the merchant is.
package advice

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/risk"
)

// Refusals.
var (
	ErrNeeds = fault.New(fault.Invalid, "needs_invalid", "请把问题答完整，金额要大于零。", "Please answer every question; amounts are more than nothing.")
	ErrModel = fault.New(fault.NotFound, "model_unknown", "没有这个机型。", "There is no such model.")
	ErrPlan  = fault.New(fault.NotFound, "fee_plan_unknown", "没有这个费率方案，或者不适用于您的商户类型。", "There is no such fee plan for your kind of merchant.")
)

// Kind is a kind of merchant.
type Kind string

// The kinds.
const (
	Micro   Kind = "micro"   // a person without a business licence
	Sole    Kind = "sole"    // a sole trader (个体工商户)
	Company Kind = "company" // an enterprise
)

// Kinds are all there are.
var Kinds = []Kind{Micro, Sole, Company}

// Text is a text in both languages.
type Text struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// Monthly is a cost that returns every month.
type Monthly struct {
	Name  Text  `json:"name"`
	Minor int64 `json:"minor"`
}

// Model is a machine that can be ordered.
type Model struct {
	Code    string    `json:"code"`
	Name    Text      `json:"name"`
	About   Text      `json:"about"`
	Kind    string    `json:"kind"`
	Tags    []string  `json:"tags"`    // what rules speak of
	Methods []string  `json:"methods"` // that it takes
	Price   int64     `json:"price_minor"`
	Deposit int64     `json:"deposit_minor"` // comes back
	Monthly []Monthly `json:"monthly"`
}

// Has reports whether the model has a feature.
func (m Model) Has(tag string) bool { return slices.Contains(m.Tags, tag) }

// Fee is the fee of one method and card kind.
type Fee struct {
	Method   string            `json:"method"`
	CardKind string            `json:"card_kind"`
	Rate     money.BasisPoints `json:"basis_points"`
	Min      int64             `json:"min_minor"`
	Cap      int64             `json:"cap_minor"`
}

// FeePlan is a set of fees that is offered together.
type FeePlan struct {
	Code    string `json:"code"`
	Name    Text   `json:"name"`
	Monthly int64  `json:"monthly_minor"`
	Kinds   []Kind `json:"kinds"` // who may have it
	Fees    []Fee  `json:"fees"`
}

// Limit bounds a merchant's payments of a method; 0 is no limit.
type Limit struct {
	Method     string `json:"method"`
	CardKind   string `json:"card_kind"`
	PerPayment int64  `json:"per_payment_minor"`
	Daily      int64  `json:"daily_minor"`
	Monthly    int64  `json:"monthly_minor"`
}

// Offer is everything that can be chosen, as of a version.
type Offer struct {
	Version  string           `json:"version"`
	Currency money.Currency   `json:"currency"`
	Months   int64            `json:"months"` // over which costs are compared
	Models   []Model          `json:"models"`
	FeePlans []FeePlan        `json:"fee_plans"`
	Limits   map[Kind][]Limit `json:"limits"`
	Assume   Assumptions      `json:"assume"`

	rules []Rule
}

// Assumptions are what costs are reckoned with where the merchant does not know. They are shown with the costs.
type Assumptions struct {
	CreditPercent int64 `json:"credit_percent"` // of card takings
	Wallets       []struct {
		Method  string `json:"method"`
		Percent int64  `json:"percent"` // of takings by code; together 100
	} `json:"wallets"`
	TradingDays int64 `json:"trading_days"` // a month
	Receipts    int64 `json:"receipts_a_roll"`
	Roll        int64 `json:"roll_minor"`
	Instant     int64 `json:"instant_minor"` // one instant payout
}

var (
	//go:embed offer.json
	offerFile []byte
	//go:embed rules.json
	rulesFile []byte
)

// Standard is the offer that Hawker ships. An institution reads its own with Read.
var Standard = sync.OnceValues(func() (Offer, error) {
	return Read(bytes.NewReader(offerFile), bytes.NewReader(rulesFile))
})

// Read reads an offer and the rules of its advice, and refuses what contradicts itself.
func Read(offer, rules io.Reader) (o Offer, err error) {
	strict := func(r io.Reader, into any) error {
		dec := json.NewDecoder(r)
		dec.DisallowUnknownFields()
		return dec.Decode(into)
	}
	if err := strict(offer, &o); err != nil {
		return o, fmt.Errorf("read offer: %w", err)
	}
	if err := strict(rules, &o.rules); err != nil {
		return o, fmt.Errorf("read rules of advice: %w", err)
	}
	if err := o.check(); err != nil {
		return o, fmt.Errorf("offer %s: %w", o.Version, err)
	}
	return o, nil
}

func (o Offer) check() error {
	if o.Version == "" || !o.Currency.Known() || o.Months < 1 || o.Months > 120 || len(o.Models) < 2 || len(o.FeePlans) == 0 {
		return errors.New("version, currency, 1 to 120 months, two models and a fee plan are needed")
	}
	for _, m := range o.Models {
		if m.Code == "" || !m.Name.whole() || !m.About.whole() || m.Price < 0 || m.Deposit < 0 || len(m.Methods) == 0 {
			return fmt.Errorf("model %q: code, names, prices and methods are needed", m.Code)
		}
		if m.Has("reads_cards") != slices.Contains(m.Methods, "card") {
			return fmt.Errorf("model %q: who reads cards takes them", m.Code)
		}
		for _, c := range m.Monthly {
			if c.Minor < 0 || !c.Name.whole() {
				return fmt.Errorf("model %q: a monthly cost is not named or negative", m.Code)
			}
		}
	}
	for _, k := range Kinds {
		if len(o.Limits[k]) == 0 || !slices.ContainsFunc(o.FeePlans, func(p FeePlan) bool { return slices.Contains(p.Kinds, k) }) {
			return fmt.Errorf("a %s merchant has no limits or no fee plan", k)
		}
	}
	for _, p := range o.FeePlans {
		if err := o.checkFees(p); err != nil {
			return fmt.Errorf("fee plan %q: %w", p.Code, err)
		}
	}
	return errors.Join(o.Assume.check(), o.checkRules())
}

// checkFees sees to it that a plan has a fee for everything that any model takes.
func (o Offer) checkFees(p FeePlan) error {
	if p.Code == "" || !p.Name.whole() || p.Monthly < 0 || len(p.Kinds) == 0 {
		return errors.New("code, name and kinds are needed")
	}
	for _, m := range o.Models {
		for _, method := range m.Methods {
			kinds := []string{""}
			if method == "card" {
				kinds = []string{"", "debit", "credit"}
			}
			for _, k := range kinds {
				if _, ok := p.fee(method, k); !ok {
					return fmt.Errorf("no fee for %s %s", method, k)
				}
			}
		}
	}
	for _, f := range p.Fees {
		if f.Rate < 0 || f.Rate > 1000 || f.Min < 0 || f.Cap < 0 {
			return fmt.Errorf("%s %s: a fee is 0 to 10 %%", f.Method, f.CardKind)
		}
	}
	return nil
}

func (a Assumptions) check() error {
	var sum int64
	for _, w := range a.Wallets {
		sum += w.Percent
	}
	if sum != 100 || a.CreditPercent < 0 || a.CreditPercent > 100 || a.TradingDays < 1 || a.TradingDays > 31 || a.Receipts < 1 || a.Roll < 0 || a.Instant < 0 {
		return errors.New("assumptions: shares of wallets add up to 100, and counts are positive")
	}
	return nil
}

func (t Text) whole() bool { return t.ZH != "" && t.EN != "" }

// fee finds the fee of a method and card kind.
func (p FeePlan) fee(method, cardKind string) (Fee, bool) {
	i := slices.IndexFunc(p.Fees, func(f Fee) bool { return f.Method == method && f.CardKind == cardKind })
	if i < 0 {
		return Fee{}, false
	}
	return p.Fees[i], true
}

// Plan is the fee as a merchant's first plan.
func (f Fee) Plan(c money.Currency) merchant.FeePlan {
	return merchant.FeePlan{Version: 1, Rate: f.Rate, Min: money.New(f.Min, c), Cap: money.New(f.Cap, c)}
}

// Risk is the limit as the payment path knows it.
func (l Limit) Risk(c money.Currency) risk.Limit {
	return risk.Limit{Method: l.Method, CardKind: l.CardKind, PerPayment: money.New(l.PerPayment, c), Daily: money.New(l.Daily, c), Monthly: money.New(l.Monthly, c)}
}

// Model finds a model by its code; ErrModel when there is none.
func (o Offer) Model(code string) (Model, error) {
	i := slices.IndexFunc(o.Models, func(m Model) bool { return m.Code == code })
	if i < 0 {
		return Model{}, ErrModel.With("%.40q", code)
	}
	return o.Models[i], nil
}

// FeePlan finds a fee plan that a kind of merchant may have; ErrPlan when there is none.
func (o Offer) FeePlan(code string, k Kind) (FeePlan, error) {
	i := slices.IndexFunc(o.FeePlans, func(p FeePlan) bool { return p.Code == code && slices.Contains(p.Kinds, k) })
	if i < 0 {
		return FeePlan{}, ErrPlan.With("%.40q for %s", code, k)
	}
	return o.FeePlans[i], nil
}
