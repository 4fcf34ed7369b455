package app

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"hawker/internal/auth"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/shop"
	"hawker/internal/store"
	"hawker/internal/web"
)

// public are the pages that anybody may open, and why. A route that is not here and names
// no action of the policy fails the test.
var public = map[string]string{
	"/{$}": "the first page", "/signin": "signing in", "/signin/second": "signing in", "/signin/second/ask": "signing in", "/signin/passkey": "signing in", "/signin/passkey/ask": "signing in",
	"/hello/{token}": "a link is the proof", "/signout": "leaving", "/pair": "a device that is nobody's yet", "/pair/state": "a device that is nobody's yet",
	"/pos/sw.js": "the till's shell holds no data", "/pos/manifest.webmanifest": "the till's shell holds no data",
	"/learn/check": "whether a certificate is genuine is for everybody",
	"/check":       "whether somebody is regular is for everybody", "/check/t/{serial}/{code}": "whether a machine is regular is for everybody",
}

// publicPrefixes are whole doors for people without accounts: the customer's, and an applicant's, whose links carry their proof.
var publicPrefixes = []string{"/c/", "/r/", "/p/", "/apply", "/docs"}

// nobodys are placeholders that name no merchant's thing.
var nobodys = []string{"/hello/{token}", "/check/t/{serial}/{code}"}

// walk is a running server, somebody of every role, and things of the first merchant.
type walk struct {
	t       *testing.T
	s       *Server
	mu      sync.Mutex
	off     time.Duration
	cookies map[string]string // by role; "" for nobody
	who     map[string]auth.Who
	things  map[string]string // what fills a placeholder, by the pattern up to it
}

func (w *walk) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().UTC().Add(w.off)
}

func (w *walk) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

const mark = "foreign mark" // in everything of the first merchant: a stranger must never read it

func newWalk(t *testing.T) *walk {
	t.Helper()
	w := &walk{t: t, cookies: map[string]string{"nobody": ""}, who: map[string]auth.Who{}, things: map[string]string{}}
	var err error
	w.s, err = Start(t.Context(), Config{Data: t.TempDir(), Clock: w.now})
	w.must(err)
	t.Cleanup(func() { _ = w.s.Close() })
	first, err := seedMerchant()
	w.must(err)
	second := first
	second.ID, second.MID = 2, "100290058120002"
	w.must(w.s.DB.Write(t.Context(), func(tx *store.Tx) error { return merchant.Add(t.Context(), tx, second, w.now()) }))

	owner := w.first(auth.NewAccount{Merchant: first.ID, Login: "owner", Name: mark, Role: auth.Owner}, "owner")
	for _, r := range []auth.Role{auth.Manager, auth.Cashier, auth.Accountant} {
		w.invite(owner, r)
	}
	w.first(auth.NewAccount{Merchant: second.ID, Login: "stranger", Name: "stranger", Role: auth.Owner}, "stranger")
	admin := w.first(auth.NewAccount{Login: "admin", Name: "admin", Role: auth.Admin}, "admin")
	for _, r := range []auth.Role{auth.Reviewer, auth.Risk, auth.Finance, auth.Support, auth.Auditor} {
		w.invite(admin, r)
	}
	for name, lock := range map[string]bool{"till": false, "locked": true} {
		d, e, err := w.s.Guard.PairHere(t.Context(), owner, mark, lock, auth.Origin{})
		w.must(err)
		w.keep(name, e)
		w.things["/app/devices/"] = fmt.Sprint(d.ID)
	}
	w.things["/app/staff/"], w.things["/ops/people/"] = fmt.Sprint(w.who["cashier"].ID), fmt.Sprint(w.who["auditor"].ID)
	w.things["/security/sessions/"] = fmt.Sprint(owner.Session)
	p, err := w.s.Engine.Create(t.Context(), payment.Order{Merchant: first, Device: "pos/1", Key: mark[:7], Amount: money.New(1234, money.CNY), Note: mark})
	w.must(err)
	w.things["/app/payments/"], w.things["/pos/api/payments/"] = payment.Ref(p.ID), payment.Ref(p.ID)
	w.must(w.s.DB.Write(t.Context(), func(tx *store.Tx) error {
		i, err := shop.Add(t.Context(), tx, shop.Item{Merchant: first.ID, NameZH: mark, State: shop.OnSale, Price: money.New(100, money.CNY)}, w.now())
		w.things["/pos/api/items/"] = fmt.Sprint(i.ID)
		return err
	}))
	return w
}

func (w *walk) keep(name string, e auth.Entry) auth.Who {
	w.t.Helper()
	who, err := w.s.Guard.Find(w.t.Context(), e.Token, auth.Origin{})
	w.must(err)
	w.who[name] = who
	w.cookies[name] = "hawker-session=" + e.Token
	if who.Kind == auth.Device {
		w.cookies[name] = "hawker-device=" + e.Token
	}
	return who
}

// first signs in the first of a house, and enrols him.
func (w *walk) first(n auth.NewAccount, name string) auth.Who {
	w.t.Helper()
	link, err := w.s.Guard.FirstLink(w.t.Context(), n)
	w.must(err)
	e, _, err := w.s.Guard.OpenLink(w.t.Context(), link, auth.Origin{})
	w.must(err)
	return w.enrol(name, e)
}

// totps are the one-time codes of those who invite.
var totps sync.Map // of string by account

func (w *walk) enrol(name string, e auth.Entry) auth.Who {
	w.t.Helper()
	who := w.keep(name, e)
	enrolment, ticket, err := w.s.Guard.NewTOTP(w.t.Context(), who)
	w.must(err)
	secret := strings.ReplaceAll(enrolment.Secret, " ", "")
	totps.Store(who.ID, secret)
	_, err = w.s.Guard.ConfirmTOTP(w.t.Context(), who, ticket, w.code(who))
	w.must(err)
	return w.keep(name, e)
}

func (w *walk) code(who auth.Who) string {
	w.t.Helper()
	w.mu.Lock()
	w.off += 30 * time.Second
	w.mu.Unlock()
	secret, _ := totps.Load(who.ID)
	code, err := totp.GenerateCode(secret.(string), w.now())
	w.must(err)
	return code
}

func (w *walk) invite(by auth.Who, r auth.Role) {
	w.t.Helper()
	action := map[auth.Kind]auth.Action{auth.Staff: auth.StaffWrite, auth.Operator: auth.OperatorWrite}[by.Kind]
	proof, err := w.s.Guard.StepUp(w.t.Context(), by, action, auth.Person(by.Kind, 0), auth.Proof{Means: auth.ByTOTP, Code: w.code(by)})
	w.must(err)
	_, link, err := w.s.Guard.Invite(w.t.Context(), by, proof, auth.NewAccount{Login: string(r) + "." + string(by.Kind), Name: mark, Role: r})
	w.must(err)
	e, _, err := w.s.Guard.OpenLink(w.t.Context(), link, auth.Origin{})
	w.must(err)
	w.enrol(string(r), e)
}

var placeholder = regexp.MustCompile(`\{[a-z]+(\.\.\.)?\}`)

// address fills a pattern's placeholders: the first with a thing of the first merchant.
func (w *walk) address(pattern string) (path string, classified bool) {
	at := strings.Index(pattern, "{")
	if at < 0 || strings.HasPrefix(pattern[at:], "{$}") {
		return strings.ReplaceAll(pattern, "{$}", ""), true
	}
	thing, ok := w.things[pattern[:at]]
	if !ok {
		thing = "1"
	}
	path = pattern[:at] + placeholder.ReplaceAllStringFunc(pattern[at:], func(string) string {
		defer func() { thing = "1" }()
		return thing
	})
	return path, ok
}

func (w *walk) request(name, method, path string) *httptest.ResponseRecorder {
	ctx, cancel := context.WithTimeout(w.t.Context(), 500*time.Millisecond) // a stream of events has no end
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, method, path, nil)
	if c := w.cookies[name]; c != "" {
		r.Header.Set("Cookie", c)
	}
	rec := httptest.NewRecorder()
	w.s.http.Handler.ServeHTTP(rec, r)
	return rec
}

func (w *walk) routes() (all []web.Route) {
	for _, d := range w.s.doors() {
		all = append(all, d.Routes...)
	}
	return all
}

func TestEveryRouteIsForThoseWhomThePolicyNames(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	actions := auth.Actions()
	routes := w.routes()
	if len(routes) < 80 {
		t.Fatalf("there are only %d routes", len(routes))
	}
	for _, r := range routes {
		route := r.Method + " " + r.Pattern
		if r.Action == web.Public {
			if _, ok := public[r.Pattern]; !ok && !slices.ContainsFunc(publicPrefixes, func(p string) bool { return strings.HasPrefix(r.Pattern, p) }) {
				t.Errorf("%s is open to all and nobody said why: see the table public", route)
			}
			continue
		}
		if !slices.Contains(actions, r.Action) {
			t.Errorf("%s asks for %q, which is no action of the policy", route, r.Action)
			continue
		}
		path, _ := w.address(r.Pattern)
		if got := w.request("nobody", r.Method, path); got.Code != http.StatusUnauthorized && (got.Code != http.StatusSeeOther || !strings.HasPrefix(got.Header().Get("Location"), "/signin")) {
			t.Errorf("%s: nobody got %d %s", route, got.Code, got.Header().Get("Location"))
		}
		for name, who := range w.who {
			if auth.Allows(who, r.Action) && !abroad(who, path) {
				if r.Method == http.MethodGet { // others would do it
					w.allowed(route, name, path)
				}
				continue
			}
			if got := w.request(name, r.Method, path); got.Code != http.StatusForbidden && (who.Role != auth.Locked || !strings.HasPrefix(got.Header().Get("Location"), "/switch?")) {
				t.Errorf("%s: %s may not %s and got %d", route, name, r.Action, got.Code)
			}
		}
	}
}

// abroad is whether a path is of the other kind of house, where nobody gets by whatever action.
func abroad(who auth.Who, path string) bool {
	if who.Kind == auth.Operator {
		return strings.HasPrefix(path, "/app") || strings.HasPrefix(path, "/pos")
	}
	return strings.HasPrefix(path, "/ops")
}

// allowed fails when somebody whom the policy names is turned away.
func (w *walk) allowed(route, name, path string) {
	w.t.Helper()
	if got := w.request(name, http.MethodGet, path); got.Code == http.StatusForbidden || got.Code == http.StatusUnauthorized || got.Code >= 500 {
		w.t.Errorf("%s: %s may, and got %d", route, name, got.Code)
	}
}

func TestAStrangersThingsDoNotExist(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	for _, r := range w.routes() {
		route := r.Method + " " + r.Pattern
		if r.Action == web.Public || !strings.Contains(r.Pattern, "{") || slices.Contains(nobodys, r.Pattern) {
			continue
		}
		if strings.HasPrefix(r.Pattern, "/ops") || !slices.ContainsFunc(auth.Roles(auth.Staff), func(role auth.Role) bool {
			return auth.Allows(auth.Who{Kind: auth.Staff, ID: 1, Merchant: 1, Role: role}, r.Action)
		}) {
			continue // the institution's own: the other test has seen that no merchant's people get there
		}
		path, classified := w.address(r.Pattern)
		if !classified && !slices.Contains(keyed, r.Pattern) && elsewhere[r.Pattern] == "" {
			t.Errorf("%s: whose thing is it? Say so in newWalk's things, or in keyed", route)
			continue
		}
		name := "stranger"
		if !auth.Allows(w.who[name], r.Action) {
			continue // the other test has seen that he gets nothing
		}
		got := w.request(name, r.Method, path)
		if strings.Contains(got.Body.String(), mark) {
			t.Errorf("%s: a stranger reads it", route)
		}
		if slices.Contains(keyed, r.Pattern) {
			continue
		}
		if got.Code < 400 || got.Code >= 500 {
			t.Errorf("%s: a stranger got %d", route, got.Code)
		}
		if r.Method == http.MethodGet && got.Code != http.StatusNotFound {
			t.Errorf("%s: for a stranger it does not exist, and he got %d", route, got.Code)
		}
	}
	// Lists hold one's own only.
	for _, path := range []string{"/app", "/app/payments", "/app/staff", "/app/devices", "/audit", "/audit/export", "/pos/api/items", "/pos/api/payments"} {
		got := w.request("stranger", http.MethodGet, path)
		if got.Code != http.StatusOK || strings.Contains(got.Body.String(), mark) {
			t.Errorf("%s: a stranger got %d and reads the other's: %v", path, got.Code, strings.Contains(got.Body.String(), mark))
		}
		if own := w.request("owner", http.MethodGet, path); own.Code != http.StatusOK {
			t.Errorf("%s: its owner got %d", path, own.Code)
		}
	}
}

// keyed are patterns whose placeholder is the asker's own key within his merchant: the
// same key of a stranger is another one, and what he reads is his own nothing.
var keyed = []string{"/pos/api/begun/{key}", "/pos/api/card/{key}", "/pos/api/card/{key}/present", "/pos/api/card/{key}/stop", "/app/export/{ticket}"}

// elsewhere are things that this walk does not make: which test makes them and sends a
// stranger for them. Here only a number that is nobody's is asked for.
var elsewhere = map[string]string{
	"/app/contract/{id}/pdf": "contract: the desk asks for a merchant's own", "/app/contract/{id}/read": "contract: the desk asks for a merchant's own",
	"/app/contract/{id}/sign": "contract: who may sign", "/app/contract/{id}/end": "contract: the desk asks for a merchant's own",
	"/app/fees/{id}/agree": "feelock: a stranger agrees", "/app/fees/{id}/refuse": "feelock: a stranger refuses",
	"/learn/lesson/{key}": "lessons are the same for all", "/learn/test/{id}": "training: a test belongs to who began it",
}

func TestALargeRefundTakesAFreshProof(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	first, err := seedMerchant()
	w.must(err)
	p, err := w.s.Engine.Create(t.Context(), payment.Order{Merchant: first, Device: "pos/1", Key: "cash", Amount: money.New(50000, money.CNY), Method: "cash"})
	w.must(err)
	post := func(fields ...string) *httptest.ResponseRecorder {
		f := url.Values{}
		for i := 0; i < len(fields); i += 2 {
			f.Set(fields[i], fields[i+1])
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/app/payments/"+payment.Ref(p.ID)+"/refund", strings.NewReader(f.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Cookie", w.cookies["owner"])
		rec := httptest.NewRecorder()
		w.s.http.Handler.ServeHTTP(rec, r)
		return rec
	}
	refunded := func() int64 {
		got, err := payment.Get(t.Context(), w.s.DB.Read(), first.ID, p.ID)
		w.must(err)
		return got.Refunded.Minor()
	}
	if got := post("amount", "200.00", "reason", "returned", "key", "small"); got.Code != http.StatusSeeOther || refunded() != 20000 {
		t.Fatalf("at the limit no proof is asked: %d, %d fen", got.Code, refunded())
	}
	if got := post("amount", "200.01", "reason", "returned", "key", "large"); got.Code != http.StatusUnprocessableEntity || !strings.Contains(got.Body.String(), "proof_code") || refunded() != 20000 {
		t.Errorf("above it one is asked: %d, %d fen", got.Code, refunded())
	}
	if got := post("amount", "200.01", "reason", "returned", "key", "large", "proof_means", "totp", "proof_code", "000000"); got.Code != http.StatusUnprocessableEntity || refunded() != 20000 {
		t.Errorf("a wrong one: %d, %d fen", got.Code, refunded())
	}
	if got := post("amount", "200.01", "reason", "returned", "key", "large", "proof_means", "totp", "proof_code", w.code(w.who["owner"])); got.Code != http.StatusSeeOther || refunded() != 40001 {
		t.Errorf("with a right one: %d, %d fen", got.Code, refunded())
	}
}
