package feelock

import (
	"context"
	"fmt"
	"strings"

	"hawker/internal/merchant"
	"hawker/internal/money"
)

// names are what a line is called; what is not listed is called by its own words.
var names = map[Line][2]string{
	{"card", "debit"}: {"刷卡（借记卡）", "Card (debit)"}, {"card", "credit"}: {"刷卡（信用卡）", "Card (credit)"}, {"card", ""}: {"刷卡（卡种不明）", "Card (kind not told)"},
	{"wechat", ""}: {"微信支付", "WeChat Pay"}, {"alipay", ""}: {"支付宝", "Alipay"}, {"unionpay", ""}: {"云闪付", "UnionPay"}, {"cash", ""}: {"现金", "Cash"},
	{"wechat", "credit"}: {"微信支付（信用卡）", "WeChat Pay (credit)"}, {"alipay", "credit"}: {"支付宝（信用卡）", "Alipay (credit)"},
}

// Name is what the line is called in Chinese and in English.
func (l Line) Name() (zh, en string) {
	if n, ok := names[l]; ok {
		return n[0], n[1]
	}
	own := strings.TrimSpace(l.Method + " " + l.CardKind)
	return own, own
}

// Words are the terms in a sentence: "0.60 %, at least 0.10 CNY, at most 20.00 CNY".
func (r Rate) Words() (zh, en string) {
	zh = fmt.Sprintf("%d.%02d%%", r.Rate/100, r.Rate%100)
	en = zh
	if r.Min.Sign() > 0 {
		zh, en = zh+"，最低 "+r.Min.String(), en+", at least "+r.Min.String()
	}
	if r.Cap.Sign() > 0 {
		zh, en = zh+"，"+r.Cap.String()+" 封顶", en+", at most "+r.Cap.String()
	}
	return zh, en
}

// TextOf is the notice of a proposal: what changes, from which day, why, what it would cost on
// an example, and what happens without consent.
func (b *Book) TextOf(ctx context.Context, m merchant.Merchant, p Proposal) (Text, error) {
	plans, err := b.Plans(ctx, m.ID, m.Currency, p.Rate.Line)
	if err != nil {
		return Text{}, err
	}
	// What held before the proposal's date: also when it is read again after its date has passed.
	old, err := plans.At(p.From.Add(-1))
	if err != nil {
		return Text{}, err
	}
	was := Rate{p.Rate.Line, old.terms}
	lineZH, lineEN := p.Rate.Name()
	oldZH, oldEN := was.Words()
	newZH, newEN := p.Rate.Words()
	example := money.New(10000, m.Currency) // a hundred, in currencies of two decimals
	before, err := was.Fee(example)
	if err != nil {
		return Text{}, err
	}
	after, err := p.Rate.Fee(example)
	if err != nil {
		return Text{}, err
	}
	day := p.From.In(m.Zone).Format("2006-01-02 15:04")
	var zh, en strings.Builder
	fmt.Fprintf(&zh, "费率变更通知\n商户：%s（%s）\n项目：%s\n现在：%s\n提议：%s\n生效时间：%s\n举例：收 %s，手续费从 %s 变为 %s\n原因：%s\n", m.NameZH, m.MID, lineZH, oldZH, newZH, day, example, before, after, p.Reason)
	fmt.Fprintf(&en, "Notice of a change of fee\nMerchant: %s (%s)\nFor: %s\nNow: %s\nProposed: %s\nFrom: %s\nExample: of %s the fee was %s and would be %s\nWhy: %s\n", m.NameEN, m.MID, lineEN, oldEN, newEN, day, example, before, after, p.Reason)
	if p.Early != "" {
		fmt.Fprintf(&zh, "为何早于三十天：%s\n", p.Early)
		fmt.Fprintf(&en, "Why sooner than thirty days: %s\n", p.Early)
	}
	switch {
	case p.Early == "" && cheaper(p.Rate.FeePlan, old.terms):
		zh.WriteString("这次变更只会让您少付，到期自动生效，您无需操作。")
		en.WriteString("This change can only cost you less. It begins on that day and asks nothing of you.")
	case p.Otherwise == End:
		zh.WriteString("没有您的同意，新费率不会生效。如果您不同意，合同在上述时间终止，此前一直按现在的费率；终止不收任何费用。")
		en.WriteString("Without your consent the new fee does not apply. If you do not agree, the contract ends at that time; until then the present fee stays, and ending costs nothing.")
	default:
		zh.WriteString("没有您的同意，新费率不会生效，继续按现在的费率收取。")
		en.WriteString("Without your consent the new fee does not apply, and the present fee stays.")
	}
	return Text{zh.String(), en.String()}, nil
}
