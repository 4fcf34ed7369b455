package auth

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
	"unicode/utf8"

	"hawker/internal/audit"
	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/password"
	"hawker/internal/store"
)

// Refusals of devices.
var (
	ErrPairing    = fault.New(fault.NotFound, "pairing_unknown", "没有设备在显示这个配对码。请核对 6 位数字；配对码 10 分钟内有效。", "No device shows this code. Please check the six digits; a code lasts ten minutes.")
	ErrDeviceName = fault.New(fault.Invalid, "device_name", "请给设备起个名字，最多 40 个字，例如“前台平板”。", "Please give the device a name of at most 40 characters, such as “Front desk tablet”.")
	ErrNoDevice   = fault.New(fault.NotFound, "device_unknown", "没有这台设备。", "There is no such device.")
	ErrPINForm    = fault.New(fault.Invalid, "pin_form", "PIN 是 6 位数字。", "A PIN is six digits.")
	ErrPINWeak    = fault.New(fault.Invalid, "pin_weak", "这个 PIN 太容易猜：不要用连号、重复数字、生日或手机号里的数字。", "This PIN is easily guessed: no counting, no repeated digits, no birthday, and no digits of your phone number.")
)

// PairedDevice is a phone, tablet or till that a merchant trusts as a place to take payments.
type PairedDevice struct {
	Merchant merchant.ID
	ID       int64
	Name     string
	Agent    string // the browser, as it said
	Locked   bool   // nothing is done at it without a cashier's PIN
	Paired   time.Time
	By       int64     // the account that paired it
	Seen     time.Time // zero for never
}

// Pairing is a device that shows a code and waits for somebody to take it.
type Pairing struct {
	Code    string // six digits
	Address string
	Agent   string
	Ends    time.Time
}

const pairingLasts = 10 * time.Minute

// ShowCode begins a pairing: the device shows the code and keeps the secret, by which it
// learns that somebody has taken it. The code is worth nothing to whoever only sees it.
func (g *Guard) ShowCode(ctx context.Context, o Origin) (p Pairing, secret string, err error) {
	if err := g.often.take(perPairing, "pairing "+o.Address); err != nil {
		return Pairing{}, "", err
	}
	now := g.now()
	p = Pairing{Address: cut(o.Address), Agent: cut(o.Agent), Ends: now.Add(pairingLasts)}
	secret, hash := token()
	for range 20 {
		n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
		if err != nil {
			return Pairing{}, "", err
		}
		p.Code = fmt.Sprintf("%06d", n)
		stored := false
		if err := g.db.Write(ctx, func(tx *store.Tx) error {
			if _, err := tx.Exec(ctx, `DELETE FROM pairings WHERE ends_at < $1`, store.At(now)); err != nil {
				return err
			}
			n, err := tx.Exec(ctx, `INSERT INTO pairings (code, token_hash, address, agent, merchant_id, device_id, ends_at) VALUES ($1, $2, $3, $4, 0, 0, $5) ON CONFLICT (code) DO NOTHING`,
				p.Code, hash, p.Address, p.Agent, store.At(p.Ends))
			stored = n == 1
			return err
		}); err != nil {
			return Pairing{}, "", fmt.Errorf("show a pairing code: %w", err)
		}
		if stored {
			return p, secret, nil
		}
	}
	return Pairing{}, "", ErrTooOften.With("the codes are used up")
}

// FindCode tells which device shows a code, so that whoever takes it sees that it is his.
func (g *Guard) FindCode(ctx context.Context, who Who, code string) (Pairing, error) {
	if !Allows(who, DeviceWrite) {
		return Pairing{}, ErrForbidden
	}
	if err := g.often.take(perPairing, fmt.Sprintf("pairing by %d", who.ID)); err != nil {
		return Pairing{}, err
	}
	p := Pairing{Code: strings.NewReplacer(" ", "", "-", "").Replace(code)}
	var ends store.Time
	err := g.db.Read().QueryRow(ctx, `SELECT address, agent, ends_at FROM pairings WHERE code = $1 AND merchant_id = 0 AND ends_at >= $2`, p.Code, store.At(g.now())).Scan(&p.Address, &p.Agent, &ends)
	if errors.Is(err, sql.ErrNoRows) {
		return Pairing{}, ErrPairing
	}
	p.Ends = ends.Time()
	return p, err
}

// TakeCode pairs the device that shows a code with the merchant of whoever asks.
func (g *Guard) TakeCode(ctx context.Context, who Who, code, name string, lock bool) (d PairedDevice, err error) {
	p, err := g.FindCode(ctx, who, code)
	if err != nil {
		return PairedDevice{}, err
	}
	d = PairedDevice{Merchant: who.Merchant, Name: name, Agent: p.Agent, Locked: lock, By: who.ID}
	err = g.write(ctx, func(tx *store.Tx) ([]audit.Entry, error) {
		if d, err = g.pair(ctx, tx, d); err != nil {
			return nil, err
		}
		n, err := tx.Exec(ctx, `UPDATE pairings SET merchant_id = $1, device_id = $2 WHERE code = $3 AND merchant_id = 0 AND ends_at >= $4`, d.Merchant, d.ID, p.Code, store.At(g.now()))
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, ErrPairing
		}
		return []audit.Entry{who.Entry("device.pair", d.object(), nil, d.told(), g.now())}, nil
	})
	return d, err
}

func (d PairedDevice) object() string { return fmt.Sprintf("device/%d", d.ID) }
func (d PairedDevice) told() map[string]any {
	return map[string]any{"name": d.Name, "locked": d.Locked}
}

func (g *Guard) pair(ctx context.Context, tx *store.Tx, d PairedDevice) (PairedDevice, error) {
	d.Name = strings.TrimSpace(d.Name)
	if d.Name == "" || utf8.RuneCountInString(d.Name) > 40 {
		return d, ErrDeviceName
	}
	d.Paired = g.now()
	d.ID = store.NewID(d.Paired)
	_, err := tx.Exec(ctx, `INSERT INTO paired_devices (merchant_id, device_id, name, agent, locked, paired_at, paired_by, revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 0)`,
		d.Merchant, d.ID, d.Name, cut(d.Agent), number(d.Locked), store.At(d.Paired), d.By)
	return d, err
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Paired gives the device that shows a code its session, once, when somebody has taken the
// code: ok is false while nobody has.
func (g *Guard) Paired(ctx context.Context, secret string, o Origin) (e Entry, ok bool, err error) {
	err = g.db.Write(ctx, func(tx *store.Tx) error {
		ok = false
		var m merchant.ID
		var device int64
		err := tx.QueryRow(ctx, `SELECT merchant_id, device_id FROM pairings WHERE token_hash = $1 AND ends_at >= $2`, hashOf(secret), store.At(g.now())).Scan(&m, &device)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrHalfway
		}
		if err != nil || m == 0 {
			return err
		}
		if n, err := tx.Exec(ctx, `DELETE FROM pairings WHERE token_hash = $1`, hashOf(secret)); err != nil || n == 0 {
			return errors.Join(err, ErrHalfway)
		}
		ok = true
		e, err = g.trust(ctx, tx, m, device, o)
		return err
	})
	return e, ok && err == nil, err
}

// trust begins a device's own session.
func (g *Guard) trust(ctx context.Context, tx *store.Tx, m merchant.ID, device int64, o Origin) (e Entry, err error) {
	e.Ends = g.now().Add(lastsDevice)
	e.Token, err = g.insert(ctx, tx, session{id: store.NewID(g.now()), merchant: m, kind: Device, device: device, idle: idleDevice, ends: e.Ends}, o)
	return e, err
}

// PairHere makes the browser of whoever is signed in a paired device.
func (g *Guard) PairHere(ctx context.Context, who Who, name string, lock bool, o Origin) (d PairedDevice, e Entry, err error) {
	if !Allows(who, DeviceWrite) {
		return PairedDevice{}, Entry{}, ErrForbidden
	}
	err = g.write(ctx, func(tx *store.Tx) ([]audit.Entry, error) {
		if d, err = g.pair(ctx, tx, PairedDevice{Merchant: who.Merchant, Name: name, Agent: o.Agent, Locked: lock, By: who.ID}); err != nil {
			return nil, err
		}
		if e, err = g.trust(ctx, tx, who.Merchant, d.ID, o); err != nil {
			return nil, err
		}
		return []audit.Entry{who.Entry("device.pair", d.object(), nil, d.told(), g.now())}, nil
	})
	return d, e, err
}

// Devices lists the paired devices of a merchant, the newest first.
func (g *Guard) Devices(ctx context.Context, m merchant.ID) (list []PairedDevice, err error) {
	rows, err := g.db.Read().Query(ctx, `SELECT d.device_id, d.name, d.agent, d.locked, d.paired_at, d.paired_by,
		COALESCE((SELECT MAX(s.seen_at) FROM sessions s WHERE s.merchant_id = d.merchant_id AND s.device_id = d.device_id), 0)
		FROM paired_devices d WHERE d.merchant_id = $1 AND d.revoked_at = 0 ORDER BY d.device_id DESC`, m)
	if err != nil {
		return nil, fmt.Errorf("list devices: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		d := PairedDevice{Merchant: m}
		var paired, seen store.Time
		var lock int64
		if err := rows.Scan(&d.ID, &d.Name, &d.Agent, &lock, &paired, &d.By, &seen); err != nil {
			return nil, fmt.Errorf("list devices: %w", err)
		}
		d.Locked, d.Paired, d.Seen = lock == 1, paired.Time(), seen.Time()
		list = append(list, d)
	}
	return list, rows.Err()
}

// SetLocked says whether a device waits for a cashier's PIN.
func (g *Guard) SetLocked(ctx context.Context, who Who, id int64, lock bool) error {
	return g.alter(ctx, who, id, "device.lock", map[string]any{"locked": lock}, func(tx *store.Tx) (int64, error) {
		return tx.Exec(ctx, `UPDATE paired_devices SET locked = $1 WHERE merchant_id = $2 AND device_id = $3 AND revoked_at = 0`, number(lock), who.Merchant, id)
	})
}

// RevokeDevice ends a device's trust at once, and every session at it.
func (g *Guard) RevokeDevice(ctx context.Context, who Who, id int64) error {
	return g.alter(ctx, who, id, "device.revoke", nil, func(tx *store.Tx) (int64, error) {
		if _, err := tx.Exec(ctx, `UPDATE sessions SET ended_at = $1 WHERE merchant_id = $2 AND device_id = $3 AND ended_at = 0`, store.At(g.now()), who.Merchant, id); err != nil {
			return 0, err
		}
		return tx.Exec(ctx, `UPDATE paired_devices SET revoked_at = $1 WHERE merchant_id = $2 AND device_id = $3 AND revoked_at = 0`, store.At(g.now()), who.Merchant, id)
	})
}

func (g *Guard) alter(ctx context.Context, who Who, id int64, what string, after any, do func(*store.Tx) (int64, error)) error {
	if !Allows(who, DeviceWrite) {
		return ErrForbidden
	}
	return g.write(ctx, func(tx *store.Tx) ([]audit.Entry, error) {
		n, err := do(tx)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, ErrNoDevice
		}
		return []audit.Entry{who.Entry(what, PairedDevice{ID: id}.object(), nil, after, g.now())}, nil
	})
}

// SetPIN gives whoever is signed in the six digits by which he signs in at a paired device.
func (g *Guard) SetPIN(ctx context.Context, who Who, pin string) error {
	if err := g.fresh(ctx, who); err != nil {
		return err
	}
	a, err := g.Account(ctx, who.Merchant, who.ID)
	if err != nil {
		return err
	}
	if err := checkPIN(pin, a.Phone); err != nil {
		return err
	}
	hash, err := password.Hash(ctx, pin)
	if err != nil {
		return err
	}
	return g.write(ctx, func(tx *store.Tx) ([]audit.Entry, error) {
		_, err := tx.Exec(ctx, `UPDATE accounts SET pin_hash = $1, pin_tries = 0, pin_locked = 0 WHERE merchant_id = $2 AND account_id = $3`, hash, a.Merchant, a.ID)
		return []audit.Entry{who.Entry("self.pin_set", a.object(), nil, nil, g.now())}, err
	})
}

// checkPIN refuses what is tried first.
func checkPIN(pin, phone string) error {
	if len(pin) != 6 || strings.Trim(pin, "0123456789") != "" {
		return ErrPINForm
	}
	distinct, up, down := map[rune]bool{}, true, true
	for i, r := range pin {
		distinct[r] = true
		if i > 0 {
			step := int(r) - int(pin[i-1])
			up, down = up && (step == 1 || step == -9), down && (step == -1 || step == 9)
		}
	}
	month, day := pin[2:4], pin[4:6]
	birthday := month >= "01" && month <= "12" && day >= "01" && day <= "31"
	year := (pin[:2] == "19" || pin[:2] == "20") && month >= "00" && day >= "01" && day <= "12" // yyyymm
	common := map[string]bool{"520131": true, "131452": true, "147258": true, "258369": true, "159753": true, "112233": true, "123123": true, "456456": true, "520520": true, "521521": true, "168168": true, "696969": true}
	if len(distinct) < 3 || up || down || birthday || year || common[pin] || (phone != "" && strings.Contains(phone, pin)) {
		return ErrPINWeak
	}
	return nil
}

// Cashiers lists who may sign in at a paired device by PIN.
func (g *Guard) Cashiers(ctx context.Context, m merchant.ID) (list []Account, err error) {
	all, err := g.People(ctx, m)
	for _, a := range all {
		if a.State == Active && a.PIN && Allows(a.who(0, Origin{}), PaymentTake) {
			list = append(list, a)
		}
	}
	return list, err
}

// Switch signs a cashier in at a paired device by PIN, in the place of whoever was there.
// who is the device, or the cashier before.
func (g *Guard) Switch(ctx context.Context, who Who, account int64, pin string, o Origin) (Entry, error) {
	if !Allows(who, DeviceUse) || o.Device == 0 {
		return Entry{}, ErrForbidden
	}
	a, err := g.Account(ctx, who.Merchant, account)
	if err != nil {
		return Entry{}, err
	}
	if a.State != Active || !a.PIN {
		return Entry{}, ErrPIN
	}
	if err := g.prove(ctx, a, Proof{Means: ByPIN, Code: pin}, "", o); err != nil {
		return Entry{}, err
	}
	if err := g.forgive(ctx, pinTries, a); err != nil {
		return Entry{}, err
	}
	return g.enter(ctx, a, o, []Means{ByPIN})
}
