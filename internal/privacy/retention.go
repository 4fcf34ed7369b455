package privacy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hawker/internal/audit"
	"hawker/internal/store"
	"hawker/internal/subject"
)

// Purge destroys rows of a table that are older than their term.
type Purge struct {
	Table string
	Keep  Term // from creation
	Do    func(ctx context.Context, tx *store.Tx, before time.Time) (rows int64, err error)
}

// Report is what a retention run did.
type Report struct {
	Ran      time.Time        `json:"ran"`
	Shredded []subject.ID     `json:"shredded"` // whose every hold had ended
	Purged   map[string]int64 `json:"purged"`   // rows by table
	Failed   []string         `json:"failed"`   // what could not be done; the next run tries again
}

// most is how many subjects one run shreds, so that none runs for hours.
const most = 10_000

// Run destroys what the law does not ask for any more, each subject and table in a transaction
// of its own, and writes the report. What fails is in it, and does not stop the rest.
func (o *Office) Run(ctx context.Context) (Report, error) {
	now := store.At(o.now()).Time()
	r := Report{Ran: now, Purged: map[string]int64{}}
	due, err := subject.Due(ctx, o.db.Read(), now, most)
	if err != nil {
		return r, err
	}
	for _, id := range due {
		switch err := o.db.Write(ctx, func(tx *store.Tx) error { return o.ring.Shred(ctx, tx, id) }); {
		case err == nil:
			r.Shredded = append(r.Shredded, id)
		case errors.Is(err, subject.ErrHeld): // a hold was placed meanwhile
		default:
			r.Failed = append(r.Failed, string(id))
		}
	}
	for _, p := range o.purges {
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
