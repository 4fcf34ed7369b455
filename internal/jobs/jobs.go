// Package jobs keeps work that must be done later or again: in the database,
// bounded, visible. A job ends done, or exhausted with an open case. It knows no
// kind of work: handlers are registered from above.
package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"hawker/internal/cases"
	"hawker/internal/store"
)

// Job is one piece of work. Merchant, Kind and Ref name it: it exists once.
type Job struct {
	Merchant int64
	ID       int64
	Kind     string
	Ref      string
	State    State
	Tries    int
	MaxTries int
	Due      time.Time // while a worker has it: when its lease ends
	Last     string    // what the last try said; no card data
}

// State is where a job stands.
type State string

// The states.
const (
	Waiting   State = "waiting"
	Done      State = "done"
	Exhausted State = "exhausted"
)

var insertJobs = store.InsertSet("jobs", "ON CONFLICT (merchant_id, kind, ref) DO NOTHING", store.Ints("merchant_id", "job_id"),
	store.Texts("kind", "ref", "state"), store.Ints("tries", "max_tries", "due_at"), store.Texts("last_error"), store.Ints("created_at", "updated_at"))

// Add writes jobs in tx, each due at once unless its Due is later. One that is there already is left as it is.
func Add(ctx context.Context, tx *store.Tx, now time.Time, list ...Job) error {
	rows := make([][]any, len(list))
	for i, j := range list {
		if j.Due.Before(now) {
			j.Due = now
		}
		rows[i] = []any{j.Merchant, store.NewID(now), j.Kind, j.Ref, string(Waiting), 0, j.MaxTries, store.At(j.Due), "", store.At(now), store.At(now)}
	}
	if _, err := insertJobs.Exec(ctx, tx, rows); err != nil {
		return fmt.Errorf("add jobs: %w", err)
	}
	return nil
}

// take gives up to limit due jobs to this worker for the length of a lease and counts
// the try: of the kind only, "" for any, and of none in not, ",a,b,". A job without tries left is exhausted instead: nothing is tried for ever.
func take(ctx context.Context, tx *store.Tx, now time.Time, lease time.Duration, limit int, only, not string) ([]Job, error) {
	list, err := query(ctx, tx, `state = 'waiting' AND due_at <= $1 AND ($3 = '' OR $3 = kind) AND $4 NOT LIKE '%,' || kind || ',%'
		ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED`, store.At(now), limit, only, not)
	if err != nil {
		return nil, err
	}
	var given []Job
	for _, j := range list {
		if j.Tries >= max(j.MaxTries, 1) { // the worker of its last try died or hung
			if err := finish(ctx, tx, j, errLost, now, now); err != nil {
				return nil, fmt.Errorf("take job: %w", err)
			}
			continue
		}
		j.Tries++
		if _, err := tx.Exec(ctx, `UPDATE jobs SET tries = $1, due_at = $2, updated_at = $3 WHERE merchant_id = $4 AND job_id = $5`,
			j.Tries, store.At(now.Add(lease)), store.At(now), j.Merchant, j.ID); err != nil {
			return nil, fmt.Errorf("take job: %w", err)
		}
		given = append(given, j)
	}
	return given, nil
}

// errLost is how a try ended whose worker never came back to tell.
var errLost = errors.New("no worker told how it ended")

// finish records how a try ended: done, due again at next, or exhausted with a case.
func finish(ctx context.Context, tx *store.Tx, j Job, failure error, next, now time.Time) error {
	state, last := Done, ""
	if failure != nil {
		state, last = Waiting, storable(failure.Error())
		if j.Tries >= j.MaxTries {
			state = Exhausted
		}
	}
	n, err := tx.Exec(ctx, `UPDATE jobs SET state = $1, due_at = $2, last_error = $3, updated_at = $4
		WHERE merchant_id = $5 AND job_id = $6 AND state = 'waiting' AND tries = $7`,
		state, store.At(next), last, store.At(now), j.Merchant, j.ID, j.Tries)
	if err != nil || n == 0 { // n == 0: the lease ran out and another worker has it
		return err
	}
	switch state {
	case Exhausted:
		return cases.Open(ctx, tx, cases.Case{Merchant: j.Merchant, Kind: j.Kind + " exhausted", Ref: j.Ref,
			Detail: fmt.Sprintf("gave up after %d tries: %s", j.Tries, last), Opened: now})
	case Done:
		return cases.Close(ctx, tx, j.Merchant, j.Kind+" exhausted", j.Ref, now)
	}
	return nil
}

// storable cuts an error to what both databases take: an odd byte of a stranger must
// not keep a job's end from being recorded.
func storable(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s[:min(len(s), 1000)], "\x00", ""), "\uFFFD")
}

// Retry makes exhausted jobs of a kind and ref due again with fresh tries; it returns how many.
func Retry(ctx context.Context, tx *store.Tx, merchant int64, kind, ref string, now time.Time) (int64, error) {
	return tx.Exec(ctx, `UPDATE jobs SET state = 'waiting', tries = 0, due_at = $1, updated_at = $1
		WHERE merchant_id = $2 AND kind = $3 AND ref = $4 AND state = 'exhausted'`, store.At(now), merchant, kind, ref)
}

// List gives all jobs that are not done, by due time.
func List(ctx context.Context, q store.Querier) ([]Job, error) {
	return query(ctx, q, `state <> 'done' ORDER BY due_at, job_id`)
}

func query(ctx context.Context, q store.Querier, where string, args ...any) ([]Job, error) {
	rows, err := q.Query(ctx, `SELECT merchant_id, job_id, kind, ref, state, tries, max_tries, due_at, last_error FROM jobs WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var list []Job
	for rows.Next() {
		var j Job
		var due store.Time
		if err := rows.Scan(&j.Merchant, &j.ID, &j.Kind, &j.Ref, &j.State, &j.Tries, &j.MaxTries, &due, &j.Last); err != nil {
			return nil, fmt.Errorf("list jobs: %w", err)
		}
		j.Due = due.Time()
		list = append(list, j)
	}
	return list, rows.Err()
}
