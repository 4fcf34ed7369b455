// Package audit keeps the trail of what people, keys and devices did: who, what, to
// which object, before and after, from where and when. It is only ever appended to,
// in the transaction of the act, and each record of a merchant holds the hash of the
// one before, so that a change is found. It does not know what the acts mean, and
// refuses to be told a secret.
package audit

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hawker/internal/fault"
	"hawker/internal/store"
)

// Refusals.
var (
	// ErrBroken says that a record was changed, cut out or put in. Its cause says which.
	ErrBroken = fault.New(fault.Internal, "audit_broken", "操作记录被改动过，请立即调查。", "The audit trail was changed. Investigate at once.")
	// ErrSecret says that an entry holds what must never be kept. It is a fault of the code that wrote it.
	ErrSecret = fault.New(fault.Internal, "audit_secret", "系统出错了，我们已经记下，请稍后再试。", "Something went wrong on our side. Please try again later.")
)

// Actor is who acted, as he was then.
type Actor struct {
	Kind   string `json:"kind"` // staff, operator, key, device, system
	ID     int64  `json:"id"`
	Name   string `json:"name,omitempty"`
	Role   string `json:"role,omitempty"`
	Device int64  `json:"device,omitempty"` // the paired device he worked at
}

// System is the machine itself, such as a job that nobody asked for.
var System = Actor{Kind: "system", Name: "hawker"}

// Entry is one act, to be written down. Before and After are written as JSON and hold
// what changed, never a secret or a card number; nil for nothing.
type Entry struct {
	Merchant int64 // whose trail: 0 for the institution's own
	Who      Actor
	What     string // "staff.invite"
	Object   string // "staff/12"
	Before   any
	After    any
	From     string // network address; "" for this machine
	At       time.Time
}

// Record is one act of the trail.
type Record struct {
	Merchant int64           `json:"merchant"`
	Seq      int64           `json:"seq"` // 1, 2, 3… for each merchant
	At       time.Time       `json:"at"`
	Who      Actor           `json:"who"`
	What     string          `json:"what"`
	Object   string          `json:"object,omitempty"`
	Before   json.RawMessage `json:"before,omitempty"`
	After    json.RawMessage `json:"after,omitempty"`
	From     string          `json:"from,omitempty"`
	Previous string          `json:"previous"` // hash of the record before, hexadecimal; zeros before the first
}

// Append writes an entry in tx. It takes the head row of the merchant's trail, so call
// it late: two transactions of one merchant meet there.
func Append(ctx context.Context, tx *store.Tx, e Entry) error {
	if e.Who.Kind == "" || e.What == "" || e.At.IsZero() {
		return fmt.Errorf("audit %q of %q: who, what and when are needed", e.What, e.Object)
	}
	before, err := plain(e.Before)
	if err != nil {
		return fmt.Errorf("audit %s before: %w", e.What, err)
	}
	after, err := plain(e.After)
	if err != nil {
		return fmt.Errorf("audit %s after: %w", e.What, err)
	}
	head, err := take(ctx, tx, e.Merchant)
	if err != nil {
		return err
	}
	r := Record{Merchant: e.Merchant, Seq: head.Seq + 1, At: e.At.UTC().Truncate(time.Microsecond), Who: e.Who, What: e.What, Object: e.Object,
		Before: before, After: after, From: e.From, Previous: head.Hash}
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	hash := sha256.Sum256(body)
	if _, err := tx.Exec(ctx, `INSERT INTO audit_trail (merchant_id, seq, at, what, object, body, hash) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		r.Merchant, r.Seq, store.At(r.At), r.What, r.Object, string(body), hash[:]); err != nil {
		return fmt.Errorf("append to the audit trail: %w", err)
	}
	if _, err := tx.Exec(ctx, `UPDATE audit_heads SET seq = $1, hash = $2 WHERE merchant_id = $3`, r.Seq, hash[:], r.Merchant); err != nil {
		return fmt.Errorf("append to the audit trail: %w", err)
	}
	return nil
}

// take locks where a merchant's trail ends, and makes the row for its first record.
func take(ctx context.Context, tx *store.Tx, merchant int64) (Head, error) {
	if _, err := tx.Exec(ctx, `INSERT INTO audit_heads (merchant_id, seq, hash) VALUES ($1, 0, $2) ON CONFLICT (merchant_id) DO NOTHING`,
		merchant, make([]byte, sha256.Size)); err != nil {
		return Head{}, fmt.Errorf("audit head: %w", err)
	}
	h := Head{Merchant: merchant}
	var hash []byte
	if err := tx.QueryRow(ctx, `SELECT seq, hash FROM audit_heads WHERE merchant_id = $1 FOR UPDATE`, merchant).Scan(&h.Seq, &hash); err != nil {
		return Head{}, fmt.Errorf("audit head: %w", err)
	}
	h.Hash = hex.EncodeToString(hash)
	return h, nil
}

// Filter chooses records of one trail.
type Filter struct {
	Merchant int64     // whose trail
	What     string    // an act, or with a dot at its end all of its kind: "staff."; "" for all
	Object   string    // "" for all
	From, To time.Time // To is exclusive; zero for no bound
	Before   int64     // only records with a smaller number: the cursor; 0 for the newest
	Limit    int       // 1 to 1000; 50 when 0
}

// List gives records, the newest first. It does not verify them.
func List(ctx context.Context, q store.Querier, f Filter) ([]Record, error) {
	if f.Limit <= 0 || f.Limit > 1000 {
		f.Limit = 50
	}
	const farAway = int64(1) << 62
	before, to := f.Before, int64(store.At(f.To))
	if before <= 0 {
		before = farAway
	}
	if to == 0 {
		to = farAway
	}
	upTo := f.What // "staff." to "staff/": all that begin so
	if n := len(f.What); n > 0 && f.What[n-1] == '.' {
		upTo = f.What[:n-1] + "/"
	}
	rows, err := q.Query(ctx, `SELECT body FROM audit_trail WHERE merchant_id = $1 AND seq < $2 AND at >= $3 AND at < $4
		AND ($5 = '' OR (what >= $5 AND (what = $5 OR what < $6))) AND ($7 = '' OR object = $7) ORDER BY seq DESC LIMIT $8`,
		f.Merchant, before, store.At(f.From), to, f.What, upTo, f.Object, f.Limit)
	if err != nil {
		return nil, fmt.Errorf("list the audit trail: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var list []Record
	for rows.Next() {
		var body string
		if err := rows.Scan(&body); err != nil {
			return nil, fmt.Errorf("list the audit trail: %w", err)
		}
		var r Record
		if err := json.Unmarshal([]byte(body), &r); err != nil {
			return nil, ErrBroken.With("a record of merchant %d cannot be read", f.Merchant)
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// Heads gives where every trail ends, by merchant.
func Heads(ctx context.Context, q store.Querier) ([]Head, error) {
	rows, err := q.Query(ctx, `SELECT merchant_id, seq, hash FROM audit_heads ORDER BY merchant_id`)
	if err != nil {
		return nil, fmt.Errorf("audit heads: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var list []Head
	for rows.Next() {
		var h Head
		var hash []byte
		if err := rows.Scan(&h.Merchant, &h.Seq, &hash); err != nil {
			return nil, fmt.Errorf("audit heads: %w", err)
		}
		h.Hash = hex.EncodeToString(hash)
		list = append(list, h)
	}
	return list, rows.Err()
}

// last is where one trail ends by its head row; number 0 when it has none.
func last(ctx context.Context, q store.Querier, merchant int64) (Head, error) {
	h := Head{Merchant: merchant, Hash: zeros}
	var hash []byte
	err := q.QueryRow(ctx, `SELECT seq, hash FROM audit_heads WHERE merchant_id = $1`, merchant).Scan(&h.Seq, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return h, nil
	}
	if err == nil {
		h.Hash = hex.EncodeToString(hash)
	}
	return h, err
}
