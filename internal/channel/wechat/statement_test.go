package wechat

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/money"
)

func sample(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("testdata/bill.csv")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const billDay = clock.Day(20261121)

// The sample has a value with a comma, a coupon, and fees below a fen, which WeChat adds up before it rounds.
func TestABillIsReadRowByRow(t *testing.T) {
	t.Parallel()
	b, err := parseBill("wechat", billDay, []byte(sample(t)))
	if err != nil {
		t.Fatal(err)
	}
	fen := func(n int64) money.Amount { return money.New(n, money.CNY) }
	at := func(h, m, s int) time.Time { return time.Date(2026, 11, 21, h, m, s, 0, china).UTC() }
	want := []channel.BillRow{
		{At: at(0, 0, 1), Kind: channel.Sale, Merchant: "1900000001", Terminal: "T0000001", Order: "898310058120001R00000000001",
			Number: "4200000001202611210000000001", Amount: fen(1), Fee: fen(0), State: "SUCCESS"},
		{At: at(12, 30, 0), Kind: channel.Sale, Merchant: "1900000001", Order: "898310058120001R00000000002",
			Number: "4200000001202611210000000002", Amount: fen(100_00), Fee: fen(60), State: "SUCCESS"},
		{At: at(12, 31, 0), Kind: channel.Refund, Merchant: "1900000001", Order: "898310058120001R00000000002", Refund: "898310058120001R00000000003",
			Number: "4200000001202611210000000002", Return: "5030000001", Amount: fen(30_00), Fee: fen(-18), State: "REFUND"},
		{At: at(23, 59, 59), Kind: channel.Reversal, Merchant: "1900000001", Order: "898310058120001R00000000004", Refund: "898310058120001R00000000004",
			Number: "4200000001202611210000000004", Return: "5030000002", Amount: fen(8_50), Fee: fen(-5), State: "REVOKED"},
	}
	if len(b.Rows) != len(want) {
		t.Fatalf("%d rows", len(b.Rows))
	}
	for i := range want {
		if b.Rows[i] != want[i] {
			t.Errorf("row %d is\n%+v, want\n%+v", i, b.Rows[i], want[i])
		}
	}
	if b.Sales != fen(100_01) || b.Refunds != fen(38_50) || b.Fees != fen(37) {
		t.Errorf("sums %s %s %s", b.Sales, b.Refunds, b.Fees)
	}
}

func TestABillThatIsWrongAnywhereIsNotUsed(t *testing.T) {
	t.Parallel()
	good := sample(t)
	for name, text := range map[string]string{
		"empty":                  "",
		"a row missing":          strings.Replace(good, "`2026-11-21 12:31:00", "x`2026-11-21 12:31:00", 1),
		"an amount changed":      strings.Replace(good, "`0.60%,`100.00", "`0.60%,`100.01", 1),
		"a fee changed":          strings.Replace(good, "`-0.18000", "`-0.18001", 1),
		"a fee of letters":       strings.Replace(good, "`-0.18000", "`-0.18x", 1),
		"an unknown state":       strings.Replace(good, "`REFUND", "`MAYBE", 1),
		"another currency":       strings.Replace(good, "`CNY", "`USD", 1),
		"a time of letters":      strings.Replace(good, "2026-11-21 12:30:00", "21.11.2026", 1),
		"a column missing":       strings.Replace(good, ",费率备注", "", 1),
		"no sums":                good[:strings.Index(good, "总交易单数")],
		"sums of another length": strings.Replace(good, "`4,", "", 1),
		"a count of letters":     strings.Replace(good, "`4,", "`four,", 1),
		"another count":          strings.Replace(good, "`4,", "`5,", 1),
	} {
		if b, err := parseBill("wechat", billDay, []byte(text)); !errors.Is(err, channel.ErrBill) {
			t.Errorf("%s: %+v, %v", name, b, err)
		}
	}
}

func FuzzBill(f *testing.F) {
	f.Add([]byte(sample(f)))
	f.Add([]byte("a,b\n`1,`2\nx\n`1\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := parseBill("wechat", billDay, text)
		if err == nil && len(b.Rows) > bytes.Count(text, []byte("\n")) {
			t.Errorf("%d rows", len(b.Rows))
		}
	})
}
