package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"hawker/internal/audit"
	"hawker/internal/merchant"
	"hawker/internal/password"
	"hawker/internal/store"
)

// Means is a way to prove who one is.
type Means string

// The means. A PIN counts at a paired device and as a fresh proof, not as a way to sign in elsewhere.
const (
	ByPassword Means = "password"
	ByPasskey  Means = "passkey"
	ByTOTP     Means = "totp"
	ByRecovery Means = "recovery"
	ByPIN      Means = "pin"
)

// Proof is what somebody shows.
type Proof struct {
	Means  Means
	Code   string          // password, one-time code, recovery code or PIN
	Ticket string          // of the question that a passkey answers
	Answer json.RawMessage // the browser's, of a passkey
}

// How often may be tried before how long a lock-out.
const (
	mostTries    = 10
	mostPINTries = 5
	lockLasts    = 30 * time.Minute
)

// counter is one of the two counts of an account's tries: a PIN's is apart, so that who
// guesses at the counter does not lock the owner out of his office.
type counter struct {
	most  int64
	read  func(Account) (tries int64, until time.Time)
	write string
}

var (
	signInTries = counter{mostTries, func(a Account) (int64, time.Time) { return a.tries, a.Locked },
		`UPDATE accounts SET tries = $1, locked_until = $2 WHERE merchant_id = $3 AND account_id = $4`}
	pinTries = counter{mostPINTries, func(a Account) (int64, time.Time) { return a.pinTries, a.PINLocked },
		`UPDATE accounts SET pin_tries = $1, pin_locked = $2 WHERE merchant_id = $3 AND account_id = $4`}
)

// guess counts a try before it is judged, so that many at once are not more than the most.
func (g *Guard) guess(ctx context.Context, c counter, m merchant.ID, id int64) error {
	shut := false
	err := g.db.Write(ctx, func(tx *store.Tx) error {
		a, err := locked(ctx, tx, m, id)
		if err != nil {
			return err
		}
		tries, until := c.read(a)
		switch {
		case until.After(g.now()):
			shut = true
			return nil
		case tries >= c.most: // all at once, or right passwords again and again without the second factor
			shut = true
			tries, until = -1, g.now().Add(lockLasts)
		}
		_, err = tx.Exec(ctx, c.write, tries+1, store.At(until), m, id)
		return err
	})
	if err == nil && shut {
		err = ErrLocked
	}
	return err
}

// wrong writes down a refused try; the last one allowed locks.
func (g *Guard) wrong(ctx context.Context, c counter, a Account, by Means, o Origin) error {
	locks := false
	err := g.write(ctx, func(tx *store.Tx) ([]audit.Entry, error) {
		now, who := g.now(), a.who(0, o)
		row, err := locked(ctx, tx, a.Merchant, a.ID)
		if err != nil {
			return nil, err
		}
		acts := []audit.Entry{who.Entry("proof.refused", a.object(), nil, map[string]any{"means": by}, now)}
		if tries, _ := c.read(row); tries >= c.most {
			locks = true
			if _, err := tx.Exec(ctx, c.write, 0, store.At(now.Add(lockLasts)), a.Merchant, a.ID); err != nil {
				return nil, err
			}
			acts = append(acts, who.Entry("proof.locked", a.object(), nil, map[string]any{"means": by, "until": now.Add(lockLasts)}, now))
		}
		return acts, nil
	})
	if err == nil && locks {
		err = ErrLocked
	}
	return err
}

// forgive sets a count back after a right proof.
func (g *Guard) forgive(ctx context.Context, c counter, a Account) error {
	return g.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, c.write, 0, 0, a.Merchant, a.ID)
		return err
	})
}

// prove judges a proof of one person. It counts the try; the caller forgives what was right when all is.
func (g *Guard) prove(ctx context.Context, a Account, p Proof, kind string, o Origin) error {
	if p.Means == ByPasskey {
		return g.byPasskey(ctx, a, p, kind)
	}
	c, refusal := signInTries, ErrProof
	if p.Means == ByPIN {
		c, refusal = pinTries, ErrPIN
	}
	if err := g.often.take(perLogin, fmt.Sprintf("%s %d/%d", p.Means, a.Merchant, a.ID)); err != nil {
		return err
	}
	if err := g.guess(ctx, c, a.Merchant, a.ID); err != nil {
		return err
	}
	ok, err := g.right(ctx, a, p)
	if err != nil || ok {
		return err
	}
	if err := g.wrong(ctx, c, a, p.Means, o); err != nil {
		return err
	}
	return refusal
}

// right tells whether a secret is his.
func (g *Guard) right(ctx context.Context, a Account, p Proof) (ok bool, err error) {
	switch p.Means {
	case ByPassword:
		return password.Verify(ctx, a.passwordHash, p.Code)
	case ByPIN:
		return password.Verify(ctx, a.pinHash, strings.TrimSpace(p.Code))
	case ByRecovery:
		err = g.db.Write(ctx, func(tx *store.Tx) error {
			ok, err = g.useRecovery(ctx, tx, a, p.Code)
			return err
		})
		return ok, err
	case ByTOTP:
		return g.byTOTP(ctx, a, p.Code)
	}
	return false, nil
}

// byTOTP spends a one-time code: it moves the account's step forward by comparison, so that no code works twice.
func (g *Guard) byTOTP(ctx context.Context, a Account, code string) (ok bool, err error) {
	if !a.TOTP {
		return false, nil
	}
	secret, err := g.keys.OpenSealed(ctx, a.totp, totpBound(a.Merchant, a.ID))
	if err != nil {
		return false, fmt.Errorf("one-time codes of account %d: %w", a.ID, err)
	}
	at := matches(secret, code, g.now(), a.totpStep)
	if at == 0 {
		return false, nil
	}
	err = g.db.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE accounts SET totp_step = $1 WHERE merchant_id = $2 AND account_id = $3 AND totp_step < $1`, at, a.Merchant, a.ID)
		ok = n == 1
		return err
	})
	return ok, err
}

// bound is a passkey's question and what its answer is good for.
type bound struct {
	Session webauthn.SessionData
	Action  Action
	Object  string
}

func (g *Guard) byPasskey(ctx context.Context, a Account, p Proof, kind string) error {
	if g.rp == nil {
		return ErrNoPasskeys
	}
	var b bound
	c, err := g.answered(ctx, p.Ticket, kind, &b)
	if err != nil {
		return err
	}
	if c.merchant != a.Merchant || c.account != a.ID {
		return ErrHalfway.With("the question was another's")
	}
	return g.his(ctx, a, b.Session, p.Answer)
}

// AskStepUp asks the browser of whoever is signed in for a passkey, as a fresh proof for one action on one object.
func (g *Guard) AskStepUp(ctx context.Context, who Who, action Action, object string) (Question, error) {
	return g.askOf(ctx, stepUpKind(action, object), who.Merchant, who.ID, func(s webauthn.SessionData) any { return bound{s, action, object} })
}

func stepUpKind(action Action, object string) string {
	return "step-up " + string(action) + " " + object
}

// StepUp lets whoever is signed in prove himself again, for one action on one object. A
// passkey's question was asked by AskStepUp for the same. A password is no fresh proof,
// unless he has nothing else: then he is told to set something up.
func (g *Guard) StepUp(ctx context.Context, who Who, action Action, object string, p Proof) (StepUp, error) {
	if who.Kind != Staff && who.Kind != Operator {
		return StepUp{}, ErrForbidden
	}
	a, err := g.Account(ctx, who.Merchant, who.ID)
	if err != nil {
		return StepUp{}, err
	}
	switch {
	case a.State != Active:
		return StepUp{}, ErrSuspended
	case p.Means == "" || p.Means == ByPassword || p.Means == ByRecovery:
		return StepUp{}, ErrStepUp
	case p.Means == ByPIN && !a.PIN, p.Means == ByTOTP && !a.TOTP, p.Means == ByPasskey && a.Passkeys == 0:
		return StepUp{}, ErrUnproven
	}
	if err := g.prove(ctx, a, p, stepUpKind(action, object), Origin{Address: who.From, Device: who.Device}); err != nil {
		return StepUp{}, err
	}
	if err := g.write(ctx, func(tx *store.Tx) ([]audit.Entry, error) {
		return []audit.Entry{who.Entry("proof.step_up", object, nil, map[string]any{"means": p.Means, "action": action}, g.now())}, g.proved(ctx, tx, who)
	}); err != nil {
		return StepUp{}, err
	}
	c := signInTries
	if p.Means == ByPIN {
		c = pinTries
	}
	return newStepUp(who, action, object, g.now()), g.forgive(ctx, c, a)
}

// StepUpMeans are the ways in which somebody can prove himself again, the strongest first; none when he must set one up.
func (a Account) StepUpMeans() (list []Means) {
	if a.Passkeys > 0 {
		list = append(list, ByPasskey)
	}
	if a.TOTP {
		list = append(list, ByTOTP)
	}
	if a.PIN {
		list = append(list, ByPIN)
	}
	return list
}

// freshLasts is how long after a proof one's own means of proof may be changed.
const freshLasts = 10 * time.Minute

// fresh returns nil if whoever is signed in proved himself within the last minutes in this session, else ErrStepUp.
func (g *Guard) fresh(ctx context.Context, who Who) error {
	if who.Kind != Staff && who.Kind != Operator {
		return ErrForbidden
	}
	ok, err := g.Fresh(ctx, who)
	if err == nil && !ok {
		err = ErrStepUp
	}
	return err
}

// Fresh reports whether whoever is signed in proved himself so lately that he may change
// his means of proof; or has none yet, as one who came by a link: his session is all there is.
func (g *Guard) Fresh(ctx context.Context, who Who) (bool, error) {
	a, err := g.Account(ctx, who.Merchant, who.ID)
	if err != nil || (!a.Password && !a.Strong()) {
		return err == nil, err
	}
	var n int64
	err = g.db.Read().QueryRow(ctx, `SELECT COUNT(*) FROM sessions WHERE merchant_id = $1 AND account_id = $2 AND session_id = $3 AND ended_at = 0 AND proved_at >= $4`,
		who.Merchant, who.ID, who.Session, store.At(g.now().Add(-freshLasts))).Scan(&n)
	return n > 0, err
}

// proved notes in the session that the person has just proved himself.
func (g *Guard) proved(ctx context.Context, tx *store.Tx, who Who) error {
	_, err := tx.Exec(ctx, `UPDATE sessions SET proved_at = $1 WHERE merchant_id = $2 AND account_id = $3 AND session_id = $4`, store.At(g.now()), who.Merchant, who.ID, who.Session)
	return err
}

// Again lets whoever is signed in prove himself again by any means he signs in with, so
// that he may change them: Fresh is true afterwards.
func (g *Guard) Again(ctx context.Context, who Who, p Proof) error {
	a, err := g.Account(ctx, who.Merchant, who.ID)
	if err != nil {
		return err
	}
	if p.Means == ByPassword && a.Strong() { // a password alone must not undo what stands beside it
		return ErrStepUp
	}
	if p.Means == ByPIN {
		return ErrStepUp
	}
	if err := g.prove(ctx, a, p, stepUpKind(SelfWrite, a.object()), Origin{Address: who.From}); err != nil {
		return err
	}
	if err := g.db.Write(ctx, func(tx *store.Tx) error { return g.proved(ctx, tx, who) }); err != nil {
		return err
	}
	return g.forgive(ctx, signInTries, a)
}

// AskAgain is the passkey's question of Again.
func (g *Guard) AskAgain(ctx context.Context, who Who) (Question, error) {
	return g.AskStepUp(ctx, who, SelfWrite, Person(who.Kind, who.ID))
}
