package office_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"hawker/internal/door/office"
	"hawker/internal/payment/paymenttest"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestAnExportHoldsEveryPaymentOfItsRange(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := open(t, db)
		w.At(paymenttest.Noon.AddDate(0, 0, -40))
		w.Sell(7700) // beyond thirty days
		w.At(paymenttest.Noon.AddDate(0, 0, -20))
		for i := range 210 { // more than a page of the database's
			w.Sell(int64(1000 + 100*i))
		}
		w.At(paymenttest.Noon)
		given := w.Sell(4650)
		w.Sell(4651) // declined
		w.Refund(given, 4650)

		status, text := w.get(t, "/app/export?range=30&format=csv&ticket=one", "Accept-Language", "en")
		if status != 200 || !strings.HasPrefix(text, "\uFEFFTime,Number,Method") {
			t.Fatalf("%d %.80q", status, text)
		}
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\uFEFF"))).ReadAll()
		if err != nil || len(rows) != 213 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		if got := strings.Join(rows[1], "|"); !strings.Contains(got, "Card|0013|CNY|46.51|0.00|0.00|0.00|Declined") {
			t.Errorf("the newest is %s", got)
		}
		if got := strings.Join(rows[2], "|"); !strings.Contains(got, "|46.50|46.50|0.28|0.00|Refunded") || rows[2][0] != "2026-11-22 12:00:00" {
			t.Errorf("the one given back is %s", got)
		}
		var p struct {
			Rows int
			Done bool
		}
		if _, text := w.get(t, "/app/export/one"); json.Unmarshal([]byte(text), &p) != nil || p.Rows != 212 || !p.Done {
			t.Errorf("progress %s", text)
		}
		if _, text := w.get(t, "/app/export/one", "X-Merchant", "other"); strings.Contains(text, "212") {
			t.Errorf("another's progress %s", text)
		}

		status, text = w.get(t, "/app/export?range=all&format=xlsx", "Accept-Language", "zh-CN")
		book, err := excelize.OpenReader(bytes.NewReader([]byte(text)))
		if status != 200 || err != nil {
			t.Fatalf("%d, %v", status, err)
		}
		sheet, err := book.GetRows("Sheet1", excelize.Options{RawCellValue: true})
		if err != nil || len(sheet) != 214 || sheet[0][0] != "时间" || sheet[213][5] != "77" {
			t.Errorf("%d rows, %v", len(sheet), err)
		}
	})
}

func TestWhatAPayerWroteIsNoFormula(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", "外带": "外带", "-12.50": "-12.50", "=1+1": "'=1+1", "@SUM(A1)": "'@SUM(A1)", "-cmd|x": "'-cmd|x", "+1": "'+1", "\tx": "'\tx"} {
		if got := office.Harmless(text); got != want {
			t.Errorf("%q is written as %q, want %q", text, got, want)
		}
	}
}
