package signin

import (
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"hawker/internal/auth"
	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/qr"
	"hawker/internal/web"
)

func (p *Pages) inside() []web.Route {
	own := []web.Route{
		{Method: "GET", Pattern: "/security", Action: auth.SelfRead, Handler: p.security},
		{Method: "POST", Pattern: "/security/again", Action: auth.SelfWrite, Handler: p.again},
		{Method: "POST", Pattern: "/security/password", Action: auth.SelfWrite, Handler: p.password},
		{Method: "POST", Pattern: "/security/pin", Action: auth.SelfWrite, Handler: p.pin},
		{Method: "POST", Pattern: "/security/passkeys/ask", Action: auth.SelfWrite, Handler: p.newPasskey},
		{Method: "POST", Pattern: "/security/passkeys", Action: auth.SelfWrite, Handler: p.addPasskey},
		{Method: "POST", Pattern: "/security/passkeys/remove", Action: auth.SelfWrite, Handler: p.removePasskey},
		{Method: "POST", Pattern: "/security/totp", Action: auth.SelfWrite, Handler: p.newTOTP},
		{Method: "POST", Pattern: "/security/totp/confirm", Action: auth.SelfWrite, Handler: p.confirmTOTP},
		{Method: "POST", Pattern: "/security/totp/remove", Action: auth.SelfWrite, Handler: p.removeTOTP},
		{Method: "POST", Pattern: "/security/recovery", Action: auth.SelfWrite, Handler: p.recovery},
		{Method: "POST", Pattern: "/security/sessions/{id}/revoke", Action: auth.SelfWrite, Handler: p.revoke},
		{Method: "POST", Pattern: "/security/sessions/revoke", Action: auth.SelfWrite, Handler: p.revokeOthers},
		{Method: "POST", Pattern: "/proof/ask", Action: auth.SelfRead, Handler: p.proofQuestion},
		{Method: "GET", Pattern: "/audit", Action: auth.AuditRead, Handler: p.audit},
		{Method: "GET", Pattern: "/audit/export", Action: auth.AuditRead, Handler: p.exportAudit},
	}
	own = append(own, p.people("/app/staff", auth.StaffRead, auth.StaffWrite)...)
	own = append(own, p.people("/ops/people", auth.OperatorRead, auth.OperatorWrite)...)
	return append(own, p.devices()...)
}

// keyLine is a passkey as a line of the page.
type keyLine struct {
	Key, Name string
	Created   time.Time
}

// safety is the page of one's own means of proof.
type safety struct {
	Account   auth.Account
	Form      *web.Form
	Fresh     bool
	Again     []auth.Means // by which he may prove himself again
	Object    string
	Passkeys  []keyLine
	Possible  bool // passkeys work at this address
	Sessions  []auth.Session
	Recovery  int
	Ends      time.Time // of the password; zero for never
	Remind    bool
	Welcome   bool
	Enrolling bool
	This      int64
	Staff     bool
	Next      string
}

func (p *Pages) safety(r *web.Request) (s safety, err error) {
	ctx, who := r.Context(), r.Who
	if who.Kind != auth.Staff && who.Kind != auth.Operator {
		return s, auth.ErrForbidden
	}
	if s.Account, err = p.Guard.Account(ctx, who.Merchant, who.ID); err != nil {
		return s, err
	}
	if s.Fresh, err = p.Guard.Fresh(ctx, who); err != nil {
		return s, err
	}
	keys, err := p.Guard.Passkeys(ctx, who.Merchant, who.ID)
	if err != nil {
		return s, err
	}
	if s.Sessions, err = p.Guard.Sessions(ctx, who.Merchant, who.ID); err != nil {
		return s, err
	}
	if s.Recovery, err = p.Guard.RecoveryLeft(ctx, who.Merchant, who.ID); err != nil {
		return s, err
	}
	policy, err := p.Guard.Policy(ctx, who.Merchant)
	if err != nil {
		return s, err
	}
	zone, err := p.zone(r)
	if err != nil {
		return s, err
	}
	s.Ends, s.Remind = policy.PasswordEnds(s.Account, p.Clock())
	s.Ends = s.Ends.In(zone)
	s.Account.PasswordAt = s.Account.PasswordAt.In(zone)
	for _, k := range keys {
		s.Passkeys = append(s.Passkeys, keyLine{base64.RawURLEncoding.EncodeToString(k.ID), k.Name, k.Created.In(zone)})
	}
	for i := range s.Sessions {
		s.Sessions[i].Agent = browser(s.Sessions[i].Agent)
		s.Sessions[i].Began, s.Sessions[i].Seen = s.Sessions[i].Began.In(zone), s.Sessions[i].Seen.In(zone)
	}
	for _, m := range s.Account.StepUpMeans() {
		if m != auth.ByPIN {
			s.Again = append(s.Again, m)
		}
	}
	s.Form, s.Object, s.Possible = web.EmptyForm(), auth.Person(who.Kind, who.ID), p.Guard.HasPasskeys()
	s.Welcome, s.Enrolling = r.URL.Query().Has("welcome"), who.Enrolling
	s.This, s.Staff, s.Next = who.Session, who.Kind == auth.Staff, p.Home(who)
	return s, nil
}

// zone is where a person's times are told: his merchant's, or the institution's.
func (p *Pages) zone(r *web.Request) (*time.Location, error) {
	if r.Who.Merchant == 0 {
		return p.Zone, nil
	}
	m, err := merchant.ByID(r.Context(), p.DB.Read(), r.Who.Merchant)
	return m.Zone, err
}

func (p *Pages) security(r *web.Request) (web.Response, error) {
	s, err := p.safety(r)
	if err != nil {
		return nil, err
	}
	return web.Page("security", s), nil
}

// changed goes back to the page after a change, or shows it again with the refusal of one field.
func (p *Pages) changed(r *web.Request, f *web.Form, field string, err error) (web.Response, error) {
	if err == nil {
		return web.Redirect("/security"), nil
	}
	switch fault.Of(err).Kind {
	case fault.Internal, fault.Unavailable:
		return nil, err
	}
	s, pageErr := p.safety(r)
	if pageErr != nil {
		return nil, pageErr
	}
	s.Form = f
	f.Values = nil // no secret goes back to the page
	f.Refuse(field, err)
	if fault.Of(err).Kind == fault.Limited {
		return web.Status(http.StatusTooManyRequests, web.Invalid("security", s)), nil
	}
	return web.Invalid("security", s), nil
}

func (p *Pages) again(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	return p.changed(r, f, "proof", p.Guard.Again(r.Context(), r.Who, web.ProofOf(f)))
}

func (p *Pages) password(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	secret := f.Values.Get("new_password")
	if secret == "" {
		return p.changed(r, f, "new_password", web.ErrNeeded)
	}
	return p.changed(r, f, "new_password", p.Guard.SetPassword(r.Context(), r.Who, secret))
}

func (p *Pages) pin(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	return p.changed(r, f, "new_pin", p.Guard.SetPIN(r.Context(), r.Who, f.Value("new_pin")))
}

func (p *Pages) newPasskey(r *web.Request) (web.Response, error) {
	q, err := p.Guard.NewPasskey(r.Context(), r.Who)
	if err != nil {
		return nil, err
	}
	return web.JSON(http.StatusOK, q), nil
}

func (p *Pages) addPasskey(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	name, proof := f.Value("passkey_name"), web.ProofOf(f)
	if proof.Ticket == "" { // sent without the browser's passkey
		return p.changed(r, f, "passkey_name", auth.ErrPasskey)
	}
	return p.changed(r, f, "passkey_name", p.Guard.AddPasskey(r.Context(), r.Who, proof.Ticket, name, proof.Answer))
}

func (p *Pages) removePasskey(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	id, err := base64.RawURLEncoding.DecodeString(f.Value("id"))
	if err != nil {
		return nil, auth.ErrForeign.Wrap(err)
	}
	return p.changed(r, f, "passkeys", p.Guard.RemovePasskey(r.Context(), r.Who, id))
}

// enrolling is the page on which an app takes over a secret.
type enrolling struct {
	auth.Enrolment
	Form   *web.Form
	Ticket string
	QR     template.HTML
}

func (p *Pages) newTOTP(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	e, ticket, err := p.Guard.NewTOTP(r.Context(), r.Who)
	if err != nil {
		return p.changed(r, f, "totp", err)
	}
	page, err := enrolment(e, ticket, web.EmptyForm())
	if err != nil {
		return nil, err
	}
	return web.Page("totp", page), nil
}

func enrolment(e auth.Enrolment, ticket string, f *web.Form) (enrolling, error) {
	symbol, err := drawn(e.URL)
	return enrolling{e, f, ticket, symbol}, err
}

// drawn is a text as a symbol that phones read.
func drawn(text string) (template.HTML, error) {
	s, err := qr.Draw(text, qr.Screen)
	if err != nil {
		return "", err
	}
	return template.HTML(s.SVG()), nil //nolint:gosec // drawn by us, of squares
}

func (p *Pages) confirmTOTP(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	ticket := f.Value("ticket")
	codes, err := p.Guard.ConfirmTOTP(r.Context(), r.Who, ticket, f.Value("code"))
	if err == nil {
		return web.Page("codes", codes), nil
	}
	if k := fault.Of(err).Kind; k == fault.Internal || k == fault.Unavailable {
		return nil, err
	}
	e, showErr := p.Guard.ShowTOTP(r.Context(), r.Who, ticket)
	if showErr != nil {
		return p.changed(r, f, "totp", showErr)
	}
	f.Refuse("code", err)
	page, err := enrolment(e, ticket, f)
	if err != nil {
		return nil, err
	}
	return web.Invalid("totp", page), nil
}

func (p *Pages) removeTOTP(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	return p.changed(r, f, "totp", p.Guard.RemoveTOTP(r.Context(), r.Who))
}

func (p *Pages) recovery(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	codes, err := p.Guard.NewRecovery(r.Context(), r.Who)
	if err != nil {
		return p.changed(r, f, "totp", err)
	}
	return web.Page("codes", codes), nil
}

func (p *Pages) revoke(r *web.Request) (web.Response, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return nil, auth.ErrForeign.Wrap(err)
	}
	if err := p.Guard.Revoke(r.Context(), r.Who, id); err != nil {
		return nil, err
	}
	return web.Redirect("/security"), nil
}

func (p *Pages) revokeOthers(r *web.Request) (web.Response, error) {
	if err := p.Guard.RevokeOthers(r.Context(), r.Who); err != nil {
		return nil, err
	}
	return web.Redirect("/security"), nil
}

// proofQuestion asks for a passkey as a fresh proof, for any page that has the part "proof".
func (p *Pages) proofQuestion(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	q, err := p.Guard.AskStepUp(r.Context(), r.Who, auth.Action(f.Value("action")), f.Value("object"))
	if err != nil {
		return nil, err
	}
	return web.JSON(http.StatusOK, q), nil
}
