package pos

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"hawker/internal/clock"
	"hawker/internal/money"
	"hawker/internal/shop"
	"hawker/internal/store"
	"hawker/internal/web/webtest"
)

// network takes the network from a window and its workers, or gives it back.
func (s *stand) network(t *testing.T, ctx context.Context, on bool) {
	t.Helper()
	if !on {
		s.cut.Store(true) // emulation is of a window: its service worker would still get through
		s.server.CloseClientConnections()
		webtest.Run(t, ctx, offline(true))
		return
	}
	s.cut.Store(false)
	webtest.Run(t, ctx, offline(false))
}

// installed waits until the till's worker keeps what it needs and looks after the page.
func installed() chromedp.Action {
	return chromedp.Poll(`navigator.serviceWorker.controller?.state === "activated"`, nil)
}

// TestTheTillOpensWithoutTheNetwork opens a till, closes it, and opens it again when nobody can be reached.
func TestTheTillOpensWithoutTheNetwork(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.stock()
	ctx := s.till(t)
	webtest.Run(t, ctx, chromedp.Poll(`document.querySelectorAll(".tile").length > 10`, nil), installed(), chromedp.Navigate("about:blank"))

	s.network(t, ctx, false)
	webtest.Run(t, ctx, chromedp.Navigate(s.server.URL+"/pos"), ready(), webtest.Has("#online", "离线"), webtest.Has("#banner", "网络断开了。可以继续点单，联网后再收款。"),
		chromedp.Poll(`!document.querySelector("#banner").hidden`, nil))
	if source := webtest.Eval[string](t, ctx, `performance.getEntriesByType("navigation")[0].workerStart > 0 ? "worker" : "network"`); source != "worker" {
		t.Errorf("the page came from the %s", source)
	}
	webtest.Axe(t, ctx)

	// Orders are rung up; nothing is charged, whatever is pressed, and nothing is begun to be sent later.
	webtest.Run(t, ctx, press(`[data-go="items"]`), press(`.tile`), press(`.tile`), webtest.Has("#due", "¥56.00"), press(`[data-go="charge"]`), enter("1.50"), webtest.Has("#amount", "57.50"))
	refused := chromedp.Tasks{webtest.Has("#toasts", "网络断开"), gone(), chromedp.Evaluate(`document.querySelector("#toasts").replaceChildren()`, nil)}
	for _, way := range []string{"scan", "code", "card", "cash"} {
		if dim := webtest.Eval[bool](t, ctx, `[...document.querySelectorAll('[data-pay="`+way+`"]')].every((b) => b.getAttribute("aria-disabled") === "true")`); !dim {
			t.Errorf("%s looks as if it could be pressed", way)
		}
		webtest.Run(t, ctx, press(`[data-pay="`+way+`"]`), refused)
	}
	webtest.Run(t, ctx, chromedp.Evaluate(`document.activeElement.blur()`, nil), chromedp.KeyEvent(kb.F4), refused)
	if begun := webtest.Eval[string](t, ctx, `localStorage["pos.open"] || "[]"`); begun != "[]" {
		t.Errorf("begun without network: %s", begun)
	}
	// Lists say why they are empty, and the parts that come later are there too.
	webtest.Run(t, ctx, press(`[data-go="sales"]`), webtest.Has("#sales", "没有连上"), press(`[data-go="today"]`), webtest.Has("#figures", "没有连上"), press(`[data-go="me"]`), webtest.Has("#me", "陈晨"), press(`[data-go="charge"]`))
	// Closed and opened once more, the order is still at hand.
	webtest.Run(t, ctx, chromedp.Reload(), ready(), webtest.Has("#amount", "57.50"))

	// Meanwhile the owner has put something on the menu. The network is back: the till learns it and takes money.
	s.write(func(ctx context.Context, tx *store.Tx) error {
		_, err := shop.Add(ctx, tx, shop.Item{Merchant: 1, NameZH: "桂花酒酿", Price: money.New(1900, "CNY"), State: shop.OnSale, Place: 50}, clock.System())
		return err
	})
	s.network(t, ctx, true)
	webtest.Run(t, ctx, webtest.Has("#online", "在线"), chromedp.Poll(`document.querySelector("#banner").hidden`, nil), chromedp.Poll(`document.querySelector("#tiles").textContent.includes("桂花酒酿")`, nil))
	if all, _ := s.made(t); all != 0 {
		t.Errorf("%d payments before anybody asked for one", all)
	}
	webtest.Run(t, ctx, press(`[data-pay="cash"]`), at("cash"), says("正好"), says("确认收到现金"), at("approved"), webtest.Has("#sheet .figure", "¥57.50"), says("下一笔"), gone(), press(`[data-go="sales"]`), webtest.Has("#sales", "¥57.50"))
	if all, holding := s.made(t); all != 1 || holding != 1 {
		t.Errorf("%d payments, %d of them hold money", all, holding)
	}
}

// TestTheWorkerKeepsNothingOfAnybody looks at what the browser keeps for the time without network.
func TestTheWorkerKeepsNothingOfAnybody(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	ctx := s.till(t)
	webtest.Run(t, ctx, installed(), enter("9"), press(`[data-pay="cash"]`), at("cash"), says("正好"), says("确认收到现金"), at("approved"), says("下一笔"), gone(), press(`[data-go="sales"]`), webtest.Has("#sales", "¥9.00"), chromedp.Reload(), ready(),
		chromedp.Evaluate(`(async () => { const list = []; for (const n of await caches.keys()) for (const r of await (await caches.open(n)).keys()) list.push([new URL(r.url).pathname, await (await caches.match(r)).text()]); window.kept = list; })()`, nil), chromedp.Poll(`window.kept`, nil))
	kept := webtest.Eval[[][]string](t, ctx, `window.kept`)
	if len(kept) != 4 { // the page, which holds its style and script, the later modules and two files of pictures
		t.Errorf("%d files are kept", len(kept))
	}
	for _, file := range kept {
		if path, text := file[0], file[1]; path != "/pos" && !strings.HasPrefix(path, "/assets/") {
			t.Errorf("%s is kept", path)
		} else if strings.Contains(text, "陈晨") || strings.Contains(text, "小满咖啡") || len(text) < 100 {
			t.Errorf("%s is kept with what it says of somebody, or empty: %d bytes", path, len(text))
		}
	}
}
