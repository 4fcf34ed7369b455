package signin_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"

	"hawker/internal/auth"
	"hawker/internal/door/signin"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/web"
	"hawker/internal/web/webtest"
)

func TestMain(m *testing.M) { storetest.Main(webtest.Tests(m)) }

// site is a server with the door, a merchant, and a clock that the test moves.
type site struct {
	*auth.Guard
	t   *testing.T
	url string
	kit *web.Kit
	mu  sync.Mutex
	off time.Duration
}

const (
	shop       = merchant.ID(1)
	good       = "窗外雨声盖住了锅里的油花"
	deviceName = "前台平板"
)

func (s *site) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().UTC().Add(s.off)
}

func (s *site) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.off += d
}

// work stands for the other doors: where people go after signing in.
func work() web.Door {
	page := func(*web.Request) (web.Response, error) { return web.Page("work", nil), nil }
	return web.Door{Name: "work", Texts: web.Texts{"work.title": {"今天", "Today"}}, Templates: fstest.MapFS{"work.html": {Data: []byte(`{{define "title"}}{{t "work.title"}}{{end}}{{define "content"}}<p id="work">{{.Who.Name}} {{.Who.Kind}} {{.Who.Role}}</p>{{end}}`)}},
		Routes: []web.Route{{Method: "GET", Pattern: "/app", Action: auth.ReportRead, Handler: page}, {Method: "GET", Pattern: "/ops", Action: auth.ConsoleRead, Handler: page}, {Method: "GET", Pattern: "/pos", Action: auth.PaymentTake, Handler: page}}}
}

func open(t *testing.T) *site {
	t.Helper()
	db := storetest.SQLite(t)
	s := &site{t: t}
	ks, err := keys.Open(t.Context(), db, filepath.Join(t.TempDir(), "master.key"), s.now)
	if err != nil {
		t.Fatal(err)
	}
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s.url = "http://localhost:" + port
	if s.Guard, err = auth.Open(auth.Config{DB: db, Keys: ks, Clock: s.now, Site: s.url}); err != nil {
		t.Fatal(err)
	}
	if err := db.Write(t.Context(), func(tx *store.Tx) error {
		return merchant.Add(t.Context(), tx, merchant.Merchant{ID: shop, MID: "100290058120001", NameZH: "小满面馆", NameEN: "Xiaoman Noodles", Place: "Shanghai", MCC: "5812",
			Currency: money.CNY, Zone: time.UTC, State: merchant.Active}, s.now())
	}); err != nil {
		t.Fatal(err)
	}
	cookies := signin.Cookies{Guard: s.Guard}
	pages := &signin.Pages{Guard: s.Guard, DB: db, Clock: s.now, Cookies: cookies, Site: s.url, Zone: time.UTC, Home: signin.HomeOf}
	mux := http.NewServeMux()
	if s.kit, err = web.Mount(mux, web.Config{Auth: cookies, Refused: signin.Refused}, append(pages.Doors(), work())...); err != nil {
		t.Fatal(err)
	}
	handler = s.kit.Guard(mux)
	return s
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// link is a one-time link for the first owner, or the first administrator.
func (s *site) link(m merchant.ID) string {
	s.t.Helper()
	n := auth.NewAccount{Merchant: m, Login: "chenchen", Name: "陈晨", Phone: "13812345678", Role: auth.Owner}
	if m == 0 {
		n.Login, n.Role = "admin", auth.Admin
	}
	secret, err := s.FirstLink(s.t.Context(), n)
	s.must(err)
	return s.url + "/hello/" + secret
}

// owner is somebody who is signed in beside the browser, with a password and one-time codes.
func (s *site) owner() (who auth.Who, token, secret string) {
	s.t.Helper()
	o := auth.Origin{Address: "192.0.2.1", Agent: "Mozilla/5.0 (iPhone) Safari"}
	e, _, err := s.OpenLink(s.t.Context(), strings.TrimPrefix(s.link(shop), s.url+"/hello/"), o)
	s.must(err)
	who, err = s.Find(s.t.Context(), e.Token, o)
	s.must(err)
	s.must(s.SetPassword(s.t.Context(), who, good))
	enrolment, ticket, err := s.NewTOTP(s.t.Context(), who)
	s.must(err)
	secret = strings.ReplaceAll(enrolment.Secret, " ", "")
	_, err = s.ConfirmTOTP(s.t.Context(), who, ticket, s.code(secret))
	s.must(err)
	return who, e.Token, secret
}

// code is a one-time code that was not used yet.
func (s *site) code(secret string) string {
	s.t.Helper()
	s.pass(30 * time.Second)
	code, err := totp.GenerateCode(secret, s.now())
	s.must(err)
	return code
}

// cookie gives a browser a cookie.
func (s *site) cookie(name, value string) chromedp.Action {
	return chromedp.Tasks{chromedp.Navigate(s.url + "/signin?lang=zh"), chromedp.Evaluate(fmt.Sprintf("document.cookie = '%s=%s; path=/'", name, value), nil)}
}

// there waits until an element is on the page.
func there(selector string) chromedp.Action {
	return webtest.Until(fmt.Sprintf("document.readyState === 'complete' && document.querySelector(%q)", selector))
}

func click(selector string) chromedp.Action {
	return chromedp.Tasks{there(selector), chromedp.Click(selector, chromedp.ByQuery)}
}

func fill(selector, text string) chromedp.Action {
	return chromedp.Tasks{there(selector), chromedp.Evaluate(fmt.Sprintf("document.querySelector(%q).value = %q", selector, text), nil)}
}

// finger is a virtual authenticator that verifies its user, as a phone's does.
func finger(ctx context.Context) chromedp.Action {
	return chromedp.Tasks{webauthn.Enable(), chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := webauthn.AddVirtualAuthenticator(&webauthn.VirtualAuthenticatorOptions{Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true}).Do(ctx)
		return err
	})}
}

// at waits until the browser is at a path.
func (s *site) at(path string) chromedp.Action {
	return webtest.Until(fmt.Sprintf("location.pathname === %q && document.readyState === 'complete'", path))
}

func TestALinkLeadsToAPasskeyAndThePasskeySignsIn(t *testing.T) {
	t.Parallel()
	s := open(t)
	ctx := webtest.Browser(t)
	link := s.link(shop)
	webtest.Run(t, ctx, finger(ctx), webtest.Speaks("zh-CN"), chromedp.Navigate(link), webtest.Has("h1", "您好，陈晨"))
	webtest.Axe(t, ctx)
	webtest.Run(t, ctx, click("main button"), s.at("/security"), webtest.Has("main", "已登录"))
	webtest.Run(t, ctx, click("form[action='/security/passkeys'] [data-passkey]"), webtest.Has(".rows", "我的设备"))
	webtest.Axe(t, ctx)
	webtest.Run(t, ctx, chromedp.Navigate(link), webtest.Has("h1", "找不到"))
	webtest.Run(t, ctx, chromedp.Navigate(s.url+"/security"), chromedp.Evaluate(`document.querySelector("form[action='/signout']").requestSubmit()`, nil), s.at("/signin"))
	webtest.Run(t, ctx, chromedp.Navigate(s.url+"/staff-or-not"), chromedp.Navigate(s.url+"/app/staff"), s.at("/signin"))
	webtest.Run(t, ctx, click("[data-passkey]"), s.at("/app/staff"), webtest.Has("main", "陈晨"))
	if next := webtest.Eval[string](t, ctx, "location.pathname"); next != "/app/staff" {
		t.Errorf("the page that was asked for first is %s", next)
	}
	// A fresh proof by the same finger: an invitation.
	webtest.Run(t, ctx, chromedp.Navigate(s.url+"/app/staff/new"), fill("#f-name", "李雷"), fill("#f-login", "li.lei"), click(".proof [data-passkey]"), webtest.Has("#link", s.url+"/hello/"))
	webtest.Axe(t, ctx)
	// Somebody else's finger does not open it.
	list, err := s.People(t.Context(), shop)
	s.must(err)
	if len(list) != 2 || list[1].Name != "李雷" || list[1].Role != auth.Cashier {
		t.Errorf("%+v", list)
	}
}

func TestAPasswordAndACodeSignInAndTenWrongOnesLock(t *testing.T) {
	t.Parallel()
	s := open(t)
	_, _, secret := s.owner()
	ctx := webtest.Browser(t)
	enter := func(password string) chromedp.Action {
		return chromedp.Tasks{chromedp.Navigate(s.url + "/signin?next=%2Fsecurity"), fill("#f-login", "chenchen"), fill("#f-password", password), click("form[action='/signin'] button")}
	}
	webtest.Run(t, ctx, webtest.Speaks("en"), enter("wrong "+good), webtest.Has("[role=alert]", "The account or the password is wrong"))
	webtest.Axe(t, ctx)
	webtest.Run(t, ctx, enter(good), s.at("/signin/second"), fill("#f-proof_code", "000000"), click("form:last-of-type button"), webtest.Has("[role=alert]", "That was not right"))
	webtest.Axe(t, ctx)
	webtest.Run(t, ctx, fill("#f-proof_code", s.code(secret)), click("form:last-of-type button"), s.at("/security"))
	if cookie := webtest.Eval[string](t, ctx, "document.cookie"); strings.Contains(cookie, "hawker-session") {
		t.Error("a script can read the session")
	}
	// The switch of language keeps the page and the session.
	webtest.Run(t, ctx, webtest.Has("h1", "Security"), click(".tools a[lang='zh-CN']"), webtest.Has("h1", "账号安全"), click(".tools a[lang='en']"), webtest.Has("h1", "Security"))
	webtest.Run(t, ctx, chromedp.Evaluate(`document.querySelector("form[action='/signout']").requestSubmit()`, nil), s.at("/signin"))
	for i := range 10 {
		s.pass(15 * time.Second)
		said := "The account or the password is wrong"
		if i == 9 {
			said = "locked for 30 minutes"
		}
		webtest.Run(t, ctx, enter("wrong "+good), webtest.Has("[role=alert]", said))
	}
	s.pass(time.Minute)
	webtest.Run(t, ctx, enter(good), webtest.Has("[role=alert]", "locked for 30 minutes"))
	s.pass(31 * time.Minute)
	webtest.Run(t, ctx, enter(good), s.at("/signin/second"))
}

func TestOneSetsUpCodesAndEndsAnotherSession(t *testing.T) {
	t.Parallel()
	s := open(t)
	ctx := webtest.Browser(t)
	webtest.Run(t, ctx, webtest.Speaks("zh-CN"), chromedp.Navigate(s.link(shop)), click("main button"), s.at("/security"))
	webtest.Run(t, ctx, fill("#f-new_password", "woshishui1314"), click("form[action='/security/password'] button"), webtest.Has("#e-new_password", "拼音"))
	webtest.Axe(t, ctx)
	if v := webtest.Eval[string](t, ctx, `document.querySelector("#f-new_password").value`); v != "" {
		t.Errorf("the password came back to the page: %q", v)
	}
	webtest.Run(t, ctx, fill("#f-new_password", good), click("form[action='/security/password'] button"), webtest.Has("section[aria-labelledby=h-password]", "设于"))
	webtest.Run(t, ctx, click("form[action='/security/totp'] button"), there(".qr svg"))
	webtest.Axe(t, ctx)
	secret := strings.ReplaceAll(webtest.Eval[string](t, ctx, `document.querySelector("#secret").textContent`), " ", "")
	webtest.Run(t, ctx, fill("#f-code", "123456"), click("form.card button.primary"), webtest.Has("#e-code", "动态码不对"))
	webtest.Run(t, ctx, fill("#f-code", s.code(secret)), click("form.card button.primary"), there(".codes"))
	webtest.Axe(t, ctx)
	if n := webtest.Eval[int](t, ctx, `document.querySelectorAll(".codes li").length`); n != 10 {
		t.Errorf("%d recovery codes", n)
	}
	// Another browser of the same person is ended by hand.
	half, err := s.SignIn(t.Context(), "chenchen", good, auth.Origin{Address: "192.0.2.9", Agent: "Mozilla/5.0 (Linux; Android 14) Chrome/130"})
	s.must(err)
	e, err := s.Second(t.Context(), half.Ticket, auth.Proof{Means: auth.ByTOTP, Code: s.code(secret)}, auth.Origin{Address: "192.0.2.9", Agent: "Mozilla/5.0 (Linux; Android 14) Chrome/130"})
	s.must(err)
	webtest.Run(t, ctx, chromedp.Navigate(s.url+"/security"), webtest.Has("section[aria-labelledby=h-sessions]", "Chrome · Android"), click("[data-session]"),
		webtest.Until(`!document.querySelector("section[aria-labelledby=h-sessions]").innerText.includes("Android")`))
	if _, err := s.Find(t.Context(), e.Token, auth.Origin{}); err == nil {
		t.Error("the session that was ended lives")
	}
	// Ten minutes later changes ask for a proof again.
	s.pass(11 * time.Minute)
	webtest.Run(t, ctx, chromedp.Navigate(s.url+"/security"), there("#again"))
	if n := webtest.Eval[int](t, ctx, `document.querySelectorAll("#f-new_password").length`); n != 0 {
		t.Error("a password can be changed without a fresh proof")
	}
	webtest.Axe(t, ctx)
	webtest.Run(t, ctx, fill("#f-proof", s.code(secret)), click("#again button.primary"), there("#f-new_password"))
	webtest.Run(t, ctx, fill("#f-new_pin", "123456"), click("form[action='/security/pin'] button"), webtest.Has("#e-new_pin", "太容易猜"))
	webtest.Run(t, ctx, fill("#f-new_pin", "802715"), click("form[action='/security/pin'] button"), webtest.Has("section[aria-labelledby=h-pin]", "已设置"))
}

func TestADeviceShowsACodeAndTheOwnerTakesIt(t *testing.T) {
	t.Parallel()
	s := open(t)
	who, token, _ := s.owner()
	s.must(s.SetPIN(t.Context(), who, "802715"))
	tablet, owner := webtest.Browser(t), webtest.Browser(t)
	webtest.Run(t, tablet, webtest.Speaks("zh-CN"), chromedp.Navigate(s.url+"/pair"), there("#code"))
	webtest.Axe(t, tablet)
	code := webtest.Text(t, tablet, "#code")
	webtest.Run(t, owner, s.cookie("hawker-session", token), chromedp.Navigate(s.url+"/app/devices"), fill("#f-code", "00 00 00"), click("form[action='/app/devices/find'] button"), webtest.Has("#e-code", "没有设备"))
	webtest.Run(t, owner, fill("#f-code", code), click("form[action='/app/devices/find'] button"), webtest.Has("form[action='/app/devices/pair']", "找到这台设备"))
	webtest.Axe(t, owner)
	webtest.Run(t, owner, fill("#f-device_name", deviceName), click("form[action='/app/devices/pair'] button"), webtest.Has("section[aria-labelledby=h-paired]", deviceName))
	webtest.Axe(t, owner)
	// Nothing is done at it before a cashier has shown his PIN; then it is his.
	webtest.Run(t, tablet, s.at("/switch"), webtest.Has("main", "陈晨"))
	webtest.Axe(t, tablet)
	webtest.Run(t, tablet, fill("#f-pin", "111111"), click("form.card button"), webtest.Has("#e-pin", "PIN 不对"))
	webtest.Axe(t, tablet)
	webtest.Run(t, tablet, fill("#f-pin", "802715"), click("form.card button"), s.at("/pos"), webtest.Has("#work", "陈晨 staff owner"))
	webtest.Run(t, owner, click(".rows button.danger"), webtest.Has("section[aria-labelledby=h-paired]", "还没有配对的设备"))
	webtest.Run(t, tablet, chromedp.Navigate(s.url+"/pos"), s.at("/signin"))
}

func TestAnOperatorIsLedToHisSecondFactor(t *testing.T) {
	t.Parallel()
	s := open(t)
	ctx := webtest.Browser(t)
	webtest.Run(t, ctx, finger(ctx), webtest.Speaks("en"), chromedp.Navigate(s.link(0)), click("main button"), s.at("/security"), webtest.Has("main", "Operators need a second factor"))
	webtest.Run(t, ctx, chromedp.Navigate(s.url+"/ops"), s.at("/security"))
	webtest.Run(t, ctx, click("form[action='/security/passkeys'] [data-passkey]"), webtest.Has(".rows", "My device"), chromedp.Navigate(s.url+"/ops"), s.at("/ops"), webtest.Has("#work", "admin"))
	webtest.Run(t, ctx, chromedp.Navigate(s.url+"/ops/people"), webtest.Has("main", "Administrator"), chromedp.Navigate(s.url+"/audit"), webtest.Has("main", "Added a passkey"))
	webtest.Axe(t, ctx)
}

func TestThePagesOfAccountsCanBeUsedByEverybody(t *testing.T) {
	t.Parallel()
	s := open(t)
	who, token, secret := s.owner()
	s.must(s.SetPIN(t.Context(), who, "802715"))
	proof, err := s.StepUp(t.Context(), who, auth.StaffWrite, "staff/new", auth.Proof{Means: auth.ByTOTP, Code: s.code(secret)})
	s.must(err)
	a, _, err := s.Invite(t.Context(), who, proof, auth.NewAccount{Login: "li.lei", Name: "李雷", Phone: "13900001111", Role: auth.Cashier})
	s.must(err)
	_, _, err = s.PairHere(t.Context(), who, deviceName, true, auth.Origin{Agent: "Mozilla/5.0 (iPad) Safari"})
	s.must(err)
	ctx := webtest.Browser(t)
	for _, p := range []struct{ path, name string }{{"/signin", "signin"}, {"/pair", "pair"}} {
		look(t, ctx, s.url, p.path, p.name)
	}
	webtest.Run(t, ctx, s.cookie("hawker-session", token))
	for _, p := range []struct{ path, name string }{{"/security", "security"}, {"/app/staff", "staff"}, {"/app/staff/new", "invite"}, {fmt.Sprintf("/app/staff/%d", a.ID), "person"},
		{"/app/staff/rules", "rules"}, {"/app/devices", "devices"}, {"/audit", "audit"}} {
		look(t, ctx, s.url, p.path, p.name)
	}
}

// look is webtest.Look for whoever wants pictures, and two of its eight ways for everybody:
// the pages share their style, and a browser takes its time.
func look(t *testing.T, ctx context.Context, base, path, name string) {
	t.Helper()
	if webtest.Shooting() {
		webtest.Look(t, ctx, base, path, name)
		return
	}
	for _, v := range []struct {
		size webtest.Size
		lang string
		dark bool
	}{{webtest.Phone, "en", true}, {webtest.Desk, "zh", false}} {
		webtest.Run(t, ctx, webtest.Screen(v.size), webtest.Prefers(v.dark), chromedp.Navigate(base+path+"?lang="+v.lang))
		webtest.Axe(t, ctx)
		webtest.Wide(t, ctx)
		webtest.Small(t, ctx)
		if t.Failed() {
			t.Fatalf("so at %s, %s, %s", name, v.size.Name, v.lang)
		}
	}
}
