// Package clock hands time in and names business days. Nothing in Hawker asks
// the wall clock by itself: it is given a Clock. Instants are UTC; a Day is a
// calendar date in a stated zone.
package clock

import (
	"fmt"
	"time"
	_ "time/tzdata" // zones must resolve on a machine without a zone database
)

// Clock tells the present instant in UTC.
type Clock func() time.Time

// System is the machine's clock.
func System() time.Time { return time.Now().UTC() }

// Day is a business day as yyyymmdd, e.g. 20261122. The zero Day is no day.
type Day int32

// DayOf is the business day of instant t for a merchant in zone, whose day ends at
// cutoff after local midnight. The cutoff is exclusive: with 23h, a payment at
// 23:00:00.000 belongs to tomorrow. A cutoff of 0 or 24h means midnight.
// The local wall clock decides. When it is put back, a day that has begun stays begun,
// so that passing time neither skips nor repeats a day.
func DayOf(t time.Time, zone *time.Location, cutoff time.Duration) Day {
	t = t.In(zone)
	day := wallDay(t, cutoff)
	if jump, _ := t.ZoneBounds(); !jump.IsZero() {
		day = max(day, wallDay(jump.Add(-1).In(zone), cutoff))
	}
	return day
}

// wallDay is what calendar and clock on the wall say.
func wallDay(t time.Time, cutoff time.Duration) Day {
	y, m, d := t.Date()
	sinceMidnight := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute +
		time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())
	if cutoff > 0 && sinceMidnight >= cutoff {
		y, m, d = time.Date(y, m, d+1, 12, 0, 0, 0, time.UTC).Date()
	}
	return Day(y*10000 + int(m)*100 + d) //nolint:gosec // until the year 214748
}

// MMDD is the four digits of ISO 8583 fields 13 and 15.
func (d Day) MMDD() string { return fmt.Sprintf("%04d", d%10000) }

// Month is yyyymm.
func (d Day) Month() int { return int(d) / 100 }

// String is yyyy-mm-dd.
func (d Day) String() string { return fmt.Sprintf("%04d-%02d-%02d", d/10000, d/100%100, d%100) }

// Time is midnight UTC at which the calendar date begins; for arithmetic on dates.
func (d Day) Time() time.Time {
	return time.Date(int(d)/10000, time.Month(int(d)/100%100), int(d)%100, 0, 0, 0, 0, time.UTC)
}

// Sub is how many days later d is than other.
func (d Day) Sub(other Day) int { return int(d.Time().Sub(other.Time()) / (24 * time.Hour)) }

// Add is the day so many days later.
func (d Day) Add(days int) Day { return DayOf(d.Time().AddDate(0, 0, days), time.UTC, 0) }
