// Package ledger is a double-entry journal. It knows owners, accounts, debits and
// credits; it refuses to know what a payment is. An entry's postings sum to zero
// in every currency or the entry is refused; a fact is booked once.
package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"hawker/internal/clock"
	"hawker/internal/money"
	"hawker/internal/store"
)

// Errors of Post; match with errors.Is.
var (
	ErrUnbalanced = errors.New("ledger: postings do not sum to zero")
	ErrBooked     = errors.New("ledger: this fact is booked already")
)

// Owner is whose book an entry belongs to. No entry spans two owners, so no row is hot.
type Owner int64

// Account names an account within an owner's book, e.g. "pending".
type Account string

// Posting moves money on one account: positive is a debit, negative a credit.
type Posting struct {
	Account Account
	Amount  money.Amount
}

// Debit puts a on the debit side of an account.
func Debit(account Account, a money.Amount) Posting { return Posting{account, a} }

// Credit puts a on the credit side of an account.
func Credit(account Account, a money.Amount) Posting { return Posting{account, a.Neg()} }

// Entry is one business fact in postings.
type Entry struct {
	Owner    Owner
	Fact     string // what happened: "sale", "void", "refund"…
	Ref      string // to what; Owner, Ref and Fact together are booked once
	Day      clock.Day
	At       time.Time
	Postings []Posting // zero amounts are left out of the journal
}

var (
	insertEntries = store.InsertSet("ledger_entries", "",
		store.Ints("merchant_id"), store.Texts("ref", "fact"), store.Ints("day", "created_at"))
	insertPostings = store.InsertSet("ledger_postings", "",
		store.Ints("merchant_id"), store.Texts("ref", "fact"), store.Ints("line"), store.Texts("account", "currency"), store.Ints("amount_minor"))
	addBalances = store.InsertSet("ledger_balances", `ON CONFLICT (merchant_id, account, currency)
		DO UPDATE SET balance_minor = ledger_balances.balance_minor + excluded.balance_minor`,
		store.Ints("merchant_id"), store.Texts("account", "currency"), store.Ints("balance_minor"))
)

// Post writes entries and moves their balances, in tx; all of them or, with an error,
// none: then the transaction must be given up. Lock order: balance rows by ascending
// owner, account and currency. ErrUnbalanced, money's errors, or ErrBooked.
func Post(ctx context.Context, tx *store.Tx, entries ...Entry) error {
	type cell struct {
		owner    Owner
		account  Account
		currency money.Currency
	}
	var heads, lines [][]any
	deltas := map[cell]money.Amount{}
	for _, e := range entries {
		if err := e.check(); err != nil {
			return err
		}
		heads = append(heads, []any{e.Owner, e.Ref, e.Fact, e.Day, store.At(e.At)})
		for line, p := range e.Postings {
			if p.Amount.IsZero() {
				continue
			}
			c := p.Amount.Currency()
			lines = append(lines, []any{e.Owner, e.Ref, e.Fact, line, p.Account, c, p.Amount.Minor()})
			at := cell{e.Owner, p.Account, c}
			sum, ok := deltas[at]
			if !ok {
				sum = money.Zero(c)
			}
			sum, err := sum.Add(p.Amount)
			if err != nil {
				return fmt.Errorf("post %s of %s: %w", e.Fact, e.Ref, err)
			}
			deltas[at] = sum
		}
	}
	cells := slices.SortedFunc(maps.Keys(deltas), func(a, b cell) int {
		return cmp.Or(cmp.Compare(a.owner, b.owner), cmp.Compare(a.account, b.account), cmp.Compare(a.currency, b.currency))
	})
	moves := make([][]any, len(cells))
	for i, c := range cells {
		moves[i] = []any{c.owner, c.account, c.currency, deltas[c].Minor()}
	}
	if _, err := insertEntries.Exec(ctx, tx, heads); store.IsUnique(err) {
		return fmt.Errorf("%w: %s", ErrBooked, describe(entries))
	} else if err != nil {
		return fmt.Errorf("post %s: %w", describe(entries), err)
	}
	if _, err := insertPostings.Exec(ctx, tx, lines); err != nil {
		return fmt.Errorf("post %s: %w", describe(entries), err)
	}
	if _, err := addBalances.Exec(ctx, tx, moves); err != nil {
		return fmt.Errorf("post %s: %w", describe(entries), err)
	}
	return nil
}

func describe(entries []Entry) string {
	if len(entries) == 1 {
		return entries[0].Fact + " of " + entries[0].Ref
	}
	return fmt.Sprintf("%d entries", len(entries))
}

func (e Entry) check() error {
	if e.Owner == 0 || e.Fact == "" || e.Ref == "" {
		return errors.New("ledger: an entry names its owner, fact and ref")
	}
	sums := map[money.Currency]money.Amount{}
	for _, p := range e.Postings {
		c := p.Amount.Currency()
		if _, ok := sums[c]; !ok {
			sums[c] = money.Zero(c)
		}
		sum, err := sums[c].Add(p.Amount)
		if err != nil {
			return fmt.Errorf("ledger: %s of %s: %w", e.Fact, e.Ref, err)
		}
		sums[c] = sum
	}
	for _, sum := range sums {
		if !sum.IsZero() {
			return fmt.Errorf("%w: %s of %s is off by %s", ErrUnbalanced, e.Fact, e.Ref, sum)
		}
	}
	return nil
}

// Balance is the sum of an account's postings in one currency, debit positive; zero for an account never used.
func Balance(ctx context.Context, q store.Querier, o Owner, account Account, c money.Currency) (money.Amount, error) {
	var minor int64
	err := q.QueryRow(ctx, `SELECT COALESCE(SUM(balance_minor), 0) FROM ledger_balances
		WHERE merchant_id = $1 AND account = $2 AND currency = $3`, o, account, c).Scan(&minor)
	if err != nil {
		return money.Amount{}, fmt.Errorf("balance of %s: %w", account, err)
	}
	return money.New(minor, c), nil
}
