package risk_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/money"
	"hawker/internal/risk"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

const today clock.Day = 20261122

func cny(minor int64) money.Amount { return money.New(minor, money.CNY) }

func limit(kind string, each, daily, monthly int64) risk.Limit {
	return risk.Limit{Method: "card", CardKind: kind, PerPayment: cny(each), Daily: cny(daily), Monthly: cny(monthly)}
}

func set(t testing.TB, db *store.DB, limits ...risk.Limit) {
	t.Helper()
	for _, l := range limits {
		if err := db.Write(t.Context(), func(tx *store.Tx) error { return risk.SetLimit(t.Context(), tx, 1, l) }); err != nil {
			t.Fatal(err)
		}
	}
}

func sale(kind string, minor int64, day clock.Day) risk.Facts {
	return risk.Facts{Merchant: 1, Attempt: 100, Method: "card", CardKind: kind, Amount: cny(minor), Day: day}
}

// assess commits whatever the decision is, as a payment does: a refusal must have counted nothing.
func assess(t testing.TB, db *store.DB, f risk.Facts) (a risk.Approval, refusal error) {
	t.Helper()
	if err := db.Write(t.Context(), func(tx *store.Tx) error {
		desk := risk.NewDesk(tx)
		a, refusal = desk.Assess(t.Context(), f)
		return desk.Write(t.Context())
	}); err != nil {
		t.Error(err)
		return a, err
	}
	if granted := a.Use(f.Attempt) == nil; granted != (refusal == nil) {
		t.Errorf("approval granted: %v, refusal: %v", granted, refusal)
	}
	return a, refusal
}

func release(t testing.TB, db *store.DB, f risk.Facts) {
	t.Helper()
	if err := db.Write(t.Context(), func(tx *store.Tx) error {
		desk := risk.NewDesk(tx)
		return errors.Join(desk.Release(t.Context(), f), desk.Write(t.Context()))
	}); err != nil {
		t.Fatal(err)
	}
}

func used(t testing.TB, db *store.DB, kind string, period int) (minor int64) {
	t.Helper()
	if err := db.Read().QueryRow(t.Context(), `SELECT COALESCE(SUM(used_minor), 0) FROM limit_usage WHERE merchant_id = 1 AND method = 'card'
		AND card_kind = $1 AND period = $2`, kind, period).Scan(&minor); err != nil {
		t.Fatal(err)
	}
	return minor
}

func TestLimits(t *testing.T) {
	t.Parallel()
	type step struct {
		facts risk.Facts
		want  error
	}
	tomorrow, nextMonth, other := clock.Day(20261123), clock.Day(20261201), sale("debit", 1, today)
	other.Merchant = 2
	wallet := sale("", 1, today)
	wallet.Method = "wallet"
	rows := []struct {
		name   string
		limits []risk.Limit
		steps  []step
	}{
		{"without any, everything goes", nil, []step{{sale("debit", 1e12, today), nil}}},
		{"zero amounts are none", []risk.Limit{limit("", 0, 0, 0)}, []step{{sale("debit", 1e12, today), nil}}},
		{"of one payment: exactly at it", []risk.Limit{limit("", 500, 0, 0)}, []step{{sale("debit", 500, today), nil}, {sale("debit", 500, today), nil}}},
		{"of one payment: a fen over", []risk.Limit{limit("", 500, 0, 0)}, []step{{sale("debit", 501, today), risk.ErrOverPayment}}},
		{"of a day: exactly used up", []risk.Limit{limit("", 0, 1000, 0)},
			[]step{{sale("debit", 999, today), nil}, {sale("debit", 2, today), risk.ErrOverDay}, {sale("debit", 1, today), nil}, {sale("debit", 1, today), risk.ErrOverDay}}},
		{"of a day: the first payment is over", []risk.Limit{limit("", 0, 1000, 0)}, []step{{sale("debit", 1001, today), risk.ErrOverDay}, {sale("debit", 1000, today), nil}}},
		{"of a day: tomorrow is fresh", []risk.Limit{limit("", 0, 1000, 0)}, []step{{sale("debit", 1000, today), nil}, {sale("debit", 1000, tomorrow), nil}}},
		{"of a month: exactly used up over days", []risk.Limit{limit("", 0, 0, 1000)},
			[]step{{sale("debit", 600, today), nil}, {sale("debit", 401, tomorrow), risk.ErrOverMonth}, {sale("debit", 400, tomorrow), nil}, {sale("debit", 1, tomorrow), risk.ErrOverMonth}}},
		{"of a month: the next is fresh", []risk.Limit{limit("", 0, 0, 1000)}, []step{{sale("debit", 1000, today), nil}, {sale("debit", 1000, nextMonth), nil}}},
		{"what the month refuses does not use up the day", []risk.Limit{limit("", 0, 900, 1000)},
			[]step{{sale("debit", 900, today), nil}, {sale("debit", 200, tomorrow), risk.ErrOverMonth}, {sale("debit", 100, tomorrow), nil}}},
		{"of a card kind bind that kind only", []risk.Limit{limit("debit", 0, 1000, 0)},
			[]step{{sale("debit", 1001, today), risk.ErrOverDay}, {sale("credit", 1001, today), nil}, {sale("", 1001, today), nil}}},
		{"of all kinds together count them all", []risk.Limit{limit("", 0, 1000, 0)},
			[]step{{sale("debit", 600, today), nil}, {sale("credit", 401, today), risk.ErrOverDay}, {sale("", 400, today), nil}}},
		{"both hold: what the kind refuses does not use up the whole", []risk.Limit{limit("", 0, 1000, 0), limit("debit", 0, 100, 0)},
			[]step{{sale("debit", 101, today), risk.ErrOverDay}, {sale("credit", 1000, today), nil}, {sale("debit", 1, today), risk.ErrOverDay}}},
		{"both hold: the kind's own for one payment", []risk.Limit{limit("", 1000, 1000, 0), limit("debit", 50, 0, 0)},
			[]step{{sale("debit", 51, today), risk.ErrOverPayment}, {sale("credit", 1000, today), nil}}},
		{"bind one method only", []risk.Limit{limit("", 0, 1000, 0)}, []step{{sale("debit", 1000, today), nil}, {wallet, nil}}},
		{"bind one merchant only", []risk.Limit{limit("", 0, 1000, 0)}, []step{{sale("debit", 1000, today), nil}, {other, nil}}},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for i, c := range rows { // a merchant each
			for _, l := range c.limits {
				if err := db.Write(t.Context(), func(tx *store.Tx) error { return risk.SetLimit(t.Context(), tx, int64(1000*i+1), l) }); err != nil {
					t.Fatal(err)
				}
			}
			for n, s := range c.steps {
				s.facts.Merchant += int64(1000 * i)
				_, err := assess(t, db, s.facts)
				if !errors.Is(err, s.want) || (s.want != nil && fault.Of(err).Kind != fault.Declined) {
					t.Errorf("%s: step %d: got %v, want %v", c.name, n+1, err, s.want)
				}
			}
		}
	})
}

func TestALimitThatIsLoweredBindsAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		set(t, db, limit("", 0, 1000, 0))
		if _, err := assess(t, db, sale("debit", 800, today)); err != nil {
			t.Fatal(err)
		}
		set(t, db, limit("", 0, 500, 0))
		if _, err := assess(t, db, sale("debit", 1, today)); !errors.Is(err, risk.ErrOverDay) {
			t.Errorf("got %v", err)
		}
	})
}

func TestReleaseGivesBackWhatWasCounted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		set(t, db, limit("", 0, 1000, 2000), limit("debit", 0, 1000, 2000))
		f := sale("debit", 1000, today)
		if _, err := assess(t, db, f); err != nil {
			t.Fatal(err)
		}
		release(t, db, f)
		for _, kind := range []string{"", "debit"} {
			if day, month := used(t, db, kind, int(today)), used(t, db, kind, today.Month()); day != 0 || month != 0 {
				t.Errorf("kind %q: %d of the day and %d of the month are still used", kind, day, month)
			}
		}
		release(t, db, f) // once too often
		if _, err := assess(t, db, sale("debit", 1001, today)); !errors.Is(err, risk.ErrOverDay) {
			t.Errorf("releasing twice made room: %v", err)
		}
		if _, err := assess(t, db, f); err != nil {
			t.Errorf("after the release: %v", err)
		}
	})
}

func TestTheLastOfALimitGoesToOneOfOneTransaction(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		set(t, db, limit("", 0, 1000, 1500), limit("debit", 0, 700, 0))
		step := func(desk *risk.Desk, f risk.Facts, want error) {
			t.Helper()
			if _, err := desk.Assess(t.Context(), f); !errors.Is(err, want) {
				t.Errorf("%d by %q on %v: got %v, want %v", f.Amount.Minor(), f.CardKind, f.Day, err, want)
			}
		}
		if err := db.Write(t.Context(), func(tx *store.Tx) error {
			desk, tomorrow := risk.NewDesk(tx), today+1
			if err := desk.Load(t.Context(), sale("debit", 1, today), sale("credit", 1, tomorrow)); err != nil {
				return err
			}
			step(desk, sale("debit", 700, today), nil)
			step(desk, sale("debit", 1, today), risk.ErrOverDay)
			step(desk, sale("credit", 300, today), nil)
			step(desk, sale("credit", 1, today), risk.ErrOverDay)
			step(desk, sale("credit", 501, tomorrow), risk.ErrOverMonth)
			mark := desk.Mark()
			step(desk, sale("credit", 500, tomorrow), nil)
			step(desk, sale("credit", 1, tomorrow), risk.ErrOverMonth)
			desk.Back(mark) // the payment could not be written: its neighbours stand
			step(desk, sale("credit", 499, tomorrow), nil)
			if err := desk.Release(t.Context(), sale("credit", 300, today)); err != nil {
				return err
			}
			step(desk, sale("credit", 301, tomorrow), nil)
			step(desk, sale("credit", 1, tomorrow), risk.ErrOverMonth)
			return errors.Join(desk.Write(t.Context()), desk.Write(t.Context())) // what is written is not written again
		}); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			kind   string
			period int
			want   int64
		}{{"", int(today), 700}, {"", int(today) + 1, 800}, {"", today.Month(), 1500}, {"debit", int(today), 700}, {"debit", int(today) + 1, 0}} {
			if got := used(t, db, c.kind, c.period); got != c.want {
				t.Errorf("kind %q, period %d: %d are counted, want %d", c.kind, c.period, got, c.want)
			}
		}
	})
}

// Transactions that touch the same counters in different order must all end well.
func TestDesksThatCrossCountRightly(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const merchants, writers, rounds = 3, 6, 5
		for m := range merchants {
			if err := db.Write(t.Context(), func(tx *store.Tx) error {
				return risk.SetLimit(t.Context(), tx, int64(1+m), limit("", 0, 1_000_000, 1_000_000))
			}); err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for range rounds {
					if err := db.Write(t.Context(), func(tx *store.Tx) error {
						desk := risk.NewDesk(tx)
						var all []risk.Facts
						for i := range merchants {
							f := sale("debit", 1, today)
							f.Merchant = int64(1 + (w+i)%merchants)
							all = append(all, f)
						}
						if err := desk.Load(t.Context(), all...); err != nil {
							return err
						}
						for _, f := range all {
							if _, err := desk.Assess(t.Context(), f); err != nil {
								return err
							}
						}
						return desk.Write(t.Context())
					}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		rows, err := db.Read().Query(t.Context(), "SELECT merchant_id, used_minor FROM limit_usage")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		n := 0
		for rows.Next() {
			var merchant, minor int64
			if err := rows.Scan(&merchant, &minor); err != nil || minor != writers*rounds {
				t.Errorf("merchant %d: %d are counted, %v", merchant, minor, err)
			}
			n++
		}
		if rows.Err() != nil || n != 2*merchants {
			t.Errorf("%d counters, %v", n, rows.Err())
		}
	})
}

func TestTheLastOfALimitGoesToOne(t *testing.T) {
	t.Parallel()
	for name, limits := range map[string][]risk.Limit{
		"of a day":   {limit("", 0, 1000, 0)},
		"of a month": {limit("", 0, 0, 1000)},
		"of a kind, while all kinds together have room": {limit("", 0, 100_000, 100_000), limit("debit", 0, 1000, 1000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				set(t, db, limits...)
				if _, err := assess(t, db, sale("debit", 900, today)); err != nil {
					t.Fatal(err)
				}
				var wg sync.WaitGroup
				var granted atomic.Int32
				for i := range 32 {
					wg.Go(func() {
						f := sale("debit", 100, today)
						f.Attempt = int64(i)
						switch _, err := assess(t, db, f); {
						case err == nil:
							granted.Add(1)
						case fault.Of(err).Kind != fault.Declined:
							t.Error(err)
						}
					})
				}
				wg.Wait()
				if granted.Load() != 1 {
					t.Errorf("granted %d times", granted.Load())
				}
				if all := used(t, db, "", int(today)); limits[0].Daily.Sign() > 0 && all != 1000 {
					t.Errorf("%d are counted for all kinds together", all)
				}
			})
		})
	}
}

// Whatever is assessed and released, what is counted is what stands, and never over the limit.
func TestCountersAreWhatStands(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		set(t, db, limit("", 400, 1000, 1500), limit("debit", 300, 700, 0))
		merchant := int64(1)
		rapid.Check(t, func(r *rapid.T) {
			merchant++
			if err := db.Write(t.Context(), func(tx *store.Tx) error {
				return errors.Join(risk.SetLimit(t.Context(), tx, merchant, limit("", 400, 1000, 1500)),
					risk.SetLimit(t.Context(), tx, merchant, limit("debit", 300, 700, 0)))
			}); err != nil {
				r.Fatal(err)
			}
			var standing []risk.Facts
			for range rapid.IntRange(1, 8).Draw(r, "steps") {
				if len(standing) > 0 && rapid.IntRange(0, 3).Draw(r, "release") == 0 {
					release(t, db, standing[0])
					standing = standing[1:]
					continue
				}
				f := sale(rapid.SampledFrom([]string{"debit", "credit", ""}).Draw(r, "kind"), rapid.Int64Range(1, 450).Draw(r, "minor"),
					rapid.SampledFrom([]clock.Day{20261122, 20261123}).Draw(r, "day"))
				f.Merchant = merchant
				if _, err := assess(t, db, f); err == nil {
					standing = append(standing, f)
				}
			}
			want := map[string]int64{}
			for _, f := range standing {
				want[fmt.Sprint(" ", int(f.Day))] += f.Amount.Minor()
				want[fmt.Sprint(" ", f.Day.Month())] += f.Amount.Minor()
				if f.CardKind == "debit" {
					want[fmt.Sprint("debit ", int(f.Day))] += f.Amount.Minor()
				}
			}
			rows, err := db.Read().Query(t.Context(), `SELECT card_kind, period, used_minor FROM limit_usage WHERE merchant_id = $1`, merchant)
			if err != nil {
				r.Fatal(err)
			}
			defer func() { _ = rows.Close() }()
			for rows.Next() {
				var kind string
				var period, minor int64
				if err := rows.Scan(&kind, &period, &minor); err != nil {
					r.Fatal(err)
				}
				name := fmt.Sprint(kind, " ", period)
				if want[name] != minor {
					r.Fatalf("%q: counted %d, standing %d", name, minor, want[name])
				}
				delete(want, name)
			}
			if err := rows.Err(); err != nil || len(want) > 0 {
				r.Fatalf("not counted: %v, %v", want, err)
			}
		})
	})
}

func TestNothingAndLessIsNotApproved(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		set(t, db, limit("", 0, 1000, 0))
		if _, err := assess(t, db, sale("debit", 1000, today)); err != nil {
			t.Fatal(err)
		}
		for _, minor := range []int64{0, -1, -1000} {
			if _, err := assess(t, db, sale("debit", minor, today)); err == nil {
				t.Errorf("%d was approved", minor)
			}
		}
		if n := used(t, db, "", int(today)); n != 1000 {
			t.Errorf("a negative amount made room: %d are used", n)
		}
	})
}

func TestAnApprovalIsForOneAttemptAndOneUse(t *testing.T) {
	t.Parallel()
	a := risk.AssessReturn(risk.Facts{Attempt: 100, Amount: cny(1)})
	if err := a.Use(101); !errors.Is(err, risk.ErrNoApproval) {
		t.Errorf("another attempt: %v", err)
	}
	twin := a // a copy is the same approval
	var wg sync.WaitGroup
	var granted atomic.Int32
	for range 32 {
		wg.Go(func() {
			if twin.Use(100) == nil {
				granted.Add(1)
			}
		})
	}
	wg.Wait()
	if err := a.Use(100); granted.Load() != 1 || !errors.Is(err, risk.ErrNoApproval) {
		t.Errorf("used %d times, and then %v", granted.Load(), err)
	}
	for _, attempt := range []int64{0, 100} {
		if err := (risk.Approval{}).Use(attempt); !errors.Is(err, risk.ErrNoApproval) {
			t.Errorf("the zero approval for %d: %v", attempt, err)
		}
	}
}

func TestADatabaseThatIsGoneApprovesNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.Exec(t.Context(), "DROP TABLE limits"); err != nil {
				return err
			}
			a, err := risk.NewDesk(tx).Assess(t.Context(), sale("debit", 1, today))
			if a.Use(100) == nil {
				t.Error("it approved")
			}
			return err
		})
		if fault.Of(err).Kind != fault.Internal {
			t.Errorf("got %v", err)
		}
	})
}
