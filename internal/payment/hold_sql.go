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

const holdColumns = `merchant_id, hold_id, attempt_id, tid, state, amount_minor, currency, auth_code, batch, trace,
	card_token, card_bin, card_last4, card_kind, entry_mode, day, expires_at, created_at`

var (
	selectHolds = store.SelectSet(holdColumns, "holds", true, store.Ints("merchant_id", "hold_id"))
	insertHolds = store.InsertSet("holds", "", store.Ints("merchant_id", "hold_id", "attempt_id"), store.Texts("tid", "state"), store.Ints("amount_minor"),
		store.Texts("currency", "auth_code"), store.Ints("batch", "trace"), store.Texts("card_token", "card_bin", "card_last4", "card_kind", "entry_mode"),
		store.Ints("day", "expires_at", "created_at", "updated_at"))
	updateHolds = store.UpdateSet("holds", "state = u.to_state , auth_code = u.auth , updated_at = u.at ",
		"t.merchant_id = u.m AND t.hold_id = u.id AND t.state = u.was ",
		store.Ints("m", "id"), store.Texts("was", "to_state", "auth"), store.Ints("at"))
)

type holdRow struct {
	Hold
	was    State // in the database; "" when it is not there yet
	change bool
}

func scanHold(scan func(...any) error) (Hold, error) {
	var h Hold
	var amount int64
	var c money.Currency
	var expires, created store.Time
	err := scan(&h.Merchant, &h.ID, &h.Attempt, &h.Terminal, &h.State, &amount, &c, &h.AuthCode, &h.Batch, &h.Trace,
		&h.Card.Token, &h.Card.BIN, &h.Card.Last4, &h.Card.Kind, &h.Card.Entry, &h.Day, &expires, &created)
	if errors.Is(err, sql.ErrNoRows) {
		return Hold{}, ErrNotFound
	} else if err != nil {
		return Hold{}, fmt.Errorf("read hold: %w", err)
	}
	h.Amount, h.Expires, h.Created = money.New(amount, c), expires.Time(), created.Time()
	return h, nil
}

func holdByID(ctx context.Context, q store.Querier, m merchant.ID, id int64) (Hold, error) {
	return scanHold(q.QueryRow(ctx, `SELECT `+holdColumns+` FROM holds WHERE merchant_id = $1 AND hold_id = $2`, m, id).Scan)
}

// hold gives a locked hold by id; ErrNotFound when there is none.
func (w *work) hold(m merchant.ID, id int64) (Hold, error) {
	at := rowKey{m, id}
	if w.holds[at] == nil {
		err := selectHolds.Query(w.ctx, &w.tx.Reader, [][]any{{m, id}}, func(scan func(...any) error) error {
			h, err := scanHold(scan)
			w.holds[at] = &holdRow{Hold: h, was: h.State}
			return err
		})
		if err != nil {
			return Hold{}, w.failed(err)
		}
	}
	if row := w.holds[at]; row != nil {
		return row.Hold, nil
	}
	return Hold{}, ErrNotFound
}

// findHold reads the hold that a terminal points at by authorization code and card:
// the newest when the bank used the code twice. ErrNotFound when there is none.
func (w *work) findHold(r HoldRequest) (Hold, error) {
	if r.AuthCode == "" {
		return Hold{}, ErrNotFound // it would be that of a hold nobody approved
	}
	var id int64
	query := `SELECT hold_id FROM holds WHERE merchant_id = $1 AND card_token = $2 AND auth_code = $3`
	args := []any{r.Merchant.ID, r.Facts.Token, r.AuthCode}
	if r.OriginalTrace != 0 {
		query += ` AND batch = $4 AND trace = $5`
		args = append(args, r.OriginalBatch, r.OriginalTrace)
	}
	err := w.tx.QueryRow(w.ctx, query+` ORDER BY hold_id DESC LIMIT 1`, args...).Scan(&id)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Hold{}, w.failed(fmt.Errorf("find hold: %w", err))
	}
	for at, row := range w.holds { // what was decided a moment ago is not in the database yet
		if at.merchant == r.Merchant.ID && at.id > id && row.means(r) {
			id = at.id
		}
	}
	return w.hold(r.Merchant.ID, id)
}

// means reports whether the request points at the hold.
func (h Hold) means(r HoldRequest) bool {
	return h.Card.Token == r.Facts.Token && h.AuthCode == r.AuthCode && (r.OriginalTrace == 0 || h.Batch == r.OriginalBatch && h.Trace == r.OriginalTrace)
}

// addHold writes a new hold.
func (w *work) addHold(h Hold) {
	at := rowKey{h.Merchant, h.ID}
	h.updated = h.Created
	w.holds[at] = &holdRow{Hold: h, change: true}
	w.undo = append(w.undo, func() { delete(w.holds, at) })
}

// moveHold moves a hold by an event and keeps its authorization code, as movePayment does.
func (w *work) moveHold(h *Hold, e Event, at time.Time) error {
	row := w.holds[rowKey{h.Merchant, h.ID}]
	if row == nil || row.State != h.State {
		return ErrState.With("hold is not %s any more", h.State)
	}
	to, err := HoldMoves.Next(h.State, e)
	if err != nil {
		return err
	}
	before := *row
	w.undo = append(w.undo, func() { *row = before })
	h.State, h.updated = to, at
	row.Hold, row.change = *h, true
	return nil
}

// writeHolds inserts new holds and updates changed ones; one that moved meanwhile is an
// error, because it was locked.
func (w *work) writeHolds() error {
	var fresh, changed [][]any
	for k, r := range w.holds {
		switch {
		case !r.change:
			continue
		case r.was == "":
			fresh = append(fresh, []any{k.merchant, k.id, r.Attempt, r.Terminal, r.State, r.Amount.Minor(), r.Amount.Currency(), r.AuthCode, r.Batch, r.Trace,
				r.Card.Token, r.Card.BIN, r.Card.Last4, r.Card.Kind, r.Card.Entry, r.Day, store.At(r.Expires), store.At(r.Created), store.At(r.updated)})
		default:
			changed = append(changed, []any{k.merchant, k.id, r.was, r.State, r.AuthCode, store.At(r.updated)})
		}
		r.was, r.change = r.State, false
	}
	if len(fresh) > 0 {
		if _, err := insertHolds.Exec(w.ctx, w.tx, fresh); err != nil {
			return err
		}
	}
	if len(changed) == 0 {
		return nil
	}
	n, err := updateHolds.Exec(w.ctx, w.tx, changed)
	if err == nil && n != int64(len(changed)) {
		err = fmt.Errorf("%d of %d holds moved while they were locked", int64(len(changed))-n, len(changed))
	}
	return err
}
