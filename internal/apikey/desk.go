package apikey

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"hawker/internal/audit"
	"hawker/internal/auth"
	"hawker/internal/clock"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

// Bounds.
const (
	most       = 100                // keys of a merchant that hold
	maxOverlap = 7 * 24 * time.Hour // how long a rotated key may hold
	remember   = time.Second        // how long a key that was read is taken for true: so soon a revocation works
	cached     = 65536
	useEvery   = time.Minute
)

// Desk makes keys and tells whose they are. It is safe for concurrent use.
type Desk struct {
	db    *store.DB
	now   clock.Clock
	mode  Mode
	cache *store.Cache[number, Key]

	mu   sync.Mutex
	used map[number]time.Time // when a use was last written down
}

type number struct {
	merchant merchant.ID
	id       int64
}

// New makes a desk for a server whose money is real, or not.
func New(db *store.DB, now clock.Clock, mode Mode) *Desk {
	d := &Desk{db: db, now: now, mode: mode, used: map[number]time.Time{}}
	d.cache = store.NewCache(now, remember, cached, func(ctx context.Context, n number) (Key, error) {
		return ByID(ctx, db.Read(), n.merchant, n.id)
	})
	return d
}

// Mode is the mode of the keys that work here.
func (d *Desk) Mode() Mode { return d.mode }

// Authenticate tells whose key a text is. ErrKey for whatever is none, ErrMode for one of
// another mode. from is the address that it came from.
func (d *Desk) Authenticate(ctx context.Context, text, from string) (Key, error) {
	mode, m, id, err := parse(text)
	if err != nil {
		return Key{}, err
	}
	k, err := d.cache.Get(ctx, number{m, id})
	switch {
	case errors.Is(err, ErrUnknown):
		return Key{}, ErrKey.Wrap(err)
	case err != nil:
		return Key{}, err
	case k.Mode != mode || subtle.ConstantTimeCompare(k.digest, digest(text)) != 1:
		return Key{}, ErrKey.With("key %s, and another secret", k.Label())
	case !k.Holds(d.now()):
		return Key{}, ErrKey.With("key %s is %s", k.Label(), k.State(d.now()))
	case mode != d.mode:
		return Key{}, ErrMode.With("key %s on a %s server", k.Label(), d.mode)
	}
	return k, d.use(ctx, k, from)
}

// use writes down that a key was used, at most once a minute.
func (d *Desk) use(ctx context.Context, k Key, from string) error {
	now, n := d.now(), number{k.Merchant, k.ID}
	d.mu.Lock()
	last, seen := d.used[n]
	if seen && now.Sub(last) < useEvery && !now.Before(last) {
		d.mu.Unlock()
		return nil
	}
	if len(d.used) >= cached {
		clear(d.used)
	}
	d.used[n] = now
	d.mu.Unlock()
	if err := d.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE api_keys SET used_at = $1, used_from = $2 WHERE merchant_id = $3 AND key_id = $4 AND used_at < $1`,
			store.At(now), clean(from, 64), k.Merchant, k.ID)
		return err
	}); err != nil {
		return fmt.Errorf("note the use of key %s: %w", k.Label(), err)
	}
	return nil
}

// Wanted is what a key is to be.
type Wanted struct {
	Merchant merchant.ID
	Mode     Mode // "" is the desk's
	Name     string
	Scopes   []auth.Scope
}

func (w *Wanted) check() error {
	w.Name = strings.TrimSpace(w.Name)
	if w.Name == "" || clean(w.Name, 64) != w.Name {
		return ErrInput.With("a name of 1 to 64 characters is needed")
	}
	if len(w.Scopes) == 0 {
		return ErrInput.With("at least one scope is needed")
	}
	for _, s := range w.Scopes {
		if !slices.Contains(auth.Scopes(), s) {
			return ErrInput.With("no scope %q; there are %v", s, auth.Scopes())
		}
	}
	w.Scopes = slices.Compact(slices.Sorted(slices.Values(w.Scopes)))
	if w.Mode != Live && w.Mode != Test {
		return ErrInput.With("mode %q", w.Mode)
	}
	return nil
}

// clean cuts a text to so many characters and drops what does not print.
func clean(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > most {
		return string(r[:most])
	}
	return s
}

// Create makes a key. The secret is not kept: whoever asked sees it once.
func (d *Desk) Create(ctx context.Context, w Wanted, by audit.Actor, from string) (k Key, s Secret, err error) {
	if w.Mode == "" {
		w.Mode = d.mode
	}
	if err := w.check(); err != nil {
		return Key{}, Secret{}, err
	}
	err = d.db.Write(ctx, func(tx *store.Tx) error {
		k, s, err = d.create(ctx, tx, w, 0, by, from)
		return err
	})
	return k, s, err
}

func (d *Desk) create(ctx context.Context, tx *store.Tx, w Wanted, first int64, by audit.Actor, from string) (Key, Secret, error) {
	now := d.now()
	if _, err := merchant.ByID(ctx, tx, w.Merchant); err != nil {
		return Key{}, Secret{}, err
	}
	list, err := List(ctx, tx, w.Merchant)
	if err != nil {
		return Key{}, Secret{}, err
	}
	holding := slices.DeleteFunc(list, func(k Key) bool { return !k.Holds(now) })
	if len(holding) >= most {
		return Key{}, Secret{}, ErrMany
	}
	k := Key{Merchant: w.Merchant, ID: store.NewID(now), Mode: w.Mode, Name: w.Name, Scopes: w.Scopes, By: by.Name, Created: now, first: first}
	s, err := newSecret(k.Mode, k.Merchant, k.ID)
	if err != nil {
		return Key{}, Secret{}, err
	}
	k.digest = digest(s.text)
	if err := insert(ctx, tx, k); err != nil {
		return Key{}, Secret{}, err
	}
	return k, s, d.note(ctx, tx, "apikey.create", k, by, from)
}

// Rotate makes the successor of a key, with its name, mode and scopes. The old one holds
// for overlap more, at most a week, so that programs change over without a pause.
func (d *Desk) Rotate(ctx context.Context, m merchant.ID, id int64, overlap time.Duration, by audit.Actor, from string) (next Key, s Secret, err error) {
	if overlap < 0 || overlap > maxOverlap {
		return Key{}, Secret{}, ErrInput.With("the old key holds for at most %v", maxOverlap)
	}
	err = d.db.Write(ctx, func(tx *store.Tx) error {
		old, err := lock(ctx, tx, m, id)
		if err != nil {
			return err
		}
		now := d.now()
		if old.State(now) != "active" {
			return ErrState.With("key %s is %s", old.Label(), old.State(now))
		}
		if next, s, err = d.create(ctx, tx, Wanted{Merchant: m, Mode: old.Mode, Name: old.Name, Scopes: old.Scopes}, old.line(), by, from); err != nil {
			return err
		}
		old.Next, old.Expires = next.ID, now.Add(overlap)
		if err := update(ctx, tx, old); err != nil {
			return err
		}
		return d.note(ctx, tx, "apikey.rotate", old, by, from)
	})
	d.cache.Forget(number{m, id})
	return next, s, err
}

// Revoke ends a key: within a second it opens nothing any more, on any node.
func (d *Desk) Revoke(ctx context.Context, m merchant.ID, id int64, by audit.Actor, from string) error {
	err := d.db.Write(ctx, func(tx *store.Tx) error {
		k, err := lock(ctx, tx, m, id)
		if err != nil {
			return err
		}
		if !k.Revoked.IsZero() {
			return ErrState.With("key %s is revoked", k.Label())
		}
		k.Revoked = d.now()
		if err := update(ctx, tx, k); err != nil {
			return err
		}
		return d.note(ctx, tx, "apikey.revoke", k, by, from)
	})
	d.cache.Forget(number{m, id})
	return err
}

func (d *Desk) note(ctx context.Context, tx *store.Tx, what string, k Key, by audit.Actor, from string) error {
	return audit.Append(ctx, tx, audit.Entry{Merchant: int64(k.Merchant), Who: by, What: what, Object: "apikey/" + k.Label(), From: from, At: d.now(),
		After: map[string]any{"name": k.Name, "mode": k.Mode, "scopes": k.Scopes, "state": k.State(d.now()), "expires": k.Expires}})
}

const columns = `merchant_id, key_id, mode, name, scopes, digest, created_by, created_at, expires_at, revoked_at, next_id, used_at, used_from, first_id`

// ByID finds a key; ErrUnknown when this merchant has none of that number.
func ByID(ctx context.Context, q store.Querier, m merchant.ID, id int64) (Key, error) {
	return scan(q.QueryRow(ctx, `SELECT `+columns+` FROM api_keys WHERE merchant_id = $1 AND key_id = $2`, m, id).Scan)
}

func lock(ctx context.Context, tx *store.Tx, m merchant.ID, id int64) (Key, error) {
	return scan(tx.QueryRow(ctx, `SELECT `+columns+` FROM api_keys WHERE merchant_id = $1 AND key_id = $2 FOR UPDATE`, m, id).Scan)
}

// List gives a merchant's keys, newest first, ended ones too.
func List(ctx context.Context, q store.Querier, m merchant.ID) ([]Key, error) {
	rows, err := q.Query(ctx, `SELECT `+columns+` FROM api_keys WHERE merchant_id = $1 ORDER BY key_id DESC`, m)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var list []Key
	for rows.Next() {
		k, err := scan(rows.Scan)
		if err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	return list, rows.Err()
}

func scan(row func(...any) error) (k Key, err error) {
	var scopes string
	var created, expires, revoked, used store.Time
	err = row(&k.Merchant, &k.ID, &k.Mode, &k.Name, &scopes, &k.digest, &k.By, &created, &expires, &revoked, &k.Next, &used, &k.From, &k.first)
	if errors.Is(err, sql.ErrNoRows) {
		return Key{}, ErrUnknown
	} else if err != nil {
		return Key{}, fmt.Errorf("read key: %w", err)
	}
	for _, s := range strings.Fields(scopes) {
		k.Scopes = append(k.Scopes, auth.Scope(s))
	}
	k.Created, k.Expires, k.Revoked, k.Used = created.Time(), expires.Time(), revoked.Time(), used.Time()
	return k, nil
}

func insert(ctx context.Context, tx *store.Tx, k Key) error {
	scopes := make([]string, len(k.Scopes))
	for i, s := range k.Scopes {
		scopes[i] = string(s)
	}
	_, err := tx.Exec(ctx, `INSERT INTO api_keys (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, 0, 0, '', $9)`,
		k.Merchant, k.ID, string(k.Mode), k.Name, strings.Join(scopes, " "), k.digest, k.By, store.At(k.Created), k.first)
	if err != nil {
		return fmt.Errorf("add key: %w", err)
	}
	return nil
}

func update(ctx context.Context, tx *store.Tx, k Key) error {
	_, err := tx.Exec(ctx, `UPDATE api_keys SET expires_at = $1, revoked_at = $2, next_id = $3 WHERE merchant_id = $4 AND key_id = $5`,
		store.At(k.Expires), store.At(k.Revoked), k.Next, k.Merchant, k.ID)
	return err
}
