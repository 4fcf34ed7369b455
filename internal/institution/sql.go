package institution

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/store"
)

// ErrOlder is a list that speaks of an earlier day than what is known from its source.
var ErrOlder = fault.New(fault.Conflict, "register_older", "登记文件比现有的更旧，未作更改。", "The register file is older than what is known; nothing was changed.")

// Import stores what a list says, each change as a new version, all or none, and gives
// the entries that changed. A list of an earlier day of the same source is ErrOlder; the
// same list again changes nothing.
func Import(ctx context.Context, tx *store.Tx, l List, by string, at time.Time) (changed []Record, err error) {
	var known clock.Day
	if err := tx.QueryRow(ctx, `SELECT COALESCE(MAX(as_of), 0) FROM register_imports WHERE source = $1`, l.Source).Scan(&known); err != nil {
		return nil, fmt.Errorf("import register: %w", err)
	}
	if known > clock.Day(l.AsOf) {
		return nil, ErrOlder.With("of %s, but %s is known", clock.Day(l.AsOf), known)
	}
	records, err := All(ctx, tx)
	if err != nil {
		return nil, err
	}
	latest := map[[2]string]Record{}
	for _, r := range records {
		latest[[2]string{string(r.Kind), r.Number}] = r
	}
	id := store.NewID(at)
	put := func(e Entry, before Record) error {
		if before.Version > 0 && same(before.Entry, e) {
			return nil
		}
		r := Record{e, before.Version + 1, l.Source, clock.Day(l.AsOf)}
		changed = append(changed, r)
		return insert(ctx, tx, r, id)
	}
	for _, e := range l.entries() {
		key := [2]string{string(e.Kind), e.Number}
		if err := put(e, latest[key]); err != nil {
			return nil, err
		}
		delete(latest, key)
	}
	if l.Complete {
		for _, r := range records { // in their order, not the map's
			if _, gone := latest[[2]string{string(r.Kind), r.Number}]; !gone || r.Source != l.Source || r.State == Absent {
				continue
			}
			e := r.Entry
			e.State = Absent
			if err := put(e, r); err != nil {
				return nil, err
			}
		}
	}
	_, err = tx.Exec(ctx, `INSERT INTO register_imports (import_id, source, as_of, digest, imported_by, imported_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		id, l.Source, clock.Day(l.AsOf), l.digest[:], by, store.At(at))
	if err != nil {
		return nil, fmt.Errorf("import register: %w", err)
	}
	return changed, nil
}

func same(a, b Entry) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && a.Kind == b.Kind && string(x) == string(y)
}

func insert(ctx context.Context, tx *store.Tx, r Record, importID int64) error {
	body, err := json.Marshal(r.Entry)
	if err != nil {
		return fmt.Errorf("register %s %s: %w", r.Kind, r.Number, err)
	}
	if _, err := tx.Exec(ctx, `UPDATE register_entries SET latest = 0 WHERE kind = $1 AND number = $2 AND latest = 1`, string(r.Kind), r.Number); err != nil {
		return fmt.Errorf("register %s %s: %w", r.Kind, r.Number, err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO register_entries (kind, number, version, latest, name_zh, name_en, state, works_for, expires, body, import_id)
		VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, $9, $10)`,
		string(r.Kind), r.Number, r.Version, r.NameZH, r.NameEN, string(r.State), r.WorksFor, int64(r.Expires), string(body), importID)
	if err != nil {
		return fmt.Errorf("register %s %s: %w", r.Kind, r.Number, err)
	}
	return nil
}

const selectRecords = `SELECT e.kind, e.version, e.body, i.source, i.as_of FROM register_entries e JOIN register_imports i ON i.import_id = e.import_id WHERE `

// All gives every entry in its present state, institutions first, by name.
func All(ctx context.Context, q store.Querier) ([]Record, error) {
	return query(ctx, q, `e.latest = 1 ORDER BY e.kind, e.name_zh, e.number`)
}

// ByNumber finds an entry by its licence or filing number; ErrUnknown when there is none.
func ByNumber(ctx context.Context, q store.Querier, k Kind, number string) (Record, error) {
	list, err := query(ctx, q, `e.kind = $1 AND e.number = $2 AND e.latest = 1`, string(k), number)
	if err == nil && len(list) == 0 {
		err = ErrUnknown.With("%s %.40q", k, number)
	}
	if err != nil {
		return Record{}, err
	}
	return list[0], nil
}

// History gives every state of an entry, newest first.
func History(ctx context.Context, q store.Querier, k Kind, number string) ([]Record, error) {
	return query(ctx, q, `e.kind = $1 AND e.number = $2 ORDER BY e.version DESC`, string(k), number)
}

// Search finds entries whose number is text or whose name contains it, at most limit.
// Text shorter than two characters finds nothing.
func Search(ctx context.Context, q store.Querier, text string, limit int) ([]Record, error) {
	text = strings.TrimSpace(text)
	if len([]rune(text)) < 2 || len(text) > 200 {
		return nil, nil
	}
	like := "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(strings.ToLower(text)) + "%"
	return query(ctx, q, `e.latest = 1 AND (e.number = $1 OR LOWER(e.name_zh) LIKE $2 ESCAPE '\' OR LOWER(e.name_en) LIKE $2 ESCAPE '\')
		ORDER BY e.kind, e.name_zh, e.number LIMIT $3`, strings.ToUpper(text), like, limit)
}

func query(ctx context.Context, q store.Querier, where string, args ...any) ([]Record, error) {
	rows, err := q.Query(ctx, selectRecords+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read register: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var list []Record
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("read register: %w", err)
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

func scan(rows *sql.Rows) (r Record, err error) {
	var body string
	var kind Kind
	if err := rows.Scan(&kind, &r.Version, &body, &r.Source, &r.AsOf); err != nil {
		return r, err
	}
	err = json.Unmarshal([]byte(body), &r.Entry)
	r.Kind = kind
	return r, err
}

// Boarder is under whose licence and by whose service new merchants are boarded.
type Boarder struct {
	Institution string // licence number
	Provider    string // filing number; "" when the institution boards by itself
	Terms       Terms
}

// MayBoard returns nil when both may board a merchant in a region on a day, or why not.
func (b Boarder) MayBoard(ctx context.Context, q store.Querier, region string, on clock.Day) error {
	i, err := ByNumber(ctx, q, Institution, b.Institution)
	if err != nil {
		return err
	}
	if err := i.MayBoard(b.Terms, region, on); err != nil || b.Provider == "" {
		return err
	}
	p, err := ByNumber(ctx, q, Provider, b.Provider)
	if err != nil {
		return err
	}
	if p.WorksFor != i.Number {
		return ErrPrincipal.With("provider %s works for %s", p.Number, p.WorksFor)
	}
	return p.MayBoard(b.Terms, region, on)
}

// Affected are the providers that work under an institution.
func Affected(ctx context.Context, q store.Querier, licence string) ([]Record, error) {
	list, err := query(ctx, q, `e.kind = 'provider' AND e.works_for = $1 AND e.latest = 1 ORDER BY e.name_zh, e.number`, licence)
	return slices.Clip(list), err
}
