package payment

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
)

const paymentColumns = `merchant_id, payment_id, tid, method, state, amount_minor, currency, fee_minor, fee_version, refunded_minor, refund_fee_minor,
	card_token, card_bin, card_last4, card_kind, entry_mode, day, created_at`

const attemptColumns = `merchant_id, attempt_id, payment_id, kind, of_attempt, channel, state, idem_key, content_hash, tid, batch, batch_day, trace,
	amount_minor, fee_minor, currency, stan, code, auth_code, issuer, booked, reason, day, node_id, created_at, updated_at`

var (
	selectPayments = store.SelectSet(paymentColumns, "payments", true, store.Ints("merchant_id", "payment_id"))
	selectAttempts = store.SelectSet(attemptColumns, "attempts", true, store.Ints("merchant_id", "attempt_id"))
	selectKeys     = store.SelectSet(attemptColumns, "attempts", true, store.Ints("merchant_id"), store.Texts("idem_key"))

	insertPayments = store.InsertSet("payments", "", store.Ints("merchant_id", "payment_id"), store.Texts("tid", "method", "state"), store.Ints("amount_minor"),
		store.Texts("currency"), store.Ints("fee_minor", "fee_version", "refunded_minor", "refund_fee_minor"),
		store.Texts("card_token", "card_bin", "card_last4", "card_kind", "entry_mode"), store.Ints("day", "created_at", "updated_at"))
	insertAttempts = store.InsertSet("attempts", "", store.Ints("merchant_id", "attempt_id", "payment_id"), store.Texts("kind"), store.Ints("of_attempt"),
		store.Texts("channel", "state", "idem_key"), store.Byteas("content_hash"), store.Texts("tid"), store.Ints("batch", "batch_day", "trace", "amount_minor", "fee_minor"),
		store.Texts("currency"), store.Ints("stan"), store.Texts("code", "auth_code", "issuer"), store.Ints("booked"), store.Texts("reason"),
		store.Ints("day", "node_id", "created_at", "updated_at"))

	// Compare and set: "was" is where the row must still stand.
	updatePayments = store.UpdateSet("payments", "state = u.to_state, method = u.by, amount_minor = u.amount, fee_minor = u.new_fee, fee_version = u.plan, refunded_minor = u.refunded, refund_fee_minor = u.refund_fee, updated_at = u.at",
		"t.merchant_id = u.m AND t.payment_id = u.id AND t.state = u.was",
		store.Ints("m", "id"), store.Texts("was", "to_state", "by"), store.Ints("amount", "new_fee", "plan", "refunded", "refund_fee", "at"))
	updateAttempts = store.UpdateSet("attempts", "state = u.to_state, code = u.new_code, auth_code = u.auth, issuer = u.bank, booked = u.stands, reason = u.why, updated_at = u.at",
		"t.merchant_id = u.m AND t.attempt_id = u.id AND t.state = u.was",
		store.Ints("m", "id"), store.Texts("was", "to_state", "new_code", "auth", "bank"), store.Ints("stands"), store.Texts("why"), store.Ints("at"))
)

func scanPayment(scan func(...any) error) (Payment, error) {
	var p Payment
	var amount, fee, refunded, refundFee int64
	var c money.Currency
	var created store.Time
	err := scan(&p.Merchant, &p.ID, &p.Terminal, &p.Method, &p.State, &amount, &c, &fee, &p.FeeVersion, &refunded, &refundFee,
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

func scanAttempt(scan func(...any) error) (Attempt, error) {
	var a Attempt
	var amount, fee, booked int64
	var c money.Currency
	var created, updated store.Time
	err := scan(&a.Merchant, &a.ID, &a.Payment, &a.Kind, &a.Of, &a.Channel, &a.State, &a.key, &a.hash, &a.Terminal, &a.Batch, &a.BatchDay, &a.Trace,
		&amount, &fee, &c, &a.STAN, &a.Code, &a.AuthCode, &a.Issuer, &booked, &a.Reason, &a.Day, &a.Node, &created, &updated)
	if errors.Is(err, sql.ErrNoRows) {
		return Attempt{}, ErrNotFound
	} else if err != nil {
		return Attempt{}, fmt.Errorf("read attempt: %w", err)
	}
	a.Amount, a.Fee, a.Booked = money.New(amount, c), money.New(fee, c), booked != 0
	a.Created, a.Updated = created.Time(), updated.Time()
	return a, nil
}

// readPayments locks and reads the payments of ids that were not read before.
func (w *work) readPayments(ids []rowKey) error {
	return selectPayments.Query(w.ctx, &w.tx.Reader, unread(ids, w.payments), func(scan func(...any) error) error {
		p, err := scanPayment(scan)
		w.payments[rowKey{p.Merchant, p.ID}] = &paymentRow{Payment: p, was: p.State}
		return err
	})
}

// readAttempts locks and reads the attempts of ids that were not read before.
func (w *work) readAttempts(ids []rowKey) error {
	return selectAttempts.Query(w.ctx, &w.tx.Reader, unread(ids, w.attempts), w.keepAttempt)
}

func (w *work) keepAttempt(scan func(...any) error) error {
	a, err := scanAttempt(scan)
	if err == nil && w.attempts[rowKey{a.Merchant, a.ID}] == nil {
		w.attempts[rowKey{a.Merchant, a.ID}] = &attemptRow{Attempt: a, was: a.State}
	}
	w.keys[wordKey{a.Merchant, a.key}] = a.ID
	return err
}

// unread sorts ids in lock order, each once, and leaves out what is there already.
func unread[T any](ids []rowKey, have map[rowKey]*T) [][]any {
	ids = slices.DeleteFunc(slices.Clone(ids), func(k rowKey) bool { return have[k] != nil })
	slices.SortFunc(ids, func(a, b rowKey) int { return cmp.Or(cmp.Compare(a.merchant, b.merchant), cmp.Compare(a.id, b.id)) })
	var rows [][]any
	for _, k := range slices.Compact(ids) {
		rows = append(rows, []any{k.merchant, k.id})
	}
	return rows
}

// readKeys locks and reads the attempts under idempotency keys, and notes the keys that are free.
func (w *work) readKeys(words []wordKey) error {
	var rows [][]any
	slices.SortFunc(words, func(a, b wordKey) int {
		return cmp.Or(cmp.Compare(a.merchant, b.merchant), cmp.Compare(a.word, b.word))
	})
	for _, k := range slices.Compact(words) {
		if _, read := w.keys[k]; !read {
			w.keys[k] = 0
			rows = append(rows, []any{k.merchant, k.word})
		}
	}
	return selectKeys.Query(w.ctx, &w.tx.Reader, rows, w.keepAttempt)
}

// writeRows inserts new rows and updates changed ones; errMoved
// when one does not stand where it was read or believed to.
func (w *work) writeRows() error {
	var payments, attempts [][]any
	for _, r := range w.newPayments {
		p := r.Payment
		payments = append(payments, []any{p.Merchant, p.ID, p.Terminal, p.Method, p.State, p.Amount.Minor(), p.Amount.Currency(), p.Fee.Minor(), p.FeeVersion,
			p.Refunded.Minor(), p.RefundFee.Minor(), p.Card.Token, p.Card.BIN, p.Card.Last4, p.Card.Kind, p.Card.Entry, p.Day, store.At(p.Created), store.At(p.Created)})
		r.was, r.change = p.State, false
	}
	for _, r := range w.newAttempts {
		a := r.Attempt
		attempts = append(attempts, []any{a.Merchant, a.ID, a.Payment, a.Kind, a.Of, a.Channel, a.State, a.key, a.hash, a.Terminal, a.Batch, a.BatchDay, a.Trace,
			a.Amount.Minor(), a.Fee.Minor(), a.Amount.Currency(), a.STAN, a.Code, a.AuthCode, a.Issuer, number(a.Booked), a.Reason, a.Day, a.Node, store.At(a.Created), store.At(a.Updated)})
		r.was, r.change = a.State, false
	}
	if _, err := insertPayments.Exec(w.ctx, w.tx, payments); err != nil {
		return err
	}
	if _, err := insertAttempts.Exec(w.ctx, w.tx, attempts); err != nil {
		return err
	}
	var set apart
	for _, r := range w.newPayments {
		set.move(rowKey{r.Merchant, r.ID}, "", r.State)
	}
	if err := set.write(w); err != nil {
		return err
	}
	return w.updateRows()
}

func (w *work) updateRows() error {
	var payments, attempts [][]any
	var set apart
	for k, r := range w.payments {
		if r.change {
			set.move(k, r.was, r.State)
			payments = append(payments, []any{k.merchant, k.id, r.was, r.State, r.Method, r.Amount.Minor(), r.Fee.Minor(), r.FeeVersion, r.Refunded.Minor(), r.RefundFee.Minor(), store.At(r.updated)})
			r.was, r.change = r.State, false
		}
	}
	for k, r := range w.attempts {
		if r.change {
			attempts = append(attempts, []any{k.merchant, k.id, r.was, r.State, r.Code, r.AuthCode, r.Issuer, number(r.Booked), r.Reason, store.At(r.Updated)})
			r.was, r.change = r.State, false
		}
	}
	for _, u := range []struct {
		set  store.Set
		rows [][]any
	}{{updatePayments, payments}, {updateAttempts, attempts}} {
		n, err := u.set.Exec(w.ctx, w.tx, u.rows)
		if err != nil {
			return err
		}
		if n != int64(len(u.rows)) {
			return fmt.Errorf("%w: %d of %d", errMoved, int64(len(u.rows))-n, len(u.rows))
		}
	}
	return set.write(w)
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

func attemptByID(ctx context.Context, q store.Querier, m merchant.ID, id int64) (Attempt, error) {
	return scanAttempt(q.QueryRow(ctx, `SELECT `+attemptColumns+` FROM attempts WHERE merchant_id = $1 AND attempt_id = $2`, m, id).Scan)
}

func attempts(ctx context.Context, q store.Querier, where string, args ...any) ([]Attempt, error) {
	rows, err := q.Query(ctx, `SELECT `+attemptColumns+` FROM attempts WHERE `+where, args...)
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

// Get reads a payment; ErrNotFound when this merchant has none of that id.
func Get(ctx context.Context, q store.Querier, m merchant.ID, id int64) (Payment, error) {
	return scanPayment(q.QueryRow(ctx, `SELECT `+paymentColumns+` FROM payments WHERE merchant_id = $1 AND payment_id = $2`, m, id).Scan)
}

// Attempts lists a payment's attempts, oldest first: the one that made it, whose id it has, and those that follow.
func Attempts(ctx context.Context, q store.Querier, m merchant.ID, payment int64) ([]Attempt, error) {
	return attempts(ctx, q, `merchant_id = $1 AND (attempt_id = $2 OR payment_id = $2 AND payment_id <> attempt_id) ORDER BY attempt_id`, m, payment)
}

// UnderWay lists the attempts of all merchants whose end is not known yet, oldest first.
func UnderWay(ctx context.Context, q store.Querier) ([]Attempt, error) {
	return underWay(ctx, q, 0, never)
}

// underWay lists those with ids from from to below to. It goes from merchant to merchant
// along the key and looks at these attempts of each: an index over the state would have to
// be kept by every payment, for a list that is read every few seconds.
func underWay(ctx context.Context, q store.Querier, from, to int64) ([]Attempt, error) {
	return attempts(ctx, q, `attempt_id >= $1 AND attempt_id < $2 AND state IN ('sent', 'unknown', 'reversing', 'waiting', 'closing') AND merchant_id IN (
		WITH RECURSIVE all_merchants (id) AS (
			SELECT MIN(merchant_id) FROM attempts
			UNION ALL SELECT (SELECT MIN(merchant_id) FROM attempts WHERE merchant_id > all_merchants.id) FROM all_merchants WHERE id IS NOT NULL)
		SELECT id FROM all_merchants WHERE id IS NOT NULL) ORDER BY attempt_id`, from, to)
}
