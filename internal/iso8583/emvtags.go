package iso8583

import "fmt"

// emvTag is a tag's name; hidden says that its value is card data.
type emvTag struct {
	name, nameZH string
	hidden       bool
}

// emvTags are the tags that an online request, a reversal or an answer carries.
// The value of a tag that is not here is hidden too: nobody knows what it is.
var emvTags = map[string]emvTag{
	"57":   {"track 2 equivalent data", "二磁道等价数据", true},
	"5A":   {"PAN", "主账号", true},
	"5F20": {"cardholder name", "持卡人姓名", true},
	"5F2A": {"transaction currency", "交易货币代码", false},
	"5F34": {"PAN sequence number", "主账号序列号", false},
	"71":   {"issuer script 1", "发卡行脚本1", false},
	"72":   {"issuer script 2", "发卡行脚本2", false},
	"82":   {"application interchange profile", "应用交互特征", false},
	"84":   {"dedicated file name", "专用文件名称", false},
	"8A":   {"authorization response code", "授权响应码", false},
	"91":   {"issuer authentication data", "发卡行认证数据", false},
	"95":   {"terminal verification results", "终端验证结果", false},
	"9A":   {"transaction date", "交易日期", false},
	"9B":   {"transaction status information", "交易状态信息", false},
	"9C":   {"transaction type", "交易类型", false},
	"9F02": {"amount authorised", "授权金额", false},
	"9F03": {"amount other", "其他金额", false},
	"9F06": {"application identifier (AID)", "应用标识符", false},
	"9F09": {"application version number", "应用版本号", false},
	"9F10": {"issuer application data", "发卡行应用数据", false},
	"9F1A": {"terminal country", "终端国家代码", false},
	"9F1E": {"interface device serial number", "接口设备序列号", false},
	"9F22": {"certification authority key index", "认证中心公钥索引", false},
	"9F26": {"application cryptogram", "应用密文", false},
	"9F27": {"cryptogram information data", "密文信息数据", false},
	"9F33": {"terminal capabilities", "终端性能", false},
	"9F34": {"cardholder verification results", "持卡人验证方法结果", false},
	"9F35": {"terminal type", "终端类型", false},
	"9F36": {"application transaction counter", "应用交易计数器", false},
	"9F37": {"unpredictable number", "不可预知数", false},
	"9F41": {"transaction sequence counter", "交易序列计数器", false},
	"9F63": {"card product identification", "卡产品标识信息", false},
	"9F74": {"electronic cash issuer authorization code", "电子现金发卡行授权码", false},
	"DF31": {"issuer script results", "发卡行脚本结果", false},
}

func emvData(a *anatomy) string {
	list, ok := readTLV(a.value, a.at+a.field.prefix())
	if !ok {
		return "not readable as BER-TLV"
	}
	a.rows = tagRows(list, nil)
	return ""
}

// tagRows names data objects by a dictionary of their own, nil for none, and by EMV's.
func tagRows(list []tlv, own map[string]emvTag) []Row {
	var rows []Row
	for _, t := range list {
		tag, known := own[t.tag]
		if !known {
			tag, known = emvTags[t.tag]
		}
		if !known {
			tag = emvTag{"unknown tag", "未知标签", true}
		}
		row := Row{Offset: t.at, Field: t.tag, Name: tag.name, NameZH: tag.nameZH, Rows: tagRows(t.parts, own)}
		switch {
		case len(t.parts) > 0:
			row.Note = plural(len(t.parts), "tag") + " inside"
		case tag.hidden:
			row.Value = "[" + plural(len(t.value), "byte") + "]"
		default:
			row.Value = fmt.Sprintf("%X", t.value)
		}
		rows = append(rows, row)
	}
	return rows
}
