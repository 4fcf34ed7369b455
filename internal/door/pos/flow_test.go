package pos

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"hawker/internal/auth"
	"hawker/internal/payment"
	"hawker/internal/web/webtest"
)

// made counts the stand's payments, and those that hold money.
func (s *stand) made(t *testing.T) (all, holding int) {
	t.Helper()
	page, err := payment.List(t.Context(), s.db.Read(), payment.Filter{Merchant: 1, Limit: payment.MaxPage})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range page.Payments {
		if p.State.Taken() {
			holding++
		}
	}
	return len(page.Payments), holding
}

func heard(what string) chromedp.Action {
	return chromedp.Poll(`document.documentElement.dataset.heard === `+quote(what), nil)
}

func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` }

func TestMoneyIsTakenByEachMethod(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	ctx := s.till(t)
	total := func(want string) chromedp.Action { return webtest.Has("#sheet .figure", want) }
	webtest.Run(t, ctx, enter("46.50"), scan("13", 1), at("approved"), total("¥46.50"), webtest.Has("#sheet .small", "微信支付"), says("下一笔"), gone(), webtest.Has("#amount", "0.00"))
	webtest.Run(t, ctx, enter("12+8"), press(`[data-pay="code"]`), at("created"), total("¥20.00"), chromedp.WaitVisible("#sheet .symbol", chromedp.ByQuery))
	id := webtest.Eval[string](t, ctx, `JSON.parse(localStorage["pos.open"])[0].id`)
	number, err := payment.ParseRef(id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.engine.Choose(t.Context(), 1, number, "alipay"); err != nil {
		t.Fatal(err)
	}
	s.alipay.tell(t, taken)
	webtest.Run(t, ctx, at("approved"), webtest.Has("#sheet .small", "支付宝"), webtest.Has("#alert", "收款成功"), says("下一笔"), gone())
	webtest.Run(t, ctx, enter("46.5"), press(`[data-pay="cash"]`), at("cash"), chromedp.SendKeys("#tendered", "50", chromedp.ByQuery), webtest.Has("#sheet .change", "¥3.50"), says("确认收到现金"),
		at("approved"), webtest.Has("#sheet .change", "¥3.50"), says("下一笔"), gone())
	webtest.Run(t, ctx, enter("35"), press(`[data-pay="card"]`), at("present"), says("读不出来的卡"), at("refused"), webtest.Has("#sheet .text", "请换一张卡"), says("再试一次"),
		at("present"), says("信用卡"), at("approved"), webtest.Has("#sheet .small", "银行卡"), says("下一笔"), gone())
	if all, holding := s.made(t); all != 4 || holding != 4 {
		t.Errorf("%d payments, %d of them hold money", all, holding)
	}
}

func TestWhatIsNotMoneyIsNeverGreen(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	ctx := s.till(t)
	webtest.Run(t, ctx, enter("28.01"), scan("13", 1), at("declined"), webtest.Has("#sheet .text", "余额不足"), heard("bad"), says("换方式收款"), gone(), webtest.Has("#amount", "28.01"), press(`[data-key="clear"]`))
	// Unknown says what is done, is taken back, and only then may it be charged again.
	webtest.Run(t, ctx, enter("28.02"), press(`[data-pay="card"]`), at("present"), says("信用卡"), chromedp.Poll(`["unknown", "reversing", "reversed"].includes(document.querySelector("#sheet").dataset.state)`, nil),
		at("reversed"), webtest.Has("#sheet-title", "没有扣款"), says("重新收款"), gone(), press(`[data-key="clear"]`))
	// A customer who types is waited for; cancel means asking the wallet.
	webtest.Run(t, ctx, enter("28.03"), scan("28", 2), at("waiting"), heard("请客人输入密码"), says("取消收款"),
		chromedp.Poll(`["cancelled", "reversed"].includes(document.querySelector("#sheet").dataset.state)`, nil), webtest.Has("#sheet-title", "没有扣款"), says("重新收款"), gone(), press(`[data-key="clear"]`))
	// Cancelled too late: the customer was faster.
	webtest.Run(t, ctx, enter("28.03"), scan("28", 3), at("waiting"))
	s.alipay.mu.Lock()
	s.alipay.states[s.alipay.last] = taken
	s.alipay.mu.Unlock()
	webtest.Run(t, ctx, says("取消收款"), at("approved"), says("下一笔"), gone())
	if _, holding := s.made(t); holding != 1 {
		t.Errorf("%d payments hold money", holding)
	}
}

func TestAPaymentOutlivesThePageAndTheNetwork(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	ctx := s.till(t)
	s.lose.Store(1000)
	webtest.Run(t, ctx, enter("46.50"), scan("13", 1), webtest.Has("#sheet .text", "不会收两次"))
	s.lose.Store(0)
	webtest.Run(t, ctx, at("approved"), says("下一笔"), gone())
	if all, _ := s.made(t); all != 1 {
		t.Fatalf("lost answers made %d payments", all)
	}
	// Reload in the middle: the same payment is there again.
	webtest.Run(t, ctx, enter("28.03"), scan("13", 2), at("waiting"), chromedp.Reload(), ready(), at("waiting"))
	s.wechat.tell(t, taken)
	webtest.Run(t, ctx, at("approved"), webtest.Has("#sheet .figure", "28.03"), says("下一笔"), gone())
	// Reload before any answer.
	s.lose.Store(1000)
	webtest.Run(t, ctx, enter("9.90"), scan("13", 3), at("creating"), chromedp.Reload(), ready(), at("creating"))
	s.lose.Store(0)
	webtest.Run(t, ctx, at("approved"), says("下一笔"), gone())
	// The network goes away in the middle, and the customer pays meanwhile.
	webtest.Run(t, ctx, enter("28.03"), scan("13", 4), at("waiting"), offline(true), chromedp.Poll(`document.querySelector("#banner").dataset.now === "off" && !document.querySelector("#banner").hidden`, nil))
	s.wechat.tell(t, taken)
	webtest.Run(t, ctx, offline(false), at("approved"), says("下一笔"), gone())
	// Without network orders go on, and nothing is charged.
	webtest.Run(t, ctx, offline(true), enter("5"), webtest.Has("#amount", "5.00"), press(`[data-pay="code"]`), chromedp.Poll(`document.querySelector("#toasts").textContent.includes("网络断开")`, nil), gone(), offline(false))
	if all, holding := s.made(t); all != 4 || holding != 4 {
		t.Errorf("%d payments, %d of them hold money", all, holding)
	}
}

func TestALostAnswerIsNotForgottenWhenTheSessionEnds(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	ctx := s.till(t)
	s.lose.Store(1000)
	webtest.Run(t, ctx, chromedp.Evaluate(`window.fetch = ((real) => (url, o) => o?.method === "POST" && window.lost ? new Promise((done) => { window.on = () => done(real(url, o)); }) : real(url, o).catch((e) => { window.lost = true; throw e; }))(window.fetch)`, nil),
		enter("46.50"), scan("13", 1), chromedp.Poll(`window.on`, nil))
	s.lose.Store(0)
	s.is(auth.Who{}) // between the first try, which was done, and the second
	webtest.Run(t, ctx, chromedp.Evaluate(`window.on()`, nil), webtest.Until(`location.pathname === "/signin"`))
	s.is(auth.Who{Kind: auth.Staff, ID: 1, Merchant: 1, Role: auth.Owner, Name: "陈晨"})
	webtest.Run(t, ctx, chromedp.Navigate(s.server.URL+"/pos?lang=zh-CN"), ready(), at("approved"), webtest.Has("#sheet .figure", "¥46.50"))
	if all, _ := s.made(t); all != 1 {
		t.Errorf("%d payments", all)
	}
}

func offline(off bool) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		return network.EmulateNetworkConditions(off, 0, -1, -1).Do(ctx)
	})
}

func TestAPaymentMovesToAnotherDevice(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	a, b := s.till(t), s.till(t)
	webtest.Run(t, a, enter("28.03"), scan("13", 1), at("waiting"), says("换设备继续"), chromedp.WaitVisible(".digits6", chromedp.ByQuery))
	code := strings.ReplaceAll(webtest.Text(t, a, ".digits6"), " ", "")
	webtest.Run(t, a, chromedp.Evaluate(`document.querySelector("#panel").close()`, nil))
	webtest.Run(t, b, chromedp.Navigate(s.server.URL+"/pos?take="+code), at("waiting"), webtest.Has("#sheet .figure", "28.03"))
	webtest.Run(t, a, gone(), webtest.Has("#toasts", "已交给"))
	s.wechat.tell(t, taken)
	webtest.Run(t, b, at("approved"))
	if heard := webtest.Eval[string](t, a, `document.documentElement.dataset.heard || ""`); strings.Contains(heard, "到账") {
		t.Errorf("the first device says %q", heard)
	}
	if all, holding := s.made(t); all != 1 || holding != 1 {
		t.Errorf("%d payments, %d of them hold money", all, holding)
	}
}

func TestASaleIsRefundedInPlaceAndTheShiftCountsIt(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.stock()
	ctx := s.till(t)
	webtest.Run(t, ctx, press(`[data-go="me"]`), webtest.Has("#me", "开班"), says("开班"), chromedp.SendKeys("#panel input", "200\r", chromedp.ByQuery), webtest.Has("#me", "应有现金"), webtest.Has("#who", "当班"), press(`[data-go="items"]`),
		chromedp.Poll(`document.querySelectorAll(".tile").length > 10`, nil), press(`.tile`), press(`.tile`), webtest.Has("#due", "¥56.00"),
		press(`[data-go="charge"]`), press(`[data-pay="cash"]`), at("cash"), says("正好"), says("确认收到现金"), at("approved"), says("下一笔"), gone())
	webtest.Run(t, ctx, press(`[data-go="sales"]`), webtest.Has("#sales", "¥56.00"), press(`#sales .row-button`), webtest.Has("#panel", "拿铁 × 2"), says("退款"),
		chromedp.SetValue("#refund-amount", "16", chromedp.ByQuery), press(`[data-why="price"]`), says("确认退款"), webtest.Has("#panel", "把现金交给客人"), says("好的"), webtest.Has("#sales", "部分退款"))
	webtest.Run(t, ctx, press(`[data-go="today"]`), webtest.Has("#figures", "¥40.00"), press(`[data-go="me"]`), webtest.Has("#me", "¥240.00"), webtest.Has("#me", "交班"), says("交班"), chromedp.WaitVisible("#panel input", chromedp.ByQuery),
		chromedp.SendKeys("#panel input", "239.90\r", chromedp.ByQuery), webtest.Has("#panel", "−¥0.10"), webtest.Has("#panel", "已交班"))
	// The other language is a tap away, and nothing is lost.
	webtest.Run(t, ctx, chromedp.Evaluate(`document.querySelector("#panel").close()`, nil), press(`[data-go="charge"]`), enter("7"), press(`[data-go="me"]`), webtest.Has("#me", "语言"), chromedp.Click(`input[name="语言"]:not(:checked)`, chromedp.ByQuery),
		chromedp.WaitVisible(`html[lang="en"]`, chromedp.ByQuery), ready(), webtest.Has("#amount", "7.00"), webtest.Has(`[data-go="sales"]`, "Sales"), press(`[data-go="sales"]`), webtest.Has("#sales", "Part refunded"))
}

func TestThePageIsSmallAndThenQuiet(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.stock()
	ctx := webtest.Browser(t)
	seen := webtest.Count(ctx)
	webtest.Run(t, ctx, webtest.Screen(webtest.Phone), chromedp.Navigate(s.server.URL+"/pos"), ready(), chromedp.Poll(`document.querySelectorAll(".tile").length > 10`, nil))
	var first []string
	for _, r := range seen.All() {
		if !strings.Contains(r, "/pos/api/events") && !strings.Contains(r, "sw.js") { // what comes after it can be used
			first = append(first, r)
		}
	}
	if len(first) > 8 {
		t.Errorf("%d requests: %q", len(first), first)
	}
	if size := seen.Bytes(); size > 40<<10 {
		t.Errorf("%d bytes", size)
	}
	t.Logf("%d requests, %d bytes", len(first), seen.Bytes())
	seen.Quiet(t, ctx, 400*time.Millisecond)
}
