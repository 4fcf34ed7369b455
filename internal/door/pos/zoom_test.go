package pos

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"hawker/internal/web/webtest"
)

// The desk and the phone at 200 %, and what WCAG's reflow asks for: a desk at 400 %.
var zoomed = []webtest.Size{{Name: "desk-200", Width: 640, Height: 400}, {Name: "phone-200", Width: 195, Height: 422, Phone: true}, {Name: "desk-400", Width: 320, Height: 256}}

// cut lists what cannot be seen or pressed as a whole, however one scrolls up and down: what
// sticks out at a side, what lies under something else, text that its box cuts off.
const cut = `(() => {
	const top = document.querySelector("#panel[open]") || document.querySelector("#sheet[open]") || document.body, wrong = [];
	const name = (e) => e.tagName + (e.id ? "#" + e.id : "") + " " + (e.getAttribute("aria-label") || e.textContent || e.placeholder || "").trim().slice(0, 30);
	for (const e of top.querySelectorAll("button, a, input, select, h1, h2, .figure, .text, .small, .amount, .due, dt, dd, .hint, .note, canvas, .symbol, .viewer, .chip span")) {
		if (!e.getClientRects().length || getComputedStyle(e).visibility === "hidden" || e.closest(".hidden-text") || e.closest("[inert]") || !e.checkVisibility({ opacityProperty: true })) continue;
		if (e.matches("dialog *") === false && document.querySelector("dialog[open]")) continue;
		e.scrollIntoView({ block: "center", inline: "nearest", behavior: "instant" });
		const r = e.getBoundingClientRect(), w = innerWidth, h = innerHeight;
		if (r.width < 2 || r.height < 2) continue;
		if (r.left < -1 || r.right > w + 1) wrong.push(name(e) + " sticks out: " + [r.left, r.right].map(Math.round) + " of " + w);
		if (r.height <= h && (r.top < -1 || r.bottom > h + 1)) wrong.push(name(e) + " cannot be scrolled to: " + [r.top, r.bottom].map(Math.round) + " of " + h);
		const s = getComputedStyle(e);
		if (e.scrollWidth > e.clientWidth + 1 && s.overflowX !== "visible" && s.display !== "inline" && !e.matches("input, select")) wrong.push(name(e) + " is cut off: " + e.scrollWidth + " in " + e.clientWidth);
		const words = document.createRange();
		words.selectNodeContents(e);
		if (e.matches(".figure, .amount, [data-key], [data-quick]") && words.getBoundingClientRect().height > 1.8 * parseFloat(s.fontSize)) wrong.push(name(e) + " is broken over lines");
		const x = r.left + r.width / 2, y = Math.min(r.top + r.height / 2, h - 1), hit = document.elementFromPoint(x, y);
		if (e.matches("button, a, input, select") && hit && !e.contains(hit) && !hit.contains(e) && !hit.closest("label")?.contains(e)) wrong.push(name(e) + " lies under " + name(hit));
	}
	for (const box of [document.documentElement, ...document.querySelectorAll("main, .pane, dialog[open], .sheet-body, .sheet-foot, .panel-body, .column, .card")]) {
		if (box.getClientRects().length && box.scrollWidth > box.clientWidth + 1 && !box.matches(".groups")) wrong.push((box.id || box.className || box.tagName) + " scrolls sideways: " + box.scrollWidth + " in " + box.clientWidth);
	}
	return [...new Set(wrong)];
})()`

func nothingIsCut(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	webtest.Run(t, ctx, chromedp.Poll(`document.getAnimations().every((a) => a.playState !== "running" || !isFinite(a.effect.getComputedTiming().endTime))`, nil)) // what rises is not there yet
	if webtest.Shooting() {
		webtest.Shot(t, ctx, "zoom-"+name)
	}
	for _, w := range webtest.Eval[[]string](t, ctx, cut) {
		t.Errorf("%s: %s", name, w)
	}
}

// TestTheTillCanBeUsedEnlarged looks at every tab and state as whoever needs large print sees it.
func TestTheTillCanBeUsedEnlarged(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.stock()
	open := func(lang string) context.Context {
		ctx := webtest.Browser(t)
		webtest.Run(t, ctx, webtest.Screen(zoomed[0]), chromedp.Navigate(s.server.URL+"/pos?lang="+lang), ready(), chromedp.Poll(`document.querySelectorAll(".tile").length > 10`, nil))
		return ctx
	}
	look := func(ctx context.Context, name string) {
		t.Helper()
		for _, size := range zoomed {
			webtest.Run(t, ctx, webtest.Screen(size), chromedp.Poll(fmt.Sprintf("document.documentElement.clientWidth === %d", size.Width), nil))
			nothingIsCut(t, ctx, size.Name+"-"+name)
		}
	}
	for _, lang := range []string{"en", "zh-CN"} {
		ctx := open(lang)
		webtest.Run(t, ctx, enter("12345.67"))
		look(ctx, "charge-"+lang)
		for tab, loaded := range map[string]string{"items": `.tile`, "sales": `#sales > *`, "today": `#figures > *`, "me": `#me > *`} {
			webtest.Run(t, ctx, press(fmt.Sprintf(`[data-go=%q]`, tab)), chromedp.Poll(fmt.Sprintf(`document.querySelector(%q)`, loaded), nil))
			look(ctx, tab+"-"+lang)
		}
	}
	for n, scene := range scenes(s, t) {
		lang := []string{"en", "zh-CN"}[n%2]
		ctx := open(lang) // of its own: the screen would go on with the payment of the scene before
		webtest.Run(t, ctx, scene.way)
		look(ctx, scene.name+"-"+lang)
	}
}

// TestACodeThatNobodyPaysExpiresOnTheScreen waits longer than a code lasts, by the server's clock.
func TestACodeThatNobodyPaysExpiresOnTheScreen(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	ctx := s.till(t)
	webtest.Run(t, ctx, enter("28"), press(`[data-pay="code"]`), at("created"), webtest.Has("#left", "后失效"))
	s.pass(6 * time.Minute)
	webtest.Run(t, ctx, at("expired"), webtest.Has("#sheet-title", "收款码过期了，没有扣款"), webtest.Has("#sheet .figure", "¥28.00"), webtest.Has("#alert", "没有扣款"), heard("bad"))
	webtest.Axe(t, ctx)
	if webtest.Shooting() {
		webtest.Shot(t, ctx, "expired")
	}
	if _, holding := s.made(t); holding != 0 {
		t.Errorf("%d payments hold money", holding)
	}
	// It may be charged again, and the old code takes nothing more.
	webtest.Run(t, ctx, says("重新收款"), gone(), webtest.Has("#amount", "28.00"), press(`[data-pay="code"]`), at("created"), chromedp.Poll(`document.querySelector("#sheet .symbol")`, nil))
	if all, holding := s.made(t); all != 2 || holding != 0 {
		t.Errorf("%d payments, %d hold money", all, holding)
	}
}
