package payment_test

import (
	"errors"
	"testing"
	"time"

	"hawker/internal/clock"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/risk"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

// calendars are days on which clocks and calendars do something unusual.
var calendars = []struct {
	name   string
	zone   string
	from   time.Time // UTC
	cutoff time.Duration
	hours  int
}{
	{"an hour comes twice, and the day ends in it", "America/New_York", time.Date(2026, 10, 31, 20, 0, 0, 0, time.UTC), hour + 30*time.Minute, 54},
	{"an hour is missing, and the day would end in it", "America/New_York", time.Date(2026, 3, 7, 20, 0, 0, 0, time.UTC), 2*hour + 30*time.Minute, 52},
	{"29 February", "Asia/Shanghai", time.Date(2028, 2, 28, 4, 0, 0, 0, time.UTC), 23 * hour, 54},
	{"the year ends", "Asia/Shanghai", time.Date(2026, 12, 30, 20, 0, 0, 0, time.UTC), 24 * hour, 54},
}

// TestScenario7NoBusinessDayComesTwiceOrIsMissing sells and settles through them.
func TestScenario7NoBusinessDayComesTwiceOrIsMissing(t *testing.T) {
	t.Parallel()
	for _, c := range calendars {
		t.Run(c.name, func(t *testing.T) {
			zone, err := time.LoadLocation(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorldAt(t, db, money.CNY, zone, c.from, c.cutoff)
				sold := map[clock.Day]int64{} // by business day
				settled, last := int64(0), clock.Day(0)
				for range c.hours { // one sale every hour; the batch is settled when a day is over
					a, err := w.sale(100)
					if err != nil || a.State != payment.Approved {
						t.Fatalf("%s: %s, %v", w.clock(), a.State, err)
					}
					if last != 0 && a.Day != last {
						if a.Day < last || a.Day != next(last) {
							t.Fatalf("at %s day %s comes after %s", w.clock().In(zone), a.Day, last)
						}
						b := w.settled()
						settled += b.Host.Debit.Minor()
					}
					last = a.Day
					sold[a.Day] += 100
					w.pass(hour)
				}
				settled += w.settled().Host.Debit.Minor()
				if all := int64(c.hours * 100); settled != all || w.bank.owes() != all || len(sold) < 3 {
					t.Errorf("sold %d on %d days, settled %d, bank owes %d", all, len(sold), settled, w.bank.owes())
				}
				w.agree()
			})
		})
	}
}

// next is the day after, by the calendar.
func next(d clock.Day) clock.Day {
	n := int(d)
	return clock.DayOf(time.Date(n/10000, time.Month(n/100%100), n%100+1, 12, 0, 0, 0, time.UTC), time.UTC, 0)
}

// TestScenario7AClockThatIsPutBackDoublesNothing puts the machine's clock back over
// midnight, between a request and its repeat, and while a reversal waits.
func TestScenario7AClockThatIsPutBackDoublesNothing(t *testing.T) {
	for _, step := range []time.Duration{time.Second, hour, 24 * hour} {
		t.Run(step.String(), func(t *testing.T) {
			each(t, func(t *testing.T, w *world) { // whose fee plan is older than the step
				w.now = time.Date(2026, 11, 24, 16, 0, 0, 500, time.UTC) // 00:00:00 in Shanghai
				w.limit(risk.Limit{Method: payment.MethodCard, Daily: w.amount(3000)})
				src := w.source()
				first, err := w.engine.Sale(t.Context(), w.saleRequest(src, 1000))
				if err != nil || first.State != payment.Approved || first.Day != 20261125 {
					t.Fatalf("%s on %s, %v", first.State, first.Day, err)
				}
				w.bank.always(mute)
				silent, err := w.sale(500)
				if err != nil || silent.State != payment.Reversing {
					t.Fatal(silent.State, err)
				}
				w.bank.always(approves)

				w.pass(-step)
				if again, err := w.engine.Sale(t.Context(), w.saleRequest(src, 1000)); err != nil || again.ID != first.ID || again.Day != first.Day {
					t.Errorf("the repeat is attempt %d of %s, the first was %d of %s, %v", again.ID, again.Day, first.ID, first.Day, err)
				}
				if _, err := w.engine.Sale(t.Context(), w.saleRequest(src, 1001)); !errors.Is(err, payment.ErrReused) {
					t.Errorf("other content under the same key: %v", err)
				}
				earlier := w.mustSale(700) // frozen on the day before
				if earlier.Day != 20261124 {
					t.Errorf("sold on %s", earlier.Day)
				}
				if v, err := w.void(first); err != nil || v.State != payment.Approved {
					t.Errorf("void of a sale from the future: %s, %v", v.State, err)
				}
				b := w.settled()
				if b.Host.Debit.Minor() != 1700 || b.Host.Credit.Minor() != 1000 {
					t.Errorf("settled %+v", b.Host)
				}

				w.pass(step) // and the days go on as before
				w.heal()
				if a := w.mustSale(3000); a.Day != 20261125 || a.Batch != 2 {
					t.Errorf("sold on %s in batch %d", a.Day, a.Batch)
				}
				if a, err := w.sale(1); err != nil || a.Reason != risk.ErrOverDay.Name {
					t.Errorf("the day's limit began anew: %s %s, %v", a.State, a.Reason, err)
				}
				w.agree()
				if asked := len(w.bank.seen); asked != 6 { // four sales, a void, a reversal
					t.Errorf("the bank was asked %d times", asked)
				}
				if w.state(silent) != payment.Reversed {
					t.Errorf("the silent sale is %s", w.state(silent))
				}
			})
		})
	}
}
