package onboarding

import (
	"context"
	"fmt"
	"time"

	"hawker/internal/advice"
	"hawker/internal/store"
)

// Sample is a submitted application that comes from elsewhere: a migration from another
// system, or a generated population.
type Sample struct {
	Kind      advice.Kind
	Needs     advice.Needs
	Model     string
	FeePlan   string
	Values    Values
	Device    string
	Looks     []uint64 // of its photos
	Submitted time.Time
}

// Load writes samples as submitted applications, in one transaction, sealed and marked as
// any other; they are graded when a reviewer, or Regrade, looks at them. Nobody can open
// them as an applicant.
func (o *Office) Load(ctx context.Context, list []Sample) (ids []ID, err error) {
	err = o.DB.Write(ctx, func(tx *store.Tx) error {
		ids = nil
		for _, s := range list {
			a := Application{ID: ID(store.NewID(s.Submitted)), Kind: s.Kind, State: Submitted, Move: 1, Revision: 1, Needs: s.Needs, Model: s.Model, FeePlan: s.FeePlan, Offer: o.Offer.Version,
				Institution: o.Boarder.Institution, Provider: o.Boarder.Provider, Device: s.Device, Created: s.Submitted, Changed: s.Submitted, Submitted: s.Submitted,
				Due: s.Submitted.Add(o.SLA[High]), Shop: s.Values["shop"], MCC: s.Values["mcc"], Region: s.Values["region"]}
			a.Number = fmt.Sprintf("%s%011d", s.Submitted.In(zone).Format("060102"), int64(a.ID)%100_000_000_000)
			if _, err := o.Subjects.Make(ctx, tx, a.ID.Subject()); err != nil {
				return err
			}
			if err := insert(ctx, tx, a, fmt.Appendf(nil, "loaded %d", a.ID)); err != nil {
				return fmt.Errorf("load application: %w", err)
			}
			marks, err := o.marks(ctx, a, s.Values, s.Looks)
			if err != nil {
				return err
			}
			if err := o.keep(ctx, tx, a, s.Values); err != nil {
				return err
			}
			if err := putMarks(ctx, tx, a.ID, marks); err != nil {
				return err
			}
			ids = append(ids, a.ID)
		}
		return nil
	})
	return ids, err
}

// keep seals values without counting a move.
func (o *Office) keep(ctx context.Context, tx *store.Tx, a Application, v Values) error {
	key, err := o.Subjects.Key(ctx, tx, a.ID.Subject())
	if err != nil {
		return err
	}
	for field, value := range v {
		sealed, err := key.Seal(fieldPlace(a, field, a.Revision), []byte(value))
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO application_fields (application_id, field, revision, sealed, given_at) VALUES ($1, $2, $3, $4, $5)`,
			a.ID, field, a.Revision, sealed, store.At(o.Clock())); err != nil {
			return fmt.Errorf("keep %s: %w", field, err)
		}
	}
	return nil
}

// Findings are what a machine sees in an application now.
func (o *Office) Findings(ctx context.Context, id ID) ([]Finding, error) {
	a, err := ByID(ctx, o.DB.Read(), id)
	if err != nil {
		return nil, err
	}
	v, err := o.Values(ctx, o.DB.Read(), a)
	if err != nil {
		return nil, err
	}
	found, _, err := o.assessed(ctx, o.DB.Read(), a, v)
	return found, err
}

// Regrade grades an application that waits by what is known now.
func (o *Office) Regrade(ctx context.Context, id ID) (a Application, err error) {
	err = o.DB.Write(ctx, func(tx *store.Tx) error {
		if a, err = lock(ctx, tx, id); err != nil {
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
		a.Score, a.Grade = score, gradeOf(score)
		a.Due = a.Submitted.Add(o.SLA[a.Grade])
		return put(ctx, tx, &a, o.Clock())
	})
	return a, err
}

// MulePoints is from which sum of its signs on an application is taken for one that somebody
// opens for another.
const MulePoints = 50

// Mule reports whether findings say so.
func Mule(list []Finding) bool {
	sum := 0
	for _, f := range list {
		if f.Mule {
			sum += f.Points
		}
	}
	return sum >= MulePoints
}
