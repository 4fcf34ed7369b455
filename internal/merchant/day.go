package merchant

import (
	"time"

	"hawker/internal/clock"
)

// Begins is the instant at which a business day begins: what is before it belongs to the day before.
func (m Merchant) Begins(day clock.Day) time.Time {
	y, month, d := day.Time().Date()
	if m.Cutoff <= 0 || m.Cutoff >= 24*time.Hour {
		return time.Date(y, month, d, 0, 0, 0, 0, m.Zone)
	}
	// As the clock on the wall says, on a day that is put forward or back too.
	h, minute, s := int(m.Cutoff/time.Hour), int(m.Cutoff/time.Minute)%60, int(m.Cutoff/time.Second)%60
	return time.Date(y, month, d-1, h, minute, s, 0, m.Zone)
}

// Name is the merchant's name in Chinese or English.
func (m Merchant) Name(zh bool) string {
	if zh || m.NameEN == "" {
		return m.NameZH
	}
	return m.NameEN
}
