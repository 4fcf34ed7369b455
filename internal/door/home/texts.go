package home

import "hawker/internal/web"

var texts = web.Texts{
	"home.title":       {"收款，清清楚楚", "Getting paid, in the clear"},
	"home.text":        {"刷卡、扫码都能收的个人收款平台。机构是否正规、钱什么时候到、费率是多少，这里都查得到。", "Take cards and wallets on a personal terminal. Whether the institution is regular, when the money comes and what it costs: all of it can be looked up here."},
	"home.signin":      {"登录后台", "Sign in"},
	"home.signin.text": {"流水、退款、到账、员工和安全。", "Payments, refunds, arrivals, staff and security."},
	"home.pos":         {"打开收款台", "Open the POS screen"},
	"home.pos.text":    {"在手机或平板上收款。", "Take payments on a phone or a tablet."},
	"home.apply":       {"申请成为商户", "Become a merchant"},
	"home.apply.text":  {"几个问题，看看适合哪种机器、要花多少钱，再提交申请。", "A few questions show which machine suits you and what it will cost; then apply."},
	"home.check":       {"查机构、查机器", "Check an institution or a machine"},
	"home.check.text":  {"牌照、备案、终端标签，真假一查便知。", "Licence, filing, the label on a terminal: see whether it is regular."},
	"home.docs":        {"开发者", "For developers"},
	"home.docs.text":   {"接口文档，五分钟收第一笔。", "The API, and a first payment in five minutes."},

	"home.promises":  {"我们的承诺", "What we promise"},
	"home.promise.1": {"确认到账的收款只有一笔，不会丢也不会重复。", "A payment that was confirmed exists exactly once."},
	"home.promise.2": {"没有结果就是“确认中”，不会谎报成功或失败。", "No answer means “being checked”: never called a success or a failure."},
	"home.promise.3": {"费率写进合同，未经您同意不会变。", "The fee is in your contract, and does not change without your consent."},
	"home.promise.4": {"卡号和密码不会出现在任何记录里。", "Card numbers and PINs are in no record."},
}
