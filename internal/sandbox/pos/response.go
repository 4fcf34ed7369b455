package pos

// effect is what an authentic answer with a code does to the transaction.
type effect int

const (
	refuse  effect = iota
	approve        // the money moved
	doubt          // whether the money moved is not known
)

// meaning is one row of the terminal's own table of response codes: domain
// knowledge of UnionPay's annex, learnt apart from the host's table.
type meaning struct {
	effect effect
	signOn bool // the next operation signs on again
	text   Words
	action Words
}

const approvedCode = "00"

// What the merchant does after a refusal.
var (
	actNone    = Words{}
	actCard    = Words{"请换一张卡或换方式", "Use another card or method"}
	actRetry   = Words{"可以再试一次", "You may try again"}
	actBank    = Words{"请持卡人联系发卡银行", "The cardholder may call the bank"}
	actAcquire = Words{"请联系收单机构", "Call the acquirer"}
	actLater   = Words{"请稍后再试", "Try again later"}
	actPIN     = Words{"请重新输入密码", "Enter the PIN again"}
	actSignOn  = Words{"下一笔前终端会重新签到", "The terminal signs on again before the next one"}
	actChip    = Words{"请插卡", "Insert the card"}
	actKeep    = Words{"请换一张卡", "Use another card"} // capture and lost cards: neutral, the customer reads along
)

// meanings is read by meaningOf; what is absent is refused, showing its code.
var meanings = map[string]meaning{
	"00": {approve, false, Words{"交易成功", "Approved"}, actNone},
	"11": {approve, false, Words{"交易成功", "Approved"}, actNone},
	"A2": {approve, false, Words{"交易成功，发卡行稍后确认", "Approved, the bank confirms later"}, actNone},
	"A4": {approve, false, Words{"交易成功，发卡行稍后确认", "Approved, the bank confirms later"}, actNone},
	"A5": {approve, false, Words{"交易成功，发卡行稍后确认", "Approved, the bank confirms later"}, actNone},
	"A6": {approve, false, Words{"交易成功，发卡行稍后确认", "Approved, the bank confirms later"}, actNone},

	// A partial approval was never asked for (60.6): what was approved is not the price. It is taken back.
	"09": {refuse, false, Words{"客人还没有付款", "The customer has not paid yet"}, actRetry},
	"10": {doubt, false, Words{"只批准了部分金额", "Approved for a part only"}, actNone},
	"68": {doubt, false, Words{"发卡行没有应答", "The bank did not answer"}, actNone},
	"98": {doubt, false, Words{"发卡行没有应答", "The bank did not answer"}, actNone},

	"01": {refuse, false, Words{"发卡行要求查询", "Refer to the bank"}, actBank},
	"02": {refuse, false, Words{"发卡行要求查询", "Refer to the bank"}, actBank},
	"03": {refuse, false, Words{"商户无效", "Merchant not active"}, actAcquire},
	"04": {refuse, false, Words{"这张卡不能用", "This card cannot be used"}, actKeep},
	"05": {refuse, false, Words{"发卡行没有批准", "Not approved by the bank"}, actCard},
	"06": {refuse, false, Words{"发卡行出错", "Error at the bank"}, actRetry},
	"07": {refuse, false, Words{"这张卡不能用", "This card cannot be used"}, actKeep},
	"12": {refuse, false, Words{"现在不能做这笔交易", "Not possible for this transaction"}, actAcquire},
	"13": {refuse, false, Words{"金额不对", "Wrong amount"}, actRetry},
	"14": {refuse, false, Words{"卡号不对", "Wrong card number"}, actCard},
	"15": {refuse, false, Words{"没有这家发卡行", "Unknown bank"}, actCard},
	"19": {refuse, false, Words{"请再做一次", "Enter it again"}, actRetry},
	"21": {refuse, false, Words{"卡还没有启用", "The card is not activated"}, actCard},
	"22": {refuse, false, Words{"操作有误", "Wrong operation"}, actRetry},
	"25": {refuse, false, Words{"找不到原交易", "The original was not found"}, actAcquire},
	"30": {refuse, false, Words{"报文格式错", "Format error"}, actAcquire},
	"33": {refuse, false, Words{"这张卡不能用", "This card cannot be used"}, actKeep},
	"34": {refuse, false, Words{"这张卡不能用", "This card cannot be used"}, actKeep},
	"35": {refuse, false, Words{"这张卡不能用", "This card cannot be used"}, actKeep},
	"36": {refuse, false, Words{"这张卡不能用", "This card cannot be used"}, actKeep},
	"37": {refuse, false, Words{"这张卡不能用", "This card cannot be used"}, actKeep},
	"38": {refuse, false, Words{"密码错误次数太多", "Too many wrong PINs"}, actKeep},
	"40": {refuse, false, Words{"不支持这种交易", "Not supported"}, actAcquire},
	"41": {refuse, false, Words{"这张卡不能用", "This card cannot be used"}, actKeep},
	"43": {refuse, false, Words{"这张卡不能用", "This card cannot be used"}, actKeep},
	"45": {refuse, false, Words{"这张卡有芯片", "This card has a chip"}, actChip},
	"51": {refuse, false, Words{"余额不足", "Not enough money"}, actCard},
	"54": {refuse, false, Words{"卡过期了", "The card has expired"}, actCard},
	"55": {refuse, false, Words{"密码错", "Wrong PIN"}, actPIN},
	"57": {refuse, false, Words{"这张卡不允许做这种交易", "Not permitted to this card"}, actCard},
	"58": {refuse, false, Words{"这台终端不允许做这种交易", "Not permitted to this terminal"}, actAcquire},
	"59": {refuse, false, Words{"这张卡不能用", "This card cannot be used"}, actKeep},
	"61": {refuse, false, Words{"超过限额", "Over a limit"}, actCard},
	"62": {refuse, false, Words{"这张卡不能用", "This card cannot be used"}, actKeep},
	"64": {refuse, false, Words{"金额和原交易不一致", "The amount differs from the original"}, actAcquire},
	"65": {refuse, false, Words{"超过次数限制", "Over a count limit"}, actChip},
	"75": {refuse, false, Words{"密码错误次数太多", "Too many wrong PINs"}, actCard},
	"77": {refuse, true, Words{"批次号不一致", "The batch number differs"}, actSignOn},
	"79": {refuse, true, Words{"密钥不同步", "The keys are out of step"}, actSignOn},
	"90": {refuse, false, Words{"系统正在日切", "The system is changing its day"}, actLater},
	"91": {refuse, false, Words{"发卡行连不上", "The bank cannot be reached"}, actLater},
	"92": {refuse, false, Words{"通讯线路有问题", "The network has a problem"}, actLater},
	"94": {refuse, false, Words{"流水号重复", "The trace number was used before"}, actRetry},
	"96": {refuse, false, Words{"系统现在不能处理", "The system cannot decide now"}, actLater},
	"97": {refuse, false, Words{"终端没有登记", "The terminal is unknown"}, actAcquire},
	"99": {refuse, true, Words{"密码不能转换", "The PIN could not be read"}, actSignOn},
	"A0": {refuse, true, Words{"报文校验没有通过", "The message check failed"}, actSignOn},
	"A1": {refuse, false, Words{"货币不对", "Wrong currency"}, actAcquire},
	"A3": {refuse, false, Words{"账户不对", "Wrong account"}, actAcquire},
	"A7": {refuse, false, Words{"安全处理失败", "Security error"}, actAcquire},
}

// meaningOf never fails: an unknown code is a refusal.
func meaningOf(code string) meaning {
	if m, ok := meanings[code]; ok {
		return m
	}
	return meaning{refuse, false, Words{"没有批准", "Not approved"}, actCard}
}
