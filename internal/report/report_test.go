package report_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"hawker/internal/clock"
	"hawker/internal/money"
	"hawker/internal/payment/paymenttest"
	"hawker/internal/report"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

const sunday clock.Day = 20261122

func TestADayIsWhatItTookAndGaveBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := paymenttest.Open(t, db, paymenttest.Noon.AddDate(0, 0, -7))
		w.Sell(50_00) // a week before, at noon
		w.At(paymenttest.Noon.AddDate(0, 0, -1))
		before := w.Sell(30_00)
		w.At(paymenttest.Noon.Add(-5*time.Hour - time.Second)) // 06:59:59
		w.Sell(10_00)
		w.At(paymenttest.Noon)
		w.Sell(46_50)
		big := w.Sell(100_00)
		w.Sell(20_51) // declined
		w.Sell(20_98) // silent: being reversed
		w.Refund(big, 25_00)
		w.Refund(before, 30_00) // counts on the day it is given back
		w.Void(w.Sell(7_00))
		w.At(paymenttest.Noon.Add(12*time.Hour - time.Microsecond)) // the day's last instant
		w.Sell(1_00)
		w.At(paymenttest.Noon.Add(12 * time.Hour)) // tomorrow
		w.Sell(999_00)

		d, err := report.DigestOf(t.Context(), db.Read(), w.Merchant, sunday)
		if err != nil {
			t.Fatal(err)
		}
		day := d.Day
		for _, c := range []struct {
			name string
			got  money.Amount
			want int64
		}{
			{"taken", day.Taken, 157_50}, {"given back", day.Given, 55_00}, {"net", day.Net(), 102_50}, {"average", day.Average(), 39_37},
			{"fee: 6+28+60+1 less 15+18 given back", day.Fee, 62}, {"arrives", day.Arrives(), 101_88},
			{"at six", day.Hours[6], 10_00}, {"at noon", day.Hours[12], 146_50}, {"before midnight", day.Hours[23], 1_00}, {"biggest hour", day.Biggest(), 146_50},
			{"the day before", d.Before.Net(), 30_00}, {"a week before", d.Week.Net(), 50_00},
		} {
			if c.got != money.New(c.want, "CNY") {
				t.Errorf("%s is %s, want %d", c.name, c.got, c.want)
			}
		}
		if day.Count != 4 || day.Refunds != 2 || day.Uncertain != 1 || day.Lost != 2 {
			t.Errorf("%d taken, %d refunds, %d uncertain, %d lost", day.Count, day.Refunds, day.Uncertain, day.Lost)
		}
		if len(day.Methods) != 1 || day.Methods[0].Name != "card" || day.Methods[0].Count != 4 || day.Methods[0].Taken != day.Taken {
			t.Errorf("methods %v", day.Methods)
		}
		zh, en := d.Texts()
		for text, parts := range map[string][]string{zh: {"小满咖啡", "2026-11-22", "实收 ¥102.50", "4 笔", "+105.0%", "退款 ¥55.00", "最忙 12:00", "1 笔正在确认"}, en: {"¥102.50 taken in 4 payments", "+105.0%", "1 still being checked"}} {
			for _, part := range parts {
				if !strings.Contains(text, part) {
					t.Errorf("%q lacks %q", text, part)
				}
			}
		}
		if w.Settle() == 0 {
			t.Fatal("nothing was reversed")
		}
		if day, err = report.Of(t.Context(), db.Read(), w.Merchant, sunday); err != nil || day.Uncertain != 0 || day.Lost != 3 {
			t.Errorf("after the reversal %d uncertain, %d lost, %v", day.Uncertain, day.Lost, err)
		}
	})
}

func TestDaysAddUp(t *testing.T) {
	t.Parallel()
	w := paymenttest.Open(t, storetest.SQLite(t), paymenttest.Noon.AddDate(0, 0, -3))
	var want int64
	for i := range 4 {
		w.At(paymenttest.Noon.AddDate(0, 0, i-3))
		if i != 1 { // a day off
			w.Sell(int64(i+1) * 1000)
			want += int64(i+1) * 1000
		}
	}
	days, err := report.Days(t.Context(), w.DB.Read(), w.Merchant, sunday.Add(-3), sunday)
	if err != nil || len(days) != 4 || days[1].Count != 0 || days[1].Day != sunday.Add(-2) || days[1].Taken != money.Zero("CNY") {
		t.Fatalf("%v, %v", days, err)
	}
	sum, err := report.Total(days, "CNY")
	if err != nil || sum.Taken.Minor() != want || sum.Count != 3 || sum.Hours[12].Minor() != want || len(sum.Methods) != 1 || sum.Methods[0].Taken.Minor() != want {
		t.Errorf("in all %+v, %v", sum, err)
	}
	for _, r := range [][2]clock.Day{{sunday, sunday.Add(-1)}, {sunday.Add(-400), sunday}} {
		if _, err := report.Days(t.Context(), w.DB.Read(), w.Merchant, r[0], r[1]); !errors.Is(err, report.ErrRange) {
			t.Errorf("from %s to %s: %v", r[0], r[1], err)
		}
	}
}

func TestAChangeNeedsSomethingBefore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		now, before, want int64
		ok                bool
	}{{110, 100, 100, true}, {90, 100, -100, true}, {5, 0, 0, false}, {0, 100, -1000, true}, {5, -3, 0, false}} {
		if got, ok := report.Change(c.now, c.before); got != c.want || ok != c.ok {
			t.Errorf("Change(%d, %d) = %d, %v", c.now, c.before, got, ok)
		}
	}
}
