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
	SignOn:  {Accepted: {"签到成功", "Signed on"}, Declined: {"签到没有成功", "Sign-on refused"}},
	SignOff: {Accepted: {"签退成功", "Signed off"}, Declined: {"签退没有成功", "Sign-off refused"}},
	Echo:    {Accepted: {"主机有应答", "The host answers"}, Declined: {"主机拒绝了回响", "The host refuses the echo"}},
	Tamper: {Accepted: {"密钥已销毁，终端已封锁", "Keys erased, terminal blocked"}, Declined: {"密钥已销毁，主机没有确认", "Keys erased, the host did not confirm"},
		Unknown: {"密钥已销毁，主机可能还不知道", "Keys erased, the host may not know yet"}},
	Balance:          {Approved: {"余额查询成功", "Balance"}, Declined: {"没有查到余额", "Balance refused"}},
	Sale:             {Approved: {"收款成功", "Payment received"}, Declined: {"没有收到钱", "Payment declined"}, Unknown: checking, Reversed: {"已撤回，没有扣款", "Reversed, nothing charged"}},
	Void:             {Approved: {"已撤销", "Voided"}, Declined: {"没有撤销，原交易仍然有效", "Not voided, the sale stands"}, Unknown: checking, Reversed: {"撤销没有成立，原交易仍然有效", "The void was taken back, the sale stands"}},
	Refund:           {Approved: {"已退款", "Refunded"}, Declined: {"没有退款", "Refund declined"}, Unknown: {"退款处理中", "Refund in progress"}},
	Preauth:          {Approved: {"预授权成功，还没有扣款", "Pre-authorized, nothing charged yet"}, Declined: {"预授权没有成功", "Pre-authorization declined"}, Unknown: checking, Reversed: {"已撤回，没有占用额度", "Reversed, nothing is held"}},
	PreauthVoid:      {Approved: {"预授权已撤销", "Pre-authorization voided"}, Declined: {"没有撤销，预授权仍然有效", "Not voided, the pre-authorization stands"}, Unknown: checking, Reversed: {"撤销没有成立，预授权仍然有效", "The void was taken back, the pre-authorization stands"}},
	Completion:       {Approved: {"收款成功", "Payment received"}, Declined: {"没有收到钱，预授权仍然有效", "Declined, the pre-authorization stands"}, Unknown: checking, Reversed: {"已撤回，预授权仍然有效", "Reversed, the pre-authorization stands"}},
	CompletionNotice: {Approved: {"收款成功", "Payment received"}, Declined: {"没有收到钱，预授权仍然有效", "Declined, the pre-authorization stands"}, Unknown: {"完成处理中", "Completion in progress"}},
	CompletionVoid:   {Approved: {"完成已撤销，预授权仍然有效", "Completion voided, the pre-authorization stands"}, Declined: {"没有撤销，收款仍然有效", "Not voided, the payment stands"}, Unknown: checking, Reversed: {"撤销没有成立，收款仍然有效", "The void was taken back, the payment stands"}},
	OfflineSale:      {Approved: {"离线收款已入账", "Offline payment booked"}, Declined: {"离线收款没有入账", "Offline payment declined"}, Unknown: {"离线收款处理中", "Offline payment in progress"}},
	CashSale: {Approved: {"电子现金收款已入账", "Electronic cash booked"}, Declined: {"卡内已扣款，主机没有入账", "Taken from the purse, not booked by the host"},
		Unknown: {"卡内已扣款，等待上送", "Taken from the purse, the host is told later"}},
	CashRefund: {Approved: {"已退款", "Refunded"}, Declined: {"没有退款", "Refund declined"}, Unknown: {"退款处理中", "Refund in progress"}},
	Purse:      {Accepted: {"电子现金余额", "In the electronic purse"}},
	CodeShown: {Waiting: {"等客人扫码付款", "Waiting for the customer to scan and pay"}, Approved: {"收款成功", "Payment received"}, Declined: {"没有收到钱", "Payment declined"},
		Unknown: checking, Reversed: {"已撤回，没有扣款", "Reversed, nothing charged"}},
	CodeVoid:     {Approved: {"已撤销", "Voided"}, Declined: {"没有撤销，原交易仍然有效", "Not voided, the payment stands"}, Unknown: {"撤销处理中", "Void in progress"}},
	Tip:          {Approved: {"小费已收", "Tip received"}, Declined: {"没有收到小费，原交易不变", "Tip declined, the sale is unchanged"}, Unknown: {"小费处理中", "Tip in progress"}},
	Adjustment:   {Approved: {"已调整", "Adjusted"}, Declined: {"没有调整，原交易不变", "Not adjusted, the sale is unchanged"}, Unknown: {"调整处理中", "Adjustment in progress"}},
	Settlement:   {Accepted: {"结算完成", "Batch settled"}, Declined: {"结算没有完成", "Settlement refused"}, Unknown: {"正在确认结算结果", "Checking the settlement"}},
	Fetch:        {Accepted: {"下载完成", "Everything is fetched"}, Declined: {"主机不让下载", "The host refuses the download"}},
	Sign:         {Accepted: {"签名已上送", "Signature sent"}, Declined: {"主机没有收下签名", "The host refuses the signature"}},
	StatusReport: {Accepted: {"状态已上送", "Status reported"}, Declined: {"主机没有收下状态", "The host refuses the status"}},
	Resolve:      {Accepted: {"没有待确认的交易了", "Nothing is pending any more"}, Unknown: {"还有交易在确认中", "Still checking"}},
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
	Preauth: {
		Words{"请勿重复预授权", "Do not pre-authorize again"},
		Words{"请点“再查一次”，终端会撤回这一笔", "Check again: the terminal takes it back"},
	},
	PreauthVoid: {
		Words{"请勿重复撤销", "Do not void again"},
		Words{"请点“再查一次”，终端会取消这次撤销", "Check again: the terminal takes this void back"},
	},
	Completion: {
		Words{"请勿重复收款", "Do not charge again"},
		Words{"请点“再查一次”，终端会撤回这一笔", "Check again: the terminal takes this payment back"},
	},
	CompletionNotice: {
		Words{"请勿重复收款", "Do not charge again"},
		Words{"请点“再查一次”，终端会接着问结果", "Check again: the terminal asks for the outcome"},
	},
	OfflineSale: {
		Words{"请勿重复收款", "Do not charge again"},
		Words{"请点“再查一次”，终端会接着问结果", "Check again: the terminal asks for the outcome"},
	},
	CashSale: {
		Words{"这笔已经成立，可以交货，请勿重复收款", "This payment stands: you may hand over goods; do not charge again"},
		Words{"终端会在下一笔联机交易时上送，也可以点“再查一次”", "The terminal tells the host with its next online payment, or check again"},
	},
	CashRefund: {
		Words{"请勿重复退款", "Do not refund again"},
		Words{"请点“再查一次”，终端会接着问结果", "Check again: the terminal asks for the outcome"},
	},
	CodeShown: {
		Words{"没有出码，请勿重复收款", "No code is shown; do not charge again"},
		Words{"请点“再查一次”，终端会撤回这一笔", "Check again: the terminal takes this payment back"},
	},
	CodeVoid: {
		Words{"请勿重复撤销", "Do not void again"},
		Words{"请点“再查一次”，终端会接着问结果", "Check again: the terminal asks for the outcome"},
	},
	Tip: {
		Words{"请勿重复收小费", "Do not take the tip again"},
		Words{"请点“再查一次”，终端会接着问结果", "Check again: the terminal asks for the outcome"},
	},
	Adjustment: {
		Words{"请勿重复调整", "Do not adjust again"},
		Words{"请点“再查一次”，终端会接着问结果", "Check again: the terminal asks for the outcome"},
	},
	CompletionVoid: {
		Words{"请勿重复撤销", "Do not void again"},
		Words{"请点“再查一次”，终端会取消这次撤销", "Check again: the terminal takes this void back"},
	},
	Tamper: {
		Words{"请勿再使用这台终端", "Do not use this terminal any more"},
		Words{"请打电话通知客服", "Call support"},
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

// codeEnds is what it means for a code that nobody paid when a query is refused so.
var codeEnds = map[string]Words{
	voidedCode: {"收款码已作废，没有扣款", "The code was voided, nothing charged"},
	"54":       {"收款码过期了，没有扣款", "The code expired, nothing charged"},
}

// kindNames is how a slip names a transaction.
var kindNames = map[Kind]Words{
	Sale:    {"消费", "SALE"},
	Void:    {"消费撤销", "VOID"},
	Refund:  {"退货", "REFUND"},
	Balance: {"余额查询", "BALANCE"},

	Preauth:          {"预授权", "PRE-AUTH"},
	PreauthVoid:      {"预授权撤销", "PRE-AUTH VOID"},
	Completion:       {"预授权完成", "COMPLETION"},
	CompletionNotice: {"预授权完成通知", "COMPLETION NOTICE"},
	CompletionVoid:   {"预授权完成撤销", "COMPLETION VOID"},
	OfflineSale:      {"离线结算", "OFFLINE SALE"},
	CashSale:         {"电子现金消费", "E-CASH SALE"},
	CashRefund:       {"电子现金退货", "E-CASH REFUND"},
	CodeShown:        {"收款码", "QR PAYMENT"},
	CodeVoid:         {"扫码撤销", "QR VOID"},
	Tip:              {"小费", "TIP"},
	Adjustment:       {"结算调整", "ADJUSTMENT"},
	Settlement:       {"批结算", "SETTLEMENT"},
}
