package ledger_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hawker/internal/ledger"
	"hawker/internal/money"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var noon = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

func cny(minor int64) money.Amount { return money.New(minor, money.CNY) }

func post(t testing.TB, db *store.DB, e ledger.Entry) error {
	t.Helper()
	if e.Owner == 0 {
		e.Owner = 1
	}
	if e.Fact == "" {
		e.Fact, e.Day, e.At = "sale", 20261122, noon
	}
	return db.Write(t.Context(), func(tx *store.Tx) error { return ledger.Post(t.Context(), tx, e) })
}

func TestPostRefusesWhatDoesNotBalance(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, c := range []struct {
			name     string
			postings []ledger.Posting
			want     error
		}{
			{"one side only", []ledger.Posting{ledger.Debit("a", cny(1))}, ledger.ErrUnbalanced},
			{"off by one fen", []ledger.Posting{ledger.Debit("a", cny(100)), ledger.Credit("b", cny(99))}, ledger.ErrUnbalanced},
			{"balanced only across currencies", []ledger.Posting{ledger.Debit("a", cny(1)), ledger.Credit("b", money.New(1, money.JPY))}, ledger.ErrUnbalanced},
			{"no currency", []ledger.Posting{ledger.Debit("a", money.Amount{}), ledger.Credit("b", money.Amount{})}, money.ErrCurrency},
			{"overflow", []ledger.Posting{ledger.Debit("a", cny(1<<62)), ledger.Debit("a", cny(1<<62)), ledger.Credit("b", cny(1))}, money.ErrOverflow},
		} {
			if err := post(t, db, ledger.Entry{Ref: c.name, Postings: c.postings}); !errors.Is(err, c.want) {
				t.Errorf("%s: got %v, want %v", c.name, err, c.want)
			}
		}
		lines, err := ledger.Trial(t.Context(), db.Read(), 0)
		if err != nil || len(lines) != 0 {
			t.Fatalf("refused entries left %v, %v", lines, err)
		}
	})
}

func TestAFactIsBookedOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		e := ledger.Entry{Ref: "x", Postings: []ledger.Posting{ledger.Debit("a", cny(5)), ledger.Credit("b", cny(5))}}
		var wg sync.WaitGroup
		var mu sync.Mutex
		booked := 0
		for range 8 {
			wg.Go(func() {
				err := post(t, db, e)
				if err == nil {
					mu.Lock()
					booked++
					mu.Unlock()
				} else if !errors.Is(err, ledger.ErrBooked) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if booked != 1 {
			t.Fatalf("booked %d times", booked)
		}
		if b, err := ledger.Balance(t.Context(), db.Read(), 1, "b", money.CNY); err != nil || b != cny(-5) {
			t.Fatalf("b holds %v, %v", b, err)
		}
	})
}

func TestAnyRunOfEntriesKeepsTheTrialBalanceAtZero(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := 0
		rapid.Check(t, func(r *rapid.T) {
			var ps []ledger.Posting
			for range rapid.IntRange(1, 4).Draw(r, "pairs") {
				c := rapid.SampledFrom([]money.Currency{money.CNY, money.JPY, money.KWD}).Draw(r, "currency")
				a := money.New(rapid.Int64Range(-1e12, 1e12).Draw(r, "minor"), c)
				ps = append(ps, ledger.Debit(ledger.Account(rapid.StringMatching("[abc]").Draw(r, "debit")), a),
					ledger.Credit(ledger.Account(rapid.StringMatching("[abc]").Draw(r, "credit")), a))
			}
			n++
			if err := post(t, db, ledger.Entry{Owner: ledger.Owner(1 + n%3), Ref: fmt.Sprint(n), Postings: ps}); err != nil {
				r.Fatal(err)
			}
		})
		if err := ledger.Prove(t.Context(), db.Read()); err != nil {
			t.Fatal(err)
		}
		sums := map[money.Currency]int64{}
		lines, err := ledger.Trial(t.Context(), db.Read(), 0)
		if err != nil || len(lines) == 0 {
			t.Fatal(lines, err)
		}
		for _, l := range lines {
			sums[l.Balance.Currency()] += l.Balance.Minor()
		}
		for c, sum := range sums {
			if sum != 0 {
				t.Errorf("%s is off by %d", c, sum)
			}
		}
	})
}

func TestProveFindsATamperedRow(t *testing.T) {
	t.Parallel()
	for _, tamper := range []string{
		"UPDATE ledger_postings SET amount_minor = amount_minor + 1 WHERE line = 0",
		"UPDATE ledger_balances SET balance_minor = balance_minor + 1 WHERE account = 'a'",
		"DELETE FROM ledger_balances WHERE account = 'a'",
	} {
		storetest.Each(t, func(t *testing.T, db *store.DB) {
			if err := post(t, db, ledger.Entry{Ref: "x", Postings: []ledger.Posting{ledger.Debit("a", cny(5)), ledger.Credit("b", cny(5))}}); err != nil {
				t.Fatal(err)
			}
			if err := db.Write(t.Context(), func(tx *store.Tx) error { _, err := tx.Exec(t.Context(), tamper); return err }); err != nil {
				t.Fatal(err)
			}
			if err := ledger.Prove(t.Context(), db.Read()); err == nil {
				t.Fatalf("not found: %s", tamper)
			}
		})
	}
}
