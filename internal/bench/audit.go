package bench

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"

	"hawker/internal/app"
	"hawker/internal/ledger"
	"hawker/internal/merchant"
	"hawker/internal/payment"
	"hawker/internal/store"
)

// approvedSales names a table of another package on purpose: an audit that asked
// the package itself would share its mistakes.
//
//go:embed audit.sql
var approvedSales string

// tally is what somebody believes that a merchant has sold, in payments and in fen.
type tally struct {
	Count int64 `json:"count"`
	Minor int64 `json:"minor"`
}

// tallies are one side's belief about every merchant.
type tallies map[merchant.ID]tally

func (t tallies) total() (all tally) {
	for _, one := range t {
		all.Count += one.Count
		all.Minor += one.Minor
	}
	return all
}

// Audit holds what terminals or programs were told against what is recorded. Counts are
// payments, sums are fen; what a preload had put there is taken off.
type Audit struct {
	Acknowledged int64  `json:"acknowledged"` // approved payments that somebody was told of, warm-up included
	Database     int64  `json:"database"`     // approved attempts
	Network      int64  `json:"network"`      // sales less reversals in the network's books
	Minor        int64  `json:"acknowledged_minor"`
	Ledger       int64  `json:"ledger_minor"` // receivable from the network
	Proven       bool   `json:"proven"`       // every entry and balance of the ledger; left out after a large preload
	Difference   string `json:"difference,omitempty"`
}

// provable is the most payments of a preload after which the whole ledger is
// proven too: it takes a minute for some millions.
const provable = 100_000

// told is what the askers were told.
func (l *load) told() tallies {
	t := tallies{}
	for _, a := range l.askers {
		one := a.tally()
		m := t[one.merchant]
		t[one.merchant] = tally{m.Count + int64(one.count), m.Minor + one.sum}
	}
	return t
}

// approvedSince reads the approved sales whose attempts were made since one id.
func approvedSince(ctx context.Context, q store.Querier, devices []app.Device, since int64) (tallies, error) {
	sales := tallies{}
	for _, d := range devices {
		var t tally
		if err := q.QueryRow(ctx, approvedSales, d.Merchant, since).Scan(&t.Count, &t.Minor); err != nil {
			return nil, fmt.Errorf("approved sales: %w", err)
		}
		sales[d.Merchant] = t
	}
	return sales, nil
}

// receivables reads what the ledger says that the network owes for each merchant, for cards or for codes.
func receivables(ctx context.Context, q store.Querier, account ledger.Account) (tallies, error) {
	owed := tallies{}
	lines, err := ledger.Trial(ctx, q, 0)
	for _, l := range lines {
		if l.Account == account {
			owed[merchant.ID(l.Owner)] = tally{Minor: l.Balance.Minor()}
		}
	}
	return owed, err
}

// owes reads what the network wrote when it stopped.
func owes(books []byte, devices []app.Device) (tallies, error) {
	byMID := map[string]tally{}
	if err := json.Unmarshal(books, &byMID); err != nil {
		return nil, fmt.Errorf("the network's books: %w", err)
	}
	owed := tallies{}
	for _, d := range devices {
		owed[d.Merchant] = byMID[d.MID]
	}
	return owed, nil
}

// audit compares all sides merchant by merchant once nobody works any more. Its
// error says that it could not look; what it found is in Difference.
func (w *world) audit(ctx context.Context, told tallies, books []byte) (a Audit, err error) {
	network, err := owes(books, w.devices)
	if err != nil {
		return a, err
	}
	db, err := app.OpenStore(ctx, w.dir, w.target)
	if err != nil {
		return a, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	sales, err := approvedSince(ctx, db.Read(), w.devices, w.since)
	if err != nil {
		return a, err
	}
	ledgers, err := receivables(ctx, db.Read(), w.account)
	if err != nil {
		return a, err
	}
	for id, before := range w.receivable {
		ledgers[id] = tally{Minor: ledgers[id].Minor - before.Minor}
	}
	a = Audit{Acknowledged: told.total().Count, Database: sales.total().Count, Network: network.total().Count,
		Minor: told.total().Minor, Ledger: ledgers.total().Minor}
	for _, d := range w.devices {
		t := told[d.Merchant]
		if t != sales[d.Merchant] || t != network[d.Merchant] || t.Minor != ledgers[d.Merchant].Minor {
			a.Difference = fmt.Sprintf("merchant %s: told %v, database %v, network %v, ledger %d",
				d.MID, t, sales[d.Merchant], network[d.Merchant], ledgers[d.Merchant].Minor)
			return a, nil
		}
	}
	return a, w.prove(ctx, db, &a)
}

// prove looks for attempts without an end, and at the whole ledger when it is small enough.
func (w *world) prove(ctx context.Context, db *store.DB, a *Audit) error {
	under, err := payment.UnderWay(ctx, db.Read())
	if err != nil {
		return err
	}
	if len(under) > 0 {
		a.Difference = fmt.Sprintf("%d attempts have no end", len(under))
		return nil
	}
	if w.preload > provable {
		return nil
	}
	if err := ledger.Prove(ctx, db.Read()); err != nil {
		a.Difference = err.Error()
		return nil
	}
	a.Proven = true
	return nil
}
