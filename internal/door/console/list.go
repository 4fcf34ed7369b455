package console

import (
	"time"

	"hawker/internal/auth"
	"hawker/internal/onboarding"
	"hawker/internal/papers"
	"hawker/internal/web"
)

func (c *Console) listRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Pattern: "/ops/list", Action: auth.RiskRead, Handler: c.blocked},
		{Method: "POST", Pattern: "/ops/list", Action: auth.RiskWrite, Handler: c.enlist},
		{Method: "GET", Pattern: "/ops/list/{kind}/{mark}", Action: auth.RiskWrite, Handler: c.listing},
		{Method: "POST", Pattern: "/ops/list/{kind}/{mark}", Action: auth.RiskWrite, Handler: c.delist},
	}
}

// blockedPage is the list, and the form that puts somebody on it.
type blockedPage struct {
	words
	Asked   asking
	Form    *web.Form
	Kinds   []web.Option
	Stances []web.Option
	List    []listing
	May     bool
}

// listing is an entry with its kind in words.
type listing struct {
	onboarding.Entry
	Named string
	Past  bool // it does not count any more
}

func (w words) listing(e onboarding.Entry) listing {
	one := listing{e, e.Kind, !e.Holds(w.now)}
	for _, k := range onboarding.Listable {
		if k.Kind == e.Kind {
			one.Named = w.Say(k.Say)
		}
	}
	return one
}

func (c *Console) blockedPage(r *web.Request, f *web.Form) (v blockedPage, err error) {
	v = blockedPage{words: c.words(r), Form: f, May: auth.Allows(r.Who, auth.RiskWrite)}
	if v.Asked, err = c.asking(r, auth.RiskWrite, onboarding.ListObject); err != nil {
		return v, err
	}
	for _, k := range onboarding.Listable {
		v.Kinds = append(v.Kinds, web.Option{Value: k.Kind, Text: v.Say(k.Say), Chosen: f.Value("kind") == k.Kind})
	}
	for _, s := range []onboarding.Stance{onboarding.Blocked, onboarding.Known} {
		v.Stances = append(v.Stances, web.Option{Value: string(s), Text: r.T("console.list." + string(s)), Chosen: f.Value("stance") == string(s)})
	}
	list, err := onboarding.Entries(r.Context(), c.DB.Read(), mostShown)
	for _, e := range list {
		v.List = append(v.List, v.listing(e))
	}
	return v, err
}

func (c *Console) blocked(r *web.Request) (web.Response, error) {
	v, err := c.blockedPage(r, web.EmptyForm())
	if err != nil {
		return nil, err
	}
	return web.Page("blocked", v), nil
}

// lastDay is the end of a day that was typed; the zero time for none.
func lastDay(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	day, err := time.ParseInLocation(time.DateOnly, text, zone)
	if err != nil {
		return day, onboarding.ErrListUntil.Wrap(err)
	}
	return day.AddDate(0, 0, 1), nil
}

func (c *Console) enlist(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	until, err := lastDay(f.Value("until"))
	if err == nil {
		err = c.prove(r, f, auth.RiskWrite, onboarding.ListObject, func(p auth.StepUp) error {
			_, err := c.Office.Enlist(r.Context(), r.Who, p, f.Value("kind"), f.Value("value"), onboarding.Stance(f.Value("stance")), f.Value("reason"), until)
			return err
		})
	}
	if err == nil {
		return web.Redirect("/ops/list"), nil
	}
	if err := refused(f, map[string][]error{"kind": {onboarding.ErrListKind}, "reason": {onboarding.ErrListReason}, "until": {onboarding.ErrListUntil},
		"value": {onboarding.ErrListDevice, papers.ErrID, papers.ErrIDDate, papers.ErrYoung, papers.ErrUSCC, papers.ErrUSCCKind, papers.ErrMobile, papers.ErrAccount, papers.ErrCard}}, err); err != nil {
		return nil, err
	}
	v, err := c.blockedPage(r, f)
	if err != nil {
		return nil, err
	}
	return web.Invalid("blocked", v), nil
}

// offPage is one entry that somebody wants to take off.
type offPage struct {
	words
	Asked asking
	listing
	Form *web.Form
}

func (c *Console) offPage(r *web.Request, f *web.Form) (v offPage, err error) {
	v = offPage{words: c.words(r), Form: f}
	e, err := onboarding.EntryOf(r.Context(), c.DB.Read(), r.PathValue("kind"), r.PathValue("mark"))
	if err != nil {
		return v, err
	}
	v.listing = v.words.listing(e)
	v.Asked, err = c.asking(r, auth.RiskWrite, e.Object())
	return v, err
}

func (c *Console) listing(r *web.Request) (web.Response, error) {
	v, err := c.offPage(r, web.EmptyForm())
	if err != nil {
		return nil, err
	}
	return web.Page("off", v), nil
}

func (c *Console) delist(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	v, err := c.offPage(r, f)
	if err != nil {
		return nil, err
	}
	err = c.prove(r, f, auth.RiskWrite, v.Asked.Object, func(p auth.StepUp) error {
		return c.Office.Delist(r.Context(), r.Who, p, v.Kind, v.Mark, f.Value("reason"))
	})
	if err == nil {
		return web.Redirect("/ops/list"), nil
	}
	if err := refused(f, map[string][]error{"reason": {onboarding.ErrListReason}}, err); err != nil {
		return nil, err
	}
	return web.Invalid("off", v), nil
}
