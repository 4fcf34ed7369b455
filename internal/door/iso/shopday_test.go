package iso

import (
	"testing"

	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

// TestAShopsDay plays a day from sign-on to settlement on both databases.
func TestAShopsDay(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		d := w.device("zh-CN")
		expect := func(what, code string, m message) done {
			t.Helper()
			a := d.ask(m)
			if a.code() != code || a.proven != (m.mti[:2] == "02" || m.mti == "0400") {
				t.Errorf("%s is answered %s %s (proven: %v), want %s", what, a.code(), a.says(), a.proven, code)
			}
			return done{m, a}
		}
		expect("echo", "00", d.request("0820", "00", "301"))
		first := expect("a sale", "00", d.sale(46_50))
		expect("a dear sale", "51", d.sale(90_51))
		second := expect("a sale by debit card", "00", d.saleBy(12_00, "debit"))
		expect("its void", "00", d.void(second))
		expect("a refund", "00", d.refund(first, 6_50))
		expect("a balance inquiry", "00", d.inquiry())

		cut := expect("a sale whose answer is cut off at the bank", "98", d.sale(90_95))
		expect("its reversal", "00", d.reversal(cut.message, "98"))
		w.heal()
		expect("its reversal again", "00", d.reversal(cut.message, "98"))
		expect("the sale again", "12", cut.message)

		if e := w.effect(d.shop); e != (effect{40_00, 40_00}) {
			t.Errorf("the day came to %+v, want 40.00", e)
		}
		settled := expect("settlement", "00", d.settlement(58_50, 2, 18_50, 2))
		if got := settled.Text(48); got[30:31] != "1" {
			t.Errorf("totals differ: %s", got)
		}
		expect("end of upload", "00", d.endUpload("207", 0))
		expect("a sale in the closed batch", "77", d.sale(1_00))
		d.batch++
		expect("a sale in the next batch", "00", d.sale(1_00))
		expect("the void of a settled sale", "12", d.void(first))
		expect("its refund", "00", d.refund(first, 40_00))
		expect("sign-off", "00", d.request("0820", "00", "002"))
	})
}
