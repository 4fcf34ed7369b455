// Package privacy is what people may ask about their data: what is kept, what for and how
// long, who looked at it, a copy of it, its correction, its erasure. It runs the retention:
// what the law does not ask for any more is destroyed, and a report says so. It refuses to
// know what the data means; the packages that own it tell.
package privacy

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"hawker/internal/audit"
	"hawker/internal/auth"
	"hawker/internal/clock"
	"hawker/internal/events"
	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/store"
	"hawker/internal/subject"
)

// Refusals.
var (
	ErrPurpose = fault.New(fault.Invalid, "privacy_purpose", "查看他人资料须写明用途。", "To look at somebody's data you must say what for.")
	ErrBody    = fault.New(fault.Invalid, "privacy_body", "请写明哪一项有误、应改成什么（5 到 1000 字），不要写证件号或卡号。", "Please say what is wrong and what is right (5 to 1,000 characters), without numbers of documents or cards.")
	ErrKind    = fault.New(fault.Invalid, "privacy_kind", "没有这种申请。", "There is no such request.")
	ErrOpen    = fault.New(fault.Conflict, "privacy_open", "您已有一个同类申请在处理。", "You have a request of this kind already.")
	ErrState   = fault.New(fault.Conflict, "privacy_state", "这个申请已经处理过了。", "This request has been decided already.")
	ErrNone    = fault.New(fault.NotFound, "privacy_none", "没有这个申请。", "There is no such request.")
	ErrReason  = fault.New(fault.Invalid, "privacy_reason", "请写明处理结果（5 到 500 字）。", "Please say how it was decided (5 to 500 characters).")
)

// Of is the subject of a merchant: the person or business behind it.
func Of(m merchant.ID) subject.ID {
	return subject.ID("merchant/" + strconv.FormatInt(int64(m), 10))
}

// Config is what an Office needs.
type Config struct {
	DB      *store.DB
	Ring    *subject.Ring
	Clock   clock.Clock
	Sources []Source // tell what is kept of a subject
	Purges  []Purge  // destroy what is old
	// Beside are the other subjects that a merchant's person or business has, such as his application; nil: none.
	Beside func(ctx context.Context, q store.Querier, m merchant.ID) ([]subject.ID, error)
	// Watched are the looks at a merchant's data that other packages write down, newest first, at most limit; nil: none.
	Watched func(ctx context.Context, m merchant.ID, limit int) ([]Look, error)
}

// Office answers people about their data.
type Office struct {
	Config
	db   *store.DB
	ring *subject.Ring
	now  clock.Clock
}

// Open makes an Office.
func Open(c Config) *Office { return &Office{c, c.DB, c.Ring, c.Clock} }

// subjects are all that a merchant's person or business is: the merchant, and what stands beside him.
func (o *Office) subjects(ctx context.Context, q store.Querier, m merchant.ID) ([]subject.ID, error) {
	list := []subject.ID{Of(m)}
	if o.Beside == nil {
		return list, nil
	}
	more, err := o.Beside(ctx, q, m)
	return append(list, more...), err
}

// Look is one look at a subject's data.
type Look struct {
	Actor   string
	Role    string
	What    string // a stable name
	Named   Words  // it, as people call it
	Purpose string
	At      time.Time
}

// named are the names of what is opened here.
var named = map[string]Words{"contract": {"合同", "Contract"}}

// Note writes down that somebody looked at a subject's data, and what for. It is written in the
// transaction, or before the data is shown.
func (o *Office) Note(ctx context.Context, tx *store.Tx, w auth.Who, id subject.ID, what, purpose string) error {
	purpose = strings.TrimSpace(purpose)
	if what == "" || purpose == "" || utf8.RuneCountInString(purpose) > 200 {
		return ErrPurpose
	}
	now := o.now()
	_, err := tx.Exec(ctx, `INSERT INTO privacy_looks (subject, look_id, actor, role, what, purpose, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		string(id), store.NewID(now), actor(w), string(w.Role), what, purpose, store.At(now))
	if err != nil {
		return fmt.Errorf("note a look at %s: %w", id, err)
	}
	return nil
}

func actor(w auth.Who) string { return fmt.Sprintf("%s/%d", w.Kind, w.ID) }

// Looks lists who looked at a subject's data, newest first.
func (o *Office) Looks(ctx context.Context, id subject.ID, limit int) ([]Look, error) {
	rows, err := o.db.Read().Query(ctx, `SELECT actor, role, what, purpose, at FROM privacy_looks WHERE subject = $1 ORDER BY look_id DESC LIMIT $2`, string(id), limit)
	if err != nil {
		return nil, fmt.Errorf("looks at %s: %w", id, err)
	}
	defer func() { _ = rows.Close() }()
	var list []Look
	for rows.Next() {
		var l Look
		var at store.Time
		if err := rows.Scan(&l.Actor, &l.Role, &l.What, &l.Purpose, &at); err != nil {
			return nil, fmt.Errorf("looks at %s: %w", id, err)
		}
		l.At = at.Time()
		if l.Named = named[l.What]; l.Named == (Words{}) {
			l.Named = Words{l.What, l.What}
		}
		list = append(list, l)
	}
	return list, rows.Err()
}

// LooksOf lists every look at a merchant's data, those that others write down too, newest first, at most limit.
func (o *Office) LooksOf(ctx context.Context, m merchant.ID, limit int) ([]Look, error) {
	list, err := o.Looks(ctx, Of(m), limit)
	if err != nil || o.Watched == nil {
		return list, err
	}
	more, err := o.Watched(ctx, m, limit)
	if err != nil {
		return nil, err
	}
	list = append(list, more...)
	slices.SortStableFunc(list, func(a, b Look) int { return b.At.Compare(a.At) })
	return list[:min(len(list), limit)], nil
}

// Kind is what is asked for.
type Kind string

// The kinds.
const (
	Correction Kind = "correction"
	Erasure    Kind = "erasure"
)

// Request is one request of a subject.
type Request struct {
	Merchant merchant.ID
	ID       int64
	Subject  subject.ID
	Kind     Kind
	State    string // open, done, refused
	Body     string
	AskedBy  string
	Asked    time.Time
	Due      time.Time
	By       string
	Decided  time.Time
	Outcome  string
}

// answerIn is how long the Office may take.
const answerIn = 15 * 24 * time.Hour

// Ask writes a merchant's request. One of a kind at a time.
func (o *Office) Ask(ctx context.Context, w auth.Who, k Kind, body string) (r Request, err error) {
	if w.Kind != auth.Staff || !auth.Allows(w, auth.PrivacyWrite) {
		return r, auth.ErrForbidden.With("%s %d asks", w.Kind, w.ID)
	}
	body = strings.TrimSpace(body)
	n := utf8.RuneCountInString(body)
	switch {
	case k != Correction && k != Erasure:
		return r, ErrKind
	case n > 1000 || (k == Correction && n < 5) || digits(body) >= 12:
		return r, ErrBody
	}
	now := store.At(o.now()).Time()
	r = Request{Merchant: w.Merchant, ID: store.NewID(now), Subject: Of(w.Merchant), Kind: k, State: "open", Body: body, AskedBy: actor(w), Asked: now, Due: now.Add(answerIn)}
	err = o.db.Write(ctx, func(tx *store.Tx) error {
		var open int64
		if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM privacy_requests WHERE merchant_id = $1 AND kind = $2 AND state = 'open'`, w.Merchant, string(k)).Scan(&open); err != nil {
			return fmt.Errorf("open requests: %w", err)
		}
		if open > 0 {
			return ErrOpen
		}
		if _, err := tx.Exec(ctx, `INSERT INTO privacy_requests (merchant_id, request_id, subject, kind, state, body, asked_by, asked_at, due_at, decided_by, decided_at, outcome)
			VALUES ($1, $2, $3, $4, 'open', $5, $6, $7, $8, '', 0, '')`, r.Merchant, r.ID, string(r.Subject), string(k), body, r.AskedBy, store.At(now), store.At(r.Due)); err != nil {
			return fmt.Errorf("write a request: %w", err)
		}
		return o.trail(ctx, tx, w, r, "privacy.ask")
	})
	return r, err
}

// digits is the longest run of digits, blanks between them left out.
func digits(text string) (most int) {
	n := 0
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			n++
			most = max(most, n)
		case r == ' ' || r == '-':
		default:
			n = 0
		}
	}
	return most
}

func (o *Office) trail(ctx context.Context, tx *store.Tx, w auth.Who, r Request, what string) error {
	return audit.Append(ctx, tx, audit.Entry{Merchant: int64(r.Merchant), Who: audit.Actor{Kind: string(w.Kind), ID: w.ID, Name: w.Name, Role: string(w.Role), Device: w.Device},
		What: what, Object: fmt.Sprintf("privacy/%d", r.ID), After: map[string]any{"kind": string(r.Kind), "state": r.State, "outcome": r.Outcome}, From: w.From, At: o.now()})
}

const selectRequests = `SELECT merchant_id, request_id, subject, kind, state, body, asked_by, asked_at, due_at, decided_by, decided_at, outcome FROM privacy_requests `

func scanRequest(scan func(...any) error) (r Request, err error) {
	var asked, due, decided store.Time
	err = scan(&r.Merchant, &r.ID, &r.Subject, &r.Kind, &r.State, &r.Body, &r.AskedBy, &asked, &due, &r.By, &decided, &r.Outcome)
	r.Asked, r.Due, r.Decided = asked.Time(), due.Time(), decided.Time()
	return r, err
}

func (o *Office) requests(ctx context.Context, where string, args ...any) (list []Request, err error) {
	rows, err := o.db.Read().Query(ctx, selectRequests+where, args...)
	if err != nil {
		return nil, fmt.Errorf("requests: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		r, err := scanRequest(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("requests: %w", err)
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// Requests lists a merchant's requests, newest first.
func (o *Office) Requests(ctx context.Context, m merchant.ID) ([]Request, error) {
	return o.requests(ctx, `WHERE merchant_id = $1 ORDER BY request_id DESC LIMIT 100`, m)
}

// Queue lists what waits for an answer, the most urgent first.
func (o *Office) Queue(ctx context.Context, limit int) ([]Request, error) {
	return o.requests(ctx, `WHERE state = 'open' ORDER BY due_at LIMIT $1`, limit)
}

// Decide answers a request. An erasure that is granted shreds the keys of all that the subject is; while the
// law says keep, it is ErrHeld and stays open, to be refused with the date.
func (o *Office) Decide(ctx context.Context, w auth.Who, m merchant.ID, id int64, grant bool, outcome string) (r Request, err error) {
	if w.Kind != auth.Operator || !auth.Allows(w, auth.PrivacyManage) {
		return r, auth.ErrForbidden.With("%s %d decides", w.Kind, w.ID)
	}
	outcome = strings.TrimSpace(outcome)
	if n := utf8.RuneCountInString(outcome); n < 5 || n > 500 {
		return r, ErrReason
	}
	err = o.db.Write(ctx, func(tx *store.Tx) error {
		r, err = scanRequest(tx.QueryRow(ctx, selectRequests+`WHERE merchant_id = $1 AND request_id = $2 FOR UPDATE`, m, id).Scan)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNone
		}
		if err != nil {
			return fmt.Errorf("request %d: %w", id, err)
		}
		if r.State != "open" {
			return ErrState
		}
		r.State, r.By, r.Decided, r.Outcome = "refused", actor(w), store.At(o.now()).Time(), outcome
		if grant {
			r.State = "done"
			if r.Kind == Erasure {
				list, err := o.subjects(ctx, tx, m)
				if err != nil {
					return err
				}
				for _, id := range list {
					if _, err := o.forget(ctx, tx, id); err != nil && !errors.Is(err, subject.ErrUnknown) {
						return err
					}
				}
			}
		}
		if _, err := tx.Exec(ctx, `UPDATE privacy_requests SET state = $1, decided_by = $2, decided_at = $3, outcome = $4 WHERE merchant_id = $5 AND request_id = $6`,
			r.State, r.By, store.At(r.Decided), r.Outcome, m, id); err != nil {
			return fmt.Errorf("decide a request: %w", err)
		}
		if err := o.trail(ctx, tx, w, r, "privacy.decide"); err != nil {
			return err
		}
		return events.Append(ctx, tx, events.Event{Merchant: int64(m), Kind: "privacy.decided", Ref: fmt.Sprintf("privacy/%d", id), At: o.now(),
			Body: map[string]any{"kind": string(r.Kind), "state": r.State}})
	})
	return r, err
}

// Holds lists why a merchant's data is kept, and until when: those of all that he is, each once.
func (o *Office) Holds(ctx context.Context, m merchant.ID) (list []subject.Hold, err error) {
	ids, err := o.subjects(ctx, o.db.Read(), m)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		holds, err := subject.Holds(ctx, o.db.Read(), id)
		if err != nil {
			return nil, err
		}
		for _, h := range holds {
			if !slices.ContainsFunc(list, func(x subject.Hold) bool { return x.Reason == h.Reason && x.Until.Equal(h.Until) }) {
				list = append(list, h)
			}
		}
	}
	return list, nil
}
