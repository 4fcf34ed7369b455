package web_test

import (
	"testing"
	"time"

	"hawker/internal/money"
	"hawker/internal/web"
)

func TestAmountsReadAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		a    money.Amount
		want string
	}{
		{"fen", money.New(4650, "CNY"), "¥46.50"},
		{"thousands", money.New(123456789, "CNY"), "¥1,234,567.89"},
		{"exactly a thousand", money.New(100000, "CNY"), "¥1,000.00"},
		{"less than a yuan", money.New(7, "CNY"), "¥0.07"},
		{"given back", money.New(-300, "CNY"), "−¥3.00"},
		{"no decimals", money.New(1234, "JPY"), "JP¥1,234"},
		{"three decimals, no symbol of its own", money.New(1234567, "KWD"), "KWD 1,234.567"},
		{"no currency", money.Amount{}, "–"},
	} {
		if got := web.Money(c.a); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	d := time.Date(2026, 11, 21, 18, 42, 10, 0, time.UTC)
	if zh, en := web.Day(web.ZH, d), web.Day(web.EN, d); zh != "11 月 21 日 周六" || en != "Sat 21 Nov" {
		t.Errorf("%q, %q", zh, en)
	}
}
