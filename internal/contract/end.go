package contract

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"hawker/internal/audit"
	"hawker/internal/auth"
	"hawker/internal/events"
	"hawker/internal/jobs"
	"hawker/internal/merchant"
	"hawker/internal/store"
	"hawker/internal/subject"
)

// TermNotice is how long before the end of a contract the institution tells a merchant of it.
const TermNotice = 30 * 24 * time.Hour

const (
	jobEnd   = "contract end"
	endTries = 20
)

// End sets when a contract ends. The merchant may end it at any time, at once if he likes and
// without a reason; the institution with thirty days' notice and a reason, or at once where urgent says on what ground.
func (d *Desk) End(ctx context.Context, w auth.Who, m merchant.ID, id int64, at time.Time, why, urgent string) (c Contract, err error) {
	why, urgent = strings.TrimSpace(why), strings.TrimSpace(urgent)
	if err := w.Must(m); err != nil {
		return c, err
	}
	now := d.now()
	switch w.Kind {
	case auth.Staff:
		if !auth.Allows(w, auth.ContractSign) {
			return c, auth.ErrForbidden
		}
	case auth.Operator:
		if !auth.Allows(w, auth.ContractWrite) {
			return c, auth.ErrForbidden
		}
		if n := utf8.RuneCountInString(why); n < 5 || n > 500 {
			return c, ErrWhy
		}
		if at.Before(now.Add(TermNotice)) && utf8.RuneCountInString(urgent) < 5 {
			return c, ErrTerm
		}
	default:
		return c, auth.ErrForbidden
	}
	if at.Before(now) {
		at = now
	}
	err = d.db.Write(ctx, func(tx *store.Tx) error {
		if c, err = one(ctx, tx, m, id, ` FOR UPDATE`); err != nil {
			return err
		}
		c.Ends, c.EndedBy, c.Remark = store.At(at).Time(), actor(w), strings.TrimSpace(why+" "+urgent)
		if err := d.move(ctx, tx, &c, Notice); err != nil {
			return err
		}
		if err := jobs.Add(ctx, tx, now, jobs.Job{Merchant: int64(m), Kind: jobEnd, Ref: fmt.Sprint(id), MaxTries: endTries, Due: c.Ends}); err != nil {
			return err
		}
		if err := audit.Append(ctx, tx, audit.Entry{Merchant: int64(m), Who: auditor(w), What: "contract.end", Object: c.Object(),
			After: map[string]any{"ends": c.Ends.Format(time.RFC3339), "why": c.Remark}, From: w.From, At: now}); err != nil {
			return err
		}
		return events.Append(ctx, tx, events.Event{Merchant: int64(m), Kind: "contract.ending", Ref: c.Object(), At: now,
			Body: map[string]any{"contract": c.ID, "ends": c.Ends.Format(time.RFC3339), "why": c.Remark}})
	})
	return c, err
}

// runEnd ends a contract whose time has come: the merchant takes no payments any more, and
// the law's term for what is kept of him begins.
func (d *Desk) runEnd(ctx context.Context, j jobs.Job) error {
	var id int64
	if _, err := fmt.Sscan(j.Ref, &id); err != nil {
		return fmt.Errorf("job %s %q: %w", j.Kind, j.Ref, err)
	}
	m := merchant.ID(j.Merchant)
	return d.db.Write(ctx, func(tx *store.Tx) error {
		c, err := one(ctx, tx, m, id, ` FOR UPDATE`)
		if err != nil || c.State != Ending {
			return err
		}
		if err := d.move(ctx, tx, &c, Finish); err != nil {
			return err
		}
		if err := merchant.SetState(ctx, tx, m, merchant.Suspended); err != nil {
			return err
		}
		if err := d.each(ctx, tx, m, func(id subject.ID) error {
			if err := d.ring.PlaceHold(ctx, tx, id, "identity", c.Ends.AddDate(KeepYears, 0, 0)); err != nil {
				return err
			}
			return d.ring.Release(ctx, tx, id, HoldRelation)
		}); err != nil {
			return err
		}
		return events.Append(ctx, tx, events.Event{Merchant: j.Merchant, Kind: "contract.ended", Ref: c.Object(), At: d.now(), Body: map[string]any{"contract": c.ID}})
	})
}

// each does something to every subject that a merchant's person or business has.
func (d *Desk) each(ctx context.Context, tx *store.Tx, m merchant.ID, do func(subject.ID) error) error {
	if err := do(who(m)); err != nil {
		return err
	}
	if d.beside == nil {
		return nil
	}
	list, err := d.beside(ctx, tx, m)
	if err != nil {
		return err
	}
	for _, id := range list {
		if err := do(id); err != nil {
			return err
		}
	}
	return nil
}

// KeepYears is how long identity data is kept after a relation ends: the law against money
// laundering of 2024 asks for ten years, others for five; the longest holds.
const KeepYears = 10

// HoldRelation is the reason of the hold that stands as long as a contract does.
const HoldRelation = "relation"
