package onboarding

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hawker/internal/advice"
	"hawker/internal/auth"
	"hawker/internal/fault"
	"hawker/internal/papers"
	"hawker/internal/picture"
	"hawker/internal/store"
)

// Refusals of reviewers.
var (
	ErrOwn        = fault.New(fault.Forbidden, "application_own", "这是您自己的申请，或与您同名的人的申请，请交给别的同事。", "This is your own application, or of somebody with your name. Please leave it to a colleague.")
	ErrSame       = fault.New(fault.Forbidden, "application_same_reviewer", "第一次通过是您做的，需要另一位同事复核。", "You approved it first; a colleague must be the second.")
	ErrNotStaff   = fault.New(fault.Forbidden, "application_not_operator", "只有机构的审核员可以审核。", "Only the institution's reviewers may review.")
	ErrChecklist  = fault.New(fault.Invalid, "checklist", "核对清单还没有全部勾选。", "The checklist is not complete.")
	ErrNoNote     = fault.New(fault.Invalid, "correction_note", "请写明要更正哪一项、为什么。", "Please say which field is to be corrected, and why.")
	ErrNoReason   = fault.New(fault.Invalid, "rejection_reason", "请至少选择一个拒绝原因。", "Please choose at least one reason.")
	ErrBlocked    = fault.New(fault.Declined, "application_blocked", "名单上的人或账户不能开通，只能拒绝。", "Who is on the list cannot be boarded; it can only be rejected.")
	ErrNoPurpose  = fault.New(fault.Invalid, "view_purpose", "查看证件照片要说明目的。", "Say what the photo is looked at for.")
	ErrFieldNotOf = fault.New(fault.Invalid, "field_unknown", "没有这一项。", "There is no such field.")
)

// Item is a line of the checklist.
type Item struct {
	Code  string
	Say   Text
	From  Grade         // and every higher grade
	Kinds []advice.Kind // nil: all
}

// Checklist is what a reviewer must have looked at.
var Checklist = []Item{
	{"papers", say("证件照片清楚，与填写的姓名、号码、有效期一致", "The photos of the papers are clear and say what was written"), Low, nil},
	{"shop", say("门头或摊位照片像所说的生意", "The photo of the shop fits the business"), Low, nil},
	{"licence", say("执照照片与名称、代码一致，经营范围包括该类别", "The licence has the name and code, and covers the category"), Low, traders},
	{"no_tie", say("我与申请人没有亲属或利益关系", "I am no relative of the applicant and gain nothing by this"), Low, nil},
	{"findings", say("逐条看过系统提示，并有合理解释", "I went through every finding, and each is explained"), Medium, nil},
	{"called", say("已打电话与本人核对经营内容", "I called the applicant and confirmed the business"), Medium, nil},
	{"owner", say("核对了受益所有人", "The beneficial owner was compared"), Low, company},
	{"visited", say("已现场或视频核实经营场所", "The place was seen, on site or by video"), High, nil},
	{"source", say("问清介绍人和设备来源，不是代办多户", "It is clear who introduced them and whose device it was: nobody opens accounts for others"), High, nil},
}

// ChecklistOf is the list for a kind and grade.
func ChecklistOf(k advice.Kind, g Grade) (list []Item) {
	for _, i := range Checklist {
		if g.atLeast(i.From) && (i.Kinds == nil || slices.Contains(i.Kinds, k)) {
			list = append(list, i)
		}
	}
	return list
}

// Reason is why an application is rejected; the applicant sees it.
type Reason struct {
	Code string
	Say  Text
}

// Reasons are those there are.
var Reasons = []Reason{
	{"papers_false", say("证件与本人或执照不符", "The papers are not yours, or not of this business")},
	{"business_false", say("无法确认真实经营", "It could not be confirmed that there is a business")},
	{"category_refused", say("该类经营不能开通", "This kind of business cannot be boarded")},
	{"for_others", say("疑似替他人开户", "The account appears to be opened for somebody else")},
	{"region", say("不在服务商备案的地区", "It is outside the region for which the provider is filed")},
	{"listed", say("监管或行业名单不允许开通", "A list of the authority or the industry does not allow it")},
	{"no_answer", say("多次联系不上，资料未补齐", "You could not be reached, and documents are missing")},
}

func reasonKnown(code string) bool {
	return slices.ContainsFunc(Reasons, func(r Reason) bool { return r.Code == code })
}

// Filter chooses from the queue. The zero Filter is everything that waits.
type Filter struct {
	State State // "" everything that waits for a reviewer
	Grade Grade
	Text  string // a number, or the beginning of a shop's name
	Late  bool   // only what is past its time
	After Cursor
	Limit int // 50 when 0, at most 200
}

// Cursor is where the next page begins.
type Cursor struct {
	Due time.Time
	ID  ID
}

// Queue lists applications, those that must be decided first at the top, and where the next page begins.
func (o *Office) Queue(ctx context.Context, f Filter) (list []Application, more Cursor, err error) {
	states := []State{Submitted, ReReview, Endorsed}
	if f.State != "" {
		states = []State{f.State}
	}
	if f.Limit <= 0 || f.Limit > 200 {
		f.Limit = 50
	}
	for _, s := range states { // a state by itself is read along its index
		page, err := o.queue(ctx, s, f)
		if err != nil {
			return nil, more, err
		}
		list = append(list, page...)
	}
	slices.SortFunc(list, func(a, b Application) int {
		if c := a.Due.Compare(b.Due); c != 0 {
			return c
		}
		return int(a.ID - b.ID)
	})
	if len(list) > f.Limit {
		list = list[:f.Limit]
		last := list[f.Limit-1]
		more = Cursor{last.Due, last.ID}
	}
	return list, more, nil
}

func (o *Office) queue(ctx context.Context, s State, f Filter) (list []Application, err error) {
	where, args := `state = $1 AND (due_at, application_id) > ($2, $3)`, []any{string(s), store.At(f.After.Due), f.After.ID}
	add := func(condition string, arg any) {
		args = append(args, arg)
		where += fmt.Sprintf(" AND "+condition, len(args))
	}
	if f.Grade != "" {
		add("grade = $%d", string(f.Grade))
	}
	if f.Late {
		add("due_at < $%d", store.At(o.Clock()))
	}
	if t := papers.Clean(f.Text); t != "" {
		if t == strings.Trim(t, " ") && strings.Trim(t, "0123456789") == "" {
			add("number = $%d", t)
		} else {
			add(`shop LIKE $%d ESCAPE '\'`, strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(t)+"%")
		}
	}
	args = append(args, f.Limit+1)
	rows, err := o.DB.Read().Query(ctx, columns+where+fmt.Sprintf(` ORDER BY due_at, application_id LIMIT $%d`, len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("review queue: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		a, err := scan(rows.Scan)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, rows.Err()
}

// Count is how many applications of a state there are, and how many are past their time.
type Count struct {
	State State
	All   int
	Late  int
}

// Counts are the applications by state.
func (o *Office) Counts(ctx context.Context) (list []Count, err error) {
	rows, err := o.DB.Read().Query(ctx, `SELECT state, COUNT(*), CAST(SUM(CASE WHEN due_at > 0 AND due_at < $1 THEN 1 ELSE 0 END) AS BIGINT) FROM applications GROUP BY state ORDER BY state`, store.At(o.Clock()))
	if err != nil {
		return nil, fmt.Errorf("count applications: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var c Count
		if err := rows.Scan(&c.State, &c.All, &c.Late); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

// Note is what a reviewer wants corrected.
type Note struct {
	Field string
	Say   string
	By    string
	At    time.Time
}

// Notes are those of the last round.
func Notes(ctx context.Context, q store.Querier, id ID) (list []Note, err error) {
	rows, err := q.Query(ctx, `SELECT field, note, asked_by, asked_at FROM application_notes WHERE application_id = $1
		AND round = (SELECT MAX(round) FROM application_notes WHERE application_id = $1) ORDER BY field`, id)
	if err != nil {
		return nil, fmt.Errorf("notes: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var n Note
		var at store.Time
		if err := rows.Scan(&n.Field, &n.Say, &n.By, &at); err != nil {
			return nil, err
		}
		n.At = at.Time()
		list = append(list, n)
	}
	return list, rows.Err()
}

// Case is an application as a reviewer has it before him.
type Case struct {
	Application
	Values   Values
	Before   Values // what stands, for a merchant's change
	Changed  []string
	Photos   []Photo
	Findings []Finding // as things are now
	Now      int       // the score of the findings now
	Items    []Item
	Account  AccountCheck
	Wrong    map[string]error
	Notes    []Note
	History  []Stepped
}

// Name is who somebody is in steps and views: "operator/3".
func Name(w auth.Who) string { return fmt.Sprintf("%s/%d", w.Kind, w.ID) }

// Review opens an application for a reviewer, and writes down that he looked.
func (o *Office) Review(ctx context.Context, w auth.Who, id ID) (c Case, err error) {
	if w.Kind != auth.Operator {
		return c, ErrNotStaff
	}
	q := o.DB.Read()
	if c.Application, err = ByID(ctx, q, id); err != nil {
		return c, err
	}
	if c.State == Draft || c.State == Withdrawn {
		return c, ErrUnknown.With("application %s is %s", c.Number, c.State)
	}
	if err := o.note(ctx, id, w, "fields", ForReview); err != nil {
		return c, err
	}
	if c.Values, err = o.Values(ctx, q, c.Application); err != nil {
		return c, err
	}
	if c.Findings, c.Now, err = o.assessed(ctx, q, c.Application, c.Values); err != nil {
		return c, err
	}
	if c.Photos, err = Photos(ctx, q, c.Application); err != nil {
		return c, err
	}
	if c.Changed, c.Before, err = o.Changed(ctx, q, c.Application); err != nil {
		return c, err
	}
	if c.Account, err = o.AccountCheck(ctx, q, c.Application, c.Values); err != nil {
		return c, err
	}
	if c.Wrong, err = o.Wrong(ctx, q, c.Application, c.Values); err != nil {
		return c, err
	}
	if c.Notes, err = Notes(ctx, q, id); err != nil {
		return c, err
	}
	c.Items = ChecklistOf(c.Kind, c.strictest())
	c.History, err = History(ctx, q, id)
	return c, err
}

// strictest is the grade of the submission or of now, whichever asks for more.
func (c Case) strictest() Grade {
	if g := gradeOf(c.Now); g.atLeast(c.Grade) {
		return g
	}
	return c.Grade
}

// ForReview is what a reviewer looks at an application for.
const ForReview = "review"

// View is one look at an applicant's data.
type View struct {
	Who, What, Purpose string
	At                 time.Time
}

func (o *Office) note(ctx context.Context, id ID, w auth.Who, what, purpose string) error {
	if strings.TrimSpace(purpose) == "" {
		return ErrNoPurpose
	}
	return o.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO application_views (application_id, view_id, who, what, purpose, seen_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			id, store.NewID(o.Clock()), Name(w), what, purpose, store.At(o.Clock()))
		if err != nil {
			return fmt.Errorf("write down a look: %w", err)
		}
		return nil
	})
}

// Views lists who looked at an applicant's data, newest first, at most limit.
func Views(ctx context.Context, q store.Querier, id ID, limit int) (list []View, err error) {
	rows, err := q.Query(ctx, `SELECT who, what, purpose, seen_at FROM application_views WHERE application_id = $1 ORDER BY view_id DESC LIMIT $2`, id, limit)
	if err != nil {
		return nil, fmt.Errorf("looks: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var v View
		var at store.Time
		if err := rows.Scan(&v.Who, &v.What, &v.Purpose, &at); err != nil {
			return nil, err
		}
		v.At = at.Time()
		list = append(list, v)
	}
	return list, rows.Err()
}

// Show gives a photo to a reviewer, with a watermark that says who looks, when and what
// for; the look is written down first.
func (o *Office) Show(ctx context.Context, w auth.Who, id ID, photo string) ([]byte, error) {
	if w.Kind != auth.Operator {
		return nil, ErrNotStaff
	}
	a, err := ByID(ctx, o.DB.Read(), id)
	if err != nil {
		return nil, err
	}
	if a.State == Draft || a.State == Withdrawn {
		return nil, ErrUnknown.With("application %s is %s", a.Number, a.State)
	}
	if err := o.note(ctx, id, w, "photo/"+photo, ForReview); err != nil {
		return nil, err
	}
	kept, err := o.Picture(ctx, o.DB.Read(), a, photo)
	if err != nil {
		return nil, err
	}
	defer clear(kept)
	return picture.Watermark(kept, "仅供商户审核 · For review only", fmt.Sprintf("%s · %s", Name(w), o.Clock().In(zone).Format("2006-01-02 15:04")))
}

// ShowOwn gives an applicant his own photo, with a watermark like every copy.
func (o *Office) ShowOwn(ctx context.Context, a Application, photo string) ([]byte, error) {
	kept, err := o.Picture(ctx, o.DB.Read(), a, photo)
	if err != nil {
		return nil, err
	}
	defer clear(kept)
	return picture.Watermark(kept, "仅供申请收款使用 · For this application only", a.Number+" · "+o.Clock().In(zone).Format("2006-01-02"))
}
