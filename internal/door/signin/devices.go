package signin

import (
	"errors"
	"strconv"

	"hawker/internal/auth"
	"hawker/internal/web"
)

func (p *Pages) devices() []web.Route {
	return []web.Route{
		{Method: "GET", Pattern: "/app/devices", Action: auth.DeviceRead, Handler: p.listDevices},
		{Method: "POST", Pattern: "/app/devices/find", Action: auth.DeviceWrite, Handler: p.findDevice},
		{Method: "POST", Pattern: "/app/devices/pair", Action: auth.DeviceWrite, Handler: p.takeDevice},
		{Method: "POST", Pattern: "/app/devices/here", Action: auth.DeviceWrite, Handler: p.pairHere},
		{Method: "POST", Pattern: "/app/devices/{id}/lock", Action: auth.DeviceWrite, Handler: p.lockDevice},
		{Method: "POST", Pattern: "/app/devices/{id}/revoke", Action: auth.DeviceWrite, Handler: p.revokeDevice},
	}
}

// fleet is the page of a merchant's paired devices.
type fleet struct {
	Form    *web.Form
	Devices []auth.PairedDevice
	Found   *auth.Pairing // the device whose code was typed
	May     bool
	This    int64 // the device of this browser
}

func (p *Pages) fleet(r *web.Request, f *web.Form) (fleet, error) {
	list, err := p.Guard.Devices(r.Context(), r.Who.Merchant)
	if err != nil {
		return fleet{}, err
	}
	zone, err := p.zone(r)
	if err != nil {
		return fleet{}, err
	}
	for i := range list {
		list[i].Agent = browser(list[i].Agent)
		list[i].Paired, list[i].Seen = list[i].Paired.In(zone), list[i].Seen.In(zone)
	}
	o, err := p.Cookies.origin(r.Request)
	return fleet{Form: f, Devices: list, May: auth.Allows(r.Who, auth.DeviceWrite), This: o.Device}, err
}

func (p *Pages) listDevices(r *web.Request) (web.Response, error) {
	page, err := p.fleet(r, web.EmptyForm())
	if err != nil {
		return nil, err
	}
	return web.Page("devices", page), nil
}

func (p *Pages) findDevice(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	page, err := p.fleet(r, f)
	if err != nil {
		return nil, err
	}
	found, err := p.Guard.FindCode(r.Context(), r.Who, f.Need("code"))
	switch {
	case errors.Is(err, auth.ErrPairing):
		f.Refuse("code", err)
		return web.Invalid("devices", page), nil
	case err != nil:
		return again(f, "devices", page, err)
	}
	found.Agent = browser(found.Agent)
	page.Found = &found
	return web.Page("devices", page), nil
}

func (p *Pages) takeDevice(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	_, err = p.Guard.TakeCode(r.Context(), r.Who, f.Value("code"), f.Value("device_name"), f.Checked("locked", "1"))
	return p.deviceDone(r, f, err)
}

func (p *Pages) pairHere(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	o, err := p.Cookies.origin(r.Request)
	if err != nil {
		return nil, err
	}
	_, e, err := p.Guard.PairHere(r.Context(), r.Who, f.Value("device_name"), f.Checked("locked", "1"), o)
	if err == nil {
		p.trust(r, e)
	}
	return p.deviceDone(r, f, err)
}

// deviceDone goes back to the list, or shows the form again with what is wrong.
func (p *Pages) deviceDone(r *web.Request, f *web.Form, err error) (web.Response, error) {
	if err == nil {
		return web.Redirect("/app/devices"), nil
	}
	page, pageErr := p.fleet(r, f)
	if pageErr != nil {
		return nil, pageErr
	}
	if errors.Is(err, auth.ErrDeviceName) {
		f.Refuse("device_name", err)
		if code := f.Value("code"); code != "" {
			if found, err := p.Guard.FindCode(r.Context(), r.Who, code); err == nil {
				found.Agent = browser(found.Agent)
				page.Found = &found
			}
		}
		return web.Invalid("devices", page), nil
	}
	return again(f, "devices", page, err)
}

func deviceID(r *web.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, auth.ErrNoDevice.Wrap(err)
	}
	return id, nil
}

func (p *Pages) lockDevice(r *web.Request) (web.Response, error) {
	id, err := deviceID(r)
	if err != nil {
		return nil, err
	}
	if err := p.Guard.SetLocked(r.Context(), r.Who, id, r.FormValue("locked") == "1"); err != nil {
		return nil, err
	}
	return web.Redirect("/app/devices"), nil
}

func (p *Pages) revokeDevice(r *web.Request) (web.Response, error) {
	id, err := deviceID(r)
	if err != nil {
		return nil, err
	}
	if err := p.Guard.RevokeDevice(r.Context(), r.Who, id); err != nil {
		return nil, err
	}
	return web.Redirect("/app/devices"), nil
}
