package payment

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"hawker/internal/clock"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
)

// OrderFacts are what is kept of an order beside its payment.
type OrderFacts struct {
	Merchant merchant.ID
	Payment  int64
	Device   string
	Number   string // the merchant's own; "" for none
	Note     string
	Shown    string // JSON; "" for nothing
	Plate    int64
	Payer    string
	Day      clock.Day
	Expires  time.Time
	Created  time.Time

	key  string
	hash []byte
}

const orderColumns = `merchant_id, payment_id, idem_key, content_hash, device, number, note, shown, plate, payer, day, expires_at, created_at`

var (
	selectOrderKeys = store.SelectSet(orderColumns, "orders", false, store.Ints("merchant_id"), store.Texts("idem_key"))
	insertOrders    = store.InsertSet("orders", "", store.Ints("merchant_id", "payment_id"), store.Texts("idem_key"), store.Byteas("content_hash"),
		store.Texts("device", "number", "note", "shown"), store.Ints("plate"), store.Texts("payer"), store.Ints("day", "expires_at", "created_at"))
	selectNumbers = store.SelectSet("merchant_id, number, payment_id", "order_numbers", true, store.Ints("merchant_id"), store.Texts("number"))
	insertNumbers = store.InsertSet("order_numbers", "", store.Ints("merchant_id"), store.Texts("number"), store.Ints("payment_id"))
	updateNumbers = store.UpdateSet("order_numbers", "payment_id = u.now", "t.merchant_id = u.m AND t.number = u.n AND t.payment_id = u.was",
		store.Ints("m"), store.Texts("n"), store.Ints("was", "now"))
	insertLinks = store.InsertSet("order_links", "ON CONFLICT (merchant_id, attempt_id) DO NOTHING", store.Ints("merchant_id", "attempt_id"), store.Texts("link"))
)

func scanOrder(scan func(...any) error) (OrderFacts, error) {
	var o OrderFacts
	var expires, created store.Time
	err := scan(&o.Merchant, &o.Payment, &o.key, &o.hash, &o.Device, &o.Number, &o.Note, &o.Shown, &o.Plate, &o.Payer, &o.Day, &expires, &created)
	if errors.Is(err, sql.ErrNoRows) {
		return OrderFacts{}, ErrNotFound
	} else if err != nil {
		return OrderFacts{}, fmt.Errorf("read order: %w", err)
	}
	o.Expires, o.Created = expires.Time(), created.Time()
	return o, nil
}

// OrderOf reads what is kept of a payment's order; ErrNotFound for a payment that an ISO terminal asked for.
func OrderOf(ctx context.Context, q store.Querier, m merchant.ID, payment int64) (OrderFacts, error) {
	return scanOrder(q.QueryRow(ctx, `SELECT `+orderColumns+` FROM orders WHERE merchant_id = $1 AND payment_id = $2`, m, payment).Scan)
}

// linkOf reads what a wallet opens to pay an attempt; "" when the wallet has not said.
func linkOf(ctx context.Context, q store.Querier, a Attempt) (link string, err error) {
	err = q.QueryRow(ctx, `SELECT link FROM order_links WHERE merchant_id = $1 AND attempt_id = $2`, a.Merchant, a.ID).Scan(&link)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return link, err
}

// byPlates is what a payer has paid, or may still pay, by static plates of whichever merchant
// since an instant, in minor units. What two merchants are asked in the same moment may not
// see each other where the database has several writers.
func byPlates(ctx context.Context, q store.Querier, payer string, c money.Currency, since time.Time) (minor int64, err error) {
	err = q.QueryRow(ctx, `SELECT CAST(COALESCE(SUM(p.amount_minor - p.refunded_minor), 0) AS BIGINT) FROM orders o
		JOIN payments p ON p.merchant_id = o.merchant_id AND p.payment_id = o.payment_id
		WHERE o.payer = $1 AND o.created_at >= $2 AND o.plate > 0 AND p.currency = $3
		AND p.state NOT IN ('declined', 'cancelled', 'expired', 'reversed')`, payer, store.At(since), c).Scan(&minor)
	return minor, err
}

// askerKey is the idempotency key of an order or refund within a business day. Devices' own
// keys are random and long: hashed, and after the day, they grow in order.
func askerKey(day clock.Day, kind byte, device, key string) string {
	sum := sha256.Sum256([]byte(device + "\x00" + key))
	return fmt.Sprintf("%08d:%c:%s", day, kind, base64.RawURLEncoding.EncodeToString(sum[:18]))
}

// reused is ErrReused with both contents' hashes.
func reused(first, second []byte) error {
	return ErrReused.Wrap(&Reuse{hex.EncodeToString(first), hex.EncodeToString(second)})
}

// readOrderKeys reads the orders under idempotency keys, and notes the keys that are free.
func (w *work) readOrderKeys(words []wordKey) error {
	var rows [][]any
	for _, k := range words {
		if _, read := w.orderKeys[k]; !read {
			w.orderKeys[k] = nil
			rows = append(rows, []any{k.merchant, k.word})
		}
	}
	return selectOrderKeys.Query(w.ctx, &w.tx.Reader, rows, func(scan func(...any) error) error {
		o, err := scanOrder(scan)
		w.orderKeys[wordKey{o.Merchant, o.key}] = &o
		return err
	})
}

// orderByKey gives the order under an idempotency key; nil when there is none.
func (w *work) orderByKey(m merchant.ID, word string) (*OrderFacts, error) {
	at := wordKey{m, word}
	if _, read := w.orderKeys[at]; !read {
		if err := w.readOrderKeys([]wordKey{at}); err != nil {
			return nil, w.failed(err)
		}
	}
	return w.orderKeys[at], nil
}

// addOrder writes a new order. Nobody has its key: the caller looked.
func (w *work) addOrder(o OrderFacts) {
	at := wordKey{o.Merchant, o.key}
	w.orderKeys[at] = &o
	w.newOrders = append(w.newOrders, []any{o.Merchant, o.Payment, o.key, o.hash, o.Device, o.Number, o.Note, o.Shown, o.Plate, o.Payer, o.Day, store.At(o.Expires), store.At(o.Created)})
	w.undo = append(w.undo, func() { w.orderKeys[at] = nil })
}

// numberRow is which payment an order number has.
type numberRow struct {
	payment, was int64 // was: in the database; 0 when it is not there
	change       bool
}

// takeNumber gives an order number to a payment, unless one that stands or may come has it.
func (w *work) takeNumber(m merchant.ID, number string, payment int64) error {
	at := wordKey{m, number}
	row := w.numbers[at]
	if row == nil {
		row = &numberRow{}
		err := selectNumbers.Query(w.ctx, &w.tx.Reader, [][]any{{m, number}}, func(scan func(...any) error) error {
			err := scan(&at.merchant, &at.word, &row.payment)
			row.was = row.payment
			return err
		})
		if err != nil {
			return w.failed(err)
		}
		w.numbers[at] = row
	}
	if row.payment != 0 {
		p, err := w.payment(m, row.payment)
		if err != nil {
			return err
		}
		if !slices.Contains([]State{Declined, Cancelled, Expired, Reversed, Voided}, p.State) {
			return ErrTaken.With("payment %s of this order is %s", Ref(p.ID), p.State)
		}
	}
	before := *row
	w.undo = append(w.undo, func() { *row = before })
	row.payment, row.change = payment, true
	return nil
}

// attemptsOf locks and gives the attempts of a payment that was presented, oldest first.
func (w *work) attemptsOf(m merchant.ID, payment int64) ([]Attempt, error) {
	rows, err := w.tx.Query(w.ctx, `SELECT attempt_id FROM attempts WHERE merchant_id = $1 AND payment_id = $2 AND payment_id <> attempt_id`, m, payment)
	if err != nil {
		return nil, w.failed(err)
	}
	defer func() { _ = rows.Close() }()
	ids := map[int64]bool{}
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, w.failed(err)
		}
		ids[id] = true
	}
	if err := rows.Err(); err != nil {
		return nil, w.failed(err)
	}
	_ = rows.Close()                  // before the next statement on this connection
	for at, row := range w.attempts { // what was decided a moment ago is not in the database yet
		if at.merchant == m && row.Payment == payment && at.id != payment {
			ids[at.id] = true
		}
	}
	var list []Attempt
	for id := range ids {
		a, err := w.attempt(m, id)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b Attempt) int { return cmp.Compare(a.ID, b.ID) })
	return list, nil
}

// writeOrders inserts new orders and links, and gives order numbers to their payments.
func (w *work) writeOrders() error {
	if _, err := insertOrders.Exec(w.ctx, w.tx, w.newOrders); err != nil {
		return err
	}
	if _, err := insertLinks.Exec(w.ctx, w.tx, w.newLinks); err != nil {
		return err
	}
	var fresh, moved [][]any
	for k, r := range w.numbers {
		switch {
		case !r.change:
			continue
		case r.was == 0:
			fresh = append(fresh, []any{k.merchant, k.word, r.payment})
		default:
			moved = append(moved, []any{k.merchant, k.word, r.was, r.payment})
		}
		r.was, r.change = r.payment, false
	}
	if _, err := insertNumbers.Exec(w.ctx, w.tx, fresh); err != nil {
		return err
	}
	n, err := updateNumbers.Exec(w.ctx, w.tx, moved)
	if err == nil && n != int64(len(moved)) {
		err = fmt.Errorf("%w: %d of %d order numbers", errMoved, int64(len(moved))-n, len(moved))
	}
	return err
}
