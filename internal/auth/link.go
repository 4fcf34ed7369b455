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

// Purpose is what a one-time link is for.
type Purpose string

// The purposes.
const (
	First  Purpose = "first"  // printed by the server for an account that nobody has used yet
	Invite Purpose = "invite" // for somebody new
	Reset  Purpose = "reset"  // for somebody who has lost his means of proof
)

// linkLasts is how long a link works.
var linkLasts = map[Purpose]time.Duration{First: 24 * time.Hour, Invite: 72 * time.Hour, Reset: time.Hour}

// link makes a one-time link for an account in tx; earlier ones of it end. Only its
// token's hash is stored.
func (g *Guard) link(ctx context.Context, tx *store.Tx, a Account, p Purpose) (string, error) {
	now := g.now()
	if _, err := tx.Exec(ctx, `DELETE FROM one_time_links WHERE merchant_id = $1 AND account_id = $2 AND used_at = 0`, a.Merchant, a.ID); err != nil {
		return "", err
	}
	secret, hash := token()
	if _, err := tx.Exec(ctx, `INSERT INTO one_time_links (token_hash, merchant_id, account_id, purpose, made_at, ends_at, used_at) VALUES ($1, $2, $3, $4, $5, $6, 0)`,
		hash, a.Merchant, a.ID, p, store.At(now), store.At(now.Add(linkLasts[p]))); err != nil {
		return "", fmt.Errorf("make link: %w", err)
	}
	return secret, nil
}

// Peek tells whose a link is and what for, and leaves it unused: programs that look at
// links in messages must not spend them. ErrLink when it is spent.
func (g *Guard) Peek(ctx context.Context, secret string) (Account, Purpose, error) {
	return g.peek(ctx, g.db.Read(), secret)
}

func (g *Guard) peek(ctx context.Context, q store.Querier, secret string) (Account, Purpose, error) {
	var m merchant.ID
	var id int64
	var p Purpose
	err := q.QueryRow(ctx, `SELECT merchant_id, account_id, purpose FROM one_time_links WHERE token_hash = $1 AND used_at = 0 AND ends_at > $2`, hashOf(secret), store.At(g.now())).Scan(&m, &id, &p)
	if errors.Is(err, sql.ErrNoRows) {
		return Account{}, "", ErrLink
	} else if err != nil {
		return Account{}, "", fmt.Errorf("find link: %w", err)
	}
	a, err := account(ctx, q, m, id)
	if err == nil && a.State == Suspended {
		err = ErrSuspended
	}
	return a, p, err
}

// OpenLink spends a link and signs its account in. Whoever comes by a Reset has lost his
// means of proof: the old ones end with it.
func (g *Guard) OpenLink(ctx context.Context, secret string, o Origin) (e Entry, p Purpose, err error) {
	if err := g.often.take(perAddress, "address "+o.Address); err != nil {
		return Entry{}, "", err
	}
	err = g.write(ctx, func(tx *store.Tx) ([]audit.Entry, error) {
		var a Account
		if a, p, err = g.peek(ctx, tx, secret); err != nil {
			return nil, err
		}
		if _, err := locked(ctx, tx, a.Merchant, a.ID); err != nil {
			return nil, err
		}
		now := g.now()
		n, err := tx.Exec(ctx, `UPDATE one_time_links SET used_at = $1 WHERE token_hash = $2 AND used_at = 0`, store.At(now), hashOf(secret))
		if err != nil {
			return nil, err
		}
		if n == 0 { // someone was faster
			return nil, ErrLink
		}
		if p == Reset {
			if err := g.strip(ctx, tx, a); err != nil {
				return nil, err
			}
		}
		if _, err := tx.Exec(ctx, `UPDATE accounts SET state = $1 WHERE merchant_id = $2 AND account_id = $3`, Active, a.Merchant, a.ID); err != nil {
			return nil, err
		}
		if a, err = account(ctx, tx, a.Merchant, a.ID); err != nil {
			return nil, err
		}
		var id int64
		if e, id, err = g.begin(ctx, tx, a, o, idleConsole); err != nil {
			return nil, err
		}
		return []audit.Entry{a.who(id, o).Entry("sign_in", a.object(), nil, map[string]any{"link": p, "session": id}, now)}, nil
	})
	return e, p, err
}

// strip takes every means of proof and session from an account; former passwords stay remembered.
func (g *Guard) strip(ctx context.Context, tx *store.Tx, a Account) error {
	for _, q := range []string{`DELETE FROM passkeys WHERE merchant_id = $1 AND account_id = $2`, `DELETE FROM recovery_codes WHERE merchant_id = $1 AND account_id = $2`} {
		if _, err := tx.Exec(ctx, q, a.Merchant, a.ID); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `UPDATE accounts SET password_hash = '', password_at = 0, totp = $1, totp_on = 0, totp_step = 0, pin_hash = '', tries = 0, locked_until = 0, pin_tries = 0, pin_locked = 0
		WHERE merchant_id = $2 AND account_id = $3`, []byte{}, a.Merchant, a.ID); err != nil {
		return err
	}
	_, err := g.end(ctx, tx, a.Merchant, a.ID, 0)
	return err
}

// FirstLink gives a link for the first owner of a merchant, or the first administrator
// (merchant 0), and adds the account when nobody is there. "" when somebody can sign in
// already: no link is made then.
func (g *Guard) FirstLink(ctx context.Context, n NewAccount) (secret string, err error) {
	err = g.write(ctx, func(tx *store.Tx) ([]audit.Entry, error) {
		secret = ""
		list, err := people(ctx, tx, n.Merchant)
		if err != nil {
			return nil, err
		}
		var first *Account
		for _, a := range list {
			if a.Password || a.Passkeys > 0 {
				return nil, nil
			}
			if a.Role == n.Role && a.State != Suspended && first == nil {
				first = &a
			}
		}
		var acts []audit.Entry
		if first == nil {
			a, err := g.add(ctx, tx, n)
			if err != nil {
				return nil, err
			}
			first = &a
			acts = append(acts, audit.Entry{Merchant: int64(n.Merchant), Who: audit.System, What: string(a.Kind) + ".first", Object: a.object(), After: a.told(), At: g.now()})
		}
		secret, err = g.link(ctx, tx, *first, First)
		return acts, err
	})
	return secret, err
}
