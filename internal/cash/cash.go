// Package cash is the drawer of a till: shifts that are opened with some change in it and
// closed by counting it. It hears what was taken and refuses to know how.
package cash

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
)

// Refusals.
var (
	ErrOpen   = fault.New(fault.Conflict, "shift_open", "这台设备已经开班了，请先交班。", "A shift is open at this device. Close it first.")
	ErrClosed = fault.New(fault.Conflict, "shift_closed", "还没有开班，或者已经交班了。", "There is no open shift, or it is closed already.")
	ErrCount  = fault.New(fault.Invalid, "cash_count", "现金数要是零或更多。", "An amount of cash is zero or more.")
)

// Shift is one person's time at a till, from one count of the drawer to the next.
type Shift struct {
	Merchant merchant.ID
	ID       int64
	Device   string
	OpenedBy string
	Opened   time.Time
	Float    money.Amount // in the drawer at the beginning
	ClosedBy string
	Closed   time.Time    // zero while it is open
	Expected money.Amount // at the end; the zero Amount while it is open
	Counted  money.Amount
	Totals   []Total // by method, as they stood at the end; none while it is open
}

// Total is what a till took by one method.
type Total struct {
	Method   string       `json:"method"`
	Count    int          `json:"count"`
	Taken    money.Amount `json:"taken"`
	Refunded money.Amount `json:"refunded"`
}

// Difference is what the drawer holds too much or, negative, too little.
func (s Shift) Difference() (money.Amount, error) { return s.Counted.Sub(s.Expected) }

// Cash is the method whose money lies in the drawer.
const Cash = "cash"

// Expect is what the drawer of a shift should hold after totals.
func (s Shift) Expect(totals []Total) (money.Amount, error) {
	sum := s.Float
	for _, t := range totals {
		if t.Method != Cash {
			continue
		}
		var err error
		if sum, err = sum.Add(t.Taken); err != nil {
			return sum, fmt.Errorf("count the drawer: %w", err)
		}
		if sum, err = sum.Sub(t.Refunded); err != nil {
			return sum, fmt.Errorf("count the drawer: %w", err)
		}
	}
	return sum, nil
}

// Open begins a shift at a device; ErrOpen when one is open there.
func Open(ctx context.Context, tx *store.Tx, s Shift, at time.Time) (Shift, error) {
	if s.Float.Sign() < 0 || !s.Float.Currency().Known() {
		return s, ErrCount
	}
	s.ID, s.Opened = store.NewID(at), store.At(at).Time()
	_, err := tx.Exec(ctx, `INSERT INTO cash_shifts (merchant_id, shift_id, device, opened_by, opened_at, float_minor, currency, closed_by, closed_at, expected_minor, counted_minor, totals)
		VALUES ($1, $2, $3, $4, $5, $6, $7, '', 0, 0, 0, '[]')`, s.Merchant, s.ID, s.Device, s.OpenedBy, store.At(at), s.Float.Minor(), string(s.Float.Currency()))
	if store.IsUnique(err) {
		return s, ErrOpen
	}
	if err != nil {
		return s, fmt.Errorf("open shift: %w", err)
	}
	return s, nil
}

// Close ends the device's open shift with what was counted, and keeps what the till took.
// ErrClosed when none is open; the same shift is closed once.
func Close(ctx context.Context, tx *store.Tx, s Shift, totals []Total, counted money.Amount, by string, at time.Time) (Shift, error) {
	if counted.Sign() < 0 || counted.Currency() != s.Float.Currency() {
		return s, ErrCount
	}
	expected, err := s.Expect(totals)
	if err != nil {
		return s, err
	}
	text, err := json.Marshal(totals)
	if err != nil {
		return s, fmt.Errorf("close shift: %w", err)
	}
	n, err := tx.Exec(ctx, `UPDATE cash_shifts SET closed_by = $1, closed_at = $2, expected_minor = $3, counted_minor = $4, totals = $5
		WHERE merchant_id = $6 AND shift_id = $7 AND closed_at = 0`, by, store.At(at), expected.Minor(), counted.Minor(), string(text), s.Merchant, s.ID)
	if err != nil {
		return s, fmt.Errorf("close shift: %w", err)
	}
	if n == 0 {
		return s, ErrClosed
	}
	s.ClosedBy, s.Closed, s.Expected, s.Counted, s.Totals = by, store.At(at).Time(), expected, counted, totals
	return s, nil
}

const columns = `SELECT merchant_id, shift_id, device, opened_by, opened_at, float_minor, currency, closed_by, closed_at, expected_minor, counted_minor, totals FROM cash_shifts `

// Current finds the open shift of a device; ErrClosed when there is none.
func Current(ctx context.Context, q store.Querier, m merchant.ID, device string) (Shift, error) {
	s, err := scan(q.QueryRow(ctx, columns+`WHERE merchant_id = $1 AND device = $2 AND closed_at = 0`, m, device))
	if errors.Is(err, sql.ErrNoRows) {
		return Shift{}, ErrClosed
	}
	return s, err
}

// Last lists the closed shifts of a device, newest first, at most limit.
func Last(ctx context.Context, q store.Querier, m merchant.ID, device string, limit int) (list []Shift, err error) {
	rows, err := q.Query(ctx, columns+`WHERE merchant_id = $1 AND device = $2 AND closed_at > 0 ORDER BY closed_at DESC LIMIT $3`, m, device, limit)
	if err != nil {
		return nil, fmt.Errorf("list shifts: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		s, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, rows.Err()
}

func scan(row interface{ Scan(...any) error }) (s Shift, err error) {
	var opened, closed store.Time
	var float, expected, counted int64
	var c money.Currency
	var totals []byte
	if err = row.Scan(&s.Merchant, &s.ID, &s.Device, &s.OpenedBy, &opened, &float, &c, &s.ClosedBy, &closed, &expected, &counted, &totals); err != nil {
		return s, err
	}
	s.Opened, s.Closed, s.Float = opened.Time(), closed.Time(), money.New(float, c)
	if closed != 0 {
		s.Expected, s.Counted = money.New(expected, c), money.New(counted, c)
	}
	if err := json.Unmarshal(totals, &s.Totals); err != nil {
		return s, fmt.Errorf("shift %d: %w", s.ID, err)
	}
	return s, nil
}
