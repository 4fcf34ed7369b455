package onboarding

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hawker/internal/papers"
	"hawker/internal/picture"
	"hawker/internal/store"
	"hawker/internal/subject"
)

// maxValue bounds what is kept of a field that is not right yet.
const maxValue = 800

func fieldPlace(a Application, field string, revision int64) subject.Place {
	return subject.Place{Table: "application_fields", Field: field, Row: fmt.Sprintf("%d/%d", a.ID, revision)}
}

func photoPlace(a Application, photo, what string, revision int64) subject.Place {
	return subject.Place{Table: "application_photos", Field: photo + "/" + what, Row: fmt.Sprintf("%d/%d", a.ID, revision)}
}

// Values opens what an applicant told, as of the revision that is worked on. It is for the
// applicant himself; a reviewer's look goes through Review, which writes it down.
func (o *Office) Values(ctx context.Context, q store.Querier, a Application) (Values, error) {
	return o.valuesAt(ctx, q, a, a.Revision)
}

func (o *Office) valuesAt(ctx context.Context, q store.Querier, a Application, revision int64) (v Values, err error) {
	key, err := o.Subjects.Key(ctx, q, a.ID.Subject())
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, `SELECT field, revision, sealed FROM application_fields WHERE application_id = $1 AND revision <= $2 ORDER BY revision`, a.ID, revision)
	if err != nil {
		return nil, fmt.Errorf("fields of application %s: %w", a.Number, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	v = Values{}
	for rows.Next() {
		var field string
		var at int64
		var sealed []byte
		if err := rows.Scan(&field, &at, &sealed); err != nil {
			return nil, err
		}
		delete(v, field)
		if len(sealed) == 0 { // taken back
			continue
		}
		plain, err := key.Open(fieldPlace(a, field, at), sealed)
		if err != nil {
			return nil, err
		}
		v[field] = string(plain)
	}
	return v, rows.Err()
}

// Save keeps what an applicant writes, also what is not right yet, so that nothing is
// lost, and says of each given field what is wrong with it. Sensitive fields are kept only
// with their consent. Of a merchant, only what may change is taken, as a new revision that
// holds nothing before it is approved.
func (o *Office) Save(ctx context.Context, id ID, given Values) (wrong map[string]error, a Application, err error) {
	err = o.DB.Write(ctx, func(tx *store.Tx) error {
		wrong = map[string]error{}
		if a, err = o.writable(ctx, tx, id); err != nil {
			return err
		}
		old, err := o.Values(ctx, tx, a)
		if err != nil {
			return err
		}
		consents, err := o.consents(ctx, tx, a)
		if err != nil {
			return err
		}
		changes := Values{}
		for _, f := range FieldsOf(a.Kind) {
			value, ok := given[f.Name]
			if !ok || f.Photo() {
				continue
			}
			value, err := f.take(value, o)
			if err != nil {
				wrong[f.Name] = err
			}
			switch {
			case value == old[f.Name]:
			case value != "" && f.Consent != "" && !consents[f.Consent]:
				wrong[f.Name] = ErrConsent
			case a.Stood() && !f.Changes:
				wrong[f.Name] = ErrLocked
			case len(value) > maxValue:
				wrong[f.Name] = papers.ErrText
			default:
				changes[f.Name] = value
			}
		}
		return o.write(ctx, tx, &a, changes)
	})
	return wrong, a, err
}

// take makes a value as it is kept: as its rule writes it, or as it was typed when it is not right yet.
func (f Field) take(value string, o *Office) (string, error) {
	value = strings.ToValidUTF8(papers.Clean(value), "")
	if value == "" {
		return "", nil
	}
	got, err := f.parse(value, o.today())
	if err != nil {
		return value, err
	}
	return got, nil
}

// writable locks an application that its applicant may write, and opens a merchant's next revision.
func (o *Office) writable(ctx context.Context, tx *store.Tx, id ID) (Application, error) {
	a, err := lock(ctx, tx, id)
	if err != nil {
		return a, err
	}
	if !a.State.Open() {
		return a, ErrClosed.With("application %s is %s", a.Number, a.State)
	}
	if a.State == Approved && a.Revision == a.Stands {
		a.Revision++
	}
	return a, nil
}

// write seals changes under the application's revision.
func (o *Office) write(ctx context.Context, tx *store.Tx, a *Application, changes Values) error {
	if len(changes) == 0 {
		return nil
	}
	key, err := o.Subjects.Key(ctx, tx, a.ID.Subject())
	if err != nil {
		return err
	}
	now := o.Clock()
	for field, value := range changes {
		var sealed = []byte{}
		if value != "" {
			if sealed, err = key.Seal(fieldPlace(*a, field, a.Revision), []byte(value)); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `INSERT INTO application_fields (application_id, field, revision, sealed, given_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (application_id, field, revision) DO UPDATE SET sealed = excluded.sealed, given_at = excluded.given_at`,
			a.ID, field, a.Revision, sealed, store.At(now)); err != nil {
			return fmt.Errorf("keep %s of application %s: %w", field, a.Number, err)
		}
		if a.Stood() { // what hangs over the door changes when it is approved
			continue
		}
		if kept := map[string]*string{"shop": &a.Shop, "mcc": &a.MCC, "region": &a.Region}[field]; kept != nil {
			*kept = value
		}
	}
	return put(ctx, tx, a, now)
}

// Photo is a photo without its picture.
type Photo struct {
	Name          string
	Width, Height int
	Given         time.Time
	revision      int64
}

// PutPhoto keeps a photo of an upload, drawn anew, in place of any before it.
func (o *Office) PutPhoto(ctx context.Context, id ID, photo string, upload []byte) (Application, error) {
	p, err := picture.Clean(upload)
	if err != nil {
		return Application{}, err
	}
	var a Application
	err = o.DB.Write(ctx, func(tx *store.Tx) error {
		if a, err = o.writable(ctx, tx, id); err != nil {
			return err
		}
		f, ok := fieldOf(a.Kind, photo)
		if !ok || !f.Photo() {
			return ErrUnknown.With("no photo %.30q", photo)
		}
		consents, err := o.consents(ctx, tx, a)
		if err != nil {
			return err
		}
		if f.Consent != "" && !consents[f.Consent] {
			return ErrConsent.With("photo %s", photo)
		}
		key, err := o.Subjects.Key(ctx, tx, a.ID.Subject())
		if err != nil {
			return err
		}
		sealed, err := key.Seal(photoPlace(a, photo, "picture", a.Revision), p.JPEG)
		if err != nil {
			return err
		}
		look, err := key.Seal(photoPlace(a, photo, "look", a.Revision), binary.BigEndian.AppendUint64(nil, p.Look))
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO application_photos (application_id, photo, revision, sealed, look, width, height, given_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (application_id, photo, revision) DO UPDATE SET sealed = excluded.sealed, look = excluded.look, width = excluded.width, height = excluded.height, given_at = excluded.given_at`,
			a.ID, photo, a.Revision, sealed, look, p.Width, p.Height, store.At(o.Clock())); err != nil {
			return fmt.Errorf("keep photo %s of application %s: %w", photo, a.Number, err)
		}
		return put(ctx, tx, &a, o.Clock())
	})
	return a, err
}

// Photos lists the photos of the revision that is worked on, without their pictures.
func Photos(ctx context.Context, q store.Querier, a Application) (list []Photo, err error) {
	rows, err := q.Query(ctx, `SELECT photo, revision, width, height, given_at FROM application_photos WHERE application_id = $1 AND revision <= $2 ORDER BY revision`, a.ID, a.Revision)
	if err != nil {
		return nil, fmt.Errorf("photos of application %s: %w", a.Number, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var p Photo
		var at store.Time
		if err := rows.Scan(&p.Name, &p.revision, &p.Width, &p.Height, &at); err != nil {
			return nil, err
		}
		p.Given = at.Time()
		list = slices.DeleteFunc(list, func(old Photo) bool { return old.Name == p.Name })
		if p.Width > 0 {
			list = append(list, p)
		}
	}
	return list, rows.Err()
}

// Picture opens a photo for the applicant himself; a reviewer's look goes through Show.
func (o *Office) Picture(ctx context.Context, q store.Querier, a Application, photo string) ([]byte, error) {
	return o.openPhoto(ctx, q, a, photo, "picture")
}

func (o *Office) openPhoto(ctx context.Context, q store.Querier, a Application, photo, what string) ([]byte, error) {
	list, err := Photos(ctx, q, a)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(p Photo) bool { return p.Name == photo })
	if i < 0 {
		return nil, ErrUnknown.With("no photo %.30q", photo)
	}
	column := map[string]string{"picture": "sealed", "look": "look"}[what]
	var sealed []byte
	if err := q.QueryRow(ctx, `SELECT `+column+` FROM application_photos WHERE application_id = $1 AND photo = $2 AND revision = $3`,
		a.ID, photo, list[i].revision).Scan(&sealed); err != nil {
		return nil, fmt.Errorf("photo %s of application %s: %w", photo, a.Number, err)
	}
	key, err := o.Subjects.Key(ctx, q, a.ID.Subject())
	if err != nil {
		return nil, err
	}
	return key.Open(photoPlace(a, photo, what, list[i].revision), sealed)
}

// Agree records a consent, or takes it back. What was told under a consent that is taken
// back is forgotten, except what a merchant's law-bound records need.
func (o *Office) Agree(ctx context.Context, id ID, p Purpose, yes bool) (a Application, err error) {
	i := slices.IndexFunc(Consents, func(c Consent) bool { return c.Purpose == p })
	if i < 0 {
		return a, ErrUnknown.With("no consent %.20q", string(p))
	}
	err = o.DB.Write(ctx, func(tx *store.Tx) error {
		if a, err = lock(ctx, tx, id); err != nil {
			return err
		}
		consents, err := o.consents(ctx, tx, a)
		if err != nil || consents[p] == yes {
			return err
		}
		now := store.At(o.Clock())
		if yes {
			_, err = tx.Exec(ctx, `INSERT INTO application_consents (application_id, purpose, wording, given_at, withdrawn_at) VALUES ($1, $2, $3, $4, 0)`,
				a.ID, string(p), Consents[i].Wording, now)
			if err != nil {
				return fmt.Errorf("keep consent: %w", err)
			}
			return put(ctx, tx, &a, o.Clock())
		}
		if a.State.Waiting() { // what a reviewer has before him is taken away by withdrawing the whole
			return ErrClosed.With("application %s is %s", a.Number, a.State)
		}
		if _, err = tx.Exec(ctx, `UPDATE application_consents SET withdrawn_at = $1 WHERE application_id = $2 AND purpose = $3 AND withdrawn_at = 0`, now, a.ID, string(p)); err != nil {
			return fmt.Errorf("take consent back: %w", err)
		}
		if err := o.forget(ctx, tx, a, p); err != nil {
			return err
		}
		return put(ctx, tx, &a, o.Clock())
	})
	return a, err
}

// forget destroys what was told for a purpose. An approved revision stays: the law keeps it,
// and the consent's withdrawal keeps it from being used for anything else.
func (o *Office) forget(ctx context.Context, tx *store.Tx, a Application, p Purpose) error {
	for _, f := range FieldsOf(a.Kind) {
		if f.Consent != p {
			continue
		}
		table, column := "application_fields", "field"
		if f.Photo() {
			table, column = "application_photos", "photo"
		}
		if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE application_id = $1 AND `+column+` = $2 AND revision > $3`, a.ID, f.Name, a.Stands); err != nil {
			return fmt.Errorf("forget %s of application %s: %w", f.Name, a.Number, err)
		}
	}
	return nil
}

// Agreed are the consents that stand, for the applicant's pages.
func (o *Office) Agreed(ctx context.Context, a Application) (map[Purpose]bool, error) {
	return o.consents(ctx, o.DB.Read(), a)
}

func (o *Office) consents(ctx context.Context, q store.Querier, a Application) (map[Purpose]bool, error) {
	rows, err := q.Query(ctx, `SELECT purpose FROM application_consents WHERE application_id = $1 AND withdrawn_at = 0`, a.ID)
	if err != nil {
		return nil, fmt.Errorf("consents of application %s: %w", a.Number, err)
	}
	defer func() { _ = rows.Close() }()
	given := map[Purpose]bool{}
	for rows.Next() {
		var p Purpose
		if err := rows.Scan(&p); err != nil {
			return nil, fmt.Errorf("consents of application %s: %w", a.Number, err)
		}
		given[p] = true
	}
	return given, rows.Err()
}
