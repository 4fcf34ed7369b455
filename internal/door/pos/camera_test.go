package pos

import (
	"image"
	"image/color"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"hawker/internal/qr"
	"hawker/internal/web/webtest"
)

// wallet is what a camera sees of a customer's phone: a code on a bright screen, in a hand before a dim room.
func wallet(t *testing.T, text string) image.Image {
	t.Helper()
	symbol, err := qr.Draw(text, qr.Screen)
	if err != nil {
		t.Fatal(err)
	}
	const module, across, high = 9, 640, 480
	p := image.NewGray(image.Rect(0, 0, across, high))
	for i := range p.Pix {
		p.Pix[i] = 70
	}
	side := (symbol.Size() + 2*qr.Quiet) * module
	left, top := (across-side)/2, (high-side)/2
	for y := range side {
		for x := range side {
			shade := color.Gray{Y: 225}
			if symbol.Dark(x/module-qr.Quiet, y/module-qr.Quiet) {
				shade.Y = 35
			}
			p.SetGray(left+x, top+y, shade)
		}
	}
	return p
}

// TestTheCameraReadsTheCustomersCode holds pictures before the till's camera: no code is
// typed, and what the wallet is asked to charge is what the picture says.
func TestTheCameraReadsTheCustomersCode(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	film := filepath.Join(t.TempDir(), "film.y4m")
	webtest.Film(t, film, wallet(t, "https://pay.example/c/abc"))
	ctx := webtest.Camera(t, film)
	webtest.Run(t, ctx, webtest.Screen(webtest.Phone), chromedp.Navigate(s.server.URL+"/pos?lang=zh-CN"), ready())
	seeing := chromedp.Poll(`document.querySelector(".viewer video")?.videoWidth > 0 && document.querySelector(".nocamera").hidden`, nil)

	// A merchant's code, a poster, a link: the till says what it wants, and charges nothing.
	webtest.Run(t, ctx, enter("46.50"), press(`[data-pay="scan"]`), at("scan"), seeing, webtest.Has("#toasts", "这不是付款码"), says("取消收款"), gone())
	if stopped := webtest.Eval[bool](t, ctx, `!document.querySelector("video")?.srcObject`); !stopped {
		t.Error("the camera looks on after the scan was given up")
	}
	if all, _ := s.made(t); all != 0 {
		t.Fatalf("%d payments of a code that is none", all)
	}

	for n, c := range []struct {
		code   string
		wallet *paper
		method string
	}{{"134567890123456789", s.wechat, "微信支付"}, {"281234567890123456", s.alipay, "支付宝"}} {
		webtest.Film(t, film, wallet(t, c.code))
		webtest.Run(t, ctx, press(`[data-pay="scan"]`), at("approved"), webtest.Has("#sheet .small", c.method))
		c.wallet.mu.Lock()
		got, asked := c.wallet.code, c.wallet.orders[c.wallet.last].Amount
		c.wallet.mu.Unlock()
		if got != c.code || asked.Minor() != 4650 {
			t.Errorf("the wallet was asked for %s of %q, the picture says %s", asked, got, c.code)
		}
		if lit := webtest.Eval[bool](t, ctx, `[...document.querySelectorAll("video")].some((v) => v.srcObject)`); lit {
			t.Error("the camera looks on after the code was read")
		}
		if all, _ := s.made(t); all != n+1 {
			t.Errorf("%d payments after %d codes", all, n+1)
		}
		webtest.Run(t, ctx, says("下一笔"), gone(), enter("46.50"))
	}
	if lib := webtest.Eval[bool](t, ctx, `"BarcodeDetector" in window || !!window.ZXingWASM`); !lib {
		t.Error("nothing read the codes")
	}
}
