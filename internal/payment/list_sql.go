package payment

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"hawker/internal/clock"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

// The statements of a list are few and constant, whatever the filter: each takes all of it.
const (
	picked = ` payment_id >= $2 AND payment_id < $3 AND amount_minor >= $6 AND amount_minor <= $7` + pickedToo
	newest = `ORDER BY payment_id DESC LIMIT $12`

	// A day's payments are found by an index of days that holds all that is asked, and then
	// looked up: both databases would rather go along all of a merchant's by their ids, for the
	// sake of the order or of bounds, hence the plus; SQLite keeps CROSS JOIN's order.
	lookedUp = ` AND +payment_id >= $2 AND +payment_id < $3) AS a CROSS JOIN payments
		WHERE merchant_id = m AND payment_id = id AND +amount_minor >= $6 AND +amount_minor <= $7` + pickedToo + `ORDER BY +id DESC LIMIT $12`
	ofDay = `SELECT ` + paymentColumns + ` FROM (SELECT merchant_id AS m, payment_id AS id FROM payments WHERE merchant_id = $1 AND day = $13`

	pickedToo = ` AND ($4 = '' OR $4 LIKE '%,' || state || ',%') AND ($5 = '' OR $5 LIKE '%,' || method || ',%')
		AND ($8 = '' OR currency = $8) AND ($9 = '' OR tid = $9) AND created_at >= $10 AND created_at < $11 `

	selectByID     = `SELECT ` + paymentColumns + ` FROM payments WHERE merchant_id = $1 AND` + picked + newest
	selectOne      = `SELECT ` + paymentColumns + ` FROM payments WHERE merchant_id = $1 AND payment_id = $13 AND` + picked + newest
	selectByCard   = ofDay + ` AND card_last4 = $14 AND card_last4 <> ''` + lookedUp
	selectByAmount = ofDay + ` AND amount_minor = $14` + lookedUp
	selectByDay    = ofDay + lookedUp
	selectByState  = `SELECT ` + paymentColumns + ` FROM (SELECT merchant_id AS m, state AS stands, payment_id AS id FROM payments_apart) AS a CROSS JOIN payments
		WHERE m = $1 AND stands = $13 AND id >= $2 AND id < $3 AND merchant_id = m AND payment_id = id AND` + picked + `ORDER BY id DESC LIMIT $12`

	floorOfAll   = `SELECT payment_id FROM payments WHERE merchant_id = $1 AND payment_id >= $2 AND payment_id < $3 ORDER BY payment_id DESC LIMIT 1 OFFSET $4`
	floorOfState = `SELECT payment_id FROM payments_apart WHERE merchant_id = $1 AND payment_id >= $2 AND payment_id < $3 AND state = $5 ORDER BY payment_id DESC LIMIT 1 OFFSET $4`

	lastDayOfCard = `SELECT day FROM payments WHERE merchant_id = $1 AND day <= $2 AND day >= $3 AND card_last4 <> '' ORDER BY day DESC LIMIT 1`
	lastDay       = `SELECT day FROM payments WHERE merchant_id = $1 AND day <= $2 AND day >= $3 ORDER BY day DESC LIMIT 1`
)

// query runs one of the statements for at most limit payments.
func (s search) query(ctx context.Context, q store.Querier, statement string, limit int, more ...any) ([]Payment, error) {
	rows, err := q.Query(ctx, statement, append([]any{s.merchant, s.low, s.high, s.states, s.methods, s.least, s.most, s.currency, s.device, s.from, s.to, limit}, more...)...)
	if err != nil {
		return nil, fmt.Errorf("list payments: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var list []Payment
	for rows.Next() {
		p, err := scanPayment(rows.Scan)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

// countDay counts a day's payments.
func (s search) countDay(ctx context.Context, q store.Querier, day clock.Day) (n int, err error) {
	err = q.QueryRow(ctx, `SELECT COUNT(*) FROM payments WHERE merchant_id = $1 AND day = $2`, s.merchant, day).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("list payments: %w", err)
	}
	return n, nil
}

// numbered is the payment that an order number has; 0 for none.
func numbered(ctx context.Context, q store.Querier, m merchant.ID, number string) (id int64, err error) {
	err = q.QueryRow(ctx, `SELECT payment_id FROM order_numbers WHERE merchant_id = $1 AND number = $2`, m, number).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	} else if err != nil {
		return 0, fmt.Errorf("list payments: %w", err)
	}
	return id, nil
}

// floor is how far back one page looks: the id that so many payments are not older than.
// more is false when there are not so many.
func (s search) floor(ctx context.Context, q store.Querier, statement string, more ...any) (id int64, _ bool, err error) {
	err = q.QueryRow(ctx, statement, append([]any{s.merchant, s.low, s.high, reach - 1}, more...)...).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	} else if err != nil {
		return 0, false, fmt.Errorf("list payments: %w", err)
	}
	return id, true, nil
}

// position is where a page ended: what follows is of an earlier day, or of that day with a
// smaller id; where no day is told, of any day with a smaller id.
type position struct {
	day clock.Day
	id  int64
}

// cursorSize is a position and a digest: nobody gains by making one up, but one of another
// list, or a damaged one, would skip payments silently.
const cursorSize = 12 + 8

// cursor is the position in the list of a filter, for whoever asks for the next page.
func (p position) cursor(f Filter) string {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, cursorSize), uint32(p.day)) //nolint:gosec // read back alike
	b = binary.BigEndian.AppendUint64(b, uint64(p.id))                             //nolint:gosec // read back alike
	return base64.RawURLEncoding.EncodeToString(append(b, f.digest(b)...))
}

func parseCursor(f Filter) (position, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(f.Cursor)
	if err != nil || len(b) != cursorSize || !bytes.Equal(b[12:], f.digest(b[:12])) {
		return position{}, ErrCursor
	}
	return position{clock.Day(binary.BigEndian.Uint32(b)), int64(binary.BigEndian.Uint64(b[4:]))}, nil //nolint:gosec // written by cursor
}

// digest binds a position to a filter; another size of page is the same list.
func (f Filter) digest(position []byte) []byte {
	list, err := json.Marshal([]any{f.Merchant, f.States, f.Methods, store.At(f.From), store.At(f.To), f.Least.Currency(), f.Least.Minor(),
		f.Most.Currency(), f.Most.Minor(), f.Device, f.Text, position})
	if err != nil {
		panic(fmt.Sprintf("payment: a filter of numbers and texts is no JSON: %v", err))
	}
	sum := sha256.Sum256(list)
	return sum[:8]
}
