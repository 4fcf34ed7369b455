// Package report says how business goes: what a day took, hour by hour and by method, what
// was given back, and how that compares. It adds up what payment tells; it owns no table,
// and knows no page.
package report

import (
	"cmp"
	"context"
	"slices"
	"time"

	"hawker/internal/clock"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/store"
)

// Day is one business day of a merchant, in the merchant's currency.
type Day struct {
	Day       clock.Day
	Taken     money.Amount     // approved payments of the day, before refunds
	Count     int              // of them
	Fee       money.Amount     // of them, less what was given back with the day's refunds
	Given     money.Amount     // refunds of the day, whenever the payments were made
	Refunds   int              // of them
	Uncertain int              // payments of the day that are neither approved nor over
	Lost      int              // declined, reversed, voided, cancelled, expired
	Hours     [24]money.Amount // Taken by the merchant's clock
	Methods   []Method         // Taken, the largest first
}

// Method is a part of what was taken.
type Method struct {
	Name  string
	Taken money.Amount
	Count int
}

// Net is what was taken less what was given back.
func (d Day) Net() money.Amount { return minus(d.Taken, d.Given) }

// Arrives is what reaches the merchant of the day: Net less Fee.
func (d Day) Arrives() money.Amount { return minus(d.Net(), d.Fee) }

// Average is what a payment came to, rounded down; zero when there was none.
func (d Day) Average() money.Amount {
	if d.Count == 0 {
		return money.Zero(d.Taken.Currency())
	}
	return money.New(d.Taken.Minor()/int64(d.Count), d.Taken.Currency())
}

// Biggest is the largest hour's Taken.
func (d Day) Biggest() (most money.Amount) {
	most = money.Zero(d.Taken.Currency())
	for _, h := range d.Hours {
		if h.Minor() > most.Minor() {
			most = h
		}
	}
	return most
}

// Days are the business days from one to another, both included and in order, days without
// payments too. At most 400 at once.
func Days(ctx context.Context, q store.Querier, m merchant.Merchant, from, to clock.Day) ([]Day, error) {
	if n := to.Sub(from); n < 0 || n >= maxDays {
		return nil, ErrRange
	}
	sums, err := payment.Sums(ctx, q, m.ID, from, to)
	if err != nil {
		return nil, err
	}
	given, err := payment.GivenBack(ctx, q, m.ID, from, to)
	if err != nil {
		return nil, err
	}
	var days []Day
	at := map[clock.Day]int{}
	for day := from; day <= to; day = day.Add(1) {
		at[day] = len(days)
		days = append(days, empty(day, m.Currency))
	}
	for _, s := range sums {
		if s.Amount.Currency() == m.Currency {
			if err := days[at[s.Day]].add(s, m); err != nil {
				return nil, err
			}
		}
	}
	for _, g := range given {
		if g.Amount.Currency() == m.Currency {
			d := &days[at[g.Day]]
			d.Given, d.Refunds, d.Fee = g.Amount, g.Count, minus(d.Fee, g.Fee)
		}
	}
	for i := range days {
		slices.SortStableFunc(days[i].Methods, func(a, b Method) int { return cmp.Compare(b.Taken.Minor(), a.Taken.Minor()) })
	}
	return days, nil
}

// Of is one business day.
func Of(ctx context.Context, q store.Querier, m merchant.Merchant, day clock.Day) (Day, error) {
	days, err := Days(ctx, q, m, day, day)
	if err != nil {
		return Day{}, err
	}
	return days[0], nil
}

// UpTo is the part of a business day up to an instant in it, to the quarter of an hour:
// what today so far is compared with. Refunds are left out.
func UpTo(ctx context.Context, q store.Querier, m merchant.Merchant, at time.Time) (Day, error) {
	day := m.Day(at)
	sums, err := payment.Sums(ctx, q, m.ID, day, day)
	if err != nil {
		return Day{}, err
	}
	d := empty(day, m.Currency)
	for _, s := range sums {
		if s.At.Before(at) && s.Amount.Currency() == m.Currency {
			if err := d.add(s, m); err != nil {
				return Day{}, err
			}
		}
	}
	return d, nil
}

func empty(day clock.Day, c money.Currency) Day {
	d := Day{Day: day, Taken: money.Zero(c), Fee: money.Zero(c), Given: money.Zero(c)}
	for h := range d.Hours {
		d.Hours[h] = money.Zero(c)
	}
	return d
}

// add takes in the payments of a quarter of an hour.
func (d *Day) add(s payment.Sum, m merchant.Merchant) (err error) {
	switch {
	case s.State.Taken():
	case payment.Passing(s.State):
		d.Uncertain += s.Count
		return nil
	default:
		d.Lost += s.Count
		return nil
	}
	if d.Taken, err = d.Taken.Add(s.Amount); err != nil {
		return err
	}
	if d.Fee, err = d.Fee.Add(s.Fee); err != nil {
		return err
	}
	d.Count += s.Count
	hour := &d.Hours[s.At.In(m.Zone).Hour()]
	if *hour, err = hour.Add(s.Amount); err != nil {
		return err
	}
	i := slices.IndexFunc(d.Methods, func(x Method) bool { return x.Name == s.Method })
	if i < 0 {
		i, d.Methods = len(d.Methods), append(d.Methods, Method{s.Method, money.Zero(m.Currency), 0})
	}
	d.Methods[i].Count += s.Count
	d.Methods[i].Taken, err = d.Methods[i].Taken.Add(s.Amount)
	return err
}

// minus subtracts sums of one currency, which the database has kept within bounds.
func minus(a, b money.Amount) money.Amount {
	rest, err := a.Sub(b)
	if err != nil {
		panic(err) // both are in the merchant's currency
	}
	return rest
}

// Total adds up days.
func Total(days []Day, c money.Currency) (Day, error) {
	sum := empty(0, c)
	var err error
	for _, d := range days {
		sum.Count, sum.Refunds, sum.Uncertain, sum.Lost = sum.Count+d.Count, sum.Refunds+d.Refunds, sum.Uncertain+d.Uncertain, sum.Lost+d.Lost
		for _, pair := range []struct {
			to *money.Amount
			by money.Amount
		}{{&sum.Taken, d.Taken}, {&sum.Fee, d.Fee}, {&sum.Given, d.Given}} {
			if *pair.to, err = pair.to.Add(pair.by); err != nil {
				return Day{}, err
			}
		}
		for h := range d.Hours {
			if sum.Hours[h], err = sum.Hours[h].Add(d.Hours[h]); err != nil {
				return Day{}, err
			}
		}
		for _, m := range d.Methods {
			i := slices.IndexFunc(sum.Methods, func(x Method) bool { return x.Name == m.Name })
			if i < 0 {
				sum.Methods = append(sum.Methods, m)
				continue
			}
			sum.Methods[i].Count += m.Count
			if sum.Methods[i].Taken, err = sum.Methods[i].Taken.Add(m.Taken); err != nil {
				return Day{}, err
			}
		}
	}
	slices.SortStableFunc(sum.Methods, func(a, b Method) int { return cmp.Compare(b.Taken.Minor(), a.Taken.Minor()) })
	return sum, nil
}

// Change is how a figure compares with an earlier one, in tenths of a percent; ok is false
// when there was nothing to compare with.
func Change(now, before int64) (permille int64, ok bool) {
	if before <= 0 {
		return 0, false
	}
	return (now - before) * 1000 / before, true
}
