package advice_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hawker/internal/advice"
	"hawker/internal/money"
)

func cny(minor int64) money.Amount { return money.New(minor, money.CNY) }

func standard(t testing.TB) advice.Offer {
	t.Helper()
	o, err := advice.Standard()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// noodles is a stall that takes codes only.
func noodles() advice.Needs {
	return advice.Needs{Kind: advice.Micro, Business: "food_stall", Ticket: cny(1500), Volume: cny(2_000_000), Mobility: "stays", Cards: "none",
		Place: "street", Network: "mobile", Paper: "no", Payout: "next_day"}
}

func with(change func(*advice.Needs)) advice.Needs {
	n := noodles()
	change(&n)
	return n
}

func TestTheAdviceForWhoAsks(t *testing.T) {
	t.Parallel()
	o := standard(t)
	for _, c := range []struct {
		name  string
		needs advice.Needs
		best  string
		fee   string
		not   []string // models that must not be among those that fit
		why   string   // a rule that must speak for the best
	}{
		{"a noodle stall hears its money", noodles(), "soundbox", "simple", []string{"counter"}, "a stall is loud"},
		{"a small stall begins with a plate", with(func(n *advice.Needs) { n.Volume = cny(300_000); n.Network = "broadband" }), "plate", "simple", []string{"counter"}, "small takings want a small bill"},
		{"a courier with cards carries a reader", with(func(n *advice.Needs) {
			n.Business, n.Mobility, n.Cards, n.Network = "courier", "travels", "some", "broadband"
		}), "reader", "simple", []string{"counter", "plate", "soundbox"}, "who travels carries little"},
		{"a restaurant pays at the table with paper", with(func(n *advice.Needs) {
			n.Kind, n.Business, n.Mobility, n.Place, n.Cards, n.Paper, n.Ticket, n.Volume = advice.Company, "restaurant", "within", "counter", "many", "yes", cny(12_000), cny(30_000_000)
		}), "handheld", "volume", []string{"plate"}, "who gives paper receipts needs a printer"},
		{"a shop's counter stands still", with(func(n *advice.Needs) {
			n.Kind, n.Business, n.Place, n.Network, n.Cards, n.Paper, n.Ticket, n.Volume = advice.Sole, "grocery", "counter", "broadband", "some", "yes", cny(3_000), cny(15_000_000)
		}), "counter", "volume", []string{"plate"}, "a counter has mains and broadband"},
		{"large tickets are signed for", with(func(n *advice.Needs) {
			n.Kind, n.Business, n.Place, n.Network, n.Cards, n.Ticket, n.Volume = advice.Sole, "retail", "counter", "broadband", "many", cny(300_000), cny(20_000_000)
		}), "counter", "volume", []string{"plate", "soundbox"}, "large tickets are signed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			plans, err := o.Advise(c.needs)
			if err != nil || len(plans) < 2 || len(plans) > 3 {
				t.Fatalf("%d plans, %v", len(plans), err)
			}
			best := plans[0]
			if best.Model.Code != c.best || best.Fees.Code != c.fee || !slices.Contains(best.Tags, advice.Best) {
				t.Errorf("best is %s with %s", best.Model.Code, best.Fees.Code)
			}
			if !slices.ContainsFunc(best.For, func(r advice.Reason) bool { return r.Rule == c.why }) {
				t.Errorf("%q does not speak for it: %+v", c.why, best.For)
			}
			for _, p := range plans {
				if p.Fits && slices.Contains(c.not, p.Model.Code) {
					t.Errorf("%s fits", p.Model.Code)
				}
			}
		})
	}
}

func TestTheMerchantMayChooseDifferentlyAndIsToldWhatSpeaksAgainstIt(t *testing.T) {
	t.Parallel()
	o := standard(t)
	p, err := o.Compose(with(func(n *advice.Needs) { n.Cards = "many" }), "plate", "simple")
	if err != nil || p.Fits || len(p.Against) == 0 || !p.Against[0].Stops {
		t.Errorf("got %+v, %v", p.Against, err)
	}
	if _, err := o.Compose(noodles(), "toaster", "simple"); !errors.Is(err, advice.ErrModel) {
		t.Errorf("an unknown model: %v", err)
	}
	if _, err := o.Compose(noodles(), "plate", "volume"); !errors.Is(err, advice.ErrPlan) {
		t.Errorf("a plan that is not for micro merchants: %v", err)
	}
}

func TestCostsAreWorkedOutByHand(t *testing.T) {
	t.Parallel()
	o := standard(t)
	// 20,000.00 a month in payments of 15.00 for 24 months: 32,000 payments, each with 0.38 % = 0.06.
	p, err := o.Compose(with(func(n *advice.Needs) { n.Payout = "instant" }), "soundbox", "simple")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{"device": 9900, "monthly": 300 * 24, "plan": 0, "paper": 0, "instant": 26 * 24 * 100,
		"fee/wechat/": 17600 * 6, "fee/alipay/": 11200 * 6, "fee/unionpay/": 3200 * 6}
	for _, c := range p.Costs {
		if c.Total.Minor() != want[c.Code] {
			t.Errorf("%s costs %s, want %d", c.Code, c.Total, want[c.Code])
		}
		delete(want, c.Code)
	}
	if len(want) > 0 {
		t.Errorf("not listed: %v", want)
	}
	if p.Total != cny(9900+7200+62400+192000) || p.Share != 57 { // 2,715.00 of 480,000.00 is 0.5656 %
		t.Errorf("total %s, %d basis points", p.Total, p.Share)
	}
	// Paper: 32,000 receipts are 400 rolls of 80. A capped debit fee: 0.5 % of 5,000.00 is 25.00, capped at 20.00.
	p, err = o.Compose(with(func(n *advice.Needs) { n.Paper = "yes" }), "handheld", "simple")
	if err != nil || cost(p, "paper") != 400*150 {
		t.Errorf("paper %d, %v", cost(p, "paper"), err)
	}
	p, err = o.Compose(with(func(n *advice.Needs) {
		n.Kind, n.Ticket, n.Volume, n.Cards = advice.Sole, cny(500_000), cny(500_000*100), "many"
	}), "handheld", "simple")
	if err != nil || cost(p, "fee/card/debit") != 2400*20/100*2000 { // a half by card, of that 40 % debit
		t.Errorf("debit %d, %v", cost(p, "fee/card/debit"), err)
	}
}

func cost(p advice.Plan, code string) (sum int64) {
	for _, c := range p.Costs {
		if c.Code == code {
			sum += c.Total.Minor()
		}
	}
	return sum
}

func needs(r *rapid.T) advice.Needs {
	answers := map[string]string{}
	for _, q := range advice.Questions {
		answers[q.Fact] = rapid.SampledFrom(q.Answers).Draw(r, q.Fact).Value
	}
	ticket := rapid.Int64Range(1, 500_000_00).Draw(r, "ticket")
	return advice.Needs{Kind: rapid.SampledFrom(advice.Kinds).Draw(r, "kind"), Business: answers["business"], Place: answers["place"], Mobility: answers["mobility"],
		Cards: answers["cards"], Network: answers["network"], Paper: answers["paper"], Payout: answers["payout"],
		Ticket: cny(ticket), Volume: cny(rapid.Int64Range(ticket, 1_000_000_000_00).Draw(r, "volume"))}
}

func TestWhoeverAsksGetsTwoOrThreeComparablePlansWithEveryCost(t *testing.T) {
	t.Parallel()
	o := standard(t)
	rapid.Check(t, func(r *rapid.T) {
		n := needs(r)
		plans, err := o.Advise(n)
		if err != nil || len(plans) < 2 || len(plans) > 3 {
			r.Fatalf("%d plans for %+v: %v", len(plans), n, err)
		}
		seen := map[string]bool{}
		for i, p := range plans {
			if seen[p.Model.Code] {
				r.Fatalf("%s twice", p.Model.Code)
			}
			seen[p.Model.Code] = true
			if i == 0 && (!p.Fits || len(p.For) == 0) {
				r.Fatalf("the best, %s, does not fit or has no reason: %+v", p.Model.Code, n)
			}
			sum := int64(0)
			for _, c := range p.Costs {
				if c.Total.Sign() < 0 || c.Name.ZH == "" || c.Name.EN == "" || c.How.ZH == "" || c.How.EN == "" {
					r.Fatalf("cost %+v", c)
				}
				sum += c.Total.Minor()
			}
			if sum != p.Total.Minor() {
				r.Fatalf("total %s is not %d", p.Total, sum)
			}
			for _, l := range p.Limits {
				if !slices.Contains(p.Model.Methods, l.Method) {
					r.Fatalf("a limit for %s, which %s does not take", l.Method, p.Model.Code)
				}
			}
			if n.Kind == advice.Micro && slices.Contains(p.Model.Methods, "card") &&
				!slices.ContainsFunc(p.Limits, func(l advice.Limit) bool {
					return l.Method == "card" && l.CardKind == "credit" && l.Daily == 100_000 && l.Monthly == 1_000_000
				}) {
				r.Fatal("a micro merchant without the caps on credit cards")
			}
		}
	})
}

func TestEveryRuleSpeaksForSomebody(t *testing.T) {
	t.Parallel()
	o := standard(t)
	spoken := map[string]bool{}
	rapid.Check(t, func(r *rapid.T) {
		n := needs(r)
		for _, m := range o.Models {
			p, err := o.Compose(n, m.Code, "simple")
			if err != nil {
				r.Fatal(err)
			}
			for _, one := range slices.Concat(p.For, p.Against) {
				spoken[one.Rule] = true
			}
		}
	})
	for _, name := range o.RuleNames() {
		if !spoken[name] {
			t.Errorf("%q never speaks", name)
		}
	}
}

func TestAnswersThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	o := standard(t)
	for name, n := range map[string]advice.Needs{
		"no answers":                 {},
		"an answer that is none":     with(func(n *advice.Needs) { n.Mobility = "flies" }),
		"no kind":                    with(func(n *advice.Needs) { n.Kind = "" }),
		"no ticket":                  with(func(n *advice.Needs) { n.Ticket = cny(0) }),
		"takings under one ticket":   with(func(n *advice.Needs) { n.Volume = cny(1499) }),
		"takings beyond belief":      with(func(n *advice.Needs) { n.Volume = cny(1_000_000_000_01) }),
		"amounts in another money":   with(func(n *advice.Needs) { n.Ticket = money.New(1500, money.USD) }),
		"a negative monthly takings": with(func(n *advice.Needs) { n.Volume = cny(-1) }),
	} {
		if _, err := o.Advise(n); !errors.Is(err, advice.ErrNeeds) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnOfferThatContradictsItselfIsRefused(t *testing.T) {
	t.Parallel()
	offer, err := os.ReadFile("offer.json")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := os.ReadFile("rules.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		old, new string
		inRules  bool
	}{
		{"a field nobody knows", `"months": 24`, `"month": 24`, false},
		{"no months", `"months": 24`, `"months": 0`, false},
		{"a reader that takes no cards", `"methods": ["card", "wechat", "alipay", "unionpay"]`, `"methods": ["wechat"]`, false},
		{"a method without a fee", `{"method": "wechat", "basis_points": 38}, `, ``, false},
		{"a fee of more than 10 %", `"basis_points": 50, "cap_minor": 2000`, `"basis_points": 1001, "cap_minor": 2000`, false},
		{"shares of wallets that do not add up", `"percent": 55`, `"percent": 56`, false},
		{"a name in one language", `"en": "Code plate"`, `"en": ""`, false},
		{"a negative price", `"price_minor": 9900`, `"price_minor": -1`, false},
		{"a rule about what nobody asks", `"fact": "paper"`, `"fact": "mood"`, true},
		{"a rule about a feature that no model has", `"exclude": ["fixed"]`, `"exclude": ["wings"]`, true},
		{"a number compared with words", `"fact": "ticket", "min": 100000`, `"fact": "ticket", "in": ["big"]`, true},
		{"a rule without a reason", `"because": {"zh": "摊位吵，机器播报到账，防假截图。"`, `"because": {"zh": ""`, true},
	} {
		o, r := string(offer), string(rules)
		into := &o
		if c.inRules {
			into = &r
		}
		if !strings.Contains(*into, c.old) {
			t.Fatalf("%s: there is no %q", c.name, c.old)
		}
		*into = strings.Replace(*into, c.old, c.new, 1)
		if _, err := advice.Read(strings.NewReader(o), strings.NewReader(r)); err == nil {
			t.Errorf("%s was taken", c.name)
		}
	}
}
