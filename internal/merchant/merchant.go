// Package merchant knows merchants: who they are, their currency, their business
// day and their fee plans. It knows nothing of payments.
package merchant

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/money"
	"hawker/internal/store"
)

// Refusals.
var (
	ErrUnknown   = fault.New(fault.NotFound, "merchant_unknown", "商户号不存在。", "This merchant is not known.")
	ErrSuspended = fault.New(fault.Declined, "merchant_suspended", "商户已停用，请联系客服。", "This merchant is suspended. Please call support.")
)

// ID is Hawker's own number of a merchant, positive. It begins every money table's key.
type ID int64

// State is whether a merchant may take payments.
type State string

// The states.
const (
	Active    State = "active"
	Suspended State = "suspended"
)

// Merchant is one merchant as a payment sees it.
type Merchant struct {
	ID       ID
	MID      string // 15 characters, field 42
	NameZH   string
	NameEN   string
	Place    string
	MCC      string // merchant category code, four digits
	Currency money.Currency
	Zone     *time.Location
	Cutoff   time.Duration // of the business day, from local midnight; exclusive
	State    State
}

// Day is the merchant's business day at an instant.
func (m Merchant) Day(at time.Time) clock.Day { return clock.DayOf(at, m.Zone, m.Cutoff) }

// MayTake returns nil, or ErrSuspended.
func (m Merchant) MayTake() error {
	if m.State != Active {
		return ErrSuspended
	}
	return nil
}

// Add stores a new merchant.
func Add(ctx context.Context, tx *store.Tx, m Merchant, at time.Time) error {
	if m.ID <= 0 || len(m.MID) != 15 || len(m.MCC) != 4 || !m.Currency.Known() || m.Zone == nil {
		return fmt.Errorf("add merchant %q: id, 15-character MID, MCC, currency and zone are needed", m.MID)
	}
	if m.Cutoff < 0 || m.Cutoff > 24*time.Hour || m.Cutoff%time.Minute != 0 {
		return fmt.Errorf("add merchant %s: its day cannot end %v after midnight", m.MID, m.Cutoff)
	}
	// The zone is kept by name: it must mean the same on every machine.
	if _, err := time.LoadLocation(m.Zone.String()); err != nil || m.Zone == time.Local {
		return fmt.Errorf("add merchant %s: zone %s has no IANA name", m.MID, m.Zone)
	}
	_, err := tx.Exec(ctx, `INSERT INTO merchants (merchant_id, mid, name_zh, name_en, place, mcc, currency, zone, cutoff_minutes, state, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		m.ID, m.MID, m.NameZH, m.NameEN, m.Place, m.MCC, m.Currency, m.Zone.String(), int64(m.Cutoff/time.Minute), m.State, store.At(at))
	if err != nil {
		return fmt.Errorf("add merchant %s: %w", m.MID, err)
	}
	return nil
}

const columns = `SELECT merchant_id, mid, name_zh, name_en, place, mcc, currency, zone, cutoff_minutes, state FROM merchants WHERE `

// ByID finds a merchant; ErrUnknown when there is none.
func ByID(ctx context.Context, q store.Querier, id ID) (Merchant, error) {
	return scan(q.QueryRow(ctx, columns+`merchant_id = $1`, id))
}

// ByMID finds a merchant by field 42; ErrUnknown when there is none.
func ByMID(ctx context.Context, q store.Querier, mid string) (Merchant, error) {
	return scan(q.QueryRow(ctx, columns+`mid = $1`, mid))
}

func scan(row *sql.Row) (Merchant, error) {
	var m Merchant
	var zone string
	var cutoff int64
	err := row.Scan(&m.ID, &m.MID, &m.NameZH, &m.NameEN, &m.Place, &m.MCC, &m.Currency, &zone, &cutoff, &m.State)
	if errors.Is(err, sql.ErrNoRows) {
		return Merchant{}, ErrUnknown
	} else if err != nil {
		return Merchant{}, fmt.Errorf("find merchant: %w", err)
	}
	m.Cutoff = time.Duration(cutoff) * time.Minute
	if m.Zone, err = location(zone); err != nil {
		return Merchant{}, fmt.Errorf("merchant %s: %w", m.MID, err)
	}
	return m, nil
}

// zones are the locations that were loaded: parsing one costs more than reading a merchant.
var zones sync.Map // of *time.Location by name

func location(name string) (*time.Location, error) {
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location), nil
	}
	z, err := time.LoadLocation(name)
	if err == nil {
		zones.Store(name, z)
	}
	return z, err
}

// SetState suspends or re-activates a merchant; ErrUnknown when there is none.
func SetState(ctx context.Context, tx *store.Tx, id ID, s State) error {
	n, err := tx.Exec(ctx, `UPDATE merchants SET state = $1 WHERE merchant_id = $2`, s, id)
	if err == nil && n == 0 {
		err = ErrUnknown
	}
	return err
}
