package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"hawker/internal/audit"
	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

// ErrTOTP refuses a first code that shows that the secret was not taken over rightly.
var ErrTOTP = fault.New(fault.Declined, "totp_first_code", "动态码不对：请确认手机时间准确，再输入最新的 6 位数字。", "The code is wrong: please see that your phone's clock is right, and type its newest six digits.")

const (
	totpPeriod    = 30 * time.Second
	recoveryCodes = 10
)

var base32Plain = base32.StdEncoding.WithPadding(base32.NoPadding)

// step is the number of the half minute in which an instant lies.
func step(at time.Time) int64 { return at.Unix() / int64(totpPeriod/time.Second) }

// matches gives the step of a code, which may be one early or late, but must come after
// the last that was used; 0 for none.
func matches(secret []byte, code string, at time.Time, last int64) int64 {
	code = strings.NewReplacer(" ", "", "-", "").Replace(code)
	found := int64(0)
	for s := step(at) - 1; s <= step(at)+1; s++ {
		want, err := hotp.GenerateCodeCustom(base32Plain.EncodeToString(secret), uint64(s), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}) //nolint:gosec // after 1970
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && s > last {
			found = s
		}
	}
	return found
}

func totpBound(m merchant.ID, id int64) []byte { return fmt.Appendf(nil, "totp/%d/%d", m, id) }

// Enrolment is a new secret for one-time codes, to be taken over by an app.
type Enrolment struct {
	Secret string // base32, in groups of four, to type
	URL    string // otpauth://…, for the QR code
}

// NewTOTP gives whoever is signed in a secret for one-time codes. It is not in force
// until ConfirmTOTP has seen a code of it; the one before stays so long.
func (g *Guard) NewTOTP(ctx context.Context, who Who) (Enrolment, string, error) {
	if err := g.fresh(ctx, who); err != nil {
		return Enrolment{}, "", err
	}
	a, err := g.Account(ctx, who.Merchant, who.ID)
	if err != nil {
		return Enrolment{}, "", err
	}
	secret := make([]byte, 20)
	_, _ = rand.Read(secret) // never fails
	sealed, err := g.keys.Seal(ctx, secret, totpBound(who.Merchant, who.ID))
	if err != nil {
		return Enrolment{}, "", err
	}
	var ticket string
	if err := g.db.Write(ctx, func(tx *store.Tx) (err error) {
		ticket, err = g.ask(ctx, tx, challenge{"totp", who.Merchant, who.ID, sealed})
		return err
	}); err != nil {
		return Enrolment{}, "", err
	}
	return enrolment(secret, a.Login), ticket, nil
}

// ShowTOTP shows the secret of a ticket again, after a wrong first code.
func (g *Guard) ShowTOTP(ctx context.Context, who Who, ticket string) (Enrolment, error) {
	secret, _, err := g.waiting(ctx, who, ticket)
	if err != nil {
		return Enrolment{}, err
	}
	a, err := g.Account(ctx, who.Merchant, who.ID)
	return enrolment(secret, a.Login), err
}

func (g *Guard) waiting(ctx context.Context, who Who, ticket string) (secret, sealed []byte, err error) {
	c, err := g.find(ctx, g.db.Read(), ticket, "totp", &sealed)
	if err != nil {
		return nil, nil, err
	}
	if c.merchant != who.Merchant || c.account != who.ID {
		return nil, nil, ErrHalfway.With("the secret was another's")
	}
	secret, err = g.keys.OpenSealed(ctx, sealed, totpBound(who.Merchant, who.ID))
	return secret, sealed, err
}

func enrolment(secret []byte, login string) Enrolment {
	text := base32Plain.EncodeToString(secret)
	u := url.URL{Scheme: "otpauth", Host: "totp", Path: "/Hawker:" + login, RawQuery: url.Values{"secret": {text}, "issuer": {"Hawker"}}.Encode()}
	var groups []string
	for i := 0; i < len(text); i += 4 {
		groups = append(groups, text[i:min(i+4, len(text))])
	}
	return Enrolment{strings.Join(groups, " "), u.String()}
}

// ConfirmTOTP puts a new secret in force when code is right, and gives recovery codes,
// which are shown this once.
func (g *Guard) ConfirmTOTP(ctx context.Context, who Who, ticket, code string) (recovery []string, err error) {
	if err := g.often.take(perLogin, fmt.Sprintf("totp %d", who.ID)); err != nil {
		return nil, err
	}
	secret, sealed, err := g.waiting(ctx, who, ticket)
	if err != nil {
		return nil, err
	}
	at := matches(secret, code, g.now(), 0)
	if at == 0 {
		return nil, ErrTOTP
	}
	err = g.write(ctx, func(tx *store.Tx) ([]audit.Entry, error) {
		a, err := locked(ctx, tx, who.Merchant, who.ID)
		if err != nil {
			return nil, err
		}
		if err := g.spend(ctx, tx, ticket); err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, `UPDATE accounts SET totp = $1, totp_on = 1, totp_step = $2 WHERE merchant_id = $3 AND account_id = $4`, sealed, at, who.Merchant, who.ID); err != nil {
			return nil, err
		}
		if recovery, err = g.newRecovery(ctx, tx, a); err != nil {
			return nil, err
		}
		return []audit.Entry{who.Entry("self.totp_on", a.object(), map[string]any{"on": a.TOTP}, map[string]any{"on": true}, g.now())}, nil
	})
	return recovery, err
}

// RemoveTOTP ends one-time codes for whoever is signed in, and their recovery codes.
func (g *Guard) RemoveTOTP(ctx context.Context, who Who) error {
	if err := g.fresh(ctx, who); err != nil {
		return err
	}
	return g.write(ctx, func(tx *store.Tx) ([]audit.Entry, error) {
		a, err := locked(ctx, tx, who.Merchant, who.ID)
		if err != nil {
			return nil, err
		}
		if !a.TOTP {
			return nil, nil
		}
		if err := a.keeps(a.Password, a.Passkeys, false); err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, `UPDATE accounts SET totp = $1, totp_on = 0, totp_step = 0 WHERE merchant_id = $2 AND account_id = $3`, []byte{}, who.Merchant, who.ID); err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM recovery_codes WHERE merchant_id = $1 AND account_id = $2`, who.Merchant, who.ID); err != nil {
			return nil, err
		}
		return []audit.Entry{who.Entry("self.totp_off", a.object(), map[string]any{"on": true}, map[string]any{"on": false}, g.now())}, nil
	})
}

// NewRecovery replaces the recovery codes of whoever is signed in; they are shown this once.
func (g *Guard) NewRecovery(ctx context.Context, who Who) (codes []string, err error) {
	if err := g.fresh(ctx, who); err != nil {
		return nil, err
	}
	err = g.write(ctx, func(tx *store.Tx) ([]audit.Entry, error) {
		a, err := locked(ctx, tx, who.Merchant, who.ID)
		if err != nil {
			return nil, err
		}
		if !a.Strong() {
			return nil, ErrUnproven
		}
		if codes, err = g.newRecovery(ctx, tx, a); err != nil {
			return nil, err
		}
		return []audit.Entry{who.Entry("self.recovery_renew", a.object(), nil, nil, g.now())}, nil
	})
	return codes, err
}

// newRecovery makes codes of 80 bits, XXXX-XXXX-XXXX-XXXX, and stores their hashes.
func (g *Guard) newRecovery(ctx context.Context, tx *store.Tx, a Account) (codes []string, err error) {
	if _, err := tx.Exec(ctx, `DELETE FROM recovery_codes WHERE merchant_id = $1 AND account_id = $2`, a.Merchant, a.ID); err != nil {
		return nil, err
	}
	for range recoveryCodes {
		b := make([]byte, 10)
		_, _ = rand.Read(b) // never fails
		text := base32Plain.EncodeToString(b)
		if _, err := tx.Exec(ctx, `INSERT INTO recovery_codes (merchant_id, account_id, code_hash, used_at) VALUES ($1, $2, $3, 0)`, a.Merchant, a.ID, hashOf(text)); err != nil {
			return nil, fmt.Errorf("store recovery codes: %w", err)
		}
		codes = append(codes, text[:4]+"-"+text[4:8]+"-"+text[8:12]+"-"+text[12:])
	}
	return codes, nil
}

// RecoveryLeft is how many recovery codes of a person are unused.
func (g *Guard) RecoveryLeft(ctx context.Context, m merchant.ID, id int64) (n int, err error) {
	err = g.db.Read().QueryRow(ctx, `SELECT COUNT(*) FROM recovery_codes WHERE merchant_id = $1 AND account_id = $2 AND used_at = 0`, m, id).Scan(&n)
	return n, err
}

// useRecovery spends a recovery code; false when there is none such.
func (g *Guard) useRecovery(ctx context.Context, tx *store.Tx, a Account, code string) (bool, error) {
	plain := strings.NewReplacer(" ", "", "-", "", "0", "O", "1", "I", "8", "B").Replace(strings.ToUpper(code))
	n, err := tx.Exec(ctx, `UPDATE recovery_codes SET used_at = $1 WHERE merchant_id = $2 AND account_id = $3 AND code_hash = $4 AND used_at = 0`, store.At(g.now()), a.Merchant, a.ID, hashOf(plain))
	return n == 1, err
}
