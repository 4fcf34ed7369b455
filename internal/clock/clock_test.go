package clock_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"hawker/internal/clock"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestABusinessDayEndsAtItsCutoff(t *testing.T) {
	t.Parallel()
	const eleven = 23 * time.Hour
	for _, c := range []struct {
		name   string
		zone   string
		at     string // RFC 3339, any offset
		cutoff time.Duration
		want   clock.Day
	}{
		{"a nanosecond before the cutoff is today", "Asia/Shanghai", "2026-11-22T22:59:59.999999999+08:00", eleven, 20261122},
		{"the cutoff itself is tomorrow", "Asia/Shanghai", "2026-11-22T23:00:00+08:00", eleven, 20261123},
		{"after midnight the cutoff is ahead again", "Asia/Shanghai", "2026-11-23T00:00:03+08:00", eleven, 20261123},
		{"a cutoff of 0 is midnight: just before", "Asia/Shanghai", "2026-11-22T23:59:59.999999999+08:00", 0, 20261122},
		{"a cutoff of 0 is midnight: at it", "Asia/Shanghai", "2026-11-23T00:00:00+08:00", 0, 20261123},
		{"a cutoff of 24 hours is midnight: just before", "Asia/Shanghai", "2026-11-22T23:59:59.999999999+08:00", 24 * time.Hour, 20261122},
		{"a cutoff of 24 hours is midnight: at it", "Asia/Shanghai", "2026-11-23T00:00:00+08:00", 24 * time.Hour, 20261123},
		{"a cutoff in the morning makes most of the day tomorrow's", "Asia/Shanghai", "2026-11-22T06:00:00+08:00", 6 * time.Hour, 20261123},
		{"the zone decides, not the instant's own offset", "Asia/Shanghai", "2026-11-22T16:30:00Z", 0, 20261123},
		{"west of Greenwich it is yesterday for longer", "America/New_York", "2026-11-23T04:59:59Z", 0, 20261122},
		{"a month ends", "Asia/Shanghai", "2026-11-30T23:30:00+08:00", eleven, 20261201},
		{"a year ends", "Asia/Shanghai", "2026-12-31T23:00:00+08:00", eleven, 20270101},
		{"February of a common year has 28 days", "Asia/Shanghai", "2026-02-28T23:00:00+08:00", eleven, 20260301},
		{"February of a leap year has 29", "Asia/Shanghai", "2028-02-28T23:00:00+08:00", eleven, 20280229},
		{"and ends after the 29th", "Asia/Shanghai", "2028-02-29T23:00:00+08:00", eleven, 20280301},
		{"2000 was a leap year", "Asia/Shanghai", "2000-02-28T23:00:00+08:00", eleven, 20000229},
		{"2100 is none", "Asia/Shanghai", "2100-02-28T23:00:00+08:00", eleven, 21000301},
		{"the day of 23 hours ends at the wall clock's cutoff", "America/New_York", "2026-03-08T22:59:59-04:00", eleven, 20260308},
		{"and not an hour later", "America/New_York", "2026-03-08T23:00:00-04:00", eleven, 20260309},
		{"the day of 25 hours ends at the wall clock's cutoff", "America/New_York", "2026-11-01T22:59:59-05:00", eleven, 20261101},
		{"and not an hour earlier", "America/New_York", "2026-11-01T23:00:00-05:00", eleven, 20261102},
		{"a cutoff in the hour that is left out: before the jump", "Europe/Berlin", "2026-03-29T01:59:59+01:00", 150 * time.Minute, 20260329},
		{"a cutoff in the hour that is left out: after the jump", "Europe/Berlin", "2026-03-29T03:00:00+02:00", 150 * time.Minute, 20260330},
		{"a cutoff in the hour that comes twice: before it", "Europe/Berlin", "2026-10-25T02:29:59+02:00", 150 * time.Minute, 20261025},
		{"a cutoff in the hour that comes twice: the first time ends the day", "Europe/Berlin", "2026-10-25T02:30:00+02:00", 150 * time.Minute, 20261026},
		{"a cutoff in the hour that comes twice: the day that ended does not come back", "Europe/Berlin", "2026-10-25T02:15:00+01:00", 150 * time.Minute, 20261026},
		{"a midnight that comes twice ends the day once", "Asia/Beirut", "2026-10-24T23:30:00+02:00", 23 * time.Hour, 20261025},
		{"a day without a midnight begins at one", "Africa/Cairo", "2026-04-24T01:00:00+03:00", 0, 20260424},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			at, err := time.Parse(time.RFC3339Nano, c.at)
			if err != nil {
				t.Fatal(err)
			}
			if got := clock.DayOf(at, zone(t, c.zone), c.cutoff); got != c.want {
				t.Errorf("%s in %s with cutoff %v is %v, want %v", c.at, c.zone, c.cutoff, got, c.want)
			}
		})
	}
}

// However a zone's clock jumps, days come in order, each once, and none is left out.
func TestTimePassingNeverRepeatsNorSkipsADay(t *testing.T) {
	t.Parallel()
	var zones []*time.Location
	for _, name := range []string{"Asia/Shanghai", "UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Beirut",
		"Africa/Cairo", "America/Santiago", "America/Havana", "Asia/Kathmandu", "Pacific/Chatham"} {
		zones = append(zones, zone(t, name))
	}
	rapid.Check(t, func(r *rapid.T) {
		z := rapid.SampledFrom(zones).Draw(r, "zone")
		minutes := rapid.OneOf(rapid.IntRange(0, 24*60), rapid.IntRange(0, 4*60), rapid.IntRange(23*60, 24*60)) // most clocks jump at night
		cutoff := time.Duration(minutes.Draw(r, "cutoff")) * time.Minute
		at := time.Date(2026, 1, 1, 0, rapid.IntRange(0, 365*24*60).Draw(r, "start"), 0, 0, time.UTC)
		if _, jump := at.In(z).ZoneBounds(); !jump.IsZero() && rapid.Bool().Draw(r, "at a jump") {
			at = jump.Add(-36 * time.Hour)
		}
		last := clock.DayOf(at, z, cutoff)
		for range 3 * 24 * 12 {
			at = at.Add(5 * time.Minute)
			day := clock.DayOf(at, z, cutoff)
			if next := after(last); day != last && day != next {
				r.Fatalf("%v in %v follows %v with %v", at.In(z), z, last, day)
			}
			last = day
		}
	})
}

func after(d clock.Day) clock.Day {
	y, m, day := time.Date(int(d)/10000, time.Month(int(d)/100%100), int(d)%100+1, 0, 0, 0, 0, time.UTC).Date()
	return clock.Day(y*10000 + int(m)*100 + day)
}

func TestADayWritesItself(t *testing.T) {
	t.Parallel()
	d := clock.Day(20260105)
	if d.String() != "2026-01-05" || d.MMDD() != "0105" || d.Month() != 202601 {
		t.Errorf("%v, %s, %d", d, d.MMDD(), d.Month())
	}
	if z := clock.Day(0); z.String() != "0000-00-00" || z.MMDD() != "0000" {
		t.Errorf("the zero day is %v, %s", z, z.MMDD())
	}
}

func TestTheSystemClockIsUTC(t *testing.T) {
	t.Parallel()
	if now := clock.System(); now.Location() != time.UTC || time.Since(now) > time.Minute {
		t.Errorf("it is %v", now)
	}
}

func TestDatesAreCountedByTheCalendar(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from clock.Day
		days int
		to   clock.Day
	}{
		{20261231, 1, 20270101}, {20280228, 1, 20280229}, {20270228, 1, 20270301}, {20261125, 0, 20261125}, {20260301, -1, 20260228}, {20261125, 365, 20271125},
	} {
		if got := c.from.Add(c.days); got != c.to || c.to.Sub(c.from) != c.days {
			t.Errorf("%s and %d days is %s, which is %d later", c.from, c.days, got, c.to.Sub(c.from))
		}
	}
}
