// Package handover lets a payment that was begun at one device be finished at another:
// everybody at the merchant sees it, one device at a time may end it, and a short code
// that is shown at one and typed at the other passes it on. It moves no money and no
// state: that nobody pays twice is the payment's own business.
package handover

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"time"

	"hawker/internal/clock"
	"hawker/internal/events"
	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/payment"
	"hawker/internal/store"
)

// Refusals.
var (
	ErrElsewhere = fault.New(fault.Conflict, "payment_elsewhere", "这笔收款正在另一台设备上处理，请在那边完成，或用交接码接过来。", "Another device is finishing this payment. Finish it there, or take it over by its code.")
	ErrCode      = fault.New(fault.NotFound, "handover_code", "交接码不对或已过期，请在原设备上重新出码。", "The code is wrong or has expired. Please show a new one at the first device.")
	ErrOver      = fault.New(fault.Conflict, "handover_over", "这笔收款已经结束，不用交接。", "This payment has ended. There is nothing to hand over.")
	ErrTries     = fault.New(fault.Limited, "handover_tries", "交接码试错太多次，请稍后再试。", "Too many wrong codes. Please try again later.")
)

// The times of a handover.
const (
	// Lease is how long a device that began or took a payment has it for itself. After it,
	// any device of the merchant may go on: one that broke keeps nobody waiting.
	Lease = 2 * time.Minute
	// CodeLasts is how long a code may be typed.
	CodeLasts = 2 * time.Minute
	// wrong codes that a merchant's devices may type together in CodeLasts.
	most = 10
)

// Desk passes payments on. It is safe for concurrent use.
type Desk struct {
	db  *store.DB
	now clock.Clock
}

// New makes a desk.
func New(db *store.DB, now clock.Clock) *Desk { return &Desk{db, now} }

// Offer is a code that another device may type.
type Offer struct {
	Payment int64
	Code    string // six digits
	Expires time.Time
}

// holding is a row.
type holding struct {
	device    string
	until     time.Time
	code      string
	codeUntil time.Time
}

// Holder is the device whose turn it is, and until when it has the payment for itself;
// after that, anybody's.
func (d *Desk) Holder(ctx context.Context, p payment.Payment) (device string, until time.Time, err error) {
	h, err := d.holding(ctx, d.db.Read(), p, "")
	return h.device, h.until, err
}

func (d *Desk) holding(ctx context.Context, q store.Querier, p payment.Payment, lock string) (h holding, err error) {
	var until, codeUntil store.Time
	err = q.QueryRow(ctx, `SELECT device, until, code, code_until FROM handovers WHERE merchant_id = $1 AND payment_id = $2`+lock, p.Merchant, p.ID).
		Scan(&h.device, &until, &h.code, &codeUntil)
	if errors.Is(err, sql.ErrNoRows) {
		return holding{device: string(p.Terminal), until: p.Created.Add(Lease)}, nil
	} else if err != nil {
		return h, fmt.Errorf("handover: %w", err)
	}
	h.until, h.codeUntil = until.Time(), codeUntil.Time()
	return h, nil
}

// May returns nil when a device may end a payment now, else ErrElsewhere.
func (d *Desk) May(ctx context.Context, p payment.Payment, device string) error {
	holder, until, err := d.Holder(ctx, p)
	if err != nil {
		return err
	}
	if holder != device && d.now().Before(until) {
		return ErrElsewhere.With("payment %s is at %s until %s", payment.Ref(p.ID), holder, until.Format(time.RFC3339))
	}
	return nil
}

// ended are the states of payments that are over.
var ended = map[payment.State]bool{payment.Approved: true, payment.Declined: true, payment.Cancelled: true, payment.Expired: true, payment.Reversed: true, payment.Voided: true}

// Offer makes a code by which another device takes a payment over; a former one is void.
// Only the device whose turn it is may offer.
func (d *Desk) Offer(ctx context.Context, m merchant.ID, id int64, device string) (Offer, error) {
	o := Offer{Payment: id}
	for try := 0; ; try++ {
		code, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
		if err != nil {
			return o, err
		}
		o.Code = fmt.Sprintf("%06d", code)
		err = d.db.Write(ctx, func(tx *store.Tx) error { return d.offer(ctx, tx, m, device, &o) })
		if !store.IsUnique(err) || try == 5 { // another payment of this merchant has that code
			return o, err
		}
	}
}

func (d *Desk) offer(ctx context.Context, tx *store.Tx, m merchant.ID, device string, o *Offer) error {
	now := d.now()
	p, err := payment.Get(ctx, tx, m, o.Payment)
	if err != nil {
		return err
	}
	if ended[p.State] {
		return ErrOver
	}
	h, err := d.holding(ctx, tx, p, " FOR UPDATE")
	if err != nil {
		return err
	}
	if h.device != device && now.Before(h.until) {
		return ErrElsewhere
	}
	o.Expires = now.Add(CodeLasts)
	// Codes that nobody typed make room.
	if _, err := tx.Exec(ctx, `UPDATE handovers SET code = '' WHERE merchant_id = $1 AND code = $2 AND code_until <= $3`, m, o.Code, store.At(now)); err != nil {
		return fmt.Errorf("handover: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO handovers (merchant_id, payment_id, device, until, code, code_until, tries) VALUES ($1, $2, $3, $4, $5, $6, 0)
		ON CONFLICT (merchant_id, payment_id) DO UPDATE SET device = excluded.device, until = excluded.until, code = excluded.code, code_until = excluded.code_until, tries = 0`,
		m, p.ID, device, store.At(now.Add(Lease)), o.Code, store.At(o.Expires))
	return err
}

// Take gives a payment to the device that typed its code, once. The event
// payment.handed_over tells both.
func (d *Desk) Take(ctx context.Context, m merchant.ID, code, device string) (p payment.Payment, err error) {
	if len(code) != 6 {
		return p, ErrCode
	}
	wrong := false
	err = d.db.Write(ctx, func(tx *store.Tx) error {
		wrong = false
		var id int64
		now := d.now()
		tries, err := d.tries(ctx, tx, m, now)
		if err != nil {
			return err
		}
		if tries >= most {
			return ErrTries
		}
		err = tx.QueryRow(ctx, `SELECT payment_id FROM handovers WHERE merchant_id = $1 AND code = $2 AND code_until > $3 FOR UPDATE`, m, code, store.At(now)).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			wrong = true
			return d.guess(ctx, tx, m, now)
		} else if err != nil {
			return fmt.Errorf("handover: %w", err)
		}
		if p, err = payment.Get(ctx, tx, m, id); err != nil {
			return err
		}
		if ended[p.State] {
			return ErrOver
		}
		h, err := d.holding(ctx, tx, p, "")
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE handovers SET device = $1, until = $2, code = '', tries = 0 WHERE merchant_id = $3 AND payment_id = $4`,
			device, store.At(now.Add(Lease)), m, id); err != nil {
			return fmt.Errorf("handover: %w", err)
		}
		return events.Append(ctx, tx, events.Event{Merchant: int64(m), Kind: "payment.handed_over", Ref: payment.Ref(id), At: now,
			Body: map[string]string{"payment": payment.Ref(id), "state": string(p.State), "device": device, "from": h.device}})
	})
	if err == nil && wrong {
		err = ErrCode
	}
	return p, err
}

// tries is how many wrong codes were typed against the open offers.
func (d *Desk) tries(ctx context.Context, tx *store.Tx, m merchant.ID, now time.Time) (n int64, err error) {
	err = tx.QueryRow(ctx, `SELECT CAST(COALESCE(MAX(tries), 0) AS BIGINT) FROM handovers WHERE merchant_id = $1 AND code <> '' AND code_until > $2`, m, store.At(now)).Scan(&n)
	return n, err
}

// guess counts a wrong code against every open offer: whoever guesses, guesses at all of them.
func (d *Desk) guess(ctx context.Context, tx *store.Tx, m merchant.ID, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE handovers SET tries = tries + 1 WHERE merchant_id = $1 AND code <> '' AND code_until > $2`, m, store.At(now))
	return err
}
