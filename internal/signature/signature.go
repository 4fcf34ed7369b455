// Package signature keeps what cardholders sign on a terminal's screen: one picture for one
// payment, bound to it, its amount and the time by a hash, and sealed by the keystore. It
// refuses to know what a payment is beyond the facts that are signed.
package signature

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

// Refusals.
var (
	ErrRepeat  = fault.New(fault.Conflict, "signature_repeated", "这笔交易的签名已经收到。", "The signature of this payment is there already.")
	ErrPicture = fault.New(fault.Invalid, "signature_invalid", "签名图像不合格。", "The picture of the signature is not acceptable.")
	ErrSegment = fault.New(fault.Conflict, "signature_segment", "签名分段不连续，请从第一段重传。", "A segment of the signature is missing: send it from the first one.")
	ErrNone    = fault.New(fault.NotFound, "signature_none", "没有这笔交易的签名。", "There is no signature of this payment.")
	ErrBroken  = fault.New(fault.Internal, "signature_broken", "签名与交易不符。", "The signature does not belong to its payment.")
)

// Facts are what is signed for.
type Facts struct {
	Merchant merchant.ID
	Payment  int64
	Terminal terminal.ID
	Batch    int
	Trace    int
	Amount   money.Amount
}

// Signature is a stored one.
type Signature struct {
	Facts
	Format  Format
	Digest  []byte // of facts, time and picture
	Signed  time.Time
	Picture []byte // as the terminal sent it
}

// Store keeps signatures.
type Store struct {
	db   *store.DB
	keys *keys.Keystore
	now  clock.Clock
}

// Open makes a Store.
func Open(db *store.DB, ks *keys.Keystore, now clock.Clock) *Store { return &Store{db, ks, now} }

// Put keeps a whole picture. ErrPicture when it is none, ErrRepeat when the payment has a
// signature: a second one never replaces it.
func (s *Store) Put(ctx context.Context, f Facts, picture []byte) error {
	return s.db.Write(ctx, func(tx *store.Tx) error { return s.put(ctx, tx, f, picture) })
}

func (s *Store) put(ctx context.Context, tx *store.Tx, f Facts, picture []byte) error {
	if there, err := s.has(ctx, tx, f); err != nil || there {
		return errors.Join(err, repeated(there, f))
	}
	format, err := Sniff(picture)
	if err != nil {
		return err
	}
	signed := store.At(s.now()).Time()
	sum := f.digest(signed, picture)
	sealed, err := s.keys.Seal(ctx, picture, f.bound(signed))
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `INSERT INTO signatures (merchant_id, payment_id, tid, batch, trace, amount_minor, currency, format, digest, sealed, signed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (merchant_id, payment_id) DO NOTHING`,
		f.Merchant, f.Payment, f.Terminal, f.Batch, f.Trace, f.Amount.Minor(), string(f.Amount.Currency()), string(format), sum, sealed, store.At(signed))
	if err != nil {
		return fmt.Errorf("keep signature: %w", err)
	}
	if err := repeated(n == 0, f); err != nil {
		return err
	}
	return dropParts(ctx, tx, f)
}

func repeated(is bool, f Facts) error {
	if is {
		return ErrRepeat.With("payment %d of trace %06d", f.Payment, f.Trace)
	}
	return nil
}

// MaxParts bounds the segments of one signature.
const MaxParts = 16

// PutPart keeps segment number part (1 is the first) of a picture; with last, the picture
// is whole and kept as by Put. The same segment again changes nothing; the first one again
// with other content begins anew. ErrSegment when one before it is missing.
func (s *Store) PutPart(ctx context.Context, f Facts, part int, last bool, data []byte) error {
	if part < 1 || part > MaxParts || len(data) == 0 {
		return ErrPicture.With("segment %d with %d bytes", part, len(data))
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if there, err := s.has(ctx, tx, f); err != nil || there {
			return errors.Join(err, repeated(there, f))
		}
		parts, err := s.parts(ctx, tx, f)
		if err != nil {
			return err
		}
		switch {
		case part <= len(parts) && bytes.Equal(parts[part-1], data):
			parts = parts[:part]
		case part == 1:
			if err := dropParts(ctx, tx, f); err != nil {
				return err
			}
			parts = nil
			fallthrough
		case part == len(parts)+1:
			if err := s.putPart(ctx, tx, f, part, data); err != nil {
				return err
			}
			parts = append(parts, data)
		default:
			return ErrSegment.With("segment %d after %d", part, len(parts))
		}
		if !last {
			return nil
		}
		return s.put(ctx, tx, f, bytes.Join(parts, nil))
	})
}

// Get gives the signature of a payment; ErrNone when there is none, ErrBroken when row and
// picture do not belong together any more.
func (s *Store) Get(ctx context.Context, m merchant.ID, payment int64) (g Signature, err error) {
	var amount int64
	var c money.Currency
	var sealed []byte
	var signed store.Time
	err = s.db.Read().QueryRow(ctx, `SELECT merchant_id, payment_id, tid, batch, trace, amount_minor, currency, format, digest, sealed, signed_at
		FROM signatures WHERE merchant_id = $1 AND payment_id = $2`, m, payment).
		Scan(&g.Merchant, &g.Payment, &g.Terminal, &g.Batch, &g.Trace, &amount, &c, &g.Format, &g.Digest, &sealed, &signed)
	if errors.Is(err, sql.ErrNoRows) {
		return g, ErrNone
	}
	if err != nil {
		return g, fmt.Errorf("read signature: %w", err)
	}
	g.Amount, g.Signed = money.New(amount, c), signed.Time()
	if g.Picture, err = s.keys.OpenSealed(ctx, sealed, g.bound(g.Signed)); err != nil {
		return g, ErrBroken.Wrap(err)
	}
	if !bytes.Equal(g.digest(g.Signed, g.Picture), g.Digest) {
		return g, ErrBroken.With("the digest differs")
	}
	return g, nil
}

// Has says which payments of a merchant have their signature.
func Has(ctx context.Context, q store.Querier, m merchant.ID, payment int64) (bool, error) {
	var n int64
	err := q.QueryRow(ctx, `SELECT COUNT(*) FROM signatures WHERE merchant_id = $1 AND payment_id = $2`, m, payment).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look for a signature: %w", err)
	}
	return n > 0, nil
}

func (s *Store) has(ctx context.Context, tx *store.Tx, f Facts) (bool, error) {
	return Has(ctx, tx, f.Merchant, f.Payment)
}

// bound is what the picture is tied to.
func (f Facts) bound(signed time.Time) []byte {
	return fmt.Appendf(nil, "hawker signature|%d|%d|%s|%06d|%06d|%d|%s|%d",
		f.Merchant, f.Payment, f.Terminal, f.Batch, f.Trace, f.Amount.Minor(), f.Amount.Currency(), signed.UnixMicro())
}

// digest binds picture, payment, amount and time.
func (f Facts) digest(signed time.Time, picture []byte) []byte {
	h := sha256.New()
	_, _ = h.Write(f.bound(signed))
	sum := sha256.Sum256(picture)
	_, _ = h.Write(sum[:])
	return h.Sum(nil)
}

func (s *Store) parts(ctx context.Context, tx *store.Tx, f Facts) (list [][]byte, err error) {
	rows, err := tx.Query(ctx, `SELECT part, sealed FROM signature_parts WHERE merchant_id = $1 AND payment_id = $2 ORDER BY part`, f.Merchant, f.Payment)
	if err != nil {
		return nil, fmt.Errorf("read segments: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var sealed [][]byte
	for rows.Next() {
		var part int
		var b []byte
		if err := rows.Scan(&part, &b); err != nil {
			return nil, err
		}
		sealed = append(sealed, b)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for i, b := range sealed {
		plain, err := s.keys.OpenSealed(ctx, b, f.partBound(i+1))
		if err != nil {
			return nil, err
		}
		list = append(list, plain)
	}
	return list, nil
}

func (f Facts) partBound(part int) []byte { return fmt.Appendf(f.bound(time.Time{}), "|%d", part) }

func (s *Store) putPart(ctx context.Context, tx *store.Tx, f Facts, part int, data []byte) error {
	sealed, err := s.keys.Seal(ctx, data, f.partBound(part))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO signature_parts (merchant_id, payment_id, part, sealed) VALUES ($1, $2, $3, $4)`, f.Merchant, f.Payment, part, sealed)
	if err != nil {
		return fmt.Errorf("keep segment %d: %w", part, err)
	}
	return nil
}

func dropParts(ctx context.Context, tx *store.Tx, f Facts) error {
	_, err := tx.Exec(ctx, `DELETE FROM signature_parts WHERE merchant_id = $1 AND payment_id = $2`, f.Merchant, f.Payment)
	if err != nil {
		return fmt.Errorf("drop segments: %w", err)
	}
	return nil
}

// Purge destroys signatures that were given before an instant.
func Purge(ctx context.Context, tx *store.Tx, before time.Time) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM signatures WHERE signed_at < $1`, store.At(before))
}
