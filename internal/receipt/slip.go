package receipt

import (
	"strings"

	"hawker/internal/channel"
	"hawker/internal/payment"
)

// Lang is the language of a slip.
type Lang int

// The languages, as the sides of a word.
const (
	ZH Lang = iota
	EN
)

// Copy is for whom a slip is printed.
type Copy int

// The copies: the payer's, and the merchant's, which has room for a signature.
const (
	ForPayer Copy = iota
	ForMerchant
)

// line is one line of a slip: a name and a value at the paper's sides, or one text.
type line struct {
	name, value string
	middle      bool
	large       bool
	rule        bool
}

var words = map[string][2]string{
	"payer":    {"顾客存根", "Customer copy"},
	"merchant": {"商户存根", "Merchant copy"},
	"place":    {"地点", "Place"},
	"mid":      {"商户号", "Merchant no."},
	"tid":      {"终端号", "Terminal no."},
	"method":   {"付款方式", "Paid by"},
	"card":     {"卡号", "Card"},
	"batch":    {"批次号", "Batch"},
	"trace":    {"流水号", "Trace"},
	"number":   {"参考号", "Reference"},
	"auth":     {"授权码", "Authorization"},
	"time":     {"时间", "Time"},
	"refunded": {"已退款", "Refunded"},
	"sign":     {"持卡人签名", "Cardholder's signature"},
	"signed":   {"已在屏幕上签名", "Signed on the screen"},
	"verify":   {"扫码验真", "Scan to verify"},
	"again":    {"补打", "Printed again"},
	"note":     {"备注", "Note"},
}

var methods = map[string][2]string{
	payment.MethodCard:     {"银行卡", "Card"},
	payment.MethodCash:     {"现金", "Cash"},
	payment.MethodWeChat:   {"微信支付", "WeChat Pay"},
	payment.MethodAlipay:   {"支付宝", "Alipay"},
	payment.MethodUnionPay: {"云闪付", "UnionPay QR"},
}

// results head a slip. A state that is not among them is said as not known yet: nothing
// but an approval ever prints as one.
var results = map[string][2]string{
	"approved":        {"收款成功", "Paid"},
	"refunded":        {"已全额退款", "Refunded"},
	"partly_refunded": {"部分已退款", "Partly refunded"},
	"refunding":       {"退款处理中", "Refund in progress"},
	"declined":        {"未成功，没有收款", "Declined, nothing was charged"},
	"reversed":        {"已撤回，没有扣款", "Reversed, nothing was charged"},
	"voided":          {"已撤销，没有扣款", "Voided, nothing was charged"},
	"cancelled":       {"已取消，没有扣款", "Cancelled, nothing was charged"},
	"expired":         {"已过期，没有扣款", "Expired, nothing was charged"},
	"":                {"结果确认中，不是收款凭证", "Being checked: this is no proof of payment"},
}

// Result is the one sentence that says what became of the payment.
func (r Receipt) Result(l Lang) string {
	if text, ok := results[r.State()]; ok {
		return text[l]
	}
	return results[""][l]
}

// Method is the way of paying in words.
func (r Receipt) Method(l Lang) string {
	if text, ok := methods[r.Payment.Method]; ok {
		return text[l]
	}
	return r.Payment.Method
}

// name is the merchant's in a language.
func (r Receipt) name(l Lang) string {
	if l == EN && r.Merchant.NameEN != "" {
		return r.Merchant.NameEN
	}
	return r.Merchant.NameZH
}

// lines are what a slip says. again marks one that was printed before.
func (r Receipt) lines(l Lang, c Copy, again bool) []line {
	var out []line
	add := func(word, value string) {
		if value != "" {
			out = append(out, line{name: words[word][l], value: value})
		}
	}
	whose := "payer"
	if c == ForMerchant {
		whose = "merchant"
	}
	head := words[whose][l]
	if again {
		head += " · " + words["again"][l]
	}
	out = append(out, line{name: r.name(l), middle: true, large: true}, line{name: head, middle: true}, line{rule: true})
	add("mid", r.Merchant.MID)
	add("tid", r.Terminal())
	add("place", r.Merchant.Place)
	add("time", r.Made().Format("2006-01-02 15:04:05"))
	add("method", r.Method(l))
	add("card", r.Card())
	if r.Sale.Trace > 0 {
		add("batch", digits(r.Sale.Batch))
		add("trace", digits(r.Sale.Trace))
	}
	add("number", r.Number())
	add("auth", r.Sale.AuthCode)
	out = append(out, line{rule: true}, line{name: r.Payment.Amount.String(), middle: true, large: true}, line{name: r.Result(l), middle: true})
	if given := r.Refunded(); !given.IsZero() {
		add("refunded", given.String())
	}
	out = append(out, line{rule: true})
	switch {
	case !r.Signed.IsZero():
		out = append(out, line{name: words["signed"][l] + " " + r.Signed.In(r.Merchant.Zone).Format("15:04:05"), middle: true})
	case c == ForMerchant && r.Payment.Method == payment.MethodCard && r.Sale.Kind == channel.Sale && r.Paid() && !strings.HasSuffix(r.Payment.Card.Entry, "1"):
		out = append(out, line{name: words["sign"][l]}, line{}, line{}, line{rule: true}) // nothing but a PIN proves it otherwise
	}
	return out
}

func digits(n int) string {
	s := []byte("000000")
	for i := len(s) - 1; i >= 0; i-- {
		s[i], n = byte('0'+n%10), n/10
	}
	return string(s)
}
