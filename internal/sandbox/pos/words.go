package pos

// Language is what the terminal's screen and slips speak.
type Language string

// The languages of a terminal.
const (
	Chinese Language = "zh-CN"
	English Language = "en"
)

// Words is one sentence in both languages.
type Words struct {
	ZH string `json:"zh,omitempty"`
	EN string `json:"en,omitempty"`
}

// In is the sentence in l; anything but English is Chinese.
func (w Words) In(l Language) string {
	if l == English {
		return w.EN
	}
	return w.ZH
}

// titles is the one line that the merchant sees first. Words of money follow
// the product's table of states: "nothing charged" is said only after the host has confirmed it.
var titles = map[Kind]map[State]Words{
	SignOn:     {Accepted: {"签到成功", "Signed on"}, Declined: {"签到没有成功", "Sign-on refused"}},
	SignOff:    {Accepted: {"签退成功", "Signed off"}, Declined: {"签退没有成功", "Sign-off refused"}},
	Echo:       {Accepted: {"主机有应答", "The host answers"}, Declined: {"主机拒绝了回响", "The host refuses the echo"}},
	Balance:    {Approved: {"余额查询成功", "Balance"}, Declined: {"没有查到余额", "Balance refused"}},
	Sale:       {Approved: {"收款成功", "Payment received"}, Declined: {"没有收到钱", "Payment declined"}, Unknown: checking, Reversed: {"已撤回，没有扣款", "Reversed, nothing charged"}},
	Void:       {Approved: {"已撤销", "Voided"}, Declined: {"没有撤销，原交易仍然有效", "Not voided, the sale stands"}, Unknown: checking, Reversed: {"撤销没有成立，原交易仍然有效", "The void was taken back, the sale stands"}},
	Refund:     {Approved: {"已退款", "Refunded"}, Declined: {"没有退款", "Refund declined"}, Unknown: {"退款处理中", "Refund in progress"}},
	Settlement: {Accepted: {"结算完成", "Batch settled"}, Declined: {"结算没有完成", "Settlement refused"}, Unknown: {"正在确认结算结果", "Checking the settlement"}},
	Fetch:      {Accepted: {"下载完成", "Everything is fetched"}, Declined: {"主机不让下载", "The host refuses the download"}},

	Sign:         {Accepted: {"签名已上送", "Signature sent"}, Declined: {"主机没有收下签名", "The host refuses the signature"}},
	StatusReport: {Accepted: {"状态已上送", "Status reported"}, Declined: {"主机没有收下状态", "The host refuses the status"}},

	Resolve: {Accepted: {"没有待确认的交易了", "Nothing is pending any more"}, Unknown: {"还有交易在确认中", "Still checking"}},
}

var checking = Words{"正在确认结果", "Checking"}

// warnings says what not to do while an outcome is unknown, and what to do.
var warnings = map[Kind]struct{ text, action Words }{
	Sale: {
		Words{"请勿重复收款，也先别交货", "Do not charge again or hand over goods"},
		Words{"请点“再查一次”，终端会撤回这一笔", "Check again: the terminal takes this payment back"},
	},
	Void: {
		Words{"请勿重复撤销", "Do not void again"},
		Words{"请点“再查一次”，终端会取消这次撤销", "Check again: the terminal takes this void back"},
	},
	Refund: {
		Words{"请勿重复退款", "Do not refund again"},
		Words{"请点“再查一次”，终端会接着问结果", "Check again: the terminal asks for the outcome"},
	},
	Settlement: {
		Words{"主机没有应答", "The host did not answer"},
		Words{"请再结算一次，结果不会重复", "Settle again: it cannot count twice"},
	},
	Resolve: {
		Words{"主机还没有接受", "The host has not accepted yet"},
		Words{"请稍后再查一次；一直不行请联系收单机构", "Check again later; if it stays so, call the acquirer"},
	},
}

// kindNames is how a slip names a transaction.
var kindNames = map[Kind]Words{
	Sale:       {"消费", "SALE"},
	Void:       {"消费撤销", "VOID"},
	Refund:     {"退货", "REFUND"},
	Balance:    {"余额查询", "BALANCE"},
	Settlement: {"批结算", "SETTLEMENT"},
}
