package subject

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"hawker/internal/store"
)

// Hold says why a subject's key must be kept.
type Hold struct {
	Reason string    // a stable name; one hold a reason
	Until  time.Time // the zero Time: until it is released
	Placed time.Time
}

// Stands reports whether the hold still binds.
func (h Hold) Stands(at time.Time) bool { return h.Until.IsZero() || h.Until.After(at) }

// PlaceHold keeps a subject's key from being shredded. A hold of the same reason is only ever
// prolonged: to shorten it, Release it, which is a decision of its own.
func (r *Ring) PlaceHold(ctx context.Context, tx *store.Tx, id ID, reason string, until time.Time) error {
	if err := id.check(); err != nil {
		return err
	}
	if reason == "" || len(reason) > 64 {
		return fmt.Errorf("hold %s: a reason is needed", id)
	}
	if _, _, err := lock(ctx, tx, id); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO subject_holds (subject, reason, until, placed_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (subject, reason) DO UPDATE SET until = excluded.until
		WHERE subject_holds.until <> 0 AND (excluded.until = 0 OR excluded.until > subject_holds.until)`,
		string(id), reason, store.At(until), store.At(r.now()))
	if err != nil {
		return fmt.Errorf("hold %s: %w", id, err)
	}
	return nil
}

// Release ends the hold of a reason, if there is one.
func (r *Ring) Release(ctx context.Context, tx *store.Tx, id ID, reason string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM subject_holds WHERE subject = $1 AND reason = $2`, string(id), reason); err != nil {
		return fmt.Errorf("release %s: %w", id, err)
	}
	return nil
}

// Holds lists the holds of a subject, those that have ended too, by reason.
func Holds(ctx context.Context, q store.Querier, id ID) ([]Hold, error) {
	rows, err := q.Query(ctx, `SELECT reason, until, placed_at FROM subject_holds WHERE subject = $1 ORDER BY reason`, string(id))
	if err != nil {
		return nil, fmt.Errorf("holds of %s: %w", id, err)
	}
	defer func() { _ = rows.Close() }()
	var list []Hold
	for rows.Next() {
		var h Hold
		var until, placed store.Time
		if err := rows.Scan(&h.Reason, &until, &placed); err != nil {
			return nil, fmt.Errorf("holds of %s: %w", id, err)
		}
		h.Until, h.Placed = until.Time(), placed.Time()
		list = append(list, h)
	}
	return list, rows.Err()
}

// Shred destroys a subject's key: what was sealed under it can never be read again. ErrHeld,
// with the reason, while a hold stands; ErrUnknown when there is no key. Again, it does nothing.
func (r *Ring) Shred(ctx context.Context, tx *store.Tx, id ID) error {
	found, done, err := lock(ctx, tx, id)
	switch {
	case err != nil:
		return err
	case !found:
		return ErrUnknown.With("%s", id)
	case done != 0:
		return nil
	}
	now := r.now()
	holds, err := Holds(ctx, tx, id)
	if err != nil {
		return err
	}
	for _, h := range holds {
		if h.Stands(now) {
			return ErrHeld.With("%s: %s until %s", id, h.Reason, h.Until.Format(time.DateOnly))
		}
	}
	if _, err := tx.Exec(ctx, `UPDATE subject_keys SET wrapped = $1, shredded_at = $2 WHERE subject = $3`, []byte{}, store.At(now), string(id)); err != nil {
		return fmt.Errorf("shred %s: %w", id, err)
	}
	return nil
}

// lock takes the key's row, so that a hold and a shredding at the same time see each other.
func lock(ctx context.Context, tx *store.Tx, id ID) (found bool, shredded store.Time, err error) {
	err = tx.QueryRow(ctx, `SELECT shredded_at FROM subject_keys WHERE subject = $1 FOR UPDATE`, string(id)).Scan(&shredded)
	if errors.Is(err, sql.ErrNoRows) {
		return false, 0, nil
	}
	if err != nil {
		return false, 0, fmt.Errorf("lock the key of %s: %w", id, err)
	}
	return true, shredded, nil
}

// Due lists subjects whose every hold has ended, and who had one: their term is over.
func Due(ctx context.Context, q store.Querier, at time.Time, limit int) ([]ID, error) {
	rows, err := q.Query(ctx, `SELECT k.subject FROM subject_keys k JOIN subject_holds h ON h.subject = k.subject WHERE k.shredded_at = 0
		GROUP BY k.subject HAVING MIN(h.until) > 0 AND MAX(h.until) <= $1 ORDER BY k.subject LIMIT $2`, store.At(at), limit)
	if err != nil {
		return nil, fmt.Errorf("subjects whose term is over: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var list []ID
	for rows.Next() {
		var id ID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("subjects whose term is over: %w", err)
		}
		list = append(list, id)
	}
	return list, rows.Err()
}
