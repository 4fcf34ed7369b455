package iso8583

// CodeClass groups response codes by what may follow.
type CodeClass byte

// The classes, by the letters the network's tables use.
const (
	CodeApproved CodeClass = 'A'
	CodeRetry    CodeClass = 'B' // refused; the same card may try again
	CodeRefused  CodeClass = 'C'
	CodeOperator CodeClass = 'D' // refused; the network asks for a person's attention
	CodeSystem   CodeClass = 'E' // nobody refused: a system could not
)

// Code is what a response code (field 39) means to a merchant, and what to do
// now. Where the card itself is suspected the copy is neutral: the merchant stands
// before the cardholder, and nobody is accused at a counter.
type Code struct {
	Code     string
	Class    CodeClass
	ZH       string
	EN       string
	ActionZH string
	ActionEN string
}

// CodeText looks a response code up; false when the table does not know it.
func CodeText(code string) (Code, bool) {
	c, ok := codes[code]
	return c, ok
}

// UnknownCode is the copy for a code outside the table: refused, and the code
// shown, when it is two letters or digits.
func UnknownCode(code string) Code {
	if len(code) != 2 || !letterOrDigit(code[0]) || !letterOrDigit(code[1]) {
		code = "??"
	}
	return Code{
		Code: code, Class: CodeRefused,
		ZH: "交易未成功，应答码 " + code + "。", EN: "The payment did not go through (code " + code + ").",
		ActionZH: "请换一张卡或换一种付款方式。", ActionEN: "Please use another card or another way to pay.",
	}
}

func letterOrDigit(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// codes is codeRows by code.
var codes = func() map[string]Code {
	m := make(map[string]Code, len(codeRows))
	for _, c := range codeRows {
		m[c.Code] = c
	}
	return m
}()

// Sentences that several codes share.
const (
	otherCardZH, otherCardEN   = "请换一张卡。", "Please use another card."
	notUsableZH, notUsableEN   = "此卡不能用于本次付款。", "This card cannot be used for this payment."
	signOnZH, signOnEN         = "请重新签到，然后再试。", "Sign on again, then try once more."
	laterZH, laterEN           = "请稍后再试。", "Please try again later."
	checkZH, checkEN           = "请先查询结果，再决定是否重新收款。", "Check the result before you take the payment again."
	supportZH, supportEN       = "请联系收单机构。", "Please call your acquirer."
	callBankZH, callBankEN     = "请持卡人联系发卡行，或换一张卡。", "The cardholder may call the card's bank, or use another card."
	approvedZH, approvedEN     = "交易成功。", "Approved."
	noActionZH, noActionEN     = "无需操作。", "Nothing to do."
	pendingZH, pendingEN       = "交易成功，发卡行稍后确认。", "Approved; the card's bank confirms it later."
	pinTriesZH, pinTriesEN     = "密码输错次数过多。", "The PIN was wrong too many times."
	bankDownZH, bankDownEN     = "发卡行暂时无法处理，没有扣款。", "The card's bank cannot be reached; nothing was charged."
	unknownZH, unknownEN       = "银行没有应答，结果未知。", "The bank did not answer: the result is not known."
	notHereZH, notHereEN       = "此终端或商户不能做这种交易。", "This terminal or merchant cannot do this kind of payment."
	findOriginalZH, originalEN = "请核对原交易的凭证号和日期。", "Check the original payment's number and date."
)

// codeRows is in the order of the codes.
var codeRows = []Code{
	{"00", CodeApproved, approvedZH, approvedEN, noActionZH, noActionEN},
	{"01", CodeRefused, "发卡行要求人工确认。", "The card's bank wants to be asked first.", callBankZH, callBankEN},
	{"02", CodeRefused, "发卡行要求人工确认。", "The card's bank wants to be asked first.", callBankZH, callBankEN},
	{"03", CodeRefused, "商户未登记或未启用。", "This merchant is not registered or not active.", supportZH, supportEN},
	{"04", CodeOperator, notUsableZH, notUsableEN, otherCardZH, otherCardEN},
	{"05", CodeRefused, "发卡行未批准，没有说明原因。", "The card's bank refused and gave no reason.", callBankZH, callBankEN},
	{"06", CodeSystem, "交易处理出错。", "The payment could not be processed.", laterZH, laterEN},
	{"07", CodeOperator, notUsableZH, notUsableEN, otherCardZH, otherCardEN},
	{"09", CodeRetry, "客人还没有付款。", "The customer has not paid yet.", checkZH, checkEN},
	{"10", CodeApproved, "只批准了部分金额。", "Only a part of the amount was approved.", "请按小票上的实际金额核对，其余另收。", "Check the amount on the slip and collect the rest another way."},
	{"11", CodeApproved, approvedZH, approvedEN, noActionZH, noActionEN},
	{"12", CodeRefused, "这笔交易现在不能这样处理。", "This is not possible for this payment now.", "请查询原交易的状态。", "Look at the original payment's state."},
	{"13", CodeRetry, "金额无效，或与原交易不符。", "The amount is not valid or is not the original's.", "请核对金额后重试。", "Check the amount and try again."},
	{"14", CodeRetry, "卡号无效。", "The card number is not valid.", "请重新读卡或输入，或换一张卡。", "Read or enter the card again, or use another card."},
	{"15", CodeRefused, "找不到这张卡的发卡行。", "No bank is known for this card.", otherCardZH, otherCardEN},
	{"19", CodeRetry, "请重新交易。", "The payment must be entered again.", "请重新操作一次。", "Please try once more."},
	{"21", CodeRefused, "此卡尚未激活。", "This card is not active yet.", callBankZH, callBankEN},
	{"22", CodeSystem, "操作有误。", "The payment could not be processed.", laterZH, laterEN},
	{"25", CodeRefused, "找不到原交易。", "The original payment was not found.", findOriginalZH, originalEN},
	{"30", CodeSystem, "报文格式错误。", "The message was not understood.", supportZH, supportEN},
	{"33", CodeOperator, notUsableZH, notUsableEN, otherCardZH, otherCardEN},
	{"34", CodeOperator, notUsableZH, notUsableEN, otherCardZH, otherCardEN},
	{"35", CodeOperator, notUsableZH, notUsableEN, otherCardZH, otherCardEN},
	{"36", CodeOperator, notUsableZH, notUsableEN, otherCardZH, otherCardEN},
	{"37", CodeOperator, notUsableZH, notUsableEN, otherCardZH, otherCardEN},
	{"38", CodeOperator, pinTriesZH, pinTriesEN, otherCardZH, otherCardEN},
	{"40", CodeRefused, "不支持这种交易。", "This kind of payment is not supported.", "请换一种付款方式。", "Please use another way to pay."},
	{"41", CodeOperator, notUsableZH, notUsableEN, otherCardZH, otherCardEN},
	{"43", CodeOperator, notUsableZH, notUsableEN, otherCardZH, otherCardEN},
	{"45", CodeRetry, "这张卡要用芯片。", "This card must be read by its chip.", "请插卡重试。", "Insert the card and try again."},
	{"51", CodeRefused, "可用余额不足。", "There is not enough money on the card.", otherCardZH, otherCardEN},
	{"54", CodeRefused, "卡已过期，或有效期有误。", "The card has expired or its expiry date is wrong.", otherCardZH, otherCardEN},
	{"55", CodeRetry, "密码错误。", "The PIN is wrong.", "请持卡人重新输入密码。", "Ask for the PIN again."},
	{"57", CodeRefused, "发卡行不允许此卡做这种交易。", "The card's bank does not allow this kind of payment.", otherCardZH, otherCardEN},
	{"58", CodeRefused, notHereZH, notHereEN, supportZH, supportEN},
	{"59", CodeRefused, notUsableZH, notUsableEN, otherCardZH, otherCardEN},
	{"61", CodeRefused, "超过金额限制。", "The amount is over a limit.", "请减少金额或换一张卡。", "Use a smaller amount or another card."},
	{"62", CodeRefused, notUsableZH, notUsableEN, otherCardZH, otherCardEN},
	{"64", CodeRefused, "金额与原交易不一致。", "The amount differs from the original's.", "请核对原交易金额。", "Check the original payment's amount."},
	{"65", CodeRetry, "超过次数限制，或不能免密。", "Over a number of payments, or a PIN is needed.", "请插卡并输入密码重试。", "Insert the card, enter the PIN and try again."},
	{"68", CodeSystem, unknownZH, unknownEN, checkZH, checkEN},
	{"75", CodeRefused, pinTriesZH, pinTriesEN, otherCardZH, otherCardEN},
	{"77", CodeSystem, "批次号不一致。", "The terminal's batch number differs.", signOnZH, signOnEN},
	{"79", CodeSystem, "终端密钥需要更新。", "The terminal's keys must be renewed.", signOnZH, signOnEN},
	{"90", CodeSystem, "系统正在日切。", "The system is closing its day.", laterZH, laterEN},
	{"91", CodeSystem, bankDownZH, bankDownEN, laterZH, laterEN},
	{"92", CodeSystem, "网络暂时不通。", "The network cannot be reached.", laterZH, laterEN},
	{"94", CodeSystem, "流水号重复。", "This trace number was used before.", checkZH, checkEN},
	{"96", CodeSystem, "系统暂时无法处理，没有扣款。", "The system cannot decide now; nothing was charged.", laterZH, laterEN},
	{"97", CodeRefused, "终端未登记。", "This terminal is not registered.", supportZH, supportEN},
	{"98", CodeSystem, unknownZH, unknownEN, checkZH, checkEN},
	{"99", CodeSystem, "密码无法处理。", "The PIN could not be handled.", signOnZH, signOnEN},
	{"A0", CodeSystem, "报文校验失败。", "The message failed its check.", signOnZH, signOnEN},
	{"A1", CodeRefused, "币种与商户不符。", "The currency is not the merchant's.", supportZH, supportEN},
	{"A2", CodeApproved, pendingZH, pendingEN, noActionZH, noActionEN},
	{"A3", CodeRefused, "账户有误。", "The account is not right.", callBankZH, callBankEN},
	{"A4", CodeApproved, pendingZH, pendingEN, noActionZH, noActionEN},
	{"A5", CodeApproved, pendingZH, pendingEN, noActionZH, noActionEN},
	{"A6", CodeApproved, pendingZH, pendingEN, noActionZH, noActionEN},
	{"A7", CodeRefused, "安全处理失败。", "The security check failed.", supportZH, supportEN},
}
