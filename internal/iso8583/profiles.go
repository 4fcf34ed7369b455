package iso8583

import "maps"

// CardNetwork is the dialect between Hawker and a card network: docs/network-protocol.md.
// Its MAC is field 128, so field 64 is not a part of it.
var CardNetwork = &Profile{
	Name:      "card-network",
	MaxFrame:  2048,
	Secondary: true,
	MAC:       MACSpec{Algorithm: "x9.19", Field: 128},
	Fields: with(commonFields, map[int]Field{
		7:   {Name: "transmission date and time, UTC", NameZH: "交易传输时间（UTC）", Type: N, Length: 10},
		18:  {Name: "merchant category code", NameZH: "商户类型", Type: N, Length: 4},
		22:  {Name: "point of service entry mode", NameZH: "服务点输入方式码", Type: N, Length: 3, Right: true},
		33:  {Name: "forwarding institution", NameZH: "发送机构标识码", Type: N, Length: 11, Var: 2},
		43:  {Name: "merchant name and place", NameZH: "受卡方名称地址", Type: ANS, Length: 40, Chinese: true},
		70:  {Name: "network management information code", NameZH: "网络管理信息码", Type: N, Length: 3, Right: true},
		90:  {Name: "original data elements", NameZH: "原始数据元", Type: N, Length: 42},
		128: {Name: "message authentication code", NameZH: "报文鉴别码", Type: B, Length: 8},
	}),
}

// commonFields are written alike in all profiles. Sequences of digits are
// aligned left unless Right says otherwise: terminals and networks differ in field 22.
var commonFields = map[int]Field{
	2:  {Name: "primary account number", NameZH: "主账号", Type: N, Length: 19, Var: 2, Class: PANLike},
	3:  {Name: "processing code", NameZH: "交易处理码", Type: N, Length: 6},
	4:  {Name: "amount, minor units", NameZH: "交易金额（分）", Type: N, Length: 12},
	11: {Name: "system trace number (STAN)", NameZH: "受卡方系统跟踪号", Type: N, Length: 6},
	12: {Name: "local time hhmmss", NameZH: "受卡方所在地时间", Type: N, Length: 6},
	13: {Name: "local date MMDD", NameZH: "受卡方所在地日期", Type: N, Length: 4},
	14: {Name: "expiry YYMM", NameZH: "卡有效期", Type: N, Length: 4},
	15: {Name: "settlement date MMDD", NameZH: "清算日期", Type: N, Length: 4},
	23: {Name: "PAN sequence number", NameZH: "卡序列号", Type: N, Length: 3, Right: true},
	25: {Name: "point of service condition code", NameZH: "服务点条件码", Type: N, Length: 2},
	26: {Name: "PIN capture code", NameZH: "服务点PIN获取码", Type: N, Length: 2},
	32: {Name: "acquiring institution", NameZH: "受理机构标识码", Type: N, Length: 11, Var: 2},
	35: {Name: "track 2", NameZH: "二磁道数据", Type: Z, Length: 37, Var: 2, Class: Secret},
	36: {Name: "track 3", NameZH: "三磁道数据", Type: Z, Length: 104, Var: 3, Class: Secret},
	37: {Name: "retrieval reference number (RRN)", NameZH: "检索参考号", Type: AN, Length: 12},
	38: {Name: "authorization code", NameZH: "授权标识应答码", Type: AN, Length: 6},
	39: {Name: "response code", NameZH: "应答码", Type: AN, Length: 2},
	41: {Name: "terminal", NameZH: "受卡机终端标识码", Type: ANS, Length: 8},
	42: {Name: "merchant", NameZH: "受卡方标识码", Type: ANS, Length: 15},
	44: {Name: "issuer and acquirer", NameZH: "附加响应数据：发卡行、收单行", Type: ANS, Length: 25, Var: 2},
	48: {Name: "settlement totals, batch details", NameZH: "附加数据：结算总额、批上送明细", Type: N, Length: 512, Var: 3, Class: Secret},
	49: {Name: "currency", NameZH: "交易货币代码", Type: AN, Length: 3},
	52: {Name: "PIN block", NameZH: "个人标识码数据", Type: B, Length: 8, Class: Secret},
	53: {Name: "security control information", NameZH: "安全控制信息", Type: N, Length: 16},
	54: {Name: "balances", NameZH: "余额", Type: AN, Length: 40, Var: 3},
	55: {Name: "EMV data", NameZH: "IC卡数据域", Type: B, Length: 255, Var: 3, Class: Secret},
	59: {Name: "terminal, QR code, place", NameZH: "终端信息、二维码、位置", Type: B, Length: 600, Var: 3, Class: Secret},
	60: {Name: "reserved private: type, batch, network code", NameZH: "自定义域：类型、批次、网络管理码", Type: N, Length: 17, Var: 3},
	61: {Name: "original batch, trace, date", NameZH: "原始信息域：批次、流水、日期", Type: N, Length: 29, Var: 3},
	62: {Name: "keys, status, downloads, signature", NameZH: "密钥、状态、下载、签名", Type: B, Length: 999, Var: 3, Class: Secret},
	63: {Name: "operator; card organisation and host's sentence", NameZH: "操作员；卡组织与提示信息", Type: ANS, Length: 163, Var: 3, Chinese: true},
}

// ByName finds a profile by the name that configuration uses.
func ByName(name string) (*Profile, bool) {
	for _, p := range profiles {
		if p.Name == name {
			return p, true
		}
	}
	return nil, false
}

// Names lists the profiles there are.
func Names() []string {
	var names []string
	for _, p := range profiles {
		names = append(names, p.Name)
	}
	return names
}

// profiles are all there are. To add one: a file beside profile_psp.go, and its name here.
var profiles = []*Profile{UnionPayPOS, PSP, DUKPT, DUKPTAES, CardNetwork}

// with is base and more in one new map.
func with(base, more map[int]Field) map[int]Field {
	all := maps.Clone(base)
	maps.Copy(all, more)
	return all
}

// without is fields without some numbers, in a new map.
func without(fields map[int]Field, numbers ...int) map[int]Field {
	rest := maps.Clone(fields)
	for _, n := range numbers {
		delete(rest, n)
	}
	return rest
}
