package auth

import (
	"context"
	"fmt"
	"time"

	"hawker/internal/audit"
	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/password"
	"hawker/internal/store"
)

// ErrReused refuses a password that is or was his.
var ErrReused = fault.New(fault.Invalid, "password_reused", "这是您最近 4 次用过的密码，请换一个新的。", "You used this password lately. Please choose one that is none of your last four.")

// remembered is how many passwords must not come again, the present one among them.
const remembered = 4

// SetPassword gives whoever is signed in a new password, which ends his other sessions.
// He must have proved himself within the last minutes; one that is easy to guess or one
// of his last four is refused with the reason.
func (g *Guard) SetPassword(ctx context.Context, who Who, secret string) error {
	if err := g.fresh(ctx, who); err != nil {
		return err
	}
	a, err := g.Account(ctx, who.Merchant, who.ID)
	if err != nil {
		return err
	}
	if err := g.CheckPassword(ctx, a, secret); err != nil {
		return err
	}
	hash, err := password.Hash(ctx, secret)
	if err != nil {
		return err
	}
	return g.write(ctx, func(tx *store.Tx) ([]audit.Entry, error) {
		now := g.now()
		if _, err := locked(ctx, tx, a.Merchant, a.ID); err != nil {
			return nil, err
		}
		var last int64
		if err := tx.QueryRow(ctx, `SELECT COALESCE(MAX(seq), 0) FROM account_passwords WHERE merchant_id = $1 AND account_id = $2`, a.Merchant, a.ID).Scan(&last); err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO account_passwords (merchant_id, account_id, seq, hash) VALUES ($1, $2, $3, $4)`, a.Merchant, a.ID, last+1, hash); err != nil {
			return nil, fmt.Errorf("remember password: %w", err)
		}
		if _, err := tx.Exec(ctx, `DELETE FROM account_passwords WHERE merchant_id = $1 AND account_id = $2 AND seq <= $3`, a.Merchant, a.ID, last+1-remembered); err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, `UPDATE accounts SET password_hash = $1, password_at = $2, tries = 0, locked_until = 0 WHERE merchant_id = $3 AND account_id = $4`,
			hash, store.At(now), a.Merchant, a.ID); err != nil {
			return nil, fmt.Errorf("set password: %w", err)
		}
		n, err := g.end(ctx, tx, a.Merchant, a.ID, who.Session)
		if err != nil {
			return nil, err
		}
		return []audit.Entry{who.Entry("self.password_set", a.object(), nil, map[string]any{"sessions_ended": n}, now)}, nil
	})
}

// CheckPassword returns nil for a password that a person may take, or the reason why not.
func (g *Guard) CheckPassword(ctx context.Context, a Account, secret string) error {
	about := a.known()
	if a.Merchant != 0 {
		m, err := merchant.ByID(ctx, g.db.Read(), a.Merchant)
		if err != nil {
			return err
		}
		about = append(about, m.NameZH, m.NameEN)
	}
	if err := password.Check(secret, about...); err != nil {
		return err
	}
	rows, err := g.db.Read().Query(ctx, `SELECT hash FROM account_passwords WHERE merchant_id = $1 AND account_id = $2 ORDER BY seq DESC LIMIT 4`, a.Merchant, a.ID)
	if err != nil {
		return fmt.Errorf("former passwords: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var former []string
	for rows.Next() {
		var h string
		if err := rows.Scan(&h); err != nil {
			return err
		}
		former = append(former, h)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, h := range former {
		if same, err := password.Verify(ctx, h, secret); err != nil {
			return err
		} else if same {
			return ErrReused
		}
	}
	return nil
}

// rehash stores a password's hash with today's cost, while the password is at hand.
func (g *Guard) rehash(ctx context.Context, a Account, secret string) error {
	hash, err := password.Hash(ctx, secret)
	if err != nil {
		return err
	}
	return g.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE accounts SET password_hash = $1 WHERE merchant_id = $2 AND account_id = $3 AND password_hash = $4`, hash, a.Merchant, a.ID, a.passwordHash)
		return err
	})
}

// remindAhead is how long before its end a password's age is mentioned.
const remindAhead = 14 * 24 * time.Hour

// PasswordEnds is when a person's password has grown old by the policy, and whether he is
// to be reminded now; the zero Time when it never does. Nobody is shut out by it: he is
// asked for a new one each time.
func (p Policy) PasswordEnds(a Account, now time.Time) (ends time.Time, remind bool) {
	if p.PasswordDays == 0 || !a.Password {
		return time.Time{}, false
	}
	ends = a.PasswordAt.AddDate(0, 0, p.PasswordDays)
	return ends, !now.Before(ends.Add(-remindAhead))
}
