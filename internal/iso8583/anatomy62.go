package iso8583

import (
	"fmt"
	"strconv"
	"strings"
)

// field62 opens field 62 by what the network code says it is.
func field62(a *anatomy) string {
	kind, _ := ParseField60(a.message.Text(60))
	answer := isAnswer(a.message.MTI)
	switch network := kind.Network; {
	case network == "362" && !answer:
		return terminalStatus(a)
	case network == "800" && !answer:
		return signaturePart(a, kind.Type)
	case network == "360" && answer:
		return parameters(a)
	case network == "364" && answer:
		return tasks(a)
	case network == "370" || network == "380":
		return listBody(a, answer)
	case lists[network] && !answer:
		n, err := ParseReceived(a.value)
		if err != nil {
			return unread(err)
		}
		a.row("1", "rows received so far", "已收条数", len(a.value), strconv.Itoa(n), "")
		return ""
	case lists[network]:
		return listPage(a, network)
	}
	return keyBlock(a)
}

// lists are the network codes whose answers are pages of rows.
var lists = map[string]bool{"372": true, "382": true, "390": true, "394": true, "396": true, "398": true}

// moreNames tell the first byte of a page.
var moreNames = map[string]string{"0": "there is nothing / 无", "1": "this is all / 全部", "2": "ask again / 还有", "3": "these are the last / 最后"}

// signaturePart shows no picture: a signature is personal data.
func signaturePart(a *anatomy, kind string) string {
	if kind == "08" && len(a.value) > 2 {
		a.part("1", "segment", "分段序号", 2, nil)
	}
	rest := len(a.value) - a.read
	a.row("2", "picture", "签名图像", rest, "["+plural(rest, "byte")+"]", "")
	return ""
}

// listPage opens rows of data objects, and of card numbers' beginnings.
func listPage(a *anatomy, network string) string {
	if network == "372" || network == "382" {
		if _, _, err := ParseTLVPage(a.value); err != nil {
			return unread(err)
		}
		a.part("1", "more", "后续", 1, moreNames)
		return a.objects()
	}
	page, err := ParsePage(a.value)
	if err != nil {
		return unread(err)
	}
	a.part("1", "more", "后续", 1, moreNames)
	for i, row := range page.Rows {
		at := strconv.Itoa(i + 2)
		if network == "394" {
			start := a.at + a.field.prefix() + a.read + 1
			if parts, ok := readTLV(row, start); ok {
				a.row(at, "application", "应用", 1+len(row), "["+plural(len(row), "byte")+"]", "")
				a.rows[len(a.rows)-1].Rows = tagRows(parts, downloadTags)
				continue
			}
		}
		bin, err := ParseBIN(row)
		if err != nil {
			a.row(at, "row", "一条", 1+len(row), "["+plural(len(row), "byte")+"]", "")
			continue
		}
		length := ""
		if bin.Length > 0 {
			length = ", " + plural(bin.Length, "digit") + " / 卡号长度"
		}
		a.row(at, "beginning of the card number", "卡号开头", 1+len(row), bin.Prefix,
			map[byte]string{'D': "debit / 借记", 'C': "credit / 贷记", ' ': "debit or credit / 借记或贷记"}[bin.Kind]+length)
	}
	return ""
}

// listBody opens the row that a request names, and what the answer says of it.
func listBody(a *anatomy, answer bool) string {
	if answer {
		a.part("1", "found", "查到", 1, map[string]string{"0": "no / 没有", "1": "yes / 有"})
	}
	return a.objects()
}

// objects opens the rest of the value as data objects.
func (a *anatomy) objects() string {
	list, ok := readTLV(a.value[a.read:], a.at+a.field.prefix()+a.read)
	if !ok {
		return "not readable as BER-TLV"
	}
	a.rows = append(a.rows, tagRows(list, downloadTags)...)
	return ""
}

// tasks opens what the host wants of a terminal.
func tasks(a *anatomy) string {
	list, err := ParseTasks(a.value)
	if err != nil {
		return unread(err)
	}
	for i, t := range list {
		value := t.Network
		if t.Trace != 0 {
			value = fmt.Sprintf("%s, batch %06d, trace %06d", t.Network, t.Batch, t.Trace)
		}
		a.row(strconv.Itoa(i+1), "task", "任务", taskSize, value, networkCodes[t.Network])
	}
	return ""
}

// parameters opens a parameter download.
func parameters(a *anatomy) string {
	list, err := ParseParameters(a.value)
	if err != nil {
		return unread(err)
	}
	for _, p := range list {
		name := parameterNames[p.Tag]
		value := printable([]byte(strings.TrimRight(DecodeText(p.Value), " ")))
		if p.Tag == "26" {
			value = fmt.Sprintf("%X", p.Value)
		}
		a.row(p.Tag, name[0], name[1], 2+len(p.Value), value, "")
	}
	return ""
}

var parameterNames = map[string][2]string{
	"11": {"terminal type", "终端类型"}, ParamTimeout: {"timeout, seconds", "超时秒数"}, "13": {"redials", "重拨次数"},
	"14": {"telephone 1", "电话一"}, "15": {"telephone 2", "电话二"}, "16": {"telephone 3", "电话三"}, "17": {"telephone of management", "管理电话"},
	ParamOnlineTip: {"tips allowed", "是否支持小费"}, "19": {"tip, per cent", "小费百分比"}, ParamManual: {"typed card numbers allowed", "是否支持手工输入"},
	"21": {"automatic sign-off", "自动签退"}, ParamMerchantName: {"merchant name", "商户名称"}, ParamResends: {"reversal sent in one go", "冲正重发次数"},
	"24": {"mode of uploads", "离线上送方式"}, "25": {"key index", "密钥索引"}, "26": {"transaction switches", "交易开关"},
	ParamReceipt1: {"line under slips", "签购单附言一"}, ParamReceipt2: {"second line under slips", "签购单附言二"},
	ParamPaymentLimit: {"most that a sale takes", "单笔限额"}, ParamNoProofLimit: {"limit without PIN and signature", "免密免签限额"},
	ParamSignature: {"signature on the screen", "屏幕签名"},
}

// downloadTags are what lists hold beside EMV's own objects.
var downloadTags = map[string]emvTag{
	"DF01": {"partial name allowed", "应用选择指示符", false}, "DF02": {"modulus", "公钥模", true}, "DF03": {"check value", "公钥校验值", false},
	"DF04": {"exponent", "公钥指数", false}, "DF05": {"expiry", "有效期", false}, "DF06": {"hash algorithm", "哈希算法", false},
	"DF07": {"signature algorithm", "签名算法", false}, "9F08": {"version of the application", "应用版本号", false},
	"DF11": {"action code, default", "TAC缺省", false}, "DF12": {"action code, online", "TAC联机", false}, "DF13": {"action code, denial", "TAC拒绝", false},
	"9F1B": {"floor limit", "终端最低限额", false}, "DF14": {"default DDOL", "缺省DDOL", false}, "DF15": {"threshold of random selection", "偏置随机选择阈值", false},
	"DF16": {"most per cent selected", "最大目标百分数", false}, "DF17": {"per cent selected", "目标百分数", false}, "DF18": {"online PIN", "联机PIN能力", false},
	"DF19": {"contactless floor limit", "非接触脱机最低限额", false}, "DF20": {"contactless limit", "非接触交易限额", false},
	"DF21": {"contactless limit without proof of the holder", "非接触CVM限额", false}, "9F7B": {"limit of electronic cash", "电子现金限额", false},
}
