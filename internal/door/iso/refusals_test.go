package iso

import (
	"strings"
	"testing"

	"hawker/internal/iso8583"
	"hawker/internal/store/storetest"
	"hawker/internal/tdes"
)

// refusal is one bad message: how it comes about, and what the terminal and the log are told.
type refusal struct {
	name string
	send func(*device) answer // all before the last message may succeed
	code string
	says string // a part of the sentence in F63
	log  string // a part of the reason in the log
}

// plain sends one message to a terminal that has just signed on.
func plain(m func(*device) message) func(*device) answer {
	return func(d *device) answer { return d.ask(m(d)) }
}

// without is a sale that lacks a field.
func without(n int) func(*device) answer {
	return plain(func(d *device) message { return d.sale(1_00).unset(n) })
}

// with is a sale with another value in a field.
func with(n int, value string) func(*device) answer {
	return plain(func(d *device) message { return d.sale(1_00).set(n, value) })
}

// strangers: who does not prove who it is.
var strangers = []refusal{
	{"an unknown terminal", with(41, "T9999999"), "97", "终端号不存在", "terminal_unknown"},
	{"an unknown merchant", with(42, "898310058199999"), "03", "商户号不存在", "merchant_unknown"},
	{"an unknown terminal's echo", plain(func(d *device) message { return d.request("0820", "00", "301").set(41, "T9999999") }), "97", "终端号不存在", "terminal_unknown"},
	{"an unknown merchant's upload", plain(func(d *device) message { return d.upload(detail("000001", 1)).set(42, "898310058199999") }), "03", "商户号不存在", "merchant_unknown"},
	{"a MAC under another key", func(d *device) answer {
		m := d.sale(1_00)
		d.tak = mustKey("ANOTHER!")
		return d.exchange(d.frame(m))
	}, "A0", "请重新签到", "mac_wrong"},
	{"a MAC of eight zeros", func(d *device) answer {
		body := d.frame(d.sale(1_00))
		copy(body[len(body)-8:], "00000000")
		return d.exchange(body)
	}, "A0", "请重新签到", "mac_wrong"},
	{"no MAC", func(d *device) answer { return d.exchange(framed(d.sale(1_00).pack())) }, "A0", "请重新签到", "mac_wrong: no field 64"},
	{"a sale before sign-on", func(d *device) answer {
		fresh := d.shop.device("zh-CN")
		fresh.tak = mustKey("GUESSED!")
		return fresh.ask(fresh.sale(1_00))
	}, "A0", "请先签到", "key_unknown"},
}

func mustKey(text string) tdes.Key {
	k, err := tdes.NewKey([]byte(text))
	if err != nil {
		panic(err)
	}
	return k
}

// numbers: batch, trace, amount and currency.
var numbers = []refusal{
	{"a batch ahead of ours", with(60, "22"+"000002"+"000"), "77", "请重新签到", "terminal says 2, open is 1"},
	{"a batch of no number", with(60, "22"+"000000"+"000"), "77", "请重新签到", "batch_differs"},
	{"an inquiry of another batch", plain(func(d *device) message { return d.inquiry().set(60, "01000002000") }), "77", "请重新签到", "batch_differs"},
	{"a trace number used for another amount", func(d *device) answer {
		sale := d.take(1_00)
		return d.ask(sale.message.clone().set(4, "000000000101"))
	}, "94", "流水号已用过", "trace_reused"},
	{"a trace number used for another card", func(d *device) answer {
		sale := d.take(1_00)
		m := d.saleBy(1_00, "debit")
		return d.ask(m.set(11, sale.fields[11]))
	}, "94", "流水号已用过", "trace_reused"},
	{"a trace number used by a sale, for a void", func(d *device) answer {
		sale := d.take(1_00)
		return d.ask(d.void(sale).set(11, sale.fields[11]))
	}, "94", "流水号已用过", "trace_reused"},
	{"an amount of zero", with(4, "000000000000"), "13", "金额必须大于零", "amount_invalid"},
	{"an amount that is no digits", with(4, "00000000010A"), "13", "第4域格式错误", `field 4 at offset 18: expected n12, got "A" at position 12`},
	{"an amount over the limit", with(4, "000000500001"), "61", "超过单笔限额", "over_payment_limit"},
	{"an amount over the day's limit", func(d *device) answer {
		for range perDay / perPayment {
			d.take(perPayment)
		}
		return d.ask(d.sale(1))
	}, "61", "超过今天的限额", "over_daily_limit"},
	{"a currency that is not the merchant's", with(49, "840"), "A1", "商户不收这种货币", `field 49 is "840", the merchant's is 156`},
	{"a currency that nobody knows", with(49, "999"), "A1", "商户不收这种货币", "currency_not_accepted"},
	{"an inquiry in another currency", plain(func(d *device) message { return d.inquiry().set(49, "840") }), "A1", "商户不收这种货币", "currency_not_accepted"},
	{"a void in another currency", func(d *device) answer { return d.ask(d.void(d.take(1_00)).set(49, "840")) }, "A1", "商户不收这种货币", "currency_not_accepted"},
}

// formats: what cannot be read, each with the field that cannot.
var formats = []refusal{
	{"no entry mode", without(22), "30", "第22域格式错误", "field 22 at offset 0: expected a value, got none"},
	{"no condition code", without(25), "30", "第25域格式错误", "field 25 at offset 0: expected a value"},
	{"no currency", without(49), "30", "第49域格式错误", "field 49"},
	{"no trace number", without(11), "30", "第11域格式错误", "field 11"},
	{"no amount", without(4), "30", "第4域格式错误", "field 4 at offset 0: expected a value, got none"},
	{"no field 60", without(60), "30", "第60域格式错误", "field 60 at offset 0: expected 2 characters, got 0 characters"},
	{"a short field 60", with(60, "22000001"), "30", "第60域格式错误", "field 60 at offset 8: expected 3 characters, got 0 characters"},
	{"a trace number of zeros", with(11, "000000"), "30", "第11域格式错误", "field 11 at offset 0: expected 000001 to 999999, got 000000"},
	{"a trace number that is no digits", with(11, "00000F"), "30", "第11域格式错误", `expected n6, got "F" at position 6`},
	{"a processing code that is no digits", with(3, "00000C"), "30", "第3域格式错误", `field 3 at offset 12: expected n6, got "C" at position 6`},
	{"a currency that is no text", with(49, "15\x01"), "30", "第49域格式错误", "field 49"},
	{"PIN promised, none there", plain(func(d *device) message { return d.sale(1_00).unset(52) }), "30", "第52域格式错误", "field 52"},
	{"a PIN that was not promised", with(22, "022"), "30", "第52域格式错误", "field 52"},
	{"no card", without(35), "30", "第2域格式错误", "expected a card number or track 2, got neither"},
	{"a track with letters, not enciphered", plain(func(d *device) message {
		m := d.sale(1_00)
		return m.set(35, "625900A"+m.fields[35][7:]).set(53, "2600000000000000")
	}), "30", "第35域格式错误", "field 35 at offset 30: expected z..37 LL, got a bad character at position 7"},
	{"a void without a reference", func(d *device) answer { return d.ask(d.void(d.take(1_00)).unset(37)) }, "30", "第37域格式错误", "field 37"},
	{"a void with a short field 61", func(d *device) answer { return d.ask(d.void(d.take(1_00)).set(61, "000001")) }, "30", "第61域格式错误", "field 61 at offset 6"},
	{"a refund without its card", func(d *device) answer { return d.ask(d.refund(d.take(1_00), 1).unset(35)) }, "30", "第2域格式错误", "field 2"},
	{"a refund without an operator", func(d *device) answer { return d.ask(d.refund(d.take(1_00), 1).unset(63)) }, "30", "第63域格式错误", "field 63"},
	{"a reversal without a reason", func(d *device) answer { return d.ask(d.reversal(d.take(1_00).message, "98").unset(39)) }, "30", "第39域格式错误", "field 39"},
	{"a sign-on without an operator", plain(func(d *device) message { return d.request("0800", "00", "004") }), "30", "第63域格式错误", "field 63"},
	{"totals that end early", plain(func(d *device) message { return d.settlement(0, 0, 0, 0).set(48, "000") }), "30", "第48域格式错误", "field 48 at offset 0: expected 12 characters, got 3 characters"},
}

// unsupported: what no row of the page describes.
var unsupported = []refusal{
	{"an authorization", plain(func(d *device) message { m := d.sale(1_00); m.mti = "0100"; return m }), "40", "不支持这种交易", `MTI 0100, processing code "000000", type 22, network code 000`},
	{"another processing code", with(3, "030000"), "40", "不支持这种交易", "not_supported"},
	{"another condition", with(25, "06"), "40", "不支持这种交易", "not_supported"},
	{"another type", with(60, "20"+"000001"+"000"), "40", "不支持这种交易", "not_supported"},
	{"another network code", with(60, "22"+"000001"+"001"), "40", "不支持这种交易", "not_supported"},
	{"sign-on with a single-length PIN key", func(d *device) answer { return d.signOn("001") }, "40", "不支持这种签到方式", "key_layout"},
	{"sign-on in a layout that does not exist", func(d *device) answer { return d.signOn("005") }, "40", "不支持这种交易", "not_supported"},
}

// cardData: what the card's data does not say.
var cardData = []refusal{
	{"a track under another key", func(d *device) answer {
		m := d.sale(1_00)
		track := m.fields[35]
		block, err := d.tdk.Encrypt([]byte("\xAA\xAA\xAA\xAA\xAA\xAA\xAA\xAA")) // deciphers to letters
		if err != nil {
			d.w.t.Fatal(err)
		}
		at := len(track) - 17 - (len(track)+1)%2
		return d.ask(m.set(35, track[:at]+hexText(block)+track[at+16:]))
	}, "A0", "磁道数据有误", "track_wrong"},
	{"an enciphered track without a key for tracks", func(d *device) answer {
		d.signOn("003")
		return d.ask(d.sale(1_00).set(53, "2610000000000000"))
	}, "A0", "请先签到", "key_unknown: tdk/"},
	{"a track that is too short for a cipher", with(35, "6259"), "A0", "磁道数据有误", "track_wrong"},
	{"a card number with a wrong check digit", plain(func(d *device) message {
		m := d.manual(1_00, "credit")
		return m.set(2, m.fields[2][:15]+string('0'+('9'-m.fields[2][15])))
	}), "14", "卡号无效", "card_invalid: card: not a card number: wrong check digit"},
	{"a card number that is too short", plain(func(d *device) message { return d.manual(1_00, "credit").set(2, "62590086") }), "14", "卡号无效", "card_invalid"},
	{"a track without a separator", plain(func(d *device) message {
		return d.sale(1_00).set(35, strings.Repeat("6259008642", 3)).set(53, "2600000000000000")
	}), "14", "卡号无效", "card_invalid: card: not a track 2"},
	{"a number and a track of two cards", plain(func(d *device) message {
		return d.sale(1_00).set(2, testCard("debit").PAN.Reveal())
	}), "14", "卡号无效", "fields 2 and 35 are of two cards"},
	{"a PIN block that is none", with(52, "8 bytes."), "99", "密码无法处理", ""},
}

// originals: voids, refunds and reversals of what does not allow them.
var originals = []refusal{
	{"a void after settlement", func(d *device) answer {
		sale := d.take(1_00)
		d.settle(1_00, 1, 0, 0)
		return d.ask(d.void(sale))
	}, "12", "请用退货", "batch_closed"},
	{"a void from another terminal", func(d *device) answer {
		sale, other := d.take(1_00), d.shop.device("zh-CN")
		other.signOn("004")
		return other.ask(other.void(sale))
	}, "12", "请用退货", "batch_closed"},
	{"a second void", func(d *device) answer {
		sale := d.take(1_00)
		d.must(d.void(sale))
		return d.ask(d.void(sale))
	}, "12", "现在不能这样操作", "state_conflict"},
	{"a void of a part", func(d *device) answer { return d.ask(d.void(d.take(1_00)).set(4, "000000000099")) }, "13", "金额与原交易不一致", "amount_differs"},
	{"a void of a refunded sale", func(d *device) answer {
		sale := d.take(1_00)
		d.must(d.refund(sale, 1))
		return d.ask(d.void(sale))
	}, "12", "现在不能这样操作", "state_conflict"},
	{"a void of another's sale", func(d *device) answer {
		sale := d.w.device("en").take(1_00)
		return d.ask(d.void(sale))
	}, "25", "找不到原交易", "original_not_found"},
	{"a void of nothing", func(d *device) answer { return d.ask(d.void(d.take(1_00)).set(37, "NOSUCHREF000")) }, "25", "找不到原交易", "original_not_found"},
	{"a void with another card", func(d *device) answer {
		return d.ask(d.swipe(d.void(d.take(1_00)), "debit").set(22, "022"))
	}, "14", "不是原来付款的卡", "card_differs"},
	{"a void of another trace than its reference", func(d *device) answer {
		return d.ask(d.void(d.take(1_00)).set(61, "000001"+"000777"+"1122"))
	}, "25", "找不到原交易", "original_not_found"},
	{"a refund over the rest", func(d *device) answer {
		sale := d.take(1_00)
		d.must(d.refund(sale, 30))
		return d.ask(d.refund(sale, 71))
	}, "13", "退款超过可退金额", "refund_over_rest"},
	{"a refund of a voided sale", func(d *device) answer {
		sale := d.take(1_00)
		d.must(d.void(sale))
		return d.ask(d.refund(sale, 1))
	}, "12", "现在不能这样操作", "state_conflict"},
	{"a refund to another card", func(d *device) answer {
		m := d.refund(d.take(1_00), 1).unset(53)
		return d.ask(d.swipe(m, "debit"))
	}, "14", "不是原来付款的卡", "card_differs"},
	{"a refund of a refund", func(d *device) answer {
		sale := d.take(1_00)
		refund := d.refund(sale, 1)
		return d.ask(d.refund(done{refund, d.ask(refund)}, 1))
	}, "25", "找不到原交易", "original_not_found"},
	{"a reversal of another amount", func(d *device) answer {
		return d.ask(d.reversal(d.take(1_00).message, "98").set(4, "000000000099"))
	}, "64", "冲正金额与原交易不一致", "reversal_differs"},
	{"a reversal of nothing", func(d *device) answer { return d.ask(d.reversal(d.sale(1_00), "98")) }, "25", "找不到原交易", "original_not_found"},
	{"the original of a reversal that came first", func(d *device) answer {
		sale := d.sale(1_00)
		d.expect("25", d.reversal(sale, "98"))
		d.expect("25", d.reversal(sale, "98"))
		return d.ask(sale)
	}, "12", "已经撤回", "already_reversed"},
	{"a reversal of a refund", func(d *device) answer {
		refund := d.refund(d.take(1_00), 1)
		d.must(refund)
		return d.ask(d.reversal(refund, "98"))
	}, "12", "现在不能这样操作", "state_conflict"},
	{"a reversal of a voided sale", func(d *device) answer {
		sale := d.take(1_00)
		d.must(d.void(sale))
		return d.ask(d.reversal(sale.message, "98"))
	}, "12", "现在不能这样操作", "state_conflict"},
	{"a reversal of a closed batch's nothing", func(d *device) answer {
		d.settle(0, 0, 0, 0)
		d.batch = 1
		return d.ask(d.reversal(d.sale(1_00), "98"))
	}, "25", "找不到原交易", "original_not_found"},
}

// permissions: who may not, and whom nobody reaches.
var permissions = []refusal{
	{"a suspended terminal", func(d *device) answer { d.suspend(); return d.ask(d.sale(1_00)) }, "58", "终端已停用", "terminal_suspended"},
	{"a suspended terminal's sign-on", func(d *device) answer { d.suspend(); return d.signOn("004") }, "58", "终端已停用", "terminal_suspended"},
	{"a suspended terminal's inquiry", func(d *device) answer { d.suspend(); return d.ask(d.inquiry()) }, "58", "终端已停用", "terminal_suspended"},
	{"a suspended terminal's settlement", func(d *device) answer { d.suspend(); return d.ask(d.settlement(0, 0, 0, 0)) }, "58", "终端已停用", "terminal_suspended"},
	{"a suspended merchant", func(d *device) answer { d.shop.suspend(); return d.ask(d.sale(1_00)) }, "03", "商户已停用", "merchant_suspended"},
	{"a suspended merchant's sign-on", func(d *device) answer { d.shop.suspend(); return d.signOn("004") }, "03", "商户已停用", "merchant_suspended"},
	{"a suspended merchant's inquiry", func(d *device) answer { d.shop.suspend(); return d.ask(d.inquiry()) }, "03", "商户已停用", "merchant_suspended"},
	{"a suspended merchant's refund", func(d *device) answer {
		sale := d.take(1_00)
		d.shop.suspend()
		return d.ask(d.refund(sale, 1))
	}, "03", "商户已停用", "merchant_suspended"},
	{"a card without funds", with(4, "000000009051"), "51", "可用余额不足", ""},
	{"a wrong PIN", with(4, "000000009055"), "55", "密码错误", ""},
	{"a bank that its network does not reach", with(4, "000000009091"), "91", "发卡行暂时无法处理", ""},
}

// batches: settlements and uploads that do not fit.
var batches = []refusal{
	{"a settled batch with other totals", func(d *device) answer {
		d.settle(0, 0, 0, 0)
		d.batch = 1
		return d.ask(d.settlement(1_00, 1, 0, 0))
	}, "94", "已经结算", "batch_settled"},
	{"a batch that is still to come", func(d *device) answer { d.batch = 7; return d.ask(d.settlement(0, 0, 0, 0)) }, "77", "请重新签到", "batch_differs"},
	{"a settlement in another currency", plain(func(d *device) message { return d.settlement(0, 0, 0, 0).set(49, "840") }), "A1", "商户不收这种货币", "currency_not_accepted"},
	{"details of a batch that is open", plain(func(d *device) message { return d.upload(detail("000001", 1)) }), "25", "找不到原交易", "original_not_found"},
	{"an end of an upload of an open batch", plain(func(d *device) message { return d.endUpload("207", 0) }), "25", "找不到原交易", "original_not_found"},
	{"details that end early", func(d *device) answer {
		d.settle(0, 0, 0, 0)
		d.batch = 1
		return d.ask(d.upload(detail("000001", 1)).set(48, "02"+detail("000001", 1)))
	}, "30", "第48域格式错误", "field 48 at offset 42: expected 2 characters, got 0 characters"},
	{"fewer details than announced", func(d *device) answer {
		d.settle(1_00, 1, 0, 0)
		d.batch = 1
		return d.ask(d.endUpload("202", 1))
	}, "30", "批上送笔数不符", "details_incomplete: 1 announced, 0 received"},
}

// TestRefusals sends every bad message to one door, each from a shop of its own, and
// looks at the answer, the log and both sides' books.
func TestRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	t.Run("rows", func(t *testing.T) {
		for _, rows := range [][]refusal{strangers, numbers, formats, unsupported, cardData, originals, permissions, batches} {
			for _, r := range rows {
				t.Run(r.name, func(t *testing.T) {
					t.Parallel()
					r.check(t, w)
				})
			}
		}
	})
}

func (r refusal) check(t *testing.T, w *world) {
	d := w.device("zh-CN")
	var before effect
	d.shop.watch = func() { before = w.effect(d.shop) }
	a := r.send(d)
	if a.code() != r.code || !strings.Contains(a.says(), r.says) {
		t.Errorf("answered %s %q, want %s %q", a.code(), a.says(), r.code, r.says)
	}
	for _, n := range []int{2, 35, 36, 38, 52, 55, 62} {
		if a.Has(n) {
			t.Errorf("the refusal has field %d", n)
		}
	}
	if after := w.effect(d.shop); after != before {
		t.Errorf("refused, and yet it moved %+v to %+v", before, after)
	}
	again := iso8583.NothingToDo
	if r.code == "77" || r.code == "99" || r.code == "A0" {
		again = iso8583.SignOnAgain
	}
	if got := a.header.ProcessingRequest(); got != again {
		t.Errorf("the header asks for %d, want %d", got, again)
	}
	line := w.log.line(a.Text(42))
	if refused, _ := line["refused"].(string); line["code"] != r.code || !strings.Contains(refused, r.log) || (refused == "") != (r.log == "") {
		t.Errorf("log: %v, want the reason %q", line, r.log)
	}
}
