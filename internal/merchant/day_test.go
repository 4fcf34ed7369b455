package merchant_test

import (
	"testing"
	"time"

	"hawker/internal/clock"
	"hawker/internal/merchant"
)

func TestABusinessDayBeginsWhereTheOneBeforeEnds(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"Asia/Shanghai", "Europe/Berlin", "Asia/Kolkata"} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, cutoff := range []time.Duration{0, 24 * time.Hour, 23 * time.Hour, 22*time.Hour + 30*time.Minute} {
			m := merchant.Merchant{Zone: loc, Cutoff: cutoff}
			for _, day := range []clock.Day{20261122, 20260301, 20260329, 20261025, 20270101} {
				at := m.Begins(day)
				if first, last := m.Day(at), m.Day(at.Add(-time.Microsecond)); first != day || last != day.Add(-1) {
					t.Errorf("%s, cutoff %s: %s is said to begin at %s, which is of %s after %s", zone, cutoff, day, at, first, last)
				}
			}
		}
	}
}
