package auth

import (
	"context"

	"hawker/internal/audit"
	"hawker/internal/store"
)

// writeAction is what it takes to change people of a kind.
func writeAction(k Kind) Action {
	if k == Operator {
		return OperatorWrite
	}
	return StaffWrite
}

// told is the account as the trail tells it.
func (a Account) told() map[string]any {
	return map[string]any{"login": a.Login, "name": a.Name, "role": a.Role, "state": a.State}
}

// staffed checks that whoever asks may change people of his own house, and spends the
// proof for the object.
func (g *Guard) staffed(who Who, proof StepUp, object string) error {
	action := writeAction(who.Kind)
	if !Allows(who, action) {
		return ErrForbidden
	}
	return proof.Use(who, action, object, g.now())
}

// Invite adds a person to the house of whoever asks, and gives a link that is shown this
// once. It takes a fresh proof for StaffWrite (OperatorWrite) on Person(kind, 0).
func (g *Guard) Invite(ctx context.Context, who Who, proof StepUp, n NewAccount) (a Account, secret string, err error) {
	n.Merchant = who.Merchant
	if n, err = n.check(); err != nil { // before the proof is spent
		return Account{}, "", err
	}
	if err := g.staffed(who, proof, Person(who.Kind, 0)); err != nil {
		return Account{}, "", err
	}
	err = g.write(ctx, func(tx *store.Tx) ([]audit.Entry, error) {
		if a, err = g.add(ctx, tx, n); err != nil {
			return nil, err
		}
		if secret, err = g.link(ctx, tx, a, Invite); err != nil {
			return nil, err
		}
		return []audit.Entry{who.Entry(string(a.Kind)+".invite", a.object(), nil, a.told(), g.now())}, nil
	})
	return a, secret, err
}

// Relink gives a new link to somebody who was invited and did not come, or who has lost
// his means of proof: then they end once the link is used. It takes the same proof as Invite, on the person.
func (g *Guard) Relink(ctx context.Context, who Who, proof StepUp, id int64) (a Account, secret string, err error) {
	if err := g.staffed(who, proof, Person(who.Kind, id)); err != nil {
		return Account{}, "", err
	}
	err = g.write(ctx, func(tx *store.Tx) ([]audit.Entry, error) {
		if a, err = locked(ctx, tx, who.Merchant, id); err != nil {
			return nil, err
		}
		p, what := Invite, ".invite"
		switch {
		case a.ID == who.ID:
			return nil, ErrOneself
		case a.State == Suspended:
			return nil, ErrSuspended
		case a.State == Active:
			p, what = Reset, ".reset"
		}
		if secret, err = g.link(ctx, tx, a, p); err != nil {
			return nil, err
		}
		return []audit.Entry{who.Entry(string(a.Kind)+what, a.object(), nil, nil, g.now())}, nil
	})
	return a, secret, err
}

// ChangeRole gives a person of the house another role. It takes the same proof, on the person.
func (g *Guard) ChangeRole(ctx context.Context, who Who, proof StepUp, id int64, role Role) error {
	if roleKinds[role] != who.Kind {
		return ErrRole
	}
	return g.change(ctx, who, proof, id, "role", func(a *Account) { a.Role = role })
}

// Suspend shuts a person of the house out at once: his sessions end.
func (g *Guard) Suspend(ctx context.Context, who Who, proof StepUp, id int64) error {
	return g.change(ctx, who, proof, id, "suspend", func(a *Account) { a.State = Suspended })
}

// Resume lets a suspended person in again. Without any means of proof he is as one who was invited.
func (g *Guard) Resume(ctx context.Context, who Who, proof StepUp, id int64) error {
	return g.change(ctx, who, proof, id, "resume", func(a *Account) {
		if a.State == Suspended {
			a.State = Active
			if !a.Password && a.Passkeys == 0 {
				a.State = Invited
			}
		}
	})
}

func (g *Guard) change(ctx context.Context, who Who, proof StepUp, id int64, what string, do func(*Account)) error {
	if err := g.staffed(who, proof, Person(who.Kind, id)); err != nil {
		return err
	}
	return g.write(ctx, func(tx *store.Tx) ([]audit.Entry, error) {
		list, err := people(ctx, tx, who.Merchant)
		if err != nil {
			return nil, err
		}
		for _, a := range list { // all rows of the house: two owners cannot take each other's last place at once
			if _, err := locked(ctx, tx, a.Merchant, a.ID); err != nil {
				return nil, err
			}
		}
		a, err := account(ctx, tx, who.Merchant, id)
		if err != nil {
			return nil, err
		}
		if a.ID == who.ID {
			return nil, ErrOneself
		}
		before := a
		do(&a)
		if before.Role == a.Role && before.State == a.State {
			return nil, nil
		}
		if list, err = people(ctx, tx, who.Merchant); err != nil {
			return nil, err
		}
		if !masters(list, a) {
			return nil, ErrLastOne
		}
		if _, err := tx.Exec(ctx, `UPDATE accounts SET role = $1, state = $2 WHERE merchant_id = $3 AND account_id = $4`, a.Role, a.State, a.Merchant, a.ID); err != nil {
			return nil, err
		}
		if a.State == Suspended {
			if _, err := tx.Exec(ctx, `DELETE FROM one_time_links WHERE merchant_id = $1 AND account_id = $2 AND used_at = 0`, a.Merchant, a.ID); err != nil {
				return nil, err
			}
		}
		if _, err := g.end(ctx, tx, a.Merchant, a.ID, 0); err != nil { // another role is another session
			return nil, err
		}
		return []audit.Entry{who.Entry(string(a.Kind)+"."+what, a.object(), before.told(), a.told(), g.now())}, nil
	})
}

// masters reports whether an owner or administrator is left who can sign in, once one account is as given.
func masters(list []Account, changed Account) bool {
	for _, a := range list {
		if a.ID == changed.ID {
			a = changed
		}
		if (a.Role == Owner || a.Role == Admin) && a.State == Active {
			return true
		}
	}
	return false
}
