package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hawker/internal/channel"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

// SaleByRef finds an approved sale of a merchant by its RRN, for what proves it afterwards.
// ErrNotFound when there is none, ErrState when it was declined, voided or reversed.
func SaleByRef(ctx context.Context, q store.Querier, m merchant.ID, ref string) (Payment, Attempt, error) {
	id, err := ParseRef(ref)
	if err != nil {
		return Payment{}, Attempt{}, err
	}
	p, err := scanPayment(q.QueryRow(ctx, `SELECT `+paymentColumns+` FROM payments WHERE merchant_id = $1 AND payment_id = $2`, m, id).Scan)
	if err != nil {
		return Payment{}, Attempt{}, err
	}
	a, err := scanAttempt(q.QueryRow(ctx, `SELECT `+attemptColumns+` FROM attempts WHERE merchant_id = $1 AND attempt_id = $2`, m, id).Scan)
	if err == nil && (a.State != Approved || p.State != Approved) {
		err = ErrState.With("payment %s is %s", ref, p.State)
	}
	return p, a, err
}

// Unproven is an approved sale that no PIN proves.
type Unproven struct {
	Merchant merchant.ID
	ID       int64
	Terminal terminal.ID
	Batch    int
	Trace    int
	Amount   money.Amount
	BIN      string // first six digits of the card
	Entry    string // entry mode, three digits
	Created  time.Time
}

// WithoutPIN lists the approved sales since an instant that no PIN proves, oldest first: of one
// terminal, or with "" of all, and with merchant 0 of every merchant. Completions and offline
// sales are none: the pre-authorization was proven, and a paper slip is signed.
func WithoutPIN(ctx context.Context, q store.Querier, m merchant.ID, t terminal.ID, since time.Time) (list []Unproven, err error) {
	rows, err := q.Query(ctx, `SELECT a.merchant_id, a.attempt_id, a.tid, a.batch, a.trace, a.amount_minor, a.currency, a.created_at, p.card_bin, p.entry_mode
		FROM payments p JOIN attempts a ON a.merchant_id = p.merchant_id AND a.attempt_id = p.payment_id
		WHERE ($1 = 0 OR p.merchant_id = $1) AND ($2 = '' OR p.tid = $2) AND p.payment_id >= $3 AND p.created_at >= $5 AND p.state = $4 AND p.entry_mode LIKE '__2' AND a.kind = $6
		ORDER BY p.merchant_id, p.payment_id`, int64(m), string(t), store.IDAt(since), string(Approved), store.At(since), string(channel.Sale))
	if err != nil {
		return nil, fmt.Errorf("list sales without PIN: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var a Unproven
		var amount int64
		var currency money.Currency
		var created store.Time
		if err := rows.Scan(&a.Merchant, &a.ID, &a.Terminal, &a.Batch, &a.Trace, &amount, &currency, &created, &a.BIN, &a.Entry); err != nil {
			return nil, err
		}
		a.Amount, a.Created = money.New(amount, currency), created.Time()
		list = append(list, a)
	}
	return list, rows.Err()
}
