package payment_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"hawker/internal/books"
	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/feelock"
	"hawker/internal/jobs"
	"hawker/internal/ledger"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

// mood is what a purse does with one request.
type mood int

const (
	gives    mood = iota // a customer's code pays at once; a merchant's waits
	asks                 // the customer must type the password
	refuses              // by the bank
	forgets              // done, and the answer never comes
	misses               // the request never arrives
	isAway               // nobody can connect
	tooEarly             // a refund that is taken and not done
)

// slip is one order at a purse.
type slip struct {
	request  channel.Request
	state    string // open, paid, failed, closed
	refunds  map[string]int64
	refunded int64
}

// walletRates are the plans of the world's wallets.
func walletRates() (list []feelock.Rate) {
	for method, rate := range map[string]money.BasisPoints{"wechat": 38, "alipay": 60} {
		list = append(list, feelock.Rate{Line: feelock.Line{Method: method}, FeePlan: merchant.FeePlan{Rate: rate, Min: money.Zero(money.CNY), Cap: money.Zero(money.CNY)}})
	}
	return list
}

// purse is a wallet that keeps its own books and misbehaves as told.
type purse struct {
	name  string
	clock clock.Clock

	mu    sync.Mutex
	mood  func(channel.Request) mood
	slips map[string]*slip
	order []string
	seen  []channel.Request
	gate  chan struct{} // when set, each request waits for it
}

func newPurse(name string, c clock.Clock) *purse {
	return &purse{name: name, clock: c, mood: func(channel.Request) mood { return gives }, slips: map[string]*slip{}}
}

func (p *purse) Name() string                      { return p.name }
func (p *purse) Notices(channel.Book) http.Handler { return http.NotFoundHandler() }
func (p *purse) Bill(context.Context, clock.Day) (channel.Bill, error) {
	return channel.Bill{}, channel.ErrNoBill
}
func (p *purse) Patience() channel.Pace {
	return channel.Pace{Call: time.Second, First: 5 * time.Second, Longest: 10 * time.Second, Deadline: 32 * time.Second, Soonest: 15 * time.Second}
}

func (p *purse) when(f func(channel.Request) mood) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mood = f
}

func (p *purse) always(m mood) { p.when(func(channel.Request) mood { return m }) }

func (p *purse) Do(ctx context.Context, r channel.Request) channel.Outcome {
	if p.gate != nil && (r.Kind == channel.Sale || r.Kind == channel.Present) {
		select {
		case <-p.gate:
		case <-ctx.Done():
			return channel.Outcome{Detail: "waited too long"}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, r)
	m := p.mood(r)
	switch m {
	case isAway:
		return channel.Outcome{Result: channel.Unsent, Detail: "away"}
	case misses:
		return channel.Outcome{Detail: "lost"}
	}
	o := p.do(r, m)
	if m == forgets {
		return channel.Outcome{Detail: "forgotten"}
	}
	return o
}

var refusal = channel.Outcome{Result: channel.Declined, Code: "NOTENOUGH"}

func (p *purse) do(r channel.Request, m mood) channel.Outcome {
	s := p.slips[r.Original.Ref]
	switch r.Kind {
	case channel.Sale, channel.Present:
		if p.slips[r.Ref] != nil {
			return channel.Outcome{Result: channel.Declined, Code: "USED"}
		}
		s = &slip{request: r, state: "open", refunds: map[string]int64{}}
		p.slips[r.Ref] = s
		p.order = append(p.order, r.Ref)
		switch {
		case m == refuses:
			s.state = "failed"
		case r.Kind == channel.Present:
			o := s.outcome(p.name)
			o.Link = p.name + "://" + r.Ref
			return o
		case m != asks:
			s.state = "paid"
		}
		return s.outcome(p.name)
	case channel.Query:
		switch {
		case s == nil && p.clock().Sub(r.Original.At) < 2*time.Minute:
			return channel.Outcome{Detail: "not there yet"}
		case s == nil:
			return channel.Outcome{Result: channel.Declined, Code: "ABSENT"}
		}
		return s.outcome(p.name)
	case channel.Close:
		switch {
		case s == nil && p.clock().Sub(r.Original.At) < 2*time.Minute:
			return channel.Outcome{Detail: "not there yet"}
		case s != nil && s.state == "paid":
			return channel.Outcome{Result: channel.Declined, Code: "PAID"}
		case s != nil && s.state == "open":
			s.state = "closed"
		}
		return channel.Outcome{Result: channel.Approved, Code: "CLOSED"}
	case channel.Reversal:
		switch {
		case p.clock().Sub(r.Original.At) < 15*time.Second && r.Original.Kind == channel.Sale:
			return channel.Outcome{Detail: "too early"}
		case s == nil && p.clock().Sub(r.Original.At) < 2*time.Minute:
			return channel.Outcome{Detail: "not there yet"}
		case s == nil:
		case s.state == "paid":
			s.refunded = s.request.Amount.Minor()
			s.state = "reversed"
		case s.state == "open":
			s.state = "closed"
		}
		return channel.Outcome{Result: channel.Approved, Code: "REVOKED"}
	case channel.Refund:
		return p.refund(s, r, m)
	}
	return channel.Outcome{Result: channel.Unsent, Detail: "unknown kind"}
}

func (p *purse) refund(s *slip, r channel.Request, m mood) channel.Outcome {
	if s == nil || s.state != "paid" || r.Original.Amount != s.request.Amount {
		return channel.Outcome{Result: channel.Declined, Code: "NOTPAID"}
	}
	if _, done := s.refunds[r.Ref]; !done {
		if m == refuses || s.refunded+r.Amount.Minor() > s.request.Amount.Minor() {
			return refusal
		}
		s.refunds[r.Ref] = r.Amount.Minor()
		s.refunded += r.Amount.Minor()
	}
	if m == tooEarly {
		return channel.Outcome{Code: "PROCESSING", Detail: "processing"}
	}
	return channel.Outcome{Result: channel.Approved, Code: "SUCCESS", Number: "R" + r.Ref}
}

func (s *slip) outcome(name string) channel.Outcome {
	switch s.state {
	case "paid", "reversed":
		if s.state == "reversed" {
			return channel.Outcome{Result: channel.Declined, Code: "REVOKED"}
		}
		return channel.Outcome{Result: channel.Approved, Code: "SUCCESS", Number: name + s.request.Ref}
	case "open":
		return channel.Outcome{Result: channel.Waiting, Code: "USERPAYING"}
	}
	return channel.Outcome{Result: channel.Declined, Code: "CLOSED"}
}

// pay is the customer: he types the password, or scans and confirms. False when nobody can pay it any more.
func (p *purse) pay(ref string) bool { return p.end(ref, "paid") }

// putAway is the customer who cancels.
func (p *purse) putAway(ref string) bool { return p.end(ref, "failed") }

func (p *purse) end(ref, state string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.slips[ref]
	if s == nil || s.state != "open" || !s.request.Expires.IsZero() && !p.clock().Before(s.request.Expires) {
		return false
	}
	s.state = state
	return true
}

// notice is what the purse would report of an order by now.
func (p *purse) notice(ref string) channel.Outcome {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.slips[ref].outcome(p.name)
}

func (p *purse) refs() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.order...)
}

func (p *purse) asked(k channel.Kind) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.seen {
		if r.Kind == k {
			n++
		}
	}
	return n
}

// owes is what the purse holds for the merchant.
func (p *purse) owes() (minor int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.slips {
		if s.state == "paid" || s.state == "reversed" {
			minor += s.request.Amount.Minor() - s.refunded
		}
	}
	return minor
}

// stall is a world with two purses and a drawer.
type stall struct {
	*world
	wechat, alipay *purse
	keys           int
	patience       time.Duration
}

func newStall(t testing.TB, db *store.DB) *stall {
	t.Helper()
	w := &stall{world: newWorld(t, db, money.CNY)}
	w.wechat, w.alipay = newPurse("wechat", w.clock), newPurse("alipay", w.clock)
	w.start()
	return w
}

// start makes a new engine on the same database, as a new process would.
func (w *stall) start() {
	w.jobs = jobs.NewRunner(w.db, w.clock, slog.New(slog.DiscardHandler))
	w.engine = payment.New(payment.Config{DB: w.db, Clock: w.clock, Fees: w.fees(), Card: w.bank, Wallets: []channel.Wallet{w.wechat, w.alipay}, Jobs: w.jobs,
		Log: slog.New(slog.DiscardHandler), Metrics: noMetrics{}, Patience: w.patience})
}

func stalls(t *testing.T, test func(t *testing.T, w *stall)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(t, newStall(t, db)) })
}

// code is a customer's fresh code.
func (w *stall) code(p *purse) card.Code {
	w.t.Helper()
	w.keys++
	head := map[string]string{"wechat": "13", "alipay": "28"}[p.name]
	c, err := card.NewCode(fmt.Sprintf("%s%016d", head, w.keys))
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *stall) ask(minor int64) payment.Order {
	w.keys++
	return payment.Order{Merchant: w.merchant, Device: "pos/1", Key: fmt.Sprint("k", w.keys), Amount: w.amount(minor)}
}

func (w *stall) scan(p *purse, minor int64) payment.Order {
	o := w.ask(minor)
	o.Code = w.code(p)
	return o
}

// create is an order that must be taken and end in a state.
func (w *stall) create(o payment.Order, want payment.State) payment.Payment {
	w.t.Helper()
	p, err := w.engine.Create(context.Background(), o)
	if err != nil || p.State != want {
		w.t.Fatalf("the order is %q, %v; want %s", p.State, err, want)
	}
	return p
}

// choose is the payer of a presented code; it gives the order's name at the purse.
func (w *stall) choose(p payment.Payment, at *purse) string {
	w.t.Helper()
	link, err := w.engine.Choose(context.Background(), 1, p.ID, at.name)
	if err != nil {
		w.t.Fatal(err)
	}
	return link[len(at.name+"://"):]
}

func (w *stall) must(p payment.Payment, want payment.State) payment.Payment {
	w.t.Helper()
	now, err := payment.Get(context.Background(), w.db.Read(), 1, p.ID)
	if err != nil || now.State != want {
		w.t.Fatalf("payment is %s, %v; want %s", now.State, err, want)
	}
	return now
}

// run runs what is due after a while.
func (w *stall) run(d time.Duration) {
	w.pass(d)
	w.jobs.RunDue(context.Background())
}

// tell has a purse report an order.
func (w *stall) tell(p *purse, ref string) error {
	return w.tellOf(p, ref, p.notice(ref))
}

func (w *stall) tellOf(p *purse, ref string, o channel.Outcome) error {
	r, err := w.engine.Book(p.name).Order(context.Background(), w.merchant.MID+ref)
	if err != nil {
		return err
	}
	return w.engine.Book(p.name).Tell(context.Background(), r, o)
}

// rest lets everything succeed and runs jobs until none is left.
func (w *stall) rest() {
	w.t.Helper()
	w.wechat.always(gives)
	w.alipay.always(gives)
	w.bank.always(approves)
	for range 400 {
		w.pass(11 * time.Minute)
		if w.jobs.RunDue(context.Background()) == 0 {
			return
		}
	}
	w.t.Fatal("jobs never end")
}

// differ holds the ledger against itself, the bank and the purses; nil means that all is well and at rest.
func (w *stall) differ() error {
	if err := w.disagreement(); err != nil {
		return err
	}
	for _, p := range []*purse{w.wechat, w.alipay} {
		a, err := ledger.Balance(context.Background(), w.db.Read(), 1, books.Receivable(p.name), money.CNY)
		if err != nil {
			return err
		}
		if a.Minor() != p.owes() {
			return fmt.Errorf("ledger says that %s owes %d, it says %d", p.name, a.Minor(), p.owes())
		}
	}
	return nil
}

func (w *stall) same() {
	w.t.Helper()
	if err := w.differ(); err != nil {
		w.t.Fatal(err)
	}
}
