package payment

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

func insertPayment(ctx context.Context, tx *store.Tx, p Payment) error {
	_, err := tx.Exec(ctx, `INSERT INTO payments (merchant_id, payment_id, tid, method, state, amount_minor, currency, fee_minor, fee_version,
		refunded_minor, refund_fee_minor, card_token, card_bin, card_last4, card_kind, entry_mode, day, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, $10, $11, $12, $13, $14, $15, $16, $16)`,
		p.Merchant, p.ID, p.Terminal, p.Method, p.State, p.Amount.Minor(), p.Amount.Currency(), p.Fee.Minor(), p.FeeVersion,
		p.Card.Token, p.Card.BIN, p.Card.Last4, p.Card.Kind, p.Card.Entry, p.Day, store.At(p.Created))
	if err != nil {
		return fmt.Errorf("insert payment: %w", err)
	}
	return nil
}

// payment reads one payment; ErrNotFound when there is none. lock is "" or " FOR UPDATE".
func readPayment(ctx context.Context, q store.Querier, m merchant.ID, id int64, lock string) (Payment, error) {
	p := Payment{Merchant: m, ID: id}
	var amount, fee, refunded, refundFee int64
	var c money.Currency
	var created store.Time
	err := q.QueryRow(ctx, `SELECT tid, method, state, amount_minor, currency, fee_minor, fee_version, refunded_minor, refund_fee_minor,
		card_token, card_bin, card_last4, card_kind, entry_mode, day, created_at FROM payments WHERE merchant_id = $1 AND payment_id = $2`+lock, m, id).
		Scan(&p.Terminal, &p.Method, &p.State, &amount, &c, &fee, &p.FeeVersion, &refunded, &refundFee,
			&p.Card.Token, &p.Card.BIN, &p.Card.Last4, &p.Card.Kind, &p.Card.Entry, &p.Day, &created)
	if errors.Is(err, sql.ErrNoRows) {
		return Payment{}, ErrNotFound
	} else if err != nil {
		return Payment{}, fmt.Errorf("read payment: %w", err)
	}
	p.Amount, p.Fee = money.New(amount, c), money.New(fee, c)
	p.Refunded, p.RefundFee = money.New(refunded, c), money.New(refundFee, c)
	p.Created = created.Time()
	return p, nil
}

// movePayment moves a payment by an event: it compares and sets, and tells ErrState when it stands elsewhere.
func movePayment(ctx context.Context, tx *store.Tx, p *Payment, e Event, at time.Time) error {
	to, err := PaymentMoves.Next(p.State, e)
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `UPDATE payments SET state = $1, updated_at = $2 WHERE merchant_id = $3 AND payment_id = $4 AND state = $5`,
		to, store.At(at), p.Merchant, p.ID, p.State)
	if err != nil {
		return fmt.Errorf("move payment: %w", err)
	}
	if n == 0 {
		return ErrState.With("payment is not %s any more", p.State)
	}
	p.State = to
	return nil
}

func insertAttempt(ctx context.Context, tx *store.Tx, a Attempt) error {
	_, err := tx.Exec(ctx, `INSERT INTO attempts (merchant_id, attempt_id, payment_id, kind, of_attempt, channel, state, idem_key, content_hash,
		tid, batch, batch_day, trace, amount_minor, fee_minor, currency, stan, code, auth_code, issuer, booked, reason, day, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, '', '', 0, $19, $20, $21, $21)`,
		a.Merchant, a.ID, a.Payment, a.Kind, a.Of, a.Channel, a.State, a.key, a.hash, a.Terminal, a.Batch, a.BatchDay, a.Trace,
		a.Amount.Minor(), a.Fee.Minor(), a.Amount.Currency(), a.STAN, a.Code, a.Reason, a.Day, store.At(a.Created))
	if err != nil {
		return fmt.Errorf("insert attempt: %w", err)
	}
	return nil
}

const attemptColumns = `SELECT merchant_id, attempt_id, payment_id, kind, of_attempt, channel, state, idem_key, content_hash, tid, batch, batch_day, trace,
	amount_minor, fee_minor, currency, stan, code, auth_code, issuer, booked, reason, day, created_at, updated_at FROM attempts WHERE `

func scanAttempt(scan func(...any) error) (Attempt, error) {
	var a Attempt
	var amount, fee, booked int64
	var c money.Currency
	var created, updated store.Time
	err := scan(&a.Merchant, &a.ID, &a.Payment, &a.Kind, &a.Of, &a.Channel, &a.State, &a.key, &a.hash, &a.Terminal, &a.Batch, &a.BatchDay, &a.Trace,
		&amount, &fee, &c, &a.STAN, &a.Code, &a.AuthCode, &a.Issuer, &booked, &a.Reason, &a.Day, &created, &updated)
	if errors.Is(err, sql.ErrNoRows) {
		return Attempt{}, ErrNotFound
	} else if err != nil {
		return Attempt{}, fmt.Errorf("read attempt: %w", err)
	}
	a.Amount, a.Fee, a.Booked = money.New(amount, c), money.New(fee, c), booked != 0
	a.Created, a.Updated = created.Time(), updated.Time()
	return a, nil
}

func attemptByID(ctx context.Context, q store.Querier, m merchant.ID, id int64) (Attempt, error) {
	return scanAttempt(q.QueryRow(ctx, attemptColumns+`merchant_id = $1 AND attempt_id = $2`, m, id).Scan)
}

func attemptByKey(ctx context.Context, q store.Querier, m merchant.ID, key string) (Attempt, error) {
	return scanAttempt(q.QueryRow(ctx, attemptColumns+`merchant_id = $1 AND idem_key = $2`, m, key).Scan)
}

func attempts(ctx context.Context, q store.Querier, where string, args ...any) ([]Attempt, error) {
	rows, err := q.Query(ctx, attemptColumns+where, args...)
	if err != nil {
		return nil, fmt.Errorf("list attempts: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var list []Attempt
	for rows.Next() {
		a, err := scanAttempt(rows.Scan)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, rows.Err()
}

// moveAttempt moves an attempt by an event and writes what the channel said. It
// compares and sets: ErrState when the attempt stands elsewhere.
func moveAttempt(ctx context.Context, tx *store.Tx, a *Attempt, e Event, at time.Time) error {
	to, err := AttemptMoves.Next(a.State, e)
	if err != nil {
		return err
	}
	booked := 0
	if a.Booked {
		booked = 1
	}
	n, err := tx.Exec(ctx, `UPDATE attempts SET state = $1, code = $2, auth_code = $3, issuer = $4, booked = $5, reason = $6, updated_at = $7
		WHERE merchant_id = $8 AND attempt_id = $9 AND state = $10`,
		to, a.Code, a.AuthCode, a.Issuer, booked, a.Reason, store.At(at), a.Merchant, a.ID, a.State)
	if err != nil {
		return fmt.Errorf("move attempt: %w", err)
	}
	if n == 0 {
		return ErrState.With("attempt is not %s any more", a.State)
	}
	a.State, a.Updated = to, at
	return nil
}

// addRefunded moves a payment's refunded amount and fee by deltas, and refuses to pass the captured amount.
func addRefunded(ctx context.Context, tx *store.Tx, p Payment, amount, fee money.Amount, at time.Time) error {
	n, err := tx.Exec(ctx, `UPDATE payments SET refunded_minor = refunded_minor + $1, refund_fee_minor = refund_fee_minor + $2, updated_at = $3
		WHERE merchant_id = $4 AND payment_id = $5 AND state = 'approved' AND refunded_minor + $1 BETWEEN 0 AND amount_minor`,
		amount.Minor(), fee.Minor(), store.At(at), p.Merchant, p.ID)
	if err != nil {
		return fmt.Errorf("refund of payment: %w", err)
	}
	if n == 0 {
		return ErrRefundOver
	}
	return nil
}

// Get reads a payment; ErrNotFound when this merchant has none of that id.
func Get(ctx context.Context, q store.Querier, m merchant.ID, id int64) (Payment, error) {
	return readPayment(ctx, q, m, id, "")
}

// Attempts lists a payment's attempts, oldest first.
func Attempts(ctx context.Context, q store.Querier, m merchant.ID, payment int64) ([]Attempt, error) {
	return attempts(ctx, q, `merchant_id = $1 AND payment_id = $2 ORDER BY attempt_id`, m, payment)
}

// UnderWay lists the attempts of all merchants whose end is not known yet, oldest first.
func UnderWay(ctx context.Context, q store.Querier) ([]Attempt, error) {
	return attempts(ctx, q, `state IN ('sent', 'unknown', 'reversing') ORDER BY attempt_id`)
}
