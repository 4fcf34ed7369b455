package apply

import (
	"html/template"
	"slices"
	"time"

	"hawker/internal/advice"
	"hawker/internal/onboarding"
	"hawker/internal/qr"
	"hawker/internal/web"
)

// overview is the application as its applicant sees it.
type overview struct {
	words
	A        onboarding.Application
	Steps    []stepState
	Notes    []noted
	Said     string
	Reasons  []string
	Check    onboarding.AccountCheck
	CanCheck bool
	Lines    []Line
	Agreed   []agreed
	Link     string
	Code     template.HTML
	Wrong    error
	Plan     *advice.Plan
	Pending  bool // a merchant's change that is not submitted
	Orders   []ordered
	Enter    bool // the merchant is there, and its owner can make his sign-in
}

type stepState struct {
	Step    onboarding.Step
	Name    string
	Missing int
	First   error
}

type noted struct{ Field, Say string }

// ordered is a terminal that was ordered for the merchant.
type ordered struct {
	Machine string
	Waits   bool // it is not his yet
	At      time.Time
}

type agreed struct {
	Purpose onboarding.Purpose
	Title   string
}

func (p *Apply) form(r *web.Request) (web.Response, error) {
	a, err := p.mine(r)
	if err != nil {
		return web.Redirect("/apply"), nil //nolint:nilerr // nothing to open here: begin
	}
	return p.overview(r, a, nil)
}

// overview shows everything; wrong is what was refused a moment ago.
func (p *Apply) overview(r *web.Request, a onboarding.Application, refused error) (web.Response, error) {
	v := overview{words: wordsOf(r), A: a, Wrong: refused, Enter: a.Stood() && p.Enter != nil, Pending: a.Stood() && a.State == onboarding.Approved && a.Revision > a.Stands}
	if a.State == onboarding.Withdrawn {
		return web.Page("form", v), nil
	}
	ctx, q := r.Context(), p.Office.DB.Read()
	values, err := p.Office.Values(ctx, q, a)
	if err != nil {
		return nil, err
	}
	wrong, err := p.Office.Wrong(ctx, q, a, values)
	if err != nil {
		return nil, err
	}
	for _, s := range onboarding.Steps(a.Kind) {
		one := stepState{Step: s, Name: v.Say(stepNames[s])}
		for _, f := range onboarding.FieldsOf(a.Kind) {
			if f.Step == s && wrong[f.Name] != nil {
				one.Missing++
			}
		}
		v.Steps = append(v.Steps, one)
	}
	if v.Check, err = p.Office.AccountCheck(ctx, q, a, values); err != nil {
		return nil, err
	}
	v.CanCheck = values["account"] != "" && wrong["account"] == nil && wrong["account_holder"] == nil && wrong["bank"] == nil
	if p.Statement != nil && v.Check.State == "sent" {
		v.Lines = p.Statement(values["account"])
	}
	if err := p.told(r, a, &v); err != nil {
		return nil, err
	}
	if a.Stood() {
		list, err := onboarding.Orders(ctx, q, a.Merchant)
		if err != nil {
			return nil, err
		}
		for _, o := range list {
			v.Orders = append(v.Orders, ordered{p.machine(v.words, o.Model), o.State == "ordered", o.At})
		}
	}
	if plan, err := p.Office.Offer.Compose(a.Needs, a.Model, a.FeePlan); err == nil {
		v.Plan = &plan
	}
	v.Link = p.Base + "/apply/open/" + value(r, secretCookie)
	if code, err := qr.Draw(v.Link, qr.Screen); err == nil {
		v.Code = template.HTML(code.SVG()) //nolint:gosec // drawn by us from numbers
	}
	if refused != nil {
		return web.Invalid("form", v), nil
	}
	return web.Page("form", v), nil
}

// machine is what a model is called.
func (p *Apply) machine(w words, code string) string {
	m, err := p.Office.Offer.Model(code)
	if err != nil {
		return code
	}
	return w.Say(m.Name)
}

// told is what reviewers said, and what was agreed to.
func (p *Apply) told(r *web.Request, a onboarding.Application, v *overview) error {
	ctx, q := r.Context(), p.Office.DB.Read()
	if a.State == onboarding.Correcting {
		notes, err := onboarding.Notes(ctx, q, a.ID)
		if err != nil {
			return err
		}
		for _, n := range notes {
			v.Notes = append(v.Notes, noted{p.label(v.words, a.Kind, n.Field), n.Say})
		}
	}
	history, err := onboarding.History(ctx, q, a.ID)
	if err != nil {
		return err
	}
	if len(history) > 0 {
		last := history[len(history)-1]
		v.Said = last.Said
		if last.Event == onboarding.Reject || last.Event == onboarding.Keep {
			for _, reason := range onboarding.Reasons {
				if slices.Contains(last.Reasons, reason.Code) {
					v.Reasons = append(v.Reasons, v.Say(reason.Say))
				}
			}
		}
	}
	given, err := p.Office.Agreed(ctx, a)
	for _, c := range onboarding.Consents {
		if given[c.Purpose] {
			v.Agreed = append(v.Agreed, agreed{c.Purpose, v.Say(c.Title)})
		}
	}
	return err
}

// enter leads the owner of an approved merchant to his sign-in.
func (p *Apply) enter(r *web.Request) (web.Response, error) {
	if !p.starts.Lets(r.Request) {
		return nil, errOften
	}
	a, err := p.mine(r)
	if err != nil {
		return nil, err
	}
	if !a.Stood() || p.Enter == nil {
		return nil, errNotYet
	}
	v, err := p.Office.Values(r.Context(), p.Office.DB.Read(), a)
	if err != nil {
		return nil, err
	}
	path, err := p.Enter(r.Context(), a.Merchant, v["holder"])
	if err != nil {
		return nil, err
	}
	return web.Redirect(path), nil
}

func (p *Apply) label(w words, k advice.Kind, field string) string {
	for _, f := range onboarding.FieldsOf(k) {
		if f.Name == field {
			return w.Say(f.Label)
		}
	}
	return ""
}
