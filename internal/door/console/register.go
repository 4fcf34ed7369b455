package console

import (
	"hawker/internal/clock"
	"hawker/internal/institution"
	"hawker/internal/onboarding"
	"hawker/internal/web"
)

// registered is the register.
type registered struct {
	words
	List     []entryLine
	Warnings []warning
}

type entryLine struct {
	institution.Record
	Until string
}

type warning struct {
	institution.Warning
	Merchants int
	Providers int
}

func until(r institution.Record) string {
	if r.Expires == 0 {
		return ""
	}
	return clock.Day(r.Expires).String()
}

func (c *Console) register(r *web.Request) (web.Response, error) {
	v := registered{words: c.words(r)}
	all, err := institution.All(r.Context(), c.DB.Read())
	if err != nil {
		return nil, err
	}
	for _, one := range all {
		v.List = append(v.List, entryLine{one, until(one)})
	}
	for _, w := range institution.Warnings(all, c.Terms, clock.DayOf(c.Clock(), zone, 0)) {
		one := warning{Warning: w}
		if _, one.Merchants, err = onboarding.Affected(r.Context(), c.DB.Read(), w.Kind, w.Number, 1); err != nil {
			return nil, err
		}
		if w.Kind == institution.Institution {
			under, err := institution.Affected(r.Context(), c.DB.Read(), w.Number)
			if err != nil {
				return nil, err
			}
			one.Providers = len(under)
		}
		v.Warnings = append(v.Warnings, one)
	}
	return web.Page("register", v), nil
}

// entered is one entry with every state it had and whom its end concerns.
type entered struct {
	words
	History   []entryLine
	Now       institution.Record
	Merchants []onboarding.Boarding
	All       int
	Providers []institution.Record
}

func (c *Console) entry(r *web.Request) (web.Response, error) {
	v := entered{words: c.words(r)}
	kind, number := institution.Kind(r.PathValue("kind")), r.PathValue("number")
	list, err := institution.History(r.Context(), c.DB.Read(), kind, number)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, institution.ErrUnknown
	}
	v.Now = list[0]
	for _, one := range list {
		v.History = append(v.History, entryLine{one, until(one)})
	}
	if v.Merchants, v.All, err = onboarding.Affected(r.Context(), c.DB.Read(), kind, number, 50); err != nil {
		return nil, err
	}
	if kind == institution.Institution {
		if v.Providers, err = institution.Affected(r.Context(), c.DB.Read(), number); err != nil {
			return nil, err
		}
	}
	return web.Page("entry", v), nil
}
