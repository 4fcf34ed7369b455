package auth

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"hawker/internal/audit"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

// How long sessions live.
const (
	idleConsole = 15 * time.Minute // without a request
	idleDevice  = 30 * 24 * time.Hour
	lastsPerson = 12 * time.Hour // at most
	lastsDevice = 180 * 24 * time.Hour
	// touchEvery is how exactly idleness is known: not every request writes.
	touchEvery = 30 * time.Second
	// keepSessions is how long ended sessions are remembered.
	keepSessions = 30 * 24 * time.Hour
)

// Session is one sign-in that may still be used.
type Session struct {
	ID      int64
	Device  int64 // the paired device, 0 for none
	Address string
	Agent   string
	Began   time.Time
	Seen    time.Time
	Ends    time.Time // at the latest
}

// Entry is what a sign-in ends with: the secret that the browser keeps, or the ticket
// with which the second factor is shown.
type Entry struct {
	Token   string // of the session; "" when a second factor is wanted
	Ends    time.Time
	Account Account

	Ticket string  // of the half-done sign-in
	Second []Means // the ways to finish it
}

// begin makes a session in tx; it ends the one that the browser had.
func (g *Guard) begin(ctx context.Context, tx *store.Tx, a Account, o Origin, idle time.Duration) (e Entry, id int64, err error) {
	now := g.now()
	e = Entry{Account: a, Ends: now.Add(lastsPerson)}
	if o.Former != "" {
		if _, err := tx.Exec(ctx, `UPDATE sessions SET ended_at = $1 WHERE token_hash = $2 AND ended_at = 0`, store.At(now), hashOf(o.Former)); err != nil {
			return Entry{}, 0, err
		}
	}
	id = store.NewID(now)
	e.Token, err = g.insert(ctx, tx, session{id: id, merchant: a.Merchant, kind: a.Kind, account: a.ID, device: o.Device, idle: idle, ends: e.Ends}, o)
	if err != nil {
		return Entry{}, 0, err
	}
	_, err = tx.Exec(ctx, `UPDATE accounts SET seen_at = $1, tries = 0, locked_until = 0 WHERE merchant_id = $2 AND account_id = $3`, store.At(now), a.Merchant, a.ID)
	return e, id, err
}

type session struct {
	id       int64
	merchant merchant.ID
	kind     Kind
	account  int64
	device   int64
	idle     time.Duration
	ends     time.Time
}

// mostText bounds what a browser says of itself.
const mostText = 200

func (g *Guard) insert(ctx context.Context, tx *store.Tx, s session, o Origin) (string, error) {
	now := g.now()
	if _, err := tx.Exec(ctx, `DELETE FROM sessions WHERE ends_at < $1`, store.At(now.Add(-keepSessions))); err != nil {
		return "", err
	}
	secret, hash := token()
	if _, err := tx.Exec(ctx, `INSERT INTO sessions (token_hash, session_id, merchant_id, kind, account_id, device_id, address, agent, created_at, proved_at, seen_at, idle, ends_at, ended_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $9, $10, $11, 0)`, hash, s.id, s.merchant, s.kind, s.account, s.device, cut(o.Address), cut(o.Agent), store.At(now), s.idle.Microseconds(), store.At(s.ends)); err != nil {
		return "", fmt.Errorf("begin session: %w", err)
	}
	return secret, nil
}

func cut(s string) string {
	if r := []rune(s); len(r) > mostText {
		return string(r[:mostText])
	}
	return s
}

// Find tells who holds a session's token: ErrAnonymous when it is unknown, ended, idle
// for too long, or when its account or device may no longer.
func (g *Guard) Find(ctx context.Context, secret string, o Origin) (Who, error) {
	if secret == "" || len(secret) > 100 {
		return Who{}, ErrAnonymous
	}
	var s session
	var seen, ends, ended store.Time
	var idle, lockedDevice, revoked int64
	var name, role, state, deviceName sql.NullString
	var totp, keys sql.NullInt64
	err := g.db.Read().QueryRow(ctx, `SELECT s.session_id, s.merchant_id, s.kind, s.account_id, s.device_id, s.seen_at, s.idle, s.ends_at, s.ended_at,
		a.name, a.role, a.state, a.totp_on, (SELECT COUNT(*) FROM passkeys p WHERE p.merchant_id = s.merchant_id AND p.account_id = s.account_id),
		d.name, COALESCE(d.locked, 0), COALESCE(d.revoked_at, 0)
		FROM sessions s LEFT JOIN accounts a ON a.merchant_id = s.merchant_id AND a.account_id = s.account_id
		LEFT JOIN paired_devices d ON d.merchant_id = s.merchant_id AND d.device_id = s.device_id WHERE s.token_hash = $1`, hashOf(secret)).
		Scan(&s.id, &s.merchant, &s.kind, &s.account, &s.device, &seen, &idle, &ends, &ended, &name, &role, &state, &totp, &keys, &deviceName, &lockedDevice, &revoked)
	if errors.Is(err, sql.ErrNoRows) {
		return Who{}, ErrAnonymous
	} else if err != nil {
		return Who{}, fmt.Errorf("find session: %w", err)
	}
	now := g.now()
	switch {
	case ended != 0, !now.Before(ends.Time()), now.Sub(seen.Time()) > time.Duration(idle)*time.Microsecond, revoked != 0:
		return Who{}, ErrAnonymous
	case s.kind == Device && !deviceName.Valid, s.kind != Device && State(state.String) != Active:
		return Who{}, ErrAnonymous
	}
	if now.Sub(seen.Time()) > touchEvery {
		if err := g.db.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE sessions SET seen_at = $1 WHERE token_hash = $2 AND seen_at < $1`, store.At(now), hashOf(secret))
			return err
		}); err != nil {
			return Who{}, fmt.Errorf("touch session: %w", err)
		}
	}
	who := Who{Kind: s.kind, ID: s.account, Merchant: s.merchant, Role: Role(role.String), Name: name.String, Session: s.id, Device: s.device, From: o.Address}
	if s.kind == Device {
		who.ID, who.Name, who.Role = s.device, deviceName.String, Till
		if lockedDevice == 1 {
			who.Role = Locked
		}
	}
	who.Enrolling = s.kind == Operator && totp.Int64 == 0 && keys.Int64 == 0
	return who, nil
}

// SignOut ends the session of a token, if it lives.
func (g *Guard) SignOut(ctx context.Context, who Who, secret string) error {
	return g.write(ctx, func(tx *store.Tx) ([]audit.Entry, error) {
		n, err := tx.Exec(ctx, `UPDATE sessions SET ended_at = $1 WHERE token_hash = $2 AND ended_at = 0`, store.At(g.now()), hashOf(secret))
		if err != nil || n == 0 {
			return nil, err
		}
		return []audit.Entry{who.Entry("sign_out", Person(who.Kind, who.ID), nil, nil, g.now())}, nil
	})
}

// Sessions lists what a person is signed in with, the newest first.
func (g *Guard) Sessions(ctx context.Context, m merchant.ID, account int64) (list []Session, err error) {
	now := g.now()
	rows, err := g.db.Read().Query(ctx, `SELECT session_id, device_id, address, agent, created_at, seen_at, ends_at FROM sessions
		WHERE merchant_id = $1 AND account_id = $2 AND ended_at = 0 AND ends_at > $3 AND seen_at + idle >= $3 ORDER BY created_at DESC, session_id DESC`, m, account, store.At(now))
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var s Session
		var began, seen, ends store.Time
		if err := rows.Scan(&s.ID, &s.Device, &s.Address, &s.Agent, &began, &seen, &ends); err != nil {
			return nil, fmt.Errorf("list sessions: %w", err)
		}
		s.Began, s.Seen, s.Ends = began.Time(), seen.Time(), ends.Time()
		list = append(list, s)
	}
	return list, rows.Err()
}

// Revoke ends one session of whoever is signed in; ErrForeign when he has none such.
func (g *Guard) Revoke(ctx context.Context, who Who, id int64) error {
	return g.write(ctx, func(tx *store.Tx) ([]audit.Entry, error) {
		n, err := tx.Exec(ctx, `UPDATE sessions SET ended_at = $1 WHERE merchant_id = $2 AND account_id = $3 AND session_id = $4 AND ended_at = 0`, store.At(g.now()), who.Merchant, who.ID, id)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, ErrForeign
		}
		return []audit.Entry{who.Entry("self.session_revoke", Person(who.Kind, who.ID), nil, map[string]any{"session": id}, g.now())}, nil
	})
}

// RevokeOthers ends every session of whoever is signed in but this one.
func (g *Guard) RevokeOthers(ctx context.Context, who Who) error {
	return g.write(ctx, func(tx *store.Tx) ([]audit.Entry, error) {
		n, err := g.end(ctx, tx, who.Merchant, who.ID, who.Session)
		if err != nil || n == 0 {
			return nil, err
		}
		return []audit.Entry{who.Entry("self.session_revoke", Person(who.Kind, who.ID), nil, map[string]any{"sessions": n}, g.now())}, nil
	})
}

// end ends every session of a person but one; 0 spares none.
func (g *Guard) end(ctx context.Context, tx *store.Tx, m merchant.ID, account, but int64) (int64, error) {
	return tx.Exec(ctx, `UPDATE sessions SET ended_at = $1 WHERE merchant_id = $2 AND account_id = $3 AND session_id <> $4 AND ended_at = 0`, store.At(g.now()), m, account, but)
}
