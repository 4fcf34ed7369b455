package pos

// Problem is something that the terminal could not or would not do, said to
// the merchant in both languages. Its cause is for the log and holds no card data.
type Problem struct {
	Words
	cause error
}

// Problems that the terminal names; match with errors.Is.
var (
	ErrNoState         = problem("这台终端还没有装机", "This terminal has not been provisioned")
	ErrDamaged         = problem("终端的存储坏了，请联系收单机构", "The terminal's memory is damaged: call the acquirer")
	ErrExposed         = problem("别人能读到终端的密钥，请把状态文件的权限改为 600", "Others can read the terminal's keys: set the state file's mode to 600")
	ErrInUse           = problem("这台终端正被另一个程序使用", "Another program is using this terminal")
	ErrClosed          = problem("终端已关机", "The terminal is switched off")
	ErrMemory          = problem("终端存不下数据，没有发出交易", "The terminal cannot store data; nothing was sent")
	ErrUnreachable     = problem("连不上主机，没有发出交易", "The host cannot be reached; nothing was sent")
	ErrNoAnswer        = problem("主机没有应答", "The host did not answer")
	ErrSignOn          = problem("签到没有成功，不能交易", "Sign-on was refused, no transaction is possible")
	ErrTampered        = problem("终端被拆动过，密钥已销毁，请联系客服", "This terminal was tampered with and its keys are erased: call support")
	ErrStatus          = problem("状态写得不对：电量 1 到 100，打印机 1 到 3", "This status cannot be reported: battery 1 to 100, printer 1 to 3")
	ErrTamperText      = problem("原因最多二十个英文字符", "The reason has at most 20 ASCII characters")
	ErrKeys            = problem("主机给的密钥没有通过校验，请联系收单机构重新装密钥", "The host's keys fail their check: have the acquirer load the terminal's key again")
	ErrAnswer          = problem("看不懂主机的应答", "The host's answer makes no sense")
	ErrReversalPending = problem("上一笔还没有撤回，现在不能收款。请再查一次", "The last payment is not taken back yet: no new one until then. Check again")
	ErrRefundPending   = problem("有退款、小费或调整还在处理中，请先再查一次", "A refund, tip or adjustment is still in progress: check again first")
	ErrSettling        = problem("上次结算还没有结果，请再结算一次", "The last settlement has no answer yet: settle again")
	ErrBatchFull       = problem("这一批满了，请先结算", "The batch is full: settle first")
	ErrAmount          = problem("金额不对：要大于零，且是人民币", "The amount is wrong: more than zero, in CNY")
	ErrCard            = problem("卡读不出来，请换一张卡", "The card cannot be read: try another card")
	ErrUseChip         = problem("这张卡有芯片，请插卡", "This card has a chip: insert it")
	ErrChipMute        = problem("芯片读不出来，请刷卡", "The chip does not answer: swipe the card")
	ErrChip            = problem("芯片不能付款，请换一张卡", "The chip cannot pay: use another card")
	ErrNoPurse         = problem("这张卡没有电子现金；要插卡或挥卡", "This card has no electronic purse; insert it or hold it to the reader")
	ErrPurse           = problem("卡内余额不足，没有扣款", "There is too little in the card's purse: nothing was taken")
	ErrWallet          = problem("不能出这种收款码，请选微信支付或支付宝", "No such code can be shown: choose WeChat Pay or Alipay")
	ErrNeedPIN         = problem("超过免密限额，请输入密码", "Over the limit without a PIN: enter the PIN")
	ErrOverLimit       = problem("超过这台终端的单笔限额", "Over this terminal's limit for one payment")
	ErrNoManual        = problem("这台终端不能手输卡号", "Card numbers cannot be typed on this terminal")
	ErrListed          = problem("这张卡不能用，请换一张卡", "This card cannot be used: try another")
	ErrNotSignable     = problem("这笔不用签名，或者已经签过", "This needs no signature, or is signed already")
	ErrIdentity        = problem("终端证书不能用", "The terminal's certificate cannot be used")
	ErrNotFound        = problem("终端里没有这笔交易", "The terminal does not have this transaction")
	ErrNotVoidable     = problem("这笔不能撤销：只能撤销本批次里成功的收款，且只有一次", "This cannot be voided: only an approved sale of the current batch, once")
	ErrNotChangeable   = problem("这笔不能加小费或调整：只能是本批次里成功、没有撤销也没有退过款的收款", "This cannot be tipped or adjusted: only an approved sale of the current batch, neither voided nor refunded")
	ErrNotLess         = problem("调整后的金额要小于现在的金额，且大于零", "The adjusted amount must be less than what was taken, and more than zero")
	ErrNoHold          = problem("终端里没有这笔预授权", "The terminal does not have this pre-authorization")
	ErrHoldEnded       = problem("这笔预授权不能再用：没有成功、已撤销或已完成", "This pre-authorization cannot be used: not approved, voided, or completed already")
	ErrNotRefundable   = problem("这笔不能退款", "This cannot be refunded")
)

func problem(zh, en string) *Problem { return &Problem{Words: Words{zh, en}} }

// because is the problem with what caused it this time.
func (p *Problem) because(cause error) *Problem { return &Problem{p.Words, cause} }

// Error is the English sentence and the cause.
func (p *Problem) Error() string {
	if p.cause == nil {
		return p.EN
	}
	return p.EN + ": " + p.cause.Error()
}

// Unwrap gives the cause.
func (p *Problem) Unwrap() error { return p.cause }

// Is matches by sentence, so that errors.Is holds for copies with a cause.
func (p *Problem) Is(target error) bool {
	t, ok := target.(*Problem)
	return ok && t.Words == p.Words
}
