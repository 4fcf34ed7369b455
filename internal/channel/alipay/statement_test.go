package alipay

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/money"
)

const billDay = clock.Day(20261121)

func sample(t testing.TB) (detail, sums string) {
	t.Helper()
	var text [2]string
	for i, name := range []string{"testdata/detail.csv", "testdata/sums.csv"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text[i] = string(b)
	}
	return text[0], text[1]
}

// packed is a zip of GBK files, as Alipay sends one.
func packed(t testing.TB, files ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for i, text := range files {
		gbk, err := simplifiedchinese.GBK.NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: string(rune('a'+i)) + ".csv", Method: zip.Deflate})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(gbk)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestABillIsReadRowByRow(t *testing.T) {
	t.Parallel()
	detail, sums := sample(t)
	for _, file := range [][]byte{packed(t, detail, sums), packed(t, sums, strings.ReplaceAll(detail, "\n", "\r\n"))} {
		b, err := parseBill("alipay", "2021000000000001", billDay, file)
		if err != nil {
			t.Fatal(err)
		}
		fen := func(n int64) money.Amount { return money.New(n, money.CNY) }
		want := []channel.BillRow{
			{At: time.Date(2026, 11, 21, 0, 0, 1, 0, china).UTC(), Kind: channel.Sale, Merchant: "2021000000000001", Terminal: "T0000001",
				Order: "898310058120001R00000000001", Number: "2026112122001400000000000001", Amount: fen(100_00), Fee: fen(60), State: "交易"},
			{At: time.Date(2026, 11, 21, 12, 0, 0, 0, china).UTC(), Kind: channel.Refund, Merchant: "2021000000000001",
				Order: "898310058120001R00000000001", Refund: "898310058120001R00000000002", Number: "2026112122001400000000000001",
				Amount: fen(30_00), Fee: fen(-18), State: "退款"},
		}
		if len(b.Rows) != 2 || b.Rows[0] != want[0] || b.Rows[1] != want[1] {
			t.Errorf("rows\n%+v, want\n%+v", b.Rows, want)
		}
		if b.Sales != fen(100_00) || b.Refunds != fen(30_00) || b.Fees != fen(42) || b.Day != billDay {
			t.Errorf("sums %s %s %s", b.Sales, b.Refunds, b.Fees)
		}
	}
}

func TestABillThatIsWrongAnywhereIsNotUsed(t *testing.T) {
	t.Parallel()
	detail, sums := sample(t)
	change := func(old, new string) []byte { return packed(t, strings.Replace(detail, old, new, 1), sums) }
	for name, file := range map[string][]byte{
		"no zip":                []byte("PK"),
		"no files":              packed(t),
		"no sums":               packed(t, detail),
		"no rows":               packed(t, sums),
		"a row missing":         change("2026112122001400000000000001\t,898310058120001R00000000001\t,退款", "#"),
		"an amount changed":     change("-30.00", "-30.01"),
		"a sale below nothing":  change("100.00,100.00", "-100.00,100.00"),
		"a fee changed":         change("-0.60", "-0.61"),
		"an amount of letters":  change("100.00", "1e2"),
		"another type":          change("退款    ", "转账"),
		"a time of letters":     change("2026-11-21 00:00:01", "now"),
		"a value too many":      change("苹果,", "苹果,,"),
		"sums of another count": packed(t, detail, strings.Replace(sums, "合计,,1,1", "合计,,1,2", 1)),
		"sums of another fee":   packed(t, detail, strings.Replace(sums, "-0.42", "-0.41", 1)),
		"sums of another order": packed(t, detail, strings.Replace(sums, "70.00", "70.01", 1)),
		"sums of letters":       packed(t, detail, strings.Replace(sums, "合计,,1", "合计,,one", 1)),
		"sums without a total":  packed(t, detail, strings.Replace(sums, "合计", "门店", 1)),
	} {
		if b, err := parseBill("alipay", "2021000000000001", billDay, file); !errors.Is(err, channel.ErrBill) {
			t.Errorf("%s: %+v, %v", name, b, err)
		}
	}
}

func FuzzBill(f *testing.F) {
	detail, sums := sample(f)
	f.Add(detail, sums)
	f.Add("支付宝交易号\n1\n", "交易订单总笔数\n合计\n")
	f.Fuzz(func(t *testing.T, detail, sums string) {
		rows, err := table(detail, colNumber)
		if err != nil {
			return
		}
		var all []channel.BillRow
		for _, v := range rows {
			if r, err := parseRow(v, "m"); err == nil {
				all = append(all, r)
			}
		}
		if b, err := channel.NewBill("alipay", billDay, money.CNY, all); err == nil {
			_ = agrees(b, sums)
		}
	})
}

func FuzzUnzip(f *testing.F) {
	detail, sums := sample(f)
	f.Add(packed(f, detail, sums))
	f.Fuzz(func(t *testing.T, file []byte) {
		if b, err := parseBill("alipay", "m", billDay, file); err != nil && !errors.Is(err, channel.ErrBill) {
			t.Errorf("%+v, %v", b, err)
		}
	})
}
