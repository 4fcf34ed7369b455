package office

import (
	"net/url"
	"testing"
	"time"

	"hawker/internal/merchant"
	"hawker/internal/money"
)

func TestAFilterIsReadAsItWasMeant(t *testing.T) {
	t.Parallel()
	m := merchant.Merchant{ID: 1, Currency: "CNY", Zone: time.FixedZone("UTC+8", 8*3600), Cutoff: 23 * time.Hour}
	now := time.Date(2026, 11, 22, 15, 30, 0, 0, time.UTC) // 23:30 on the 22nd: the 23rd has begun
	at := func(day int) time.Time { return time.Date(2026, 11, day-1, 15, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		name, query string
		from, to    time.Time
		amount      int64
		text        string
		wrong       bool
	}{
		{"nothing said is today", "", at(23), time.Time{}, 0, "", false},
		{"seven days with today", "range=7", at(17), time.Time{}, 0, "", false},
		{"thirty days", "range=30", at(23).AddDate(0, 0, -29), time.Time{}, 0, "", false},
		{"always", "range=all", time.Time{}, time.Time{}, 0, "", false},
		{"a search without a range is always", "q=0013", time.Time{}, time.Time{}, 0, "0013", false},
		{"a search within a range", "q=0013&range=today", at(23), time.Time{}, 0, "0013", false},
		{"days of one's own, the last included", "range=own&from=2026-11-01&to=2026-11-10", at(1), at(11), 0, "", false},
		{"two years are no matter", "range=own&from=2024-11-23&to=2026-11-20", time.Date(2024, 11, 22, 15, 0, 0, 0, time.UTC), at(21), 0, "", false},
		{"days the wrong way round", "range=own&from=2026-11-10&to=2026-11-01", at(23), time.Time{}, 0, "", true},
		{"a day that is none", "range=own&from=2026-02-30&to=2026-11-01", at(23), time.Time{}, 0, "", true},
		{"an unknown range is today", "range=%27", at(23), time.Time{}, 0, "", false},
		{"an amount", "q=46.50", time.Time{}, time.Time{}, 4650, "", false},
		{"an amount as people write it", "q=%EF%BF%A51,234.5", time.Time{}, time.Time{}, 123450, "", false},
		{"an amount in yuan", "q=12+%E5%85%83", time.Time{}, time.Time{}, 1200, "", false},
		{"an amount too exact is a text", "q=1.234", time.Time{}, time.Time{}, 0, "1.234", false},
		{"a number", "q=3GQXV08F1KC7", time.Time{}, time.Time{}, 0, "3GQXV08F1KC7", false},
	} {
		q, err := url.ParseQuery(c.query)
		if err != nil {
			t.Fatal(err)
		}
		f := readFilter(q, m, now)
		p := f.payments()
		if !p.From.Equal(c.from) || !p.To.Equal(c.to) || p.Text != c.text || (f.Error != nil) != c.wrong {
			t.Errorf("%s: from %s to %s, text %q, %v", c.name, p.From, p.To, p.Text, f.Error)
		}
		if want := (money.Amount{}); c.amount != 0 {
			if want = money.New(c.amount, "CNY"); p.Least != want || p.Most != want {
				t.Errorf("%s: %s to %s", c.name, p.Least, p.Most)
			}
		}
	}
}

func TestAnAxisIsRound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		most, step int64
		lines      int
	}{{0, 100, 2}, {100, 100, 2}, {500, 100, 5}, {501, 200, 3}, {95_00, 20_00, 5}, {912_34, 200_00, 5}, {1_000_001_00, 500_000_00, 3}} {
		step, lines := scale(c.most)
		if step != c.step || lines != c.lines || step*int64(lines) < c.most {
			t.Errorf("to %d: %d lines of %d", c.most, lines, step)
		}
	}
}
