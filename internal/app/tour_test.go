package app

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"

	"hawker/internal/onboarding"
	"hawker/internal/onboarding/population"
	"hawker/internal/payment"
	"hawker/internal/web/webtest"
)

// tourEnv names the directory in which `make tour` wants the pictures of docs/tour.md.
const tourEnv = "HAWKER_TOUR"

// view is how a picture is taken.
type view struct {
	size webtest.Size
	lang string
	dark bool
}

var (
	phoneZH  = view{webtest.Phone, "zh-CN", false}
	phoneEN  = view{webtest.Phone, "en", false}
	nightZH  = view{webtest.Phone, "zh-CN", true}
	nightEN  = view{webtest.Phone, "en", true}
	deskZH   = view{webtest.Desk, "zh-CN", false}
	deskEN   = view{webtest.Desk, "en", false}
	deskDark = view{webtest.Desk, "en", true}
)

// tour is one visitor with a camera.
type tour struct {
	t    *testing.T
	ctx  context.Context
	dir  string
	base string
}

// see opens a page, does what is to be done on it, and keeps what the screen shows.
func (w *tour) see(name string, v view, path string, actions ...chromedp.Action) {
	w.t.Helper()
	lang := "?lang="
	if strings.Contains(path, "?") {
		lang = "&lang="
	}
	webtest.Run(w.t, w.ctx, webtest.Screen(v.size), webtest.Prefers(v.dark), chromedp.Navigate(w.base+path+lang+v.lang))
	webtest.Run(w.t, w.ctx, actions...)
	w.keep(name)
}

func (w *tour) keep(name string) {
	w.t.Helper()
	var b []byte
	webtest.Run(w.t, w.ctx, chromedp.Sleep(400*time.Millisecond), chromedp.ActionFunc(func(ctx context.Context) (err error) {
		b, err = page.CaptureScreenshot().WithFormat(page.CaptureScreenshotFormatWebp).WithQuality(88).Do(ctx)
		return err
	}))
	if err := os.WriteFile(filepath.Join(w.dir, name+".webp"), b, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// tap presses what a person sees under a selector.
func tap(selector string) chromedp.Action {
	return chromedp.Evaluate(`[...document.querySelectorAll('`+selector+`')].find(e => e.getClientRects().length).click()`, nil)
}

func keypad(keys string) chromedp.Action {
	var list chromedp.Tasks
	for _, k := range keys {
		list = append(list, tap(`[data-key="`+string(k)+`"]`))
	}
	return list
}

func sheet(state string) chromedp.Action {
	return webtest.Until(`document.querySelector("#sheet")?.dataset.state === "` + state + `"`)
}

// becomes makes the visitor whoever a session is of.
func (w *tour) becomes(token string) {
	w.t.Helper()
	webtest.Run(w.t, w.ctx, network.SetCookie("hawker-session", token).WithURL(w.base))
}

// TestTheTourIsTaken walks through a sandbox as its people do, and keeps what they see.
func TestTheTourIsTaken(t *testing.T) {
	dir := os.Getenv(tourEnv)
	if dir == "" {
		t.Skip("make tour takes the pictures of docs/tour.md")
	}
	s := running(t)
	w := &tour{t: t, ctx: webtest.Browser(t), dir: dir, base: "http://" + s.HTTPAddr()}

	// Somebody who thinks about it.
	const needs = "?kind=micro&business=food_stall&place=street&mobility=stays&cards=some&network=mobile&paper=no&payout=next_day&ticket=15&volume=20000"
	w.see("home", phoneZH, "/")
	w.see("check", phoneEN, "/check?q=Z0000000000001")
	w.see("interview", phoneZH, "/apply")
	w.see("plans", deskEN, "/apply/plans"+needs)

	// The till.
	token, _ := signIn(t, s, 0)
	w.becomes(token)
	w.see("till", phoneZH, "/pos", charging(), keypad("46.50"))
	webtest.Run(t, w.ctx, tap(`[data-pay="card"]`), sheet("present"))
	w.keep("card")
	webtest.Run(t, w.ctx, press("信用卡：付款成功"), sheet("approved"))
	w.keep("approved")
	webtest.Run(t, w.ctx, press("下一笔"), charging())
	w.see("code", nightEN, "/pos", charging(), keypad("28"), tap(`[data-pay="code"]`), sheet("created"))
	webtest.Run(t, w.ctx, press("Cancel"), webtest.Until(`["cancelled", "expired"].includes(document.querySelector("#sheet")?.dataset.state)`))

	// The customer, at another till's code and with a receipt.
	c := &counter{t: t, base: w.base, cookie: "hawker-session=" + token}
	p := c.charge("payments", "code", 1280, nil)
	id, err := payment.ParseRef(p["id"].(string))
	if err != nil {
		t.Fatal(err)
	}
	shop, err := seedMerchant()
	if err != nil {
		t.Fatal(err)
	}
	link, _, err := s.Engine.Link(t.Context(), shop, id)
	if err != nil {
		t.Fatal(err)
	}
	w.see("checkout", phoneZH, pathOf(link))
	for i, minor := range []int64{1200, 2850, 900, 4650, 3300, 1500} {
		p = c.charge("payments", "cash", minor, map[string]any{"tendered": minor + int64(i)*100})
	}
	status, v := c.do("GET", "payments/"+p["id"].(string)+"/receipt", nil)
	if status != http.StatusOK {
		t.Fatalf("the receipt: %d %v", status, v)
	}
	w.see("receipt", phoneEN, pathOf(v["link"].(string)))

	// A bank that does not answer.
	w.see("reversed", phoneEN, "/pos", webtest.Until(`document.querySelector("#sheet")`), chromedp.Evaluate(`document.querySelector("#sheet").open && [...document.querySelectorAll("#sheet button")].find(b => /Next|Stop|Charge again|Close/.test(b.textContent))?.click()`, nil), charging(),
		tap(`[data-key="clear"]`), keypad("35"), tap(`[data-pay="card"]`), sheet("present"), press("Bank never answers"), webtest.Until(`["unknown", "reversing", "reversed"].includes(document.querySelector("#sheet")?.dataset.state)`))

	// The back office.
	w.see("today", deskZH, "/app")
	w.see("drawer", deskEN, "/app/payments", chromedp.Click("tbody tr[id]", chromedp.ByQuery), webtest.Until(`document.querySelector("#drawer[open] h2")`))
	w.see("payments-phone", nightZH, "/app/payments")
	w.see("security", phoneEN, "/security")
	w.see("contract", deskZH, "/app/contract")
	w.see("fees", phoneZH, "/app/fees")
	w.see("training", phoneEN, "/learn")
	w.see("privacy", deskEN, "/app/privacy")

	// The institution's people.
	people := population.Make(7, 12, s.Config.Clock())
	list := make([]onboarding.Sample, len(people))
	for i, p := range people {
		list[i] = p.Sample
	}
	if _, err := s.boarding.office.Load(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	token, who := signIn(t, s, 1)
	enrolment, ticket, err := s.Guard.NewTOTP(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	code, err := totp.GenerateCode(strings.ReplaceAll(enrolment.Secret, " ", ""), s.Config.Clock())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Guard.ConfirmTOTP(t.Context(), who, ticket, code); err != nil {
		t.Fatal(err)
	}
	w.becomes(token)
	w.see("overview", deskDark, "/ops")
	w.see("queue", phoneEN, "/ops/review")
	w.see("register", deskEN, "/ops/register")
}

func pathOf(link string) string { return link[strings.Index(link[8:], "/")+8:] }

func charging() chromedp.Action {
	return webtest.Until(`document.querySelector('[data-key="1"]')`)
}

// press presses the button that says something.
func press(text string) chromedp.Action {
	return chromedp.Evaluate(`[...document.querySelectorAll("dialog[open] button, dialog[open] a, main button")].filter(e => e.getClientRects().length).find(e => e.textContent.includes("`+text+`")).click()`, nil)
}
