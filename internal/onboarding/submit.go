package onboarding

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"hawker/internal/fault"
	"hawker/internal/store"
)

// ErrNothing is a change that changes nothing.
var ErrNothing = fault.New(fault.Conflict, "change_nothing", "没有任何修改。", "Nothing was changed.")

// Applicant is who acts for an applicant in an application's steps.
const Applicant = "applicant"

// Wrong is everything that is wrong with an application as it is written, by field.
func (o *Office) Wrong(ctx context.Context, q store.Querier, a Application, v Values) (map[string]error, error) {
	photos, err := Photos(ctx, q, a)
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, p := range photos {
		there[p.Name] = true
	}
	return Check(a.Kind, v, there, o.today()), nil
}

// Submit hands an application, a correction or a merchant's change to the reviewers. When
// fields are wrong they are told and nothing else happens. ErrTwice when the same person or
// licence is under review already.
func (o *Office) Submit(ctx context.Context, id ID) (wrong map[string]error, a Application, err error) {
	err = o.DB.Write(ctx, func(tx *store.Tx) error {
		wrong = nil
		if a, err = lock(ctx, tx, id); err != nil {
			return err
		}
		event := Submit
		switch {
		case a.State == Approved && a.Revision == a.Stands:
			return ErrNothing
		case a.State == Approved:
			event = Change
		case a.Stood():
			event = Resubmit
		}
		if _, err := Next(a.State, event, a.Stood()); err != nil {
			return err
		}
		v, err := o.Values(ctx, tx, a)
		if err != nil {
			return err
		}
		if wrong, err = o.Wrong(ctx, tx, a, v); err != nil || len(wrong) > 0 {
			return err
		}
		if !a.Stood() {
			if err := o.Boarder.MayBoard(ctx, tx, v["region"], o.today()); err != nil {
				return err
			}
		}
		if err := o.claim(ctx, tx, a, v); err != nil {
			return err
		}
		return o.submit(ctx, tx, &a, event, v)
	})
	return wrong, a, err
}

func (o *Office) submit(ctx context.Context, tx *store.Tx, a *Application, e Event, v Values) error {
	looks, err := o.looks(ctx, tx, *a)
	if err != nil {
		return err
	}
	marks, err := o.marks(ctx, *a, v, looks)
	if err != nil {
		return err
	}
	if err := putMarks(ctx, tx, a.ID, marks); err != nil {
		return err
	}
	a.Submitted = o.Clock()
	found, score, err := o.assess(ctx, &tx.Reader, *a, v, marks)
	if err != nil {
		return err
	}
	a.Score, a.Grade, a.SeconderOf = score, gradeOf(score), ""
	a.Due = a.Submitted.Add(o.SLA[a.Grade])
	if err := o.step(ctx, tx, a, e, Stepped{Who: Applicant}); err != nil {
		return err
	}
	return o.refresh(ctx, tx, found)
}

// refresh grades those anew that wait and share something with who has just come: what was
// harmless alone may be a ring now.
func (o *Office) refresh(ctx context.Context, tx *store.Tx, found []Finding) error {
	seen := map[ID]bool{}
	for _, f := range found {
		for _, kin := range f.With {
			if !f.Mule || seen[kin.ID] || !kin.State.Waiting() || len(seen) >= 20 {
				continue
			}
			seen[kin.ID] = true
			a, err := lock(ctx, tx, kin.ID)
			if err != nil {
				return err
			}
			v, err := o.Values(ctx, tx, a)
			if err != nil {
				return err
			}
			_, score, err := o.assessed(ctx, &tx.Reader, a, v)
			if err != nil {
				return err
			}
			if score <= a.Score {
				continue
			}
			a.Score, a.Grade = score, gradeOf(score)
			if err := put(ctx, tx, &a, o.Clock()); err != nil {
				return err
			}
		}
	}
	return nil
}

// assessed is assess with the marks that are kept.
func (o *Office) assessed(ctx context.Context, q *store.Reader, a Application, v Values) ([]Finding, int, error) {
	all, err := marksOf(ctx, q, a.ID)
	if err != nil {
		return nil, 0, err
	}
	return o.assess(ctx, q, a, v, all[a.ID])
}

// Choose changes the plan that an applicant wants, while he may write.
func (o *Office) Choose(ctx context.Context, id ID, model, feePlan string) (a Application, err error) {
	err = o.DB.Write(ctx, func(tx *store.Tx) error {
		if a, err = lock(ctx, tx, id); err != nil {
			return err
		}
		if a.Stood() || !a.State.Open() {
			return ErrClosed.With("application %s is %s", a.Number, a.State)
		}
		if _, err := o.Offer.Compose(a.Needs, model, feePlan); err != nil {
			return err
		}
		a.Model, a.FeePlan, a.Offer = model, feePlan, o.Offer.Version
		return put(ctx, tx, &a, o.Clock())
	})
	return a, err
}

// Withdraw ends an application and erases what it told: the fields, the photos, the marks,
// and the key under which all of it was sealed. ErrClosed once there is a merchant.
func (o *Office) Withdraw(ctx context.Context, id ID) (a Application, err error) {
	err = o.DB.Write(ctx, func(tx *store.Tx) error {
		if a, err = lock(ctx, tx, id); err != nil {
			return err
		}
		if a.Stood() {
			return ErrClosed.With("application %s has a merchant", a.Number)
		}
		a.Shop, a.MCC, a.Region, a.Device = "", "", "", ""
		if err := o.step(ctx, tx, &a, Withdraw, Stepped{Who: Applicant}); err != nil {
			return err
		}
		return o.erase(ctx, tx, a.ID)
	})
	return a, err
}

// erase deletes what an application told and destroys its key.
func (o *Office) erase(ctx context.Context, tx *store.Tx, id ID) error {
	for _, statement := range []string{
		`DELETE FROM application_fields WHERE application_id = $1`, `DELETE FROM application_photos WHERE application_id = $1`,
		`DELETE FROM application_marks WHERE application_id = $1`, `DELETE FROM application_claims WHERE application_id = $1`,
		`DELETE FROM application_notes WHERE application_id = $1`,
	} {
		if _, err := tx.Exec(ctx, statement, id); err != nil {
			return fmt.Errorf("erase application %d: %w", id, err)
		}
	}
	return o.Subjects.Shred(ctx, tx, id.Subject())
}

// Reopen lets a rejected applicant write again, with the same data.
func (o *Office) Reopen(ctx context.Context, id ID) (a Application, err error) {
	err = o.DB.Write(ctx, func(tx *store.Tx) error {
		if a, err = lock(ctx, tx, id); err != nil {
			return err
		}
		return o.step(ctx, tx, &a, Reopen, Stepped{Who: Applicant})
	})
	return a, err
}

// Discard drops a merchant's change that is not submitted yet, or that is to be corrected.
func (o *Office) Discard(ctx context.Context, id ID) (a Application, err error) {
	err = o.DB.Write(ctx, func(tx *store.Tx) error {
		if a, err = lock(ctx, tx, id); err != nil {
			return err
		}
		switch {
		case a.State == Approved && a.Revision > a.Stands:
			a.Revision = a.Stands
			if err := put(ctx, tx, &a, o.Clock()); err != nil {
				return err
			}
		case a.State == Correcting && a.Stood():
			a.Revision = a.Stands
			if err := o.step(ctx, tx, &a, Keep, Stepped{Who: Applicant}); err != nil {
				return err
			}
		default:
			return ErrState.With("discard in state %s", a.State)
		}
		return errors.Join(release(ctx, tx, a.ID), dropRevision(ctx, tx, a))
	})
	return a, err
}

// dropRevision deletes what was written above the revision that stands.
func dropRevision(ctx context.Context, tx *store.Tx, a Application) error {
	for _, statement := range []string{`DELETE FROM application_fields WHERE application_id = $1 AND revision > $2`, `DELETE FROM application_photos WHERE application_id = $1 AND revision > $2`} {
		if _, err := tx.Exec(ctx, statement, a.ID, a.Stands); err != nil {
			return fmt.Errorf("drop a change of application %s: %w", a.Number, err)
		}
	}
	return nil
}

// Changed are the fields of a merchant's change that differ from what stands.
func (o *Office) Changed(ctx context.Context, q store.Querier, a Application) (fields []string, before Values, err error) {
	if !a.Stood() || a.Revision == a.Stands {
		return nil, nil, nil
	}
	now, err := o.Values(ctx, q, a)
	if err != nil {
		return nil, nil, err
	}
	if before, err = o.valuesAt(ctx, q, a, a.Stands); err != nil {
		return nil, nil, err
	}
	for _, f := range FieldsOf(a.Kind) {
		if !f.Photo() && now[f.Name] != before[f.Name] {
			fields = append(fields, f.Name)
		}
	}
	photos, err := Photos(ctx, q, a)
	for _, p := range photos {
		if p.revision > a.Stands {
			fields = append(fields, p.Name)
		}
	}
	slices.Sort(fields)
	return fields, before, err
}
