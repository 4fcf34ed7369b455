package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"hawker/internal/audit"
	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/keys"
	"hawker/internal/store"
)

// Refusals of proofs. What is refused says no more than a thief may know.
var (
	ErrSignIn    = fault.New(fault.Declined, "sign_in_refused", "账号或密码不对，请再试一次。", "The account or the password is wrong. Please try again.")
	ErrProof     = fault.New(fault.Declined, "proof_refused", "没有通过，请再试一次。动态码每 30 秒换一次，用过的不能再用。", "That was not right. Please try again. One-time codes change every 30 seconds and work once.")
	ErrPIN       = fault.New(fault.Declined, "pin_refused", "PIN 不对，请再试一次。", "The PIN is wrong. Please try again.")
	ErrLocked    = fault.New(fault.Limited, "account_locked", "试错次数太多，这个账号已锁定 30 分钟。可以稍后再试，或用指纹、人脸登录。", "Too many wrong tries: this account is locked for 30 minutes. Try later, or sign in by fingerprint or face.")
	ErrTooOften  = fault.New(fault.Limited, "too_often", "操作太频繁，请等一分钟再试。", "That was too often. Please wait a minute and try again.")
	ErrSuspended = fault.New(fault.Declined, "account_suspended", "这个账号已停用，请找店主或管理员。", "This account is suspended. Please ask the owner or an administrator.")
	ErrLink      = fault.New(fault.NotFound, "link_spent", "这个链接已用过或已过期，请重新要一个。", "This link was used or has expired. Please ask for a new one.")
	ErrPasskey   = fault.New(fault.Declined, "passkey_refused", "这个通行密钥没有通过验证。请再试一次，或换一种方式。", "This passkey was not accepted. Please try again, or use another way.")
	ErrHalfway   = fault.New(fault.Declined, "halfway_expired", "等得太久了，请从头再来一次。", "That took too long. Please begin again.")
	ErrUnproven  = fault.New(fault.Declined, "proof_missing", "请先设置一种验证方式。", "Please set up a way to prove yourself first.")
)

// Config is what a guard needs.
type Config struct {
	DB    *store.DB
	Keys  *keys.Keystore // seals the secrets of one-time codes
	Clock clock.Clock
	Log   *slog.Logger // nil is silent
	// Site is the address that people's browsers see: "https://pay.example.cn", "http://localhost:8080".
	// Passkeys belong to its name and work nowhere else; an address of digits has none.
	Site string
}

// Guard keeps accounts, proofs, sessions and devices. Any number of goroutines and
// processes may use one database.
type Guard struct {
	db    *store.DB
	keys  *keys.Keystore
	now   clock.Clock
	log   *slog.Logger
	site  string
	rp    *webauthn.WebAuthn // nil where the site can have no passkeys
	often limits
}

// Open makes a guard.
func Open(c Config) (*Guard, error) {
	g := &Guard{db: c.DB, keys: c.Keys, now: c.Clock, log: c.Log, site: c.Site, often: newLimits(c.Clock)}
	if g.now == nil {
		g.now = clock.System
	}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	u, err := url.Parse(c.Site)
	if err != nil || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, fmt.Errorf("site %q: an address such as https://pay.example.cn is needed", c.Site)
	}
	if canHavePasskeys(u) {
		g.rp, err = webauthn.New(&webauthn.Config{RPID: u.Hostname(), RPDisplayName: "Hawker", RPOrigins: []string{u.Scheme + "://" + u.Host},
			AuthenticatorSelection: protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired}})
		if err != nil {
			return nil, fmt.Errorf("passkeys of %s: %w", c.Site, err)
		}
	}
	return g, nil
}

// Origin is where a request came from.
type Origin struct {
	Address string // of the network
	Agent   string // the browser, as it says
	Former  string // the session's token that the browser holds already: it ends when a new one begins
	Device  int64  // the paired device, 0 for none
}

// token makes a secret of 256 bits for a browser or a link, and the hash that is stored.
func token() (secret string, hash []byte) {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	secret = base64.RawURLEncoding.EncodeToString(b)
	return secret, hashOf(secret)
}

// hashOf is what the database holds of a token. The token is long and random: no salt is needed.
func hashOf(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// Actor is how the trail names him.
func (w Who) Actor() audit.Actor {
	return audit.Actor{Kind: string(w.Kind), ID: w.ID, Name: w.Name, Role: string(w.Role), Device: w.Device}
}

// Entry begins an entry of the trail for what he does: with who, whose trail and from where.
func (w Who) Entry(what, object string, before, after any, at time.Time) audit.Entry {
	return audit.Entry{Merchant: int64(w.Merchant), Who: w.Actor(), What: what, Object: object, Before: before, After: after, From: w.From, At: at}
}

// write runs do in a transaction, and appends to the trail what it returns.
func (g *Guard) write(ctx context.Context, do func(tx *store.Tx) ([]audit.Entry, error)) error {
	return g.db.Write(ctx, func(tx *store.Tx) error {
		acts, err := do(tx)
		if err != nil {
			return err
		}
		for _, a := range acts {
			if err := audit.Append(ctx, tx, a); err != nil {
				return err
			}
		}
		return nil
	})
}
