package console

import (
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"hawker/internal/audit"
	"hawker/internal/auth"
	"hawker/internal/cases"
	"hawker/internal/fault"
	"hawker/internal/jobs"
	"hawker/internal/merchant"
	"hawker/internal/store"
	"hawker/internal/web"
)

// ErrClosing asks for the reason that stays in the trail.
var ErrClosing = fault.New(fault.Invalid, "case_reason", "请写清处理结果，2 到 300 个字。", "Please say what was done, in 2 to 300 characters.")

// ErrNoCase is a case that was closed meanwhile, or never was.
var ErrNoCase = fault.New(fault.NotFound, "case_unknown", "这件事已经处理完，或者不存在。", "This matter was closed already, or does not exist.")

// matter is a case as the page shows it.
type matter struct {
	cases.Case
	MID, Name string
	Age       time.Duration
}

// Days is how many whole days it has waited.
func (m matter) Days() int { return int(m.Age / (24 * time.Hour)) }

// overviewPage is what waits for a person, and what waits for a channel.
type overviewPage struct {
	Cases   []matter
	Sees    bool // cases, and may close them
	Closes  bool
	Waiting int // jobs that are due or were tried
	Later   int // jobs of a later day
	Tried   []jobs.Job
	Review  int
	Form    *web.Form
	Now     time.Time
}

// mostShown bounds each list of the page.
const mostShown = 200

func (c *Console) overview(r *web.Request) (web.Response, error) {
	v, err := c.overviewPage(r)
	if err != nil {
		return nil, err
	}
	return web.Page("overview", v), nil
}

func (c *Console) overviewPage(r *web.Request) (overviewPage, error) {
	ctx, now := r.Context(), c.Clock()
	v := overviewPage{Form: web.EmptyForm(), Now: now, Sees: auth.Allows(r.Who, auth.CaseRead), Closes: auth.Allows(r.Who, auth.CaseWrite)}
	if v.Sees {
		open, err := cases.List(ctx, c.DB.Read())
		if err != nil {
			return v, err
		}
		names := map[int64]merchant.Merchant{}
		for _, one := range open[:min(len(open), mostShown)] {
			m, known := names[one.Merchant]
			if !known && one.Merchant != 0 {
				if m, err = merchant.ByID(ctx, c.DB.Read(), merchant.ID(one.Merchant)); err != nil && fault.Of(err).Kind != fault.NotFound {
					return v, err
				}
				names[one.Merchant] = m
			}
			name := m.NameZH
			if r.Lang == web.EN && m.NameEN != "" {
				name = m.NameEN
			}
			v.Cases = append(v.Cases, matter{one, m.MID, name, now.Sub(one.Opened)})
		}
	}
	waiting, err := jobs.List(ctx, c.DB.Read())
	if err != nil {
		return v, err
	}
	for _, j := range waiting {
		switch {
		case j.Tries == 0 && j.Due.After(now): // such as the expiry of a pre-authorization
			v.Later++
			continue
		case j.Tries > 0 && len(v.Tried) < mostShown:
			v.Tried = append(v.Tried, j)
		}
		v.Waiting++
	}
	v.Review, err = c.waiting(ctx, r.Who)
	return v, err
}

// closeCase ends a matter that a person has dealt with; what was done stays in the trail.
func (c *Console) closeCase(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	m, err := strconv.ParseInt(f.Value("merchant"), 10, 64)
	kind, ref, done := f.Value("kind"), f.Value("ref"), f.Value("done")
	if err != nil || kind == "" || ref == "" {
		return nil, ErrNoCase
	}
	if n := utf8.RuneCountInString(done); n < 2 || n > 300 {
		v, err := c.overviewPage(r)
		if err != nil {
			return nil, err
		}
		v.Form = f
		f.Refuse(ref, ErrClosing)
		return web.Status(http.StatusUnprocessableEntity, web.Page("overview", v)), nil
	}
	err = c.DB.Write(r.Context(), func(tx *store.Tx) error {
		open, err := cases.List(r.Context(), tx)
		if err != nil {
			return err
		}
		for _, one := range open {
			if one.Merchant != m || one.Kind != kind || one.Ref != ref {
				continue
			}
			if err := cases.Close(r.Context(), tx, m, kind, ref, c.Clock()); err != nil {
				return err
			}
			return audit.Append(r.Context(), tx, audit.Entry{Merchant: m, Who: audit.Actor{Kind: string(r.Who.Kind), ID: r.Who.ID, Name: r.Who.Name, Role: string(r.Who.Role)},
				What: "case.close", Object: "case/" + kind + "/" + ref, Before: map[string]string{"detail": one.Detail}, After: map[string]string{"done": done}, From: r.RemoteAddr, At: c.Clock()})
		}
		return ErrNoCase
	})
	if err != nil {
		return nil, err
	}
	return web.Redirect("/ops"), nil
}
