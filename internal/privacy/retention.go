package privacy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"hawker/internal/audit"
	"hawker/internal/store"
	"hawker/internal/subject"
)

// Purge destroys rows of a table whose term in the data map is over.
type Purge struct {
	Table string
	Keep  Term
	Do    func(ctx context.Context, tx *store.Tx, before time.Time) (rows int64, err error) // from creation: what is older
	Of    func(ctx context.Context, tx *store.Tx, id subject.ID) (rows int64, err error)    // from relation: what is of whom, in the transaction that shreds him
}

// Kept are the tables of the data map that no run purges, and why: each is kept in whole, and its term is for a person to end.
var Kept = map[string]Words{
	"fee_consents": {"费率的封印覆盖了同意记录", "The seals of a merchant's fees cover them"},
	"audit_trail":  {"每条记录都与前一条相连", "Each record is chained to the one before"},
	"payments":     {"账目、批次和小票都引用它", "Books, batches and receipts refer to them"},
	"cards":        {"多年前的卡今天也可能来付款", "A card that was first seen long ago may pay today"},
	"accounts":     {"操作记录要能说明是谁", "The trail names who acted"},
}

// Report is what a retention run did.
type Report struct {
	Ran      time.Time        `json:"ran"`
	Shredded []subject.ID     `json:"shredded"` // whose every hold had ended
	Purged   map[string]int64 `json:"purged"`   // rows by table, 0 too
	Kept     []string         `json:"kept"`     // tables that no run purges, see Kept
	Failed   []string         `json:"failed"`   // what could not be done; the next run tries again
}

// most is how many subjects one run shreds, so that none runs for hours.
const most = 10_000

// Run destroys what the law does not ask for any more, each subject and table in a transaction
// of its own, and writes the report. What fails is in it, and does not stop the rest.
func (o *Office) Run(ctx context.Context) (Report, error) {
	now := store.At(o.now()).Time()
	r := Report{Ran: now, Purged: map[string]int64{}, Kept: slices.Sorted(maps.Keys(Kept))}
	for _, p := range o.Purges {
		r.Purged[p.Table] = 0
	}
	due, err := subject.Due(ctx, o.db.Read(), now, most)
	if err != nil {
		return r, err
	}
	for _, id := range due {
		var rows map[string]int64
		switch err := o.db.Write(ctx, func(tx *store.Tx) (err error) { rows, err = o.forget(ctx, tx, id); return err }); {
		case err == nil:
			r.Shredded = append(r.Shredded, id)
			for table, n := range rows {
				r.Purged[table] += n
			}
		case errors.Is(err, subject.ErrHeld): // a hold was placed meanwhile
		default:
			r.Failed = append(r.Failed, string(id))
		}
	}
	for _, p := range o.Purges {
		if p.Do == nil {
			continue
		}
		var n int64
		err := o.db.Write(ctx, func(tx *store.Tx) (err error) {
			n, err = p.Do(ctx, tx, now.AddDate(-p.Keep.Years, 0, 0))
			return err
		})
		if err != nil {
			r.Failed = append(r.Failed, p.Table)
			continue
		}
		r.Purged[p.Table] += n
	}
	text, err := json.Marshal(r)
	if err != nil {
		return r, err
	}
	err = o.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO privacy_runs (run_id, ran_at, report) VALUES ($1, $2, $3)`, store.NewID(now), store.At(now), string(text)); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
		return audit.Append(ctx, tx, audit.Entry{Who: audit.System, What: "privacy.retention", Object: "retention", At: now,
			After: map[string]any{"shredded": len(r.Shredded), "purged": r.Purged, "failed": len(r.Failed)}})
	})
	return r, err
}

// forget shreds a subject's key and destroys what is known of him in clear and kept as long as the relation; rows by table.
func (o *Office) forget(ctx context.Context, tx *store.Tx, id subject.ID) (rows map[string]int64, err error) {
	if err := o.ring.Shred(ctx, tx, id); err != nil {
		return nil, err
	}
	rows = map[string]int64{}
	for _, p := range o.Purges {
		if p.Of == nil {
			continue
		}
		n, err := p.Of(ctx, tx, id)
		if err != nil {
			return nil, fmt.Errorf("purge %s of %s: %w", p.Table, id, err)
		}
		rows[p.Table] += n
	}
	return rows, nil
}

// Runs lists the reports, newest first.
func (o *Office) Runs(ctx context.Context, limit int) ([]Report, error) {
	rows, err := o.db.Read().Query(ctx, `SELECT report FROM privacy_runs ORDER BY run_id DESC LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("retention runs: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var list []Report
	for rows.Next() {
		var text string
		var r Report
		if err := rows.Scan(&text); err != nil {
			return nil, fmt.Errorf("retention runs: %w", err)
		}
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			return nil, fmt.Errorf("retention runs: %w", err)
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// PurgeLooks destroys looks that are older than their term; the Office's own purge.
func PurgeLooks(ctx context.Context, tx *store.Tx, before time.Time) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM privacy_looks WHERE at < $1`, store.At(before))
}

// PurgeRequests destroys requests that were decided, and asked longer ago than their term; the Office's own purge.
func PurgeRequests(ctx context.Context, tx *store.Tx, before time.Time) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM privacy_requests WHERE state <> 'open' AND asked_at < $1`, store.At(before))
}
