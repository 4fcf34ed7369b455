package merchant

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"hawker/internal/store"
)

// Store is a place where a merchant takes payments.
type Store struct {
	Merchant ID
	ID       int64 // 1, 2, 3… per merchant
	Name     string
	Region   string // six digits, GB/T 2260
}

// AddStore stores a place.
func AddStore(ctx context.Context, tx *store.Tx, s Store, at time.Time) error {
	if s.Merchant <= 0 || s.ID <= 0 || s.Name == "" || len(s.Region) != 6 {
		return fmt.Errorf("add store %d of merchant %d: number, name and region are needed", s.ID, s.Merchant)
	}
	_, err := tx.Exec(ctx, `INSERT INTO stores (merchant_id, store_id, name, region, created_at) VALUES ($1, $2, $3, $4, $5)`,
		s.Merchant, s.ID, s.Name, s.Region, store.At(at))
	if err != nil {
		return fmt.Errorf("add store: %w", err)
	}
	return nil
}

// MoveStore gives a place another name and region; ErrUnknown when there is none.
func MoveStore(ctx context.Context, tx *store.Tx, s Store) error {
	n, err := tx.Exec(ctx, `UPDATE stores SET name = $1, region = $2 WHERE merchant_id = $3 AND store_id = $4`, s.Name, s.Region, s.Merchant, s.ID)
	if err == nil && n == 0 {
		err = ErrUnknown.With("store %d of merchant %d", s.ID, s.Merchant)
	}
	return err
}

// Stores lists a merchant's places in their order.
func Stores(ctx context.Context, q store.Querier, id ID) (list []Store, err error) {
	rows, err := q.Query(ctx, `SELECT merchant_id, store_id, name, region FROM stores WHERE merchant_id = $1 ORDER BY store_id`, id)
	if err != nil {
		return nil, fmt.Errorf("stores of merchant %d: %w", id, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var s Store
		if err := rows.Scan(&s.Merchant, &s.ID, &s.Name, &s.Region); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, rows.Err()
}

// Change gives a merchant another name, place or category; its MID stays, with the digits
// of the category it was boarded in. ErrUnknown when there is no such merchant.
func Change(ctx context.Context, tx *store.Tx, m Merchant) error {
	if m.NameZH == "" || len(m.MCC) != 4 {
		return fmt.Errorf("change merchant %d: a name and an MCC are needed", m.ID)
	}
	n, err := tx.Exec(ctx, `UPDATE merchants SET name_zh = $1, name_en = $2, place = $3, mcc = $4 WHERE merchant_id = $5`, m.NameZH, m.NameEN, m.Place, m.MCC, m.ID)
	if err == nil && n == 0 {
		err = ErrUnknown
	}
	return err
}

// Search finds merchants by MID, or by part of a name, at most limit; text shorter than two
// characters finds nobody.
func Search(ctx context.Context, q store.Querier, text string, limit int) (list []Merchant, err error) {
	if len([]rune(text)) < 2 || len(text) > 200 {
		return nil, nil
	}
	rows, err := q.Query(ctx, `SELECT merchant_id FROM merchants WHERE mid = $1 OR LOWER(name_zh) LIKE $2 ESCAPE '\' OR LOWER(name_en) LIKE $2 ESCAPE '\'
		ORDER BY merchant_id LIMIT $3`, text, like(text), limit)
	if err != nil {
		return nil, fmt.Errorf("search merchants: %w", err)
	}
	ids, err := scanIDs(rows)
	if err != nil {
		return nil, fmt.Errorf("search merchants: %w", err)
	}
	for _, id := range ids {
		m, err := ByID(ctx, q, id)
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

// like is a pattern for text anywhere, whatever signs it has.
func like(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(strings.ToLower(text)) + "%"
}

func scanIDs(rows *sql.Rows) (ids []ID, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// Forget takes a merchant's names and place away, when nobody may know them any more: his number stands for them.
func Forget(ctx context.Context, tx *store.Tx, id ID) (int64, error) {
	return tx.Exec(ctx, `UPDATE merchants SET name_zh = mid, name_en = mid, place = '' WHERE merchant_id = $1 AND name_zh <> mid`, id)
}
