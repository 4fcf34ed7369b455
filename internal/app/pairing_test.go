package app

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"hawker/internal/auth"
	"hawker/internal/clock"
	"hawker/internal/web/webtest"
)

// moved is a clock that a test puts forward.
type moved struct {
	mu  sync.Mutex
	off time.Duration
}

func (m *moved) now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return clock.System().Add(m.off)
}

func (m *moved) pass(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.off += d
}

// hire makes somebody a cashier with a PIN: the owner invites him, and he opens his link.
func hire(t *testing.T, g *auth.Guard, owner auth.Who, ownersPIN, login, name, pin string) auth.Account {
	t.Helper()
	ctx, o := t.Context(), auth.Origin{Address: "127.0.0.1", Agent: "test"}
	proof, err := g.StepUp(ctx, owner, auth.StaffWrite, auth.Person(auth.Staff, 0), auth.Proof{Means: auth.ByPIN, Code: ownersPIN})
	if err != nil {
		t.Fatal(err)
	}
	a, secret, err := g.Invite(ctx, owner, proof, auth.NewAccount{Login: login, Name: name, Role: auth.Cashier})
	if err != nil {
		t.Fatal(err)
	}
	e, _, err := g.OpenLink(ctx, secret, o)
	if err != nil {
		t.Fatal(err)
	}
	who, err := g.Find(ctx, e.Token, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.SetPIN(ctx, who, pin); err != nil {
		t.Fatal(err)
	}
	return a
}

// TestCashiersTakeTurnsAtAPairedTablet pairs a tablet by its six digits and lets two cashiers
// work at it: each by his PIN, each under his own name, and nobody by guessing.
func TestCashiersTakeTurnsAtAPairedTablet(t *testing.T) {
	t.Parallel()
	now := &moved{}
	s := runningAt(t, now.now)
	base := "http://" + s.HTTPAddr()
	token, owner := signIn(t, s, 0)
	const ownersPIN = "802715"
	if err := s.Guard.SetPIN(t.Context(), owner, ownersPIN); err != nil {
		t.Fatal(err)
	}
	lei := hire(t, s.Guard, owner, ownersPIN, "li.lei", "李雷", "730462")
	mei := hire(t, s.Guard, owner, ownersPIN, "han.meimei", "韩梅梅", "614093")

	tablet := &tour{t: t, ctx: webtest.Browser(t), base: base}
	desk := &tour{t: t, ctx: webtest.Browser(t), base: base}
	desk.becomes(token)
	here := func(path string) chromedp.Action {
		return webtest.Until(fmt.Sprintf("location.pathname === %q && document.readyState === 'complete'", path))
	}
	send := func(form string, fields ...string) chromedp.Action {
		list := chromedp.Tasks{webtest.Until(fmt.Sprintf("document.querySelector(%q)", form))}
		for i := 0; i < len(fields); i += 2 {
			list = append(list, chromedp.SetValue(fields[i], fields[i+1], chromedp.ByQuery))
		}
		return append(list, chromedp.Evaluate(fmt.Sprintf("document.querySelector(%q).requestSubmit()", form), nil))
	}
	shows := func(who auth.Account, pin string) chromedp.Action {
		return chromedp.Tasks{here("/switch"), chromedp.Click(fmt.Sprintf(`input[name=cashier][value="%d"]`, who.ID), chromedp.ByQuery), send("form[action='/switch']", "#f-pin", pin)}
	}
	isAt := func(name string) chromedp.Action {
		return chromedp.Tasks{here("/pos"), webtest.Until("document.documentElement.dataset.ready"), webtest.Has("#who", name)}
	}
	sells := func(amount string) chromedp.Action {
		return chromedp.Tasks{keypad(amount), tap(`[data-pay="cash"]`), sheet("cash"), press("正好"), press("确认收到现金"), sheet("approved"), press("下一笔"), webtest.Until(`!document.querySelector("#sheet").open`)}
	}

	// The tablet shows six digits; the owner takes them at his desk.
	webtest.Run(t, tablet.ctx, webtest.Screen(webtest.Phone), webtest.Speaks("zh-CN"), chromedp.Navigate(base+"/pair?lang=zh-CN"), webtest.Until(`document.querySelector("#code")`))
	code := strings.ReplaceAll(webtest.Text(t, tablet.ctx, "#code"), " ", "")
	if len(code) != 6 {
		t.Fatalf("the tablet shows %q", code)
	}
	webtest.Run(t, desk.ctx, chromedp.Navigate(base+"/app/devices?lang=zh-CN"), send("form[action='/app/devices/find']", "#f-code", code),
		send("form[action='/app/devices/pair']", "form[action='/app/devices/pair'] #f-device_name", "前台平板"), webtest.Has("section[aria-labelledby=h-paired]", "前台平板"))

	// Nobody works at it without a PIN, and another's is none.
	webtest.Run(t, tablet.ctx, here("/switch"), chromedp.Navigate(base+"/pos"), here("/switch"), shows(lei, "614093"), webtest.Has("#e-pin", "PIN 不对"))
	webtest.Run(t, tablet.ctx, shows(lei, "730462"), isAt("李雷"), sells("12"))

	// The next one takes over at the till itself.
	webtest.Run(t, tablet.ctx, tap(`[data-go="me"]`), webtest.Has("#me", "李雷"), tap(`#me a.button`), here("/switch"), webtest.Has("main", "李雷"), shows(mei, "614093"), isAt("韩梅梅"), sells("8.50"))
	webtest.Run(t, tablet.ctx, tap(`[data-go="me"]`), webtest.Has("#me", "韩梅梅"))

	// Whoever guesses at the counter is stopped, even when he guesses right at last. The others go on.
	webtest.Run(t, tablet.ctx, tap(`#me a.button`))
	for i := range 5 {
		said := webtest.Has("#e-pin", "PIN 不对")
		if i == 4 {
			said = webtest.Has("main [role=alert]", "锁定")
		}
		webtest.Run(t, tablet.ctx, shows(lei, fmt.Sprint(900117+i*3)), said)
	}
	webtest.Run(t, tablet.ctx, shows(lei, "730462"), webtest.Has("main [role=alert]", "锁定"), chromedp.Navigate(base+"/pos"), isAt("韩梅梅"))

	// A till that was left alone asks for the PIN at the next touch, and keeps the order.
	now.pass(11 * time.Minute)
	webtest.Run(t, tablet.ctx, keypad("3.20"), tap(`[data-pay="code"]`), here("/switch"), shows(mei, "614093"), isAt("韩梅梅"), webtest.Has("#amount", "3.20"), sells(""))

	// Each sale has its cashier's name, and the drawer is the tablet's.
	var sold []string
	var page struct {
		Payments []struct{ ID, State string }
	}
	fetched(t, tablet.ctx, "payments?text=&cursor=", &page)
	for _, p := range page.Payments {
		var one struct {
			State, By string
			Amount    int64
		}
		fetched(t, tablet.ctx, "payments/"+p.ID, &one)
		sold = append(sold, fmt.Sprint(one.By, " ", one.Amount, " ", one.State))
	}
	if got, want := strings.Join(sold, ", "), "韩梅梅 320 approved, 韩梅梅 850 approved, 李雷 1200 approved"; got != want {
		t.Errorf("sold: %s, want %s", got, want)
	}
}

// fetched reads what the till's JSON says to the browser.
func fetched(t *testing.T, ctx context.Context, path string, into any) {
	t.Helper()
	text := webtest.Eval[string](t, ctx, fmt.Sprintf(`(() => { const x = new XMLHttpRequest(); x.open("GET", %q, false); x.setRequestHeader("Accept", "application/json"); x.send(); return x.responseText; })()`, "/pos/api/"+path))
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%s: %v in %q", path, err, text)
	}
}
