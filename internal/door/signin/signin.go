// Package signin is the door to one's own account: signing in by password and second
// factor, by passkey or by a link, pairing a device; and, once inside, one's means of
// proof and sessions, a house's people and devices, and the trail of what they did.
package signin

import (
	"embed"
	"errors"
	"io/fs"
	"net/http"
	"time"

	"hawker/internal/auth"
	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/store"
	"hawker/internal/web"
)

//go:embed templates/*.html account/*.html
var templates embed.FS

//go:embed static
var static embed.FS

// Pages are both faces of the door.
type Pages struct {
	Guard   *auth.Guard
	DB      *store.DB // for readers
	Clock   clock.Clock
	Cookies Cookies
	Site    string                // "https://pay.example.cn", for links to hand over
	Zone    *time.Location        // of operators
	Home    func(auth.Who) string // where somebody goes who has not said
}

func sub(dir string) fs.FS {
	f, err := fs.Sub(templates, dir)
	if err != nil {
		panic(err) // the embedded folder is there
	}
	return f
}

func files() fs.FS {
	f, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the embedded folder is there
	}
	return f
}

// Doors are the quiet pages of signing in, and the pages of the account in the shell.
func (p *Pages) Doors() []web.Door {
	return []web.Door{
		{Name: "signin", Face: web.Light, Texts: texts, Templates: sub("templates"), Assets: files(), Routes: p.outside()},
		{Name: "account", Face: web.Shell, Texts: accountTexts, Templates: sub("account"), Routes: p.inside(), Nav: []web.Entry{
			{Text: "account.devices", Icon: "device-mobile", Path: "/app/devices", Action: auth.DeviceRead, Order: 80},
			{Text: "account.staff", Icon: "users", Path: "/app/staff", Action: auth.StaffRead, Order: 90},
			{Text: "account.people", Icon: "users", Path: "/ops/people", Action: auth.OperatorRead, Order: 290},
			{Text: "account.security", Icon: "shield-lock", Path: "/security", Action: auth.SelfRead, Order: 100},
			{Text: "account.audit", Icon: "history", Path: "/audit", Action: auth.AuditRead, Order: 105},
		}},
	}
}

func (p *Pages) outside() []web.Route {
	return []web.Route{
		{Method: "GET", Pattern: "/signin", Action: web.Public, Handler: p.ask},
		{Method: "POST", Pattern: "/signin", Action: web.Public, Handler: p.signIn},
		{Method: "GET", Pattern: "/signin/second", Action: web.Public, Handler: p.askSecond},
		{Method: "POST", Pattern: "/signin/second", Action: web.Public, Handler: p.second},
		{Method: "POST", Pattern: "/signin/second/ask", Action: web.Public, Handler: p.secondQuestion},
		{Method: "POST", Pattern: "/signin/passkey/ask", Action: web.Public, Handler: p.question},
		{Method: "POST", Pattern: "/signin/passkey", Action: web.Public, Handler: p.byPasskey},
		{Method: "GET", Pattern: "/hello/{token}", Action: web.Public, Handler: p.link},
		{Method: "POST", Pattern: "/hello/{token}", Action: web.Public, Handler: p.openLink},
		{Method: "POST", Pattern: "/signout", Action: web.Public, Handler: p.signOut},
		{Method: "GET", Pattern: "/pair", Action: web.Public, Handler: p.pair},
		{Method: "POST", Pattern: "/pair/state", Action: web.Public, Handler: p.pairState},
		{Method: "GET", Pattern: "/switch", Action: auth.DeviceUse, Handler: p.askSwitch},
		{Method: "POST", Pattern: "/switch", Action: auth.DeviceUse, Handler: p.switchBy},
	}
}

// asked is the sign-in page.
type asked struct {
	Form     *web.Form
	Next     string
	Passkeys bool
}

// next is where the browser goes after signing in.
func (p *Pages) next(wanted string, who auth.Who) string {
	return web.Local(wanted, p.Home(who))
}

func (p *Pages) ask(r *web.Request) (web.Response, error) {
	next := web.Local(r.URL.Query().Get("next"), "")
	if r.Signed && r.Who.Kind != auth.Device {
		return web.Redirect(p.next(next, r.Who)), nil
	}
	return web.Page("signin", asked{web.EmptyForm(), next, p.Guard.HasPasskeys()}), nil
}

func (p *Pages) signIn(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	page := asked{f, web.Local(f.Value("next"), ""), p.Guard.HasPasskeys()}
	login, secret := f.Need("login"), f.Values.Get("password")
	if secret == "" {
		f.Refuse("password", web.ErrNeeded)
	}
	if !f.OK() {
		return web.Invalid("signin", page), nil
	}
	o, err := p.Cookies.origin(r.Request)
	if err != nil {
		return nil, err
	}
	e, err := p.Guard.SignIn(r.Context(), login, secret, o)
	if err != nil {
		return again(f, "signin", page, err)
	}
	if e.Token == "" {
		p.Cookies.set(r.Writer, halfway, e.Ticket, time.Time{})
		return web.Redirect("/signin/second" + query(page.Next)), nil
	}
	return p.enter(r, e, page.Next)
}

// again shows a form again with a refusal above it; what is ours to mend is no refusal.
func again(f *web.Form, page string, data any, err error) (web.Response, error) {
	switch fault.Of(err).Kind {
	case fault.Internal, fault.Unavailable:
		return nil, err
	case fault.Limited:
		f.Refuse("", err)
		return web.Status(http.StatusTooManyRequests, web.Invalid(page, data)), nil
	}
	f.Refuse("", err)
	return web.Invalid(page, data), nil
}

func query(next string) string {
	if next == "" {
		return ""
	}
	return "?next=" + escape(next)
}

// enter gives the browser its session.
func (p *Pages) enter(r *web.Request, e auth.Entry, next string) (web.Response, error) {
	p.Cookies.set(r.Writer, person, e.Token, e.Ends)
	p.Cookies.set(r.Writer, halfway, "", time.Time{})
	who, err := p.Guard.Find(r.Context(), e.Token, auth.Origin{Address: p.Cookies.address(r.Request)})
	if err != nil {
		return nil, err
	}
	if who.Enrolling {
		return web.Redirect("/security"), nil
	}
	return web.Redirect(p.next(next, who)), nil
}

// halved is the page of the second factor.
type halved struct {
	Form    *web.Form
	Next    string
	Name    string
	Passkey bool
	TOTP    bool
}

func (p *Pages) half(r *web.Request) (halved, string, error) {
	ticket := p.Cookies.get(r.Request, halfway)
	e, err := p.Guard.Halfway(r.Context(), ticket)
	h := halved{Form: web.EmptyForm(), Next: web.Local(r.URL.Query().Get("next"), ""), Name: e.Account.Name}
	for _, m := range e.Second {
		h.Passkey = h.Passkey || m == auth.ByPasskey
		h.TOTP = h.TOTP || m == auth.ByTOTP
	}
	return h, ticket, err
}

func (p *Pages) askSecond(r *web.Request) (web.Response, error) {
	h, _, err := p.half(r)
	if errors.Is(err, auth.ErrHalfway) {
		return web.Redirect("/signin" + query(h.Next)), nil
	} else if err != nil {
		return nil, err
	}
	return web.Page("second", h), nil
}

func (p *Pages) second(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	h, ticket, err := p.half(r)
	if errors.Is(err, auth.ErrHalfway) {
		f.Refuse("", err)
		return web.Invalid("signin", asked{f, web.Local(f.Value("next"), ""), p.Guard.HasPasskeys()}), nil
	} else if err != nil {
		return nil, err
	}
	h.Form, h.Next = f, web.Local(f.Value("next"), "")
	o, err := p.Cookies.origin(r.Request)
	if err != nil {
		return nil, err
	}
	proof := web.ProofOf(f)
	if proof.Means == auth.ByTOTP && len(proof.Code) > 8 { // a recovery code is longer than a one-time code
		proof.Means = auth.ByRecovery
	}
	if proof.Means == "" || (proof.Means != auth.ByPasskey && proof.Code == "") {
		f.Refuse("proof_code", web.ErrNeeded)
		return web.Invalid("second", h), nil
	}
	e, err := p.Guard.Second(r.Context(), ticket, proof, o)
	if err != nil {
		return again(f, "second", h, err)
	}
	return p.enter(r, e, h.Next)
}

func (p *Pages) secondQuestion(r *web.Request) (web.Response, error) {
	q, err := p.Guard.AskSecond(r.Context(), p.Cookies.get(r.Request, halfway))
	if err != nil {
		return nil, err
	}
	return web.JSON(http.StatusOK, q), nil
}

func (p *Pages) question(r *web.Request) (web.Response, error) {
	q, err := p.Guard.AskPasskey(r.Context(), auth.Origin{Address: p.Cookies.address(r.Request)})
	if err != nil {
		return nil, err
	}
	return web.JSON(http.StatusOK, q), nil
}

func (p *Pages) byPasskey(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	page := asked{f, web.Local(f.Value("next"), ""), p.Guard.HasPasskeys()}
	o, err := p.Cookies.origin(r.Request)
	if err != nil {
		return nil, err
	}
	proof := web.ProofOf(f)
	e, err := p.Guard.ByPasskey(r.Context(), proof.Ticket, proof.Answer, o)
	if err != nil {
		return again(f, "signin", page, err)
	}
	return p.enter(r, e, page.Next)
}

// linked is the page of a one-time link.
type linked struct {
	Form    *web.Form
	Token   string
	Name    string
	Login   string
	Role    auth.Role
	Purpose auth.Purpose
}

func (p *Pages) link(r *web.Request) (web.Response, error) {
	token := r.PathValue("token")
	a, purpose, err := p.Guard.Peek(r.Context(), token)
	if err != nil {
		return nil, err
	}
	return web.Page("link", linked{web.EmptyForm(), token, a.Name, a.Login, a.Role, purpose}), nil
}

func (p *Pages) openLink(r *web.Request) (web.Response, error) {
	o, err := p.Cookies.origin(r.Request)
	if err != nil {
		return nil, err
	}
	o.Device = 0 // whoever comes by a link sets up his own means of proof, on no one else's terms
	e, _, err := p.Guard.OpenLink(r.Context(), r.PathValue("token"), o)
	if err != nil {
		return nil, err
	}
	p.Cookies.set(r.Writer, person, e.Token, e.Ends)
	return web.Redirect("/security?welcome=1"), nil
}

func (p *Pages) signOut(r *web.Request) (web.Response, error) {
	if secret := p.Cookies.get(r.Request, person); secret != "" {
		if r.Signed {
			if err := p.Guard.SignOut(r.Context(), r.Who, secret); err != nil {
				return nil, err
			}
		}
		p.Cookies.set(r.Writer, person, "", time.Time{})
	}
	return web.Redirect("/signin"), nil
}
