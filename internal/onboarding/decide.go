package onboarding

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"hawker/internal/audit"
	"hawker/internal/auth"
	"hawker/internal/papers"
	"hawker/internal/store"
)

// Decision is what a reviewer decides about what he saw.
type Decision struct {
	ID      ID
	Seen    int64             // the application's Move when it was shown
	Ticked  []string          // of the checklist, for an approval
	Notes   map[string]string // by field, for a correction; "" is about the whole
	Reasons []string          // codes, for a rejection
	Said    string            // to the applicant
}

// begin locks an application for a reviewer's decision: he is an operator, it is not his
// own, and it is as he saw it.
func (o *Office) begin(ctx context.Context, tx *store.Tx, w auth.Who, d Decision) (a Application, v Values, err error) {
	if w.Kind != auth.Operator {
		return a, nil, ErrNotStaff.With("%s", w.Kind)
	}
	if a, err = lock(ctx, tx, d.ID); err != nil {
		return a, nil, err
	}
	if a.Move != d.Seen {
		return a, nil, ErrMoved.With("application %s: seen %d, is %d", a.Number, d.Seen, a.Move)
	}
	if v, err = o.Values(ctx, tx, a); err != nil {
		return a, nil, err
	}
	if a.Applicant == Name(w) || (w.Name != "" && (w.Name == v["holder"] || w.Name == v["owner"])) {
		return a, nil, ErrOwn.With("application %s", a.Number)
	}
	return a, v, nil
}

// trail writes a reviewer's decision into the institution's audit trail, last in its transaction.
func (o *Office) trail(ctx context.Context, tx *store.Tx, w auth.Who, a Application, e Event, from State, more ...string) error {
	return audit.Append(ctx, tx, audit.Entry{Who: audit.Actor{Kind: string(w.Kind), ID: w.ID, Name: w.Name, Role: string(w.Role)}, What: "application." + string(e),
		Object: "application/" + a.Number, Before: map[string]any{"state": from}, After: map[string]any{"state": a.State, "grade": a.Grade, "merchant": a.Merchant, "because": more}, From: w.From, At: o.Clock()})
}

// Ask sends an application back, with a note for each field that is to be corrected.
func (o *Office) Ask(ctx context.Context, w auth.Who, d Decision) (a Application, err error) {
	err = o.DB.Write(ctx, func(tx *store.Tx) error {
		if a, _, err = o.begin(ctx, tx, w, d); err != nil {
			return err
		}
		var asked int
		for field, note := range d.Notes {
			if field != "" {
				if _, ok := fieldOf(a.Kind, field); !ok {
					return ErrFieldNotOf.With("%.30q", field)
				}
			}
			if note = papers.Clean(note); note == "" {
				continue
			}
			if note, err = papers.ParseText(note, 1, 300); err != nil {
				return err
			}
			asked++
			if _, err := tx.Exec(ctx, `INSERT INTO application_notes (application_id, round, field, note, asked_by, asked_at)
				VALUES ($1, (SELECT COUNT(*) + 1 FROM application_steps WHERE application_id = $1 AND event = 'ask'), $2, $3, $4, $5)`,
				a.ID, field, note, Name(w), store.At(o.Clock())); err != nil {
				return fmt.Errorf("keep a note: %w", err)
			}
		}
		if asked == 0 {
			return ErrNoNote
		}
		from := a.State
		a.SeconderOf = ""
		if err := o.step(ctx, tx, &a, Ask, Stepped{Who: Name(w)}); err != nil {
			return err
		}
		return o.trail(ctx, tx, w, a, Ask, from)
	})
	return a, err
}

// Reject ends an application with reasons that the applicant sees. Of a merchant's change,
// it drops the change: what stands goes on.
func (o *Office) Reject(ctx context.Context, w auth.Who, d Decision) (a Application, err error) {
	if len(d.Reasons) == 0 || slices.ContainsFunc(d.Reasons, func(r string) bool { return !reasonKnown(r) }) {
		return a, ErrNoReason
	}
	if d.Said, err = papers.ParseText(d.Said, 0, 300); err != nil {
		return a, err
	}
	err = o.DB.Write(ctx, func(tx *store.Tx) error {
		if a, _, err = o.begin(ctx, tx, w, d); err != nil {
			return err
		}
		event, from := Reject, a.State
		if a.Stood() {
			event = Keep
			a.Revision = a.Stands
		}
		a.SeconderOf = ""
		if err := o.step(ctx, tx, &a, event, Stepped{Who: Name(w), Reasons: d.Reasons, Said: d.Said}); err != nil {
			return err
		}
		if a.Stood() {
			if err := dropRevision(ctx, tx, a); err != nil {
				return err
			}
		}
		if err := release(ctx, tx, a.ID); err != nil {
			return err
		}
		return o.trail(ctx, tx, w, a, event, from, d.Reasons...)
	})
	return a, err
}

// Approve approves an application. From the grade of FourEyes on the first approval only
// endorses it, and another reviewer must be the second; the grade is that of now, not of
// the day it came. The approval makes the merchant, or changes it.
func (o *Office) Approve(ctx context.Context, w auth.Who, d Decision) (a Application, err error) {
	if d.Said, err = papers.ParseText(d.Said, 0, 300); err != nil {
		return a, err
	}
	err = o.DB.Write(ctx, func(tx *store.Tx) error {
		var v Values
		if a, v, err = o.begin(ctx, tx, w, d); err != nil {
			return err
		}
		found, score, err := o.assessed(ctx, &tx.Reader, a, v)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(found, func(f Finding) bool { return f.Code == "blocked" }) {
			return ErrBlocked.With("application %s", a.Number)
		}
		grade := a.Grade
		if g := gradeOf(score); g.atLeast(grade) {
			grade = g
		}
		for _, i := range ChecklistOf(a.Kind, grade) {
			if !slices.Contains(d.Ticked, i.Code) {
				return ErrChecklist.With("%s is missing", i.Code)
			}
		}
		if err := o.fit(ctx, tx, a, v); err != nil {
			return err
		}
		from := a.State
		s := Stepped{Who: Name(w), Reasons: d.Ticked, Said: d.Said}
		if grade.atLeast(o.FourEyes) {
			a.Grade, a.Score = grade, max(score, a.Score)
			if a.State != Endorsed {
				a.SeconderOf = Name(w)
				if err := o.step(ctx, tx, &a, Endorse, s); err != nil {
					return err
				}
				return o.trail(ctx, tx, w, a, Endorse, from, d.Ticked...)
			}
			if a.SeconderOf == Name(w) {
				return ErrSame.With("application %s", a.Number)
			}
		}
		if err := o.approve(ctx, tx, &a, v, s); err != nil {
			return err
		}
		return o.trail(ctx, tx, w, a, Approve, from, d.Ticked...)
	})
	return a, err
}

// fit refuses what may not be approved whatever the reviewer ticks: fields that are wrong by
// now, such as a paper that has expired since; an account that nobody proved; a licence or
// filing that does not allow a new merchant.
func (o *Office) fit(ctx context.Context, tx *store.Tx, a Application, v Values) error {
	wrong, err := o.Wrong(ctx, tx, a, v)
	if err != nil {
		return err
	}
	for _, f := range FieldsOf(a.Kind) { // the first in the form's order
		if wrong[f.Name] != nil {
			return wrong[f.Name]
		}
	}
	c, err := o.AccountCheck(ctx, tx, a, v)
	if err != nil {
		return err
	}
	if !c.Verified() {
		return ErrNotVerified.With("application %s", a.Number)
	}
	if a.Stood() {
		return nil
	}
	b := o.Boarder
	b.Institution, b.Provider = a.Institution, a.Provider
	return b.MayBoard(ctx, tx, v["region"], o.today())
}

func (o *Office) approve(ctx context.Context, tx *store.Tx, a *Application, v Values, s Stepped) error {
	if a.Stood() {
		if err := o.alter(ctx, tx, *a, v); err != nil {
			return err
		}
	} else if err := o.board(ctx, tx, a, v); err != nil {
		return err
	}
	a.Stands = a.Revision
	a.Shop, a.MCC, a.Region = v["shop"], v["mcc"], v["region"]
	// The step is judged by whether a revision stood before it; Approve is lawful either way.
	if err := o.step(ctx, tx, a, Approve, s); err != nil {
		return err
	}
	return release(ctx, tx, a.ID)
}

// initials are a shop's name for machines that have no Chinese: what is plain of it, or its merchant number.
func initials(shop, mid string) string {
	plain := strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, shop))
	if len(plain) < 2 {
		return "Merchant " + mid[len(mid)-8:]
	}
	return plain
}
