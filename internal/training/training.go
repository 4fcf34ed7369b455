// Package training teaches staff what they must know before they take live payments, in
// lessons of a minute or two, tests it, and certifies it for a year. Other packages ask it
// whether somebody may begin. It refuses to know what they are about to do.
package training

import (
	"context"
	"crypto/hmac"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hawker/internal/audit"
	"hawker/internal/auth"
	"hawker/internal/clock"
	"hawker/internal/events"
	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/paper"
	"hawker/internal/store"
)

// Refusals.
var (
	ErrUntrained = fault.New(fault.Forbidden, "training_needed", "首次收款前请先完成几分钟的安全培训（“我的”—“培训”）。", "Before you first take a payment, please complete the safety training (“Me”, “Training”): it takes a few minutes.")
	ErrExpired   = fault.New(fault.Forbidden, "training_expired", "您的安全培训已满一年，请重新学习后再收款。", "Your safety training is a year old. Please renew it before you take payments.")
	ErrTries     = fault.New(fault.Conflict, "training_tries", "今天已经考了三次，请复习课程，24 小时后再考。", "You have tried three times today. Please go through the lessons again and try after 24 hours.")
	ErrNone      = fault.New(fault.NotFound, "training_none", "没有这次考试。", "There is no such test.")
	ErrOver      = fault.New(fault.Conflict, "training_over", "这次考试已经交卷或超过一小时，请重新开始。", "This test was handed in, or is more than an hour old. Please begin again.")
	ErrAnswers   = fault.New(fault.Invalid, "training_answers", "请回答每一道题。", "Please answer every question.")
	ErrNumber    = fault.New(fault.NotFound, "training_number", "没有这个编号的证书。", "There is no certificate of that number.")
)

// Sealer makes the seals of certificates: the keystore's Vouch.
type Sealer interface {
	Vouch(ctx context.Context, use string, data []byte) ([]byte, error)
}

// School holds tests and certificates.
type School struct {
	db     *store.DB
	seal   Sealer
	now    clock.Clock
	course Course
}

// Open makes a School with the course that comes with Hawker.
func Open(db *store.DB, seal Sealer, now clock.Clock) (*School, error) {
	c, err := Lessons()
	return &School{db, seal, now, c}, err
}

// Course is what is taught.
func (s *School) Course() Course { return s.course }

// Attempt is one test of one person.
type Attempt struct {
	Merchant merchant.ID
	ID       int64
	Staff    int64
	Edition  int
	Begun    time.Time
	Ended    time.Time
	Answers  []int
	Score    int
	Asked    int
	Passed   bool
}

// learner refuses whoever has no account of a merchant, or may not learn.
func learner(w auth.Who) error {
	if w.Kind != auth.Staff || !auth.Allows(w, auth.TrainingTake) {
		return auth.ErrForbidden.With("%s %d learns", w.Kind, w.ID)
	}
	return nil
}

// Begin begins a test. After three in 24 hours it is ErrTries.
func (s *School) Begin(ctx context.Context, w auth.Who) (a Attempt, list []Asked, err error) {
	if err := learner(w); err != nil {
		return a, nil, err
	}
	now := s.now()
	a = Attempt{Merchant: w.Merchant, ID: store.NewID(now), Staff: w.ID, Edition: s.course.Edition, Begun: store.At(now).Time()}
	list = s.course.paper(w.Role, a.ID)
	a.Asked = len(list)
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		var tries int64
		if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM training_attempts WHERE merchant_id = $1 AND staff_id = $2 AND begun_at > $3 AND passed = 0`,
			w.Merchant, w.ID, store.At(now.Add(-24*time.Hour))).Scan(&tries); err != nil {
			return fmt.Errorf("count tests: %w", err)
		}
		if tries >= triesADay {
			return ErrTries
		}
		_, err := tx.Exec(ctx, `INSERT INTO training_attempts (merchant_id, attempt_id, staff_id, edition, begun_at, ended_at, answers, score, asked, passed)
			VALUES ($1, $2, $3, $4, $5, 0, '', 0, $6, 0)`, w.Merchant, a.ID, w.ID, a.Edition, store.At(now), a.Asked)
		return err
	})
	return a, list, err
}

// Paper is a test's questions again; only whoever began it sees them.
func (s *School) Paper(ctx context.Context, w auth.Who, id int64) (Attempt, []Asked, error) {
	a, err := s.attempt(ctx, s.db.Read(), w, id, "")
	return a, s.course.paper(w.Role, id), err
}

func (s *School) attempt(ctx context.Context, q store.Querier, w auth.Who, id int64, lock string) (a Attempt, err error) {
	var begun, ended store.Time
	var answers string
	var passed int64
	err = q.QueryRow(ctx, `SELECT merchant_id, attempt_id, staff_id, edition, begun_at, ended_at, answers, score, asked, passed FROM training_attempts
		WHERE merchant_id = $1 AND attempt_id = $2 AND staff_id = $3`+lock, w.Merchant, id, w.ID).
		Scan(&a.Merchant, &a.ID, &a.Staff, &a.Edition, &begun, &ended, &answers, &a.Score, &a.Asked, &passed)
	if errors.Is(err, sql.ErrNoRows) {
		return a, ErrNone
	}
	if err != nil {
		return a, fmt.Errorf("test %d: %w", id, err)
	}
	a.Begun, a.Ended, a.Passed = begun.Time(), ended.Time(), passed == 1
	if answers != "" {
		err = json.Unmarshal([]byte(answers), &a.Answers)
	}
	return a, err
}

// Result is how a test ended.
type Result struct {
	Attempt
	Wrong       []Asked // with why
	Certificate *Certificate
}

// Submit hands a test in, once: answers holds the place that was chosen for each question.
// Who passes has a certificate in the same transaction.
func (s *School) Submit(ctx context.Context, w auth.Who, id int64, answers []int) (r Result, err error) {
	if err := learner(w); err != nil {
		return r, err
	}
	list := s.course.paper(w.Role, id)
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		r = Result{}
		a, err := s.attempt(ctx, tx, w, id, ` FOR UPDATE`)
		if err != nil {
			return err
		}
		now := store.At(s.now()).Time()
		if !a.Ended.IsZero() || now.After(a.Begun.Add(testLasts*time.Minute)) || a.Edition != s.course.Edition || a.Asked != len(list) {
			return ErrOver
		}
		if len(answers) != len(list) {
			return ErrAnswers
		}
		fatal := false
		for i, q := range list {
			if answers[i] < 0 || answers[i] >= len(q.Order) {
				return ErrAnswers
			}
			if q.Order[answers[i]] == q.Right {
				a.Score++
				continue
			}
			r.Wrong = append(r.Wrong, q)
			fatal = fatal || q.Fatal
		}
		a.Passed = !fatal && a.Score*100 >= passMark*a.Asked
		a.Ended, a.Answers = now, answers
		text, err := json.Marshal(answers)
		if err != nil {
			return err
		}
		passed := 0
		if a.Passed {
			passed = 1
		}
		if _, err := tx.Exec(ctx, `UPDATE training_attempts SET ended_at = $1, answers = $2, score = $3, passed = $4 WHERE merchant_id = $5 AND attempt_id = $6 AND ended_at = 0`,
			store.At(now), string(text), a.Score, passed, a.Merchant, a.ID); err != nil {
			return fmt.Errorf("hand in a test: %w", err)
		}
		r.Attempt = a
		if !a.Passed {
			return nil
		}
		c := Certificate{Merchant: a.Merchant, Attempt: a.ID, Staff: a.Staff, Name: w.Name, Role: w.Role, Edition: a.Edition, Score: a.Score, Asked: a.Asked,
			Passed: now, Expires: now.AddDate(validYears, 0, 0)}
		if err := s.issue(ctx, tx, &c); err != nil {
			return err
		}
		r.Certificate = &c
		if err := audit.Append(ctx, tx, audit.Entry{Merchant: int64(w.Merchant), Who: audit.Actor{Kind: string(w.Kind), ID: w.ID, Name: w.Name, Role: string(w.Role), Device: w.Device},
			What: "training.pass", Object: c.Number(), After: map[string]any{"score": a.Score, "asked": a.Asked, "edition": a.Edition}, From: w.From, At: now}); err != nil {
			return err
		}
		return events.Append(ctx, tx, events.Event{Merchant: int64(a.Merchant), Kind: "training.passed", Ref: c.Number(), At: now, Body: map[string]any{"staff": a.Staff, "expires": c.Expires.Format(time.RFC3339)}})
	})
	return r, err
}

// Certificate says that a person passed, and until when that counts.
type Certificate struct {
	Merchant merchant.ID
	Attempt  int64
	Staff    int64
	Name     string
	Role     auth.Role
	Edition  int
	Score    int
	Asked    int
	Passed   time.Time
	Expires  time.Time
	Seal     string
}

const useSeal = "training certificate"

// Number is what stands on the certificate: by it anybody may ask whether it is genuine.
func (c Certificate) Number() string {
	return fmt.Sprintf("HT-%s-%s", strings.ToUpper(strconv.FormatInt(int64(c.Merchant), 36)), strings.ToUpper(strconv.FormatInt(c.Attempt, 36)))
}

// ParseNumber reads a certificate's number, in either case and with blanks.
func ParseNumber(text string) (m merchant.ID, attempt int64, err error) {
	parts := strings.Split(strings.ToUpper(strings.Join(strings.Fields(text), "")), "-")
	if len(parts) != 3 || parts[0] != "HT" || len(text) > 64 {
		return 0, 0, ErrNumber.With("%.20q", text)
	}
	id, err1 := strconv.ParseInt(parts[1], 36, 64)
	attempt, err2 := strconv.ParseInt(parts[2], 36, 64)
	if err := errors.Join(err1, err2); err != nil || id <= 0 || attempt <= 0 {
		return 0, 0, ErrNumber.With("%.20q", text)
	}
	return merchant.ID(id), attempt, nil
}

// Holds reports whether the certificate counts at an instant.
func (c Certificate) Holds(at time.Time) bool { return at.Before(c.Expires) }

// Renew reports whether it should be renewed now: its last thirty days.
func (c Certificate) Renew(at time.Time) bool { return at.After(c.Expires.AddDate(0, 0, -renewDays)) }

func (c Certificate) bytes() []byte {
	return fmt.Appendf(nil, "%d|%d|%d|%q|%q|%d|%d|%d|%d|%d", c.Merchant, c.Attempt, c.Staff, c.Name, string(c.Role), c.Edition, c.Score, c.Asked, store.At(c.Passed), store.At(c.Expires))
}

func (s *School) issue(ctx context.Context, tx *store.Tx, c *Certificate) error {
	seal, err := s.seal.Vouch(ctx, useSeal, c.bytes())
	if err != nil {
		return err
	}
	c.Seal = hex.EncodeToString(seal)
	if _, err := tx.Exec(ctx, `INSERT INTO training_certificates (merchant_id, attempt_id, staff_id, name, role, edition, score, asked, passed_at, expires_at, seal)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, c.Merchant, c.Attempt, c.Staff, c.Name, string(c.Role), c.Edition, c.Score, c.Asked,
		store.At(c.Passed), store.At(c.Expires), c.Seal); err != nil {
		return fmt.Errorf("issue a certificate: %w", err)
	}
	return nil
}

const selectCertificates = `SELECT merchant_id, attempt_id, staff_id, name, role, edition, score, asked, passed_at, expires_at, seal FROM training_certificates `

// certificates reads and verifies; one that is not as it was issued is no certificate.
func (s *School) certificates(ctx context.Context, where string, args ...any) (list []Certificate, err error) {
	rows, err := s.db.Read().Query(ctx, selectCertificates+where, args...)
	if err != nil {
		return nil, fmt.Errorf("certificates: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var c Certificate
		var passed, expires store.Time
		if err := rows.Scan(&c.Merchant, &c.Attempt, &c.Staff, &c.Name, &c.Role, &c.Edition, &c.Score, &c.Asked, &passed, &expires, &c.Seal); err != nil {
			return nil, fmt.Errorf("certificates: %w", err)
		}
		c.Passed, c.Expires = passed.Time(), expires.Time()
		seal, err := s.seal.Vouch(ctx, useSeal, c.bytes())
		if err != nil {
			return nil, err
		}
		if hmac.Equal([]byte(hex.EncodeToString(seal)), []byte(c.Seal)) {
			list = append(list, c)
		}
	}
	return list, rows.Err()
}

// Of lists a merchant's certificates, the latest first.
func (s *School) Of(ctx context.Context, m merchant.ID) ([]Certificate, error) {
	return s.certificates(ctx, `WHERE merchant_id = $1 ORDER BY expires_at DESC`, m)
}

// Latest is a person's latest certificate; false when he has none that is genuine.
func (s *School) Latest(ctx context.Context, m merchant.ID, staff int64) (Certificate, bool, error) {
	list, err := s.certificates(ctx, `WHERE merchant_id = $1 AND staff_id = $2 ORDER BY expires_at DESC LIMIT 3`, m, staff)
	if err != nil || len(list) == 0 {
		return Certificate{}, false, err
	}
	return list[0], true, nil
}

// ByNumber finds a genuine certificate by its number, expired or not.
func (s *School) ByNumber(ctx context.Context, number string) (Certificate, error) {
	m, attempt, err := ParseNumber(number)
	if err != nil {
		return Certificate{}, err
	}
	list, err := s.certificates(ctx, `WHERE merchant_id = $1 AND attempt_id = $2`, m, attempt)
	if err != nil {
		return Certificate{}, err
	}
	if len(list) == 0 {
		return Certificate{}, ErrNumber.With("%s", number)
	}
	return list[0], nil
}

// May returns nil when somebody may do live work: his role needs no training, or he holds a
// certificate. Else ErrUntrained, or ErrExpired. Programs and devices act for whoever set them up.
func (s *School) May(ctx context.Context, w auth.Who) error {
	if w.Kind != auth.Staff || !Required(w.Role) {
		return nil
	}
	c, ok, err := s.Latest(ctx, w.Merchant, w.ID)
	switch {
	case err != nil:
		return err
	case !ok:
		return ErrUntrained
	case !c.Holds(s.now()):
		return ErrExpired.With("since %s", c.Expires)
	}
	return nil
}

// PDF is the certificate as a document; times are the merchant's.
func (s *School) PDF(m merchant.Merchant, c Certificate) ([]byte, error) {
	p, err := paper.New("安全培训证书 "+c.Number(), "证书编号 Certificate "+c.Number())
	if err != nil {
		return nil, err
	}
	p.Gap(30)
	p.Title("收款安全培训证书")
	p.Title("Certificate of safety training")
	p.Gap(10)
	p.Text(fmt.Sprintf("%s（%s）已完成收款安全培训并通过考试。", c.Name, m.NameZH))
	p.Text(fmt.Sprintf("%s (%s) has completed the safety training for taking payments and passed its test.", c.Name, m.NameEN))
	p.Gap(6)
	rows := [][]string{{"项目 Item", ""}, {"证书编号 Number", c.Number()}, {"得分 Score", fmt.Sprintf("%d / %d", c.Score, c.Asked)}, {"课程版次 Edition", strconv.Itoa(c.Edition)},
		{"通过日期 Passed", c.Passed.In(m.Zone).Format(time.DateOnly)}, {"有效期至 Valid until", c.Expires.In(m.Zone).Format(time.DateOnly)}}
	p.Table([]float64{2, 3}, rows...)
	for _, l := range s.course.For(c.Role) {
		p.Small("· " + l.Title.ZH + "  " + l.Title.EN)
	}
	p.Gap(6)
	p.Small("任何人都可以在 /learn/check 用编号核验真伪。 Anybody may check this number at /learn/check.")
	p.Small("系统签章 Seal " + c.Seal)
	return p.PDF()
}

// PurgeAttempts destroys tests that were begun before an instant; certificates stand by themselves.
func PurgeAttempts(ctx context.Context, tx *store.Tx, before time.Time) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM training_attempts WHERE begun_at < $1`, store.At(before))
}

// PurgeCertificates destroys certificates that were earned before an instant.
func PurgeCertificates(ctx context.Context, tx *store.Tx, before time.Time) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM training_certificates WHERE passed_at < $1`, store.At(before))
}
