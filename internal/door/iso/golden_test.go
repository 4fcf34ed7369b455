package iso

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hawker/internal/iso8583"
	"hawker/internal/keys"
	"hawker/internal/store/storetest"
)

var update = flag.Bool("update", false, "rewrite testdata/*.golden")

// TestPairsOnTheWire plays every transaction of the protocol page, in one order and
// at one time, and holds each request and its answer to a file.
func TestPairsOnTheWire(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	d := w.shop().device("zh-CN")
	english := d.shop.device("en")
	pair := func(name string, d *device, m message) done {
		t.Helper()
		frame := d.frame(m)
		a := d.exchange(frame)
		compare(t, name, render(frame)+"\n"+render(a.raw))
		return done{m, a}
	}
	pair("sign-on-001", d, d.request("0800", "00", "001").set(63, "001"))
	pair("sign-on-003", d, d.request("0800", "00", "003").set(63, "001"))
	pair("sign-on-004", d, d.request("0800", "00", "004").set(63, "001"))
	for _, one := range []*device{d, english} { // keys that do not vary, as if signed on
		owner := one.shop.MID + "/" + one.id
		one.tpk, one.tak, one.tdk = mustKey("PIN key of a box"), mustKey("MAC key."), mustKey("track key of box")
		w.inject(keys.TPK(owner), one.tpk)
		w.inject(keys.TAK(owner), one.tak)
		w.inject(keys.TDK(owner), one.tdk)
	}
	pair("echo", d, d.request("0820", "00", "301"))
	pair("balance", d, d.inquiry())
	sale := pair("sale-swipe-pin", d, d.sale(46_50))
	second := pair("sale-chip", d, d.chip(12_00))
	pair("script-notice", d, d.notice(second, "2000000001"))
	pair("sale-manual-declined", d, d.manual(90_51, "credit"))
	pair("sale-declined-in-english", english, english.sale(90_51))
	pair("sale-malformed", d, d.sale(1_00).unset(22))
	pair("sale-malformed-in-english", english, english.sale(1_00).unset(22))
	pair("void", d, d.void(second))
	refund := pair("refund", d, d.refund(sale, 6_50))
	third := pair("sale-to-reverse", d, d.saleBy(3_00, "debit"))
	pair("reversal", d, d.reversal(third.message, "98"))
	pair("reversal-of-nothing", d, d.reversal(d.sale(1_00), "A0"))
	pair("settlement-not-balanced", d, d.settlement(46_50, 1, 6_50, 1))
	pair("upload", d, d.upload(detail(sale.fields[11], 46_50), detail("000777", 1)))
	pair("upload-chip", d, d.uploadChip("205", second, "40"))
	pair("upload-refused-by-the-chip", d, d.uploadChip("206", second, "00").set(11, "000778"))
	pair("upload-notice", d, d.uploadNotice(refund.message))
	pair("upload-end-not-balanced", d, d.endUpload("202", 5))
	d.batch++
	pair("settlement-balanced", d, d.settlement(0, 0, 0, 0))
	pair("upload-end-balanced", d, d.endUpload("207", 0))
	d.batch++
	hold := pair("preauth", d, d.preauth(100_00))
	completion := pair("completion", d, d.complete(hold, 90_00))
	pair("completion-void", d, d.uncomplete(completion))
	pair("completion-notice", d, d.completeNotice(hold, 80_00))
	pair("preauth-void-too-late", d, d.release(hold, 100_00))
	tipped := pair("sale-to-tip", d, d.saleBy(100_00, "debit"))
	pair("tip", d, d.more("34", tipped, 15_00))
	pair("tip-over-its-share", d, d.more("34", tipped, 5_01))
	pair("adjustment", d, d.more("32", tipped, 20_00))
	pair("offline-settlement", d, d.offline(30_00))
	pair("offline-settlement-over-the-floor", d, d.offline(50_01))
	pair("sign-off", d, d.request("0820", "00", "002"))
	d.batch-- // the one that was settled
	pair("wrong-batch", d, d.sale(1_00))
	d.tak = mustKey("ANOTHER!")
	pair("wrong-mac", d, d.sale(1_00))
	d.id = "T9999999"
	pair("unknown-terminal", d, d.sale(1_00))
	pair("status-upload", english, english.signed(english.status("01003"+"3.1.4               ")))
	pair("status-upload-tampered", english, english.signed(english.status("01102"+"case switch         ")))
	pair("tampered-terminal", english, english.signed(english.request("0820", "00", "301")))
}

func compare(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("differs from %s:\n%s", file, got)
	}
}

// varies names what no clock or key fixes: the reference, the working keys, the MAC over them.
var varies = map[string]bool{"37": true, "62": true, "64": true}

// render writes offset, hex and meaning of each field of a frame, and dots for what varies.
func render(raw []byte) string {
	var b strings.Builder
	rows := iso8583.UnionPayPOS.Explain(raw).Rows
	for i, r := range rows {
		end := len(raw)
		if i+1 < len(rows) {
			end = rows[i+1].Offset
		}
		text := fmt.Sprintf("%x", raw[r.Offset:end])
		if varies[r.Field] {
			text, r.Value, r.Rows = strings.Repeat("..", end-r.Offset), "…", nil
		}
		fmt.Fprintf(&b, "%04d %-24s %s\n", r.Offset, text, meaning(r))
		for _, part := range r.Rows {
			fmt.Fprintf(&b, "%31s%s\n", "", meaning(part))
		}
	}
	return b.String()
}

func meaning(r iso8583.Row) string {
	text := r.Field + " " + r.Name + " = " + r.Value
	if r.Note != "" {
		text += " (" + r.Note + ")"
	}
	return text
}
