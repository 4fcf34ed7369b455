package payer

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"hawker/internal/cases"
	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/feelock"
	"hawker/internal/feelock/feelocktest"
	"hawker/internal/jobs"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/paylink"
	"hawker/internal/payment"
	"hawker/internal/receipt"
	"hawker/internal/signature"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/web"
	"hawker/internal/web/webtest"
)

func TestMain(m *testing.M) { storetest.Main(webtest.Tests(m)) }

// purse is a wallet whose customer pays when the test says so.
type purse struct {
	channel.Wallet
	name string
	mu   sync.Mutex
	paid map[string]bool // presented orders
}

func (p *purse) Name() string { return p.name }

func (p *purse) Patience() channel.Pace {
	return channel.Pace{Call: time.Second, First: time.Second, Longest: time.Second, Deadline: time.Minute}
}

func (p *purse) Do(_ context.Context, r channel.Request) channel.Outcome {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch ref := r.Original.Ref; r.Kind {
	case channel.Present:
		p.paid[r.Ref] = false
		return channel.Outcome{Result: channel.Waiting, Link: "https://wallet.example/" + p.name + "/" + r.Ref}
	case channel.Query:
		if p.paid[ref] {
			return channel.Outcome{Result: channel.Approved, Code: "SUCCESS", Number: "N" + ref}
		}
		return channel.Outcome{Result: channel.Waiting}
	case channel.Refund, channel.Reversal:
		return channel.Outcome{Result: channel.Approved, Code: "SUCCESS"}
	case channel.Close:
		if p.paid[ref] {
			return channel.Outcome{Result: channel.Declined, Code: "ORDERPAID"}
		}
		return channel.Outcome{Result: channel.Approved}
	}
	return channel.Outcome{}
}

// pay is the customer's yes to everything that is presented.
func (p *purse) pay() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for ref := range p.paid {
		p.paid[ref] = true
	}
}

type quiet struct{}

func (quiet) Attempt(channel.Kind, payment.State, string) {}
func (quiet) Commit(int)                                  {}

type world struct {
	t      *testing.T
	db     *store.DB
	keys   *keys.Keystore
	engine *payment.Engine
	jobs   *jobs.Runner
	purse  *purse
	m      merchant.Merchant
	base   string
	signs  *signature.Store
	client *http.Client

	mu  sync.Mutex
	now time.Time
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, db: storetest.SQLite(t), now: time.Date(2026, 11, 25, 4, 5, 6, 0, time.UTC), purse: &purse{name: payment.MethodWeChat, paid: map[string]bool{}}}
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	w.keys, err = keys.Open(ctx, w.db, filepath.Join(t.TempDir(), "master.key"), w.clock)
	must(err)
	zone, err := time.LoadLocation("Asia/Shanghai")
	must(err)
	w.m = merchant.Merchant{ID: 1, MID: "100290058120001", NameZH: "小满面馆", NameEN: "Xiaoman Noodles", Place: "Shanghai", MCC: "5812", Currency: money.CNY, Zone: zone,
		Cutoff: 24 * time.Hour, State: merchant.Active}
	fees := feelocktest.Open(w.db, w.clock)
	must(w.db.Write(ctx, func(tx *store.Tx) error {
		return errors.Join(merchant.Add(ctx, tx, w.m, w.now),
			fees.Board(ctx, tx, w.m, feelocktest.Consent(), w.now.Add(-time.Hour), feelock.Rate{Line: feelock.Line{Method: payment.MethodWeChat}, FeePlan: merchant.FeePlan{Rate: 38}}))
	}))
	mux := http.NewServeMux()
	server := httptest.NewUnstartedServer(mux)
	w.base = "http://" + server.Listener.Addr().String()
	log := slog.New(slog.DiscardHandler)
	w.jobs = jobs.NewRunner(w.db, w.clock, log)
	w.engine = payment.New(payment.Config{DB: w.db, Clock: w.clock, Card: &purse{name: "bank"}, Wallets: []channel.Wallet{w.purse}, Links: payment.Links{Voucher: w.keys, Base: w.base}, Jobs: w.jobs, Log: log,
		Metrics: quiet{}, Fees: fees})
	w.signs = signature.Open(w.db, w.keys, w.clock)
	door := New(Config{DB: w.db, Engine: w.engine, Receipts: receipt.Open(w.db, w.keys, w.signs, w.base), Voucher: w.keys, Base: w.base, Methods: []string{payment.MethodWeChat}, Clock: clock.Clock(w.clock)})
	kit, err := web.Mount(mux, web.Config{}, door.Door())
	must(err)
	server.Config.Handler = kit.Guard(mux)
	server.Start()
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	must(err)
	w.client = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return w
}

func (w *world) order(change func(*payment.Order)) payment.Payment {
	w.t.Helper()
	o := payment.Order{Merchant: w.m, Device: "pos/1", Key: "k" + w.clock().String()[11:19], Amount: money.New(28_50, money.CNY), Note: "少辣",
		Shown: []byte(`{"items":[{"name":"牛肉面","quantity":1,"amount_minor":2200},{"name":"卤蛋","quantity":2,"amount_minor":650}]}`)}
	if change != nil {
		change(&o)
	}
	p, err := w.engine.Create(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// code is the path of a presented payment's checkout.
func (w *world) code(p payment.Payment) string {
	w.t.Helper()
	link, _, err := w.engine.Link(w.t.Context(), w.m, p.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.TrimPrefix(link, w.base)
}

func (w *world) plate() string {
	w.t.Helper()
	link, err := paylink.Make(w.t.Context(), w.keys, w.base, paylink.Code{Kind: paylink.Static, Merchant: 1, Payee: w.m.NameZH, Plate: 1})
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.TrimPrefix(link, w.base)
}

// ask is one request; a form posts it.
func (w *world) ask(path string, form ...string) (status int, text, to string) {
	w.t.Helper()
	var answer *http.Response
	var err error
	if form == nil {
		answer, err = w.client.Get(w.base + path)
	} else {
		values := url.Values{}
		for i := 0; i+1 < len(form); i += 2 {
			values.Set(form[i], form[i+1])
		}
		answer, err = w.client.PostForm(w.base+path, values)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var b strings.Builder
	buf := make([]byte, 1<<16)
	for {
		n, err := answer.Body.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			break
		}
	}
	return answer.StatusCode, b.String(), answer.Header.Get("Location")
}

func (w *world) expect(path string, status int, parts ...string) string {
	w.t.Helper()
	got, text, _ := w.ask(path)
	if got != status {
		w.t.Fatalf("%s: status %d, want %d\n%s", path, got, status, text)
	}
	for _, p := range parts {
		if !strings.Contains(text, p) {
			w.t.Errorf("%s says nothing of %q:\n%s", path, p, text)
		}
	}
	return text
}

func (w *world) proofOf(p payment.Payment) string {
	w.t.Helper()
	link, err := receipt.Open(w.db, w.keys, nil, "").Link(w.t.Context(), p.Merchant, p.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return link
}

func TestAPayerPaysThePresentedCodeAndHasTheReceipt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.order(nil)
	path := w.code(p)
	w.expect(path, 200, "小满面馆", "¥28.50", "牛肉面 × 1", "少辣", "微信支付", "5:00")
	status, text, _ := w.ask(path+"/pay", "method", payment.MethodWeChat)
	if status != 200 || !strings.Contains(text, `href="https://wallet.example/wechat/`) || !strings.Contains(text, "<rect") {
		t.Fatalf("status %d\n%s", status, text)
	}
	w.expect(path+"/state?ask", 200, `"created"`)
	w.purse.pay()
	w.expect(path+"/state?ask", 200, `"approved"`, `"final":true`)
	page := w.expect(path, 200, "已付款", "/r/")
	link := regexp.MustCompile(`href="http[^"]*(/r/[^"]+)"`).FindStringSubmatch(page)
	if link == nil {
		t.Fatal(page)
	}
	got := w.expect(link[1], 200, "已付款", "¥28.50", "牛肉面 × 1", "微信支付", payment.Ref(p.ID), w.m.MID)
	if strings.Contains(got, "0.11") { // 0.38 % of 28.50
		t.Error("the payer sees what the merchant pays for it")
	}
	if status, _, to := w.ask(path+"/pay", "method", payment.MethodWeChat); status != 303 || to != path {
		t.Errorf("paid again: %d to %s", status, to)
	}
}

func TestAPlateTakesWhatThePayerHasConfirmed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.plate()
	page := w.expect(path, 200, "小满面馆", "¥500.00")
	key := regexp.MustCompile(`name="key" value="([^"]+)"`).FindStringSubmatch(page)[1]
	for bad, says := range map[string]string{"": "请填写", "abc": "12.50", "0": "大于零", "12.345": "12.50", "500.01": "限额", "-3": ""} {
		if status, text, _ := w.ask(path, "key", key, "amount", bad); status != 422 || !strings.Contains(text, says) {
			t.Errorf("%q: %d, want 422 and %q\n%s", bad, status, says, text)
		}
	}
	if status, text, _ := w.ask(path, "key", key, "amount", "12.50", "note", "两份"); status != 200 || !strings.Contains(text, "请确认：付给 小满面馆 ¥12.50") {
		t.Fatalf("%d\n%s", status, text)
	}
	form := []string{"key", key, "amount", "12.50", "note", "两份", "confirmed", "12.50 CNY"}
	status, text, to := w.ask(path, form...)
	if status != 303 || !strings.HasPrefix(to, "/c/") {
		t.Fatalf("%d to %q\n%s", status, to, text)
	}
	w.expect(to, 200, "¥12.50", "两份")
	_, _, again := w.ask(path, form...) // sent twice
	if again != to {
		t.Errorf("the form sent twice made another payment: %s, %s", to, again)
	}
	if status, _, _ := w.ask(path, "key", key, "amount", "13.00", "confirmed", "12.50 CNY"); status != 200 {
		t.Errorf("an amount that was not confirmed: %d", status) // it is shown for confirmation
	}
}

func TestACodeThatCannotBePaidSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.order(nil)
	path := w.code(p)
	w.expect("/c/AAAA", 404, "这不是本机构的收款码")
	w.expect(path[:len(path)-3]+"AAA", 422, "改动过")
	w.pass(6 * time.Minute)
	w.expect(path, 200, "收款码已过期", "没有扣款")
	if status, _, to := w.ask(path+"/pay", "method", payment.MethodWeChat); status != 303 || to != path {
		t.Errorf("an expired code is paid: %d to %s", status, to)
	}
	second := w.order(nil)
	path = w.code(second)
	if status, text, _ := w.ask(path+"/pay", "method", "cash"); status != 422 || !strings.Contains(text, "不支持") {
		t.Errorf("%d %s", status, text)
	}
	if _, err := w.engine.Cancel(t.Context(), 1, second.ID); err != nil {
		t.Fatal(err)
	}
	w.expect(path, 200, "商户已取消这笔收款")
	if err := w.db.Write(t.Context(), func(tx *store.Tx) error { return merchant.SetState(t.Context(), tx, 1, merchant.Suspended) }); err != nil {
		t.Fatal(err)
	}
	w.expect(w.plate(), 422, "商户已停用")
}

func TestNobodySeesAnothersReceipt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.proofOf(w.order(func(o *payment.Order) { o.Method = payment.MethodCash }))
	w.expect(path, 200, "已付款", "现金")
	for i := 3; i < len(path); i++ {
		other := []byte(path)
		other[i] = map[bool]byte{true: 'B', false: 'A'}[path[i] == 'A']
		if status, text, _ := w.ask(string(other)); status != 404 || strings.Contains(text, "28.50") {
			t.Fatalf("%s: %d\n%s", other, status, text)
		}
	}
}

func TestAComplaintBecomesACaseOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.order(func(o *payment.Order) { o.Method = payment.MethodCash })
	path := w.proofOf(p) + "/complaint"
	w.expect(path, 200, "发生了什么")
	for _, bad := range [][]string{{"kind", "", "text", "面里有头发"}, {"kind", "evil", "text", "面里有头发"}, {"kind", "other", "text", "哦"}, {"kind", "other", "text", strings.Repeat("长", 501)}} {
		if status, text, _ := w.ask(path, bad...); status != 422 || !strings.Contains(text, `class="error"`) {
			t.Errorf("%q: %d\n%s", bad, status, text)
		}
	}
	for range 2 {
		if status, _, to := w.ask(path, "kind", "wrong-amount", "text", "刷了卡 6225 8801 2345 6789 多收了十块", "contact", "13800138000"); status != 303 || to != path+"?sent" {
			t.Fatalf("%d to %s", status, to)
		}
	}
	w.expect(path+"?sent", 200, "已收到", payment.Ref(p.ID))
	list, err := cases.List(t.Context(), w.db.Read())
	if err != nil || len(list) != 1 || list[0].Kind != "complaint" || list[0].Ref != payment.Ref(p.ID) {
		t.Fatalf("%+v %v", list, err)
	}
	if d := list[0].Detail; !strings.Contains(d, "6225 88** **** 6789") || !strings.Contains(d, "13800138000") {
		t.Errorf("the case says %q", d)
	}
}

func TestEveryPageIsSaidInBothLanguages(t *testing.T) {
	t.Parallel()
	v := proof{Receipt: receipt.Receipt{Merchant: merchant.Merchant{NameZH: "面馆", Zone: time.UTC}}}
	page := checkoutPage{Form: web.EmptyForm(), Code: paylink.Code{Payee: "面馆"}}
	webtest.Templates(t, (&Payer{}).Door(), map[string]any{"receipt": v, "complaint": complaintPage{Form: web.EmptyForm(), Receipt: v.Receipt}, "plate": page, "checkout": page, "wallet": page})
}

func TestCustomersPagesInABrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := webtest.Browser(t)
	p := w.order(nil)
	path := w.code(p)
	seen := webtest.Count(ctx)
	webtest.Run(t, ctx, webtest.Screen(webtest.Phone), chromedp.Navigate(w.base+path), webtest.Has("h1", "小满面馆"))
	if n, size := len(seen.All()), seen.Bytes(); size > 60<<10 || n > 8 {
		t.Errorf("the checkout loads %d bytes in %d requests: %q", size, n, seen.All())
	}
	webtest.Look(t, ctx, w.base, w.plate(), "plate")
	webtest.Look(t, ctx, w.base, path, "checkout")
	webtest.Run(t, ctx, webtest.Speaks("zh-CN"), chromedp.Navigate(w.base+path), chromedp.Click("button.wallet", chromedp.ByQuery), webtest.Has("main", "¥28.50"), chromedp.WaitVisible("figure.code", chromedp.ByQuery))
	webtest.Axe(t, ctx)
	if webtest.Shooting() {
		webtest.Shot(t, ctx, "wallet")
	}
	w.purse.pay() // the page finds out by itself
	webtest.Run(t, ctx, chromedp.WaitVisible(".mark.good", chromedp.ByQuery), chromedp.Click(`a[href*="/r/"]`, chromedp.ByQuery), chromedp.WaitVisible("article.receipt", chromedp.ByQuery))
	seen.Quiet(t, ctx, 500*time.Millisecond)
	picture := append([]byte("P4\n160 64\n"), make([]byte, 20*64)...)
	for i := 12; i < len(picture); i += 7 {
		picture[i] = 0x3C
	}
	if err := w.signs.Put(t.Context(), signature.Facts{Merchant: 1, Payment: p.ID, Amount: p.Amount}, picture); err != nil {
		t.Fatal(err)
	}
	webtest.Look(t, ctx, w.base, w.proofOf(p), "receipt")
	webtest.Look(t, ctx, w.base, w.proofOf(p)+"/complaint", "complaint")
}
