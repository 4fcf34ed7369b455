// Package apply is how somebody becomes a merchant, on his phone: the interview, the plans
// with everything they cost, and the application, which he can leave and open again on any
// device with the link that he was given. It asks advice and onboarding; it decides nothing.
package apply

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/base32"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hawker/internal/advice"
	"hawker/internal/auth"
	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/onboarding"
	"hawker/internal/web"
)

//go:embed templates/*.html static
var embedded embed.FS

// Config is what the door needs.
type Config struct {
	Office *onboarding.Office
	Clock  clock.Clock
	Secure bool   // served by TLS: cookies say so
	Base   string // the address of this server as others reach it, "https://pay.example"; "" leaves the link relative
	// Statement is what a simulated bank shows of an account; nil where the bank is real.
	Statement func(account string) []Line
	// Enter is where the owner of an approved merchant makes his sign-in, by a link that
	// works once, or signs in when he has one. nil shows no way.
	Enter func(ctx context.Context, m merchant.ID, owner string) (path string, err error)
}

// Line is one of a simulated bank's statement.
type Line struct {
	At     time.Time
	Amount money.Amount
	Memo   string
}

// Apply serves the pages.
type Apply struct {
	Config
	starts *web.Throttle
}

// New makes the door.
func New(c Config) *Apply { return &Apply{c, web.NewThrottle(30, c.Clock)} }

// Door is its routes and what its pages are made of.
func (p *Apply) Door() web.Door {
	get := func(pattern string, h web.Handler) web.Route {
		return web.Route{Method: "GET", Pattern: pattern, Action: web.Public, Handler: h}
	}
	post := func(pattern string, h web.Handler) web.Route {
		return web.Route{Method: "POST", Pattern: pattern, Action: web.Public, Handler: h}
	}
	return web.Door{Name: "apply", Face: web.Light, Texts: texts, Templates: sub("templates"), Assets: sub("static"), Routes: []web.Route{
		get("/apply", p.interview), get("/apply/plans", p.plans), post("/apply/start", p.start), get("/apply/open/{secret}", p.open),
		get("/apply/form", p.form), get("/apply/form/{step}", p.step), post("/apply/form/{step}", p.save),
		get("/apply/photo/{name}", p.photo), post("/apply/photo/{name}", p.upload), post("/apply/consent", p.withdrawConsent),
		post("/apply/account", p.sendCheck), post("/apply/account/answer", p.answerCheck),
		post("/apply/submit", p.submit), post("/apply/withdraw", p.withdraw), post("/apply/reopen", p.reopen), post("/apply/discard", p.discard),
		post("/apply/enter", p.enter),
	}}
}

func sub(dir string) fs.FS {
	f, err := fs.Sub(embedded, dir)
	if err != nil {
		panic(err) // a name that the compiler has seen
	}
	return f
}

// errOften is somebody who begins too many applications.
var errOften = fault.New(fault.Unavailable, "apply_often", "操作太频繁了，请一分钟后再试。", "Too many attempts. Please try again in a minute.")

// errNotYet is somebody who wants to sign in before there is a merchant.
var errNotYet = fault.New(fault.Conflict, "not_approved", "申请还没有通过，暂时不能登录。", "The application is not approved yet. You can sign in when it is.")

// The cookies: what opens the application, and what the device is known by.
const (
	secretCookie = "hawker-application"
	deviceCookie = "hawker-device"
)

func (p *Apply) cookie(r *web.Request, name, value string, age time.Duration) {
	http.SetCookie(r.Writer, &http.Cookie{Name: name, Value: value, Path: "/apply", MaxAge: int(age.Seconds()), HttpOnly: true, Secure: p.Secure, SameSite: http.SameSiteLaxMode})
}

func value(r *web.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// device is what this browser is known by; it gets a name when it has none.
func (p *Apply) device(r *web.Request) string {
	d := value(r, deviceCookie)
	if len(d) != 26 || strings.Trim(d, "abcdefghijklmnopqrstuvwxyz234567") != "" {
		d = random()
	}
	p.cookie(r, deviceCookie, d, 2*365*24*time.Hour)
	return d
}

func random() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))
}

// mine opens the application that this browser's cookie is for.
func (p *Apply) mine(r *web.Request) (onboarding.Application, error) {
	r.Writer.Header().Set("Cache-Control", "no-store")
	return p.Office.Open(r.Context(), value(r, secretCookie))
}

// words says texts in the page's language.
type words struct{ English bool }

// Say is a text in the page's language.
func (w words) Say(t advice.Text) string {
	if w.English {
		return t.EN
	}
	return t.ZH
}

// Rate writes basis points as people do: 38 are 0.38%.
func (w words) Rate(b money.BasisPoints) string { return fmt.Sprintf("%d.%02d%%", b/100, b%100) }

func wordsOf(r *web.Request) words { return words{r.Lang == web.EN} }

// interview asks what the merchant needs.
type interview struct {
	words
	Form      *web.Form
	Questions []asked
	Kinds     []web.Option
	Again     bool // there is an application in this browser
}

type asked struct {
	Fact    string
	Ask     string
	Answers []web.Option
}

var kindNames = map[advice.Kind]advice.Text{
	advice.Micro: {ZH: "个人，没有营业执照", EN: "A person without a licence"}, advice.Sole: {ZH: "个体工商户", EN: "A sole trader"}, advice.Company: {ZH: "企业", EN: "A company"},
}

func (p *Apply) interview(r *web.Request) (web.Response, error) {
	_, err := p.mine(r)
	return web.Page("interview", p.asks(r, web.EmptyForm("kind", "micro"), err == nil)), nil
}

func (p *Apply) asks(r *web.Request, f *web.Form, again bool) interview {
	i := interview{words: wordsOf(r), Form: f, Again: again}
	for _, k := range advice.Kinds {
		i.Kinds = append(i.Kinds, web.Option{Value: string(k), Text: i.Say(kindNames[k]), Chosen: f.Value("kind") == string(k)})
	}
	for _, q := range advice.Questions {
		a := asked{Fact: q.Fact, Ask: i.Say(q.Ask)}
		for _, o := range q.Answers {
			a.Answers = append(a.Answers, web.Option{Value: o.Value, Text: i.Say(o.Name), Chosen: f.Value(q.Fact) == o.Value})
		}
		i.Questions = append(i.Questions, a)
	}
	return i
}

// needs reads the answers.
func (p *Apply) needs(f *web.Form) advice.Needs {
	for _, name := range []string{"kind", "business", "place", "mobility", "cards", "network", "paper", "payout"} {
		f.Need(name)
	}
	c := p.Office.Offer.Currency
	return advice.Needs{Kind: advice.Kind(f.Value("kind")), Business: f.Value("business"), Ticket: f.Amount("ticket", c), Volume: f.Amount("volume", c), Mobility: f.Value("mobility"),
		Cards: f.Value("cards"), Place: f.Value("place"), Network: f.Value("network"), Paper: f.Value("paper"), Payout: f.Value("payout")}
}

// planned is the plans side by side.
type planned struct {
	words
	Plans   []advice.Plan
	Models  []web.Option
	Months  int64
	Answers url.Values
	Query   string
	Chosen  *advice.Plan // what the merchant composed himself
	Offer   advice.Offer
	FeePlan []web.Option
}

// Money writes minor units of the offer's currency.
func (v planned) Money(minor int64) string { return web.Money(money.New(minor, v.Offer.Currency)) }

func (p *Apply) plans(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	n := p.needs(f)
	var plans []advice.Plan
	if f.OK() {
		if plans, err = p.Office.Offer.Advise(n); err != nil {
			f.Refuse("", err)
		}
	}
	if !f.OK() {
		return web.Invalid("interview", p.asks(r, f, false)), nil
	}
	v := planned{words: wordsOf(r), Plans: plans, Months: p.Office.Offer.Months, Answers: url.Values{}, Offer: p.Office.Offer}
	for name, values := range f.Values {
		if name != "model" && name != "fee_plan" && len(values) > 0 {
			v.Answers.Set(name, values[0])
		}
	}
	v.Query = v.Answers.Encode()
	model, fees := f.Value("model"), f.Value("fee_plan")
	for _, m := range p.Office.Offer.Models {
		v.Models = append(v.Models, web.Option{Value: m.Code, Text: v.Say(m.Name), Chosen: m.Code == model})
	}
	for _, fp := range p.Office.Offer.FeePlans {
		if _, err := p.Office.Offer.FeePlan(fp.Code, n.Kind); err == nil {
			v.FeePlan = append(v.FeePlan, web.Option{Value: fp.Code, Text: v.Say(fp.Name), Chosen: fp.Code == fees})
		}
	}
	if model != "" {
		own, err := p.Office.Offer.Compose(n, model, fees)
		if err != nil {
			return nil, err
		}
		v.Chosen = &own
	}
	return web.Page("plans", v), nil
}

func (p *Apply) start(r *web.Request) (web.Response, error) {
	if !p.starts.Lets(r.Request) {
		return nil, errOften
	}
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	n := p.needs(f)
	if !f.OK() {
		return web.Invalid("interview", p.asks(r, f, false)), nil
	}
	b := onboarding.Beginning{Kind: n.Kind, Needs: n, Model: f.Value("model"), FeePlan: f.Value("fee_plan"), Device: p.device(r)}
	if r.Signed && r.Who.Kind == auth.Operator {
		b.Applicant = onboarding.Name(r.Who) // whoever helps somebody to apply does not review it
	}
	_, secret, err := p.Office.Start(r.Context(), b)
	if err != nil {
		return nil, err
	}
	p.cookie(r, secretCookie, secret, 90*24*time.Hour)
	return web.Redirect("/apply/form"), nil
}

// open puts an application into this browser, by the link that its applicant kept.
func (p *Apply) open(r *web.Request) (web.Response, error) {
	if !p.starts.Lets(r.Request) {
		return nil, errOften
	}
	secret := r.PathValue("secret")
	if _, err := p.Office.Open(r.Context(), secret); err != nil {
		return nil, err
	}
	p.cookie(r, secretCookie, secret, 90*24*time.Hour)
	return web.Redirect("/apply/form"), nil
}
