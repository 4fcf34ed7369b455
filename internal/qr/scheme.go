// Package qr knows payment codes: those that customers show, EMVCo's codes of
// merchants and of customers, and the symbol that draws a text. It refuses to
// know who is paid, keys, channels and money that moves.
package qr

// Scheme is whose code it is. The zero Scheme is none.
type Scheme string

// The schemes.
const (
	WeChat   Scheme = "wechat"
	Alipay   Scheme = "alipay"
	UnionPay Scheme = "unionpay"
	ECNY     Scheme = "ecny" // the digital yuan
)

var schemeNames = map[Scheme]struct{ zh, en string }{
	WeChat:   {"微信支付", "WeChat Pay"},
	Alipay:   {"支付宝", "Alipay"},
	UnionPay: {"云闪付", "UnionPay"},
	ECNY:     {"数字人民币", "e-CNY"},
}

// Known reports whether the scheme is one of ours.
func (s Scheme) Known() bool { _, ok := schemeNames[s]; return ok }

// ZH is the name that customers read in Chinese; the scheme itself for an unknown one.
func (s Scheme) ZH() string {
	if n, ok := schemeNames[s]; ok {
		return n.zh
	}
	return string(s)
}

// EN is the name that customers read in English; the scheme itself for an unknown one.
func (s Scheme) EN() string {
	if n, ok := schemeNames[s]; ok {
		return n.en
	}
	return string(s)
}
