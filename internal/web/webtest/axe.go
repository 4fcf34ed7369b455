package webtest

import (
	"context"
	_ "embed"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"hawker/internal/web"
)

//go:embed testdata/axe.js
var axe string

// finding is what axe complains about.
type finding struct {
	ID, Help, Impact string
	Nodes            []struct {
		HTML, FailureSummary string
	}
}

// axeRun asks for WCAG 2.0 to 2.2, levels A and AA.
// What is still fading in has other colours than it will have: whatever has an end is awaited.
const axeRun = `Promise.all(document.getAnimations().filter(a => a.playState === "running" && a.effect && isFinite(a.effect.getComputedTiming().endTime)).map(a => a.finished.catch(() => 0))).then(() => axe.run(document, {runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}).then(r => r.violations.map(v => ({id: v.id, help: v.help, impact: v.impact, nodes: v.nodes.slice(0, 4).map(n => ({html: n.html.slice(0, 300), failureSummary: n.failureSummary}))}))))`

// Axe has axe judge the page as it is now. Each finding fails the test.
func Axe(t *testing.T, ctx context.Context) {
	t.Helper()
	var found []finding
	Run(t, ctx, chromedp.Evaluate(axe+";true", nil),
		chromedp.Evaluate(axeRun, &found, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	for _, f := range found {
		for _, n := range f.Nodes {
			t.Errorf("axe %s (%s): %s\n  %s\n  %s", f.ID, f.Impact, f.Help, n.HTML, n.FailureSummary)
		}
	}
}

// Wide fails when the page is wider than its screen.
func Wide(t *testing.T, ctx context.Context) {
	t.Helper()
	if v := Eval[[]int](t, ctx, `[document.documentElement.scrollWidth, document.documentElement.clientWidth]`); v[0] > v[1] {
		t.Errorf("the page is %d pixels wide on a screen of %d", v[0], v[1])
	}
}

// Small fails when something to touch is smaller than WCAG's 24 pixels, links in running text excepted.
func Small(t *testing.T, ctx context.Context) {
	t.Helper()
	for _, s := range Eval[[]string](t, ctx, `[...document.querySelectorAll("button, .button, .chip, summary, input:not([type=hidden]), select")].map(e => [e, e.getBoundingClientRect()])
		.filter(([e, r]) => r.width > 1 && r.height > 1 && getComputedStyle(e).visibility !== "hidden" && Math.min(r.width, r.height) < (e.matches("[type=checkbox], [type=radio]") ? 20 : 40) && !e.closest(".chip"))
		.map(([e, r]) => e.outerHTML.slice(0, 120) + " " + Math.round(r.width) + "×" + Math.round(r.height))`) {
		t.Errorf("too small for a finger: %s", s)
	}
}

// Look opens a page in both languages, light and dark, on a phone and on a desk, has axe judge
// each, takes a picture of each when $HAWKER_SHOTS is set, and wants it to be quiet afterwards.
// ready is waited for after each opening. base is the server, "http://127.0.0.1:1234".
func Look(t *testing.T, ctx context.Context, base, path, name string, ready ...chromedp.Action) {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []Size{Phone, Desk} {
		for _, lang := range []web.Lang{web.ZH, web.EN} {
			for _, theme := range []web.Theme{web.Bright, web.Dark} {
				label := strings.Join([]string{name, size.Name, string(lang), string(theme)}, "-")
				Run(t, ctx, Screen(size), Prefers(theme == web.Dark), cookie(u, "hawker-lang", string(lang)), cookie(u, "hawker-theme", string(web.System)), chromedp.Navigate(base+path), Until(`document.readyState === "complete"`))
				Run(t, ctx, ready...)
				if got := Eval[string](t, ctx, `document.documentElement.lang`); got != string(lang) {
					t.Errorf("%s: the page is in %q", label, got)
				}
				if missing := Eval[bool](t, ctx, `document.documentElement.innerHTML.includes("⟦")`); missing {
					t.Errorf("%s: a text is missing", label)
				}
				Axe(t, ctx)
				Wide(t, ctx)
				Small(t, ctx)
				if Shooting() {
					Shot(t, ctx, label)
				}
				if t.Failed() {
					t.Fatalf("so at %s", label)
				}
			}
		}
	}
}

func cookie(u *url.URL, name, value string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		if err := network.SetCookie(name, value).WithURL(u.String()).WithPath("/").Do(ctx); err != nil {
			return fmt.Errorf("cookie %s: %w", name, err)
		}
		return nil
	})
}
