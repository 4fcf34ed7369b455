package apply

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"hawker/internal/advice"
	"hawker/internal/fault"
	"hawker/internal/onboarding"
	"hawker/internal/papers"
	"hawker/internal/picture"
	"hawker/internal/web"
)

var stepNames = map[onboarding.Step]advice.Text{
	onboarding.StepPerson: {ZH: "您本人", EN: "Yourself"}, onboarding.StepShop: {ZH: "店铺", EN: "Your shop"}, onboarding.StepLicence: {ZH: "营业执照", EN: "Your licence"},
	onboarding.StepAccount: {ZH: "收款账户", EN: "Your bank account"}, onboarding.StepPhotos: {ZH: "照片", EN: "Photos"},
}

// stepView is one step of the form.
type stepView struct {
	words
	A       onboarding.Application
	Step    onboarding.Step
	Name    string
	Number  int
	Of      int
	Fields  []fieldView
	Consent []consentView
	Form    *web.Form
	Open    bool
}

type fieldView struct {
	Name, Label, Why, Input, Value, Note string
	Optional                             bool
	Locked                               bool
	There                                bool // the photo
	Error                                error
	Options                              []web.Option
}

type consentView struct {
	Purpose    onboarding.Purpose
	Title, Say string
	Error      error
}

func (p *Apply) step(r *web.Request) (web.Response, error) {
	a, err := p.mine(r)
	if err != nil {
		return web.Redirect("/apply"), nil //nolint:nilerr // nothing to open here: begin
	}
	v, err := p.view(r, a, onboarding.Step(r.PathValue("step")), nil, nil)
	if err != nil {
		return nil, err
	}
	return web.Page("step", v), nil
}

// view fills a step: given is what was just sent, wrong what is wrong with it.
func (p *Apply) view(r *web.Request, a onboarding.Application, s onboarding.Step, given onboarding.Values, wrong map[string]error) (v stepView, err error) {
	steps := onboarding.Steps(a.Kind)
	at := slices.Index(steps, s)
	if at < 0 {
		return v, web.ErrNoPage
	}
	v = stepView{words: wordsOf(r), A: a, Step: s, Number: at + 1, Of: len(steps), Open: a.State.Open(), Form: web.EmptyForm()}
	v.Name = v.Say(stepNames[s])
	ctx, q := r.Context(), p.Office.DB.Read()
	values, err := p.Office.Values(ctx, q, a)
	if err != nil {
		return v, err
	}
	photos, err := onboarding.Photos(ctx, q, a)
	if err != nil {
		return v, err
	}
	consents, err := p.Office.Agreed(ctx, a)
	if err != nil {
		return v, err
	}
	notes := map[string]string{}
	if a.State == onboarding.Correcting {
		list, err := onboarding.Notes(ctx, q, a.ID)
		if err != nil {
			return v, err
		}
		for _, n := range list {
			notes[n.Field] = n.Say
		}
	}
	wanted := map[onboarding.Purpose]bool{}
	for _, f := range onboarding.FieldsOf(a.Kind) {
		if f.Step != s || (f.Name == "face" && notes["face"] == "" && !consents[onboarding.Face]) { // only when a reviewer asks
			continue
		}
		one := fieldView{Name: f.Name, Label: v.Say(f.Label), Why: v.Say(f.Why), Input: f.Input, Value: values[f.Name], Note: notes[f.Name], Optional: !f.Needs(a.Kind),
			Locked: a.Stood() && !f.Changes, Error: wrong[f.Name], Options: p.options(v.words, f.Name, values[f.Name])}
		if g, ok := given[f.Name]; ok {
			one.Value = g
			one.Options = p.options(v.words, f.Name, g)
		}
		one.There = slices.ContainsFunc(photos, func(ph onboarding.Photo) bool { return ph.Name == f.Name })
		v.Fields = append(v.Fields, one)
		if f.Consent != "" {
			wanted[f.Consent] = true
		}
	}
	for _, c := range onboarding.Consents {
		if wanted[c.Purpose] && !consents[c.Purpose] {
			v.Consent = append(v.Consent, consentView{c.Purpose, v.Say(c.Title), v.Say(c.Say), nil})
		}
	}
	return v, nil
}

func (p *Apply) options(w words, field, chosen string) (list []web.Option) {
	add := func(value, text string) {
		list = append(list, web.Option{Value: value, Text: text, Chosen: value == chosen})
	}
	switch field {
	case "mcc":
		add("", "—")
		for _, c := range papers.Categories() {
			add(c.MCC, w.Say(advice.Text{ZH: c.ZH, EN: c.EN}))
		}
	case "region":
		add("", "—")
		for _, d := range papers.Divisions() {
			add(d.Code, w.Say(advice.Text{ZH: d.ZH, EN: d.EN}))
		}
	case "account_kind":
		add("", "—")
		add(onboarding.Personal, w.Say(advice.Text{ZH: "个人银行卡", EN: "Personal card"}))
		add(onboarding.Corporate, w.Say(advice.Text{ZH: "对公账户", EN: "Corporate account"}))
	}
	return list
}

func (p *Apply) save(r *web.Request) (web.Response, error) {
	a, err := p.mine(r)
	if err != nil {
		return nil, err
	}
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	s := onboarding.Step(r.PathValue("step"))
	for _, c := range onboarding.Consents {
		if f.Checked("consent", string(c.Purpose)) {
			if _, err := p.Office.Agree(r.Context(), a.ID, c.Purpose, true); err != nil {
				return nil, err
			}
		}
	}
	given := onboarding.Values{}
	for _, field := range onboarding.FieldsOf(a.Kind) {
		if field.Step == s && !field.Photo() && f.Values.Has(field.Name) {
			given[field.Name] = f.Value(field.Name)
		}
	}
	wrong, a, err := p.Office.Save(r.Context(), a.ID, given)
	if err != nil {
		return nil, err
	}
	steps := onboarding.Steps(a.Kind)
	at := slices.Index(steps, s)
	if at >= 0 && s != onboarding.StepPhotos { // what only shows when fields are held against each other is said here too
		values, err := p.Office.Values(r.Context(), p.Office.DB.Read(), a)
		if err != nil {
			return nil, err
		}
		all, err := p.Office.Wrong(r.Context(), p.Office.DB.Read(), a, values)
		if err != nil {
			return nil, err
		}
		for name := range given {
			if wrong[name] == nil && all[name] != nil {
				wrong[name] = all[name]
			}
		}
	}
	if len(wrong) > 0 {
		v, err := p.view(r, a, s, given, wrong)
		if err != nil {
			return nil, err
		}
		return web.Invalid("step", v), nil
	}
	if at >= 0 && at+1 < len(steps) && s != onboarding.StepPhotos {
		return web.Redirect("/apply/form/" + string(steps[at+1])), nil
	}
	return web.Redirect("/apply/form"), nil
}

// errNoFile is an upload without a file.
var errNoFile = fault.New(fault.Invalid, "photo_none", "请先选一张照片。", "Please choose a photo first.")

func (p *Apply) upload(r *web.Request) (web.Response, error) {
	a, err := p.mine(r)
	if err != nil {
		return nil, err
	}
	name := r.PathValue("name")
	b, err := readPhoto(r)
	if err == nil {
		_, err = p.Office.PutPhoto(r.Context(), a.ID, name, b)
	}
	if k := fault.Of(err); err != nil && k.Kind != fault.Invalid {
		return nil, err
	}
	if err != nil {
		v, more := p.view(r, a, onboarding.StepPhotos, nil, map[string]error{name: err})
		if more != nil {
			return nil, more
		}
		return web.Invalid("step", v), nil
	}
	return web.Redirect("/apply/form/" + string(onboarding.StepPhotos) + "#f-" + name), nil
}

// readPhoto reads one file of a form, a little more than is allowed, so that its size is the reason it is refused for.
func readPhoto(r *web.Request) ([]byte, error) {
	r.Body = http.MaxBytesReader(r.Writer, r.Body, picture.MaxBytes+(1<<20))
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, errNoFile.Wrap(err)
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, errNoFile
		} else if err != nil {
			return nil, fmt.Errorf("read an upload: %w", picture.ErrBig.Wrap(err))
		}
		if part.FormName() != "photo" {
			continue
		}
		b, err := io.ReadAll(io.LimitReader(part, picture.MaxBytes+1))
		if err != nil {
			return nil, picture.ErrBig.Wrap(err)
		}
		if len(b) == 0 {
			return nil, errNoFile
		}
		return b, nil
	}
}

// photo shows an applicant his own photo, watermarked like every copy.
func (p *Apply) photo(r *web.Request) (web.Response, error) {
	a, err := p.mine(r)
	if err != nil {
		return nil, err
	}
	b, err := p.Office.ShowOwn(r.Context(), a, r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	return web.Bytes("image/jpeg", b), nil
}

// act runs something on this browser's application, and shows the overview: with a refusal, or anew.
func (p *Apply) act(r *web.Request, do func(onboarding.ID) error) (web.Response, error) {
	a, err := p.mine(r)
	if err != nil {
		return nil, err
	}
	err = do(a.ID)
	switch f := fault.Of(err); {
	case err == nil:
		return web.Redirect("/apply/form"), nil
	case f.Kind == fault.Internal:
		return nil, err
	}
	if a, more := onboarding.ByID(r.Context(), p.Office.DB.Read(), a.ID); more == nil {
		return p.overview(r, a, err)
	}
	return nil, err
}

func (p *Apply) withdrawConsent(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	return p.act(r, func(id onboarding.ID) error {
		_, err := p.Office.Agree(r.Context(), id, onboarding.Purpose(f.Value("purpose")), false)
		return err
	})
}

func (p *Apply) sendCheck(r *web.Request) (web.Response, error) {
	return p.act(r, func(id onboarding.ID) error { _, err := p.Office.SendCheck(r.Context(), id); return err })
}

func (p *Apply) answerCheck(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	seen := f.Amount("seen", p.Office.Offer.Currency)
	return p.act(r, func(id onboarding.ID) error {
		if err := f.Error("seen"); err != nil {
			return err
		}
		_, err := p.Office.AnswerCheck(r.Context(), id, seen)
		return err
	})
}

// errIncomplete is an application in which something is missing or wrong.
var errIncomplete = fault.New(fault.Invalid, "application_incomplete", "还有内容没填完或需要更正，请看下面标出的步骤。", "Something is missing or wrong. Please see the steps marked below.")

func (p *Apply) submit(r *web.Request) (web.Response, error) {
	return p.act(r, func(id onboarding.ID) error {
		wrong, _, err := p.Office.Submit(r.Context(), id)
		if err == nil && len(wrong) > 0 {
			err = errIncomplete
		}
		return err
	})
}

func (p *Apply) withdraw(r *web.Request) (web.Response, error) {
	return p.act(r, func(id onboarding.ID) error { _, err := p.Office.Withdraw(r.Context(), id); return err })
}

func (p *Apply) reopen(r *web.Request) (web.Response, error) {
	return p.act(r, func(id onboarding.ID) error { _, err := p.Office.Reopen(r.Context(), id); return err })
}

func (p *Apply) discard(r *web.Request) (web.Response, error) {
	return p.act(r, func(id onboarding.ID) error { _, err := p.Office.Discard(r.Context(), id); return err })
}
