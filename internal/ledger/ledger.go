// Package ledger is a double-entry journal. It knows owners, accounts, debits and
// credits; it refuses to know what a payment is. An entry's postings sum to zero
// in every currency or the entry is refused; a fact is booked once.
package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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

// Post writes the entry and moves its balances, in tx. Lock order: balance rows
// by ascending account and currency. ErrUnbalanced, money's errors, or ErrBooked;
// after ErrBooked the transaction must be given up.
func Post(ctx context.Context, tx *store.Tx, e Entry) error {
	if err := e.check(); err != nil {
		return err
	}
	id := store.NewID(e.At)
	_, err := tx.Exec(ctx, `INSERT INTO ledger_entries (merchant_id, entry_id, fact, ref, day, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		e.Owner, id, e.Fact, e.Ref, e.Day, store.At(e.At))
	if store.IsUnique(err) {
		return fmt.Errorf("%w: %s of %s", ErrBooked, e.Fact, e.Ref)
	} else if err != nil {
		return fmt.Errorf("post %s of %s: %w", e.Fact, e.Ref, err)
	}
	postings := slices.Clone(e.Postings)
	slices.SortStableFunc(postings, func(a, b Posting) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Amount.Currency(), b.Amount.Currency()))
	})
	for line, p := range postings {
		if p.Amount.IsZero() {
			continue
		}
		if _, err := tx.Exec(ctx, `INSERT INTO ledger_postings (merchant_id, entry_id, line, account, currency, amount_minor)
			VALUES ($1, $2, $3, $4, $5, $6)`, e.Owner, id, line, p.Account, p.Amount.Currency(), p.Amount.Minor()); err != nil {
			return fmt.Errorf("post %s of %s: %w", e.Fact, e.Ref, err)
		}
		if _, err := tx.Exec(ctx, `INSERT INTO ledger_balances (merchant_id, account, currency, balance_minor) VALUES ($1, $2, $3, $4)
			ON CONFLICT (merchant_id, account, currency) DO UPDATE SET balance_minor = ledger_balances.balance_minor + excluded.balance_minor`,
			e.Owner, p.Account, p.Amount.Currency(), p.Amount.Minor()); err != nil {
			return fmt.Errorf("post %s of %s: %w", e.Fact, e.Ref, err)
		}
	}
	return nil
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
