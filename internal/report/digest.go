package report

import (
	"context"
	"fmt"
	"strings"

	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
)

// maxDays bounds a report.
const maxDays = 400

// ErrRange is a report of no day, or of too many.
var ErrRange = fault.New(fault.Invalid, "report_range", "请选一段不超过 400 天的日期，开始不晚于结束。", "Please choose at most 400 days, the first not after the last.")

// Digest is a day with the days it is compared with.
type Digest struct {
	Merchant merchant.Merchant
	Day      Day
	Before   Day // the day before
	Week     Day // the same weekday a week before
}

// DigestOf is the digest of a business day.
func DigestOf(ctx context.Context, q store.Querier, m merchant.Merchant, day clock.Day) (Digest, error) {
	days, err := Days(ctx, q, m, day.Add(-7), day)
	if err != nil {
		return Digest{}, err
	}
	return Digest{m, days[7], days[6], days[0]}, nil
}

// Peak is the hour that took most, and false when none took anything.
func (d Day) Peak() (hour int, ok bool) {
	for h, a := range d.Hours {
		if a.Minor() > d.Hours[hour].Minor() {
			hour = h
		}
	}
	return hour, d.Hours[hour].Sign() > 0
}

// Texts is the digest in a few lines for a message, in Chinese and in English.
func (d Digest) Texts() (zh, en string) {
	var z, e strings.Builder
	day := d.Day
	fmt.Fprintf(&z, "%s %s：实收 %s，%d 笔", d.Merchant.NameZH, day.Day, plain(day.Net()), day.Count)
	fmt.Fprintf(&e, "%s, %s: %s taken in %d payments", d.Merchant.NameEN, day.Day, plain(day.Net()), day.Count)
	if c, ok := Change(day.Net().Minor(), d.Week.Net().Minor()); ok {
		fmt.Fprintf(&z, "，比上周同日 %s", permille(c))
		fmt.Fprintf(&e, ", %s on the same day last week", permille(c))
	}
	z.WriteString("。")
	e.WriteString(".")
	if day.Refunds > 0 {
		fmt.Fprintf(&z, "退款 %s，%d 笔。", plain(day.Given), day.Refunds)
		fmt.Fprintf(&e, " Given back: %s in %d refunds.", plain(day.Given), day.Refunds)
	}
	fmt.Fprintf(&z, "手续费 %s，到账 %s。", plain(day.Fee), plain(day.Arrives()))
	fmt.Fprintf(&e, " Fees %s; %s arrives.", plain(day.Fee), plain(day.Arrives()))
	if h, ok := day.Peak(); ok {
		fmt.Fprintf(&z, "最忙 %d:00–%d:00。", h, h+1)
		fmt.Fprintf(&e, " Busiest from %d:00 to %d:00.", h, h+1)
	}
	if day.Uncertain > 0 {
		fmt.Fprintf(&z, "还有 %d 笔正在确认，请勿重复收款。", day.Uncertain)
		fmt.Fprintf(&e, " %d still being checked: do not charge them again.", day.Uncertain)
	}
	return z.String(), e.String()
}

func permille(p int64) string {
	sign := "+"
	if p < 0 {
		sign, p = "−", -p
	}
	return fmt.Sprintf("%s%d.%d%%", sign, p/10, p%10)
}

func plain(a money.Amount) string {
	if a.Currency() == "CNY" {
		return "¥" + a.Decimal()
	}
	return a.String()
}
