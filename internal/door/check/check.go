// Package check is the public page on which anybody sees whether an institution, a
// provider, a merchant or a terminal is regular: by name, by number, or by scanning a
// terminal's label. It asks standing, shows nothing private, and answers nobody who asks
// too often.
package check

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"hawker/internal/clock"
	"hawker/internal/feedback"
	"hawker/internal/standing"
	"hawker/internal/web"
)

//go:embed templates/*.html static
var embedded embed.FS

// Config is what the door needs.
type Config struct {
	Book  *standing.Book
	Clock clock.Clock
	// Reviews are what merchants publicly said of an institution or provider; nil shows none.
	Reviews *feedback.Board
	Each    int // questions a minute and address; 20 when 0
}

// Check serves the page.
type Check struct {
	Config
	throttle *web.Throttle
}

// New makes the door.
func New(c Config) *Check {
	if c.Each == 0 {
		c.Each = 20
	}
	return &Check{c, web.NewThrottle(c.Each, c.Clock)}
}

// Door is its routes and what its pages are made of.
func (c *Check) Door() web.Door {
	return web.Door{Name: "check", Face: web.Light, Texts: texts, Templates: sub("templates"), Assets: sub("static"), Routes: []web.Route{
		{Method: "GET", Pattern: "/check", Action: web.Public, Handler: c.ask},
		{Method: "GET", Pattern: "/check/t/{serial}/{code}", Action: web.Public, Handler: c.label},
	}}
}

func sub(dir string) fs.FS {
	f, err := fs.Sub(embedded, dir)
	if err != nil {
		panic(err) // a name that the compiler has seen
	}
	return f
}

// shown is what the page shows.
type shown struct {
	Text    string
	Asked   bool
	Often   bool
	Label   bool
	Answers []standing.Answer
	English bool

	said map[string]*said // by number
}

// Say is a text in the page's language.
func (s shown) Say(t standing.Text) string {
	if s.English {
		return t.EN
	}
	return t.ZH
}

// With makes the dot of a part.
func (s shown) With(a standing.Answer) part { return part{s, a, s.said[a.Number]} }

type part struct {
	shown
	Answer standing.Answer
	Said   *said
}

// said is what merchants said of somebody.
type said struct {
	Count   int
	Average string // of five stars; "" of too few
	Latest  []word
}

type word struct {
	At           time.Time
	Stars        string
	Of           int
	Body, Answer string
}

// latest is how many reviews are shown.
const latest = 5

// hear fills in what merchants said of those who were found.
func (c *Check) hear(ctx context.Context, s *shown) error {
	s.said = map[string]*said{}
	if c.Reviews == nil {
		return nil
	}
	for _, a := range s.Answers {
		if a.Number == "" {
			continue
		}
		kind := feedback.Kind(a.Kind)
		count, tenths, err := c.Reviews.Summary(ctx, kind, a.Number)
		if err != nil {
			return err
		}
		v := &said{Count: count}
		if tenths > 0 {
			v.Average = fmt.Sprintf("%d.%d", tenths/10, tenths%10)
		}
		list, err := c.Reviews.About(ctx, kind, a.Number, latest)
		if err != nil {
			return err
		}
		for _, r := range list {
			v.Latest = append(v.Latest, word{r.Written, strings.Repeat("★", r.Stars) + strings.Repeat("☆", 5-r.Stars), r.Stars, r.Body, r.Answer})
		}
		s.said[a.Number] = v
	}
	return nil
}

func (c *Check) ask(r *web.Request) (web.Response, error) {
	s := shown{Text: r.URL.Query().Get("q"), English: r.Lang == web.EN}
	if len(s.Text) > 300 {
		s.Text = ""
	}
	if s.Text == "" {
		return web.Page("check", s), nil
	}
	if !c.throttle.Lets(r.Request) {
		s.Often = true
		return web.Status(http.StatusTooManyRequests, web.Page("check", s)), nil
	}
	s.Asked = true
	var err error
	if s.Answers, err = c.Book.Ask(r.Context(), s.Text); err != nil {
		return nil, err
	}
	if err := c.hear(r.Context(), &s); err != nil {
		return nil, err
	}
	return web.Page("check", s), nil
}

func (c *Check) label(r *web.Request) (web.Response, error) {
	s := shown{English: r.Lang == web.EN, Label: true}
	if !c.throttle.Lets(r.Request) {
		s.Often = true
		return web.Status(http.StatusTooManyRequests, web.Page("check", s)), nil
	}
	a, err := c.Book.Label(r.Context(), r.PathValue("serial"), r.PathValue("code"))
	if err != nil {
		return nil, err
	}
	s.Asked, s.Answers = true, []standing.Answer{a}
	return web.Page("check", s), nil
}
