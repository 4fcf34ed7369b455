package feelock

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"hawker/internal/cases"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
)

// CaseUncovered is the kind of case that a plan opens which no consent covers.
const CaseUncovered = "fee uncovered"

// Plans reads the plans of a merchant's line and verifies every seal: rows, order, number
// and consents. None is no error. What was changed past this package is ErrUncovered, and a
// case: no fee is better than one that nobody agreed to.
func (b *Book) Plans(ctx context.Context, id merchant.ID, c money.Currency, l Line) (Plans, error) {
	k := key{id, l}
	rows, err := b.verified(ctx, b.db.Read(), k, c)
	if errors.Is(err, ErrUncovered) {
		b.report(ctx, k, err)
	}
	if err != nil {
		return nil, err
	}
	plans := make(Plans, 0, len(rows))
	for _, r := range slices.Backward(rows) {
		plans = append(plans, Plan{r.terms(c), r.from.Time(), r.consent.id})
	}
	return plans, nil
}

func (r row) terms(c money.Currency) merchant.FeePlan {
	return merchant.FeePlan{Version: r.version, Rate: money.BasisPoints(r.rate), Min: money.New(r.min, c), Cap: money.New(r.cap, c)} //nolint:gosec // sealed, 0 to 10000
}

const selectPlans = `SELECT p.method, p.card_kind, p.version, p.basis_points, p.min_minor, p.cap_minor, p.effective_from, p.seal, p.consent_id,
		COALESCE(c.kind, ''), COALESCE(c.actor, ''), COALESCE(c.name, ''), COALESCE(c.document, ''), COALESCE(c.object, ''), COALESCE(c.agreed_at, 0), COALESCE(c.seal, ''),
		COALESCE(h.versions, 0), COALESCE(h.seal, '')
	FROM fee_plans p LEFT JOIN fee_consents c ON c.merchant_id = p.merchant_id AND c.consent_id = p.consent_id
	LEFT JOIN fee_heads h ON h.merchant_id = p.merchant_id AND h.method = p.method AND h.card_kind = p.card_kind
	WHERE p.merchant_id = $1 `

// verified reads the versions of a line, oldest first.
func (b *Book) verified(ctx context.Context, q store.Querier, k key, c money.Currency) ([]row, error) {
	lines, err := b.read(ctx, q, k.merchant, c, `AND p.method = $2 AND p.card_kind = $3 ORDER BY p.version`, k.Method, k.CardKind)
	if err != nil {
		return nil, err
	}
	if len(lines) > 0 {
		return lines[0], nil
	}
	var n int64 // every version is gone, and the head tells
	err = q.QueryRow(ctx, `SELECT versions FROM fee_heads WHERE merchant_id = $1 AND method = $2 AND card_kind = $3`, k.merchant, k.Method, k.CardKind).Scan(&n)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("fee plans of merchant %d: %w", k.merchant, err)
	}
	return nil, ErrUncovered.With("merchant %d, %s: none of %d versions is left", k.merchant, k, n)
}

// read gives the rows of lines, each line's oldest first, and refuses what is not as it was sealed.
func (b *Book) read(ctx context.Context, q store.Querier, id merchant.ID, c money.Currency, where string, args ...any) ([][]row, error) {
	rows, err := q.Query(ctx, selectPlans+where, append([]any{id}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("fee plans of merchant %d: %w", id, err)
	}
	defer func() { _ = rows.Close() }()
	var lines [][]row
	heads := map[key]struct {
		versions int
		seal     string
	}{}
	for rows.Next() {
		r := row{key: key{merchant: id}, currency: string(c)}
		var document, headSeal string
		var agreed store.Time
		var versions int
		if err := rows.Scan(&r.Method, &r.CardKind, &r.version, &r.rate, &r.min, &r.cap, &r.from, &r.seal, &r.consent.id,
			&r.consent.kind, &r.consent.actor, &r.consent.name, &document, &r.consent.object, &agreed, &r.consent.seal, &versions, &headSeal); err != nil {
			return nil, fmt.Errorf("fee plans of merchant %d: %w", id, err)
		}
		r.consent.at = agreed.Time()
		if sum, err := hex.DecodeString(document); err == nil && len(sum) == len(r.consent.document) {
			copy(r.consent.document[:], sum)
		}
		heads[r.key] = struct {
			versions int
			seal     string
		}{versions, headSeal}
		if n := len(lines); n > 0 && lines[n-1][0].key == r.key {
			lines[n-1] = append(lines[n-1], r)
		} else {
			lines = append(lines, []row{r})
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("fee plans of merchant %d: %w", id, err)
	}
	for _, line := range lines {
		h := heads[line[0].key]
		if err := b.check(ctx, line, h.versions, h.seal); err != nil {
			return nil, err
		}
	}
	return lines, nil
}

// check verifies a line's chain.
func (b *Book) check(ctx context.Context, line []row, versions int, head string) error {
	k := line[0].key
	uncovered := func(what string, v int) error {
		return ErrUncovered.With("merchant %d, %s, version %d: %s", k.merchant, k, v, what)
	}
	before := ""
	var since store.Time
	for i, r := range line {
		if r.version != i+1 || (i > 0 && r.from <= since) {
			return uncovered("it is out of order", r.version)
		}
		for _, s := range []struct {
			use, what, seal string
			data            []byte
		}{{useConsent, "no consent is recorded as it was given", r.consent.seal, r.consent.bytes(k.merchant)},
			{usePlan, "it is not as it was agreed to", r.seal, r.bytes(before)}} {
			if ok, err := b.holds(ctx, s.use, s.data, s.seal); err != nil {
				return err
			} else if !ok {
				return uncovered(s.what, r.version)
			}
		}
		before, since = r.seal, r.from
	}
	ok, err := b.holds(ctx, useHead, headBytes(k, len(line), before), head)
	switch {
	case err != nil:
		return err
	case !ok || versions != len(line):
		return uncovered("a version is missing", len(line))
	}
	return nil
}

// report opens a case, from a transaction of its own and at most once a minute a line: the
// caller may hold the only writer.
func (b *Book) report(ctx context.Context, k key, cause error) {
	now := b.now()
	b.mu.Lock()
	again := now.Sub(b.told[k]) < time.Minute && !b.told[k].IsZero()
	if !again {
		b.told[k] = now
	}
	b.mu.Unlock()
	if again {
		return
	}
	b.log.Error("a fee is not covered by consent: payments of it are refused", "merchant", int64(k.merchant), "line", k.String(), "error", cause)
	b.telling.Go(func() {
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer stop()
		if err := b.db.Write(ctx, func(tx *store.Tx) error {
			return cases.Open(ctx, tx, cases.Case{Merchant: int64(k.merchant), Kind: CaseUncovered, Ref: k.String(), Detail: cause.Error(), Opened: now})
		}); err != nil {
			b.log.Error("a case could not be opened", "case", CaseUncovered, "error", err)
		}
	})
}

// Close waits until what was seen is reported.
func (b *Book) Close() { b.telling.Wait() }

// Change is one version in the public history of a merchant's fees.
type Change struct {
	Rate
	From     time.Time
	Kind     ConsentKind
	By       string // who agreed, as he is called
	Agreed   time.Time
	Object   string // "contract/12", "fee/34"
	Document [32]byte
}

// History is every version of every line of a merchant, lines in order, newest first.
func (b *Book) History(ctx context.Context, id merchant.ID, c money.Currency) ([]Change, error) {
	lines, err := b.read(ctx, b.db.Read(), id, c, `ORDER BY p.method, p.card_kind, p.version`)
	if err != nil {
		return nil, err
	}
	var list []Change
	for _, line := range lines {
		for _, r := range slices.Backward(line) {
			list = append(list, Change{Rate: Rate{r.Line, r.terms(c)}, From: r.from.Time(), Kind: r.consent.kind, By: r.consent.name,
				Agreed: r.consent.at, Object: r.consent.object, Document: r.consent.document})
		}
	}
	return list, nil
}
