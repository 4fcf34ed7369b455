// Package download keeps what terminals fetch: parameters, CA public keys, AIDs, lists of
// card numbers' beginnings. Each is a list with versions, of the institution or of one
// merchant, whose rows are kept as they travel; and it knows what each terminal has. It
// knows nothing of messages, and keeps no card number.
package download

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"

	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/iso8583"
	"hawker/internal/merchant"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

// Refusals.
var (
	ErrNone    = fault.New(fault.NotFound, "download_none", "没有可下载的内容。", "There is nothing to fetch.")
	ErrNotOpen = fault.New(fault.Conflict, "download_not_begun", "请先从第一页开始下载。", "The download must begin with its first page.")
	ErrFile    = fault.New(fault.Invalid, "download_file", "导入文件有错误。", "The file to import is not acceptable.")
)

// Kind is one kind of list.
type Kind string

// The kinds.
const (
	Parameters  Kind = "parameters"
	CAPKs       Kind = "ca-public-keys"
	AIDs        Kind = "aids"
	Blacklist   Kind = "blacklist"   // card numbers' beginnings that are refused
	Contactless Kind = "contactless" // limits for each AID
	BINs        Kind = "bins"        // table B: cards that may pay without PIN and signature
	BlackBINs   Kind = "black-bins"  // table C: cards of table B that may not
)

// Kinds are all kinds, in the order in which a terminal fetches them.
var Kinds = []Kind{Parameters, CAPKs, AIDs, Contactless, Blacklist, BINs, BlackBINs}

// Institution is the owner of lists for every merchant that has none of its own.
const Institution merchant.ID = 0

// Row is one row of a list as it travels. Body is what is fetched by itself, where the kind
// has such bodies; otherwise it is empty and Head is all.
type Row struct{ Head, Body []byte }

// Version names one version of one list.
type Version struct {
	Owner   merchant.ID
	Kind    Kind
	Version int64 // 1 and up; 0 is none
}

// Terminal is who fetches.
type Terminal struct {
	Merchant merchant.ID
	ID       terminal.ID
}

// Put stores rows as the newest version of a list, unless the newest has the same rows;
// fresh tells. An empty list is a version too: it takes away what was there.
func Put(ctx context.Context, tx *store.Tx, owner merchant.ID, k Kind, rows []Row, now clock.Clock) (v Version, fresh bool, err error) {
	if len(rows) > iso8583.MaxRows {
		return v, false, ErrFile.With("%s has %d rows, at most %d", k, len(rows), iso8583.MaxRows)
	}
	v = Version{Owner: owner, Kind: k}
	sum := digest(rows)
	var before []byte
	err = tx.QueryRow(ctx, `SELECT version, digest FROM download_lists WHERE merchant_id = $1 AND kind = $2 ORDER BY version DESC LIMIT 1`, owner, k).Scan(&v.Version, &before)
	switch {
	case err == nil && string(before) == string(sum):
		return v, false, nil
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return v, false, fmt.Errorf("find the newest %s: %w", k, err)
	}
	v.Version++
	if _, err := tx.Exec(ctx, `INSERT INTO download_lists (merchant_id, kind, version, digest, created_at) VALUES ($1, $2, $3, $4, $5)`,
		owner, k, v.Version, sum, store.At(now())); err != nil {
		return v, false, fmt.Errorf("store %s: %w", k, err)
	}
	for i, r := range rows {
		if _, err := tx.Exec(ctx, `INSERT INTO download_rows (merchant_id, kind, version, line, head, body) VALUES ($1, $2, $3, $4, $5, $6)`,
			owner, k, v.Version, i, r.Head, notNil(r.Body)); err != nil {
			return v, false, fmt.Errorf("store row %d of %s: %w", i, k, err)
		}
	}
	return v, true, nil
}

func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// digest is unambiguous: every part stands behind its length.
func digest(rows []Row) []byte {
	h := sha256.New()
	for _, r := range rows {
		for _, part := range [][]byte{r.Head, r.Body} {
			_, _ = h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part)))) //nolint:gosec // a row is short
			_, _ = h.Write(part)
		}
	}
	return h.Sum(nil)
}

// Listed is one version with its size, for people.
type Listed struct {
	Version
	Rows    int
	Created store.Time
}

// List gives every version, by owner and kind, oldest first.
func List(ctx context.Context, q store.Querier) (list []Listed, err error) {
	rows, err := q.Query(ctx, `SELECT l.merchant_id, l.kind, l.version, l.created_at,
		(SELECT COUNT(*) FROM download_rows r WHERE r.merchant_id = l.merchant_id AND r.kind = l.kind AND r.version = l.version)
		FROM download_lists l ORDER BY l.merchant_id, l.kind, l.version`)
	if err != nil {
		return nil, fmt.Errorf("list downloads: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var l Listed
		if err := rows.Scan(&l.Owner, &l.Kind, &l.Version.Version, &l.Created, &l.Rows); err != nil {
			return nil, err
		}
		list = append(list, l)
	}
	return list, rows.Err()
}
