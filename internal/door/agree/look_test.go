package agree_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"hawker/internal/feelock"
	"hawker/internal/store"
	"hawker/internal/web/webtest"
)

// look looks at a page on a phone, in the dark and in English on every other one; and at every
// screen, language and light when pictures are kept.
func look(t *testing.T, ctx context.Context, base, path, name string) {
	t.Helper()
	if webtest.Shooting() {
		webtest.Look(t, ctx, base, path, name)
		return
	}
	odd := len(name)%2 == 1
	webtest.Run(t, ctx, webtest.Screen(webtest.Phone), webtest.Prefers(odd), webtest.Speaks(map[bool]string{false: "zh-CN", true: "en"}[odd]), chromedp.Navigate(base+path))
	webtest.Axe(t, ctx)
	webtest.Wide(t, ctx)
	webtest.Small(t, ctx)
}

func TestEveryPageCanBeUsedByEverybody(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.offer()
	if err := w.db.Write(t.Context(), func(tx *store.Tx) error {
		return w.fees.Board(t.Context(), tx, w.shop, feelock.Seeded("a test"), noon.Add(-time.Hour), rate("debit", 50, 2000), rate("credit", 60, 0))
	}); err != nil {
		t.Fatal(err)
	}
	w.as(one)
	w.send("/ops/fees", "mid", w.shop.MID, "line", "card/debit", "points", "0.55", "cap", "20.00", "from", "2026-12-31", "otherwise", "keep", "reason", "银联网络成本上调，按比例调整。")
	w.send("/ops/fees", "mid", w.shop.MID, "line", "card/credit", "points", "0.58", "from", "2026-12-31", "otherwise", "keep", "reason", "冬季让利，费率下调。")
	list := must[[]feelock.Proposal](t)(feelock.InState(t.Context(), w.db.Read(), feelock.Proposed, 9))
	w.as(two)
	w.send("/ops/fees/7/" + strconv.FormatInt(list[0].ID, 10) + "/approve")
	w.jobs.RunDue(t.Context())
	w.as(w.owner)
	w.send("/app/feedback", "relation", "contract/1", "stars", "4", "body", "师傅准时到，讲解清楚，装好后当场试了三笔。")
	w.send("/app/privacy", "kind", "correction", "body", "英文名称应为 Xiaoman Noodle House")
	a, _, err := w.school.Begin(t.Context(), w.owner)
	if err != nil {
		t.Fatal(err)
	}
	ctx := webtest.Browser(t)
	for name, path := range map[string]string{"contract": "/app/contract", "compare": "/app/contract/compare", "fees": "/app/fees", "learn": "/learn", "lesson": "/learn/lesson/cashout",
		"test": "/learn/test/" + strconv.FormatInt(a.ID, 10), "check": "/learn/check?number=HT-7-ABC", "privacy": "/app/privacy", "reviews": "/app/feedback"} {
		look(t, ctx, w.url, path, "agree-"+name)
	}
	w.as(one)
	look(t, ctx, w.url, "/ops/fees?mid="+w.shop.MID, "agree-ops-fees")
	w.as(adm)
	for name, path := range map[string]string{"contracts": "/ops/contracts?mid=" + w.shop.MID, "reviews": "/ops/reviews", "privacy": "/ops/privacy"} {
		look(t, ctx, w.url, path, "agree-ops-"+name)
	}
}
