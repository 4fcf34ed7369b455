package pos

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"hawker/internal/web"
	"hawker/internal/web/webtest"
)

func TestTheScreenIsSaidInBothLanguages(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	webtest.Templates(t, s.screen.Door(), map[string]any{"pos": setup{Lang: web.ZH, Texts: words(web.ZH, true)}})
}

func TestTheChargeScreenIsForEverybody(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.stock()
	webtest.Look(t, webtest.Browser(t), s.server.URL, "/pos", "charge", ready(), chromedp.Poll(`document.querySelectorAll(".tile").length > 10`, nil), press(`[data-key="clear"]`), enter("46.5"))
}

// scenes are the states of the sheet and how each comes about.
func scenes(s *stand, _ *testing.T) []struct {
	name string
	way  chromedp.Action
} {
	n := 0
	fresh := func() int { n++; return n }
	code := func(head string) chromedp.Action {
		return chromedp.ActionFunc(func(ctx context.Context) error { return scan(head, fresh()).Do(ctx) })
	}
	return []struct {
		name string
		way  chromedp.Action
	}{
		{"scan", chromedp.Tasks{enter("66.09"), press(`[data-pay="scan"]`), at("scan")}},
		{"created", chromedp.Tasks{enter("28.09"), press(`[data-pay="code"]`), at("created")}},
		{"waiting", chromedp.Tasks{enter("28.03"), code("13"), at("waiting")}},
		{"approved", chromedp.Tasks{enter("46.50"), code("13"), at("approved"), chromedp.Poll(`!document.querySelector("#sheet .mono") || document.querySelector("#sheet .mono").textContent.length > 5`, nil)}},
		{"declined", chromedp.Tasks{enter("28.01"), code("28"), at("declined")}},
		{"unknown", chromedp.Tasks{enter("28.02"), code("13"), at("unknown")}},
		{"cash", chromedp.Tasks{enter("46.50"), press(`[data-pay="cash"]`), at("cash")}},
		{"present", chromedp.Tasks{enter("35"), press(`[data-pay="card"]`), at("present")}},
	}
}

// TestEveryStateIsForEverybody looks at each state once, and with $HAWKER_SHOTS in every way.
func TestEveryStateIsForEverybody(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.stock()
	for i, scene := range scenes(s, t) {
		for n := range 8 {
			if !webtest.Shooting() && n != i%8 {
				continue
			}
			size, lang, dark := []webtest.Size{webtest.Phone, webtest.Desk}[n&1], []string{"zh-CN", "en"}[n>>1&1], n>>2&1 == 1
			name := fmt.Sprintf("%s-%s-%s-%v", scene.name, size.Name, lang, dark)
			ctx := webtest.Browser(t) // of its own: the screen would go on with the payment of the scene before
			webtest.Run(t, ctx, webtest.Screen(size), webtest.Prefers(dark), chromedp.Navigate(s.server.URL+"/pos?lang="+lang), ready(), scene.way)
			if webtest.Shooting() {
				webtest.Shot(t, ctx, name)
			}
			webtest.Axe(t, ctx)
			webtest.Wide(t, ctx)
			webtest.Small(t, ctx)
			if t.Failed() {
				t.Fatalf("so at %s", name)
			}
		}
	}
}
