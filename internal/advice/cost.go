package advice

import (
	"fmt"
	"slices"

	"hawker/internal/money"
)

// Cost is one line of what a plan costs over the offer's months.
type Cost struct {
	Code  string // device, monthly, plan, paper, instant, or fee/METHOD/KIND
	Name  Text
	How   Text // how it was reckoned
	Total money.Amount
}

// costs lists every cost, also those that are nothing, so that nobody has to ask.
func (o Offer) costs(n Needs, m Model, f FeePlan) ([]Cost, error) {
	cny := func(minor int64) money.Amount { return money.New(minor, o.Currency) }
	months := o.Months
	list := []Cost{{"device", Text{"机器", "Machine"}, Text{"一次付清，归您所有", "Paid once; it is yours"}, cny(m.Price)}}
	if m.Has("rented") {
		list[0].How = Text{"租用，不用买", "Rented, not bought"}
	}
	for _, c := range m.Monthly {
		list = append(list, Cost{"monthly", c.Name, o.times(c.Minor, months, "月", "months"), cny(c.Minor * months)})
	}
	list = append(list, Cost{"plan", Text{"费率方案月费", "Fee plan, monthly"}, o.times(f.Monthly, months, "月", "months"), cny(f.Monthly * months)})
	paper := Cost{"paper", Text{"打印纸", "Paper rolls"}, Text{"不打纸质小票", "No paper receipts"}, cny(0)}
	if n.Paper == "yes" && m.Has("prints") {
		rolls := (n.Volume.Minor()/n.Ticket.Minor()*months + o.Assume.Receipts - 1) / o.Assume.Receipts
		paper.How, paper.Total = o.times(o.Assume.Roll, rolls, "卷", "rolls"), cny(o.Assume.Roll*rolls)
	}
	list = append(list, paper)
	instant := Cost{"instant", Text{"马上到账", "Instant payouts"}, Text{"选第二个工作日到账，不收费", "Next working day: free"}, cny(0)}
	if n.Payout == "instant" {
		times := o.Assume.TradingDays * months
		instant.How, instant.Total = o.times(o.Assume.Instant, times, "次", "payouts"), cny(o.Assume.Instant*times)
	}
	list = append(list, instant)
	fees, err := o.fees(n, m, f)
	return append(list, fees...), err
}

func (o Offer) times(each, count int64, zh, en string) Text {
	price := money.New(each, o.Currency).Decimal()
	return Text{fmt.Sprintf("%s 元 × %d %s", price, count, zh), fmt.Sprintf("%s × %d %s", price, count, en)}
}

// fees reckons the fees of all payments: each method's share of the takings, in payments
// of the usual size, each with the fee that it would really have.
func (o Offer) fees(n Needs, m Model, f FeePlan) ([]Cost, error) {
	cards := int64(0)
	if slices.Contains(m.Methods, "card") {
		cards = cardPercent[n.Cards]
	}
	type slice struct {
		method, kind string
		zh, en       string
		parts        int64 // of 10,000 of the takings
	}
	slicesOf := []slice{
		{"card", "credit", "信用卡手续费", "Fees of credit cards", cards * o.Assume.CreditPercent},
		{"card", "debit", "借记卡手续费", "Fees of debit cards", cards * (100 - o.Assume.CreditPercent)},
	}
	for _, w := range o.Assume.Wallets {
		name := walletNames[w.Method]
		slicesOf = append(slicesOf, slice{w.Method, "", name.ZH + "手续费", "Fees of " + name.EN, (100 - cards) * w.Percent})
	}
	var list []Cost
	for _, s := range slicesOf {
		if s.parts == 0 || !slices.Contains(m.Methods, s.method) {
			continue
		}
		fee, ok := f.fee(s.method, s.kind)
		if !ok {
			return nil, fmt.Errorf("no fee for %s %s", s.method, s.kind)
		}
		each, err := fee.Plan(o.Currency).Fee(n.Ticket)
		if err != nil {
			return nil, err
		}
		count := n.Volume.Minor() * o.Months / n.Ticket.Minor() * s.parts / 10000
		list = append(list, Cost{"fee/" + s.method + "/" + s.kind, Text{s.zh, s.en}, Text{
			fmt.Sprintf("费率 %s，每笔 %s 元 × 约 %d 笔", percent(fee), each.Decimal(), count),
			fmt.Sprintf("%s, %s a payment × about %d payments", percent(fee), each.Decimal(), count)}, money.New(each.Minor()*count, o.Currency)})
	}
	return list, nil
}

var walletNames = map[string]Text{"wechat": {"微信支付", "WeChat Pay"}, "alipay": {"支付宝", "Alipay"}, "unionpay": {"云闪付", "UnionPay codes"}}

// percent writes a rate as people do: 60 basis points are 0.60 %.
func percent(f Fee) string { return fmt.Sprintf("%d.%02d%%", f.Rate/100, f.Rate%100) }
