// Package home is the first page: whoever is signed in goes on to his own place, everybody
// else reads what this is and finds the door that is his.
package home

import (
	"embed"
	"io/fs"

	"hawker/internal/auth"
	"hawker/internal/web"
)

//go:embed templates/*.html static
var embedded embed.FS

// Config says which doors there are: the paths of those that the page leads to.
type Config struct {
	Doors []string // "/apply", "/check", …; those without words of their own are left out
}

// Door is the page and what it is made of.
func Door(c Config) web.Door {
	return web.Door{Name: "home", Face: web.Light, Texts: texts, Templates: sub("templates"), Assets: sub("static"),
		Routes: []web.Route{{Method: "GET", Pattern: "/{$}", Action: web.Public, Handler: c.home}}}
}

// way is one door that the page leads to.
type way struct{ Path, Icon, Title, Text string }

// ways are all doors, in the page's order, by the start of their texts' keys.
var ways = []way{
	{"/signin", "login", "home.signin", "home.signin.text"},
	{"/pos", "calculator", "home.pos", "home.pos.text"},
	{"/apply", "clipboard-check", "home.apply", "home.apply.text"},
	{"/check", "shield-lock", "home.check", "home.check.text"},
	{"/docs", "file-text", "home.docs", "home.docs.text"},
}

func (c Config) home(r *web.Request) (web.Response, error) {
	if r.Signed {
		switch {
		case r.Who.Kind == auth.Operator:
			return web.Redirect("/ops"), nil
		case auth.Allows(r.Who, auth.ReportRead):
			return web.Redirect("/app"), nil
		case auth.Allows(r.Who, auth.PaymentTake):
			return web.Redirect("/pos"), nil
		}
	}
	var list []way
	for _, w := range ways {
		for _, d := range c.Doors {
			if d == w.Path {
				list = append(list, w)
			}
		}
	}
	return web.Page("home", list), nil
}

func sub(dir string) fs.FS {
	f, err := fs.Sub(embedded, dir)
	if err != nil {
		panic(err) // a name that the compiler has seen
	}
	return f
}
