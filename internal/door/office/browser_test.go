package office_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"hawker/internal/door/office"
	"hawker/internal/payment"
	"hawker/internal/payment/paymenttest"
	"hawker/internal/store/storetest"
	"hawker/internal/web/webtest"
)

func TestEveryPageCanBeUsedByEverybody(t *testing.T) {
	t.Parallel()
	w := open(t, storetest.SQLite(t))
	sale := w.sell()
	w.Refund(sale, 5_00)
	ctx := webtest.Browser(t)
	for name, path := range map[string]string{
		"today": "/app", "payments": "/app/payments?range=30", "payment": "/app/payments/" + sale.Ref(), "digest": "/app/digest?day=2026-11-22",
		"analysis": "/app/analysis?range=30", "settings": "/app/settings", "nothing": "/app/payments?q=nobody",
	} {
		webtest.Look(t, ctx, w.url, path, "office-"+name)
	}
}

func TestAnEmptyOfficeSaysWhatWillBeThere(t *testing.T) {
	t.Parallel()
	w := open(t, storetest.SQLite(t))
	ctx := webtest.Browser(t)
	for name, path := range map[string]string{"today": "/app", "payments": "/app/payments", "digest": "/app/digest", "analysis": "/app/analysis"} {
		webtest.Run(t, ctx, webtest.Screen(webtest.Phone), chromedp.Navigate(w.url+path))
		webtest.Axe(t, ctx)
		webtest.Wide(t, ctx)
		if webtest.Shooting() {
			webtest.Shot(t, ctx, "office-empty-"+name)
		}
	}
}

func TestAPaymentIsFoundLookedAtAndGivenBack(t *testing.T) {
	t.Parallel()
	w := open(t, storetest.SQLite(t))
	sale := w.sell()
	ctx := webtest.Browser(t)
	seen := webtest.Count(ctx)
	webtest.Run(t, ctx, webtest.Speaks("en"), chromedp.Navigate(w.url+"/app/payments?range=7"))
	seen.Quiet(t, ctx, 400*time.Millisecond)
	if n := webtest.Eval[int](t, ctx, `document.querySelectorAll("tbody tr[id]").length`); n != 14 {
		t.Fatalf("%d payments in seven days", n)
	}

	seen.Reset()
	webtest.Run(t, ctx, chromedp.KeyEvent("/"), chromedp.Poll(`document.activeElement.id === "q"`, nil), chromedp.Evaluate(`document.querySelector("#q").value = ""`, nil),
		chromedp.SendKeys("#q", "¥89.50"+kb.Enter, chromedp.ByQuery), webtest.Has("#results tbody", "89.50"),
		chromedp.Poll(`document.querySelectorAll("tbody tr[id]").length === 1`, nil))
	if all := seen.All(); len(all) != 1 {
		t.Errorf("a search took %q", all)
	}
	if where := webtest.Eval[string](t, ctx, `location.search`); !strings.Contains(where, "q=%C2%A589.50") {
		t.Errorf("the address does not hold the search: %s", where)
	}

	seen.Reset()
	webtest.Run(t, ctx, chromedp.Click("tbody tr[id]", chromedp.ByQuery), webtest.Has("#drawer[open] h2", "¥89.50"), webtest.Has("#drawer .steps", "Payment received"))
	webtest.Axe(t, ctx)
	webtest.Run(t, ctx, chromedp.SetValue("#drawer #f-amount", "89.51", chromedp.ByQuery), chromedp.Click("#drawer form button", chromedp.ByQuery), webtest.Has("#drawer .error", "more than can be given back"))
	webtest.Axe(t, ctx)
	webtest.Run(t, ctx, chromedp.SetValue("#drawer #f-amount", "10.50", chromedp.ByQuery), chromedp.Click("#drawer form button", chromedp.ByQuery),
		webtest.Has("#toasts", "¥10.50 was refunded"), webtest.Has("#drawer .badge", "Partly refunded"), webtest.Has("#drawer", "At most ¥79.00"))
	if row := webtest.Text(t, ctx, "tbody tr[id] .badge"); row != "Partly refunded" {
		t.Errorf("the row behind the drawer says %q", row)
	}
	webtest.Axe(t, ctx)
	if webtest.Shooting() {
		webtest.Shot(t, ctx, "office-drawer-desk")
	}
	if all := seen.All(); len(all) != 3 {
		t.Errorf("a drawer and two tries to give back took %q", all)
	}
	p, err := payment.Get(t.Context(), w.DB.Read(), 1, sale.Payment)
	if err != nil || p.Refunded.Minor() == 0 && w.asked != 1 {
		t.Errorf("%v given back by %d requests, %v", p.Refunded, w.asked, err)
	}
	w.refuse = errBank
	webtest.Run(t, ctx, chromedp.Click("#drawer form button", chromedp.ByQuery), webtest.Has("#drawer [role=alert]", "The bank did not agree"),
		chromedp.KeyEvent(kb.Escape), chromedp.Poll(`!document.querySelector("#drawer").open`, nil))
	seen.Quiet(t, ctx, 300*time.Millisecond)

	webtest.Run(t, ctx, webtest.Screen(webtest.Phone), chromedp.Navigate(w.url+"/app/payments?range=7"), chromedp.Click("tbody tr[id]", chromedp.ByQuery), chromedp.WaitVisible("#drawer[open] h2", chromedp.ByQuery))
	webtest.Axe(t, ctx)
	webtest.Wide(t, ctx)
	if webtest.Shooting() {
		webtest.Shot(t, ctx, "office-drawer-phone")
	}
}

func TestALongListGoesOnAndAnExportTellsHowFarItIs(t *testing.T) {
	t.Parallel()
	w := open(t, storetest.SQLite(t))
	w.At(paymenttest.Noon)
	for i := range 120 {
		w.Sell(int64(100 + 100*i))
	}
	ctx := webtest.Browser(t)
	seen := webtest.Count(ctx)
	rows := func() int { return webtest.Eval[int](t, ctx, `document.querySelectorAll("tbody tr[id]").length`) }
	webtest.Run(t, ctx, webtest.Speaks("en"), chromedp.Navigate(w.url+"/app/payments"))
	if rows() != 50 {
		t.Fatalf("the first page has %d", rows())
	}
	seen.Reset()
	for want := 100; want <= 150; want += 50 {
		webtest.Run(t, ctx, chromedp.Click("tr.more a", chromedp.ByQuery), chromedp.Poll(`document.querySelectorAll("tbody tr[id]").length > `+map[int]string{100: "50", 150: "100"}[want], nil))
	}
	if rows() != 120 || webtest.Eval[bool](t, ctx, `!!document.querySelector("tr.more")`) || len(seen.All()) != 2 {
		t.Errorf("%d rows after %q", rows(), seen.All())
	}
	dir := webtest.Downloads(t, ctx)
	webtest.Run(t, ctx, chromedp.Click(`.exports a[href*="csv"]`, chromedp.ByQuery), webtest.Has(".exports [role=status]", "Exported 120 rows"))
	seen.Quiet(t, ctx, 1200*time.Millisecond)
	saved, err := filepath.Glob(filepath.Join(dir, "*.csv"))
	if err != nil || len(saved) != 1 || !strings.Contains(saved[0], "payments_2026-11-22") {
		t.Errorf("saved %q, %v", saved, err)
	}
}

func TestEveryTemplateIsSaidInBothLanguages(t *testing.T) {
	t.Parallel()
	webtest.Templates(t, office.New(office.Config{Clock: func() time.Time { return paymenttest.Noon }}).Door(), office.Samples())
}

func TestAStrangersPaymentDoesNotExist(t *testing.T) {
	t.Parallel()
	w := open(t, storetest.SQLite(t))
	sale := w.Sell(1000)
	for _, c := range []struct {
		name, method, path string
		headers            []string
		status             int
	}{
		{"its own", "GET", "/app/payments/" + sale.Ref(), nil, http.StatusOK},
		{"another merchant's", "GET", "/app/payments/" + sale.Ref(), []string{"X-Merchant", "other"}, http.StatusNotFound},
		{"another merchant's drawer", "GET", "/app/payments/" + sale.Ref() + "/drawer", []string{"X-Merchant", "other"}, http.StatusNotFound},
		{"another merchant's refund", "POST", "/app/payments/" + sale.Ref() + "/refund", []string{"X-Merchant", "other"}, http.StatusNotFound},
		{"an accountant does not give back", "POST", "/app/payments/" + sale.Ref() + "/refund", []string{"X-Role", "accountant"}, http.StatusForbidden},
		{"a cashier does not take lists away", "GET", "/app/export?format=csv", []string{"X-Role", "cashier"}, http.StatusForbidden},
		{"a cashier sees no sums", "GET", "/app/analysis", []string{"X-Role", "cashier"}, http.StatusForbidden},
		{"and today without them", "GET", "/app", []string{"X-Role", "cashier"}, http.StatusOK},
		{"a number of nothing", "GET", "/app/payments/000000000001", nil, http.StatusNotFound},
		{"a number that is none", "GET", "/app/payments/%27%20OR%201=1", nil, http.StatusNotFound},
		{"a cursor that was made up", "GET", "/app/payments?cursor=AAAA", nil, http.StatusUnprocessableEntity},
		{"a kind of file that we do not write", "GET", "/app/export?format=exe", nil, http.StatusUnprocessableEntity},
	} {
		if status, body := w.do(t, c.method, c.path, nil, c.headers...); status != c.status {
			t.Errorf("%s: %d, want %d\n%.300s", c.name, status, c.status, body)
		}
	}
	if status, body := w.get(t, "/app/payments", "X-Merchant", "other"); status != 200 || strings.Contains(body, sale.Ref()) {
		t.Errorf("%d, and a stranger sees %s", status, sale.Ref())
	}
	if _, body := w.get(t, "/app", "X-Role", "cashier"); strings.Contains(body, "客单价") {
		t.Error("a cashier sees sums")
	}
}
