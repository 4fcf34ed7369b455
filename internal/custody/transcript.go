package custody

import (
	"bytes"
	"context"
	"crypto/ed25519"
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

// ErrTranscript says that a record was changed, cut out or signed by a stranger. Its cause says which.
var ErrTranscript = fault.New(fault.Internal, "key_transcript", "密钥操作记录被改动过，请立即调查。", "The transcript of key acts was changed. Investigate at once.")

// Record is one act of the transcript. It holds no secret.
type Record struct {
	Seq      int64     `json:"seq"` // 1, 2, 3…
	At       time.Time `json:"at"`
	Act      string    `json:"act"` // components, load, import, export, rotate, destroy, tamper, reinstate
	Ref      string    `json:"ref"` // of the key, or the terminal
	KCV      string    `json:"kcv,omitempty"`
	People   []string  `json:"people"` // as they named themselves; none where a machine acted
	Detail   string    `json:"detail,omitempty"`
	Previous string    `json:"previous"` // hash of the record before, hexadecimal; zeros before the first
	Signer   string    `json:"signer"`   // public key of the node that wrote it, hexadecimal
}

// Head is where a transcript ends: whoever knows it notices when records are cut off.
type Head struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"` // hexadecimal
}

// append writes a record in tx. Two that append at once meet on its number, and one
// of them gets a unique violation: again tries once more.
func (k *Keeper) append(ctx context.Context, tx *store.Tx, r Record) error {
	last, err := last(ctx, tx)
	if err != nil {
		return err
	}
	r.Seq, r.Previous, r.Signer = last.Seq+1, last.Hash, hex.EncodeToString(k.Signer.public)
	r.At = k.Clock().UTC().Truncate(time.Microsecond)
	if r.People == nil {
		r.People = []string{}
	}
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	hash := sha256.Sum256(body)
	if _, err := tx.Exec(ctx, `INSERT INTO key_transcript (seq, body, hash, signature) VALUES ($1, $2, $3, $4)`,
		r.Seq, string(body), hash[:], k.Signer.sign(hash[:])); err != nil {
		return fmt.Errorf("append to the transcript: %w", err)
	}
	return nil
}

// last is where the transcript ends; before the first record, number 0 and a hash of zeros.
func last(ctx context.Context, q store.Querier) (Head, error) {
	var seq int64
	hash := make([]byte, sha256.Size)
	err := q.QueryRow(ctx, `SELECT seq, hash FROM key_transcript ORDER BY seq DESC LIMIT 1`).Scan(&seq, &hash)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Head{}, fmt.Errorf("read the transcript: %w", err)
	}
	return Head{seq, hex.EncodeToString(hash)}, nil
}

// Append records an act that happened outside of the database, such as the drawing of components.
func (k *Keeper) Append(ctx context.Context, r Record) error {
	return k.write(ctx, func(tx *store.Tx) error { return k.append(ctx, tx, r) })
}

// Transcript reads every record in order, checks it, and hands it to each: numbers
// without a gap, each with the hash of the one before, each signed by one of the
// trusted public keys; and the record of the head known here is still there. What
// is not so is ErrTranscript. It returns where the transcript ends.
func (k *Keeper) Transcript(ctx context.Context, trusted []ed25519.PublicKey, each func(Record) error) (head Head, err error) {
	trusted = append(trusted, k.Signer.public)
	known, err := k.Signer.head()
	if err != nil {
		return Head{}, err
	}
	rows, err := k.DB.Read().Query(ctx, `SELECT seq, body, hash, signature FROM key_transcript ORDER BY seq`)
	if err != nil {
		return Head{}, fmt.Errorf("read the transcript: %w", err)
	}
	defer func() { _ = rows.Close() }()
	head.Hash = hex.EncodeToString(make([]byte, sha256.Size))
	for rows.Next() {
		var seq int64
		var body string
		var hash, signature []byte
		if err := rows.Scan(&seq, &body, &hash, &signature); err != nil {
			return Head{}, fmt.Errorf("read the transcript: %w", err)
		}
		r, err := check(head, seq, body, hash, signature, trusted)
		if err != nil {
			return head, err
		}
		head = Head{seq, hex.EncodeToString(hash)}
		if seq == known.Seq && head != known {
			return head, ErrTranscript.With("record %d is not the one that was written here", seq)
		}
		if err := each(r); err != nil {
			return head, err
		}
	}
	if err := rows.Err(); err != nil {
		return head, fmt.Errorf("read the transcript: %w", err)
	}
	if head.Seq < known.Seq {
		return head, ErrTranscript.With("it ends at record %d, and record %d was written here", head.Seq, known.Seq)
	}
	return head, nil
}

// check holds one row against the one before it.
func check(before Head, seq int64, body string, hash, signature []byte, trusted []ed25519.PublicKey) (r Record, err error) {
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		return r, ErrTranscript.With("record %d cannot be read", before.Seq+1)
	}
	sum := sha256.Sum256([]byte(body))
	switch {
	case seq != before.Seq+1 || r.Seq != seq:
		return r, ErrTranscript.With("after record %d comes %d", before.Seq, seq)
	case !bytes.Equal(sum[:], hash):
		return r, ErrTranscript.With("record %d was changed", seq)
	case r.Previous != before.Hash:
		return r, ErrTranscript.With("record %d does not follow record %d", seq, before.Seq)
	}
	for _, public := range trusted {
		if hex.EncodeToString(public) == r.Signer {
			if !ed25519.Verify(public, hash, signature) {
				return r, ErrTranscript.With("record %d: its signature is wrong", seq)
			}
			return r, nil
		}
	}
	return r, ErrTranscript.With("record %d is signed by %.16s…, whom nobody named as trusted", seq, r.Signer)
}
