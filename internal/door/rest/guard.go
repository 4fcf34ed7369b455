package rest

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"hawker/internal/apikey"
	"hawker/internal/auth"
	"hawker/internal/merchant"
)

type requestKey struct{}

// requestID is the number of the request that is answered; "" outside one.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

// ids are the request ids that are taken over from whoever asks.
var ids = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// identify gives every request a number, its own or the caller's, and sets what every answer says.
func (d *Door) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if !ids.MatchString(id) {
			id = rand.Text()[:16]
		}
		h := w.Header()
		h.Set("X-Request-Id", id)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'")
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, id)))
	})
}

// survive turns a panic into a problem: it is a fault of ours, and the next request is answered.
func (d *Door) survive(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // that very value
				d.Log.Error("rest: panic", "path", r.URL.Path, "request", requestID(r.Context()), "panic", p, "stack", string(debug.Stack()))
				writeProblem(w, r, problemOf(r.Context(), language(r.Header.Get("Accept-Language")), errInternal))
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// caller is who asks, as a handler needs it.
type caller struct {
	key      apikey.Key
	merchant merchant.Merchant
	lang     string
	from     string // the address it asks from
}

type callerKey struct{}

func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// device is the name under which a program's orders stand: the first key of its line, so
// that a repeat with the next key is still the same request.
func (c caller) device() string { return "key/" + c.key.Line() }

// admit lets whoever may do an action pass: before anything of the request is read.
func (d *Door) admit(action auth.Action) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		lang := language(ctx.Header("Accept-Language"))
		who, err := d.caller(r, w, action)
		if err != nil {
			d.note(ctx.Context(), ctx.Operation().OperationID, err)
			p := problemOf(ctx.Context(), lang, err)
			if p.Status == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", `Bearer realm="hawker"`)
			}
			writeProblem(w, r, p)
			return
		}
		who.lang = lang
		next(huma.WithContext(ctx, context.WithValue(auth.With(ctx.Context(), who.key.Who(address(r))), callerKey{}, who)))
	}
}

// caller finds out who asks and whether he may.
func (d *Door) caller(r *http.Request, w http.ResponseWriter, action auth.Action) (caller, error) {
	ctx := r.Context()
	from := address(r)
	scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		if !d.limits.take(w.Header(), "from "+from, strangers) {
			return caller{}, errLimited
		}
		return caller{}, errNoKey
	}
	key, err := d.Keys.Authenticate(ctx, strings.TrimSpace(token), from)
	if err != nil {
		if !d.limits.take(w.Header(), "from "+from, strangers) {
			return caller{}, errLimited
		}
		return caller{}, err
	}
	if !d.limits.take(w.Header(), "key "+key.Line(), d.limits.rate) {
		return caller{}, errLimited
	}
	if action != anyKey && !auth.Allows(key.Who(from), action) {
		return caller{}, errScope.With("%s wants %s", key.Label(), action)
	}
	m, err := d.merchants.Get(ctx, key.Merchant)
	return caller{key: key, merchant: m, from: from}, err
}

// address is where a request came from, without its port.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
