package signin

import (
	"errors"
	"strconv"

	"hawker/internal/auth"
	"hawker/internal/web"
)

// switching is the page on which a cashier takes over a paired device.
type switching struct {
	Form     *web.Form
	Cashiers []auth.Account
	Chosen   int64
	Next     string
	Here     string // who is signed in at the device; "" for nobody
}

func (p *Pages) switching(r *web.Request, f *web.Form) (switching, error) {
	list, err := p.Guard.Cashiers(r.Context(), r.Who.Merchant)
	s := switching{Form: f, Cashiers: list, Next: web.Local(r.FormValue("next"), "")}
	if r.Who.Kind == auth.Staff {
		s.Here = r.Who.Name
	}
	if id, err := strconv.ParseInt(f.Value("cashier"), 10, 64); err == nil {
		s.Chosen = id
	} else if len(list) > 0 {
		s.Chosen = list[0].ID
	}
	return s, err
}

func (p *Pages) askSwitch(r *web.Request) (web.Response, error) {
	s, err := p.switching(r, web.EmptyForm())
	if err != nil {
		return nil, err
	}
	return web.Page("switch", s), nil
}

func (p *Pages) switchBy(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	s, err := p.switching(r, f)
	if err != nil {
		return nil, err
	}
	pin := f.Need("pin")
	f.Values.Del("pin")
	if !f.OK() {
		return web.Invalid("switch", s), nil
	}
	o, err := p.Cookies.origin(r.Request)
	if err != nil {
		return nil, err
	}
	e, err := p.Guard.Switch(r.Context(), r.Who, s.Chosen, pin, o)
	if errors.Is(err, auth.ErrPIN) || errors.Is(err, auth.ErrNoPerson) {
		f.Refuse("pin", auth.ErrPIN.Wrap(err))
		return web.Invalid("switch", s), nil
	} else if err != nil {
		return again(f, "switch", s, err)
	}
	return p.enter(r, e, s.Next)
}
