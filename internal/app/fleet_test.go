package app

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"hawker/internal/feedback"
	"hawker/internal/fleet"
	"hawker/internal/money"
	"hawker/internal/onboarding"
	"hawker/internal/store"
	"hawker/internal/terminal"
	"hawker/internal/web/webtest"
)

// TestAnOperatorLooksAfterTerminalsInTheBrowser registers an ordered terminal, reports it stolen and found, puts a
// telephone on the list and takes it off; every page is held against the rules of every page.
func TestAnOperatorLooksAfterTerminalsInTheBrowser(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	w.must(w.s.DB.Write(t.Context(), func(tx *store.Tx) error {
		return onboarding.Order{Merchant: 1, ID: 77, Store: 1, Model: "soundbox", At: w.now()}.Place(t.Context(), tx, money.CNY)
	}))
	server := httptest.NewServer(w.s.http.Handler)
	t.Cleanup(server.Close)
	ctx := webtest.Browser(t)
	webtest.Run(t, ctx, webtest.Screen(webtest.Desk), webtest.Speaks("en"), network.SetCookie("hawker-session", strings.TrimPrefix(w.cookies["risk"], "hawker-session=")).WithURL(server.URL))
	risk := w.who["risk"]
	proven := func(path string, pairs ...string) chromedp.Action {
		return chromedp.Tasks{fill(append(pairs, "proof_code", w.code(risk))...), send(path)}
	}

	webtest.Look(t, ctx, server.URL, "/ops/terminals", "terminals")
	webtest.Look(t, ctx, server.URL, "/ops/orders/1/77", "order")
	// What is wrong is said beside its field, and no code is spent on it.
	webtest.Run(t, ctx, fill("serial", "?", "model", "SoundBox 2"), send("/ops/orders/1/77"), webtest.Has(".wrong", "Please write the serial number"))
	webtest.Run(t, ctx, proven("/ops/orders/1/77", "serial", "sn-2001", "model", "SoundBox 2"), webtest.Has("main", "Registered. Next"))
	made, err := terminal.BySerial(t.Context(), w.s.DB.Read(), "SN-2001")
	if err != nil || made.Merchant != 1 || made.Model != "SoundBox 2" {
		t.Fatalf("registered: %+v, %v", made, err)
	}
	label := webtest.Text(t, ctx, `.told a[href*="/check/t/SN-2001/"]`)
	if a := w.request("nobody", "GET", label[strings.Index(label, "/check/"):]); a.Code != 200 || !strings.Contains(a.Body.String(), "SN-2001") {
		t.Errorf("the label leads to %d", a.Code)
	}

	if list, err := w.s.served(t.Context(), 1); err != nil || len(list) != 1 || list[0].Target.Kind != feedback.Technician || list[0].Relation != fleet.Object(1, made.ID) {
		t.Errorf("whom the merchant may review: %+v, %v", list, err)
	}
	webtest.Run(t, ctx, network.SetCookie("hawker-session", strings.TrimPrefix(w.cookies["owner"], "hawker-session=")).WithURL(server.URL), chromedp.Navigate(server.URL+"/app/feedback"),
		webtest.Has("main", fmt.Sprintf("%s: installation of", mark)), network.SetCookie("hawker-session", strings.TrimPrefix(w.cookies["risk"], "hawker-session=")).WithURL(server.URL))

	one := "/ops/terminals/1/" + string(made.ID)
	state := func(want terminal.State) {
		t.Helper()
		if now, err := terminal.ByID(t.Context(), w.s.DB.Read(), 1, made.ID); err != nil || now.State != want {
			t.Fatalf("it is %s, want %s; %v", now.State, want, err)
		}
	}
	webtest.Run(t, ctx, chromedp.Navigate(server.URL+one+"?do=steal"), fill("why", "taken from the stall"), send(one), webtest.Has("main", "Stolen"), webtest.Has(".steps", "taken from the stall"))
	state(terminal.Stolen)
	webtest.Run(t, ctx, fill("why", "?"), send(one), webtest.Has(".wrong", "Please say why"))
	webtest.Look(t, ctx, server.URL, one+"?do=find", "terminal")
	webtest.Run(t, ctx, webtest.Speaks("en"), fill("why", "the police brought it"), send(one), webtest.Until(`document.querySelector("#e-proof")`))
	state(terminal.Stolen)
	webtest.Run(t, ctx, proven(one, "why", "the police brought it"), webtest.Has(".steps", "the police brought it"))
	state(terminal.Suspended)

	webtest.Run(t, ctx, chromedp.Navigate(server.URL+"/ops/list"), chromedp.SetValue("#f-kind", "phone", chromedp.ByQuery), proven("/ops/list", "value", "13800138000", "reason", "collects cards of others"), webtest.Has("table", "collects cards of others"))
	webtest.Look(t, ctx, server.URL, "/ops/list", "list")
	off := webtest.Eval[string](t, ctx, `document.querySelector('td a[href^="/ops/list/phone/"]').getAttribute("href")`)
	if strings.Contains(webtest.Text(t, ctx, "main"), "13800138000") {
		t.Error("the list shows a number")
	}
	webtest.Look(t, ctx, server.URL, off, "off")
	webtest.Run(t, ctx, proven(off, "reason", "a mistake"), webtest.Until(`location.pathname === "/ops/list" && !document.querySelector("table")`))

	// Who may look and not touch sees no form; a merchant's people see nothing.
	if a := w.request("auditor", "GET", one); a.Code != 200 || strings.Contains(a.Body.String(), "<form class=\"stack\"") {
		t.Errorf("an auditor: %d, or a form", a.Code)
	}
	if a := w.request("owner", "GET", one); a.Code != 403 {
		t.Errorf("an owner: %d", a.Code)
	}
}
