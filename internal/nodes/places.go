package nodes

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"hawker/internal/store"
)

// Place is a small number, from 0 to Places-1, that no two living processes on one
// database have. What must be numbered apart by the nodes is cut into Places parts.
type Place int

// Places is how many processes can work on one database at once.
const Places = 32

// ErrNoPlace says that all places are taken.
var ErrNoPlace = fmt.Errorf("%d nodes work on this database, and it has no place for more", Places)

// Life names one run of a node's process.
type Life int64

// NewLife draws the name of a run that begins. It is never zero.
func NewLife() Life {
	var b [8]byte
	_, _ = rand.Read(b[:])                            // never fails
	return Life(binary.BigEndian.Uint64(b[:])>>1 | 1) //nolint:gosec // 63 bits
}

// Sit writes at an instant that a life of a node still holds its place, and returns it. A
// life without one is given the place that has been unused longest, so that it shares
// none with its own node's life before. Free is what nobody has held since an instant;
// earlier lives of the node are known to be over. ErrNoPlace when nothing is free.
func Sit(ctx context.Context, tx *store.Tx, id ID, life Life, at, since time.Time) (Place, error) {
	var p Place
	err := tx.QueryRow(ctx, `SELECT place FROM node_places WHERE life = $1 OR node_id = $2 OR held_at < $3
		ORDER BY CASE WHEN life = $1 THEN 0 ELSE 1 END, held_at, place LIMIT 1 FOR UPDATE SKIP LOCKED`, life, id, store.At(since)).Scan(&p)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, ErrNoPlace
	} else if err != nil {
		return 0, fmt.Errorf("find a place: %w", err)
	}
	if _, err := tx.Exec(ctx, `UPDATE node_places SET node_id = $1, life = $2, held_at = $3 WHERE place = $4`, id, life, store.At(at), p); err != nil {
		return 0, fmt.Errorf("hold place %d: %w", p, err)
	}
	return p, nil
}
