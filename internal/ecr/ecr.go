// Package ecr remembers what a till asked of the card terminal beside it: one ask under one
// key, written before the terminal is told, so that a till whose page or server went away
// finds out what became of it. It refuses to know how a terminal takes a card.
package ecr

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

// Refusals.
var (
	ErrNone   = fault.New(fault.NotFound, "card_ask_unknown", "没有这笔刷卡请求。", "There is no such request to the card terminal.")
	ErrReused = fault.New(fault.Conflict, "card_ask_reused", "这个请求号已经用于另一笔刷卡。", "This request was used for another card payment.")
)

// State is how far an ask has come.
type State string

// The states.
const (
	Asked   State = "asked"   // the terminal was told; what it did is not known here
	Sent    State = "sent"    // there is a payment: Ref
	Nothing State = "nothing" // nothing was sent: Said
)

// Said is a sentence of the terminal.
type Said struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// Ask is one wish of a till.
type Ask struct {
	Merchant merchant.ID
	ID       int64
	Device   string
	Key      string
	Terminal terminal.ID
	Amount   money.Amount
	Shown    []byte // JSON of what the payer was shown, at most 16 KiB
	Note     string
	State    State
	Ref      string // of the payment's attempt, its RRN; "" while it is not known
	Said     Said   // why nothing was sent
	At       time.Time
}

// Put writes an ask down. The same key with the same amount gives the first ask, and fresh is
// false; with another amount it is ErrReused.
func Put(ctx context.Context, tx *store.Tx, a Ask, at time.Time) (_ Ask, fresh bool, err error) {
	a.ID, a.State, a.At = store.NewID(at), Asked, store.At(at).Time()
	n, err := tx.Exec(ctx, `INSERT INTO card_asks (merchant_id, ask_id, device, idem_key, tid, amount_minor, currency, shown, note, state, ref, said, asked_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', '{}', $11) ON CONFLICT (merchant_id, device, idem_key) DO NOTHING`,
		a.Merchant, a.ID, a.Device, a.Key, string(a.Terminal), a.Amount.Minor(), string(a.Amount.Currency()), string(a.Shown), a.Note, string(a.State), store.At(at))
	if err != nil {
		return a, false, fmt.Errorf("write ask: %w", err)
	}
	if n == 1 {
		return a, true, nil
	}
	first, err := ByKey(ctx, tx, a.Merchant, a.Device, a.Key)
	if err == nil && first.Amount != a.Amount {
		err = ErrReused.With("%s was asked first, then %s", first.Amount, a.Amount)
	}
	return first, false, err
}

// End writes what became of an ask: the payment's reference, or "" and why nothing was sent.
// Once it has ended it stays as it is.
func End(ctx context.Context, tx *store.Tx, a Ask, ref string, said Said) error {
	state := Sent
	if ref == "" {
		state = Nothing
	}
	text, err := json.Marshal(said)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE card_asks SET state = $1, ref = $2, said = $3 WHERE merchant_id = $4 AND ask_id = $5 AND state = $6`,
		string(state), ref, string(text), a.Merchant, a.ID, string(Asked))
	if err != nil {
		return fmt.Errorf("end ask: %w", err)
	}
	return nil
}

const columns = `SELECT merchant_id, ask_id, device, idem_key, tid, amount_minor, currency, shown, note, state, ref, said, asked_at FROM card_asks `

// ByKey finds what a device asked under a key; ErrNone when it asked nothing.
func ByKey(ctx context.Context, q store.Querier, m merchant.ID, device, key string) (Ask, error) {
	return scan(q.QueryRow(ctx, columns+`WHERE merchant_id = $1 AND device = $2 AND idem_key = $3`, m, device, key))
}

// ByRef finds the ask that led to a payment's attempt; ErrNone when no till asked for it.
func ByRef(ctx context.Context, q store.Querier, m merchant.ID, ref string, near time.Time) (Ask, error) {
	// Asks are made shortly before their payments: their ids tell where to look.
	return scan(q.QueryRow(ctx, columns+`WHERE merchant_id = $1 AND ask_id >= $2 AND ask_id < $3 AND ref = $4`,
		m, store.IDAt(near.Add(-reach)), store.IDAt(near.Add(store.IDLead)), ref))
}

// reach is how long before its payment an ask may have been made.
const reach = 30 * time.Minute

func scan(row *sql.Row) (a Ask, err error) {
	var minor int64
	var c money.Currency
	var said, shown string
	var at store.Time
	err = row.Scan(&a.Merchant, &a.ID, &a.Device, &a.Key, &a.Terminal, &minor, &c, &shown, &a.Note, &a.State, &a.Ref, &said, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return a, ErrNone
	}
	if err == nil {
		err = json.Unmarshal([]byte(said), &a.Said)
	}
	if err != nil {
		return a, fmt.Errorf("read ask: %w", err)
	}
	a.Amount, a.At, a.Shown = money.New(minor, c), at.Time(), []byte(shown)
	return a, nil
}
