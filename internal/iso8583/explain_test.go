package iso8583

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestExplainTakesFramesAndBareMessages(t *testing.T) {
	t.Parallel()
	for _, s := range samples() {
		t.Run(s.file, func(t *testing.T) {
			t.Parallel()
			frame, body := s.profile.Explain(s.frame()), s.profile.Explain(s.body())
			if frame.Err != nil || body.Err != nil {
				t.Fatalf("errors %v, %v", frame.Err, body.Err)
			}
			before := 1 // length
			if s.profile.TPDU {
				before = 3 // length, TPDU, header
			}
			if len(frame.Rows) != len(body.Rows)+before {
				t.Errorf("%d rows of the frame, %d of the message", len(frame.Rows), len(body.Rows))
			}
			fields := len(must(s.profile.Unpack(s.body())).Fields())
			if len(body.Rows) != 2+fields {
				t.Errorf("%d rows for %d fields", len(body.Rows), fields)
			}
		})
	}
}

func TestExplainShowsTheRowsBeforeTheFault(t *testing.T) {
	t.Parallel()
	frame := terminalSamples()[0].frame()
	for _, c := range []struct {
		name string
		in   []byte
		last string // Field of the last row
		want FormatError
	}{
		{"a message cut in a field", small()[:30], "22", FormatError{35, 27, "11 bytes", "3 bytes"}},
		{"a message cut in its bitmap", small()[:6], "MTI", FormatError{0, 2, "a bitmap of 8 bytes", "4 bytes"}},
		{"a field outside the profile", edit(2, "64"), "bitmap", FormatError{6, 2, "a field of profile unionpay-pos", "bit 6 set"}},
		{"a bad digit, behind which the rows go on", edit(22, "B0"), "63", FormatError{3, 22, "n6", `"B" at position 3`}},
		{"trailing bytes", append(small(), 0), "63", FormatError{0, 52, "the end of the message", "more: 1 byte"}},
		{"a frame cut short", frame[:20], "length", FormatError{0, 2, "60 bytes", "18 bytes"}},
		{"a frame whose message is at fault", replace(frame, 13, "0800 0420"), "bitmap", FormatError{6, 15, "a field of profile unionpay-pos", "bit 6 set"}},
		{"nothing", nil, "", FormatError{0, 0, "an MTI of 2 bytes", "0 bytes"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := UnionPayPOS.Explain(c.in)
			last := ""
			if len(e.Rows) > 0 {
				last = e.Rows[len(e.Rows)-1].Field
			}
			if last != c.last {
				t.Errorf("ends with row %q, want %q", last, c.last)
			}
			if e.Err == nil {
				t.Fatal("no error")
			}
			compareError(t, e.Err, c.want)
		})
	}
}

func replace(b []byte, at int, hexBytes string) []byte {
	b = bytes.Clone(b)
	copy(b[at:], unhex(hexBytes))
	return b
}

func TestExplainHidesCardDataInTLV(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, tlv, want, note string }{
		{"a track is hidden", "5713" + testPAN + "D30122200000012300F", "57 [19 bytes]", ""},
		{"a PAN is hidden", "5A0A" + testPAN + "F", "5A [10 bytes]", ""},
		{"a name is hidden", "5F200441424344", "5F20 [4 bytes]", ""},
		{"a cryptogram is shown", "9F26081021324354657687", "9F26 1021324354657687", ""},
		{"a tag that nobody knows is hidden", "DF7F0231FF", "DF7F [2 bytes]", ""},
		{"an issuer script opens", "7106860431323334", "71  (86 [4 bytes])", ""},
		{"a tag cut short", "9F2608102132", "", "not readable as BER-TLV"},
		{"card data without tags", testPAN + "F", "", "not readable as BER-TLV"},
		{"a length that overflows", "9F2688FFFFFFFFFFFFFFFF0000", "", "not readable as BER-TLV"},
		{"a tag too long to be one", "9F81818101" + "0100", "", "not readable as BER-TLV"},
		{"nothing", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			packed := must(UnionPayPOS.Pack(New("0200").SetBytes(55, unhex(c.tlv))))
			e := UnionPayPOS.Explain(packed)
			row := e.Rows[len(e.Rows)-1]
			if got := flat(row.Rows); got != c.want || row.Note != c.note {
				t.Errorf("rows %q, note %q", got, row.Note)
			}
		})
	}
}

func flat(rows []Row) string {
	var all []string
	for _, r := range rows {
		text := r.Field + " " + r.Value
		if len(r.Rows) > 0 {
			text += " (" + flat(r.Rows) + ")"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

func TestExplainPartsHaveOffsets(t *testing.T) {
	t.Parallel()
	raw := terminalSamples()[2].frame() // sign-on with track key
	m := UnionPayPOS.Explain(raw)
	var kind Row
	for _, r := range m.Rows {
		if r.Field == "60" {
			kind = r
		}
	}
	if len(kind.Rows) != 3 {
		t.Fatalf("field 60 has %d parts", len(kind.Rows))
	}
	for i, want := range []int{2, 3, 6} {
		if got := kind.Rows[i].Offset - kind.Offset; got != want {
			t.Errorf("part %d is at %d, want %d", i+1, got, want)
		}
	}
}

func TestExplainSaysWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		in   *Message
		note string
	}{
		{"field 60", New("0200").Set(60, "22"), "not readable: field 60 at offset 2: expected 6 characters, got 0 characters"},
		{"field 61", New("0200").Set(61, "22"), "not readable: field 61 at offset 0: expected 6 characters, got 2 characters"},
		{"totals", New("0500").Set(48, "22"), "not readable: field 48 at offset 0: expected 12 characters, got 2 characters"},
		{"details", New("0320").Set(48, "09").Set(60, kind("00", "201")), ""},
		{"field 54", New("0210").Set(54, "22"), "not readable: field 54 at offset 2: expected 2 characters, got 0 characters"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := UnionPayPOS.Explain(must(UnionPayPOS.Pack(c.in)))
			if got := e.Rows[2].Note; c.note != "" && got != c.note || !strings.HasPrefix(got, "not readable: ") {
				t.Errorf("note %q", got)
			}
		})
	}
}

func TestExplanationPrintsAligned(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	e := UnionPayPOS.Explain(edit(22, "B0"))
	n, err := e.WriteTo(&out)
	if err != nil || n != int64(out.Len()) {
		t.Errorf("wrote %d of %d, %v", n, out.Len(), err)
	}
	want := strings.TrimPrefix(`
offset  field   name                                              名称                              format       value                     meaning
0000    MTI     message type                                      消息类型                          n4           0200                      financial request / 金融请求
0002    bitmap  fields present                                    位图                              b8           6000040020800002          2 3 22 35 41 63
0010    2       primary account number                            主账号                            n..19 LL     622200*********0129
0021    3       processing code                                   交易处理码                        n6           00B000
0021      3.1   transaction                                       交易类型                                       00                        sale / 消费
0022      3.2   from account                                      转出账户类型                                   B0
0023      3.3   to account                                        转入账户类型                                   00
0024    22      point of service entry mode                       服务点输入方式码                  n3           021
0024      22.1  how the card was read                             读卡方式                                       02                        swipe / 刷卡
0025      22.2  PIN                                               密码                                           1                         with PIN / 有密码
0026    35      track 2                                           二磁道数据                        z..37 LL     [21 digits]
0038    41      terminal                                          受卡机终端标识码                  ans8         10000001
0046    63      operator; card organisation and host's sentence   操作员；卡组织与提示信息          ans..163 LLL CUPX
iso8583: field 3 at offset 22: expected n6, got "B" at position 3
`, "\n")
	if squeeze(out.String()) != squeeze(want) {
		t.Errorf("printed\n%s", out.String())
	}
	widths := map[int]bool{}
	for line := range strings.Lines(out.String()) {
		if at := strings.Index(line, "n4 "); at > 0 {
			widths[columns(line[:at])] = true
		}
		if at := strings.Index(line, "b8 "); at > 0 {
			widths[columns(line[:at])] = true
		}
	}
	if len(widths) != 1 {
		t.Errorf("the format column begins at %v", widths)
	}
}

// squeeze makes runs of spaces one, so that the test reads for content.
func squeeze(s string) string {
	var lines []string
	for line := range strings.Lines(s) {
		if !strings.Contains(line, "63.1") {
			lines = append(lines, strings.Join(strings.Fields(line), " "))
		}
	}
	return strings.Join(lines, "\n")
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("pipe closed") }

func TestExplanationTellsAWriterThatFails(t *testing.T) {
	t.Parallel()
	if _, err := UnionPayPOS.Explain(small()).WriteTo(brokenWriter{}); err == nil {
		t.Error("no error")
	}
}

// TestExplainOfDamage cuts and flips every message: no panic, no card data, and
// a fault is told by a FormatError.
func TestExplainOfDamage(t *testing.T) {
	t.Parallel()
	for _, s := range samples() {
		t.Run(s.file, func(t *testing.T) {
			t.Parallel()
			raw := s.frame()
			for n := range raw {
				if e := s.profile.Explain(raw[:n]); e.Err == nil {
					t.Errorf("cut at byte %d: no error", n)
				}
			}
			for i := range 8 * len(raw) {
				damaged := bytes.Clone(raw)
				damaged[i/8] ^= 0x80 >> (i % 8)
				s.profile.Explain(damaged)
			}
		})
	}
}
