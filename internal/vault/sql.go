package vault

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"hawker/internal/card"
	"hawker/internal/fault"
	"hawker/internal/store"
)

type row struct {
	token  card.Token
	fp     fingerprint
	bin    string
	last4  string
	sealed []byte
	at     time.Time
}

// insert stores a card unless its fingerprint is there already.
func insert(ctx context.Context, tx *store.Tx, r row) error {
	_, err := tx.Exec(ctx, `INSERT INTO cards (token, lookup, bin, last4, sealed, created_at)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (lookup) DO NOTHING`,
		string(r.token), r.fp[:], r.bin, r.last4, r.sealed, store.At(r.at))
	return err
}

// byFingerprint finds a token; "" when there is none.
func byFingerprint(ctx context.Context, q store.Querier, fp fingerprint) (token card.Token, err error) {
	err = q.QueryRow(ctx, `SELECT token FROM cards WHERE lookup = $1`, fp[:]).Scan(&token)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return token, unavailable(err)
}

func sealedOf(ctx context.Context, q store.Querier, token card.Token) (sealed []byte, err error) {
	err = q.QueryRow(ctx, `SELECT sealed FROM cards WHERE token = $1`, string(token)).Scan(&sealed)
	return sealed, notFound(err, token)
}

func maskOf(ctx context.Context, q store.Querier, token card.Token) (bin, last4 string, err error) {
	err = q.QueryRow(ctx, `SELECT bin, last4 FROM cards WHERE token = $1`, string(token)).Scan(&bin, &last4)
	return bin, last4, notFound(err, token)
}

func notFound(err error, token card.Token) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNoCard.With("%s", token)
	}
	return unavailable(err)
}

// unavailable gives an error of the database its kind, and leaves ours alone.
func unavailable(err error) error {
	if f := (*fault.Fault)(nil); err == nil || errors.As(err, &f) {
		return err
	}
	return ErrUnavailable.Wrap(err)
}
