package app

import (
	"bytes"
	"context"
	"encoding/base64"
	"image"
	"image/png"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"hawker/internal/web/webtest"
)

// sketch draws lines with a finger, from corner to corner: places are parts of the canvas's width and height.
func sketch(places ...[2]float64) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		var box [4]float64
		if err := chromedp.Evaluate(`(() => { const r = document.querySelector("canvas.signpad").getBoundingClientRect(); return [r.left, r.top, r.width, r.height]; })()`, &box).Do(ctx); err != nil {
			return err
		}
		touch := func(kind input.TouchType, x, y float64) error {
			points := []*input.TouchPoint{{X: box[0] + x*box[2], Y: box[1] + y*box[3]}}
			if kind == input.TouchEnd {
				points = []*input.TouchPoint{}
			}
			return input.DispatchTouchEvent(kind, points).Do(ctx)
		}
		if err := touch(input.TouchStart, places[0][0], places[0][1]); err != nil {
			return err
		}
		const steps = 12
		for i := 1; i < len(places); i++ {
			from, to := places[i-1], places[i]
			for n := 1.0; n <= steps; n++ {
				if err := touch(input.TouchMove, from[0]+(to[0]-from[0])*n/steps, from[1]+(to[1]-from[1])*n/steps); err != nil {
					return err
				}
			}
		}
		return touch(input.TouchEnd, 0, 0)
	})
}

// TestTheCardholderSignsOnTheTillAndFindsItOnTheReceipt takes a card payment over the limit,
// draws with a finger on the till's screen, and looks at what the payer's receipt shows.
func TestTheCardholderSignsOnTheTillAndFindsItOnTheReceipt(t *testing.T) {
	t.Parallel()
	s := running(t)
	token, _ := signIn(t, s, 0)
	w := &tour{t: t, ctx: webtest.Browser(t), base: "http://" + s.HTTPAddr()}
	w.becomes(token)
	webtest.Run(t, w.ctx, webtest.Screen(webtest.Phone), chromedp.Navigate(w.base+"/pos?lang=zh-CN"), charging(), webtest.Until("document.documentElement.dataset.ready"), keypad("1280"), tap(`[data-pay="card"]`),
		sheet("present"), press("信用卡：付款成功"), sheet("declined"), webtest.Has("#sheet .text", "超过本店今天的限额"), press("换方式"), tap(`[data-key="clear"]`), keypad("1000"), tap(`[data-pay="card"]`), sheet("present"), press("信用卡：付款成功"), sheet("approved"), webtest.Has("#sheet", "这笔要客人签名"), press("客人签名"), webtest.Until(`document.querySelector("canvas.signpad")`), webtest.Has("#panel .figure", "¥1,000.00"))

	// Nothing is no signature; what was cleared is gone.
	said := func(words string) chromedp.Action {
		return chromedp.Tasks{webtest.Has("#toasts", words), chromedp.Evaluate(`document.querySelector("#toasts").replaceChildren()`, nil)}
	}
	drawn := webtest.Until(`(() => { const c = document.querySelector("canvas.signpad"), d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data; for (let i = 0; i < d.length; i += 4) if (d[i + 3] && d[i] < 100) return true; return false; })()`)
	webtest.Run(t, w.ctx, webtest.Until(`performance.getEntriesByType("resource").some((r) => r.name.includes("signature_pad") && r.responseEnd)`), press("确认"), said("还没有签名"),
		sketch([2]float64{.8, .1}, [2]float64{.95, .1}), drawn, press("清除"), press("确认"), said("还没有签名"))
	webtest.Axe(t, w.ctx)

	// A tall Z, from the left to the middle.
	webtest.Run(t, w.ctx, sketch([2]float64{.1, .2}, [2]float64{.5, .2}, [2]float64{.1, .8}, [2]float64{.5, .8}), drawn)
	if webtest.Shooting() {
		webtest.Shot(t, w.ctx, "signing")
	}
	webtest.Run(t, w.ctx, press("确认"), said("签名已保存"), webtest.Until(`!document.querySelector("#panel").open`), webtest.Has("#sheet", "已签名"))
	if again := webtest.Eval[bool](t, w.ctx, `document.querySelector("#sheet").innerText.includes("这笔要客人签名")`); again {
		t.Error("a signature is still asked for")
	}

	webtest.Run(t, w.ctx, press("电子小票"), webtest.Has("#panel .mono", "/r/"))
	link := webtest.Text(t, w.ctx, "#panel .mono")
	webtest.Run(t, w.ctx, chromedp.Navigate(w.base+pathOf(link)+"?lang=zh-CN"), webtest.Has("figure.signed", "在屏幕上签名"), webtest.Until(`document.querySelector("figure.signed img")?.naturalWidth > 0`))
	webtest.Axe(t, w.ctx)
	if webtest.Shooting() {
		webtest.Shot(t, w.ctx, "signed")
	}
	webtest.Run(t, w.ctx, chromedp.Evaluate(`fetch(document.querySelector("figure.signed img").src).then((r) => r.blob()).then((b) => { const f = new FileReader(); f.onload = () => { window.picture = f.result; }; f.readAsDataURL(b); }); 1`, nil), webtest.Until("window.picture"))
	_, text, _ := strings.Cut(webtest.Eval[string](t, w.ctx, "window.picture"), ",")
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	looksLikeZ(t, picture)
}

// looksLikeZ holds a picture against what was drawn: two bars and a slope between them, on the left of the middle.
func looksLikeZ(t *testing.T, p image.Image) {
	t.Helper()
	var ink image.Rectangle
	dark := func(x, y int) bool { _, _, _, a := p.At(x, y).RGBA(); return a > 0x8000 }
	size := p.Bounds()
	for y := size.Min.Y; y < size.Max.Y; y++ {
		for x := size.Min.X; x < size.Max.X; x++ {
			if dark(x, y) {
				ink = ink.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	if ink.Dx() < 20 || ink.Dy() < 20 || ink.Max.X > size.Max.X*3/4 {
		t.Fatalf("the ink is at %v of %v", ink, size)
	}
	// count is how many points of a row are dark, from one part of the ink's width to another.
	count := func(row, from, to float64) (n int) {
		for y := ink.Min.Y + int(row*float64(ink.Dy())) - 2; y <= ink.Min.Y+int(row*float64(ink.Dy()))+2; y++ {
			for x := ink.Min.X + int(from*float64(ink.Dx())); x < ink.Min.X+int(to*float64(ink.Dx())); x++ {
				if dark(x, y) {
					n++
				}
			}
		}
		return n
	}
	for where, c := range map[string]struct {
		got  int
		want bool
	}{
		"upper bar, left": {count(0.02, 0, .4), true}, "upper bar, right": {count(0.02, .6, 1), true}, "lower bar, left": {count(.98, 0, .4), true}, "lower bar, right": {count(.98, .6, 1), true},
		"slope, in the middle": {count(.5, .35, .65), true}, "left of the slope": {count(.3, 0, .3), false}, "right of the slope": {count(.7, .7, 1), false},
	} {
		if (c.got > 0) != c.want {
			t.Errorf("%s: %d points", where, c.got)
		}
	}
}
