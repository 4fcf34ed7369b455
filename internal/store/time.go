package store

import "time"

// Time stores an instant as BIGINT microseconds, UTC: the one form that both
// databases order, compare and scan alike. The zero Time stores 0 and means never.
type Time int64

// At makes a Time of t, cut to the microsecond. The zero time.Time gives 0.
func At(t time.Time) Time {
	if t.IsZero() {
		return 0
	}
	return Time(t.UnixMicro())
}

// Time gives the instant in UTC; 0 gives the zero time.Time.
func (t Time) Time() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(t)).UTC()
}
