package pos

import (
	"context"

	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"hawker/internal/auth"
	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/ecr"
	"hawker/internal/feelock"
	"hawker/internal/feelock/feelocktest"
	"hawker/internal/jobs"
	"hawker/internal/keys"
	"hawker/internal/live"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/receipt"
	"hawker/internal/shop"
	"hawker/internal/signature"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/terminal"
	"hawker/internal/web"
	"hawker/internal/web/webtest"
)

func TestMain(m *testing.M) { storetest.Main(webtest.Tests(m)) }

// What the last two digits of an amount make wallet and bank do.
const (
	refuses = 1 // not enough money
	forgets = 2 // done, and the answer never comes
	asks    = 3 // the customer types the password
)

// paper is a wallet that does what the amount says, and what the test tells it later.
type paper struct {
	name string
	book channel.Book

	mu     sync.Mutex
	orders map[string]channel.Request
	states map[string]channel.Outcome
	last   string
	code   string // what the last customer showed: whoever asks wipes it afterwards
	away   bool
}

func (p *paper) Name() string                      { return p.name }
func (p *paper) Notices(channel.Book) http.Handler { return http.NotFoundHandler() }
func (p *paper) Bill(context.Context, clock.Day) (channel.Bill, error) {
	return channel.Bill{}, channel.ErrNoBill
}
func (p *paper) Patience() channel.Pace {
	return channel.Pace{Call: time.Second, First: 200 * time.Millisecond, Longest: time.Second, Deadline: 30 * time.Second, Soonest: 10 * time.Millisecond}
}

var (
	taken = channel.Outcome{Result: channel.Approved, Code: "SUCCESS", Number: "4200001"}
	poor  = channel.Outcome{Result: channel.Declined, Code: "NOTENOUGH"}
	types = channel.Outcome{Result: channel.Waiting, Code: "USERPAYING"}
)

func (p *paper) Do(_ context.Context, r channel.Request) channel.Outcome {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch r.Kind {
	case channel.Sale:
		p.last, p.orders[r.Ref], p.code = r.Ref, r, string(r.Code.Reveal())
		switch r.Amount.Minor() % 100 {
		case refuses:
			p.states[r.Ref] = poor
		case asks:
			p.states[r.Ref] = types
		case forgets:
			p.states[r.Ref] = channel.Outcome{Detail: "forgotten"}
		default:
			p.states[r.Ref] = taken
		}
		return p.states[r.Ref]
	case channel.Present:
		p.last, p.orders[r.Ref] = r.Ref, r
		p.states[r.Ref] = channel.Outcome{Result: channel.Waiting, Code: "NOTPAY", Link: "https://wallet.example/" + r.Ref}
		return p.states[r.Ref]
	case channel.Query:
		return p.states[r.Original.Ref]
	case channel.Reversal, channel.Close:
		if p.states[r.Original.Ref].Result == channel.Approved {
			return channel.Outcome{Result: channel.Declined, Code: "PAID"}
		}
		if p.away {
			return channel.Outcome{Detail: "away"}
		}
		return channel.Outcome{Result: channel.Approved, Code: "CLOSED"}
	case channel.Refund:
		return channel.Outcome{Result: channel.Approved, Code: "SUCCESS"}
	}
	return channel.Outcome{Result: channel.Unsent}
}

// tell is the wallet's notice of its last order.
func (p *paper) tell(t *testing.T, o channel.Outcome) {
	t.Helper()
	p.mu.Lock()
	r := p.orders[p.last]
	p.states[p.last] = o
	p.mu.Unlock()
	if err := p.book.Tell(t.Context(), r, o); err != nil {
		t.Error(err)
	}
}

// bank is a card network that does what the amount says.
type bank struct{}

func (bank) Name() string { return "bank" }
func (bank) Do(_ context.Context, r channel.Request) channel.Outcome {
	switch {
	case r.Kind == channel.Sale && r.Amount.Minor()%100 == refuses:
		return channel.Outcome{Result: channel.Declined, Code: "51"}
	case r.Kind == channel.Sale && r.Amount.Minor()%100 == forgets:
		return channel.Outcome{Detail: "silent"}
	}
	return channel.Outcome{Result: channel.Approved, Code: "00", AuthCode: "123456"}
}

// beside is a card terminal that asks for a PIN.
type beside struct {
	s     *stand
	trace int
}

func (b *beside) At(merchant.ID) terminal.ID { return "T0000001" }
func (b *beside) Cards() []TestCard {
	return []TestCard{{"test-credit", "信用卡：付款成功", "Credit card: pays"}, {"test-mute", "读不出来的卡", "Cannot be read"}}
}

func (b *beside) Charge(ctx context.Context, _ merchant.Merchant, a money.Amount, name string, say func(ecr.Said)) Charged {
	if name == "test-mute" {
		return Charged{Said: ecr.Said{ZH: "卡读不出来，请换一张卡", EN: "The card cannot be read: try another card"}}
	}
	say(ecr.Said{ZH: "请客人输入密码", EN: "The customer enters the PIN"})
	b.trace++
	r := saleOf(b.s, a.Minor())
	r.Trace = b.trace
	at, err := b.s.engine.Sale(ctx, r)
	if err != nil {
		return Charged{Sent: true}
	}
	return Charged{Sent: true, Ref: at.Ref()}
}

// saleOf is what the terminal asks the host.
func saleOf(s *stand, minor int64) payment.SaleRequest {
	const token = card.Token("tok_aaaaaaaaaaaaaaaaaaaaaaaaaa")
	return payment.SaleRequest{Source: payment.Source{Merchant: s.merchant, Terminal: "T0000001", Batch: 1, Trace: 900}, Amount: money.New(minor, "CNY"), Card: channel.Card{Token: token, Entry: "02"},
		Facts: payment.CardFacts{Token: token, BIN: "622200", Last4: "0013", Kind: card.Debit, Entry: "02"}}
}

func (b *beside) Void(ctx context.Context, m merchant.Merchant, ref string) Charged {
	_, sale, err := payment.SaleByRef(ctx, b.s.db.Read(), m.ID, ref)
	if err != nil {
		return Charged{}
	}
	b.trace++
	_, err = b.s.engine.Void(ctx, payment.ReturnRequest{Source: payment.Source{Merchant: m, Terminal: "T0000001", Batch: 1, Trace: b.trace}, Amount: sale.Amount, Ref: ref, OriginalBatch: 1, OriginalTrace: sale.Trace})
	return Charged{Sent: err == nil, Ref: ref, Said: ecr.Said{ZH: "撤销没有成功", EN: "The void failed"}}
}

// stand is one merchant with a till, two wallets, a bank and a card terminal.
type stand struct {
	t              testing.TB
	db             *store.DB
	engine         *payment.Engine
	merchant       merchant.Merchant
	wechat, alipay *paper
	screen         *Screen
	keys           *keys.Keystore
	server         *httptest.Server

	cut  atomic.Bool  // nobody reaches the server, workers of the browser included
	lose atomic.Int32 // how many answers to new payments get lost once they are made

	mu  sync.Mutex
	who auth.Who
	off time.Duration // of the server's clock from the machine's
}

func (s *stand) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return clock.System().Add(s.off)
}

// pass puts the server's clock forward.
func (s *stand) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.off += d
}

// Authenticate says that whoever asks is the stand's person.
func (s *stand) Authenticate(_ http.ResponseWriter, r *http.Request) (context.Context, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return auth.With(r.Context(), s.who), nil
}

func (s *stand) is(who auth.Who) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.who = who
}

func (s *stand) write(do func(ctx context.Context, tx *store.Tx) error) {
	s.t.Helper()
	ctx := context.Background()
	if err := s.db.Write(ctx, func(tx *store.Tx) error { return do(ctx, tx) }); err != nil {
		s.t.Fatal(err)
	}
}

type quiet struct{}

func (quiet) Attempt(channel.Kind, payment.State, string) {}
func (quiet) Commit(int)                                  {}

// counters bounds how many stands are open at once: each has a browser's window or two.
var counters = make(chan struct{}, 2)

const seal = feelocktest.Sealer("till")

func newStand(t *testing.T) *stand {
	t.Helper()
	counters <- struct{}{}
	t.Cleanup(func() { <-counters })
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	s := &stand{t: t, db: storetest.SQLite(t), who: auth.Who{Kind: auth.Staff, ID: 1, Merchant: 1, Role: auth.Owner, Name: "陈晨"},
		wechat: &paper{name: "wechat"}, alipay: &paper{name: "alipay"}}
	s.merchant = merchant.Merchant{ID: 1, MID: "100290058120001", NameZH: "小满咖啡 · 南门店", NameEN: "Xiaoman Coffee · South Gate", Place: "Shanghai", MCC: "5812",
		Currency: "CNY", Zone: zone, Cutoff: 24 * time.Hour, State: merchant.Active}
	now := clock.System()
	fees := feelocktest.Open(s.db, clock.System)
	s.write(func(ctx context.Context, tx *store.Tx) error {
		if err := merchant.Add(ctx, tx, s.merchant, now); err != nil {
			return err
		}
		plan := merchant.FeePlan{Rate: 38, Min: money.Zero("CNY"), Cap: money.Zero("CNY")}
		var rates []feelock.Rate
		for _, line := range []feelock.Line{{Method: "card", CardKind: ""}, {Method: "card", CardKind: "debit"}, {Method: "card", CardKind: "credit"}, {Method: "wechat"}, {Method: "alipay"}} {
			rates = append(rates, feelock.Rate{Line: line, FeePlan: plan})
		}
		if err := fees.Board(ctx, tx, s.merchant, feelocktest.Consent(), now.AddDate(-1, 0, 0), rates...); err != nil {
			return err
		}
		return terminal.Add(ctx, tx, terminal.Terminal{Merchant: 1, ID: "T0000001", Serial: "S1", Model: "m", Profile: "unionpay-pos", Lang: "en", State: terminal.Active, Batch: 1, BatchDay: s.merchant.Day(now)})
	})
	log := slog.New(slog.DiscardHandler)
	runner := jobs.NewRunner(s.db, s.now, log)
	runner.Poll = 100 * time.Millisecond
	runner.Backoff = func(int) time.Duration { return 300 * time.Millisecond }
	s.engine = payment.New(payment.Config{DB: s.db, Clock: s.now, Card: bank{}, Wallets: []channel.Wallet{s.wechat, s.alipay}, Fees: fees, Jobs: runner, Log: log, Metrics: quiet{},
		Links: payment.Links{Voucher: seal, Base: "https://pay.example"}})
	for _, w := range []*paper{s.wechat, s.alipay} {
		w.book, w.orders, w.states = s.engine.Book(w.name), map[string]channel.Request{}, map[string]channel.Outcome{}
	}
	ks, err := keys.Open(t.Context(), s.db, t.TempDir()+"/master.key", clock.System)
	if err != nil {
		t.Fatal(err)
	}
	s.keys = ks
	signatures := signature.Open(s.db, ks, clock.System)
	hub := live.New(s.db, log)
	s.screen = New(Config{DB: s.db, Payments: s.engine, Hub: hub, Receipts: receipt.Open(s.db, seal, signatures, "https://pay.example"), Signatures: signatures, Clock: s.now, SignFrom: 30_000})
	s.screen.Reader = &beside{s: s}
	mux := http.NewServeMux()
	k, err := web.Mount(mux, web.Config{Auth: s}, s.screen.Door())
	if err != nil {
		t.Fatal(err)
	}
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.cut.Load() {
			panic(http.ErrAbortHandler)
		}
		if r.Method == http.MethodPost && r.URL.Path == "/pos/api/payments" && s.lose.Add(-1) >= 0 {
			k.Guard(mux).ServeHTTP(httptest.NewRecorder(), r) // it is done, and the answer never comes
			panic(http.ErrAbortHandler)
		}
		k.Guard(mux).ServeHTTP(w, r)
	}))
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { runner.Run(ctx) })
	wg.Go(func() { hub.Run(ctx) })
	t.Cleanup(func() { stop(); s.server.CloseClientConnections(); s.server.Close(); wg.Wait() })
	return s
}

// stock puts a small menu into the catalogue.
func (s *stand) stock() {
	s.t.Helper()
	s.write(func(ctx context.Context, tx *store.Tx) error {
		for i, row := range []struct {
			zh, en, category string
			price            int64
			state            shop.State
		}{
			{"拿铁", "Latte", "咖啡", 2800, shop.OnSale}, {"美式", "Americano", "咖啡", 2200, shop.OnSale}, {"燕麦拿铁", "Oat latte", "咖啡", 3200, shop.OnSale}, {"卡布奇诺", "Cappuccino", "咖啡", 2800, shop.OnSale},
			{"冷萃", "Cold brew", "手冲", 3000, shop.OnSale}, {"手冲 埃塞", "Pour-over Ethiopia", "手冲", 3800, shop.OnSale}, {"抹茶拿铁", "Matcha latte", "茶", 3000, shop.OnSale}, {"热可可", "Hot chocolate", "茶", 2600, shop.OnSale},
			{"司康", "Scone", "甜点", 1800, shop.OnSale}, {"可颂", "Croissant", "甜点", 1600, shop.OnSale}, {"巴斯克", "Basque cake", "甜点", 3600, shop.OnSale}, {"肉桂卷", "Cinnamon roll", "甜点", 2000, shop.SoldOut},
			{"豆子 250g", "Beans 250 g", "零售", 8800, shop.OnSale}, {"杯子", "Mug", "零售", 5900, shop.OnSale},
		} {
			barcode := ""
			if i == 0 {
				barcode = "6901234567892"
			}
			if _, err := shop.Add(ctx, tx, shop.Item{Merchant: 1, NameZH: row.zh, NameEN: row.en, Category: row.category, Price: money.New(row.price, "CNY"), Barcode: barcode, State: row.state, Place: i}, clock.System()); err != nil {
				return err
			}
		}
		return nil
	})
}

// till opens the screen in a window of its own.
func (s *stand) till(t *testing.T) context.Context {
	t.Helper()
	ctx := webtest.Browser(t)
	webtest.Run(t, ctx, webtest.Screen(webtest.Phone), chromedp.Navigate(s.server.URL+"/pos?lang=zh-CN"), ready())
	return ctx
}

func ready() chromedp.Action {
	return chromedp.Poll(`!!document.documentElement.dataset.ready && !!document.querySelector("#place").textContent && document.querySelector("#who").textContent.includes("陈晨")`, nil)
}

// enter types an amount on the keypad.
func enter(keys string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		for _, k := range keys {
			if err := chromedp.Evaluate(fmt.Sprintf(`document.querySelector('[data-key="%c"]').click()`, k), nil).Do(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

func press(selector string) chromedp.Action {
	return chromedp.Evaluate(fmt.Sprintf(`[...document.querySelectorAll(%q)].find(e => e.offsetParent || e.getClientRects().length).click()`, selector), nil)
}

// says presses the button with a text.
func says(text string) chromedp.Action {
	return chromedp.Evaluate(fmt.Sprintf(`[...document.querySelectorAll("dialog[open] button, dialog[open] a, main button")].filter(e => e.getClientRects().length).find(e => e.textContent.includes(%q)).click()`, text), nil)
}

// at waits for a state on the sheet.
func at(state string) chromedp.Action {
	return chromedp.Poll(fmt.Sprintf(`document.querySelector("#sheet").open && document.querySelector("#sheet").dataset.state === %q`, state), nil)
}

func gone() chromedp.Action { return chromedp.Poll(`!document.querySelector("#sheet").open`, nil) }

// scan is a customer's code at the scanner gun.
func scan(head string, n int) chromedp.Action {
	return chromedp.Tasks{press(`[data-pay="scan"]`), at("scan"), chromedp.SendKeys("#gun", fmt.Sprintf("%s%016d\r", head, n), chromedp.ByQuery)}
}
