// Package handover lets a payment that was begun on one device be followed on another: the
// first shows six digits, the second takes the payment with them. It refuses to know what
// state the payment is in: it moves who looks after it, never money.
package handover

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"time"

	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

// Refusals.
var (
	ErrCode = fault.New(fault.NotFound, "handover_code", "这个接手码不对，或者已经过期、用过了。请在原设备上看最新的。", "This code is wrong, used or too old. Look at the first device for the present one.")
	errBusy = errors.New("no free code")
)

// Lasts is how long a code can be used.
const Lasts = 5 * time.Minute

// tries is how many codes are drawn before giving up: with ten thousand open ones a draw fails in one of a hundred.
const tries = 8

// Offer makes a code for a payment, in place of any former one.
func Offer(ctx context.Context, db *store.DB, m merchant.ID, payment int64, now time.Time) (code string, expires time.Time, err error) {
	expires = store.At(now.Add(Lasts)).Time()
	for range tries {
		n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
		if err != nil {
			return "", expires, err
		}
		code = fmt.Sprintf("%06d", n)
		err = db.Write(ctx, func(tx *store.Tx) error {
			if _, err := tx.Exec(ctx, `UPDATE handovers SET code = '' WHERE merchant_id = $1 AND code <> '' AND expires_at < $2`, m, store.At(now)); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `INSERT INTO handovers (merchant_id, payment_id, code, expires_at, holder, holder_name, changed_at) VALUES ($1, $2, $3, $4, '', '', $5)
				ON CONFLICT (merchant_id, payment_id) DO UPDATE SET code = excluded.code, expires_at = excluded.expires_at, changed_at = excluded.changed_at`,
				m, payment, code, store.At(expires), store.At(now))
			return err
		})
		if store.IsUnique(err) {
			continue
		}
		if err != nil {
			return "", expires, fmt.Errorf("offer payment: %w", err)
		}
		return code, expires, nil
	}
	return "", expires, errBusy
}

// Take gives the payment behind a code to a device, once; ErrCode when the code is not good.
func Take(ctx context.Context, tx *store.Tx, m merchant.ID, code, device, name string, now time.Time) (payment int64, err error) {
	if code == "" {
		return 0, ErrCode
	}
	err = tx.QueryRow(ctx, `SELECT payment_id FROM handovers WHERE merchant_id = $1 AND code = $2 AND expires_at >= $3`, m, code, store.At(now)).Scan(&payment)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, ErrCode
	}
	if err != nil {
		return 0, fmt.Errorf("take payment: %w", err)
	}
	n, err := tx.Exec(ctx, `UPDATE handovers SET code = '', holder = $1, holder_name = $2, changed_at = $3 WHERE merchant_id = $4 AND payment_id = $5 AND code = $6`,
		device, name, store.At(now), m, payment, code)
	if err != nil {
		return 0, fmt.Errorf("take payment: %w", err)
	}
	if n == 0 { // somebody was faster
		return 0, ErrCode
	}
	return payment, nil
}

// Holder is the device that took a payment over, and its name; "" when nobody did.
func Holder(ctx context.Context, q store.Querier, m merchant.ID, payment int64) (device, name string, err error) {
	err = q.QueryRow(ctx, `SELECT holder, holder_name FROM handovers WHERE merchant_id = $1 AND payment_id = $2`, m, payment).Scan(&device, &name)
	if errors.Is(err, sql.ErrNoRows) {
		return "", "", nil
	}
	if err != nil {
		return "", "", fmt.Errorf("find holder: %w", err)
	}
	return device, name, nil
}
