package console

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hawker/internal/audit"
	"hawker/internal/auth"
	"hawker/internal/fault"
	"hawker/internal/fleet"
	"hawker/internal/merchant"
	"hawker/internal/onboarding"
	"hawker/internal/terminal"
	"hawker/internal/web"
)

func (c *Console) terminalRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Pattern: "/ops/terminals", Action: auth.TerminalRead, Handler: c.terminals},
		{Method: "GET", Pattern: "/ops/terminals/{merchant}/{tid}", Action: auth.TerminalRead, Handler: c.terminal},
		{Method: "POST", Pattern: "/ops/terminals/{merchant}/{tid}", Action: auth.TerminalWrite, Handler: c.act},
		{Method: "GET", Pattern: "/ops/orders/{merchant}/{order}", Action: auth.TerminalWrite, Handler: c.order},
		{Method: "POST", Pattern: "/ops/orders/{merchant}/{order}", Action: auth.TerminalWrite, Handler: c.deliver},
	}
}

// machines is what somebody looked for, and which merchants wait for a machine.
type machines struct {
	words
	Text   string
	Found  []machine
	Orders []waiting
	May    bool
}

type machine struct {
	terminal.Terminal
	MID, Shop string
}

type waiting struct {
	onboarding.Order
	MID, Shop, Machine string
}

// named is a merchant's name in the page's language.
func (w words) shop(m merchant.Merchant) string {
	if w.English && m.NameEN != "" {
		return m.NameEN
	}
	return m.NameZH
}

// search finds terminals by the machine's serial, the merchant's number or a part of his name.
func (c *Console) search(r *web.Request, text string, w words) (list []machine, err error) {
	ctx, q := r.Context(), c.DB.Read()
	if text == "" {
		return nil, nil
	}
	var shops []merchant.Merchant
	if t, err := terminal.BySerial(ctx, q, strings.ToUpper(text)); err == nil {
		m, err := merchant.ByID(ctx, q, t.Merchant)
		if err != nil {
			return nil, err
		}
		return []machine{{t, m.MID, w.shop(m)}}, nil
	} else if fault.Of(err).Kind != fault.NotFound {
		return nil, err
	}
	if shops, err = merchant.Search(ctx, q, text, 20); err != nil {
		return nil, err
	}
	for _, m := range shops {
		of, err := terminal.List(ctx, q, m.ID)
		if err != nil {
			return nil, err
		}
		for _, t := range of[:min(len(of), mostShown)] {
			list = append(list, machine{t, m.MID, w.shop(m)})
		}
	}
	return list, nil
}

func (c *Console) terminals(r *web.Request) (web.Response, error) {
	if err := operator(r); err != nil {
		return nil, err
	}
	v := machines{words: c.words(r), Text: strings.TrimSpace(r.URL.Query().Get("q")), May: auth.Allows(r.Who, auth.TerminalWrite)}
	var err error
	if v.Found, err = c.search(r, v.Text, v.words); err != nil {
		return nil, err
	}
	open, err := onboarding.OpenOrders(r.Context(), c.DB.Read(), mostShown)
	if err != nil {
		return nil, err
	}
	for _, o := range open {
		one, err := c.awaited(r, o)
		if err != nil {
			return nil, err
		}
		v.Orders = append(v.Orders, one)
	}
	return web.Page("terminals", v), nil
}

func (c *Console) awaited(r *web.Request, o onboarding.Order) (waiting, error) {
	w := c.words(r)
	one := waiting{Order: o, Machine: o.Model}
	if model, err := c.Office.Offer.Model(o.Model); err == nil {
		one.Machine = w.Say(model.Name)
	}
	m, err := merchant.ByID(r.Context(), c.DB.Read(), o.Merchant)
	one.MID, one.Shop = m.MID, w.shop(m)
	return one, err
}

// held is one terminal with what may be done to it.
type held struct {
	words
	Asked asking
	machine
	Label   string // where its label leads; "" for nobody who may not see it
	Acts    []fleet.Act
	Do      fleet.Act
	Proven  bool
	May     bool
	Fresh   bool // it was registered a moment ago: keys and certificate come next
	Form    *web.Form
	History []acted
}

// acted is one act on a terminal.
type acted struct {
	What, Who, Why string
	At             time.Time
}

func (c *Console) held(r *web.Request, f *web.Form) (v held, err error) {
	if err := operator(r); err != nil {
		return v, err
	}
	ctx, q := r.Context(), c.DB.Read()
	id, err := strconv.ParseInt(r.PathValue("merchant"), 10, 64)
	if err != nil {
		return v, terminal.ErrUnknown
	}
	v = held{words: c.words(r), Form: f, May: auth.Allows(r.Who, auth.TerminalWrite), Fresh: r.URL.Query().Get("fresh") == "1"}
	m, err := merchant.ByID(ctx, q, merchant.ID(id))
	if err != nil {
		return v, err
	}
	v.machine = machine{MID: m.MID, Shop: v.shop(m)}
	if v.Terminal, err = terminal.ByID(ctx, q, m.ID, terminal.ID(r.PathValue("tid"))); err != nil {
		return v, err
	}
	object := fleet.Object(m.ID, v.ID)
	if v.Asked, err = c.asking(r, auth.TerminalWrite, object); err != nil {
		return v, err
	}
	if v.May { // who may not register machines needs to make no labels
		if v.Label, err = c.Label(ctx, v.Serial); err != nil {
			return v, err
		}
	}
	for _, a := range fleet.Acts {
		if _, err := fleet.Next(v.State, a); err == nil {
			v.Acts = append(v.Acts, a)
		}
	}
	if v.Do = fleet.Act(r.FormValue("do")); !slices.Contains(v.Acts, v.Do) && len(v.Acts) > 0 {
		v.Do = v.Acts[0]
	}
	v.Proven = v.Do.Proven()
	records, err := audit.List(ctx, q, audit.Filter{Merchant: int64(m.ID), Object: object, Limit: 20})
	for _, one := range records {
		var after struct {
			Why string `json:"why"`
		}
		_ = json.Unmarshal(one.After, &after) // what is older than reasons has none
		what := fleet.Act(strings.TrimPrefix(one.What, "terminal."))
		said := v.Act(what)
		if what == "register" {
			said = r.T("console.orders.register")
		}
		if said == "" { // what a machine wrote down
			continue
		}
		v.History = append(v.History, acted{said, cmp.Or(one.Who.Name, fmt.Sprintf("%s/%d", one.Who.Kind, one.Who.ID)), after.Why, one.At})
	}
	return v, err
}

func (c *Console) terminal(r *web.Request) (web.Response, error) {
	v, err := c.held(r, web.EmptyForm())
	if err != nil {
		return nil, err
	}
	return web.Page("terminal", v), nil
}

// act does what was chosen and confirmed.
func (c *Console) act(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	v, err := c.held(r, f)
	if err != nil {
		return nil, err
	}
	a := fleet.Act(f.Value("do"))
	err = c.prove(r, f, auth.TerminalWrite, v.Asked.Object, func(p auth.StepUp) error {
		_, err := c.Fleet.Do(r.Context(), r.Who, p, v.Merchant, v.ID, a, f.Value("why"))
		return err
	})
	if err == nil {
		return web.Redirect(fmt.Sprintf("/ops/terminals/%d/%s", v.Merchant, v.ID)), nil
	}
	if err := refused(f, map[string][]error{"why": {fleet.ErrReason}}, err); err != nil {
		return nil, err
	}
	return web.Invalid("terminal", v), nil
}

// delivery is an order that becomes a terminal.
type delivery struct {
	words
	Asked asking
	waiting
	Form     *web.Form
	Profiles []web.Option
	Langs    []web.Option
}

func (c *Console) delivery(r *web.Request, f *web.Form) (v delivery, err error) {
	if err := operator(r); err != nil {
		return v, err
	}
	m, err := strconv.ParseInt(r.PathValue("merchant"), 10, 64)
	if err != nil {
		return v, onboarding.ErrNoOrder
	}
	id, err := strconv.ParseInt(r.PathValue("order"), 10, 64)
	if err != nil {
		return v, onboarding.ErrNoOrder
	}
	v = delivery{words: c.words(r), Form: f}
	o, err := onboarding.OrderOf(r.Context(), c.DB.Read(), merchant.ID(m), id)
	if err != nil {
		return v, err
	}
	if v.waiting, err = c.awaited(r, o); err != nil {
		return v, err
	}
	if v.Asked, err = c.asking(r, auth.TerminalWrite, fleet.OrderObject(o.Merchant, o.ID)); err != nil {
		return v, err
	}
	for _, p := range c.Profiles {
		v.Profiles = append(v.Profiles, web.Option{Value: p, Text: p, Chosen: f.Value("profile") == p})
	}
	for _, l := range []struct{ value, text string }{{"zh-CN", "中文"}, {"en", "English"}} {
		v.Langs = append(v.Langs, web.Option{Value: l.value, Text: l.text, Chosen: f.Value("lang") == l.value})
	}
	return v, nil
}

func (c *Console) order(r *web.Request) (web.Response, error) {
	v, err := c.delivery(r, web.EmptyForm())
	if err != nil {
		return nil, err
	}
	v.Form = web.EmptyForm("model", v.Machine)
	return web.Page("order", v), nil
}

func (c *Console) deliver(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	v, err := c.delivery(r, f)
	if err != nil {
		return nil, err
	}
	var t terminal.Terminal
	x := fleet.Machine{Serial: f.Value("serial"), Model: f.Value("model"), Profile: f.Value("profile"), Lang: f.Value("lang")}
	err = c.prove(r, f, auth.TerminalWrite, v.Asked.Object, func(p auth.StepUp) (err error) {
		t, err = c.Fleet.Register(r.Context(), r.Who, p, v.waiting.Merchant, v.ID, x, c.Profiles)
		return err
	})
	if err == nil {
		return web.Redirect(fmt.Sprintf("/ops/terminals/%d/%s?fresh=1", t.Merchant, t.ID)), nil
	}
	if err := refused(f, map[string][]error{"serial": {fleet.ErrSerial, fleet.ErrTaken}, "model": {fleet.ErrModel}, "profile": {fleet.ErrProfile}}, err); err != nil {
		return nil, err
	}
	return web.Invalid("order", v), nil
}
