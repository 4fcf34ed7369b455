package agree

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"hawker/internal/auth"
	"hawker/internal/feedback"
	"hawker/internal/merchant"
	"hawker/internal/privacy"
	"hawker/internal/web"
)

// day reads yyyy-mm-dd as the beginning of a merchant's day.
func day(text string, m merchant.Merchant) (time.Time, error) {
	return time.ParseInLocation(time.DateOnly, text, m.Zone)
}

type privacyPage struct {
	Form     *web.Form
	Kinds    []web.Option
	Map      []mapRow
	Looks    []lookRow
	Holds    []holdRow
	Requests []requestRow
}

type mapRow struct {
	What, Purpose, Basis string
	Sensitive, Sealed    bool
	Years                int
}
type lookRow struct{ Who, What, Purpose, At string }
type holdRow struct{ Reason, Until string }
type requestRow struct {
	privacy.Request
	Kind, State, Asked, Due string
	MID                     string
}

func (p pages) privacy(r *web.Request) (web.Response, error) {
	page, err := p.privacyPage(r, web.EmptyForm())
	if err != nil {
		return nil, err
	}
	return web.Page("privacy", page), nil
}

func (p pages) privacyPage(r *web.Request, f *web.Form) (page privacyPage, err error) {
	m, err := p.mine(r)
	if err != nil {
		return page, err
	}
	page.Form = f
	for _, k := range []privacy.Kind{privacy.Correction, privacy.Erasure} {
		page.Kinds = append(page.Kinds, web.Option{Value: string(k), Text: r.T("agree.request." + string(k)), Chosen: f.Value("kind") == string(k)})
	}
	entries, err := privacy.Map()
	if err != nil {
		return page, err
	}
	for _, e := range entries {
		page.Map = append(page.Map, mapRow{words(r, e.What.ZH, e.What.EN), words(r, e.Purpose.ZH, e.Purpose.EN), r.T("agree.basis." + e.Basis), e.Sensitive, e.Sealed, e.Keep.Years})
	}
	looks, err := p.Privacy.LooksOf(r.Context(), m.ID, 50)
	if err != nil {
		return page, err
	}
	for _, l := range looks {
		page.Looks = append(page.Looks, lookRow{l.Actor, words(r, l.Named.ZH, l.Named.EN), l.Purpose, stamp(m, l.At)})
	}
	holds, err := p.Privacy.Holds(r.Context(), m.ID)
	if err != nil {
		return page, err
	}
	for _, h := range holds {
		until := r.T("agree.hold.open")
		if !h.Until.IsZero() {
			until = h.Until.In(m.Zone).Format(time.DateOnly)
		}
		page.Holds = append(page.Holds, holdRow{h.Reason, until})
	}
	list, err := p.Privacy.Requests(r.Context(), m.ID)
	for _, one := range list {
		page.Requests = append(page.Requests, row(r, m, one))
	}
	return page, err
}

func row(r *web.Request, m merchant.Merchant, one privacy.Request) requestRow {
	return requestRow{one, r.T("agree.request." + string(one.Kind)), r.T("agree.request.state." + one.State), stamp(m, one.Asked), one.Due.In(m.Zone).Format(time.DateOnly), m.MID}
}

func (p pages) ask(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	if _, err = p.Privacy.Ask(r.Context(), r.Who, privacy.Kind(f.Value("kind")), f.Value("body")); err == nil {
		return web.Redirect("/app/privacy"), nil
	}
	if err := refused(f, map[string]error{"body": privacy.ErrBody, "kind": privacy.ErrKind}, err); err != nil {
		return nil, err
	}
	page, err := p.privacyPage(r, f)
	if err != nil {
		return nil, err
	}
	return web.Invalid("privacy", page), nil
}

func (p pages) copyOf(r *web.Request, kind string, write func(privacy.Copy, merchant.Merchant) ([]byte, error)) (web.Response, error) {
	m, err := p.mine(r)
	if err != nil {
		return nil, err
	}
	c, err := p.Privacy.Copy(r.Context(), m)
	if err != nil {
		return nil, err
	}
	b, err := write(c, m)
	if err != nil {
		return nil, err
	}
	return file("data-"+m.MID+"."+kind, map[string]string{"pdf": "application/pdf", "json": "application/json"}[kind], b), nil
}

func (p pages) copyJSON(r *web.Request) (web.Response, error) {
	return p.copyOf(r, "json", func(c privacy.Copy, _ merchant.Merchant) ([]byte, error) { return c.JSON() })
}

func (p pages) copyPDF(r *web.Request) (web.Response, error) {
	return p.copyOf(r, "pdf", func(c privacy.Copy, m merchant.Merchant) ([]byte, error) { return c.PDF(m) })
}

type reviewsPage struct {
	Form      *web.Form
	Relations []web.Option
	Stars     []web.Option
	List      []reviewRow
}

type reviewRow struct {
	feedback.Review
	State string
	At    string
	Stars string
	MID   string
}

func reviewed(r *web.Request, m merchant.Merchant, one feedback.Review) reviewRow {
	return reviewRow{one, r.T("agree.review." + string(one.State)), stamp(m, one.Written), strings.Repeat("★", one.Stars) + strings.Repeat("☆", 5-one.Stars), m.MID}
}

func (p pages) reviews(r *web.Request) (web.Response, error) {
	page, err := p.reviewsPage(r, web.EmptyForm("stars", "5"))
	if err != nil {
		return nil, err
	}
	return web.Page("reviews", page), nil
}

func (p pages) reviewsPage(r *web.Request, f *web.Form) (page reviewsPage, err error) {
	m, err := p.mine(r)
	if err != nil {
		return page, err
	}
	page.Form = f
	services, err := p.Served(r.Context(), m.ID)
	if err != nil {
		return page, err
	}
	for _, s := range services {
		page.Relations = append(page.Relations, web.Option{Value: s.Relation, Chosen: f.Value("relation") == s.Relation,
			Text: r.T("agree.review.of."+string(s.Target.Kind), s.Target.Name, s.Done.In(m.Zone).Format(time.DateOnly))})
	}
	for n := 5; n >= 1; n-- {
		value := strconv.Itoa(n)
		page.Stars = append(page.Stars, web.Option{Value: value, Text: r.T("agree.stars." + value), Chosen: f.Value("stars") == value})
	}
	list, err := p.Reviews.Of(r.Context(), m.ID)
	for _, one := range list {
		page.List = append(page.List, reviewed(r, m, one))
	}
	return page, err
}

func (p pages) review(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	stars, _ := strconv.Atoi(f.Value("stars")) // 0 is refused
	if _, err = p.Reviews.Write(r.Context(), r.Who, f.Value("relation"), stars, f.Value("body")); err == nil {
		return web.Redirect("/app/feedback"), nil
	}
	for _, known := range []error{feedback.ErrPrivate, feedback.ErrBody} {
		if err := refused(f, map[string]error{"body": known, "stars": feedback.ErrStars, "relation": feedback.ErrRelation}, err); err != nil {
			return nil, err
		}
		if f.Error("body") != nil {
			delete(f.Errors, "")
			break
		}
	}
	page, err := p.reviewsPage(r, f)
	if err != nil {
		return nil, err
	}
	return web.Invalid("reviews", page), nil
}

type opsReviewsPage struct {
	Form  *web.Form
	Queue []reviewRow
	Open  []reviewRow // published, without an answer
	May   bool
}

func (p pages) opsReviews(r *web.Request) (web.Response, error) {
	page, err := p.opsReviewsPage(r, web.EmptyForm())
	if err != nil {
		return nil, err
	}
	return web.Page("ops-reviews", page), nil
}

func (p pages) opsReviewsPage(r *web.Request, f *web.Form) (page opsReviewsPage, err error) {
	if err := operator(r); err != nil {
		return page, err
	}
	page.Form, page.May = f, auth.Allows(r.Who, auth.FeedbackAnswer)
	queue, err := p.Reviews.Queue(r.Context(), 50)
	if err != nil {
		return page, err
	}
	open, err := p.Reviews.Unanswered(r.Context(), 50)
	if err != nil {
		return page, err
	}
	for i, list := range [][]feedback.Review{queue, open} {
		for _, one := range list {
			m, err := merchant.ByID(r.Context(), p.DB.Read(), one.Merchant)
			if err != nil {
				return page, err
			}
			if i == 0 {
				page.Queue = append(page.Queue, reviewed(r, m, one))
			} else {
				page.Open = append(page.Open, reviewed(r, m, one))
			}
		}
	}
	return page, nil
}

func (p pages) moderate(r *web.Request) (web.Response, error) {
	if err := operator(r); err != nil {
		return nil, err
	}
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	m, _ := strconv.ParseInt(f.Value("merchant"), 10, 64) // 0 has no review
	switch f.Value("do") {
	case "publish", "reject":
		_, err = p.Reviews.Moderate(r.Context(), r.Who, merchant.ID(m), f.Value("relation"), f.Value("do") == "publish", f.Value("text"))
	case "answer":
		_, err = p.Reviews.Answer(r.Context(), r.Who, merchant.ID(m), f.Value("relation"), f.Value("text"))
	default:
		err = web.ErrForm
	}
	if err == nil {
		return web.Redirect("/ops/reviews"), nil
	}
	if err := refused(f, nil, err); err != nil {
		return nil, err
	}
	page, err := p.opsReviewsPage(r, f)
	if err != nil {
		return nil, err
	}
	return web.Invalid("ops-reviews", page), nil
}

type opsPrivacyPage struct {
	Form  *web.Form
	Queue []requestRow
	Runs  []runRow
	Kept  []keptRow
}

// runRow is a retention run with the tables it went through.
type runRow struct {
	privacy.Report
	Rows     int64
	Tables   []string // with how many rows each
	Failures string
}

type keptRow struct{ Table, Why string }

func (p pages) opsPrivacy(r *web.Request) (web.Response, error) {
	page, err := p.opsPrivacyPage(r, web.EmptyForm())
	if err != nil {
		return nil, err
	}
	return web.Page("ops-privacy", page), nil
}

func (p pages) opsPrivacyPage(r *web.Request, f *web.Form) (page opsPrivacyPage, err error) {
	if err := operator(r); err != nil {
		return page, err
	}
	page.Form = f
	list, err := p.Privacy.Queue(r.Context(), 100)
	if err != nil {
		return page, err
	}
	for _, one := range list {
		m, err := merchant.ByID(r.Context(), p.DB.Read(), one.Merchant)
		if err != nil {
			return page, err
		}
		page.Queue = append(page.Queue, row(r, m, one))
	}
	runs, err := p.Privacy.Runs(r.Context(), 10)
	for _, run := range runs {
		one := runRow{Report: run, Failures: strings.Join(run.Failed, ", ")}
		for _, table := range slices.Sorted(maps.Keys(run.Purged)) {
			one.Rows += run.Purged[table]
			one.Tables = append(one.Tables, fmt.Sprintf("%s %d", table, run.Purged[table]))
		}
		page.Runs = append(page.Runs, one)
	}
	for _, table := range slices.Sorted(maps.Keys(privacy.Kept)) {
		page.Kept = append(page.Kept, keptRow{table, words(r, privacy.Kept[table].ZH, privacy.Kept[table].EN)})
	}
	return page, err
}

func (p pages) decidePrivacy(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	m, _ := strconv.ParseInt(f.Value("merchant"), 10, 64) // 0 has no request
	id, _ := strconv.ParseInt(f.Value("id"), 10, 64)
	if _, err = p.Privacy.Decide(r.Context(), r.Who, merchant.ID(m), id, f.Value("do") == "grant", f.Value("text")); err == nil {
		return web.Redirect("/ops/privacy"), nil
	}
	if err := refused(f, nil, err); err != nil {
		return nil, err
	}
	page, err := p.opsPrivacyPage(r, f)
	if err != nil {
		return nil, err
	}
	return web.Invalid("ops-privacy", page), nil
}
