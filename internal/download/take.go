package download

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"hawker/internal/clock"
	"hawker/internal/iso8583"
	"hawker/internal/money"
	"hawker/internal/store"
)

// mark is how far a terminal is with one kind. A version of 0 is none.
type mark struct{ taking, holds Version }

// Begin pins the newest list for a terminal, so that all pages and bodies come from one
// version, whatever is imported meanwhile, and gives its rows. The merchant's own list
// comes before the institution's. ErrNone when there is neither.
func Begin(ctx context.Context, tx *store.Tx, t Terminal, k Kind, now clock.Clock) ([]Row, error) {
	v, err := current(ctx, tx, t, k)
	if err != nil {
		return nil, err
	}
	if v.Version == 0 {
		return nil, ErrNone.With("%s", k)
	}
	m, err := find(ctx, tx, t, k)
	if err != nil {
		return nil, err
	}
	m.taking = v
	if err := save(ctx, tx, t, k, m, now); err != nil {
		return nil, err
	}
	return rowsOf(ctx, tx, v)
}

// Rows are those of the list that the terminal began to fetch; ErrNotOpen when it did not.
func Rows(ctx context.Context, q store.Querier, t Terminal, k Kind) ([]Row, error) {
	m, err := find(ctx, q, t, k)
	if err != nil {
		return nil, err
	}
	if m.taking.Version == 0 {
		return nil, ErrNotOpen.With("%s", k)
	}
	return rowsOf(ctx, q, m.taking)
}

// Body is what a row of the list that the terminal began to fetch holds; key is the
// beginning of its head. ok is false when no row has it.
func Body(ctx context.Context, q store.Querier, t Terminal, k Kind, key []byte) (body []byte, ok bool, err error) {
	rows, err := Rows(ctx, q, t, k)
	for _, r := range rows {
		if len(key) > 0 && bytes.HasPrefix(r.Head, key) {
			return r.Body, true, nil
		}
	}
	return nil, false, err
}

// End notes that the terminal has the whole list that it began to fetch. The end again
// changes nothing; ErrNotOpen when it never began.
func End(ctx context.Context, tx *store.Tx, t Terminal, k Kind, now clock.Clock) error {
	m, err := find(ctx, tx, t, k)
	if err != nil {
		return err
	}
	switch {
	case m.taking.Version != 0:
		m.holds, m.taking = m.taking, Version{}
		return save(ctx, tx, t, k, m, now)
	case m.holds.Version == 0:
		return ErrNotOpen.With("%s", k)
	}
	return nil
}

// Wanted are the kinds of which the terminal does not have the newest version, in the order
// of Kinds.
func Wanted(ctx context.Context, q store.Querier, t Terminal) (list []Kind, err error) {
	for _, k := range Kinds {
		v, err := current(ctx, q, t, k)
		if err != nil {
			return nil, err
		}
		if v.Version == 0 {
			continue
		}
		m, err := find(ctx, q, t, k)
		if err != nil {
			return nil, err
		}
		if m.holds != v {
			list = append(list, k)
		}
	}
	return list, nil
}

// current is the version that a terminal should have; zero for none.
func current(ctx context.Context, q store.Querier, t Terminal, k Kind) (Version, error) {
	v := Version{Kind: k}
	err := q.QueryRow(ctx, `SELECT merchant_id, version FROM download_lists WHERE merchant_id IN ($1, 0) AND kind = $2
		ORDER BY merchant_id DESC, version DESC LIMIT 1`, t.Merchant, k).Scan(&v.Owner, &v.Version)
	if errors.Is(err, sql.ErrNoRows) {
		return v, nil
	}
	if err != nil {
		return v, fmt.Errorf("find the newest %s: %w", k, err)
	}
	return v, nil
}

func find(ctx context.Context, q store.Querier, t Terminal, k Kind) (mark, error) {
	m := mark{taking: Version{Kind: k}, holds: Version{Kind: k}}
	err := q.QueryRow(ctx, `SELECT taking_owner, taking, stored_owner, stored FROM download_marks WHERE merchant_id = $1 AND tid = $2 AND kind = $3`,
		t.Merchant, t.ID, k).Scan(&m.taking.Owner, &m.taking.Version, &m.holds.Owner, &m.holds.Version)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return m, fmt.Errorf("find what terminal %s has: %w", t.ID, err)
	}
	return m, nil
}

func save(ctx context.Context, tx *store.Tx, t Terminal, k Kind, m mark, now clock.Clock) error {
	_, err := tx.Exec(ctx, `INSERT INTO download_marks (merchant_id, tid, kind, taking_owner, taking, stored_owner, stored, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (merchant_id, tid, kind) DO UPDATE SET taking_owner = excluded.taking_owner,
		taking = excluded.taking, stored_owner = excluded.stored_owner, stored = excluded.stored, updated_at = excluded.updated_at`,
		t.Merchant, t.ID, k, m.taking.Owner, m.taking.Version, m.holds.Owner, m.holds.Version, store.At(now()))
	if err != nil {
		return fmt.Errorf("note what terminal %s has: %w", t.ID, err)
	}
	return nil
}

func rowsOf(ctx context.Context, q store.Querier, v Version) (list []Row, err error) {
	rows, err := q.Query(ctx, `SELECT head, body FROM download_rows WHERE merchant_id = $1 AND kind = $2 AND version = $3 ORDER BY line`, v.Owner, v.Kind, v.Version)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", v.Kind, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r Row
		if err := rows.Scan(&r.Head, &r.Body); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// Policy is what a terminal's parameters and BIN tables say of proof by PIN or signature.
type Policy struct {
	Signature bool  // the cardholder signs on the screen where no PIN proves a sale
	upTo      int64 // minor units, for cards of table B
	bins      []iso8583.BIN
	black     []iso8583.BIN
}

// PolicyOf reads the policy in force for a terminal; without parameters nothing is signed on the screen.
func PolicyOf(ctx context.Context, q store.Querier, t Terminal) (p Policy, err error) {
	rows, err := newest(ctx, q, t, Parameters)
	if err != nil || len(rows) == 0 {
		return p, err
	}
	list, err := iso8583.ParseParameters(rows[0].Body)
	if err != nil {
		return p, err
	}
	for _, one := range list {
		switch one.Tag {
		case iso8583.ParamSignature:
			p.Signature = string(one.Value) == "1"
		case iso8583.ParamNoProofLimit:
			p.upTo, err = strconv.ParseInt(string(one.Value), 10, 64)
		}
	}
	if err != nil || !p.Signature || p.upTo == 0 {
		return p, err
	}
	if p.bins, err = binsOf(ctx, q, t, BINs); err != nil {
		return p, err
	}
	p.black, err = binsOf(ctx, q, t, BlackBINs)
	return p, err
}

// contactlessFree is the most that a contactless payment takes without PIN and signature,
// whatever the tables say (China: 1,000.00 since 2018-06). A currency without a row has none.
var contactlessFree = map[money.Currency]int64{money.CNY: 1_000_00}

// Wants reports whether a sale without PIN needs a signature; mode is its entry mode. Of the card
// only the first six digits are known, so a longer row of a table counts by its first six: in
// doubt for the cardholder, who may have been told that none is needed.
func (p Policy) Wants(amount money.Amount, bin, mode string) bool {
	if !p.Signature || strings.HasPrefix(mode, contactless) && amount.Minor() <= contactlessFree[amount.Currency()] {
		return false
	}
	return amount.Minor() > p.upTo || !listed(p.bins, bin) || listed(p.black, bin)
}

// contactless begins the entry modes of cards that were held to the reader.
const contactless = "07"

func listed(table []iso8583.BIN, bin string) bool {
	for _, r := range table {
		if strings.HasPrefix(r.Prefix, bin) {
			return true
		}
	}
	return false
}

func binsOf(ctx context.Context, q store.Querier, t Terminal, k Kind) (list []iso8583.BIN, err error) {
	rows, err := newest(ctx, q, t, k)
	for _, r := range rows {
		b, err := iso8583.ParseBIN(r.Head)
		if err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	return list, err
}

func newest(ctx context.Context, q store.Querier, t Terminal, k Kind) ([]Row, error) {
	v, err := current(ctx, q, t, k)
	if err != nil || v.Version == 0 {
		return nil, err
	}
	return rowsOf(ctx, q, v)
}
