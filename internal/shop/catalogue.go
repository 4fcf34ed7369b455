package shop

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
)

// Add stores a new item of a merchant and gives it its ID.
func Add(ctx context.Context, tx *store.Tx, i Item, at time.Time) (Item, error) {
	i, err := i.clean()
	if err != nil {
		return i, err
	}
	var n int64
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM shop_items WHERE merchant_id = $1 AND state <> $2`, i.Merchant, string(Hidden)).Scan(&n)
	if err != nil {
		return i, fmt.Errorf("count items: %w", err)
	}
	if n >= MaxItems {
		return i, ErrFull
	}
	i.ID, i.Photo, i.Changed = store.NewID(at), "", store.At(at).Time()
	_, err = tx.Exec(ctx, `INSERT INTO shop_items (merchant_id, item_id, name_zh, name_en, price_minor, currency, barcode, category, place, state, photo, created_at, changed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', $11, $11)`,
		i.Merchant, i.ID, i.NameZH, i.NameEN, i.Price.Minor(), i.Price.Currency(), i.Barcode, i.Category, i.Place, string(i.State), store.At(at))
	return i, taken(err, "add item")
}

// Change writes everything of an item but its photo; ErrUnknown when the merchant has none of its ID.
func Change(ctx context.Context, tx *store.Tx, i Item, at time.Time) error {
	i, err := i.clean()
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `UPDATE shop_items SET name_zh = $1, name_en = $2, price_minor = $3, currency = $4, barcode = $5, category = $6, place = $7,
		state = $8, changed_at = $9 WHERE merchant_id = $10 AND item_id = $11`,
		i.NameZH, i.NameEN, i.Price.Minor(), i.Price.Currency(), i.Barcode, i.Category, i.Place, string(i.State), store.At(at), i.Merchant, i.ID)
	return found(n, taken(err, "change item"))
}

// taken tells a barcode that another item has from other failures.
func taken(err error, doing string) error {
	if store.IsUnique(err) {
		return ErrTaken
	}
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

func found(n int64, err error) error {
	if err == nil && n == 0 {
		return ErrUnknown
	}
	return err
}

const columns = `SELECT merchant_id, item_id, name_zh, name_en, price_minor, currency, barcode, category, place, state, photo, changed_at FROM shop_items `

// List gives a merchant's items in the order of the screen, hidden ones too.
func List(ctx context.Context, q store.Querier, m merchant.ID) ([]Item, error) {
	rows, err := q.Query(ctx, columns+`WHERE merchant_id = $1 ORDER BY place, item_id`, m)
	if err != nil {
		return nil, fmt.Errorf("list items: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var list []Item
	for rows.Next() {
		i, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("list items: %w", err)
		}
		list = append(list, i)
	}
	return list, rows.Err()
}

// ByID finds an item; ErrUnknown when the merchant has none of that ID.
func ByID(ctx context.Context, q store.Querier, m merchant.ID, id int64) (Item, error) {
	return one(q.QueryRow(ctx, columns+`WHERE merchant_id = $1 AND item_id = $2`, m, id))
}

// ByBarcode finds what a scanner read; ErrUnknown when nothing has that barcode.
func ByBarcode(ctx context.Context, q store.Querier, m merchant.ID, code string) (Item, error) {
	if code == "" {
		return Item{}, ErrUnknown
	}
	return one(q.QueryRow(ctx, columns+`WHERE merchant_id = $1 AND barcode = $2`, m, code))
}

func one(row *sql.Row) (Item, error) {
	i, err := scan(row)
	if errors.Is(err, sql.ErrNoRows) {
		return Item{}, ErrUnknown
	}
	if err != nil {
		return Item{}, fmt.Errorf("find item: %w", err)
	}
	return i, nil
}

func scan(row interface{ Scan(...any) error }) (i Item, err error) {
	var minor int64
	var c money.Currency
	var changed store.Time
	err = row.Scan(&i.Merchant, &i.ID, &i.NameZH, &i.NameEN, &minor, &c, &i.Barcode, &i.Category, &i.Place, &i.State, &i.Photo, &changed)
	i.Price, i.Changed = money.New(minor, c), changed.Time()
	return i, err
}
