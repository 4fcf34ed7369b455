// Package web is the kit that every face in a browser is made with: routes that name
// who may use them, one layout for each kind of face, words in Chinese and English,
// files under addresses that never change, headers that shut out what we did not send.
// It knows no payment and no merchant; a door brings its pages, and the kit serves them.
package web

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"

	"hawker/internal/auth"
	"hawker/internal/fault"
)

// Public is the action of a route that anybody may use, signed in or not. It is said, so
// that a route whose action was forgotten is refused at the start and not open to all.
const Public auth.Action = "public"

// Face is the frame around a door's pages.
type Face int

// Shell is a working place with navigation at its side; Light a single quiet page for
// people who came by a link; Bare only head and body, for a door that draws everything itself.
const (
	Shell Face = iota
	Light
	Bare
)

// Door is one face of Hawker: its routes, and what its pages are made of.
type Door struct {
	Name      string // "office": prefix of its texts ("office.title") and files ("office/office.css")
	Face      Face
	Routes    []Route
	Nav       []Entry
	Texts     Texts
	Templates fs.FS // *.html; each is a page, those that begin with _ are parts that all its pages may use
	Assets    fs.FS // *.css, *.js, images; nil for none
}

// Route is one address: who may use it, and what answers.
type Route struct {
	Method  string      // "GET", "POST"
	Pattern string      // as net/http's mux reads it: "/app/payments/{id}"
	Action  auth.Action // what the policy must allow; Public for anybody
	Handler Handler
}

// Handler answers a request. An error is shown as its kind asks for; a handler never writes one.
type Handler func(*Request) (Response, error)

// Entry is a line of the shell's navigation. Everybody sees the entries whose action is allowed.
type Entry struct {
	Text    string // key in the catalogue
	Icon    string // in icons.txt
	Path    string
	Action  auth.Action
	Order   int                                          // ascending; 10 today, 20 payments, … see docs/web.md
	Primary bool                                         // the one big button at the foot
	Count   func(context.Context, auth.Who) (int, error) // what waits there; nil for nothing ever
}

// Authenticator tells who asks, from a cookie or a header.
type Authenticator interface {
	// Authenticate returns the request's own context with who asks in it (auth.From finds
	// them), or without when it is nobody. An error is for broken machinery only.
	Authenticate(w http.ResponseWriter, r *http.Request) (context.Context, error)
}

// Config is what the kit needs.
type Config struct {
	Auth   Authenticator                          // nil: nobody ever is somebody, and only public routes answer
	SignIn string                                 // where those who are nobody go first, with ?next=
	TLS    bool                                   // served by TLS, ourselves or through a proxy: HSTS, and secure cookies
	Log    *slog.Logger                           // nil is silent
	Place  func(context.Context, auth.Who) string // the merchant or institution in the shell's corner; nil for none
	// Refused may answer an error in its own way, such as asking for a second factor; nil, or a nil response, leaves it to the kit.
	Refused func(*Request, error) Response
}

// Kit serves doors.
type Kit struct {
	config Config
	doors  []Door
	nav    []Entry
	texts  Texts
	files  *files
	pages  map[string]map[Lang]*page // by door/page
	deny   http.Handler
}

// Mount adds every door's routes to mux. An error says which door is not whole.
func Mount(mux *http.ServeMux, c Config, doors ...Door) (*Kit, error) {
	k, err := Build(c, doors...)
	if err != nil {
		return nil, err
	}
	for _, d := range k.doors {
		for _, r := range d.Routes {
			mux.Handle(r.Method+" "+r.Pattern, k.serve(d, r))
		}
	}
	mux.Handle("GET "+assetPath, k.files)
	mux.Handle("/", k.serve(Door{Name: "web", Face: Light}, Route{Action: Public, Handler: func(*Request) (Response, error) { return nil, ErrNoPage }}))
	return k, nil
}

// Build makes a kit that serves nothing yet: for tests of templates.
func Build(c Config, doors ...Door) (*Kit, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.SignIn == "" {
		c.SignIn = "/signin"
	}
	k := &Kit{config: c, doors: slices.Clone(doors), texts: Texts{}, pages: map[string]map[Lang]*page{}, files: newFiles()}
	own := Door{Name: "web", Texts: texts, Templates: sub(embedded, "templates"), Assets: sub(embedded, "static")}
	for _, d := range append([]Door{own}, doors...) {
		if err := k.texts.add(d); err != nil {
			return nil, fmt.Errorf("door %s: %w", d.Name, err)
		}
		if err := k.files.add(d.Name, d.Assets); err != nil {
			return nil, fmt.Errorf("door %s: %w", d.Name, err)
		}
		k.nav = append(k.nav, d.Nav...)
	}
	if err := k.files.add("lib", sub(embedded, "vendored")); err != nil {
		return nil, err
	}
	slices.SortStableFunc(k.nav, func(a, b Entry) int { return a.Order - b.Order })
	for _, e := range k.nav {
		if _, ok := k.texts[e.Text]; !ok {
			return nil, fmt.Errorf("navigation: no text %q", e.Text)
		}
	}
	for _, d := range append([]Door{own}, doors...) {
		if err := k.parse(d); err != nil {
			return nil, fmt.Errorf("door %s: %w", d.Name, err)
		}
		for _, r := range d.Routes {
			if r.Handler == nil || r.Method == "" || r.Pattern == "" || r.Action == "" {
				return nil, fmt.Errorf("door %s: route %s %s is not whole", d.Name, r.Method, r.Pattern)
			}
		}
	}
	k.deny = k.serve(Door{Name: "web", Face: Light}, Route{Action: Public, Handler: func(*Request) (Response, error) { return nil, ErrForeign }})
	return k, nil
}

// Routes lists every route that is served, for tests that walk them.
func (k *Kit) Routes() (all []Route) {
	for _, d := range k.doors {
		all = append(all, d.Routes...)
	}
	return all
}

// Guard refuses what another site's page makes a browser send. It goes around the whole server.
func (k *Kit) Guard(next http.Handler) http.Handler {
	p := http.NewCrossOriginProtection()
	p.SetDenyHandler(k.deny)
	return p.Handler(next)
}

// The kit's own refusals.
var (
	ErrNoPage  = fault.New(fault.NotFound, "no_page", "没有这个页面。它可能已经搬走，或者地址少了几个字。", "There is no such page. It may have moved, or the address is not complete.")
	ErrForeign = fault.New(fault.Forbidden, "foreign_request", "这个请求来自别的网站，我们没有执行。请从本站打开页面再试。", "The request came from another site and was not carried out. Please open the page here and try again.")
	ErrForm    = fault.New(fault.Invalid, "form_unreadable", "提交的内容无法读取，请刷新页面后重试。", "What was sent cannot be read. Please reload the page and try again.")
)
