package iso8583

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// Made-up card data: no bank issued these numbers.
var (
	testPAN   = withCheckDigit("622200864209753012")
	testTrack = testPAN + "=30122200000012300"
)

const fixedTime, fixedDate = "103015", "1107"

func withCheckDigit(digits string) string {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return digits + string(rune('0'+(10-sum%10)%10))
}

// sample is one message of a protocol page.
type sample struct {
	file    string // testdata/<file>.golden
	title   string
	profile *Profile
	message *Message
	mac     bool
}

// samples holds every transaction of both protocol pages, request and answer.
func samples() []sample {
	return append(terminalSamples(), networkSamples()...)
}

// terminalSamples follows the table of docs/terminal-protocol.md.
func terminalSamples() []sample {
	sale := func() *Message {
		return terminal("0200", "22", "000").Set(3, "000000").Set(4, "000000012300").Set(11, "000102").
			Set(22, "021").Set(25, "00").Set(49, "156")
	}
	void := func() *Message { return sale().Set(3, "200000").Set(37, "000000000102").Set(60, kind("23", "000")) }
	refund := func() *Message {
		m := sale().Set(3, "200000").Set(37, "000000000102").Set(60, kind("25", "000")).Set(61, original(fixedDate)).Set(63, "001")
		m.MTI = "0220"
		return m
	}
	swipe := func(m *Message) *Message { return m.Set(35, testTrack) }
	pin := func(m *Message) *Message {
		return m.Set(26, "12").SetBytes(52, unhex("F1E2D3C4B5A69788")).Set(53, "2600000000000000")
	}
	chip := func(m *Message) *Message {
		return m.Set(2, testPAN).Set(14, "3012").Set(22, "052").Set(23, "001").SetBytes(55, unhex(testEMV))
	}
	manual := func(m *Message) *Message { return m.Set(2, testPAN).Set(14, "3012").Set(22, "012") }
	enciphered := func(m *Message) *Message {
		return m.Set(35, testPAN+"="+"30AF0E9C0=00010B"+"3").Set(53, "2610000000000000")
	}
	settle := func(result SettlementResult) string {
		return must(Totals48{
			Domestic: Totals{DebitAmount: 1234500, DebitCount: 12, CreditAmount: 12300, CreditCount: 1, Result: result},
			Foreign:  Totals{Result: result},
		}.Build())
	}
	details := must(Details48{
		{CardType: "00", Trace: "000101", PAN: PAN20(testPAN), Amount: 12300},
		{CardType: "00", Trace: "000102", Amount: 99900},
	}.Build())
	management := func(mti, network, trace string) *Message { return terminal(mti, "00", network).Set(11, trace) }

	var all []sample
	add := func(file, title string, mac bool, request, answer *Message) {
		all = append(all,
			sample{file, title + ": request", UnionPayPOS, request, mac},
			sample{file + "-answer", title + ": answer", UnionPayPOS, answer, mac})
	}

	signOn := func(network string) *Message { return management("0800", network, "000001").Set(63, "001") }
	add("pos-sign-on-003", "sign-on, double length", false, signOn("003"),
		answer(signOn("003"), "00", "").SetBytes(62, must(testKeys(false).Build(LayoutDouble))))
	add("pos-sign-on-004", "sign-on with track key", false, signOn("004"),
		answer(signOn("004"), "00", "").SetBytes(62, must(testKeys(true).Build(LayoutTrack))))
	add("pos-sign-on-001", "sign-on, single length, is refused", false, signOn("001"), answer(signOn("001"), "40", "不支持单倍长密钥"))
	add("pos-sign-off", "sign-off", false, management("0820", "002", "000900"), answer(management("0820", "002", "000900"), "00", ""))
	add("pos-echo", "echo", false, management("0820", "301", "000901"), answer(management("0820", "301", "000901"), "00", ""))

	inquiry := func() *Message { return sale().Set(3, "310000").Set(60, kind("01", "000")) }
	request := pin(swipe(inquiry()))
	request.Unset(4)
	balance := answer(request, "00", "").Set(54, must(Balance54{{Account: "00", Type: "02", Currency: "156", Amount: 8888800}}.Build()))
	add("pos-balance", "balance inquiry", true, request, balance)

	add("pos-sale-swipe-pin", "sale, swipe with PIN", true, pin(swipe(sale())), approved(answer(sale(), "00", "交易成功")))
	add("pos-sale-chip", "sale, chip without PIN", true, chip(sale()), approved(answer(sale(), "00", "Approved")))
	add("pos-sale-manual", "sale, manual, declined", true, manual(sale()), answer(sale(), "51", "余额不足"))
	add("pos-sale-enciphered", "sale, track enciphered", true, enciphered(sale()), answer(sale(), "91", "发卡行暂时无法处理，没有扣款"))
	add("pos-void", "void", true, void().Set(61, original("0000")), approved(answer(void(), "00", "")))
	add("pos-refund", "refund", true, swipe(refund()), answer(refund(), "00", ""))
	add("pos-reversal", "reversal of a sale", true, reversal(sale(), "98"), answer(reversal(sale(), "98"), "00", ""))
	add("pos-reversal-of-void", "reversal of a void", true, reversal(void(), "A0").Set(61, original("0000")), answer(reversal(void(), "A0"), "25", ""))

	batch := func(result SettlementResult) *Message {
		return management("0500", "201", "000950").Set(48, settle(result)).Set(49, "156").Set(63, "001")
	}
	add("pos-settlement", "batch settlement", false, batch(NotCompared), answer(batch(Balanced), "00", "").Set(48, settle(Balanced)).Set(15, fixedDate))
	upload := func(network, data string) *Message { return management("0320", network, "000951").Set(48, data) }
	add("pos-upload-details", "batch upload, magnetic detail", false, upload("201", details), answer(upload("201", details), "00", ""))
	end := must(BuildUploadCount48(2))
	add("pos-upload-end-202", "batch upload end, not balanced", false, upload("202", end), answer(upload("202", end), "00", ""))
	end = must(BuildUploadCount48(0))
	add("pos-upload-end-207", "batch upload end, balanced", false, upload("207", end), answer(upload("207", end), "00", ""))

	refused := answer(sale(), "A0", "报文校验失败")
	all = append(all, sample{"pos-mac-wrong-answer", "a message that failed the check: answer", UnionPayPOS, refused, false})
	return all
}

// networkSamples follows the table of docs/network-protocol.md.
func networkSamples() []sample {
	sale := func() *Message {
		return New("0200").Set(2, testPAN).Set(3, "000000").Set(4, "000000012300").Set(7, "1107023015").Set(11, "200102").
			Set(12, fixedTime).Set(13, fixedDate).Set(14, "3012").Set(18, "5331").Set(22, "021").Set(25, "00").Set(26, "12").
			Set(32, "48021000").Set(33, "48021000").Set(35, testTrack).Set(37, "631110200102").Set(41, "10000001").
			Set(42, "898100053310001").SetBytes(43, padded("小店 Corner Shop", 40)).Set(49, "156").
			SetBytes(52, unhex("8796A5B4C3D2E1F0")).Set(53, "2600000000000000")
	}
	without := func(m *Message, fields ...int) *Message {
		for _, n := range fields {
			m.Unset(n)
		}
		return m
	}
	chip := func(m *Message) *Message {
		return without(m.Set(22, "052").Set(23, "001").SetBytes(55, unhex(testEMV)), 26, 52, 53)
	}
	pointer := "0200" + "200102" + "1107023015" + "00048021000" + "00048021000"
	after := func(m *Message) *Message {
		return m.Set(3, "200000").Set(7, "1107030000").Set(11, "200103").Set(37, "631111200103").Set(90, pointer)
	}
	refund := without(after(sale()), 26, 52, 53)
	refund.MTI = "0220"
	reversal := without(after(sale()), 14, 26, 35, 52, 53).Set(3, "000000").Set(39, "98")
	reversal.MTI = "0420"
	management := func(code string) *Message {
		return New("0800").Set(7, "1107023015").Set(11, "200001").Set(33, "48021000").Set(70, code)
	}
	reply := func(m *Message, code string) *Message {
		a := New(m.MTI[:2] + "1" + m.MTI[3:])
		if m.MTI[2] == '2' {
			a.MTI = m.MTI[:2] + "30"
		}
		for _, n := range []int{3, 4, 7, 11, 32, 33, 37, 41, 42, 49, 70} {
			if m.Has(n) && (n != 33 || m.MTI == "0800") {
				a.Set(n, m.Text(n))
			}
		}
		return a.Set(39, code)
	}

	var all []sample
	add := func(file, title string, request, answer *Message) {
		all = append(all,
			sample{file, title + ": request", CardNetwork, request, true},
			sample{file + "-answer", title + ": answer", CardNetwork, answer, true})
	}
	banks := "48021000   48021000   "
	add("net-sale", "sale, swipe with PIN", sale(), reply(sale(), "00").Set(38, "123456").Set(44, banks))
	add("net-sale-chip", "sale, chip without PIN", chip(sale()), reply(sale(), "51").Set(44, banks))
	add("net-balance", "balance inquiry", without(sale().Set(3, "310000"), 4),
		without(reply(sale().Set(3, "310000"), "00"), 4).Set(54, must(Balance54{{Account: "00", Type: "02", Currency: "156", Amount: -500}}.Build())))
	add("net-void", "void", after(sale()), reply(after(sale()), "00").Set(38, "123457"))
	add("net-refund", "refund", refund, reply(refund, "00").Set(38, "123458"))
	add("net-reversal", "reversal", reversal, reply(reversal, "25"))
	add("net-echo", "echo", management("301"), reply(management("301"), "00"))
	add("net-sign-on", "sign-on", management("001"), reply(management("001"), "00"))
	return all
}

// testEMV is an online request's field 55: what a chip adds to a sale.
var testEMV = "9F26081021324354657687" + "9F2701809F101307010103A00000010A0100000000000000000000" + "9F3704AABBCCDD" +
	"9F36020012" + "950500000080009A03261107" + "9C0100" + "9F0206000000012300" + "5F2A020156" + "82027C00" + "9F1A020156" +
	"9F0306000000000000" + "9F3303E0F0C8" + "9F34034203009F350122" + "8408A000000333010101" + "5713" + testPAN + "D30122200000012300F"

func testKeys(track bool) KeyBlock {
	key := func(first byte, n int) WrappedKey {
		cipher := make([]byte, n)
		for i := range cipher {
			cipher[i] = first + byte(i)
		}
		return WrappedKey{Cipher: cipher, KCV: []byte{first, 0xA1, 0xB2, 0xC3}}
	}
	k := KeyBlock{TPK: key(0x10, 16), TAK: key(0x40, 8)}
	if track {
		k.TDK = key(0x70, 16)
	}
	return k
}

func terminal(mti, messageType, network string) *Message {
	return New(mti).Set(41, "10000001").Set(42, "898100053310001").Set(60, kind(messageType, network))
}

func kind(messageType, network string) string {
	f := Field60{Type: messageType, Batch: "000007", Network: network}
	if network == "000" {
		f.Capability, f.ChipCondition = "6", "0"
	}
	return must(f.Build())
}

func original(date string) string {
	return must(Field61{Batch: "000007", Trace: "000101", Date: date}.Build())
}

// reversal repeats the original's fields without card data.
func reversal(m *Message, reason string) *Message {
	r := New("0400").Set(39, reason)
	for _, n := range []int{3, 4, 11, 22, 25, 41, 42, 49, 60} {
		r.Set(n, m.Text(n))
	}
	return r
}

func answer(request *Message, code, sentence string) *Message {
	a := New(request.MTI[:2] + "1" + request.MTI[3:])
	if request.MTI[2] == '2' {
		a.MTI = request.MTI[:2] + "30"
	}
	for _, n := range []int{3, 4, 11, 25, 41, 42, 49, 60} {
		if request.Has(n) {
			a.Set(n, request.Text(n))
		}
	}
	a.Set(12, fixedTime).Set(13, fixedDate).Set(32, "48021000").Set(37, "000000000102").Set(39, code)
	if sentence != "" {
		a.SetBytes(63, append([]byte("CUP"), EncodeText(sentence, 160)...))
	}
	return a
}

func approved(a *Message) *Message {
	return a.Set(15, fixedDate).Set(38, "654321").Set(44, "48021000   48021000   ")
}

// frame packs a sample as it goes over the line.
func (s sample) frame() []byte {
	f := Frame{Body: s.body()}
	if s.profile.TPDU {
		f.TPDU, f.Header = TPDU{Dest: "0003", Source: "0000"}, DefaultHeader
		if isAnswer(s.message.MTI) {
			f.TPDU = f.TPDU.Swap()
		}
	}
	return must(s.profile.AppendFrame(nil, f))
}

func (s sample) body() []byte {
	if s.mac {
		return must(s.profile.PackMAC(s.message, s.profile.fold))
	}
	return must(s.profile.Pack(s.message))
}

// fold stands in for a MAC: it has the shape of one and depends on every byte.
// The real algorithms live in another package.
func (p *Profile) fold(covered []byte) ([]byte, error) {
	mac := make([]byte, macSize)
	for i, b := range covered {
		mac[i%macSize] ^= b
	}
	if p.MAC.Text {
		return []byte(strings.ToUpper(hex.EncodeToString(mac[:4]))), nil
	}
	return mac, nil
}

func unhex(s string) []byte { return must(hex.DecodeString(strings.ReplaceAll(s, " ", ""))) }

func padded(text string, size int) []byte {
	b := EncodeText(text, size)
	return append(b, strings.Repeat(" ", size-len(b))...)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprint("test data: ", err))
	}
	return v
}
