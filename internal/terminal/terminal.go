// Package terminal knows terminals: one serial, one merchant, one open batch. It
// holds no keys and no payments.
package terminal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

// Refusals.
var (
	ErrUnknown   = fault.New(fault.NotFound, "terminal_unknown", "终端号不存在，请联系客服登记。", "This terminal is not registered. Please call support.")
	ErrSuspended = fault.New(fault.Declined, "terminal_suspended", "终端已停用，请联系客服。", "This terminal is suspended. Please call support.")
	ErrTampered  = fault.New(fault.Declined, "terminal_tampered", "终端报告被拆动，密钥已销毁，请联系客服。", "This terminal was tampered with; its keys are destroyed. Please call support.")
	ErrReported  = fault.New(fault.Declined, "terminal_reported", "终端已报失或被盗，不能使用，请联系客服。", "This terminal was reported lost or stolen. Please call support.")
	ErrRetired   = fault.New(fault.Declined, "terminal_retired", "终端已报废，不能再使用，请联系客服。", "This terminal is retired. Please call support.")
	ErrRenew     = fault.New(fault.Conflict, "terminal_renew", "密钥需要更新，请重新签到。", "The keys must be renewed. Please sign on again.")
	ErrBatch     = fault.New(fault.Conflict, "batch_differs", "批次号不一致，请重新签到。", "The batch number differs. Please sign on again.")
)

// ID is field 41, eight characters, unique within a merchant.
type ID string

// State is whether a terminal may be used.
type State string

// The states.
const (
	Active    State = "active"
	Suspended State = "suspended"
	Tampered  State = "tampered" // it said that it was opened; its keys are destroyed
	Lost      State = "lost"     // its merchant does not find it
	Stolen    State = "stolen"
	Retired   State = "retired" // out of use for good
)

// Terminal is one device at one merchant.
type Terminal struct {
	Merchant merchant.ID
	ID       ID
	Serial   string // of the machine, unique everywhere
	Model    string
	Profile  string // host profile it speaks
	Lang     string // "zh-CN" or "en": of texts sent to it
	State    State
	Batch    int       // the open batch, 1 to 999999
	BatchDay clock.Day // the business day on which it was opened
	Renew    bool      // it must sign on before anything else
	SignedOn time.Time // since when it has its working keys; zero when it signed off, or never signed on
}

// MaySignOn returns nil, or why the terminal may not be used: ErrSuspended, ErrTampered,
// ErrReported or ErrRetired.
func (t Terminal) MaySignOn() error {
	switch t.State {
	case Active:
		return nil
	case Tampered:
		return ErrTampered
	case Lost, Stolen:
		return ErrReported
	case Retired:
		return ErrRetired
	}
	return ErrSuspended
}

// MayTake is MaySignOn, and ErrRenew when the terminal must sign on first.
func (t Terminal) MayTake() error {
	if err := t.MaySignOn(); err != nil {
		return err
	}
	if t.Renew {
		return ErrRenew
	}
	return nil
}

// Add stores a new terminal with its first batch opened on day.
func Add(ctx context.Context, tx *store.Tx, t Terminal) error {
	if t.Merchant <= 0 || len(t.ID) != 8 || t.Serial == "" || t.Batch < 1 || t.Batch > LastBatch || t.BatchDay == 0 {
		return fmt.Errorf("add terminal %q: merchant, 8-character id, serial, batch and day are needed", t.ID)
	}
	_, err := tx.Exec(ctx, `INSERT INTO terminal_serials (serial, merchant_id, tid) VALUES ($1, $2, $3)`, t.Serial, t.Merchant, t.ID)
	if err != nil {
		return fmt.Errorf("add terminal %s, serial %s: %w", t.ID, t.Serial, err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO terminals (merchant_id, tid, serial, model, profile, lang, state, batch, batch_day, signed_on_at, seen_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0)`,
		t.Merchant, t.ID, t.Serial, t.Model, t.Profile, t.Lang, t.State, t.Batch, t.BatchDay)
	if err != nil {
		return fmt.Errorf("add terminal %s: %w", t.ID, err)
	}
	return nil
}

// ByID finds a terminal; ErrUnknown when there is none.
func ByID(ctx context.Context, q store.Querier, m merchant.ID, id ID) (Terminal, error) {
	return find(ctx, q, m, id, "")
}

// BySerial finds the terminal that a machine is, wherever it stands; ErrUnknown when no
// machine with this serial was ever registered.
func BySerial(ctx context.Context, q store.Querier, serial string) (Terminal, error) {
	var m merchant.ID
	var id ID
	err := q.QueryRow(ctx, `SELECT merchant_id, tid FROM terminal_serials WHERE serial = $1`, serial).Scan(&m, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return Terminal{}, ErrUnknown
	} else if err != nil {
		return Terminal{}, fmt.Errorf("find machine: %w", err)
	}
	return find(ctx, q, m, id, "")
}

// Lock finds a terminal and keeps others from moving its batch until tx ends.
func Lock(ctx context.Context, tx *store.Tx, m merchant.ID, id ID) (Terminal, error) {
	return find(ctx, tx, m, id, " FOR UPDATE")
}

const columns = `merchant_id, tid, serial, model, profile, lang, state, batch, batch_day, renew, signed_on_at`

var lockAll = store.SelectSet(columns, "terminals", true, store.Ints("merchant_id"), store.Texts("tid"))

// LockAll is Lock for many terminals at once; only Merchant and ID of list count, and
// what does not exist is left out.
func LockAll(ctx context.Context, tx *store.Tx, list []Terminal) (found []Terminal, err error) {
	keys := make([][]any, 0, len(list))
	seen := map[Terminal]bool{}
	for _, t := range list {
		if t = (Terminal{Merchant: t.Merchant, ID: t.ID}); !seen[t] {
			seen[t] = true
			keys = append(keys, []any{t.Merchant, t.ID})
		}
	}
	err = lockAll.Query(ctx, &tx.Reader, keys, func(scan func(...any) error) error {
		t, err := read(scan)
		found = append(found, t)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("lock terminals: %w", err)
	}
	return found, nil
}

func find(ctx context.Context, q store.Querier, m merchant.ID, id ID, lock string) (Terminal, error) {
	t, err := read(q.QueryRow(ctx, `SELECT `+columns+` FROM terminals WHERE merchant_id = $1 AND tid = $2`+lock, m, id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Terminal{}, ErrUnknown
	} else if err != nil {
		return Terminal{}, fmt.Errorf("find terminal %s: %w", id, err)
	}
	return t, nil
}

func read(scan func(...any) error) (t Terminal, err error) {
	var renew int64
	var at store.Time
	err = scan(&t.Merchant, &t.ID, &t.Serial, &t.Model, &t.Profile, &t.Lang, &t.State, &t.Batch, &t.BatchDay, &renew, &at)
	t.Renew, t.SignedOn = renew != 0, at.Time()
	return t, err
}

// SignOff notes that the terminal ended its work.
func SignOff(ctx context.Context, tx *store.Tx, t Terminal) error {
	_, err := tx.Exec(ctx, `UPDATE terminals SET signed_on_at = 0 WHERE merchant_id = $1 AND tid = $2`, t.Merchant, t.ID)
	return err
}

// SignOn notes that the terminal has fresh working keys since at, as Renew asked.
func SignOn(ctx context.Context, tx *store.Tx, t Terminal, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE terminals SET signed_on_at = $1, renew = 0 WHERE merchant_id = $2 AND tid = $3`, store.At(at), t.Merchant, t.ID)
	return err
}

// Renew has the terminal sign on before it does anything else.
func Renew(ctx context.Context, tx *store.Tx, m merchant.ID, id ID) error {
	n, err := tx.Exec(ctx, `UPDATE terminals SET renew = 1 WHERE merchant_id = $1 AND tid = $2`, m, id)
	if err == nil && n == 0 {
		err = ErrUnknown
	}
	return err
}

// RenewAll is Renew for every terminal of every merchant; it gives their number.
func RenewAll(ctx context.Context, tx *store.Tx) (int64, error) {
	return tx.Exec(ctx, `UPDATE terminals SET renew = 1`)
}

// SetState suspends or re-activates a terminal.
func SetState(ctx context.Context, tx *store.Tx, m merchant.ID, id ID, s State) error {
	n, err := tx.Exec(ctx, `UPDATE terminals SET state = $1 WHERE merchant_id = $2 AND tid = $3`, s, m, id)
	if err == nil && n == 0 {
		err = ErrUnknown
	}
	return err
}

// LastBatch is the highest batch number; the next one is 1 again.
const LastBatch = 999999

// NextBatch opens the batch after t.Batch on day; ErrBatch when t's batch is not open any more.
func NextBatch(ctx context.Context, tx *store.Tx, t Terminal, day clock.Day) (Terminal, error) {
	next := t.Batch%LastBatch + 1
	n, err := tx.Exec(ctx, `UPDATE terminals SET batch = $1, batch_day = $2 WHERE merchant_id = $3 AND tid = $4 AND batch = $5`,
		next, day, t.Merchant, t.ID, t.Batch)
	if err != nil {
		return t, fmt.Errorf("next batch: %w", err)
	}
	if n == 0 {
		return t, ErrBatch
	}
	t.Batch, t.BatchDay = next, day
	return t, nil
}
