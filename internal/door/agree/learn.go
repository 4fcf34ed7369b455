package agree

import (
	"strconv"
	"time"

	"hawker/internal/auth"
	"hawker/internal/merchant"
	"hawker/internal/training"
	"hawker/internal/web"
)

func tell(r *web.Request, w training.Words) string { return words(r, w.ZH, w.EN) }

type lessonRow struct {
	Key, Title string
	Minutes    int
}

type learnPage struct {
	Lessons []lessonRow
	Has     bool
	Number  string
	Until   string
	Expired bool
	Renew   bool
	Refused error
	Team    []teamRow
}

type teamRow struct {
	Name, Role, Until, Number string
	Holds                     bool
}

func (p pages) learn(r *web.Request) (web.Response, error) { return p.learning(r, nil) }

func (p pages) learning(r *web.Request, why error) (web.Response, error) {
	page := learnPage{Refused: why}
	role := r.Who.Role
	if r.Who.Kind != auth.Staff {
		role = auth.Owner // operators look at what everybody learns
	}
	for _, l := range p.School.Course().For(role) {
		page.Lessons = append(page.Lessons, lessonRow{l.Key, tell(r, l.Title), l.Minutes})
	}
	if r.Who.Merchant != 0 {
		m, err := p.mine(r)
		if err != nil {
			return nil, err
		}
		c, ok, err := p.School.Latest(r.Context(), m.ID, r.Who.ID)
		if err != nil {
			return nil, err
		}
		if page.Has = ok; ok {
			page.Number, page.Until, page.Expired, page.Renew = c.Number(), c.Expires.In(m.Zone).Format(time.DateOnly), !c.Holds(p.Clock()), c.Renew(p.Clock())
		}
		if auth.Allows(r.Who, auth.StaffRead) {
			if page.Team, err = p.team(r, m); err != nil {
				return nil, err
			}
		}
	}
	if why != nil {
		return web.Invalid("learn", page), nil
	}
	return web.Page("learn", page), nil
}

func (p pages) team(r *web.Request, m merchant.Merchant) (rows []teamRow, err error) {
	list, err := p.School.Of(r.Context(), m.ID)
	seen := map[int64]bool{}
	for _, c := range list {
		if !seen[c.Staff] {
			seen[c.Staff] = true
			rows = append(rows, teamRow{c.Name, r.T("agree.role." + string(c.Role)), c.Expires.In(m.Zone).Format(time.DateOnly), c.Number(), c.Holds(p.Clock())})
		}
	}
	return rows, err
}

type lessonPage struct {
	Title  string
	Points []string
	Next   string // key; "" after the last
	Place  int
	Of     int
}

func (p pages) lesson(r *web.Request) (web.Response, error) {
	role := r.Who.Role
	if r.Who.Kind != auth.Staff {
		role = auth.Owner
	}
	list := p.School.Course().For(role)
	for i, l := range list {
		if l.Key != r.PathValue("key") {
			continue
		}
		page := lessonPage{Title: tell(r, l.Title), Place: i + 1, Of: len(list)}
		for _, w := range l.Points {
			page.Points = append(page.Points, tell(r, w))
		}
		if i+1 < len(list) {
			page.Next = list[i+1].Key
		}
		return web.Page("lesson", page), nil
	}
	return nil, web.ErrNoPage
}

func (p pages) begin(r *web.Request) (web.Response, error) {
	a, _, err := p.School.Begin(r.Context(), r.Who)
	if err != nil {
		return p.learning(r, err)
	}
	return web.Redirect("/learn/test/" + strconv.FormatInt(a.ID, 10)), nil
}

type question struct {
	Number  int
	Name    string
	Text    string
	Options []web.Option
}

type testPage struct {
	ID        int64
	Form      *web.Form
	Questions []question
	Ended     bool
	Result    *resultView
}

type resultView struct {
	Passed       bool
	Score, Asked int
	Wrong        []wrongView
	Number       string
}

type wrongView struct{ Text, Right, Why string }

func (p pages) test(r *web.Request) (web.Response, error) {
	page, err := p.testPage(r, web.EmptyForm())
	if err != nil {
		return nil, err
	}
	return web.Page("test", page), nil
}

func (p pages) testPage(r *web.Request, f *web.Form) (page testPage, err error) {
	id, err := number(r, "id")
	if err != nil {
		return page, err
	}
	a, list, err := p.School.Paper(r.Context(), r.Who, id)
	if err != nil {
		return page, err
	}
	page = testPage{ID: id, Form: f, Ended: !a.Ended.IsZero()}
	for i, q := range list {
		one := question{Number: i + 1, Name: "q" + strconv.Itoa(i), Text: tell(r, q.Text)}
		for place, option := range q.Order {
			value := strconv.Itoa(place)
			one.Options = append(one.Options, web.Option{Value: value, Text: tell(r, q.Options[option]), Chosen: f.Value(one.Name) == value})
		}
		page.Questions = append(page.Questions, one)
	}
	return page, nil
}

func (p pages) submit(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	page, err := p.testPage(r, f)
	if err != nil {
		return nil, err
	}
	var answers []int
	for _, q := range page.Questions {
		n, err := strconv.Atoi(f.Value(q.Name))
		if err != nil {
			n = -1
		}
		answers = append(answers, n)
	}
	result, err := p.School.Submit(r.Context(), r.Who, page.ID, answers)
	if err != nil {
		if err := refused(f, nil, err); err != nil {
			return nil, err
		}
		return web.Invalid("test", page), nil
	}
	view := resultView{Passed: result.Passed, Score: result.Score, Asked: result.Asked}
	for _, q := range result.Wrong {
		view.Wrong = append(view.Wrong, wrongView{tell(r, q.Text), tell(r, q.Options[q.Right]), tell(r, q.Why)})
	}
	if result.Certificate != nil {
		view.Number = result.Certificate.Number()
	}
	page.Ended, page.Result = true, &view
	return web.Page("test", page), nil
}

func (p pages) certificate(r *web.Request) (web.Response, error) {
	c, err := p.School.ByNumber(r.Context(), r.URL.Query().Get("number"))
	if err != nil {
		return nil, err
	}
	if r.Who.Merchant != c.Merchant || (c.Staff != r.Who.ID && !auth.Allows(r.Who, auth.StaffRead)) {
		return nil, training.ErrNumber
	}
	m, err := p.mine(r)
	if err != nil {
		return nil, err
	}
	b, err := p.School.PDF(m, c)
	if err != nil {
		return nil, err
	}
	return file(c.Number()+".pdf", "application/pdf", b), nil
}

type checkPage struct {
	Number string
	Error  error
	Found  bool
	Holds  bool
	Name   string
	Shop   string
	Passed string
	Until  string
}

// checkCertificate is for anybody: it shows no more than what stands on the paper, and the name masked.
func (p pages) checkCertificate(r *web.Request) (web.Response, error) {
	page := checkPage{Number: r.URL.Query().Get("number")}
	if page.Number == "" {
		return web.Page("check", page), nil
	}
	c, err := p.School.ByNumber(r.Context(), page.Number)
	if err != nil {
		page.Error = err
		return web.Invalid("check", page), nil
	}
	m, err := merchant.ByID(r.Context(), p.DB.Read(), c.Merchant)
	if err != nil {
		return nil, err
	}
	page.Found, page.Holds, page.Name, page.Shop = true, c.Holds(p.Clock()), masked(c.Name), words(r, m.NameZH, m.NameEN)
	page.Passed, page.Until = c.Passed.In(m.Zone).Format(time.DateOnly), c.Expires.In(m.Zone).Format(time.DateOnly)
	return web.Page("check", page), nil
}

// masked leaves the first character of a name.
func masked(name string) string {
	for i := range name {
		if i > 0 {
			return name[:i] + "**"
		}
	}
	return "**"
}
