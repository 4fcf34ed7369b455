package signin

import (
	"net/http"
	"time"

	"hawker/internal/auth"
	"hawker/internal/web"
)

// paired is the page of a device that waits to be taken.
type paired struct {
	Code  string // "123 456"
	Until int64  // seconds since 1970
}

// pair shows a code on a device that is to take payments. A device that is paired already goes to its work.
func (p *Pages) pair(r *web.Request) (web.Response, error) {
	if r.Signed && r.Who.Kind == auth.Device {
		return web.Redirect(p.Home(r.Who)), nil
	}
	o := auth.Origin{Address: p.Cookies.address(r.Request), Agent: r.UserAgent()}
	shown, secret, err := p.Guard.ShowCode(r.Context(), o)
	if err != nil {
		return nil, err
	}
	p.Cookies.set(r.Writer, waiting, secret, shown.Ends)
	return web.Page("pair", paired{shown.Code[:3] + " " + shown.Code[3:], shown.Ends.Unix()}), nil
}

// pairState gives the device its own session once somebody has taken its code.
func (p *Pages) pairState(r *web.Request) (web.Response, error) {
	o := auth.Origin{Address: p.Cookies.address(r.Request), Agent: r.UserAgent()}
	e, ok, err := p.Guard.Paired(r.Context(), p.Cookies.get(r.Request, waiting), o)
	if err != nil {
		return nil, err
	}
	if !ok {
		return web.JSON(http.StatusOK, map[string]any{"paired": false}), nil
	}
	p.trust(r, e)
	who, err := p.Guard.Find(r.Context(), e.Token, o)
	if err != nil {
		return nil, err
	}
	return web.JSON(http.StatusOK, map[string]any{"paired": true, "next": p.Home(who)}), nil
}

// trust gives the browser a device's session.
func (p *Pages) trust(r *web.Request, e auth.Entry) {
	p.Cookies.set(r.Writer, device, e.Token, e.Ends)
	p.Cookies.set(r.Writer, waiting, "", time.Time{})
}
