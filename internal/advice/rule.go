package advice

import (
	"fmt"
	"slices"

	"hawker/internal/money"
)

// Needs are the answers of the interview.
type Needs struct {
	Kind     Kind         `json:"kind"`
	Business string       `json:"business"`
	Ticket   money.Amount `json:"ticket"`   // a usual payment
	Volume   money.Amount `json:"volume"`   // takings of a month
	Mobility string       `json:"mobility"` // stays, within, travels
	Cards    string       `json:"cards"`    // none, some, many
	Place    string       `json:"place"`    // counter, street
	Network  string       `json:"network"`  // broadband, mobile, weak
	Paper    string       `json:"paper"`    // yes, no: paper receipts
	Payout   string       `json:"payout"`   // next_day, instant
}

// Question is one of the interview, with its lawful answers.
type Question struct {
	Fact    string
	Ask     Text
	Answers []Answer
}

// Answer is one answer.
type Answer struct {
	Value string
	Name  Text
}

// Questions are the interview, in its order; amounts are asked beside them.
var Questions = []Question{
	{"business", Text{"您做什么生意？", "What is your business?"}, []Answer{
		{"food_stall", Text{"小吃摊", "Food stall"}}, {"restaurant", Text{"餐馆", "Restaurant"}}, {"grocery", Text{"便利店、食杂店", "Grocery"}},
		{"market_stall", Text{"菜市场摊位", "Market stall"}}, {"retail", Text{"服装百货", "Clothes and goods"}}, {"courier", Text{"快递、送货", "Courier, delivery"}},
		{"taxi", Text{"出租、代驾", "Taxi, driving"}}, {"home_service", Text{"上门服务、维修", "Services at home, repairs"}}, {"beauty", Text{"理发美容", "Hair and beauty"}},
		{"other", Text{"其他", "Something else"}}}},
	{"place", Text{"在哪里收款？", "Where do you take payments?"}, []Answer{{"counter", Text{"店里柜台", "At a counter"}}, {"street", Text{"摊位、路边", "At a stall or in the street"}}}},
	{"mobility", Text{"收款时走动吗？", "Do you move about?"}, []Answer{
		{"stays", Text{"固定一个地方", "No, one place"}}, {"within", Text{"在店里走动", "Within the shop"}}, {"travels", Text{"在外面跑", "I travel"}}}},
	{"cards", Text{"客人刷银行卡多吗？", "Do customers pay by card?"}, []Answer{
		{"none", Text{"不收银行卡", "No cards"}}, {"some", Text{"有一些", "Some do"}}, {"many", Text{"很多", "Many do"}}}},
	{"network", Text{"现场网络怎么样？", "How is the network there?"}, []Answer{
		{"broadband", Text{"有宽带或无线网", "Broadband or Wi-Fi"}}, {"mobile", Text{"只有手机信号", "Mobile signal only"}}, {"weak", Text{"信号弱", "A weak signal"}}}},
	{"paper", Text{"要打纸质小票吗？", "Do you give paper receipts?"}, []Answer{{"no", Text{"不用，电子小票就行", "No, electronic ones"}}, {"yes", Text{"要", "Yes"}}}},
	{"payout", Text{"钱什么时候要到账？", "When do you need the money?"}, []Answer{{"next_day", Text{"第二个工作日，免费", "The next working day, free"}}, {"instant", Text{"每天马上到账，每次收费", "At once, every day, for a fee"}}}},
}

// cardPercent is the share of takings by card that an answer stands for.
var cardPercent = map[string]int64{"none": 0, "some": 20, "many": 50}

// facts are the answers as rules see them: words and numbers.
func (n Needs) facts() (words map[string]string, numbers map[string]int64) {
	words = map[string]string{"kind": string(n.Kind), "business": n.Business, "mobility": n.Mobility, "cards": n.Cards,
		"place": n.Place, "network": n.Network, "paper": n.Paper, "payout": n.Payout}
	numbers = map[string]int64{"ticket": n.Ticket.Minor(), "volume": n.Volume.Minor(), "payments_a_day": 0}
	if n.Ticket.Sign() > 0 {
		numbers["payments_a_day"] = n.Volume.Minor() / n.Ticket.Minor() / 26
	}
	return words, numbers
}

// check refuses answers that are none, and amounts that cannot be.
func (n Needs) check(c money.Currency) error {
	words, _ := n.facts()
	for _, q := range Questions {
		if !slices.ContainsFunc(q.Answers, func(a Answer) bool { return a.Value == words[q.Fact] }) {
			return ErrNeeds.With("%s: %.20q", q.Fact, words[q.Fact])
		}
	}
	if !slices.Contains(Kinds, n.Kind) || n.Ticket.Currency() != c || n.Volume.Currency() != c {
		return ErrNeeds.With("kind %.20q, ticket in %s", string(n.Kind), n.Ticket.Currency())
	}
	const most = 1_000_000_000_00 // a month
	if n.Ticket.Sign() <= 0 || n.Volume.Minor() < n.Ticket.Minor() || n.Volume.Minor() > most {
		return ErrNeeds.With("tickets of %s, takings of %s", n.Ticket, n.Volume)
	}
	return nil
}

// Rule says what an answer means for the machine. All of When must hold.
type Rule struct {
	Name    string           `json:"name"`
	When    []Condition      `json:"when"`
	Require []string         `json:"require"` // without these a model does not fit
	Exclude []string         `json:"exclude"` // with these it does not fit
	Prefer  map[string]int64 `json:"prefer"`  // points for each
	Avoid   map[string]int64 `json:"avoid"`   // points less
	Because Text             `json:"because"`
}

// Condition holds for a word that is among In, or a number from Min to Max.
type Condition struct {
	Fact string   `json:"fact"`
	In   []string `json:"in"`
	Min  *int64   `json:"min"`
	Max  *int64   `json:"max"`
}

func (c Condition) holds(words map[string]string, numbers map[string]int64) bool {
	if c.In != nil {
		return slices.Contains(c.In, words[c.Fact])
	}
	n := numbers[c.Fact]
	return (c.Min == nil || n >= *c.Min) && (c.Max == nil || n <= *c.Max)
}

func (r Rule) holds(n Needs) bool {
	words, numbers := n.facts()
	return !slices.ContainsFunc(r.When, func(c Condition) bool { return !c.holds(words, numbers) })
}

// checkRules refuses a rule about a fact that nobody asks, or a feature that no model has.
func (o Offer) checkRules() error {
	words, numbers := Needs{}.facts()
	tags := map[string]bool{}
	for _, m := range o.Models {
		for _, t := range m.Tags {
			tags[t] = true
		}
	}
	for _, r := range o.rules {
		if r.Name == "" || !r.Because.whole() || len(r.When) == 0 {
			return fmt.Errorf("rule %q: a name, a condition and a reason are needed", r.Name)
		}
		for _, c := range r.When {
			_, word := words[c.Fact]
			_, number := numbers[c.Fact]
			if (c.In != nil) != word || (c.Min != nil || c.Max != nil) != number || word == number {
				return fmt.Errorf("rule %q: nothing can be said of %q like this", r.Name, c.Fact)
			}
		}
		used := slices.Concat(r.Require, r.Exclude)
		for t, points := range r.Prefer {
			used = append(used, t)
			if points < 1 {
				return fmt.Errorf("rule %q: %s has no points", r.Name, t)
			}
		}
		for t, points := range r.Avoid {
			used = append(used, t)
			if points < 1 {
				return fmt.Errorf("rule %q: %s has no points", r.Name, t)
			}
		}
		for _, t := range used {
			if !tags[t] {
				return fmt.Errorf("rule %q: no model has %q", r.Name, t)
			}
		}
	}
	return nil
}

// Reason is why a model fits, or what speaks against it.
type Reason struct {
	Rule  string
	Text  Text
	Stops bool // the model does not do what is needed
	Speak int64
}

// judge weighs a model against the needs: its points, and the rules that spoke.
func (o Offer) judge(n Needs, m Model) (points int64, fits bool, reasons []Reason) {
	fits = true
	for _, r := range o.rules {
		if !r.holds(n) {
			continue
		}
		one := Reason{Rule: r.Name, Text: r.Because}
		if slices.ContainsFunc(r.Require, func(t string) bool { return !m.Has(t) }) || slices.ContainsFunc(r.Exclude, m.Has) {
			one.Stops, one.Speak, fits = true, -1, false
		} else if len(r.Require) > 0 {
			one.Speak++
		}
		for t, p := range r.Prefer {
			if m.Has(t) {
				one.Speak += p
			}
		}
		for t, p := range r.Avoid {
			if m.Has(t) {
				one.Speak -= p
			}
		}
		if one.Speak != 0 {
			points += one.Speak
			reasons = append(reasons, one)
		}
	}
	return points, fits, reasons
}

// RuleNames lists the rules of the advice.
func (o Offer) RuleNames() (names []string) {
	for _, r := range o.rules {
		names = append(names, r.Name)
	}
	return names
}
