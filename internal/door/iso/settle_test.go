package iso

import (
	"bytes"
	"context"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"hawker/internal/cases"
	"hawker/internal/emv"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/store/storetest"
)

// references are the host's, which no clock fixes.
var references = regexp.MustCompile(` [0-9A-Z]{12}\)`)

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
		}, []string{"2 differences: trace 000003 (sale …): host 5.00 CNY, terminal nothing; trace 000777: host nothing, terminal 4.00 CNY"}},
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
		}, []string{"1 differences: trace 000002 (sale …): host 10.00 CNY, terminal nothing"}},
		"chip details and notices count as the others": {func(_ *testing.T, d *device) {
			stripe, chip := d.take(10_00), d.chipped(5_00)
			refund := d.refund(stripe, 2_00)
			d.must(refund)
			d.totals("2", d.settle(1, 1, 0, 0), 15_00, 2, 2_00, 1)
			d.closed(d.upload(detail(stripe.fields[11], 10_00)))
			for range 2 {
				d.closed(d.uploadChip("205", chip, "40"))
				d.closed(d.uploadNotice(refund))
			}
			d.closed(d.endUpload("202", 3))
		}, nil},
		"a balanced batch's chip details are kept, and nothing is compared": {func(_ *testing.T, d *device) {
			chip := d.chipped(5_00)
			d.take(3_00)
			d.totals("1", d.settle(8_00, 2, 0, 0), 8_00, 2, 0, 0)
			d.closed(d.uploadChip("203", chip, "40"))
			d.closed(d.endUpload("207", 1))
		}, nil},
		"what a chip refused and the bank approved is a difference": {func(_ *testing.T, d *device) {
			chip := d.chipped(5_00)
			d.totals("2", d.settle(0, 0, 0, 0), 5_00, 1, 0, 0)
			d.closed(d.uploadChip("206", chip, "00"))
			d.closed(d.endUpload("202", 1))
		}, []string{"1 differences: trace 000002 (sale …): host 5.00 CNY, terminal nothing"}},
		"what a chip refused and was taken back is none": {func(_ *testing.T, d *device) {
			chip := d.chipped(5_00)
			d.must(d.reversal(chip.message, "06"))
			d.w.heal()
			d.totals("2", d.settle(1, 1, 0, 0), 0, 0, 0, 0)
			d.closed(d.uploadChip("206", chip, "00"))
			d.closed(d.endUpload("202", 1))
		}, nil},
		"a detail with another amount is refused, and the first stands": {func(_ *testing.T, d *device) {
			chip := d.chipped(5_00)
			d.totals("2", d.settle(0, 0, 0, 0), 5_00, 1, 0, 0)
			d.closed(d.uploadChip("205", chip, "40"))
			d.batch--
			other := d.uploadNotice(d.refund(chip, 4_00)).set(11, chip.fields[11])
			d.expect("94", other)
			d.batch++
			d.closed(d.endUpload("202", 1))
		}, nil},
		"other amounts on both sides are a difference": {func(_ *testing.T, d *device) {
			stripe := d.take(10_00)
			d.totals("2", d.settle(12_00, 1, 0, 0), 10_00, 1, 0, 0)
			d.closed(d.upload(detail(stripe.fields[11], 12_00)))
			d.closed(d.endUpload("202", 1))
		}, []string{"1 differences: trace 000002 (sale …): host 10.00 CNY, terminal 12.00 CNY"}},
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
					details = append(details, references.ReplaceAllString(c.Detail, " …)"))
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

// chipCounter is the transaction counter of the one chip that all devices here share.
var chipCounter atomic.Int64

// chipped makes a sale by chip that must be approved.
func (d *device) chipped(fen int64) done {
	d.w.t.Helper()
	m := d.cryptogram(d.chip(fen), testCard("credit"), int(chipCounter.Add(1)))
	return done{m, d.must(m)}
}

// uploadChip is the detail of a chip's transaction; info is tag 9F27 of its last cryptogram.
func (d *device) uploadChip(network string, of done, info string) message {
	m := newMessage("0320").set(60, "00"+six(d.batch)+network)
	for _, n := range []int{4, 11, 22, 23, 41, 42, 49} {
		m.set(n, of.fields[n])
	}
	return m.set(55, altered(of.message, emv.CryptogramInfo, info).fields[55])
}

// uploadNotice is a notice of the batch once more.
func (d *device) uploadNotice(of message) message {
	m := newMessage("0320")
	for _, n := range []int{3, 4, 11, 22, 25, 37, 41, 42, 49, 60, 61} {
		if v, ok := of.fields[n]; ok {
			m.set(n, v)
		}
	}
	return m
}

func TestUploadsThatAreRefused(t *testing.T) {
	t.Parallel()
	d := newWorld(t, storetest.SQLite(t)).device("zh-CN")
	chip := d.chipped(5_00)
	d.settle(0, 0, 0, 0)
	of := func(m message) message { return m.set(60, m.fields[60][:2]+six(d.batch-1)+m.fields[60][8:]) }
	for name, row := range map[string]struct {
		m    message
		code string
	}{
		"a chip detail without a cryptogram":           {of(d.uploadChip("205", chip, "40").set(55, altered(chip.message, emv.Cryptogram, "").fields[55])), "30"},
		"a chip detail with a refusal in it":           {of(d.uploadChip("205", chip, "00")), "30"},
		"a refusal with an approval in it":             {of(d.uploadChip("206", chip, "40")), "30"},
		"a chip detail of another amount":              {of(d.uploadChip("205", chip, "40").set(4, "000000000499")), "A7"},
		"a chip detail of no data":                     {of(d.uploadChip("205", chip, "40").unset(55)), "30"},
		"a chip detail in another currency":            {of(d.uploadChip("205", chip, "40").set(49, "840")), "A1"},
		"a notice of what is none":                     {of(d.uploadNotice(chip.message)), "40"},
		"a detail of a batch that is not settled":      {d.uploadChip("205", chip, "40"), "25"},
		"an end message that counts what did not come": {of(d.endUpload("202", 2)), "30"},
	} {
		if a := d.ask(row.m); a.code() != row.code {
			t.Errorf("%s: %s %s, want %s", name, a.code(), a.says(), row.code)
		}
	}
}
