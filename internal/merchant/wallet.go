package merchant

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"time"

	"hawker/internal/fault"
	"hawker/internal/store"
)

// Refusals of numbers at wallets.
var (
	ErrNumber = fault.New(fault.Invalid, "wallet_number_invalid", "子商户号应为 8 到 32 位数字。", "A sub-merchant number has 8 to 32 digits.")
	ErrLater  = fault.New(fault.Conflict, "wallet_number_superseded", "已登记了更晚生效的子商户号，不能再登记更早的。", "A number that begins later is on file already.")
)

var numberForm = regexp.MustCompile(`^[0-9]{8,32}$`)

// WalletNumber is the number under which a wallet knows a merchant of a service provider
// (WeChat Pay's sub_mchid), since an instant.
type WalletNumber struct {
	Method string // the wallet
	Number string
	Since  time.Time
	By     string // who entered it
}

// SetWalletNumber gives a merchant a number from Since on. What began before goes on under
// the number before: a refund names the number that its sale named. ErrNumber, and ErrLater
// when a number begins at the same time or after.
func SetWalletNumber(ctx context.Context, tx *store.Tx, id ID, n WalletNumber) error {
	if !numberForm.MatchString(n.Number) {
		return ErrNumber.With("%.40q", n.Number)
	}
	had, err := WalletNumbers(ctx, tx, id)
	if err != nil {
		return err
	}
	for _, h := range had {
		if h.Method == n.Method && !h.Since.Before(n.Since.Truncate(time.Microsecond)) {
			return ErrLater
		}
	}
	if _, err := tx.Exec(ctx, `INSERT INTO merchant_wallets (merchant_id, method, since, number, set_by) VALUES ($1, $2, $3, $4, $5)`,
		id, n.Method, store.At(n.Since), n.Number, n.By); err != nil {
		return fmt.Errorf("set number at %s: %w", n.Method, err)
	}
	return nil
}

// NumberAt is the number of a merchant at a wallet for what began at an instant, "" when it has none.
func NumberAt(ctx context.Context, q store.Querier, id ID, method string, at time.Time) (number string, err error) {
	err = q.QueryRow(ctx, `SELECT number FROM merchant_wallets WHERE merchant_id = $1 AND method = $2 AND since <= $3 ORDER BY since DESC LIMIT 1`,
		id, method, store.At(at)).Scan(&number)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	} else if err != nil {
		return "", fmt.Errorf("find number at %s: %w", method, err)
	}
	return number, nil
}

// NumberFor is the number of a merchant at a wallet for the sale whose attempt has an id, and
// for all that follows from it; "" when it has none.
func NumberFor(ctx context.Context, q store.Querier, id ID, method string, sale int64) (string, error) {
	return NumberAt(ctx, q, id, method, store.IDTime(sale).Add(time.Millisecond-time.Microsecond)) // ids know milliseconds
}

// WalletNumbers are all numbers of a merchant, each wallet's oldest first.
func WalletNumbers(ctx context.Context, q store.Querier, id ID) (list []WalletNumber, err error) {
	rows, err := q.Query(ctx, `SELECT method, number, since, set_by FROM merchant_wallets WHERE merchant_id = $1 ORDER BY method, since`, id)
	if err != nil {
		return nil, fmt.Errorf("list numbers at wallets: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var n WalletNumber
		var since store.Time
		if err := rows.Scan(&n.Method, &n.Number, &since, &n.By); err != nil {
			return nil, err
		}
		n.Since = since.Time()
		list = append(list, n)
	}
	return list, rows.Err()
}
