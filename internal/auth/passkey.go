package auth

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"hawker/internal/audit"
	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

// ErrNoPasskeys says that this address can have no passkeys.
var ErrNoPasskeys = fault.New(fault.Unavailable, "passkeys_unavailable", "这个网址不能用通行密钥：请用 https 域名，或在本机用 http://localhost 打开。", "Passkeys do not work at this address: open it by its https name, or on this machine as http://localhost.")

// mostPasskeys bounds what one person keeps.
const mostPasskeys = 20

// canHavePasskeys reports whether browsers allow passkeys at an address: names only, and https but on this machine.
func canHavePasskeys(u *url.URL) bool {
	host := u.Hostname()
	local := host == "localhost" || strings.HasSuffix(host, ".localhost")
	return net.ParseIP(host) == nil && (u.Scheme == "https" || local)
}

// HasPasskeys reports whether passkeys work at the guard's site.
func (g *Guard) HasPasskeys() bool { return g.rp != nil }

// Passkey is one key that a phone, computer or security key holds for a person.
type Passkey struct {
	ID      []byte
	Name    string // as the person calls it
	Created time.Time
	Used    time.Time // zero for never

	credential webauthn.Credential
}

// holder is a person as the library wants him.
type holder struct {
	Account
	keys []Passkey
}

// handle is the merchant and account that an authenticator keeps and tells at sign-in.
func handle(m merchant.ID, account int64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(m)), uint64(account)) //nolint:gosec // both are positive
}

// WebAuthnID and the others are what the library asks.
func (h holder) WebAuthnID() []byte          { return handle(h.Merchant, h.ID) }
func (h holder) WebAuthnName() string        { return h.Login }
func (h holder) WebAuthnDisplayName() string { return h.Name }
func (h holder) WebAuthnCredentials() (list []webauthn.Credential) {
	for _, k := range h.keys {
		list = append(list, k.credential)
	}
	return list
}

// Passkeys lists a person's, the oldest first.
func (g *Guard) Passkeys(ctx context.Context, m merchant.ID, account int64) ([]Passkey, error) {
	return passkeys(ctx, g.db.Read(), m, account)
}

func passkeys(ctx context.Context, q store.Querier, m merchant.ID, account int64) (list []Passkey, err error) {
	rows, err := q.Query(ctx, `SELECT credential_id, name, credential, created_at, used_at FROM passkeys WHERE merchant_id = $1 AND account_id = $2 ORDER BY created_at, credential_id`, m, account)
	if err != nil {
		return nil, fmt.Errorf("passkeys: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var k Passkey
		var text string
		var created, used store.Time
		if err := rows.Scan(&k.ID, &k.Name, &text, &created, &used); err != nil {
			return nil, fmt.Errorf("passkeys: %w", err)
		}
		if err := json.Unmarshal([]byte(text), &k.credential); err != nil {
			return nil, fmt.Errorf("passkey: %w", err)
		}
		k.Created, k.Used = created.Time(), used.Time()
		list = append(list, k)
	}
	return list, rows.Err()
}

// Question is what a browser is asked for a passkey: Options go to its script, and Ticket
// comes back with the answer.
type Question struct {
	Options json.RawMessage `json:"options"`
	Ticket  string          `json:"ticket"`
}

func (g *Guard) question(ctx context.Context, c challenge, options any) (q Question, err error) {
	if q.Options, err = json.Marshal(options); err != nil {
		return Question{}, err
	}
	err = g.db.Write(ctx, func(tx *store.Tx) error {
		q.Ticket, err = g.ask(ctx, tx, c)
		return err
	})
	return q, err
}

// NewPasskey asks the browser of whoever is signed in to make a passkey. He must have
// proved himself within the last minutes; else ErrStepUp.
func (g *Guard) NewPasskey(ctx context.Context, who Who) (Question, error) {
	if g.rp == nil {
		return Question{}, ErrNoPasskeys
	}
	if err := g.fresh(ctx, who); err != nil {
		return Question{}, err
	}
	h, err := g.holder(ctx, who.Merchant, who.ID)
	if err != nil {
		return Question{}, err
	}
	var have []protocol.CredentialDescriptor
	for _, k := range h.keys {
		have = append(have, k.credential.Descriptor())
	}
	options, session, err := g.rp.BeginRegistration(h, webauthn.WithExclusions(have), webauthn.WithConveyancePreference(protocol.PreferNoAttestation))
	if err != nil {
		return Question{}, fmt.Errorf("new passkey: %w", err)
	}
	return g.question(ctx, challenge{"register", who.Merchant, who.ID, session}, options.Response)
}

// AddPasskey stores the passkey that a browser made for NewPasskey's question.
func (g *Guard) AddPasskey(ctx context.Context, who Who, ticket, name string, answer []byte) error {
	if g.rp == nil {
		return ErrNoPasskeys
	}
	name = strings.TrimSpace(name)
	if name == "" || utf8.RuneCountInString(name) > 40 {
		return ErrName
	}
	var session webauthn.SessionData
	c, err := g.answered(ctx, ticket, "register", &session)
	if err != nil {
		return err
	}
	if c.merchant != who.Merchant || c.account != who.ID {
		return ErrHalfway.With("the question was another's")
	}
	h, err := g.holder(ctx, who.Merchant, who.ID)
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return ErrPasskey.Wrap(err)
	}
	made, err := g.rp.CreateCredential(h, session, parsed)
	if err != nil {
		return ErrPasskey.Wrap(err)
	}
	text, err := json.Marshal(made)
	if err != nil {
		return err
	}
	return g.write(ctx, func(tx *store.Tx) ([]audit.Entry, error) {
		a, err := locked(ctx, tx, who.Merchant, who.ID)
		if err != nil {
			return nil, err
		}
		if a.Passkeys >= mostPasskeys {
			return nil, ErrPasskey.With("%d are enough", a.Passkeys)
		}
		if _, err := tx.Exec(ctx, `INSERT INTO passkeys (merchant_id, account_id, credential_id, name, credential, created_at, used_at) VALUES ($1, $2, $3, $4, $5, $6, 0)`,
			who.Merchant, who.ID, made.ID, name, string(text), store.At(g.now())); err != nil {
			return nil, fmt.Errorf("add passkey: %w", err)
		}
		return []audit.Entry{who.Entry("self.passkey_add", a.object(), nil, map[string]any{"passkey_name": name}, g.now())}, nil
	})
}

// RemovePasskey takes a passkey away from whoever is signed in. An operator keeps one way beside the password.
func (g *Guard) RemovePasskey(ctx context.Context, who Who, id []byte) error {
	if err := g.fresh(ctx, who); err != nil {
		return err
	}
	return g.write(ctx, func(tx *store.Tx) ([]audit.Entry, error) {
		a, err := locked(ctx, tx, who.Merchant, who.ID)
		if err != nil {
			return nil, err
		}
		if err := a.keeps(a.Password, a.Passkeys-1, a.TOTP); err != nil {
			return nil, err
		}
		n, err := tx.Exec(ctx, `DELETE FROM passkeys WHERE merchant_id = $1 AND account_id = $2 AND credential_id = $3`, who.Merchant, who.ID, id)
		if err != nil {
			return nil, fmt.Errorf("remove passkey: %w", err)
		}
		if n == 0 {
			return nil, ErrForeign
		}
		return []audit.Entry{who.Entry("self.passkey_remove", a.object(), nil, nil, g.now())}, nil
	})
}

// ErrLastMeans says that somebody would lock himself out.
var ErrLastMeans = fault.New(fault.Conflict, "last_means", "这是您最后一种登录方式，去掉后就登录不了了。请先加一种新的。", "This is your last way to sign in, and without it you could not. Please add another first.")

// keeps refuses a change after which a person could not sign in, or an operator only by password.
func (a Account) keeps(password bool, passkeys int, totp bool) error {
	if passkeys <= 0 && (!password || (a.Kind == Operator && !totp)) {
		return ErrLastMeans
	}
	return nil
}

func (g *Guard) holder(ctx context.Context, m merchant.ID, id int64) (h holder, err error) {
	if h.Account, err = g.Account(ctx, m, id); err != nil {
		return h, err
	}
	h.keys, err = g.Passkeys(ctx, m, id)
	return h, err
}

// AskPasskey asks a browser for any passkey that it has for this site: sign-in without a name.
func (g *Guard) AskPasskey(ctx context.Context, o Origin) (Question, error) {
	if g.rp == nil {
		return Question{}, ErrNoPasskeys
	}
	if err := g.often.take(perAddress, "address "+o.Address); err != nil {
		return Question{}, err
	}
	options, session, err := g.rp.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return Question{}, fmt.Errorf("ask for a passkey: %w", err)
	}
	return g.question(ctx, challenge{"passkey", 0, 0, session}, options.Response)
}

// askOf asks a browser for a passkey of one person.
func (g *Guard) askOf(ctx context.Context, kind string, m merchant.ID, id int64, wrap func(webauthn.SessionData) any) (Question, error) {
	if g.rp == nil {
		return Question{}, ErrNoPasskeys
	}
	h, err := g.holder(ctx, m, id)
	if err != nil {
		return Question{}, err
	}
	if len(h.keys) == 0 {
		return Question{}, ErrUnproven
	}
	options, session, err := g.rp.BeginLogin(h, webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return Question{}, fmt.Errorf("ask for a passkey: %w", err)
	}
	return g.question(ctx, challenge{kind, m, id, wrap(*session)}, options.Response)
}

// anyone judges the answer to AskPasskey and tells whose it is.
func (g *Guard) anyone(ctx context.Context, session webauthn.SessionData, answer []byte) (Account, error) {
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return Account{}, ErrPasskey.Wrap(err)
	}
	var h holder
	_, used, err := g.rp.ValidatePasskeyLogin(func(_, user []byte) (webauthn.User, error) {
		if len(user) != 16 {
			return nil, ErrNoPerson
		}
		h, err = g.holder(ctx, merchant.ID(binary.BigEndian.Uint64(user)), int64(binary.BigEndian.Uint64(user[8:]))) //nolint:gosec // what is out of range is nobody's
		return h, err
	}, session, parsed)
	if err != nil {
		return Account{}, ErrPasskey.Wrap(err)
	}
	return h.Account, g.used(ctx, h, used)
}

// his judges an answer of one person.
func (g *Guard) his(ctx context.Context, a Account, session webauthn.SessionData, answer []byte) error {
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return ErrPasskey.Wrap(err)
	}
	h, err := g.holder(ctx, a.Merchant, a.ID)
	if err != nil {
		return err
	}
	used, err := g.rp.ValidateLogin(h, session, parsed)
	if err != nil {
		return ErrPasskey.Wrap(err)
	}
	return g.used(ctx, h, used)
}

// used notes a passkey's use and its counter. One whose counter went back has a copy somewhere.
func (g *Guard) used(ctx context.Context, h holder, c *webauthn.Credential) error {
	if c.Authenticator.CloneWarning {
		return ErrPasskey.With("its counter went back: a copy of it exists")
	}
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	for _, k := range h.keys {
		if bytes.Equal(k.ID, c.ID) && k.credential.Authenticator.SignCount == c.Authenticator.SignCount && g.now().Sub(k.Used) < time.Minute {
			return nil
		}
	}
	return g.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE passkeys SET credential = $1, used_at = $2 WHERE merchant_id = $3 AND account_id = $4 AND credential_id = $5`,
			string(text), store.At(g.now()), h.Merchant, h.ID, c.ID)
		return err
	})
}
