package iso8583

import (
	"fmt"
	"strconv"
	"strings"
)

// anatomy takes one field apart into rows.
type anatomy struct {
	profile *Profile
	message *Message
	number  int
	field   Field
	value   []byte
	at      int // offset of the field's first byte
	read    int // characters of value that have their row
	rows    []Row
}

// anatomies opens the fields that have parts or a meaning; each adds rows and returns the field's note.
var anatomies = map[int]func(*anatomy) string{
	3: processingCode, 4: amount, 22: entryMode, 25: conditionCode, 39: responseCode, 44: institutions, 48: batchData,
	53: securityControl, 54: balances, 55: emvData, 59: terminalData, 60: messageKind, 61: originalMessage, 62: field62, 63: hostText,
	70: networkCode, 90: originalData,
}

// part adds a row for the next size characters, as far as there are any, and returns them.
func (a *anatomy) part(label, name, nameZH string, size int, meanings map[string]string) string {
	size = min(size, len(a.value)-a.read)
	if size <= 0 {
		return ""
	}
	text := string(a.value[a.read : a.read+size])
	note := meanings[text]
	if own, ok := a.profile.Words[strconv.Itoa(a.number)+"."+label][text]; ok {
		note = own
	}
	a.row(label, name, nameZH, size, printable([]byte(text)), note)
	return text
}

// row adds a row for the next size characters with a value of the caller's, masked where it must be.
func (a *anatomy) row(label, name, nameZH string, size int, value, note string) {
	a.rows = append(a.rows, Row{
		Offset: a.at + a.field.characterAt(a.read, len(a.value)), Field: strconv.Itoa(a.number) + "." + label,
		Name: name, NameZH: nameZH, Value: value, Note: note,
	})
	a.read += size
}

// whole reports whether the value has its one lawful length.
func (a *anatomy) whole() bool { return len(a.value) == a.field.Length }

func processingCode(a *anatomy) string {
	if !a.whole() {
		return ""
	}
	a.part("1", "transaction", "交易类型", 2, transactionTypes)
	a.part("2", "from account", "转出账户类型", 2, nil)
	a.part("3", "to account", "转入账户类型", 2, nil)
	return ""
}

// amount knows only the currency that needs no table: CNY has two decimals.
func amount(a *anatomy) string {
	if !a.whole() || badDigit(a.value) >= 0 || a.message.Text(49) != "156" {
		return ""
	}
	yuan := strings.TrimLeft(string(a.value[:10]), "0")
	if yuan == "" {
		yuan = "0"
	}
	return "CNY " + yuan + "." + string(a.value[10:])
}

func entryMode(a *anatomy) string {
	if !a.whole() {
		return ""
	}
	a.part("1", "how the card was read", "读卡方式", 2, entryModes)
	a.part("2", "PIN", "密码", 1, pinModes)
	return ""
}

func conditionCode(a *anatomy) string { return conditions[string(a.value)] }

func networkCode(a *anatomy) string { return networkCodes[string(a.value)] }

// responseCode tells an answer's code; in a request, field 39 is a reversal's reason.
func responseCode(a *anatomy) string {
	if !isAnswer(a.message.MTI) {
		return reversalReasons[string(a.value)]
	}
	c, ok := CodeText(a.profile.OurCode(string(a.value)))
	if !ok {
		c = UnknownCode(string(a.value))
	}
	return fmt.Sprintf("%c: %s / %s", c.Class, c.EN, c.ZH)
}

func institutions(a *anatomy) string {
	a.part("1", "issuer", "发卡行", 11, nil)
	a.part("2", "acquirer", "收单行", 11, nil)
	return ""
}

func securityControl(a *anatomy) string {
	if a.profile.Protection.Derived() {
		return serialNumber(a)
	}
	if !a.whole() {
		return ""
	}
	a.part("1", "PIN format", "密码格式", 1, map[string]string{"0": "none / 无", "1": "without PAN / 不含主账号", "2": "with PAN / 含主账号"})
	a.part("2", "algorithm", "算法", 1, map[string]string{"0": "single DES", "6": "triple DES", "3": "SM4"})
	a.part("3", "track", "磁道", 1, map[string]string{"0": "clear / 明文", "1": "enciphered / 加密"})
	return ""
}

func balances(a *anatomy) string {
	if _, err := ParseBalance54(string(a.value)); err != nil {
		return unread(err)
	}
	for i := 1; a.read < len(a.value); i++ {
		at := strconv.Itoa(i)
		a.part(at+".1", "account type", "账户类型", 2, nil)
		a.part(at+".2", "amount type", "余额类型", 2, map[string]string{"01": "ledger / 账面", "02": "available / 可用"})
		a.part(at+".3", "currency", "币种", 3, nil)
		a.part(at+".4", "amount", "金额", 13, nil)
	}
	return ""
}

func messageKind(a *anatomy) string {
	if _, err := ParseField60(string(a.value)); err != nil {
		return unread(err)
	}
	a.part("1", "message type", "交易类型码", 2, messageTypes)
	a.part("2", "batch", "批次号", 6, nil)
	a.part("3", "network management code", "网络管理信息码", 3, networkCodes)
	a.part("4", "reading capability", "终端读取能力", 1, nil)
	a.part("5", "chip condition", "IC卡条件代码", 1, map[string]string{"2": "after a chip that failed / 芯片读取失败"})
	a.part("6", "further parts", "其他", 4, nil)
	return ""
}

func originalMessage(a *anatomy) string {
	if _, err := ParseField61(string(a.value)); err != nil {
		return unread(err)
	}
	a.part("1", "original batch", "原批次号", 6, nil)
	a.part("2", "original trace", "原流水号", 6, nil)
	a.part("3", "original date MMDD", "原交易日期", 4, nil)
	a.part("4", "further parts", "其他", 13, nil)
	return ""
}

func hostText(a *anatomy) string {
	if len(a.value) < 3 || badGB18030(a.value[:3]) >= 0 {
		return ""
	}
	if !isAnswer(a.message.MTI) {
		a.part("1", "operator", "操作员", 3, nil)
		return ""
	}
	a.part("1", "card organisation", "卡组织", 3, nil)
	if rest := a.value[a.read:]; len(rest) > 0 {
		a.row("2", "sentence for the merchant", "提示信息", len(rest), printable([]byte(DecodeText(rest))), "")
	}
	return ""
}

func originalData(a *anatomy) string {
	if !a.whole() {
		return ""
	}
	a.part("1", "original MTI", "原消息类型", 4, mtiNames)
	a.part("2", "original trace", "原跟踪号", 6, nil)
	a.part("3", "original transmission time", "原传输时间", 10, nil)
	a.part("4", "original acquirer", "原受理机构", 11, nil)
	a.part("5", "original forwarder", "原发送机构", 11, nil)
	return ""
}

// batchData opens field 48 by the message that carries it; its PANs stay masked.
func batchData(a *anatomy) string {
	kind, _ := ParseField60(a.message.Text(60))
	switch {
	case strings.HasPrefix(a.message.MTI, "05"):
		return settlementTotals(a)
	case strings.HasPrefix(a.message.MTI, "03") && kind.Network == "201":
		return uploadDetails(a)
	case strings.HasPrefix(a.message.MTI, "03"):
		n, err := ParseUploadCount48(string(a.value))
		if err != nil {
			return unread(err)
		}
		return plural(n, "detail") + " uploaded"
	}
	return ""
}

func settlementTotals(a *anatomy) string {
	if _, err := ParseTotals48(string(a.value)); err != nil {
		return unread(err)
	}
	results := map[string]string{"0": "not compared / 未对账", "1": "balanced / 对账平", "2": "not balanced / 对账不平", "3": "error / 出错"}
	for i, group := range []struct{ name, zh string }{{"domestic", "内卡"}, {"foreign", "外卡"}} {
		at := strconv.Itoa(i + 1)
		a.part(at+".1", group.name+" debit amount", group.zh+"借记总金额", 12, nil)
		a.part(at+".2", group.name+" debit count", group.zh+"借记总笔数", 3, nil)
		a.part(at+".3", group.name+" credit amount", group.zh+"贷记总金额", 12, nil)
		a.part(at+".4", group.name+" credit count", group.zh+"贷记总笔数", 3, nil)
		a.part(at+".5", group.name+" result", group.zh+"对账结果", 1, results)
	}
	return ""
}

func uploadDetails(a *anatomy) string {
	details, err := ParseDetails48(string(a.value))
	if err != nil {
		return unread(err)
	}
	a.part("0", "count", "笔数", 2, nil)
	for i, d := range details {
		value := strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %012d", d.CardType, d.Trace, d.PAN, d.Amount)), " ")
		a.row(strconv.Itoa(i+1), "card type, trace, PAN, amount", "卡类别、流水、主账号、金额", 40, value, "")
	}
	return ""
}

// keyBlock shows lengths and check values; which layout it is, field 60 says.
func keyBlock(a *anatomy) string {
	kind, _ := ParseField60(a.message.Text(60))
	layout := Layout(kind.Network)
	k, err := a.profile.ParseKeyBlock(layout, a.value)
	if err != nil {
		return ""
	}
	if a.profile.KeyBlock == KeysTagged {
		for _, one := range k.taggedKeys(layout) {
			a.row(one.tag, one.name, keyNamesZH[one.name], taggedSize, one.key.String(), "")
		}
		return ""
	}
	for i, p := range k.parts(layout) {
		a.row(strconv.Itoa(i+1), p.name, keyNamesZH[p.name], p.cipher+p.filler+kcvSize, p.key.String(), "")
	}
	return ""
}

// terminalStatus shows the parts of a status upload.
func terminalStatus(a *anatomy) string {
	status, err := ParseStatus62(string(a.value))
	if err != nil {
		return unread(err)
	}
	state := map[bool]string{false: "sound / 完好", true: "tampered / 被拆动"}[status.Tampered]
	a.row("1", "tamper state", "拆动状态", 3, state, "")
	if status.Detail != "" {
		a.row("2", "what tripped", "触发原因", 2+statusText, status.Detail, "")
	}
	if status.Version != "" {
		a.row("3", "software version", "软件版本", 2+statusText, status.Version, "")
	}
	if status.Battery != 0 {
		a.row("4", "battery, per cent", "电量", 5, strconv.Itoa(status.Battery), "")
	}
	if status.Printer != 0 {
		a.row("5", "printer", "打印机", 3, strconv.Itoa(status.Printer), []string{"", "works / 正常", "no paper / 缺纸", "broken / 故障"}[status.Printer])
	}
	return ""
}

// unread is the note of a field whose parts cannot be told; a FormatError of this package shows no card data.
func unread(err error) string { return "not readable: " + strings.TrimPrefix(err.Error(), "iso8583: ") }

// isAnswer reports whether the MTI's third digit is odd: an answer's function.
func isAnswer(mti string) bool { return len(mti) == 4 && (mti[2]-'0')%2 == 1 }

// What the digits of the protocol pages mean.
var (
	transactionTypes = map[string]string{"00": "sale / 消费", "03": "pre-authorization / 预授权", "20": "void or refund / 撤销或退货", "31": "balance inquiry / 余额查询"}
	entryModes       = map[string]string{
		"01": "manual / 手工", "02": "swipe / 刷卡", "03": "QR code / 二维码", "05": "chip / 插卡",
		"07": "contactless / 非接", "80": "fallback / 降级", "96": "mobile chip / 手机芯片", "98": "contactless / 非接",
	}
	pinModes     = map[string]string{"1": "with PIN / 有密码", "2": "without PIN / 无密码"}
	conditions   = map[string]string{"00": "normal / 正常", "06": "preauthorization / 预授权", "08": "mail or telephone order / 邮购"}
	messageTypes = map[string]string{
		"00": "management / 管理", "01": "balance inquiry / 余额查询", "22": "sale / 消费", "23": "void / 消费撤销", "25": "refund / 退货",
		"10": "pre-authorization / 预授权", "11": "pre-authorization void / 预授权撤销", "20": "completion / 预授权完成（请求）",
		"21": "completion void / 预授权完成撤销", "24": "completion notice / 预授权完成（通知）",
		"30": "offline settlement / 离线结算", "32": "adjustment / 结算调整", "34": "tip / 小费", "27": "refund of electronic cash / 电子现金退货", "36": "electronic cash sale / 电子现金脱机消费",
	}
	networkCodes = map[string]string{
		"000": "transaction / 交易", "001": "sign-on, single length / 签到（单倍长）", "002": "sign-off / 签退",
		"003": "sign-on, double length / 签到（双倍长）", "004": "sign-on with track key / 签到（含磁道密钥）",
		"201": "settlement, upload / 批结算、批上送", "202": "upload end, not balanced / 批上送结束（不平）",
		"203": "chip detail, balanced / 芯片明细上送（平）", "204": "refused by the chip, balanced / 芯片拒绝上送（平）",
		"205": "chip detail, not balanced / 芯片明细上送（不平）", "206": "refused by the chip, not balanced / 芯片拒绝上送（不平）",
		"207": "upload end, balanced / 批上送结束（平）", "301": "echo / 回响",
		"360": "parameters / 参数下载", "361": "parameters, end / 参数下载结束", "362": "status upload / 状态上送",
		"364": "what is wanted / TMS任务查询", "365": "what is wanted, end / TMS结束",
		"370": "CA public key / 公钥下载", "371": "CA public keys, end / 公钥下载结束", "372": "CA public keys, list / 公钥列表",
		"380": "AID / AID参数下载", "381": "AIDs, end / AID下载结束", "382": "AIDs, list / AID列表",
		"390": "blacklist / 黑名单下载", "391": "blacklist, end / 黑名单结束", "394": "contactless parameters / 非接参数下载", "395": "contactless parameters, end / 非接参数结束",
		"396": "BIN table B / BIN表B下载", "397": "BIN table B, end / BIN表B结束", "398": "BIN table C / BIN表C下载", "399": "BIN table C, end / BIN表C结束",
		"800": "electronic signature / 电子签名上送",
		"951": "script result notice / 脚本结果通知",
	}
	reversalReasons = map[string]string{
		"98": "no valid answer came / 未收到应答", "A0": "the answer's MAC was wrong / 应答MAC错误", "06": "another reason / 其他原因",
	}
	keyNamesZH = map[string]string{"TPK": "PIN密钥", "TAK": "MAC密钥", "TDK": "磁道密钥"}
)
