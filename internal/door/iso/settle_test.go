package iso

import (
	"bytes"
	"context"
	"testing"
	"time"

	"hawker/internal/cases"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/store/storetest"
)

// TestSettlement plays batches to their end: what the host answers, and what a person gets to see.
func TestSettlement(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	for name, row := range map[string]struct {
		play  func(t *testing.T, d *device)
		cases []string // the details of those that are opened
	}{
		"an empty batch balances": {func(_ *testing.T, d *device) {
			d.totals("1", d.settle(0, 0, 0, 0), 0, 0, 0, 0)
			d.closed(d.endUpload("207", 0))
		}, nil},
		"sales, a void and a refund balance, what was reversed or declined counts nowhere": {func(_ *testing.T, d *device) {
			first, second := d.take(10_00), d.take(5_00)
			d.must(d.void(second))
			d.must(d.refund(first, 2_50))
			d.must(d.reversal(d.take(3_00).message, "98"))
			d.expect("51", d.sale(90_51))
			d.w.heal()
			d.totals("1", d.settle(15_00, 2, 7_50, 2), 15_00, 2, 7_50, 2)
			d.closed(d.endUpload("207", 0))
		}, nil},
		"a batch that does not balance is uploaded, and the difference is a case": {func(_ *testing.T, d *device) {
			first, second := d.take(10_00), d.take(5_00)
			d.totals("2", d.settle(10_00, 1, 0, 0), 15_00, 2, 0, 0)
			d.closed(d.upload(detail(first.fields[11], 10_00), detail("000777", 4_00)))
			d.closed(d.endUpload("202", 2))
			_ = second
		}, []string{"2 differences: [{3 5.00 CNY 0.00 CNY} {777 0.00 CNY 4.00 CNY}]"}},
		"details that come twice count once": {func(_ *testing.T, d *device) {
			first := d.take(10_00)
			d.totals("2", d.settle(0, 0, 0, 0), 10_00, 1, 0, 0)
			for range 2 {
				d.closed(d.upload(detail(first.fields[11], 10_00)))
			}
			d.closed(d.endUpload("202", 1))
		}, nil},
		"a claim of balance is not believed": {func(_ *testing.T, d *device) {
			d.take(10_00)
			d.totals("2", d.settle(0, 0, 0, 0), 10_00, 1, 0, 0)
			d.closed(d.endUpload("207", 0))
		}, []string{"1 differences: [{2 10.00 CNY 0.00 CNY}]"}},
		"the same settlement again has the same answer, byte for byte, whenever": {func(t *testing.T, d *device) {
			d.take(10_00)
			m := d.settlement(10_00, 1, 0, 0)
			first := d.must(m)
			d.w.pass(time.Second)
			if again := d.must(m); !bytes.Equal(first.raw, again.raw) {
				t.Errorf("answered\n%x, then\n%x", first.raw, again.raw)
			}
			d.batch++
			d.take(1_00)
			if again := d.must(m); !bytes.Equal(first.raw, again.raw) {
				t.Errorf("answered\n%x, after another sale\n%x", first.raw, again.raw)
			}
		}, nil},
		"the next batch begins at nothing": {func(_ *testing.T, d *device) {
			d.take(10_00)
			d.totals("1", d.settle(10_00, 1, 0, 0), 10_00, 1, 0, 0)
			d.trace = 1 // the numbers begin anew too
			d.take(1_00)
			d.totals("1", d.settle(1_00, 1, 0, 0), 1_00, 1, 0, 0)
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			d := w.device("zh-CN")
			row.play(t, d)
			open, err := cases.List(context.Background(), w.db.Read())
			if err != nil {
				t.Fatal(err)
			}
			var details []string
			for _, c := range open {
				if c.Merchant == int64(d.shop.ID) {
					details = append(details, c.Detail)
				}
			}
			if len(details) != len(row.cases) || len(details) > 0 && details[0] != row.cases[0] {
				t.Errorf("cases %q, want %q", details, row.cases)
			}
		})
	}
}

// totals holds a settlement's answer to the host's totals and a result.
func (d *device) totals(result string, a answer, debit int64, debits int, credit int64, credits int) {
	d.w.t.Helper()
	want := d.settlement(debit, debits, credit, credits).fields[48]
	want = want[:30] + result + want[31:61] + "1"
	if got := a.Text(48); got != want {
		d.w.t.Errorf("totals %s, want %s", got, want)
	}
}

// closed sends a message about the batch before.
func (d *device) closed(m message) {
	d.w.t.Helper()
	d.must(m.set(60, m.fields[60][:2]+six(d.batch-1)+m.fields[60][8:]))
}

// TestABatchTooLongForItsCountIsStillAnswered: it is closed, and its terminal must be told so.
func TestABatchTooLongForItsCountIsStillAnswered(t *testing.T) {
	t.Parallel()
	host := payment.Totals{Debit: money.New(12_345_67, money.CNY), DebitCount: 1000, Credit: money.New(0, money.CNY), CreditCount: 1234}
	text, err := totals48(payment.Batch{Host: host, Claimed: host})
	if want := "000001234567" + "999" + "000000000000" + "999" + "1" + "000000000000000000000000000000" + "1"; err != nil || text != want {
		t.Errorf("%s, %v, want %s", text, err, want)
	}
}
