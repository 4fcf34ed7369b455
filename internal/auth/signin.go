package auth

import (
	"context"
	"errors"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"hawker/internal/audit"
	"hawker/internal/password"
	"hawker/internal/store"
)

// SignIn takes an account's name and password. Whoever has a second factor gets a ticket
// and no session yet. An account that does not exist takes as long as a wrong password.
func (g *Guard) SignIn(ctx context.Context, login, secret string, o Origin) (Entry, error) {
	if err := g.often.take(perAddress, "address "+o.Address); err != nil {
		return Entry{}, err
	}
	a, err := byLogin(ctx, g.db.Read(), login)
	if errors.Is(err, ErrNoPerson) || (err == nil && !a.Password) {
		if _, err := password.Verify(ctx, "", secret); err != nil {
			return Entry{}, err
		}
		return Entry{}, ErrSignIn
	} else if err != nil {
		return Entry{}, err
	}
	if err := g.prove(ctx, a, Proof{Means: ByPassword, Code: secret}, "", o); errors.Is(err, ErrProof) {
		return Entry{}, ErrSignIn
	} else if err != nil {
		return Entry{}, err
	}
	if a.State != Active {
		return Entry{}, ErrSuspended
	}
	if password.Stale(a.passwordHash) {
		if err := g.rehash(ctx, a, secret); err != nil {
			return Entry{}, err
		}
	}
	if !a.Strong() {
		return g.enter(ctx, a, o, []Means{ByPassword})
	}
	e := Entry{Account: a, Second: a.second()}
	err = g.db.Write(ctx, func(tx *store.Tx) error {
		e.Ticket, err = g.ask(ctx, tx, challenge{"second", a.Merchant, a.ID, nil})
		return err
	})
	return e, err
}

// second are the ways to finish a sign-in by password.
func (a Account) second() (list []Means) {
	if a.Passkeys > 0 {
		list = append(list, ByPasskey)
	}
	if a.TOTP {
		list = append(list, ByTOTP)
	}
	return append(list, ByRecovery)
}

// Halfway tells whose sign-in a ticket is, and how it may be finished; ErrHalfway when it has ended.
func (g *Guard) Halfway(ctx context.Context, ticket string) (Entry, error) {
	c, err := g.find(ctx, g.db.Read(), ticket, "second", nil)
	if err != nil {
		return Entry{}, err
	}
	a, err := g.Account(ctx, c.merchant, c.account)
	return Entry{Ticket: ticket, Account: a, Second: a.second()}, err
}

// AskSecond asks for the passkey of whoever has shown his password.
func (g *Guard) AskSecond(ctx context.Context, ticket string) (Question, error) {
	e, err := g.Halfway(ctx, ticket)
	if err != nil {
		return Question{}, err
	}
	return g.askOf(ctx, "second passkey", e.Account.Merchant, e.Account.ID, func(s webauthn.SessionData) any { return bound{Session: s} })
}

// Second finishes a sign-in that began with a password. A wrong proof may be tried again
// with the same ticket, within the account's tries.
func (g *Guard) Second(ctx context.Context, ticket string, p Proof, o Origin) (Entry, error) {
	if err := g.often.take(perAddress, "address "+o.Address); err != nil {
		return Entry{}, err
	}
	e, err := g.Halfway(ctx, ticket)
	if err != nil {
		return Entry{}, err
	}
	if p.Means != ByPasskey && p.Means != ByTOTP && p.Means != ByRecovery {
		return Entry{}, ErrProof
	}
	if err := g.prove(ctx, e.Account, p, "second passkey", o); err != nil {
		return Entry{}, err
	}
	if err := g.db.Write(ctx, func(tx *store.Tx) error { return g.spend(ctx, tx, ticket) }); err != nil {
		return Entry{}, err
	}
	return g.enter(ctx, e.Account, o, []Means{ByPassword, p.Means})
}

// ByPasskey signs in whoever answered AskPasskey's question. A passkey is both factors:
// the device, and the finger, face or PIN that it asked for. A lock-out by wrong
// passwords does not shut it out.
func (g *Guard) ByPasskey(ctx context.Context, ticket string, answer []byte, o Origin) (Entry, error) {
	if g.rp == nil {
		return Entry{}, ErrNoPasskeys
	}
	if err := g.often.take(perAddress, "address "+o.Address); err != nil {
		return Entry{}, err
	}
	var s webauthn.SessionData
	if _, err := g.answered(ctx, ticket, "passkey", &s); err != nil {
		return Entry{}, err
	}
	a, err := g.anyone(ctx, s, answer)
	if err != nil {
		return Entry{}, err
	}
	if a.State != Active {
		return Entry{}, ErrSuspended
	}
	return g.enter(ctx, a, o, []Means{ByPasskey})
}

// enter begins the session of somebody who has shown all that was asked.
func (g *Guard) enter(ctx context.Context, a Account, o Origin, by []Means) (e Entry, err error) {
	idle, err := g.idle(ctx, a, o)
	if err != nil {
		return Entry{}, err
	}
	err = g.write(ctx, func(tx *store.Tx) ([]audit.Entry, error) {
		row, err := locked(ctx, tx, a.Merchant, a.ID)
		if err != nil {
			return nil, err
		}
		if row.State != Active { // since it was read
			return nil, ErrSuspended
		}
		var id int64
		if e, id, err = g.begin(ctx, tx, a, o, idle); err != nil {
			return nil, err
		}
		who := a.who(id, o)
		return []audit.Entry{who.Entry("sign_in", a.object(), nil, map[string]any{"means": by, "session": id}, g.now())}, nil
	})
	return e, err
}

// idle is how long a person's session may rest: as the merchant says at a paired device.
func (g *Guard) idle(ctx context.Context, a Account, o Origin) (time.Duration, error) {
	if o.Device == 0 {
		return idleConsole, nil
	}
	p, err := g.Policy(ctx, a.Merchant)
	return p.POSIdle, err
}
