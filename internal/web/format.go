package web

import (
	"fmt"
	"strings"
	"time"

	"hawker/internal/money"
)

// symbols of the currencies that have one of their own; others show their code.
var symbols = map[money.Currency]string{"CNY": "¥", "HKD": "HK$", "USD": "US$", "EUR": "€", "GBP": "£", "JPY": "JP¥", "MOP": "MOP$", "TWD": "NT$", "KRW": "₩", "SGD": "S$"}

// Symbol is what stands before an amount of a currency.
func Symbol(c money.Currency) string {
	if s, ok := symbols[c]; ok {
		return s
	}
	return string(c) + " "
}

// Money is an amount as people read it: "¥1,234.50", "−¥3.00".
func Money(a money.Amount) string {
	if a.Currency() == "" {
		return "–"
	}
	sign, digits := "", a.Decimal()
	if rest, negative := strings.CutPrefix(digits, "-"); negative {
		sign, digits = "−", rest
	}
	whole, part, has := strings.Cut(digits, ".")
	if has {
		part = "." + part
	}
	return sign + Symbol(a.Currency()) + Grouped(whole) + part
}

// Grouped puts a comma before every three digits.
func Grouped(digits string) string {
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// Clock is hours and minutes in the time's own zone; Seconds has seconds too; When the whole
// instant; ISO is for machines. Handlers put a time into the merchant's zone first.
func Clock(t time.Time) string { return t.Format("15:04") }

// Seconds is hours, minutes and seconds.
func Seconds(t time.Time) string { return t.Format("15:04:05") }

// When is day and time: "2026-11-21 18:42:10".
func When(t time.Time) string { return t.Format("2006-01-02 15:04:05") }

// ISO is RFC 3339, for <time datetime>.
func ISO(t time.Time) string { return t.Format(time.RFC3339) }

var (
	weekdaysZH = [...]string{"周日", "周一", "周二", "周三", "周四", "周五", "周六"}
	dayFormats = map[Lang]func(time.Time) string{
		ZH: func(t time.Time) string {
			return fmt.Sprintf("%d 月 %d 日 %s", t.Month(), t.Day(), weekdaysZH[t.Weekday()])
		},
		EN: func(t time.Time) string { return t.Format("Mon 2 Jan") },
	}
)

// Day is a day as people say it: "11 月 21 日 周六", "Sat 21 Nov".
func Day(l Lang, t time.Time) string { return dayFormats[l](t) }

func dayIn(l Lang) func(time.Time) string { return dayFormats[l] }

// percent is a share of a whole as "52 %"; of nothing it is nothing.
func percent(part, whole int64) string {
	if whole == 0 {
		return "0%"
	}
	return fmt.Sprintf("%.0f%%", float64(part)*100/float64(whole))
}

// tones are the colours of states: what is sure and good, sure and bad, not sure yet, over, passing.
var tones = map[string]string{
	"approved": "good", "completed": "good", "held": "info", "settled": "good", "paid": "good", "active": "good", "accepted": "good", "refunded": "info",
	"declined": "bad", "rejected": "bad", "failed": "bad", "suspended": "bad", "revoked": "bad",
	"unknown": "warn", "reversing": "warn", "cancelling": "warn", "waiting": "warn", "sent": "warn", "voiding": "warn", "adjusting": "warn", "restoring": "warn",
	"completing": "warn", "reopening": "warn", "resuming": "warn", "expiring": "warn", "refunding": "warn", "pending": "warn", "disputed": "violet", "created": "info",
	"reversed": "quiet", "voided": "quiet", "cancelled": "quiet", "expired": "quiet", "partly_refunded": "info", "closed": "quiet", "draft": "quiet",
}

// Tone is the colour of a state's badge: good, bad, warn, info, violet or quiet.
func Tone(state string) string {
	if t, ok := tones[state]; ok {
		return t
	}
	return "quiet"
}
