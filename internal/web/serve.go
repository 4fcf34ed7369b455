package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"hawker/internal/auth"
	"hawker/internal/fault"
)

// maxForm is how much a form may send unless its handler reads the body by itself: 1 MiB.
const maxForm = 1 << 20

// serve is everything around a route's handler.
func (k *Kit) serve(d Door, route Route) http.Handler {
	return http.HandlerFunc(func(raw http.ResponseWriter, hr *http.Request) {
		w, done := compress(raw, hr)
		defer done()
		k.headers(w.Header())
		if hr.Method == http.MethodGet && hr.Header.Get("HX-Request") == "" {
			if clean, chose := k.prefer(w, hr); chose {
				http.Redirect(w, hr, clean, http.StatusSeeOther)
				return
			}
		}
		r := &Request{Request: hr, Lang: languageOf(hr), Theme: themeOf(hr), Writer: w, kit: k, door: d}
		if hr.Body != nil && hr.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
			hr.Body = http.MaxBytesReader(w, hr.Body, maxForm)
		}
		answer, err := k.answer(r, route)
		if err == nil {
			err = answer.respond(w, r)
		}
		if err != nil {
			k.refuse(w, r, err)
		}
	})
}

// answer finds who asks, whether they may, and lets the handler answer.
func (k *Kit) answer(r *Request, route Route) (Response, error) {
	if k.config.Auth != nil {
		ctx, err := k.config.Auth.Authenticate(r.Writer, r.Request)
		if err != nil {
			return nil, err
		}
		r.Request = r.WithContext(ctx)
		r.Who, r.Signed = auth.From(ctx)
	}
	if r.Signed {
		r.Writer.Header().Set("Cache-Control", "no-store")
	}
	if route.Action != Public {
		if !r.Signed {
			return nil, auth.ErrAnonymous
		}
		if !auth.Allows(r.Who, route.Action) {
			return nil, auth.ErrForbidden.With("%s %d (%s) wants %s", r.Who.Kind, r.Who.ID, r.Who.Role, route.Action)
		}
		if abroad(r.Who, route.Pattern) {
			return nil, auth.ErrForbidden.With("%s %d wants %s of the other house", r.Who.Kind, r.Who.ID, route.Pattern)
		}
	}
	answer, err := route.Handler(r)
	if err == nil && answer == nil {
		err = errors.New("the handler answered nothing")
	}
	return answer, err
}

// abroad reports whether somebody is in the other kind of house: operators' pages stand
// below /ops, a merchant's below /app and /pos, and some actions belong to people of both.
func abroad(who auth.Who, pattern string) bool {
	below := func(root string) bool { return pattern == root || strings.HasPrefix(pattern, root+"/") }
	if who.Kind == auth.Operator {
		return below("/app") || below("/pos")
	}
	return below("/ops")
}

// statuses is the one table from kind to status.
var statuses = map[fault.Kind]int{
	fault.Internal:    http.StatusInternalServerError,
	fault.Invalid:     http.StatusUnprocessableEntity,
	fault.NotFound:    http.StatusNotFound,
	fault.Conflict:    http.StatusConflict,
	fault.Declined:    http.StatusUnprocessableEntity,
	fault.Anonymous:   http.StatusUnauthorized,
	fault.Forbidden:   http.StatusForbidden,
	fault.Unavailable: http.StatusServiceUnavailable,
	fault.Limited:     http.StatusTooManyRequests,
}

// refuse shows an error: a page to a person, a toast to a page, JSON to a program.
func (k *Kit) refuse(w http.ResponseWriter, r *Request, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // nobody is there to read it
	}
	if k.config.Refused != nil {
		if answer := k.config.Refused(r, err); answer != nil {
			if err = answer.respond(w, r); err == nil {
				return
			}
		}
	}
	f := fault.Of(err)
	status := statuses[f.Kind]
	signIn := f.Kind == fault.Anonymous
	if f.Kind == fault.Internal || f.Kind == fault.Unavailable {
		k.config.Log.Error("page refused", "path", r.URL.Path, "status", status, "err", err)
	}
	switch {
	case r.wantsJSON():
		_ = JSON(status, map[string]string{"error": f.Name, "message": say(r.Lang, f)}).respond(w, r)
	case signIn:
		next := r.URL.RequestURI()
		if r.Method != http.MethodGet || r.Part() {
			next = "/"
			if u, err := url.Parse(r.Header.Get("HX-Current-URL")); err == nil && u.Path != "" {
				next = u.RequestURI()
			}
		}
		_ = Redirect(k.config.SignIn+"?next="+url.QueryEscape(next)).respond(w, r)
	default:
		block := ""
		if r.Part() {
			w.Header().Set("HX-Retarget", "#toasts")
			w.Header().Set("HX-Reswap", "beforeend")
			block = "toast"
		}
		r.door = Door{Name: "web", Face: Light}
		if err := (rendered{page: "error", block: block, data: problem{Status: status, Fault: f}, status: status}).respond(w, r); err != nil {
			k.config.Log.Error("the error page is broken", "err", err)
			http.Error(w, say(r.Lang, f), status)
		}
	}
}

// problem is what the error page shows.
type problem struct {
	Status int
	Fault  *fault.Fault
}

// Title is the key of the page's title.
func (p problem) Title() string {
	key := fmt.Sprintf("web.error.%d.title", p.Status)
	if _, ok := texts[key]; !ok {
		return "web.error.title"
	}
	return key
}
