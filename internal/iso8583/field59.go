package iso8583

import (
	"fmt"
	"strconv"
)

// part59 is what one tag of field 59 means; parts are the tags inside it. hidden
// says that its value is a payer's or a secret.
type part59 struct {
	name, nameZH string
	hidden       bool
	parts        map[string]part59
}

// tags59 are the parts of field 59: tag of two characters, length of three digits, value.
var tags59 = map[string]part59{
	"A1": {name: "PIN under SM4", nameZH: "国密PIN", hidden: true},
	"A2": {name: "terminal security", nameZH: "终端安全信息", parts: map[string]part59{
		"01": {name: "device type", nameZH: "设备类型"},
		"02": {name: "serial number (TUSN)", nameZH: "终端硬件序列号"},
		"03": {name: "random factor", nameZH: "加密随机因子", hidden: true},
		"04": {name: "enciphered serial and factor", nameZH: "硬件序列号密文"},
		"05": {name: "application version", nameZH: "应用程序版本号"},
	}},
	"A3": {name: "customer's QR code", nameZH: "付款码", hidden: true},
	"A4": {name: "voucher of the QR payment", nameZH: "付款凭证码"},
	"A5": {name: "place", nameZH: "位置信息", parts: map[string]part59{
		"01": {name: "longitude", nameZH: "经度", hidden: true},
		"02": {name: "latitude", nameZH: "纬度", hidden: true},
	}},
}

const (
	tag59Size    = 2
	length59Size = 3
)

// terminalData opens field 59.
func terminalData(a *anatomy) string {
	rows, err := rows59(a.value, a.at+a.field.prefix(), tags59)
	if err != nil {
		return unread(err)
	}
	a.rows = rows
	return ""
}

// rows59 takes tags apart; at is where b begins among the bytes given.
func rows59(b []byte, at int, known map[string]part59) ([]Row, error) {
	var rows []Row
	for i := 0; i < len(b); {
		head := b[i:min(len(b), i+tag59Size+length59Size)]
		if len(head) < tag59Size+length59Size || badDigit(head[tag59Size:]) >= 0 {
			return nil, &FormatError{Field: 59, Offset: i, Expected: "a tag of 2 characters and a length of 3 digits", Got: "other characters"}
		}
		size, _ := strconv.Atoi(string(head[tag59Size:])) // three digits
		begin := i + len(head)
		if size > len(b)-begin {
			return nil, &FormatError{Field: 59, Offset: begin, Expected: plural(size, "character"), Got: plural(len(b)-begin, "character")}
		}
		row, err := row59(string(head[:tag59Size]), b[begin:begin+size], at+begin, known)
		if err != nil {
			return nil, err
		}
		row.Offset = at + i
		rows = append(rows, row)
		i = begin + size
	}
	return rows, nil
}

func row59(tag string, value []byte, at int, known map[string]part59) (Row, error) {
	part, ok := known[tag]
	if !ok {
		part = part59{name: "unknown tag", nameZH: "未知标签", hidden: true}
		tag = "?" // what nobody knows may be card data
	}
	row := Row{Field: "59." + tag, Name: part.name, NameZH: part.nameZH}
	switch {
	case part.parts != nil:
		inner, err := rows59(value, at, part.parts)
		if err != nil {
			return row, err
		}
		row.Rows, row.Note = inner, plural(len(inner), "tag")+" inside"
	case part.hidden:
		row.Value = fmt.Sprintf("[%s]", plural(len(value), "character"))
	default:
		row.Value = printable(value)
	}
	return row, nil
}

// serialNumber opens field 53 of a dialect with derived keys.
func serialNumber(a *anatomy) string {
	if !a.whole() {
		return ""
	}
	parts := []struct {
		name, zh string
		size     int
	}{{"base key", "基础密钥标识", 5}, {"reader and counter", "设备与计数器", 5}}
	if a.profile.Protection == DerivedAES {
		parts[0].size, parts[1].size = 4, 4
		parts[1].name, parts[1].zh = "reader", "设备"
		parts = append(parts, struct {
			name, zh string
			size     int
		}{"counter", "计数器", 4})
	}
	for i, p := range parts {
		a.row(strconv.Itoa(i+1), p.name, p.zh, p.size, fmt.Sprintf("%X", a.value[a.read:a.read+p.size]), "")
	}
	if a.profile.Protection == DerivedTDES {
		counter := int(a.value[7]&0x1F)<<16 | int(a.value[8])<<8 | int(a.value[9])
		return fmt.Sprintf("transaction %d of this reader", counter)
	}
	return ""
}

// Tags of field 59 that a payment by code needs.
const (
	QRCode    = "A3" // what the customer showed: a secret
	QRVoucher = "A4" // what names the payment from then on
)

// Build59 writes one tag of field 59; a value has at most 999 characters.
func Build59(tag, value string) string { return fmt.Sprintf("%s%03d%s", tag, len(value), value) }

// Find59 reads one tag of field 59; "" when it is not there. Errors name places, never values.
func Find59(field []byte, tag string) (string, error) {
	for i := 0; i < len(field); {
		head := field[i:min(len(field), i+tag59Size+length59Size)]
		if len(head) < tag59Size+length59Size || badDigit(head[tag59Size:]) >= 0 {
			return "", &FormatError{Field: 59, Offset: i, Expected: "a tag of 2 characters and a length of 3 digits", Got: "other characters"}
		}
		size, _ := strconv.Atoi(string(head[tag59Size:])) // three digits
		begin := i + len(head)
		if size > len(field)-begin {
			return "", &FormatError{Field: 59, Offset: begin, Expected: plural(size, "character"), Got: plural(len(field)-begin, "character")}
		}
		if string(head[:tag59Size]) == tag {
			return string(field[begin : begin+size]), nil
		}
		i = begin + size
	}
	return "", nil
}
