package feelock

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"

	"hawker/internal/audit"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

// Adopt seals the plans of a merchant that were written before there was a fee lock: a person
// vouches for them and says why, such as which paper contract states them. Only lines of which
// nothing was ever sealed are taken; what was sealed once and is broken stays refused. It
// returns how many versions were sealed.
func (b *Book) Adopt(ctx context.Context, tx *store.Tx, m merchant.Merchant, by, why string) (n int, err error) {
	why = strings.TrimSpace(why)
	if by == "" || !sensible(why) {
		return 0, ErrReason
	}
	rows, err := tx.Query(ctx, `SELECT p.method, p.card_kind, p.version, p.basis_points, p.min_minor, p.cap_minor, p.effective_from FROM fee_plans p
		WHERE p.merchant_id = $1 AND p.seal = '' AND p.consent_id = 0
		AND NOT EXISTS (SELECT 1 FROM fee_heads h WHERE h.merchant_id = p.merchant_id AND h.method = p.method AND h.card_kind = p.card_kind)
		AND NOT EXISTS (SELECT 1 FROM fee_plans s WHERE s.merchant_id = p.merchant_id AND s.method = p.method AND s.card_kind = p.card_kind AND s.seal <> '')
		ORDER BY p.method, p.card_kind, p.version`, m.ID)
	if err != nil {
		return 0, fmt.Errorf("plans before the lock: %w", err)
	}
	var lines [][]row
	for rows.Next() {
		r := row{key: key{merchant: m.ID}, currency: string(m.Currency)}
		if err = rows.Scan(&r.Method, &r.CardKind, &r.version, &r.rate, &r.min, &r.cap, &r.from); err != nil {
			break
		}
		if n := len(lines); n > 0 && lines[n-1][0].key == r.key {
			lines[n-1] = append(lines[n-1], r)
		} else {
			lines = append(lines, []row{r})
		}
	}
	if err == nil {
		err = rows.Err()
	}
	_ = rows.Close()
	if err != nil || len(lines) == 0 {
		return 0, err
	}
	now := store.At(b.now()).Time()
	c, err := b.record(ctx, tx, m.ID, Consent{kind: Opening, actor: by, name: why, document: sha256.Sum256([]byte(why)), object: "adopted", at: now})
	if err != nil {
		return 0, err
	}
	for _, line := range lines {
		last := ""
		for _, r := range line {
			r.consent = c
			if r.seal, err = b.vouch(ctx, usePlan, r.bytes(last)); err != nil {
				return 0, err
			}
			if _, err := tx.Exec(ctx, `UPDATE fee_plans SET seal = $1, consent_id = $2 WHERE merchant_id = $3 AND method = $4 AND card_kind = $5 AND version = $6 AND seal = ''`,
				r.seal, c.id, m.ID, r.Method, r.CardKind, r.version); err != nil {
				return 0, fmt.Errorf("adopt: %w", err)
			}
			last = r.seal
			n++
		}
		k := line[0].key
		head, err := b.vouch(ctx, useHead, headBytes(k, len(line), last))
		if err != nil {
			return 0, err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO fee_heads (merchant_id, method, card_kind, versions, seal) VALUES ($1, $2, $3, $4, $5)`, m.ID, k.Method, k.CardKind, len(line), head); err != nil {
			return 0, fmt.Errorf("adopt: %w", err)
		}
		if _, err := b.verified(ctx, tx, k, m.Currency); err != nil { // versions out of order are not adopted
			return 0, err
		}
	}
	return n, audit.Append(ctx, tx, audit.Entry{Merchant: int64(m.ID), Who: audit.Actor{Kind: "operator", Name: by}, What: "fee.adopt", Object: "fees", At: now,
		After: map[string]any{"versions": n, "why": why}})
}
