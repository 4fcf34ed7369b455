// Package vault keeps card numbers and hands out tokens for them, so that
// nobody else has to hold a number. It knows a number's sealed form, its first
// six and last four digits, and its keyed fingerprint; it refuses to know what
// a card was used for, and to give a number back without a stated purpose.
package vault

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"log/slog"
	"strings"

	"hawker/internal/card"
	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/keys"
	"hawker/internal/store"
)

// What a vault refuses. None of them holds a card number.
var (
	// ErrNoCard: no such token.
	ErrNoCard = fault.New(fault.NotFound, "card_unknown", "找不到这张卡的记录。", "This card is not on record.")
	// ErrNoPurpose: a number was asked for without saying why.
	ErrNoPurpose = fault.New(fault.Invalid, "purpose_missing", "查看卡号须说明用途。", "A purpose is needed to see a card number.")
	// ErrUnavailable: the vault cannot be read now.
	ErrUnavailable = fault.New(fault.Unavailable, "vault_unavailable", "卡号服务暂时不可用，请稍后再试。", "The card vault cannot be reached. Please try again later.")
)

// Vault gives one token to each card number. Any number of goroutines and
// processes may share its database.
type Vault struct {
	db     *store.DB
	keys   *keys.Keystore
	now    clock.Clock
	log    *slog.Logger
	known  *known[fingerprint, card.Token]
	sealed *known[card.Token, []byte]
}

// Open makes a vault. Every Reveal is logged to log at level debug: each
// authorization needs one. nil is slog.Default.
func Open(db *store.DB, ks *keys.Keystore, now clock.Clock, log *slog.Logger) *Vault {
	if log == nil {
		log = slog.Default()
	}
	return &Vault{db, ks, now, log, newKnown[fingerprint, card.Token](knownSize), newKnown[card.Token, []byte](knownSize)}
}

// Tokenize gives the card's token, and makes it at first sight. The same number
// has the same token, whoever asks first.
func (v *Vault) Tokenize(ctx context.Context, pan card.PAN) (card.Token, error) {
	if pan.IsZero() {
		return "", card.ErrPAN
	}
	fp, err := v.fingerprintOf(ctx, pan)
	if err != nil {
		return "", err
	}
	if token, ok := v.known.get(fp); ok {
		return token, nil
	}
	token, err := byFingerprint(ctx, v.db.Read(), fp)
	if err != nil {
		return "", err
	}
	if token == "" {
		if token, err = v.keep(ctx, pan, fp); err != nil {
			return "", err
		}
	}
	v.known.put(fp, token)
	return token, nil
}

// keep seals and stores a card under a fresh token, or finds that someone was faster.
func (v *Vault) keep(ctx context.Context, pan card.PAN, fp fingerprint) (token card.Token, err error) {
	fresh := newToken()
	number := []byte(pan.Reveal())
	defer clear(number)
	sealed, err := v.keys.Seal(ctx, number, bound(fresh))
	if err != nil {
		return "", err
	}
	err = v.db.Write(ctx, func(tx *store.Tx) error {
		if err := insert(ctx, tx, row{fresh, fp, pan.BIN(), pan.Last4(), sealed, v.now()}); err != nil {
			return err
		}
		token, err = byFingerprint(ctx, tx, fp)
		return err
	})
	return token, unavailable(err)
}

// Reveal gives the card number behind a token, and logs who it was for: purpose
// is a word for the log, such as "authorization", and must not be empty. An
// unknown token is ErrNoCard.
func (v *Vault) Reveal(ctx context.Context, token card.Token, purpose string) (card.PAN, error) {
	if strings.TrimSpace(purpose) == "" {
		return card.PAN{}, ErrNoPurpose
	}
	if _, err := card.ParseToken(string(token)); err != nil {
		return card.PAN{}, ErrNoCard.Wrap(err)
	}
	sealed, ok := v.sealed.get(token)
	if !ok {
		var err error
		if sealed, err = sealedOf(ctx, v.db.Read(), token); err != nil {
			return card.PAN{}, err
		}
		v.sealed.put(token, sealed)
	}
	number, err := v.keys.OpenSealed(ctx, sealed, bound(token))
	if err != nil {
		return card.PAN{}, err
	}
	defer clear(number)
	v.log.DebugContext(ctx, "card number revealed", "token", token, "purpose", purpose)
	return card.ParsePAN(string(number))
}

// Masked gives the first six and the last four digits, which may be shown. An
// unknown token is ErrNoCard.
func (v *Vault) Masked(ctx context.Context, token card.Token) (bin, last4 string, err error) {
	if _, err := card.ParseToken(string(token)); err != nil {
		return "", "", ErrNoCard.Wrap(err)
	}
	return maskOf(ctx, v.db.Read(), token)
}

// fingerprint is the keyed hash by which a number finds its row.
type fingerprint [32]byte

func (v *Vault) fingerprintOf(ctx context.Context, pan card.PAN) (fp fingerprint, err error) {
	number := []byte(pan.Reveal())
	defer clear(number)
	sum, err := v.keys.Lookup(ctx, number)
	copy(fp[:], sum)
	return fp, err
}

// bound ties a sealed number to its token, so that a row's number cannot be
// moved to another row.
func bound(token card.Token) []byte { return []byte("hawker card|" + string(token)) }

// newToken draws 128 bits.
func newToken() card.Token {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:])
	return card.TokenPrefix + card.Token(strings.ToLower(text))
}
