// Package subject gives each person or business that we keep data of a key of its
// own, wrapped by the keystore, so that what is known of one can be made unreadable at
// once and everywhere: in tables, files, copies and backups of them. It refuses to know
// what is sealed, and to shred while the law says keep.
package subject

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/keys"
	"hawker/internal/store"
)

// Refusals.
var (
	ErrShredded = fault.New(fault.NotFound, "subject_shredded", "这些资料已按规定删除，无法再读取。", "This data has been erased and cannot be read any more.")
	ErrHeld     = fault.New(fault.Conflict, "subject_held", "这些资料依法必须继续保存，到期后才能删除。", "The law requires this data to be kept. It can be erased when the term has ended.")
	ErrUnknown  = fault.New(fault.NotFound, "subject_unknown", "没有这个主体的资料。", "There is no data of this subject.")
	ErrBroken   = fault.New(fault.Internal, "subject_broken", "资料已损坏，无法读取，我们已经记下。", "This data is damaged and cannot be read. We have noted it.")
)

// ID names a subject: a kind, a stroke, and our own number or code, such as
// "application/123". It stands in tables in clear, so it is never a name, a phone or a document's number.
type ID string

var lawful = regexp.MustCompile(`^[a-z]{2,24}/[A-Za-z0-9._/-]{1,64}$`)

func (id ID) check() error {
	if !lawful.MatchString(string(id)) {
		return fmt.Errorf("subject %.24q: want kind/number", string(id))
	}
	return nil
}

// Place is where a sealed value stands. What was sealed for one place does not open in another.
type Place struct{ Table, Field, Row string }

// bound is what a value is tied to; quoting keeps the parts apart.
func (p Place) bound(id ID) []byte {
	return fmt.Appendf(nil, "hawker subject|%q|%q|%q|%q", string(id), p.Table, p.Field, p.Row)
}

// dataSize is the length of a data key: AES-256.
const dataSize = 32

// Key is one subject's open data key. It prints as "[key]". The zero Key seals and opens nothing.
type Key struct {
	id   ID
	aead func() cipher.AEAD
}

// Subject is whose key it is.
func (k Key) Subject() ID { return k.id }

// Format hides the key for every verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[key]") }

// Seal enciphers plain with AES-256-GCM under a fresh nonce and ties it to its place.
func (k Key) Seal(at Place, plain []byte) ([]byte, error) {
	if k.aead == nil {
		return nil, errors.New("subject: seal without a key")
	}
	a := k.aead()
	nonce := make([]byte, a.NonceSize(), a.NonceSize()+len(plain)+a.Overhead())
	_, _ = rand.Read(nonce) // never fails: crypto/rand ends the process instead
	return a.Seal(nonce, nonce, plain, at.bound(k.id)), nil
}

// Open gives back what Seal took; ErrBroken when it was changed, or sealed for another place or subject.
func (k Key) Open(at Place, sealed []byte) ([]byte, error) {
	if k.aead == nil {
		return nil, errors.New("subject: open without a key")
	}
	a := k.aead()
	if len(sealed) < a.NonceSize() {
		return nil, ErrBroken.With("%s %s.%s: %d bytes", k.id, at.Table, at.Field, len(sealed))
	}
	plain, err := a.Open(nil, sealed[:a.NonceSize()], sealed[a.NonceSize():], at.bound(k.id))
	if err != nil {
		return nil, ErrBroken.With("%s %s.%s: %v", k.id, at.Table, at.Field, err)
	}
	return plain, nil
}

// Ring opens subjects' keys.
type Ring struct {
	keys *keys.Keystore
	now  clock.Clock
}

// NewRing makes a Ring over a keystore.
func NewRing(ks *keys.Keystore, now clock.Clock) *Ring { return &Ring{ks, now} }

// Make gives the key of a subject, a new one when it has none. Who was erased gets no new
// one under the same name: ErrShredded.
func (r *Ring) Make(ctx context.Context, tx *store.Tx, id ID) (Key, error) {
	if err := id.check(); err != nil {
		return Key{}, err
	}
	k, err := r.Key(ctx, tx, id)
	if !errors.Is(err, ErrUnknown) {
		return k, err
	}
	raw := make([]byte, dataSize)
	_, _ = rand.Read(raw)
	defer clear(raw)
	wrapped, err := r.keys.Seal(ctx, raw, id.bound())
	if err != nil {
		return Key{}, fmt.Errorf("wrap the key of %s: %w", id, err)
	}
	if _, err := tx.Exec(ctx, `INSERT INTO subject_keys (subject, wrapped, made_at, shredded_at) VALUES ($1, $2, $3, 0)
		ON CONFLICT (subject) DO NOTHING`, string(id), wrapped, store.At(r.now())); err != nil {
		return Key{}, fmt.Errorf("keep the key of %s: %w", id, err)
	}
	return r.Key(ctx, tx, id) // another writer's, when it was faster
}

// Key gives the key of a subject; ErrUnknown when it never had one, ErrShredded when it was erased.
func (r *Ring) Key(ctx context.Context, q store.Querier, id ID) (Key, error) {
	var wrapped []byte
	var shredded store.Time
	err := q.QueryRow(ctx, `SELECT wrapped, shredded_at FROM subject_keys WHERE subject = $1`, string(id)).Scan(&wrapped, &shredded)
	if errors.Is(err, sql.ErrNoRows) {
		return Key{}, ErrUnknown.With("%s", id)
	}
	if err != nil {
		return Key{}, fmt.Errorf("key of %s: %w", id, err)
	}
	return r.open(ctx, id, wrapped, shredded)
}

var selectKeys = store.SelectSet("subject, wrapped, shredded_at", "subject_keys", false, store.Texts("subject"))

// Keys gives the keys of many subjects in one query, for lists. Those who were erased or
// never had a key are missing.
func (r *Ring) Keys(ctx context.Context, q *store.Reader, ids ...ID) (map[ID]Key, error) {
	rows := make([][]any, len(ids))
	for i, id := range ids {
		rows[i] = []any{string(id)}
	}
	found := make(map[ID]Key, len(ids))
	err := selectKeys.Query(ctx, q, rows, func(scan func(...any) error) error {
		var id ID
		var wrapped []byte
		var shredded store.Time
		if err := scan(&id, &wrapped, &shredded); err != nil {
			return err
		}
		k, err := r.open(ctx, id, wrapped, shredded)
		if errors.Is(err, ErrShredded) {
			return nil
		}
		found[id] = k
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("keys of %d subjects: %w", len(ids), err)
	}
	return found, nil
}

func (r *Ring) open(ctx context.Context, id ID, wrapped []byte, shredded store.Time) (Key, error) {
	if shredded != 0 || len(wrapped) == 0 {
		return Key{}, ErrShredded.With("%s at %s", id, shredded.Time().Format(time.RFC3339))
	}
	raw, err := r.keys.OpenSealed(ctx, wrapped, id.bound())
	if err != nil {
		return Key{}, ErrBroken.With("the key of %s: %v", id, err)
	}
	defer clear(raw)
	block, err := aes.NewCipher(raw)
	if err != nil {
		return Key{}, ErrBroken.With("the key of %s: %v", id, err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return Key{}, fmt.Errorf("the key of %s: %w", id, err)
	}
	return Key{id, func() cipher.AEAD { return aead }}, nil
}

// bound is what a wrapped key is tied to.
func (id ID) bound() []byte { return []byte("hawker subject key|" + string(id)) }
