package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hawker/internal/store"
)

// Head is where a trail ends: whoever kept an earlier one notices when records are cut
// off, or when all of them are written anew.
type Head struct {
	Merchant int64  `json:"merchant"`
	Seq      int64  `json:"seq"`
	Hash     string `json:"hash"` // hexadecimal
}

// zeros is the hash before the first record.
var zeros = strings.Repeat("0", 2*sha256.Size)

// Verify reads every record of every trail in order, checks it, and hands it to each,
// which may be nil: numbers without a gap, each with the hash of the one before, none
// changed, and each trail as long as its head says. known are heads kept outside of the
// database: their records must still be the same. What is not so is ErrBroken. It
// returns where the trails end.
func Verify(ctx context.Context, q store.Querier, known []Head, each func(Record) error) (heads []Head, err error) {
	return verify(ctx, q, `SELECT merchant_id, seq, at, what, object, body, hash FROM audit_trail ORDER BY merchant_id, seq`, nil, known, each)
}

// VerifyOne is Verify for the trail of one merchant.
func VerifyOne(ctx context.Context, q store.Querier, merchant int64, each func(Record) error) (heads []Head, err error) {
	return verify(ctx, q, `SELECT merchant_id, seq, at, what, object, body, hash FROM audit_trail WHERE merchant_id = $1 ORDER BY merchant_id, seq`, []any{merchant}, nil, each)
}

func verify(ctx context.Context, q store.Querier, query string, only []any, known []Head, each func(Record) error) (heads []Head, err error) {
	kept := map[[2]int64]Head{}
	for _, h := range known {
		if h.Seq > 0 {
			kept[[2]int64{h.Merchant, h.Seq}] = h
		}
	}
	rows, err := q.Query(ctx, query, only...)
	if err != nil {
		return nil, fmt.Errorf("read the audit trail: %w", err)
	}
	defer func() { _ = rows.Close() }()
	ends := map[int64]Head{}
	for rows.Next() {
		var row row
		if err := rows.Scan(&row.merchant, &row.seq, &row.at, &row.what, &row.object, &row.body, &row.hash); err != nil {
			return nil, fmt.Errorf("read the audit trail: %w", err)
		}
		before, ok := ends[row.merchant]
		if !ok {
			before = Head{Merchant: row.merchant, Hash: zeros}
		}
		r, err := row.check(before)
		if err != nil {
			return nil, err
		}
		head := Head{row.merchant, row.seq, hex.EncodeToString(row.hash)}
		key := [2]int64{head.Merchant, head.Seq}
		if k, ok := kept[key]; ok && k != head {
			return nil, ErrBroken.With("record %d of merchant %d is not the one that was seen before", head.Seq, head.Merchant)
		}
		delete(kept, key)
		ends[row.merchant] = head
		if each != nil {
			if err := each(r); err != nil {
				return nil, err
			}
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the audit trail: %w", err)
	}
	for _, k := range kept {
		return nil, ErrBroken.With("record %d of merchant %d was seen before and is gone", k.Seq, k.Merchant)
	}
	return whole(ctx, q, only, ends)
}

// whole holds the ends that were found against the head rows. Records that were appended
// since the reading began are not looked at.
func whole(ctx context.Context, q store.Querier, only []any, ends map[int64]Head) (heads []Head, err error) {
	told, err := Heads(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, h := range told {
		if len(only) > 0 && only[0] != h.Merchant {
			continue
		}
		found := ends[h.Merchant]
		if h.Seq == found.Seq && h.Seq > 0 && h.Hash != found.Hash {
			return nil, ErrBroken.With("the trail of merchant %d ends otherwise than its head says", h.Merchant)
		}
		if h.Seq > found.Seq {
			var n int64
			if err := q.QueryRow(ctx, `SELECT COUNT(*) FROM audit_trail WHERE merchant_id = $1 AND seq > $2`, h.Merchant, found.Seq).Scan(&n); err != nil {
				return nil, err
			}
			if n < h.Seq-found.Seq {
				return nil, ErrBroken.With("the trail of merchant %d ends at record %d, and %d were written", h.Merchant, found.Seq, h.Seq)
			}
		}
	}
	for _, m := range slices.Sorted(maps.Keys(ends)) {
		h, err := last(ctx, q, m)
		if err != nil {
			return nil, err
		}
		if h.Seq < ends[m].Seq {
			return nil, ErrBroken.With("the trail of merchant %d has %d records, and its head says %d", m, ends[m].Seq, h.Seq)
		}
		heads = append(heads, ends[m])
	}
	return heads, nil
}

// row is a record as the table has it.
type row struct {
	merchant, seq      int64
	at                 store.Time
	what, object, body string
	hash               []byte
}

// check holds a row against the one before it.
func (w row) check(before Head) (r Record, err error) {
	if err := json.Unmarshal([]byte(w.body), &r); err != nil {
		return r, ErrBroken.With("record %d of merchant %d cannot be read", w.seq, w.merchant)
	}
	sum := sha256.Sum256([]byte(w.body))
	switch {
	case w.seq != before.Seq+1:
		return r, ErrBroken.With("after record %d of merchant %d comes %d", before.Seq, w.merchant, w.seq)
	case !bytes.Equal(sum[:], w.hash), r.Seq != w.seq, r.Merchant != w.merchant, r.What != w.what, r.Object != w.object, store.At(r.At) != w.at:
		return r, ErrBroken.With("record %d of merchant %d was changed", w.seq, w.merchant)
	case r.Previous != before.Hash:
		return r, ErrBroken.With("record %d of merchant %d does not follow the one before", w.seq, w.merchant)
	}
	return r, nil
}

// Times is how instants of the trail are written for people and files.
const Times = time.RFC3339Nano
