// Package console is where the institution's operators decide about applicants and watch
// the register: the queue in the order of its time, one application with its papers side
// by side and what a machine found first, whose licence or filing ends, what becomes of
// terminals, and who is not boarded at all. It asks onboarding, institution and fleet; it
// decides nothing itself.
package console

import (
	"context"
	"embed"
	"io/fs"
	"slices"
	"strconv"
	"time"

	"hawker/internal/advice"
	"hawker/internal/auth"
	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/fleet"
	"hawker/internal/institution"
	"hawker/internal/onboarding"
	"hawker/internal/papers"
	"hawker/internal/store"
	"hawker/internal/web"
)

//go:embed templates/*.html static
var embedded embed.FS

// Config is what the door needs.
type Config struct {
	DB     *store.DB
	Office *onboarding.Office
	Clock  clock.Clock
	Terms  institution.Terms
	Guard  Prover
	Fleet  *fleet.Desk
	// Profiles are the host profiles that a terminal may speak.
	Profiles []string
	// Label is the address that a machine's label leads to, by its serial number.
	Label func(ctx context.Context, serial string) (string, error)
}

// Console serves the pages.
type Console struct{ Config }

// New makes the door.
func New(c Config) *Console { return &Console{c} }

// Door is its routes and what its pages are made of.
func (c *Console) Door() web.Door {
	return web.Door{Name: "console", Face: web.Shell, Texts: all(), Templates: sub("templates"), Assets: sub("static"),
		Nav: []web.Entry{
			{Text: "console.overview", Icon: "home", Path: "/ops", Action: auth.ConsoleRead, Order: 200},
			{Text: "console.review", Icon: "clipboard-check", Path: "/ops/review", Action: auth.ReviewRead, Order: 210, Count: c.waiting},
			{Text: "console.register", Icon: "certificate", Path: "/ops/register", Action: auth.RegisterRead, Order: 220},
			{Text: "console.terminals", Icon: "device-mobile", Path: "/ops/terminals", Action: auth.TerminalRead, Order: 224},
			{Text: "console.list", Icon: "flag", Path: "/ops/list", Action: auth.RiskRead, Order: 226},
		},
		Routes: slices.Concat(c.terminalRoutes(), c.listRoutes(), []web.Route{
			{Method: "GET", Pattern: "/ops", Action: auth.ConsoleRead, Handler: c.overview},
			{Method: "POST", Pattern: "/ops/cases/close", Action: auth.CaseWrite, Handler: c.closeCase},
			{Method: "GET", Pattern: "/ops/review", Action: auth.ReviewRead, Handler: c.queue},
			{Method: "GET", Pattern: "/ops/review/{id}", Action: auth.DocumentRead, Handler: c.one},
			{Method: "GET", Pattern: "/ops/review/{id}/photo/{name}", Action: auth.DocumentRead, Handler: c.photo},
			{Method: "POST", Pattern: "/ops/review/{id}/approve", Action: auth.ReviewDecide, Handler: c.approve},
			{Method: "POST", Pattern: "/ops/review/{id}/ask", Action: auth.ReviewDecide, Handler: c.ask},
			{Method: "POST", Pattern: "/ops/review/{id}/reject", Action: auth.ReviewDecide, Handler: c.reject},
			{Method: "GET", Pattern: "/ops/register", Action: auth.RegisterRead, Handler: c.register},
			{Method: "GET", Pattern: "/ops/register/{kind}/{number}", Action: auth.RegisterRead, Handler: c.entry},
		})}
}

func sub(dir string) fs.FS {
	f, err := fs.Sub(embedded, dir)
	if err != nil {
		panic(err) // a name that the compiler has seen
	}
	return f
}

// waiting is how many applications wait for a reviewer; nobody else is shown a count.
func (c *Console) waiting(ctx context.Context, who auth.Who) (n int, err error) {
	if who.Kind != auth.Operator || !auth.Allows(who, auth.ReviewRead) {
		return 0, nil
	}
	counts, err := c.Office.Counts(ctx)
	for _, one := range counts {
		if one.State.Waiting() {
			n += one.All
		}
	}
	return n, err
}

// zone is where the institution's people read times.
var zone = time.FixedZone("UTC+8", 8*60*60)

type words struct {
	English bool
	now     time.Time
}

// Say is a text in the page's language.
func (w words) Say(t advice.Text) string {
	if w.English {
		return t.EN
	}
	return t.ZH
}

// In is a time where the institution is.
func (w words) In(t time.Time) time.Time { return t.In(zone) }

// Late reports whether a time has passed.
func (w words) Late(t time.Time) bool { return !t.IsZero() && t.Before(w.now) }

func (c *Console) words(r *web.Request) words { return words{r.Lang == web.EN, c.Clock()} }

// listed is the queue.
type listed struct {
	words
	List   []onboarding.Application
	More   string // the next page's address
	Counts []onboarding.Count
	State  string
	Grade  string
	Text   string
	Only   bool // what is past its time
}

func (c *Console) queue(r *web.Request) (web.Response, error) {
	q := r.URL.Query()
	v := listed{words: c.words(r), State: q.Get("state"), Grade: q.Get("grade"), Text: q.Get("q"), Only: q.Get("late") == "1"}
	f := onboarding.Filter{State: onboarding.State(v.State), Grade: onboarding.Grade(v.Grade), Text: v.Text, Late: v.Only}
	if _, known := onboarding.Moves[f.State]; !known || f.State == onboarding.Draft || f.State == onboarding.Withdrawn {
		f.State, v.State = "", ""
	}
	if due, err := strconv.ParseInt(q.Get("due"), 10, 64); err == nil {
		id, _ := strconv.ParseInt(q.Get("id"), 10, 64) // 0 begins at the due time itself
		f.After = onboarding.Cursor{Due: store.Time(due).Time(), ID: onboarding.ID(id)}
	}
	var err error
	var more onboarding.Cursor
	if v.List, more, err = c.Office.Queue(r.Context(), f); err != nil {
		return nil, err
	}
	if more.ID != 0 {
		q.Set("due", strconv.FormatInt(int64(store.At(more.Due)), 10))
		q.Set("id", strconv.FormatInt(int64(more.ID), 10))
		v.More = "/ops/review?" + q.Encode()
	}
	if v.Counts, err = c.Office.Counts(r.Context()); err != nil {
		return nil, err
	}
	return web.Page("queue", v), nil
}

// seen is one application as a reviewer has it before him.
type seen struct {
	words
	onboarding.Case
	Rows    []row
	Shots   []shot
	Found   []found
	Checks  []check
	Reason  []check
	Waits   bool
	May     bool
	Refused error
	Form    *web.Form
	Machine string
}

type row struct {
	Name, Label, Value, Before string
	Changed                    bool
	Wrong                      error
	Note                       string
}

type shot struct{ Name, Label string }

type found struct {
	Say, Detail string
	Points      int
	With        []onboarding.Kin
}

type check struct {
	Code, Say string
	On        bool
}

func (c *Console) id(r *web.Request) (onboarding.ID, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, onboarding.ErrUnknown
	}
	return onboarding.ID(id), nil
}

func (c *Console) one(r *web.Request) (web.Response, error) {
	id, err := c.id(r)
	if err != nil {
		return nil, err
	}
	v, err := c.view(r, id, web.EmptyForm(), nil)
	if err != nil {
		return nil, err
	}
	return web.Page("one", v), nil
}

// view fills the page of an application; refused is what was wrong with a decision a moment ago.
func (c *Console) view(r *web.Request, id onboarding.ID, f *web.Form, refused error) (v seen, err error) {
	v = seen{words: c.words(r), Refused: refused, Form: f, May: auth.Allows(r.Who, auth.ReviewDecide)}
	if v.Case, err = c.Office.Review(r.Context(), r.Who, id); err != nil {
		return v, err
	}
	v.Waits = v.State.Waiting()
	notes := map[string]string{}
	for _, n := range v.Notes {
		notes[n.Field] = n.Say
	}
	for _, field := range onboarding.FieldsOf(v.Kind) {
		if field.Photo() {
			if slices.ContainsFunc(v.Photos, func(p onboarding.Photo) bool { return p.Name == field.Name }) {
				v.Shots = append(v.Shots, shot{field.Name, v.Say(field.Label)})
			}
			continue
		}
		value := v.Values[field.Name]
		if value == "" && !field.Needs(v.Kind) {
			continue
		}
		v.Rows = append(v.Rows, row{Name: field.Name, Label: v.Say(field.Label), Value: v.named(field.Name, value), Before: v.named(field.Name, v.Before[field.Name]),
			Changed: slices.Contains(v.Changed, field.Name), Wrong: v.Wrong[field.Name], Note: notes[field.Name]})
	}
	for _, one := range v.Findings {
		v.Found = append(v.Found, found{v.Say(onboarding.Says[one.Code]), one.Detail, one.Points, one.With})
	}
	for _, i := range v.Items {
		v.Checks = append(v.Checks, check{i.Code, v.Say(i.Say), f.Checked("item", i.Code)})
	}
	for _, reason := range onboarding.Reasons {
		v.Reason = append(v.Reason, check{reason.Code, v.Say(reason.Say), f.Checked("reason", reason.Code)})
	}
	if m, err := c.Office.Offer.Model(v.Case.Model); err == nil {
		v.Machine = v.Say(m.Name)
	}
	return v, nil
}

// named is a value as people read it: a code with its name.
func (w words) named(field, value string) string {
	switch field {
	case "mcc":
		if cat, err := papers.ParseMCC(value); err == nil {
			return value + " " + w.Say(advice.Text{ZH: cat.ZH, EN: cat.EN})
		}
	case "region":
		if d, err := papers.DivisionOf(value); err == nil {
			return value + " " + w.Say(advice.Text{ZH: d.ZH, EN: d.EN})
		}
	}
	return value
}

func (c *Console) photo(r *web.Request) (web.Response, error) {
	id, err := c.id(r)
	if err != nil {
		return nil, err
	}
	b, err := c.Office.Show(r.Context(), r.Who, id, r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	return web.Bytes("image/jpeg", b), nil
}

// decide carries a decision out and shows the application again: with what was wrong, or as it is now.
func (c *Console) decide(r *web.Request, do func(d onboarding.Decision, f *web.Form) error) (web.Response, error) {
	id, err := c.id(r)
	if err != nil {
		return nil, err
	}
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	move, _ := strconv.ParseInt(f.Value("seen"), 10, 64) // 0 was never shown: ErrMoved says so
	err = do(onboarding.Decision{ID: id, Seen: move, Said: f.Value("said")}, f)
	if err == nil {
		return web.Redirect("/ops/review/" + strconv.FormatInt(int64(id), 10)), nil
	}
	if fault.Of(err).Kind == fault.Internal {
		return nil, err
	}
	v, more := c.view(r, id, f, err)
	if more != nil {
		return nil, err
	}
	return web.Invalid("one", v), nil
}

func (c *Console) approve(r *web.Request) (web.Response, error) {
	return c.decide(r, func(d onboarding.Decision, f *web.Form) error {
		d.Ticked = f.Values["item"]
		_, err := c.Office.Approve(r.Context(), r.Who, d)
		return err
	})
}

func (c *Console) ask(r *web.Request) (web.Response, error) {
	return c.decide(r, func(d onboarding.Decision, f *web.Form) error {
		d.Notes = map[string]string{}
		for _, field := range onboarding.Fields {
			if note := f.Value("note." + field.Name); note != "" {
				d.Notes[field.Name] = note
			}
		}
		if note := f.Value("note."); note != "" {
			d.Notes[""] = note
		}
		_, err := c.Office.Ask(r.Context(), r.Who, d)
		return err
	})
}

func (c *Console) reject(r *web.Request) (web.Response, error) {
	return c.decide(r, func(d onboarding.Decision, f *web.Form) error {
		d.Reasons = f.Values["reason"]
		_, err := c.Office.Reject(r.Context(), r.Who, d)
		return err
	})
}
