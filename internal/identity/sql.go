package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"hawker/internal/merchant"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

// lockMachine finds the terminal and keeps others from issuing for it until tx ends; ErrMachine
// when it has another machine.
func lockMachine(ctx context.Context, tx *store.Tx, t Terminal) error {
	found, err := terminal.Lock(ctx, tx, t.Merchant, t.ID)
	if err == nil && found.Serial != t.Serial {
		err = ErrMachine.With("terminal %s has machine %s, not %s", t.ID, found.Serial, t.Serial)
	}
	return err
}

func insert(ctx context.Context, tx *store.Tx, c Certificate) error {
	_, err := tx.Exec(ctx, `INSERT INTO device_certificates (merchant_id, number, tid, serial, certificate, not_before, not_after, revoked_at, reason)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, '')`,
		c.Merchant, c.Number, c.ID, c.Serial, c.DER, store.At(c.NotBefore), store.At(c.NotAfter))
	if err != nil {
		return fmt.Errorf("store certificate: %w", err)
	}
	return nil
}

func revoke(ctx context.Context, tx *store.Tx, m merchant.ID, number string, at time.Time, reason Reason) (int64, error) {
	n, err := tx.Exec(ctx, `UPDATE device_certificates SET revoked_at = $1, reason = $2 WHERE merchant_id = $3 AND number = $4`,
		store.At(at), string(reason), m, number)
	if err != nil {
		return 0, fmt.Errorf("revoke certificate: %w", err)
	}
	return n, nil
}

const columns = `SELECT merchant_id, number, tid, serial, certificate, not_before, not_after, revoked_at, reason FROM device_certificates `

// byNumber finds a certificate; ErrNotHeld when there is none.
func byNumber(ctx context.Context, q store.Querier, m merchant.ID, number string) (Certificate, error) {
	c, err := scan(q.QueryRow(ctx, columns+`WHERE merchant_id = $1 AND number = $2`, m, number).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Certificate{}, ErrNotHeld.With("%.40q", number)
	}
	return c, err
}

func ofTerminal(ctx context.Context, q store.Querier, t Terminal) ([]Certificate, error) {
	return query(ctx, q, columns+`WHERE merchant_id = $1 AND tid = $2 ORDER BY not_before, number`, t.Merchant, t.ID)
}

// List gives every certificate, by merchant, terminal and age.
func (a *Authority) List(ctx context.Context) ([]Certificate, error) {
	return query(ctx, a.db.Read(), columns+`ORDER BY merchant_id, tid, not_before, number`)
}

func query(ctx context.Context, q store.Querier, text string, args ...any) (list []Certificate, err error) {
	rows, err := q.Query(ctx, text, args...)
	if err != nil {
		return nil, fmt.Errorf("list certificates: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		c, err := scan(rows.Scan)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

func scan(row func(...any) error) (c Certificate, err error) {
	var from, until, revoked store.Time
	err = row(&c.Merchant, &c.Number, &c.ID, &c.Serial, &c.DER, &from, &until, &revoked, &c.Reason)
	c.NotBefore, c.NotAfter, c.Revoked = from.Time(), until.Time(), revoked.Time()
	return c, err
}
