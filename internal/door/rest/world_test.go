package rest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"hawker/internal/apikey"
	"hawker/internal/audit"
	"hawker/internal/auth"
	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/door/rest"
	"hawker/internal/feelock"
	"hawker/internal/feelock/feelocktest"
	"hawker/internal/jobs"
	"hawker/internal/live"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/terminal"
	"hawker/internal/webhook"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// noon is when every world begins.
var noon = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

// wallet pays every code at once, and declines whatever costs 0.51.
type wallet struct{ name string }

func (w wallet) Name() string { return w.name }

func (w wallet) Do(_ context.Context, r channel.Request) channel.Outcome {
	switch {
	case r.Kind == channel.Present:
		return channel.Outcome{Result: channel.Waiting}
	case r.Kind == channel.Sale && r.Amount.Minor() == 51:
		return channel.Outcome{Result: channel.Declined, Code: "NOTENOUGH"}
	}
	return channel.Outcome{Result: channel.Approved, Code: "SUCCESS", AuthCode: "w" + r.Ref}
}

func (w wallet) Patience() channel.Pace { return channel.Pace{} }

func (w wallet) Notices(channel.Book) http.Handler { return http.NotFoundHandler() }

func (w wallet) Bill(context.Context, clock.Day) (channel.Bill, error) {
	return channel.Bill{}, channel.ErrNoBill
}

// plain seals nothing.
type plain struct{}

func (plain) Seal(_ context.Context, p, _ []byte) ([]byte, error) { return p, nil }

func (plain) OpenSealed(_ context.Context, s, _ []byte) ([]byte, error) { return s, nil }

type noMetrics struct{}

func (noMetrics) Attempt(channel.Kind, payment.State, string) {}
func (noMetrics) Commit(int)                                  {}

// world is two merchants, an engine and the door before it.
type world struct {
	t      testing.TB
	db     *store.DB
	desk   *apikey.Desk
	jobs   *jobs.Runner
	hub    *live.Hub
	hooks  *webhook.Desk
	door   *rest.Door
	url    string
	key    string // of merchant 1, may everything
	serial int

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

func newWorld(t testing.TB, db *store.DB, change ...func(*rest.Config)) *world {
	t.Helper()
	w := &world{t: t, db: db, now: noon}
	ctx := context.Background()
	fees := feelocktest.Open(db, w.clock)
	w.write(func(tx *store.Tx) error {
		for id := range 2 {
			m := merchant.Merchant{ID: merchant.ID(id + 1), MID: fmt.Sprintf("10029005812000%d", id+1), NameZH: "小满面馆", NameEN: "Noodles",
				Place: "Shanghai", MCC: "5812", Currency: money.CNY, Zone: time.UTC, Cutoff: 24 * time.Hour, State: merchant.Active}
			if err := merchant.Add(ctx, tx, m, noon); err != nil {
				return err
			}
			var rates []feelock.Rate
			for _, method := range []string{"wechat", "alipay", "cash"} {
				rates = append(rates, feelock.Rate{Line: feelock.Line{Method: method}, FeePlan: merchant.FeePlan{Version: 1, Rate: 60, Min: money.New(0, money.CNY), Cap: money.New(0, money.CNY)}})
			}
			if err := fees.Board(ctx, tx, m, feelocktest.Consent(), noon.Add(-time.Hour), rates...); err != nil {
				return err
			}
		}
		return terminal.Add(ctx, tx, terminal.Terminal{Merchant: 1, ID: "T0000001", Serial: "S1", Model: "HK-P1", Profile: "unionpay-pos", Lang: "en",
			State: terminal.Active, Batch: 1, BatchDay: 20261122})
	})
	log := slog.New(slog.DiscardHandler)
	w.desk = apikey.New(db, w.clock, apikey.Test)
	w.hub = live.New(db, log)
	w.jobs = jobs.NewRunner(db, w.clock, log)
	w.hooks = webhook.New(webhook.Config{DB: db, Jobs: w.jobs, Seal: plain{}, Clock: w.clock, Log: log, Loopback: true})
	const base = "https://pay.example"
	seal := feelocktest.Sealer("test")
	engine := payment.New(payment.Config{DB: db, Clock: w.clock, Fees: fees, Card: wallet{"bank"}, Wallets: []channel.Wallet{wallet{"wechat"}, wallet{"alipay"}},
		Jobs: w.jobs, Log: log, Metrics: noMetrics{}, Links: payment.Links{Voucher: seal, Base: base}})
	c := rest.Config{DB: db, Engine: engine, Keys: w.desk, Hub: w.hub, Webhooks: w.hooks, Voucher: seal, Base: base, Clock: w.clock, Log: log, Rate: rest.Rate{PerSecond: -1}}
	for _, f := range change {
		f(&c)
	}
	var err error
	if w.door, err = rest.New(c); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(w.door)
	t.Cleanup(server.Close)
	w.url = server.URL
	w.key = w.newKey(1, auth.Scopes()...)
	return w
}

func (w *world) write(do func(tx *store.Tx) error) {
	w.t.Helper()
	if err := w.db.Write(context.Background(), do); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) newKey(m merchant.ID, scopes ...auth.Scope) string {
	w.t.Helper()
	_, s, err := w.desk.Create(context.Background(), apikey.Wanted{Merchant: m, Name: "program", Scopes: scopes}, audit.System, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return s.Reveal()
}

// call is a request as a program sends it.
type call struct {
	method, path string
	body         any    // nil for none; a string is sent as it is
	key          string // "" is the world's; "none" is none
	headers      map[string]string
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
	json   map[string]any
}

func (a answer) text(name string) string {
	s, _ := a.json[name].(string)
	return s
}

func (w *world) do(c call) answer {
	w.t.Helper()
	var body io.Reader = http.NoBody
	switch b := c.body.(type) {
	case nil:
	case string:
		body = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			w.t.Fatal(err)
		}
		body = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(context.Background(), c.method, w.url+c.path, body)
	if err != nil {
		w.t.Fatal(err)
	}
	if c.key == "" {
		c.key = w.key
	}
	if c.key != "none" {
		r.Header.Set("Authorization", "Bearer "+c.key)
	}
	if c.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for k, v := range c.headers {
		if v == "" {
			r.Header.Del(k)
			continue
		}
		r.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	a := answer{status: res.StatusCode, header: res.Header}
	if a.body, err = io.ReadAll(res.Body); err != nil {
		w.t.Fatal(err)
	}
	if strings.Contains(res.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(a.body, &a.json); err != nil {
			w.t.Fatalf("%s %s answers %q: %v", c.method, c.path, a.body, err)
		}
	}
	return a
}

// idem is the header of a new request.
func (w *world) idem() map[string]string {
	w.serial++
	return map[string]string{"Idempotency-Key": fmt.Sprint("k", w.serial)}
}

// code is a customer's fresh WeChat code.
func (w *world) code() string {
	w.serial++
	return fmt.Sprintf("13%016d", w.serial)
}

// pay makes a payment that must be in a state.
func (w *world) pay(body map[string]any, state string) map[string]any {
	w.t.Helper()
	a := w.do(call{method: "POST", path: "/v1/payments", body: body, headers: w.idem()})
	if a.status != http.StatusCreated || a.text("state") != state {
		w.t.Fatalf("%d %s", a.status, a.body)
	}
	return a.json
}

func cny(minor int, more ...any) map[string]any {
	b := map[string]any{"amount_minor": minor, "currency": "CNY"}
	for i := 0; i < len(more); i += 2 {
		b[more[i].(string)] = more[i+1]
	}
	return b
}

var system = audit.System

func keyID(t testing.TB, label string) int64 {
	t.Helper()
	id, err := apikey.ParseLabel(label)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
