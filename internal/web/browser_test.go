package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"
	"time"

	"github.com/chromedp/chromedp"

	"hawker/internal/auth"
	"hawker/internal/web"
	"hawker/internal/web/webtest"
)

func TestMain(m *testing.M) { webtest.Main(m) }

// parts is a door that shows every part there is.
func parts() web.Door {
	return web.Door{
		Name: "demo",
		Nav: []web.Entry{
			{Text: "demo.title", Icon: "home", Path: "/demo", Action: auth.PaymentRead, Order: 10},
			{Text: "demo.staff", Icon: "users", Path: "/demo/staff", Action: auth.PaymentRead, Order: 20},
			{Text: "demo.take", Icon: "scan", Path: "/demo/take", Action: auth.PaymentTake, Order: 90, Primary: true},
		},
		Texts: web.Texts{"demo.title": {"流水", "Payments"}, "demo.staff": {"员工", "Staff"}, "demo.take": {"收款", "Take a payment"}, "demo.note": {"备注", "Note"}, "demo.none": {"还没有收款", "No payments yet"}, "demo.none.text": {"第一笔收款会出现在这里。", "The first payment will appear here."}},
		Templates: fstest.MapFS{"parts.html": {Data: []byte(`{{define "title"}}{{t "demo.title"}}{{end}}{{define "subtitle"}}<p>{{day .Data.At}}</p>{{end}}
{{define "content"}}<div class="stack">
<form class="card stack" method="post" action="/demo" hx-post="/demo" hx-target="#main">{{template "refusal" .Data.Wrong}}
{{template "field" dict "Name" "amount" "Label" (t "demo.note") "Before" "¥" "Value" "12" "Error" .Data.Wrong "Hint" (t "demo.none.text") "Mode" "decimal"}}
{{template "select" dict "Name" "kind" "Label" (t "demo.staff") "Options" .Data.Options}}
{{template "area" dict "Name" "more" "Label" (t "demo.note") "Optional" true}}
{{template "check" dict "Name" "yes" "Label" (t "demo.note")}}
<div class="row"><button class="button primary">{{t "web.save"}}</button><button class="button danger" type="button">{{t "web.cancel"}}</button><a class="button soft" href="/demo">{{icon "x"}}{{t "web.cancel"}}</a></div></form>
<div class="card flush"><table class="table cards"><thead><tr><th>{{t "demo.title"}}</th><th>{{t "demo.title"}}</th><th class="end">{{t "demo.title"}}</th><th>{{t "demo.title"}}</th></tr></thead><tbody>
{{range .Data.States}}<tr data-open><td class="c">{{clock $.Data.At}}</td><td class="a"><a href="/demo" hx-get="/demo/drawer" hx-target="#drawer">{{template "method" "wechat"}}</a></td><td class="b end">¥12.00</td><td class="d">{{template "badge" .}}</td></tr>{{end}}</tbody></table></div>
<div class="card row"><span class="segments"><a href="/demo" aria-current="true">{{t "demo.title"}}</a><a href="/demo">{{t "demo.staff"}}</a></span><fieldset class="chips"><legend class="hidden-text">{{t "demo.note"}}</legend><label class="chip"><input type="radio" name="r" checked>{{t "demo.title"}}</label><label class="chip"><input type="radio" name="r">{{t "demo.staff"}}</label></fieldset></div>
<div class="note warn">{{icon "hourglass"}}<p>{{t "demo.none.text"}}</p></div><div class="note good">{{icon "check"}}<p>{{t "demo.none.text"}}</p></div><div class="note">{{icon "info-circle"}}<p>{{t "demo.none.text"}}</p></div>
<div class="card">{{template "empty" dict "Icon" "receipt" "Title" (t "demo.none") "Text" (t "demo.none.text") "Path" "/demo" "Action" (t "demo.take")}}</div>
</div>{{end}}
{{define "drawer"}}{{template "drawer-head" dict "Over" (t "demo.title") "Title" "¥12.00"}}<section><dl class="facts"><div><dt>{{t "demo.note"}}</dt><dd>1</dd></div></dl><ul class="steps"><li>1<time>18:00</time></li><li class="quiet">2</li></ul></section>{{end}}`)}},
		Routes: []web.Route{
			{Method: "GET", Pattern: "/demo", Action: web.Public, Handler: func(*web.Request) (web.Response, error) { return web.Page("parts", partsData()), nil }},
			{Method: "POST", Pattern: "/demo", Action: web.Public, Handler: func(*web.Request) (web.Response, error) { return nil, errFull }},
			{Method: "GET", Pattern: "/demo/drawer", Action: web.Public, Handler: func(*web.Request) (web.Response, error) { return web.Part("parts", "drawer", nil), nil }},
		},
	}
}

type sample struct {
	At      time.Time
	Wrong   error
	Options []web.Option
	States  []string
}

func partsData() sample {
	return sample{time.Date(2026, 11, 21, 18, 42, 0, 0, time.UTC), web.ErrAmount, []web.Option{{Value: "a", Text: "A"}, {Value: "b", Text: "B", Chosen: true}},
		[]string{"approved", "declined", "unknown", "created", "disputed", "reversed"}}
}

func TestEveryPartIsSaidInBothLanguages(t *testing.T) {
	t.Parallel()
	webtest.Templates(t, parts(), map[string]any{"parts": partsData(), "parts drawer": nil})
}

func TestThePartsCanBeUsedByEverybody(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	k, err := web.Mount(mux, web.Config{Auth: always{}}, parts())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(k.Guard(mux))
	t.Cleanup(server.Close)
	ctx := webtest.Browser(t)
	seen := webtest.Count(ctx)
	webtest.Look(t, ctx, server.URL, "/demo", "parts")
	webtest.Look(t, ctx, server.URL, "/nowhere", "nowhere")
	webtest.Run(t, ctx, webtest.Screen(webtest.Desk), chromedp.Navigate(server.URL+"/demo"))
	seen.Quiet(t, ctx, 300*time.Millisecond)

	seen.Reset()
	webtest.Run(t, ctx, chromedp.Click(`tr[data-open]`, chromedp.ByQuery), webtest.Has("#drawer[open] h2", "¥12.00"))
	webtest.Axe(t, ctx)
	webtest.Run(t, ctx, chromedp.Click(`[data-shut]`, chromedp.ByQuery), chromedp.Poll(`!document.querySelector("#drawer").open`, nil))
	webtest.Run(t, ctx, chromedp.Click(`form button.primary`, chromedp.ByQuery), webtest.Has("#toasts [role=alert]", "full"))
	if n := len(seen.All()); n != 2 {
		t.Errorf("a drawer and a refusal took %q", seen.All())
	}
	webtest.Axe(t, ctx)
	webtest.Run(t, ctx, chromedp.Click(`[data-dismiss]`, chromedp.ByQuery), chromedp.Poll(`!document.querySelector(".toast")`, nil))

	webtest.Run(t, ctx, webtest.Screen(webtest.Phone), chromedp.Navigate(server.URL+"/demo"), chromedp.Click(`button.menu`, chromedp.ByQuery), chromedp.WaitVisible(`#side .button.primary`, chromedp.ByQuery))
	webtest.Axe(t, ctx)
	if webtest.Shooting() {
		webtest.Shot(t, ctx, "parts-menu")
	}
}
