// Package webtest looks at pages as people do: in Debian's Chromium, which it drives over
// the DevTools protocol, in both languages, light and dark, on a phone and on a desk. It
// counts what a page asks for, and has axe judge whether everybody can use it.
package webtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// Size is a screen.
type Size struct {
	Name          string
	Width, Height int64
	Phone         bool
}

// The screens that pages are looked at on.
var (
	Phone = Size{"phone", 390, 844, true}
	Desk  = Size{"desk", 1280, 800, false}
)

// patience is how long anything in a browser may take on a busy machine.
const patience = 60 * time.Second

// shared is the one browser of a test program.
var shared struct {
	sync.Mutex
	ctx  context.Context
	stop context.CancelFunc
	dir  string
}

// Main runs a package's tests and closes the browser that they started:
//
//	func TestMain(m *testing.M) { webtest.Main(m) }
//
// With a database too: storetest.Main(webtest.Tests(m)).
func Main(m *testing.M) { os.Exit(Tests(m).Run()) }

// Tests are a package's tests, and closing the browser.
func Tests(m *testing.M) interface{ Run() int } { return tests{m} }

type tests struct{ m *testing.M }

// Run runs the tests.
func (t tests) Run() int {
	code := t.m.Run()
	if err := quit(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	return code
}

func quit() error {
	if shared.ctx == nil {
		return nil
	}
	return end(shared.ctx, shared.stop, shared.dir)
}

// end closes a browser and forgets what it kept.
func end(ctx context.Context, stop context.CancelFunc, dir string) error {
	process := chromedp.FromContext(ctx).Browser.Process()
	gone := make(chan error, 1)
	go func() { gone <- chromedp.Cancel(ctx) }() // asks it to close, and waits
	var err error
	select {
	case err = <-gone:
	case <-time.After(5 * time.Second): // a helper of its own may hold on to its output
	}
	kill(process)
	stop()
	for range 20 { // its helpers may still write
		if os.RemoveAll(dir) == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}

// program finds Chromium. Its absence fails a test: scripts/chromium installs it.
func program() (string, error) {
	for _, name := range []string{os.Getenv("HAWKER_TEST_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no Chromium here: run scripts/chromium, or set HAWKER_TEST_CHROMIUM to its path")
}

// start opens the browser at the first test that wants it.
func start() (context.Context, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.ctx != nil {
		return shared.ctx, nil
	}
	var err error
	if shared.dir, err = os.MkdirTemp("", "hawker-chromium-"); err != nil {
		return nil, err
	}
	shared.ctx, shared.stop, err = launch(shared.dir)
	return shared.ctx, err
}

// launch starts a browser that keeps its things in dir.
func launch(dir string, more ...chromedp.ExecAllocatorOption) (context.Context, context.CancelFunc, error) {
	path, err := program()
	if err != nil {
		return nil, nil, err
	}
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.ExecPath(path), chromedp.UserDataDir(dir), chromedp.Headless, chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.WSURLReadTimeout(patience), chromedp.ModifyCmdFunc(apart))
	for _, flag := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "disable-dev-shm-usage", "disable-extensions",
		"disable-default-apps", "metrics-recording-only", "mute-audio", "hide-scrollbars", "use-fake-device-for-media-stream", "use-fake-ui-for-media-stream"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	alloc, stop := chromedp.NewExecAllocator(context.Background(), append(options, more...)...)
	ctx, _ := chromedp.NewContext(alloc, chromedp.WithErrorf(quieter))
	if err := chromedp.Run(ctx); err != nil {
		stop()
		return nil, nil, fmt.Errorf("start %s: %w", path, err)
	}
	return ctx, stop, nil
}

// quieter leaves out what this driver does not know of a newer Chromium.
func quieter(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !strings.Contains(text, "unhandled node event") && !strings.Contains(text, "could not unmarshal event") {
		fmt.Fprintln(os.Stderr, text)
	}
}

// Browser is a window of its own for a test, with no cookies. What the page's scripts throw
// or complain about fails the test when it ends.
func Browser(t *testing.T) context.Context {
	t.Helper()
	root, err := start()
	if err != nil {
		t.Fatal(err)
	}
	return window(t, root)
}

// window opens one in a browser.
func window(t *testing.T, root context.Context) context.Context {
	t.Helper()
	var id target.ID
	if err := chromedp.Run(root, chromedp.ActionFunc(func(ctx context.Context) error {
		ctx = cdp.WithExecutor(ctx, chromedp.FromContext(ctx).Browser)
		own, err := target.CreateBrowserContext().WithDisposeOnDetach(true).Do(ctx)
		if err != nil {
			return err
		}
		// Chromium opens a context's first tab only in a new window.
		id, err = target.CreateTarget("about:blank").WithBrowserContextID(own).WithNewWindow(true).Do(ctx)
		return err
	})); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(root, chromedp.WithTargetID(id))
	ctx, late := context.WithTimeout(ctx, 4*patience)
	t.Cleanup(func() { late(); cancel() })
	var complaints []string
	var m sync.Mutex
	complain := func(format string, args ...any) {
		m.Lock()
		defer m.Unlock()
		complaints = append(complaints, fmt.Sprintf(format, args...))
	}
	chromedp.ListenTarget(ctx, func(ev any) {
		switch ev := ev.(type) {
		case *runtime.EventExceptionThrown:
			complain("thrown: %s", ev.ExceptionDetails.Error())
		case *runtime.EventConsoleAPICalled:
			if ev.Type == runtime.APITypeError {
				for _, a := range ev.Args {
					if strings.Contains(string(a.Value), "Response Status Error Code") {
						continue // htmx says so of every refusal, which tests make on purpose
					}
					complain("console: %s %s", a.Value, a.Description)
				}
			}
		}
	})
	t.Cleanup(func() {
		m.Lock()
		defer m.Unlock()
		for _, c := range complaints {
			t.Error(c)
		}
	})
	Run(t, ctx, runtime.Enable(), network.Enable(), Screen(Desk))
	return ctx
}

// Downloads lets a window save files, and tells where.
func Downloads(t *testing.T, ctx context.Context) (dir string) {
	t.Helper()
	dir = t.TempDir()
	Run(t, ctx, browser.SetDownloadBehavior(browser.SetDownloadBehaviorBehaviorAllow).WithDownloadPath(dir).WithBrowserContextID(contextOf(t, ctx)))
	return dir
}

// contextOf is the browser's own context of a window.
func contextOf(t *testing.T, ctx context.Context) (id cdp.BrowserContextID) {
	t.Helper()
	Run(t, ctx, chromedp.ActionFunc(func(ctx context.Context) error {
		info, err := target.GetTargetInfo().Do(ctx)
		if err == nil {
			id = info.BrowserContextID
		}
		return err
	}))
	return id
}

// Run does actions in a browser; what does not work ends the test.
func Run(t *testing.T, ctx context.Context, actions ...chromedp.Action) {
	t.Helper()
	if err := chromedp.Run(ctx, actions...); err != nil {
		var where, text string
		short, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second) // the window may be gone
		defer cancel()
		_ = chromedp.Run(short, chromedp.Location(&where), chromedp.Evaluate(`document.body ? document.body.innerText.slice(0, 600) : ""`, &text))
		t.Fatalf("at %s: %v\nthe page reads:\n%s", where, err, text)
	}
}

// Screen makes the window a screen's size, with a finger for a phone.
func Screen(s Size) chromedp.Action {
	return chromedp.Tasks{emulation.SetDeviceMetricsOverride(s.Width, s.Height, 1, s.Phone), emulation.SetTouchEmulationEnabled(s.Phone)}
}

// Prefers makes the device wish dark or light.
func Prefers(dark bool) chromedp.Action {
	value := "light"
	if dark {
		value = "dark"
	}
	return emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: value}, {Name: "prefers-reduced-motion", Value: "reduce"}})
}

// Speaks makes the browser prefer a language: "zh-CN" or "en".
func Speaks(lang string) chromedp.Action {
	return network.SetExtraHTTPHeaders(network.Headers{"Accept-Language": lang})
}

// Text is what a person reads of an element.
func Text(t *testing.T, ctx context.Context, selector string) (text string) {
	t.Helper()
	Run(t, ctx, chromedp.Text(selector, &text, chromedp.ByQuery))
	return text
}

// Eval is the value of an expression in the page.
func Eval[T any](t *testing.T, ctx context.Context, expression string) (v T) {
	t.Helper()
	Run(t, ctx, chromedp.Evaluate(expression, &v))
	return v
}

// Has waits until an element's text has a part, on whatever page the browser comes to.
func Has(selector, part string) chromedp.Action {
	s, _ := json.Marshal(selector)
	p, _ := json.Marshal(part)
	return Until(fmt.Sprintf("(document.querySelector(%s)?.innerText ?? '').includes(%s)", s, p))
}

// Until waits until an expression is true. A page that goes away meanwhile is no error: the next one is asked.
func Until(expression string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, patience/3)
		defer cancel()
		tick := time.NewTicker(25 * time.Millisecond)
		defer tick.Stop()
		for {
			var ok bool
			if err := chromedp.Evaluate("Boolean("+expression+")", &ok).Do(ctx); err == nil && ok {
				return nil
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return fmt.Errorf("it never became true: %s", expression)
			}
		}
	})
}

// Requests counts what pages ask the server for.
type Requests struct {
	m    sync.Mutex
	urls []string
	size float64
}

// Count begins to count the requests of a window. The tab's icon, which comes when it likes, is not among them.
func Count(ctx context.Context) *Requests {
	r := &Requests{}
	cached := map[network.RequestID]bool{}
	chromedp.ListenTarget(ctx, func(ev any) {
		r.m.Lock()
		defer r.m.Unlock()
		switch ev := ev.(type) {
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(ev.Request.URL, "data:") && !strings.HasPrefix(ev.Request.URL, "blob:") && !strings.Contains(ev.Request.URL, "/assets/web/icon.") {
				r.urls = append(r.urls, ev.Request.Method+" "+ev.Request.URL)
			}
		case *network.EventRequestServedFromCache:
			cached[ev.RequestID] = true
		case *network.EventLoadingFinished:
			if !cached[ev.RequestID] {
				r.size += ev.EncodedDataLength
			}
		}
	})
	return r
}

// All are the requests since the last Reset, "GET http://…".
func (r *Requests) All() []string {
	r.m.Lock()
	defer r.m.Unlock()
	return append([]string{}, r.urls...)
}

// Bytes are what came over the wire since the last Reset.
func (r *Requests) Bytes() int {
	r.m.Lock()
	defer r.m.Unlock()
	return int(r.size)
}

// Reset forgets what was counted.
func (r *Requests) Reset() {
	r.m.Lock()
	defer r.m.Unlock()
	r.urls, r.size = nil, 0
}

// Quiet fails when the page, left alone for a while, still asks for something: one that
// refetches for ever looks fine in a picture.
func (r *Requests) Quiet(t *testing.T, ctx context.Context, while time.Duration) {
	t.Helper()
	before := len(r.All())
	Run(t, ctx, rest(while))
	if after := r.All(); len(after) > before {
		t.Errorf("a page left alone asked for more: %q", after[before:])
	}
}

// rest waits in the page's own time.
func rest(d time.Duration) chromedp.Action {
	return chromedp.Evaluate(fmt.Sprintf("new Promise(done => setTimeout(() => done(true), %d))", d.Milliseconds()), nil,
		func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) })
}

// Shooting reports whether somebody wants pictures: $HAWKER_SHOTS is their directory.
func Shooting() bool { return os.Getenv("HAWKER_SHOTS") != "" }

// Shot takes a picture of the whole page, at most 2,400 pixels high, into $HAWKER_SHOTS or
// the test's own directory, and returns where.
func Shot(t *testing.T, ctx context.Context, name string) string {
	t.Helper()
	dir := os.Getenv("HAWKER_SHOTS")
	if dir == "" {
		dir = t.TempDir()
	}
	file := filepath.Join(dir, name+".png")
	var b []byte
	Run(t, ctx, chromedp.ActionFunc(func(ctx context.Context) (err error) {
		_, _, _, _, _, content, err := page.GetLayoutMetrics().Do(ctx)
		if err != nil {
			return err
		}
		b, err = page.CaptureScreenshot().WithCaptureBeyondViewport(true).WithClip(&page.Viewport{Width: content.Width, Height: min(content.Height, 2400), Scale: 1}).Do(ctx)
		return err
	}))
	if len(b) < 1000 {
		t.Fatalf("the picture %s has %d bytes", name, len(b))
	}
	if err := errors.Join(os.MkdirAll(dir, 0o750), os.WriteFile(file, b, 0o600)); err != nil {
		t.Fatal(err)
	}
	return file
}
