package signin

import (
	"errors"
	"html/template"
	"strconv"
	"time"

	"hawker/internal/auth"
	"hawker/internal/fault"
	"hawker/internal/money"
	"hawker/internal/web"
)

// people are the pages of a house's people: a merchant's staff, or operators.
func (p *Pages) people(at string, read, write auth.Action) []web.Route {
	h := house{p, at, write}
	return []web.Route{
		{Method: "GET", Pattern: at, Action: read, Handler: h.list},
		{Method: "GET", Pattern: at + "/new", Action: write, Handler: h.blank},
		{Method: "POST", Pattern: at + "/new", Action: write, Handler: h.invite},
		{Method: "GET", Pattern: at + "/{id}", Action: read, Handler: h.person},
		{Method: "POST", Pattern: at + "/{id}", Action: write, Handler: h.change},
		{Method: "GET", Pattern: at + "/rules", Action: auth.SettingsWrite, Handler: h.rules},
		{Method: "POST", Pattern: at + "/rules", Action: auth.SettingsWrite, Handler: h.setRules},
	}
}

type house struct {
	*Pages
	at    string
	write auth.Action
}

// crew is the list of people.
type crew struct {
	At     string
	People []auth.Account
	May    bool // change them
	Rules  bool
	Now    time.Time
}

// mine refuses whoever belongs to the other kind of house.
func (h house) mine(r *web.Request) error {
	if (h.write == auth.OperatorWrite) != (r.Who.Kind == auth.Operator) {
		return auth.ErrForbidden
	}
	return nil
}

func (h house) list(r *web.Request) (web.Response, error) {
	if err := h.mine(r); err != nil {
		return nil, err
	}
	list, err := h.Guard.People(r.Context(), r.Who.Merchant)
	if err != nil {
		return nil, err
	}
	zone, err := h.zone(r)
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].Seen = list[i].Seen.In(zone)
	}
	return web.Page("people", crew{h.at, list, auth.Allows(r.Who, h.write), auth.Allows(r.Who, auth.SettingsWrite), h.Clock()}), nil
}

// asking is any form that takes a fresh proof.
type asking struct {
	At     string
	Form   *web.Form
	Means  []auth.Means
	Action auth.Action
	Object string

	Account auth.Account // of the person; zero for a new one
	Do      string       // role, suspend, resume, link
	Acts    []string
	Roles   []web.Option
	May     bool
	Self    bool
}

func (h house) asking(r *web.Request, f *web.Form, object string) (asking, error) {
	me, err := h.Guard.Account(r.Context(), r.Who.Merchant, r.Who.ID)
	if err != nil {
		return asking{}, err
	}
	return asking{At: h.at, Form: f, Means: me.StepUpMeans(), Action: h.write, Object: object, May: auth.Allows(r.Who, h.write)}, nil
}

// roles are the choices of a role, in words.
func roles(r *web.Request, chosen auth.Role) (list []web.Option) {
	for _, role := range auth.Roles(r.Who.Kind) {
		list = append(list, web.Option{Value: string(role), Text: r.T("account.role." + string(role)), Chosen: role == chosen})
	}
	return list
}

func (h house) blank(r *web.Request) (web.Response, error) {
	a, err := h.invitation(r, web.EmptyForm())
	if err != nil {
		return nil, err
	}
	return web.Page("invite", a), nil
}

func (h house) invitation(r *web.Request, f *web.Form) (asking, error) {
	if err := h.mine(r); err != nil {
		return asking{}, err
	}
	a, err := h.asking(r, f, auth.Person(r.Who.Kind, 0))
	chosen := auth.Role(f.Value("role"))
	if chosen == "" {
		chosen = map[auth.Kind]auth.Role{auth.Staff: auth.Cashier, auth.Operator: auth.Support}[r.Who.Kind]
	}
	a.Roles = roles(r, chosen)
	return a, err
}

// fields says under which field a refusal of an account stands.
var fields = map[string]*fault.Fault{"login": auth.ErrLogin, "name": auth.ErrName, "phone": auth.ErrPhone, "role": auth.ErrRole}

// refused shows a form again: under its field if it is about one, with the proof, or above all.
func refused(f *web.Form, page string, data any, err error) (web.Response, error) {
	for field, known := range fields {
		if errors.Is(err, known) {
			f.Refuse(field, err)
			return web.Invalid(page, data), nil
		}
	}
	if errors.Is(err, auth.ErrTaken) {
		f.Refuse("login", err)
		return web.Invalid(page, data), nil
	}
	for _, proof := range []error{auth.ErrStepUp, auth.ErrStepUpStale, auth.ErrProof, auth.ErrPIN, auth.ErrPasskey, auth.ErrHalfway, auth.ErrUnproven} {
		if errors.Is(err, proof) {
			f.Refuse("proof", err)
			return web.Invalid(page, data), nil
		}
	}
	return again(f, page, data, err)
}

func (h house) invite(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	page, err := h.invitation(r, f)
	if err != nil {
		return nil, err
	}
	n := auth.NewAccount{Login: f.Need("login"), Name: f.Need("name"), Phone: f.Value("phone"), Role: auth.Role(f.Value("role"))}
	if !f.OK() {
		return web.Invalid("invite", page), nil
	}
	proof, err := h.Guard.StepUp(r.Context(), r.Who, page.Action, page.Object, web.ProofOf(f))
	if err != nil {
		return refused(f, "invite", page, err)
	}
	a, link, err := h.Guard.Invite(r.Context(), r.Who, proof, n)
	if err != nil {
		return refused(f, "invite", page, err)
	}
	return h.handOver(a, link, auth.Invite)
}

// handed is a link that is shown once.
type handed struct {
	At, URL string
	Account auth.Account
	Purpose auth.Purpose
	QR      template.HTML
}

func (h house) handOver(a auth.Account, link string, p auth.Purpose) (web.Response, error) {
	url := h.Site + "/hello/" + link
	symbol, err := drawn(url)
	if err != nil {
		return nil, err
	}
	return web.Page("invited", handed{h.at, url, a, p, symbol}), nil
}

// found is the person of the address, with what may be done to him.
func (h house) found(r *web.Request, f *web.Form) (asking, error) {
	if err := h.mine(r); err != nil {
		return asking{}, err
	}
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return asking{}, auth.ErrNoPerson.Wrap(err)
	}
	who, err := h.Guard.Account(r.Context(), r.Who.Merchant, id)
	if err != nil {
		return asking{}, err
	}
	zone, err := h.zone(r)
	if err != nil {
		return asking{}, err
	}
	who.Seen, who.Created = who.Seen.In(zone), who.Created.In(zone)
	a, err := h.asking(r, f, auth.Person(r.Who.Kind, id))
	a.Account, a.Self, a.Roles = who, who.ID == r.Who.ID, roles(r, who.Role)
	switch who.State {
	case auth.Suspended:
		a.Acts = []string{"resume"}
	default:
		a.Acts = []string{"role", "link", "suspend"}
	}
	a.Do = r.FormValue("do")
	if known := map[string]bool{"role": true, "link": true, "suspend": true, "resume": true}; !known[a.Do] {
		a.Do = a.Acts[0]
	}
	return a, err
}

func (h house) person(r *web.Request) (web.Response, error) {
	a, err := h.found(r, web.EmptyForm())
	if err != nil {
		return nil, err
	}
	return web.Page("person", a), nil
}

func (h house) change(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	page, err := h.found(r, f)
	if err != nil {
		return nil, err
	}
	ctx, id := r.Context(), page.Account.ID
	proof, err := h.Guard.StepUp(ctx, r.Who, page.Action, page.Object, web.ProofOf(f))
	if err != nil {
		return refused(f, "person", page, err)
	}
	switch page.Do {
	case "role":
		err = h.Guard.ChangeRole(ctx, r.Who, proof, id, auth.Role(f.Value("role")))
	case "suspend":
		err = h.Guard.Suspend(ctx, r.Who, proof, id)
	case "resume":
		err = h.Guard.Resume(ctx, r.Who, proof, id)
	case "link":
		a, link, linkErr := h.Guard.Relink(ctx, r.Who, proof, id)
		if linkErr == nil {
			return h.handOver(a, link, map[bool]auth.Purpose{true: auth.Reset, false: auth.Invite}[a.State == auth.Active])
		}
		err = linkErr
	}
	if err != nil {
		return refused(f, "person", page, err)
	}
	return web.Redirect(h.at), nil
}

// ruled is the form of a house's rules.
type ruled struct {
	asking
	Staff bool
}

func (h house) ruled(r *web.Request, f *web.Form) (ruled, error) {
	if err := h.mine(r); err != nil {
		return ruled{}, err
	}
	a, err := h.asking(r, f, "policy")
	a.Action = auth.SettingsWrite
	return ruled{a, r.Who.Kind == auth.Staff}, err
}

func (h house) rules(r *web.Request) (web.Response, error) {
	policy, err := h.Guard.Policy(r.Context(), r.Who.Merchant)
	if err != nil {
		return nil, err
	}
	page, err := h.ruled(r, web.EmptyForm("days", strconv.Itoa(policy.PasswordDays), "idle", strconv.Itoa(int(policy.POSIdle/time.Minute)), "free", money.New(policy.RefundFree, money.CNY).Decimal()))
	if err != nil {
		return nil, err
	}
	return web.Page("rules", page), nil
}

func (h house) setRules(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	page, err := h.ruled(r, f)
	if err != nil {
		return nil, err
	}
	policy, err := h.Guard.Policy(r.Context(), r.Who.Merchant)
	if err != nil {
		return nil, err
	}
	number := func(name string) int {
		n, err := strconv.Atoi(f.Need(name))
		if err != nil {
			f.Refuse(name, auth.ErrPolicy.Wrap(err))
		}
		return n
	}
	policy.PasswordDays = number("days")
	if page.Staff {
		policy.POSIdle = time.Duration(number("idle")) * time.Minute
		policy.RefundFree = f.Amount("free", money.CNY).Minor()
	}
	if !f.OK() {
		return web.Invalid("rules", page), nil
	}
	proof, err := h.Guard.StepUp(r.Context(), r.Who, auth.SettingsWrite, "policy", web.ProofOf(f))
	if err == nil {
		err = h.Guard.SetPolicy(r.Context(), r.Who, proof, policy)
	}
	if err != nil {
		return refused(f, "rules", page, err)
	}
	return web.Redirect(h.at), nil
}
