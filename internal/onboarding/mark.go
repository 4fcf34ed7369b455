package onboarding

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"hawker/internal/papers"
	"hawker/internal/store"
)

// Mark is a keyed hash of something that applications may share. Who has no key can try
// nothing out; equal things have equal marks.
type Mark struct {
	Kind string
	Sum  []byte
}

// The kinds of marks.
const (
	MarkPerson  = "person"
	MarkPhone   = "phone"
	MarkAccount = "account"
	MarkDevice  = "device"
	MarkLicence = "licence"
	MarkAddress = "address"
	MarkTop     = "look/top" // of the coarse look of a photo
	MarkBottom  = "look/bottom"
)

// marked are the fields that marks are made of.
var marked = map[string]string{"id_number": MarkPerson, "phone": MarkPhone, "account": MarkAccount, "uscc": MarkLicence}

// mark makes one.
func (o *Office) mark(ctx context.Context, kind, data string) (Mark, error) {
	sum, err := o.Keys.Lookup(ctx, []byte("onboarding|"+kind+"|"+data))
	return Mark{kind, sum[:min(len(sum), 16)]}, err
}

// marks makes those of an application: of what it tells, of its device, and of its photos' looks.
func (o *Office) marks(ctx context.Context, a Application, v Values, looks []uint64) (list []Mark, err error) {
	add := func(kind, data string) {
		if data == "" || err != nil {
			return
		}
		var m Mark
		if m, err = o.mark(ctx, kind, data); err == nil {
			list = append(list, m)
		}
	}
	for field, kind := range marked {
		add(kind, v[field])
	}
	add(MarkDevice, a.Device)
	if v["address"] != "" {
		add(MarkAddress, v["region"]+"|"+papers.Compact(v["address"]))
	}
	for _, l := range looks {
		add(MarkTop, fmt.Sprintf("%08x", l>>32))
		add(MarkBottom, fmt.Sprintf("%08x", l&0xffffffff))
	}
	slices.SortFunc(list, func(a, b Mark) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), bytes.Compare(a.Sum, b.Sum)) })
	return slices.CompactFunc(list, func(a, b Mark) bool { return a.Kind == b.Kind && bytes.Equal(a.Sum, b.Sum) }), err
}

// looks opens the looks of an application's photos.
func (o *Office) looks(ctx context.Context, q store.Querier, a Application) (list []uint64, err error) {
	photos, err := Photos(ctx, q, a)
	if err != nil {
		return nil, err
	}
	for _, p := range photos {
		b, err := o.openPhoto(ctx, q, a, p.Name, "look")
		if err != nil {
			return nil, err
		}
		if len(b) == 8 {
			list = append(list, binary.BigEndian.Uint64(b))
		}
	}
	return list, nil
}

var insertMarks = store.InsertSet("application_marks", "ON CONFLICT (kind, mark, application_id) DO NOTHING", store.Texts("kind"), store.Byteas("mark"), store.Ints("application_id"))

// putMarks replaces the marks of an application.
func putMarks(ctx context.Context, tx *store.Tx, id ID, list []Mark) error {
	if _, err := tx.Exec(ctx, `DELETE FROM application_marks WHERE application_id = $1`, id); err != nil {
		return fmt.Errorf("drop marks: %w", err)
	}
	rows := make([][]any, len(list))
	for i, m := range list {
		rows[i] = []any{m.Kind, m.Sum, int64(id)}
	}
	if _, err := insertMarks.Exec(ctx, tx, rows); err != nil {
		return fmt.Errorf("keep marks: %w", err)
	}
	return nil
}

// claim lets a person or a licence have one application under review: ErrTwice when there is another.
func (o *Office) claim(ctx context.Context, tx *store.Tx, a Application, v Values) error {
	kind, data := MarkPerson, v["id_number"]
	if v["uscc"] != "" {
		kind, data = MarkLicence, v["uscc"]
	}
	m, err := o.mark(ctx, kind, data)
	if err != nil {
		return err
	}
	if err := release(ctx, tx, a.ID); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `INSERT INTO application_claims (mark, application_id) VALUES ($1, $2) ON CONFLICT (mark) DO NOTHING`, m.Sum, a.ID)
	if err != nil {
		return fmt.Errorf("claim: %w", err)
	}
	if n == 0 {
		return ErrTwice.With("application %s", a.Number)
	}
	return nil
}

// release lets the next application of the same person or licence come.
func release(ctx context.Context, tx *store.Tx, id ID) error {
	_, err := tx.Exec(ctx, `DELETE FROM application_claims WHERE application_id = $1`, id)
	return err
}

// Stance is what is known of something that applications may share.
type Stance string

// The stances.
const (
	Blocked Stance = "blocked" // it is not boarded
	Known   Stance = "known"   // many share it for a good reason, such as a provider's tablet
)

// List puts something on the list, by its clear text, which is not kept: a kind of mark
// and what it is made of. A later entry replaces an earlier one. People do it through Enlist.
func (o *Office) List(ctx context.Context, kind, data string, s Stance, reason, by string, until time.Time) error {
	m, err := o.mark(ctx, kind, data)
	if err != nil {
		return err
	}
	return o.DB.Write(ctx, func(tx *store.Tx) error {
		return putEntry(ctx, tx, m, Entry{Stance: s, Reason: reason, By: by, Until: until, At: o.Clock()})
	})
}

var (
	selectListed = store.SelectSet("kind, mark, stance, reason, until", "listed_marks", false, store.Texts("kind"), store.Byteas("mark"))
	selectMarks  = store.SelectSet("kind, mark, application_id", "application_marks", false, store.Texts("kind"), store.Byteas("mark"))
	selectOf     = store.SelectSet("application_id, kind, mark", "application_marks", false, store.Ints("application_id"))
	selectStates = store.SelectSet("application_id, number, state, merchant_id, submitted_at, shop", "applications", false, store.Ints("application_id"))
)

type listed struct {
	stance Stance
	reason string
}

func key(m Mark) string { return m.Kind + "|" + string(m.Sum) }

// listedOf are the entries of the list that marks meet and that hold at an instant.
func listedOf(ctx context.Context, q *store.Reader, list []Mark, at time.Time) (map[string]listed, error) {
	rows := make([][]any, len(list))
	for i, m := range list {
		rows[i] = []any{m.Kind, m.Sum}
	}
	found := map[string]listed{}
	err := selectListed.Query(ctx, q, rows, func(scan func(...any) error) error {
		var m Mark
		var l listed
		var until store.Time
		err := scan(&m.Kind, &m.Sum, &l.stance, &l.reason, &until)
		if err == nil && (until == 0 || until.Time().After(at)) {
			found[key(m)] = l
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look at the list: %w", err)
	}
	return found, nil
}

// marksOf reads the marks of applications.
func marksOf(ctx context.Context, q *store.Reader, ids ...ID) (map[ID][]Mark, error) {
	rows := make([][]any, len(ids))
	for i, id := range ids {
		rows[i] = []any{int64(id)}
	}
	found := map[ID][]Mark{}
	err := selectOf.Query(ctx, q, rows, func(scan func(...any) error) error {
		var id ID
		var m Mark
		err := scan(&id, &m.Kind, &m.Sum)
		found[id] = append(found[id], m)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read marks: %w", err)
	}
	return found, nil
}

// errFull ends a search that has found enough.
var errFull = errors.New("enough")

// most bounds how many applications a search among shared marks meets.
const most = 400

// sharing are the applications that have any of the marks, by mark.
func sharing(ctx context.Context, q *store.Reader, list []Mark) (map[string][]ID, error) {
	rows := make([][]any, len(list))
	for i, m := range list {
		rows[i] = []any{m.Kind, m.Sum}
	}
	found, n := map[string][]ID{}, 0
	err := selectMarks.Query(ctx, q, rows, func(scan func(...any) error) error {
		var m Mark
		var id ID
		if err := scan(&m.Kind, &m.Sum, &id); err != nil {
			return err
		}
		found[key(m)] = append(found[key(m)], id)
		if n++; n > most {
			return errFull
		}
		return nil
	})
	if err != nil && !errors.Is(err, errFull) {
		return nil, fmt.Errorf("look for shared marks: %w", err)
	}
	return found, nil
}
