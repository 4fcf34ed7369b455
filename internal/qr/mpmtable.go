package qr

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// form is which characters a value may have.
type form int

const (
	anyText form = iota // printable, of any language: EMVCo's "S"
	numeric             // EMVCo's "N"
	ascii               // printable ASCII: EMVCo's "ans"
)

// rule is what the specification says of one data object.
type rule struct {
	name, zh string
	form     form
	min, max int    // characters
	may      string // blank-separated values; "" is any
	must     bool   // in every code, or in every template of its kind
	inner    func(id int) rule
}

// notation is the rule as protocol pages write it: "n4", "ans..25", "template".
func (r rule) notation() string {
	if r.inner != nil {
		return "template"
	}
	text := map[form]string{anyText: "s", numeric: "n", ascii: "ans"}[r.form]
	if r.min == r.max {
		return fmt.Sprintf("%s%d", text, r.max)
	}
	return fmt.Sprintf("%s..%d", text, r.max)
}

// fits tells the first character of value that the rule refuses, counted from 0,
// and what was expected; "" when it fits.
func (r rule) fits(value string) (at int, expected string) {
	if n := utf8.RuneCountInString(value); n < r.min || n > r.max {
		return 0, r.notation()
	}
	for i, c := range []rune(value) {
		switch {
		case r.form == numeric && (c < '0' || c > '9'):
			return i, "a digit"
		case r.form == ascii && (c < ' ' || c > '~'):
			return i, "a printable ASCII character"
		case !unicode.IsPrint(c):
			return i, "a printable character"
		}
	}
	if r.may != "" && !strings.Contains(" "+r.may+" ", " "+value+" ") {
		return 0, "one of " + r.may
	}
	return 0, ""
}

// reserved is an object that no edition has given a meaning: readers pass over it.
var reserved = rule{name: "reserved", zh: "保留", form: anyText, min: 1, max: 99}

// top holds the objects of the outermost level.
var top = map[int]rule{
	0:  {name: "payload format", zh: "版本", form: numeric, min: 2, max: 2, may: "01", must: true},
	1:  {name: "point of initiation", zh: "静态或动态", form: numeric, min: 2, max: 2, may: "11 12"},
	52: {name: "merchant category", zh: "商户类别", form: numeric, min: 4, max: 4, must: true},
	53: {name: "currency", zh: "币种", form: numeric, min: 3, max: 3, must: true},
	54: {name: "amount", zh: "金额", form: ascii, min: 1, max: 13},
	55: {name: "tip or fee", zh: "小费", form: numeric, min: 2, max: 2, may: "01 02 03"},
	56: {name: "fixed fee", zh: "固定附加费", form: ascii, min: 1, max: 13},
	57: {name: "fee percentage", zh: "附加费率", form: ascii, min: 1, max: 5},
	58: {name: "country", zh: "国家", form: ascii, min: 2, max: 2, must: true},
	59: {name: "merchant name", zh: "商户名称", form: ascii, min: 1, max: 25, must: true},
	60: {name: "merchant city", zh: "城市", form: ascii, min: 1, max: 15, must: true},
	61: {name: "postal code", zh: "邮编", form: ascii, min: 1, max: 10},
	62: {name: "additional data", zh: "附加数据", form: anyText, min: 1, max: 99, inner: additionalRule},
	63: {name: "check value", zh: "校验值", form: ascii, min: 4, max: 4, must: true},
	64: {name: "language template", zh: "本国语言", form: anyText, min: 1, max: 99, inner: languageRule},
}

// owners are the schemes to which EMVCo gave the account ids 2 to 25.
var owners = [...]struct {
	last int
	name string
}{{3, "Visa"}, {5, "Mastercard"}, {8, "EMVCo"}, {10, "Discover"}, {12, "Amex"}, {14, "JCB"}, {16, "UnionPay"}, {25, "EMVCo"}}

func topRule(id int) rule {
	if r, ok := top[id]; ok {
		return r
	}
	switch {
	case id >= 2 && id <= 25:
		for _, o := range owners {
			if id <= o.last {
				return rule{name: o.name + " account", zh: "收款账户", form: ascii, min: 1, max: 99}
			}
		}
	case id >= 26 && id <= 51:
		return rule{name: "account template", zh: "收款账户模板", form: anyText, min: 1, max: 99, inner: guidRule}
	case id >= 80:
		return rule{name: "unreserved template", zh: "自定义模板", form: anyText, min: 1, max: 99, inner: guidRule}
	}
	return reserved
}

// guidRule is of templates whose first object says who defines the others.
func guidRule(id int) rule {
	if id == 0 {
		return rule{name: "unique identifier", zh: "唯一标识", form: ascii, min: 1, max: 32, must: true}
	}
	return rule{name: "data", zh: "数据", form: anyText, min: 1, max: 99}
}

var additionalRules = [...]rule{
	1:  {name: "bill number", zh: "账单号", form: anyText, min: 1, max: 25},
	2:  {name: "mobile number", zh: "手机号", form: anyText, min: 1, max: 25},
	3:  {name: "store label", zh: "门店", form: anyText, min: 1, max: 25},
	4:  {name: "loyalty number", zh: "会员号", form: anyText, min: 1, max: 25},
	5:  {name: "reference label", zh: "参考号", form: anyText, min: 1, max: 25},
	6:  {name: "customer label", zh: "客户", form: anyText, min: 1, max: 25},
	7:  {name: "terminal label", zh: "终端", form: anyText, min: 1, max: 25},
	8:  {name: "purpose", zh: "用途", form: anyText, min: 1, max: 25},
	9:  {name: "customer data request", zh: "索取客户资料", form: ascii, min: 1, max: 3},
	10: {name: "merchant tax id", zh: "税号", form: ascii, min: 1, max: 20},
	11: {name: "merchant channel", zh: "收款渠道", form: ascii, min: 3, max: 3},
}

func additionalRule(id int) rule {
	switch {
	case id >= 1 && id < len(additionalRules):
		return additionalRules[id]
	case id >= 50:
		return rule{name: "system template", zh: "支付系统模板", form: anyText, min: 1, max: 99, inner: guidRule}
	}
	return reserved
}

func languageRule(id int) rule {
	switch id {
	case 0:
		return rule{name: "language", zh: "语言", form: ascii, min: 2, max: 2, must: true}
	case 1:
		return rule{name: "merchant name", zh: "商户名称", form: anyText, min: 1, max: 25, must: true}
	case 2:
		return rule{name: "merchant city", zh: "城市", form: anyText, min: 1, max: 15}
	}
	return reserved
}
