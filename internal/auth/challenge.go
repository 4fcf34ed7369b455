package auth

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hawker/internal/merchant"
	"hawker/internal/store"
)

// challengeLasts is how long a half-done proof waits for its other half.
const challengeLasts = 10 * time.Minute

// challenge is a half-done proof, which the browser names by a token. It works once.
type challenge struct {
	kind     string
	merchant merchant.ID
	account  int64 // 0: nobody yet
	data     any
}

// ask stores a challenge and gives its token. What has ended is removed on the way.
func (g *Guard) ask(ctx context.Context, tx *store.Tx, c challenge) (secret string, err error) {
	data, err := json.Marshal(c.data)
	if err != nil {
		return "", err
	}
	now := g.now()
	if _, err := tx.Exec(ctx, `DELETE FROM challenges WHERE ends_at < $1`, store.At(now)); err != nil {
		return "", fmt.Errorf("forget challenges: %w", err)
	}
	secret, hash := token()
	if _, err := tx.Exec(ctx, `INSERT INTO challenges (token_hash, kind, merchant_id, account_id, data, ends_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		hash, c.kind, c.merchant, c.account, string(data), store.At(now.Add(challengeLasts))); err != nil {
		return "", fmt.Errorf("store challenge: %w", err)
	}
	return secret, nil
}

// answered takes a challenge of a kind away, so that it cannot be answered again, and
// reads its data; ErrHalfway when there is none.
func (g *Guard) answered(ctx context.Context, secret, kind string, data any) (c challenge, err error) {
	err = g.db.Write(ctx, func(tx *store.Tx) error {
		c, err = g.find(ctx, tx, secret, kind, data)
		if err != nil {
			return err
		}
		return g.spend(ctx, tx, secret)
	})
	return c, err
}

// find reads a challenge of a kind; ErrHalfway when there is none.
func (g *Guard) find(ctx context.Context, q store.Querier, secret, kind string, data any) (challenge, error) {
	c := challenge{kind: kind}
	var text string
	err := q.QueryRow(ctx, `SELECT merchant_id, account_id, data FROM challenges WHERE token_hash = $1 AND kind = $2 AND ends_at >= $3`,
		hashOf(secret), kind, store.At(g.now())).Scan(&c.merchant, &c.account, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return c, ErrHalfway
	} else if err != nil {
		return c, fmt.Errorf("find challenge: %w", err)
	}
	if data != nil {
		if err := json.Unmarshal([]byte(text), data); err != nil {
			return c, fmt.Errorf("read challenge: %w", err)
		}
	}
	return c, nil
}

// spend removes a challenge; ErrHalfway when someone was faster.
func (g *Guard) spend(ctx context.Context, tx *store.Tx, secret string) error {
	n, err := tx.Exec(ctx, `DELETE FROM challenges WHERE token_hash = $1`, hashOf(secret))
	if err == nil && n == 0 {
		return ErrHalfway
	}
	return err
}
