package qr

import (
	"fmt"
	"strconv"
	"strings"

	"hawker/internal/emv"
	"hawker/internal/money"
)

// Explanation is a code laid open for a person. Of a customer's code it shows
// what tells the scheme, and nothing that could be charged.
type Explanation struct {
	Kind, KindZH string // what kind of code it is
	Rows         []Row  // in the order of the code
	Err          error  // what is wrong; nil when nothing is
}

// Row is one part of a code.
type Row struct {
	Offset int // of its first character, from 0; -1 when that tells nothing
	Field  string
	Name   string
	NameZH string
	Format string
	Value  string // masked
	Note   string // what the value means; "" when it speaks for itself
	Rows   []Row  // the parts of this part
}

// Explain tells any code apart and opens it: a merchant-presented or
// customer-presented code of EMVCo, a customer's code by the table, a link.
func (p Prefixes) Explain(text string) Explanation {
	text = strings.TrimSpace(text)
	switch {
	case link(text):
		return explainLink(text)
	case strings.HasPrefix(text, mpmStart) || strings.HasPrefix(text, "00") && !digits(text): // its country has letters
		return explainMPM(text)
	case strings.HasPrefix(text, cpmStart):
		return p.explainCPM(text)
	}
	e := Explanation{Kind: "customer's payment code", KindZH: "客人的付款码"}
	code, err := p.Recognise(text)
	if err != nil {
		e.Kind, e.KindZH, e.Err = "no code that we know", "认不出的内容", err
		return e
	}
	n := len(code.Reveal())
	e.Rows = []Row{{0, "code", "payment code", "付款码", fmt.Sprintf("n%d", n), code.String(),
		fmt.Sprintf("%s / %s: for one payment, within about a minute", code.Scheme().EN(), code.Scheme().ZH()), nil}}
	return e
}

func explainMPM(text string) Explanation {
	e := Explanation{Kind: "EMVCo merchant-presented code", KindZH: "EMVCo 商户收款码"}
	list, bad := read(text)
	e.Rows = rows(list)
	if bad != nil {
		e.Err = ErrEMVCo.Wrap(bad)
		return e
	}
	last := &e.Rows[len(e.Rows)-1]
	if bad := checkCRC(text, list); bad != nil {
		last.Note = "wrong: its content gives " + bad.Expected
		e.Err = ErrCRC.Wrap(bad)
		return e
	}
	last.Note = "right"
	_, e.Err = ParseMPM(text)
	return e
}

func rows(list []object) []Row {
	var out []Row
	currency, _ := find(list, 53)
	for _, o := range list {
		r := Row{o.at, o.path, o.rule.name, o.rule.zh, o.rule.notation(), printable(o.value), "", rows(o.inner)}
		if o.rule.inner != nil {
			r.Value = "" // its parts show it
		}
		if !strings.Contains(o.path, ".") {
			r.Note = note(o, currency.value)
		}
		out = append(out, r)
	}
	return out
}

// note tells what an outermost object means.
func note(o object, currency string) string {
	switch o.id {
	case 1:
		return map[string]string{"11": "static: for many payments", "12": "dynamic: for one payment"}[o.value]
	case UnionPayID, UnionPayID2:
		acquirer, forwarder, mid, ok := MPM{Accounts: []Template{o.template()}}.UnionPay()
		if !ok {
			return "not acquirer 8, forwarder 8, merchant 15"
		}
		return fmt.Sprintf("acquirer %s, forwarder %s, merchant %s", acquirer, forwarder, mid)
	case 53:
		c, ok := money.ByNumeric(o.value)
		if !ok {
			return "unknown"
		}
		return string(c)
	case 54, 56:
		if c, ok := money.ByNumeric(currency); ok {
			return string(c)
		}
	case 55:
		return map[string]string{"01": "the payer is asked", "02": "fixed", "03": "a percentage"}[o.value]
	}
	return ""
}

// shownTags are the data objects of a customer-presented code. Only those that
// identify neither the customer nor the card are shown; all others as their length.
var shownTags = map[emv.Tag]struct {
	name, zh string
	show     func([]byte) string
}{
	tagFormat:              {"payload format", "版本", asText},
	tagApplication:         {"application template", "应用模板", nil},
	tagCommon:              {"common template", "公共模板", nil},
	0x63:                   {"application's transparent template", "应用透明模板", nil},
	0x64:                   {"common transparent template", "公共透明模板", nil},
	tagADF:                 {"application identifier", "应用标识", asHex},
	tagLabel:               {"application label", "应用名称", asText},
	emv.PAN:                {"card number or token", "卡号或标记", asPAN},
	emv.Track2Equivalent:   {"track 2 equivalent", "磁道等效数据", nil},
	0x5F20:                 {"cardholder name", "持卡人姓名", nil},
	0x5F2D:                 {"languages", "语言", asText},
	0x5F50:                 {"issuer's address", "发卡行网址", nil},
	0x9F08:                 {"application version", "应用版本", asHex},
	0x9F19:                 {"token requestor", "标记请求方", nil},
	0x9F24:                 {"account reference", "账户参考号", nil},
	0x9F25:                 {"last four digits", "卡号末四位", asHex},
	emv.IssuerData:         {"issuer data", "发卡行数据", nil},
	emv.Cryptogram:         {"cryptogram", "应用密文", nil},
	emv.CryptogramInfo:     {"cryptogram information", "密文信息", asHex},
	emv.TransactionCounter: {"transaction counter", "交易计数器", asHex},
	emv.Unpredictable:      {"unpredictable number", "不可预知数", nil},
	emv.InterchangeProfile: {"interchange profile", "应用交互特征", asHex},
}

func asText(b []byte) string { return printable(string(b)) }
func asHex(b []byte) string  { return fmt.Sprintf("%X", b) }
func asPAN(b []byte) string {
	if pan := panOf(b); !pan.IsZero() {
		return pan.String()
	}
	return fmt.Sprintf("[%d bytes]", len(b))
}

func (p Prefixes) explainCPM(text string) Explanation {
	e := Explanation{Kind: "EMVCo customer-presented code", KindZH: "EMVCo 客人付款码"}
	cpm, err := ParseCPM(text)
	if err != nil {
		e.Err = err
		return e
	}
	e.Rows = tlvRows(cpm.Data().Elements())
	code, err := p.presented(text)
	if err != nil {
		e.Err = err
		return e
	}
	e.Rows = append([]Row{{-1, "scheme", "recognised as", "支付方式", "", code.Scheme().EN(), code.Scheme().ZH(), nil}}, e.Rows...)
	return e
}

func tlvRows(list []emv.Element) []Row {
	var out []Row
	for _, el := range list {
		known := shownTags[el.Tag]
		r := Row{Offset: -1, Field: el.Tag.String(), Name: known.name, NameZH: known.zh, Rows: tlvRows(el.Inner)}
		if !el.Tag.Template() {
			r.Format = "b" + strconv.Itoa(len(el.Value))
			r.Value = fmt.Sprintf("[%d bytes]", len(el.Value))
			if known.show != nil {
				r.Value = known.show(el.Value)
			}
		}
		out = append(out, r)
	}
	return out
}

// unionPayLink is where UnionPay's own merchant codes lead.
const unionPayLink = "https://qr.95516.com/"

// explainLink opens UnionPay's links, and shows of others where they lead and no more:
// they may carry somebody's token.
func explainLink(text string) Explanation {
	if rest, ok := strings.CutPrefix(text, unionPayLink); ok {
		return explainUnionPay(rest)
	}
	scheme, rest, _ := strings.Cut(text, "://")
	if at := strings.IndexAny(rest, "/?#"); at >= 0 {
		rest = rest[:at]
	}
	host := scheme + "://" + rest
	return Explanation{Kind: "link", KindZH: "网址", Rows: []Row{{0, "host", "leads to", "指向", "", printable(host), "whoever runs it decides what is paid to whom", nil}}}
}

func explainUnionPay(rest string) Explanation {
	e := Explanation{Kind: "UnionPay merchant code", KindZH: "银联商户收款码"}
	at := len(unionPayLink)
	org, id, _ := strings.Cut(rest, "/")
	if len(org) != 8 || !digits(org) {
		e.Err = ErrEMVCo.Wrap(&FormatError{"organisation", at, "eight digits", printable(org)})
		return e
	}
	e.Rows = append(e.Rows, Row{at, "organisation", "issued by", "发码机构", "n8", org, "", nil})
	if id == "" {
		e.Err = ErrEMVCo.Wrap(&FormatError{"id", at + len(org), "the code's id", "the end"})
		return e
	}
	note := ""
	switch {
	case strings.HasPrefix(id, "01"):
		note = "static: for many payments"
	case strings.HasPrefix(id, "62"):
		note = "dynamic: for one payment"
	}
	e.Rows = append(e.Rows, Row{at + len(org) + 1, "id", "code", "码号", "", printable(id), note, nil})
	return e
}
