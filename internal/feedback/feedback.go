// Package feedback keeps what merchants say of the providers and technicians who served
// them: one review of each completed relation, looked at before it is public, answered in
// public. It refuses to know how a relation came to be complete: it asks.
package feedback

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"hawker/internal/audit"
	"hawker/internal/auth"
	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

// Refusals.
var (
	ErrStars    = fault.New(fault.Invalid, "feedback_stars", "请选 1 到 5 颗星。", "Please choose one to five stars.")
	ErrBody     = fault.New(fault.Invalid, "feedback_body", "请写 10 到 1000 字，说说经过。", "Please write 10 to 1,000 characters about how it was.")
	ErrPrivate  = fault.New(fault.Invalid, "feedback_private", "请不要写电话、证件号、卡号或网址，以免泄露信息。", "Please leave out telephone, document and card numbers and web addresses.")
	ErrRelation = fault.New(fault.Declined, "feedback_relation", "服务完成后才能评价。", "You can review a service after it is completed.")
	ErrMany     = fault.New(fault.Conflict, "feedback_many", "30 天内最多提交 5 条评价，请稍后再来。", "At most five reviews in thirty days. Please come back later.")
	ErrState    = fault.New(fault.Conflict, "feedback_state", "这条评价现在不能这样处理，可能刚有人处理过。", "The review is not in a state for that. Somebody may have been faster.")
	ErrNone     = fault.New(fault.NotFound, "feedback_none", "没有这条评价。", "There is no such review.")
	ErrOwn      = fault.New(fault.Conflict, "feedback_own", "不能审核关于自己的评价。", "Nobody moderates a review of himself.")
	ErrReason   = fault.New(fault.Invalid, "feedback_reason", "请写明理由（5 到 500 字）。", "Please give a reason (5 to 500 characters).")
	ErrAnswered = fault.New(fault.Conflict, "feedback_answered", "已经答复过了。", "It was answered already.")
)

// Kind is what kind of party a review is about.
type Kind string

// The kinds.
const (
	Institution Kind = "institution"
	Provider    Kind = "provider"
	Technician  Kind = "technician"
)

// Target is who is reviewed.
type Target struct {
	Kind   Kind
	Number string // in the register, or "operator/4" of a technician
	Name   string
}

// State is where a review stands.
type State string

// The states.
const (
	Pending   State = "pending"
	Published State = "published"
	Rejected  State = "rejected"
	Withdrawn State = "withdrawn" // by its author
)

// moves holds every lawful step by the word of who acts. A review that is written anew waits again.
var moves = map[State]map[string]State{
	Pending:   {"publish": Published, "reject": Rejected, "withdraw": Withdrawn, "rewrite": Pending},
	Published: {"withdraw": Withdrawn, "rewrite": Pending, "reject": Rejected},
	Rejected:  {"rewrite": Pending, "withdraw": Withdrawn},
}

// Review is one merchant's word about one completed relation.
type Review struct {
	Merchant  merchant.ID
	ID        int64
	Relation  string
	Target    Target
	Stars     int
	Body      string
	State     State
	Findings  string
	Author    string
	Written   time.Time
	Moderator string
	Moderated time.Time
	Reason    string
	Answer    string
	AnswerBy  string
	Answered  time.Time
}

// Service is a relation that is complete, and can be reviewed.
type Service struct {
	Relation string
	Target   Target
	Done     time.Time
}

// Relations tells who served a merchant in a relation that is complete; ErrRelation when it
// is not, or is not his.
type Relations func(ctx context.Context, m merchant.ID, relation string) (Target, error)

// Board holds the reviews.
type Board struct {
	db        *store.DB
	now       clock.Clock
	relations Relations
}

// Open makes a Board.
func Open(db *store.DB, now clock.Clock, r Relations) *Board { return &Board{db, now, r} }

// The rules against abuse.
const (
	perMonth   = 5
	editFor    = 14 * 24 * time.Hour
	fewest     = 3 // reviews, before an average is shown
	shortest   = 10
	longest    = 1000
	maxReasons = 500
)

// Write writes a merchant's review of a relation, or writes it anew within fourteen days. It
// is public when somebody has looked at it.
func (b *Board) Write(ctx context.Context, w auth.Who, relation string, stars int, body string) (r Review, err error) {
	if w.Kind != auth.Staff || !auth.Allows(w, auth.FeedbackWrite) {
		return r, auth.ErrForbidden.With("%s %d reviews", w.Kind, w.ID)
	}
	body = strings.TrimSpace(body)
	if stars < 1 || stars > 5 {
		return r, ErrStars
	}
	if n := utf8.RuneCountInString(body); n < shortest || n > longest {
		return r, ErrBody
	}
	if private(body) {
		return r, ErrPrivate
	}
	target, err := b.relations(ctx, w.Merchant, relation)
	if err != nil {
		return r, err
	}
	now := store.At(b.now()).Time()
	r = Review{Merchant: w.Merchant, ID: store.NewID(now), Relation: relation, Target: target, Stars: stars, Body: body, State: Pending,
		Findings: strings.Join(findings(body, stars), ","), Author: fmt.Sprintf("%s/%d", w.Kind, w.ID), Written: now}
	err = b.db.Write(ctx, func(tx *store.Tx) error {
		old, err := one(ctx, tx, w.Merchant, relation, ` FOR UPDATE`)
		switch {
		case err == nil:
			if _, ok := moves[old.State]["rewrite"]; !ok || now.After(old.Written.Add(editFor)) {
				return ErrState.With("written anew, in %s since %s", old.State, old.Written)
			}
			r.ID, r.Written = old.ID, old.Written
			_, err = tx.Exec(ctx, `UPDATE reviews SET stars = $1, body = $2, state = 'pending', findings = $3, author = $4, moderator = '', moderated_at = 0, reason = '',
				answer = '', answered_by = '', answered_at = 0 WHERE merchant_id = $5 AND relation = $6`, r.Stars, r.Body, r.Findings, r.Author, w.Merchant, relation)
		case errors.Is(err, ErrNone):
			var lately int64
			if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM reviews WHERE merchant_id = $1 AND written_at > $2`, w.Merchant, store.At(now.AddDate(0, 0, -30))).Scan(&lately); err != nil {
				return fmt.Errorf("count reviews: %w", err)
			}
			if lately >= perMonth {
				return ErrMany
			}
			_, err = tx.Exec(ctx, `INSERT INTO reviews (merchant_id, relation, review_id, target_kind, target, target_name, stars, body, state, findings, author, written_at,
				moderator, moderated_at, reason, answer, answered_by, answered_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'pending', $9, $10, $11, '', 0, '', '', '', 0)`,
				r.Merchant, relation, r.ID, string(target.Kind), target.Number, target.Name, r.Stars, r.Body, r.Findings, r.Author, store.At(now))
		}
		if err != nil {
			return err
		}
		return b.trail(ctx, tx, w, r, "feedback.write")
	})
	return r, err
}

func (b *Board) trail(ctx context.Context, tx *store.Tx, w auth.Who, r Review, what string) error {
	return audit.Append(ctx, tx, audit.Entry{Merchant: int64(r.Merchant), Who: audit.Actor{Kind: string(w.Kind), ID: w.ID, Name: w.Name, Role: string(w.Role), Device: w.Device},
		What: what, Object: fmt.Sprintf("review/%d", r.ID), After: map[string]any{"relation": r.Relation, "stars": r.Stars, "state": string(r.State), "reason": r.Reason}, From: w.From, At: b.now()})
}

const selectReviews = `SELECT merchant_id, review_id, relation, target_kind, target, target_name, stars, body, state, findings, author, written_at,
	moderator, moderated_at, reason, answer, answered_by, answered_at FROM reviews `

func scanReview(scan func(...any) error) (r Review, err error) {
	var written, moderated, answered store.Time
	err = scan(&r.Merchant, &r.ID, &r.Relation, &r.Target.Kind, &r.Target.Number, &r.Target.Name, &r.Stars, &r.Body, &r.State, &r.Findings, &r.Author, &written,
		&r.Moderator, &moderated, &r.Reason, &r.Answer, &r.AnswerBy, &answered)
	r.Written, r.Moderated, r.Answered = written.Time(), moderated.Time(), answered.Time()
	return r, err
}

func one(ctx context.Context, q store.Querier, m merchant.ID, relation, lock string) (Review, error) {
	r, err := scanReview(q.QueryRow(ctx, selectReviews+`WHERE merchant_id = $1 AND relation = $2`+lock, m, relation).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return r, ErrNone
	}
	if err != nil {
		return r, fmt.Errorf("review of %s: %w", relation, err)
	}
	return r, nil
}

func list(ctx context.Context, q store.Querier, where string, args ...any) (found []Review, err error) {
	rows, err := q.Query(ctx, selectReviews+where, args...)
	if err != nil {
		return nil, fmt.Errorf("reviews: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		r, err := scanReview(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("reviews: %w", err)
		}
		found = append(found, r)
	}
	return found, rows.Err()
}

// Of lists a merchant's own reviews, newest first.
func (b *Board) Of(ctx context.Context, m merchant.ID) ([]Review, error) {
	return list(ctx, b.db.Read(), `WHERE merchant_id = $1 ORDER BY written_at DESC`, m)
}

// Queue lists what waits for a moderator, oldest first.
func (b *Board) Queue(ctx context.Context, limit int) ([]Review, error) {
	return list(ctx, b.db.Read(), `WHERE state = 'pending' ORDER BY written_at, review_id LIMIT $1`, limit)
}

// About lists the published reviews of somebody, newest first.
func (b *Board) About(ctx context.Context, k Kind, number string, limit int) ([]Review, error) {
	return list(ctx, b.db.Read(), `WHERE target_kind = $1 AND target = $2 AND state = 'published' ORDER BY written_at DESC LIMIT $3`, string(k), number, limit)
}

// Unanswered lists published reviews without an answer, oldest first.
func (b *Board) Unanswered(ctx context.Context, limit int) ([]Review, error) {
	return list(ctx, b.db.Read(), `WHERE state = 'published' AND answered_at = 0 ORDER BY written_at LIMIT $1`, limit)
}

// Moderate publishes a review, or rejects it with a reason that its author reads. Nobody
// moderates what is said of himself.
func (b *Board) Moderate(ctx context.Context, w auth.Who, m merchant.ID, relation string, publish bool, reason string) (r Review, err error) {
	if w.Kind != auth.Operator || !auth.Allows(w, auth.FeedbackAnswer) {
		return r, auth.ErrForbidden.With("%s %d moderates", w.Kind, w.ID)
	}
	reason = strings.TrimSpace(reason)
	if n := utf8.RuneCountInString(reason); !publish && (n < 5 || n > maxReasons) {
		return r, ErrReason
	}
	step := map[bool]string{true: "publish", false: "reject"}[publish]
	err = b.db.Write(ctx, func(tx *store.Tx) error {
		if r, err = one(ctx, tx, m, relation, ` FOR UPDATE`); err != nil {
			return err
		}
		me := fmt.Sprintf("%s/%d", w.Kind, w.ID)
		if r.Target.Kind == Technician && r.Target.Number == me {
			return ErrOwn
		}
		to, ok := moves[r.State][step]
		if !ok {
			return ErrState.With("%s in %s", step, r.State)
		}
		r.State, r.Moderator, r.Moderated, r.Reason = to, me, store.At(b.now()).Time(), reason
		if publish {
			r.Reason = ""
		}
		if _, err := tx.Exec(ctx, `UPDATE reviews SET state = $1, moderator = $2, moderated_at = $3, reason = $4 WHERE merchant_id = $5 AND relation = $6`,
			string(r.State), r.Moderator, store.At(r.Moderated), r.Reason, m, relation); err != nil {
			return fmt.Errorf("moderate: %w", err)
		}
		return b.trail(ctx, tx, w, r, "feedback."+step)
	})
	return r, err
}

// Answer answers a published review, once, in public.
func (b *Board) Answer(ctx context.Context, w auth.Who, m merchant.ID, relation, text string) (r Review, err error) {
	if w.Kind != auth.Operator || !auth.Allows(w, auth.FeedbackAnswer) {
		return r, auth.ErrForbidden.With("%s %d answers", w.Kind, w.ID)
	}
	text = strings.TrimSpace(text)
	if n := utf8.RuneCountInString(text); n < 5 || n > longest {
		return r, ErrReason
	}
	if private(text) {
		return r, ErrPrivate
	}
	err = b.db.Write(ctx, func(tx *store.Tx) error {
		if r, err = one(ctx, tx, m, relation, ` FOR UPDATE`); err != nil {
			return err
		}
		switch {
		case r.State != Published:
			return ErrState.With("answered in %s", r.State)
		case !r.Answered.IsZero():
			return ErrAnswered
		}
		r.Answer, r.AnswerBy, r.Answered = text, fmt.Sprintf("%s/%d", w.Kind, w.ID), store.At(b.now()).Time()
		if _, err := tx.Exec(ctx, `UPDATE reviews SET answer = $1, answered_by = $2, answered_at = $3 WHERE merchant_id = $4 AND relation = $5`,
			r.Answer, r.AnswerBy, store.At(r.Answered), m, relation); err != nil {
			return fmt.Errorf("answer: %w", err)
		}
		return b.trail(ctx, tx, w, r, "feedback.answer")
	})
	return r, err
}

// Withdraw takes a review back, by its merchant.
func (b *Board) Withdraw(ctx context.Context, w auth.Who, relation string) (r Review, err error) {
	if w.Kind != auth.Staff || !auth.Allows(w, auth.FeedbackWrite) {
		return r, auth.ErrForbidden
	}
	err = b.db.Write(ctx, func(tx *store.Tx) error {
		if r, err = one(ctx, tx, w.Merchant, relation, ` FOR UPDATE`); err != nil {
			return err
		}
		to, ok := moves[r.State]["withdraw"]
		if !ok {
			return ErrState
		}
		r.State = to
		if _, err := tx.Exec(ctx, `UPDATE reviews SET state = $1, body = '' WHERE merchant_id = $2 AND relation = $3`, string(to), w.Merchant, relation); err != nil {
			return err
		}
		return b.trail(ctx, tx, w, r, "feedback.withdraw")
	})
	return r, err
}

// Summary is what is public of somebody: how many reviews, and their average in tenths of a
// star; 0 for fewer than three, which say nothing.
func (b *Board) Summary(ctx context.Context, k Kind, number string) (count, tenths int, err error) {
	var n, sum int64
	err = b.db.Read().QueryRow(ctx, `SELECT COUNT(*), CAST(COALESCE(SUM(stars), 0) AS BIGINT) FROM reviews WHERE target_kind = $1 AND target = $2 AND state = 'published'`,
		string(k), number).Scan(&n, &sum)
	if err != nil {
		return 0, 0, fmt.Errorf("summary of reviews: %w", err)
	}
	if n >= fewest {
		tenths = int((sum*10 + n/2) / n)
	}
	return int(n), tenths, nil
}

// Purge destroys reviews that were written before an instant.
func Purge(ctx context.Context, tx *store.Tx, before time.Time) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM reviews WHERE written_at < $1`, store.At(before))
}
