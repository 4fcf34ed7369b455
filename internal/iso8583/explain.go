package iso8583

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Explanation is a message laid open for a person: rows in the order of the
// bytes, card data masked by the profile's classes.
type Explanation struct {
	Profile string
	Rows    []Row
	Err     *FormatError // the first thing wrong, its Offset counted from the first byte given; nil when nothing is
}

// Row is one part of a message.
type Row struct {
	Offset int    // of its first byte among the bytes given
	Field  string // "TPDU", "MTI", "35", "60.2", "9F26"
	Name   string
	NameZH string
	Format string // "n12"; "" where the protocol page names none
	Value  string // masked
	Note   string // what the value means; "" when it speaks for itself
	Rows   []Row  // the parts of this part
}

// Explain takes raw apart in the dialect that it fits: the first of all profiles that
// finds nothing wrong, else the one that reads furthest.
func Explain(raw []byte) Explanation {
	best := profiles[0].Explain(raw)
	for _, p := range profiles[1:] {
		if best.Err == nil {
			break
		}
		if e := p.Explain(raw); e.Err == nil || e.Err.Offset > best.Err.Offset {
			best = e
		}
	}
	return best
}

// Explain takes raw apart: a frame with its length, or a bare message. What
// cannot be read ends the rows and is told in Err; a value that Validate
// refuses is told there too, among all rows.
func (p *Profile) Explain(raw []byte) Explanation {
	e := Explanation{Profile: p.Name}
	body, base := raw, 0
	if p.framed(raw) {
		f, err := p.ParseFrame(raw)
		e.Rows = p.frameRows(raw, f, err)
		if errors.As(err, &e.Err) {
			return e
		}
		body, base = f.Body, lengthSize+p.overhead()
	}
	m, bad := p.unpack(body)
	e.Rows = append(e.Rows, headRows(body, base)...)
	for i := range m.fields {
		e.Rows = append(e.Rows, p.fieldRow(m, &m.fields[i], base))
	}
	if bad == nil {
		bad = p.violation(m)
	}
	if bad != nil {
		bad.Offset += base
		e.Err = bad
	}
	return e
}

// framed guesses whether raw begins with a frame's length. A length that fits
// and an MTI where a frame has it decide; else a message that can be read as it
// stands, or begins like one, is bare.
func (p *Profile) framed(raw []byte) bool {
	at := lengthSize + p.overhead()
	if len(raw) >= at+mtiSize && int(binary.BigEndian.Uint16(raw)) == len(raw)-lengthSize && plausibleMTI(raw[at:]) {
		return true
	}
	if _, bad := p.unpack(raw); bad == nil || len(raw) < lengthSize {
		return false
	}
	return !plausibleMTI(raw)
}

// plausibleMTI accepts the versions 1987 and 1993 and the classes 1 to 8.
func plausibleMTI(b []byte) bool {
	return digitPairs(b[:mtiSize]) && b[0]>>4 <= 1 && b[0]&0xF >= 1 && b[0]&0xF <= 8
}

// frameRows shows what stands before the message; err is ParseFrame's.
func (p *Profile) frameRows(raw []byte, f Frame, err error) []Row {
	if len(raw) < lengthSize {
		return nil
	}
	size := int(binary.BigEndian.Uint16(raw))
	rows := []Row{{Field: "length", Name: "frame length", NameZH: "报文长度", Format: "2 bytes", Value: strconv.Itoa(size)}}
	if err != nil {
		return rows
	}
	if p.TPDU {
		rows = append(rows, Row{
			Offset: lengthSize, Field: "TPDU", Name: "transport address", NameZH: "传输协议数据单元", Format: "n10",
			Value: "60" + f.TPDU.Dest + f.TPDU.Source, Note: "from " + f.TPDU.Source + " to " + f.TPDU.Dest,
		})
	}
	if p.Header > 0 {
		note := ""
		if len(f.Header) == len(DefaultHeader) {
			note = fmt.Sprintf("processing request %d", f.Header.ProcessingRequest())
		}
		if f.Header.ProcessingRequest() == SignOnAgain {
			note += ": sign on again / 重新签到"
		}
		rows = append(rows, Row{
			Offset: lengthSize + p.overhead() - p.Header, Field: "header", Name: "header", NameZH: "报文头",
			Format: fmt.Sprintf("n%d", 2*p.Header), Value: string(f.Header), Note: note,
		})
	}
	return rows
}

// headRows shows MTI and bitmap as far as body has them.
func headRows(body []byte, base int) []Row {
	var rows []Row
	if len(body) < mtiSize || !digitPairs(body[:mtiSize]) {
		return rows
	}
	mti := hex.EncodeToString(body[:mtiSize])
	rows = append(rows, Row{Offset: base, Field: "MTI", Name: "message type", NameZH: "消息类型", Format: "n4", Value: mti, Note: mtiNames[mti]})
	if len(body) < mtiSize+bitmapSize || len(body) < headSize(body) {
		return rows
	}
	var present []string
	fields := readBitmap(body)
	for n := fields.after(0); n > 0; n = fields.after(n) {
		present = append(present, strconv.Itoa(n))
	}
	return append(rows, Row{
		Offset: base + mtiSize, Field: "bitmap", Name: "fields present", NameZH: "位图", Format: fmt.Sprintf("b%d", headSize(body)-mtiSize),
		Value: fmt.Sprintf("%X", body[mtiSize:headSize(body)]), Note: strings.Join(present, " "),
	})
}

// fieldRow shows one field of an unpacked message.
func (p *Profile) fieldRow(m *Message, e *element, base int) Row {
	n, value := int(e.number), e.value
	f := p.Fields[n]
	row := Row{
		Offset: base + int(e.offset), Field: strconv.Itoa(n), Name: f.Name, NameZH: f.NameZH,
		Format: f.Notation(), Value: p.show(n, value),
	}
	if open, ok := anatomies[n]; ok {
		a := anatomy{profile: p, message: m, number: n, field: f, value: value, at: row.Offset}
		row.Note = open(&a)
		row.Rows = a.rows
	}
	return row
}

// show is a field's value as its class permits.
func (p *Profile) show(n int, value []byte) string {
	f := p.Fields[n]
	switch {
	case f.Class == PANLike:
		return maskPAN(value)
	case f.Class == Secret && f.packed():
		return "[" + plural(len(value), "digit") + "]"
	case f.Class == Secret:
		return "[" + plural(len(value), "byte") + "]"
	case f.Type == B && !(n == p.MAC.Field && p.MAC.Text):
		return strings.ToUpper(hex.EncodeToString(value))
	case f.Chinese:
		return printable([]byte(DecodeText(value)))
	default:
		return printable(value)
	}
}

// mtiNames are the messages of both protocol pages.
var mtiNames = map[string]string{
	"0100": "authorization request / 授权请求", "0110": "answer to it / 应答",
	"0200": "financial request / 金融请求", "0210": "answer to it / 应答",
	"0220": "financial advice / 金融通知", "0230": "answer to it / 应答",
	"0320": "batch upload / 批上送", "0330": "answer to it / 应答",
	"0400": "reversal / 冲正", "0410": "answer to it / 应答",
	"0420": "reversal advice / 冲正通知", "0430": "answer to it / 应答",
	"0500": "settlement / 批结算", "0510": "answer to it / 应答",
	"0620": "script result notice / 脚本结果通知", "0630": "answer to it / 应答",
	"0800": "network management / 网络管理", "0810": "answer to it / 应答",
	"0820": "network management advice / 网络管理通知", "0830": "answer to it / 应答",
}
