package pos

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"hawker/internal/web/webtest"
)

// TestTheBars measures what a person feels, on a machine that does nothing else:
//
//	HAWKER_BARS=1 go test ./internal/door/pos -run TheBars -v
//
// Each bar is the median of several tries. It is no part of the usual tests: there, a busy
// machine would be measured and not the screen.
func TestTheBars(t *testing.T) {
	if os.Getenv("HAWKER_BARS") == "" {
		t.Skip("set HAWKER_BARS=1 to measure")
	}
	s := newStand(t)
	s.stock()
	check := func(what string, tries []float64, most float64) {
		slices.Sort(tries)
		median := tries[len(tries)/2]
		t.Logf("%s: median %.0f ms of %.0f to %.0f, bar %.0f ms", what, median, tries[0], tries[len(tries)-1], most)
		if median > most {
			t.Errorf("%s takes %.0f ms, more than %.0f", what, median, most)
		}
	}

	ctx := s.till(t)
	var keys []float64
	for range 20 {
		webtest.Run(t, ctx, chromedp.Evaluate(`{ window.__key = 0; const b = document.querySelector('[data-key="1"]'), from = performance.now(); b.dispatchEvent(new PointerEvent("pointerdown", {bubbles: true, button: 0}));
			requestAnimationFrame(() => { const m = new MessageChannel(); m.port1.onmessage = () => { window.__key = performance.now() - from; }; m.port2.postMessage(0); }); }`, nil), chromedp.Poll(`window.__key > 0`, nil))
		keys = append(keys, webtest.Eval[float64](t, ctx, `window.__key`))
		webtest.Run(t, ctx, press(`[data-key="clear"]`))
	}
	check("a key until it is painted", keys, 50)

	var greens []float64
	for n := range 7 {
		webtest.Run(t, ctx, enter("28.03"), scan("13", n), at("waiting"), chromedp.Evaluate(`window.__green = 0; new MutationObserver((_, o) => { if (document.querySelector("#sheet").dataset.state === "approved") { o.disconnect(); requestAnimationFrame(() => setTimeout(() => { window.__green = Date.now(); })); } }).observe(document.querySelector("#sheet"), {attributes: true}); 1`, nil))
		from := time.Now()
		s.wechat.tell(t, taken)
		webtest.Run(t, ctx, chromedp.Poll(`window.__green > 0`, nil))
		greens = append(greens, webtest.Eval[float64](t, ctx, `window.__green`)-float64(from.UnixMicro())/1000)
		webtest.Run(t, ctx, says("下一笔"), gone())
	}
	check("the wallet's notice until the screen is green", greens, 150)

	var loads []float64
	for range 3 {
		slow := webtest.Browser(t)
		// Slow 4G as Chromium's own tools emulate it: 562.5 ms of latency, 1.44 Mbit/s down, 675 kbit/s up; and a processor four times slower.
		webtest.Run(t, slow, webtest.Screen(webtest.Phone), network.EmulateNetworkConditions(false, 562.5, 1.44e6/8, 675e3/8), emulation.SetCPUThrottlingRate(4), chromedp.Navigate(s.server.URL+"/pos"), ready())
		loads = append(loads, webtest.Eval[float64](t, slow, `Number(document.documentElement.dataset.ready)`))
	}
	check("the page until it can be used, slow 4G and a quarter of the processor", loads, 1500)
}
