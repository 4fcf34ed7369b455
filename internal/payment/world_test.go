package payment_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"hawker/internal/auth"
	"hawker/internal/books"
	"hawker/internal/card"
	"hawker/internal/cases"
	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/feelock"
	"hawker/internal/feelock/feelocktest"
	"hawker/internal/jobs"
	"hawker/internal/ledger"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/risk"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/terminal"
)

// TestMain keeps the property tests of a database short; -rapid.checks asks for more.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "25"); err != nil {
		panic(err)
	}
	flag.Parse()
	storetest.Main(m)
}

// behaviour is what a bank does with one request.
type behaviour int

const (
	approves behaviour = iota
	declines           // code 51
	loses              // the request never arrives
	mute               // booked, and the answer never comes
	tardy              // booked; the answer comes when the test delivers it
	unreachable
)

// everything is lost: the process that sent it is gone.
func everything(payment.Attempt) bool { return true }

// bank is a channel that keeps its own books and misbehaves as told.
type bank struct {
	mu       sync.Mutex
	behave   func(channel.Request) behaviour
	outcomes map[string]channel.Outcome // by ref: a repeat gets the first outcome
	stands   map[string]int64           // what an approved sale still stands for
	undone   map[string]bool            // reversed, or its reversal came first
	held     map[string]int64           // what an approved pre-authorization keeps ready
	net      int64
	late     []func()
	sink     channel.Late
	seen     []channel.Request
	arrived  chan channel.Request // when set, each request is announced and waits for gate
	gate     chan struct{}
}

func newBank() *bank {
	return &bank{behave: func(channel.Request) behaviour { return approves }, outcomes: map[string]channel.Outcome{},
		stands: map[string]int64{}, undone: map[string]bool{}, held: map[string]int64{}}
}

func (b *bank) Name() string { return "bank" }

func (b *bank) Do(ctx context.Context, r channel.Request) channel.Outcome {
	if b.arrived != nil {
		b.arrived <- r
		select {
		case <-b.gate:
		case <-ctx.Done():
			return channel.Outcome{}
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = append(b.seen, r)
	switch b.behave(r) {
	case declines:
		if _, repeat := b.outcomes[r.Ref]; !repeat && r.Kind != channel.Reversal {
			b.outcomes[r.Ref] = channel.Outcome{Result: channel.Declined, Code: "51"}
		}
		return b.decide(r)
	case loses:
		return channel.Outcome{Detail: "lost"}
	case mute:
		b.decide(r)
		return channel.Outcome{Detail: "mute"}
	case tardy:
		o := b.decide(r)
		b.late = append(b.late, func() { b.sink(context.Background(), r, o) })
		return channel.Outcome{Detail: "tardy"}
	case unreachable:
		return channel.Outcome{Result: channel.Unsent, Detail: "unreachable"}
	}
	return b.decide(r)
}

// decide books a request once.
func (b *bank) decide(r channel.Request) channel.Outcome {
	if o, repeat := b.outcomes[r.Ref]; repeat {
		return o
	}
	o := channel.Outcome{Result: channel.Approved, Code: "00", AuthCode: "A" + r.Ref[7:], Issuer: "99622200"}
	amount, of := r.Amount.Minor(), r.Original.Ref
	switch r.Kind {
	case channel.Tip, channel.Adjustment:
		if r.Kind == channel.Adjustment {
			amount = -amount
		}
		if b.undone[of] || b.stands[of] <= 0 || b.stands[of]+amount <= 0 {
			o = channel.Outcome{Result: channel.Declined, Code: "12"}
			break
		}
		b.stands[of] += amount
		b.net += amount
	case channel.Sale, channel.OfflineSale:
		if b.undone[r.Ref] {
			o = channel.Outcome{Result: channel.Declined, Code: "12"}
			break
		}
		b.stands[r.Ref] = amount
		b.net += amount
	case channel.Preauth, channel.PreauthVoid, channel.Completion, channel.CompletionNotice, channel.CompletionVoid:
		if o.Result = b.hold(r); o.Result == channel.Declined {
			o = channel.Outcome{Result: channel.Declined, Code: "12"}
		}
	case channel.Void, channel.Refund:
		if b.undone[r.Ref] || b.stands[of] < amount || (r.Kind == channel.Void && b.stands[of] != amount) {
			o = channel.Outcome{Result: channel.Declined, Code: "12"}
			break
		}
		b.stands[of] -= amount
		b.net -= amount
	case channel.Reversal:
		was, known := b.outcomes[of]
		switch {
		case !known:
			o.Code = "25"
		case was.Result != channel.Approved:
			o.Code = "12"
		case b.undone[of]:
		case b.unhold(r.Original):
		case r.Original.Kind == channel.Void:
			for _, s := range b.seen { // find the void to know what it took
				if s.Ref == of {
					b.stands[s.Original.Ref] += amount
				}
			}
			b.net += amount
		default:
			b.stands[of] -= amount
			b.net -= amount
		}
		b.undone[of] = true
	}
	b.outcomes[r.Ref] = o
	return o
}

// hold decides what is about a pre-authorization.
func (b *bank) hold(r channel.Request) channel.Result {
	amount, of := r.Amount.Minor(), r.Original.Ref
	kept, known := b.held[of]
	switch {
	case b.undone[r.Ref], r.Kind != channel.Preauth && b.undone[of]:
		return channel.Declined
	case r.Kind == channel.Preauth:
		b.held[r.Ref] = amount
	case r.Kind == channel.CompletionVoid:
		if b.stands[of] != amount {
			return channel.Declined
		}
		b.stands[of] -= amount
		b.net -= amount
		b.held[b.request(of).Original.Ref] = b.request(b.request(of).Original.Ref).Amount.Minor()
	case !known || kept == 0 || r.Original.AuthCode != b.outcomes[of].AuthCode:
		return channel.Declined
	case r.Kind == channel.PreauthVoid:
		b.held[of] = 0
	default: // completions
		b.held[of] = 0
		b.stands[r.Ref] = amount
		b.net += amount
	}
	return channel.Approved
}

// unhold takes back what is about a pre-authorization; false when the original is something else.
func (b *bank) unhold(o channel.Original) bool {
	was := b.request(o.Ref)
	preauth := was.Original.Ref
	switch o.Kind {
	case channel.Preauth:
		b.held[o.Ref] = 0
	case channel.PreauthVoid:
		b.held[preauth] = was.Amount.Minor()
	case channel.Completion:
		b.held[preauth] = b.request(preauth).Amount.Minor()
		b.stands[o.Ref] = 0
		b.net -= was.Amount.Minor()
	case channel.CompletionVoid:
		completion := b.request(preauth)
		b.held[completion.Original.Ref] = 0
		b.stands[completion.Ref] = was.Amount.Minor()
		b.net += was.Amount.Minor()
	default:
		return false
	}
	return true
}

// request finds what was asked under a ref.
func (b *bank) request(ref string) channel.Request {
	for _, s := range b.seen {
		if s.Ref == ref {
			return s
		}
	}
	return channel.Request{}
}

// holds is what the bank keeps ready for the merchant.
func (b *bank) holds() (sum int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, minor := range b.held {
		sum += minor
	}
	return sum
}

func (b *bank) always(w behaviour) { b.when(func(channel.Request) behaviour { return w }) }

func (b *bank) when(f func(channel.Request) behaviour) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.behave = f
}

// deliver hands over the late answers, in the order given by pick.
func (b *bank) deliver() {
	b.mu.Lock()
	late := b.late
	b.late = nil
	b.mu.Unlock()
	for _, f := range late {
		f()
	}
}

func (b *bank) owes() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.net
}

type noMetrics struct{}

func (noMetrics) Attempt(channel.Kind, payment.State, string) {}
func (noMetrics) Commit(int)                                  {}

// world is one merchant with one terminal, an engine and a bank.
type world struct {
	book     *feelock.Book // of the engine
	t        testing.TB
	db       *store.DB
	bank     *bank
	engine   *payment.Engine
	jobs     *jobs.Runner
	merchant merchant.Merchant
	tid      terminal.ID
	batch    int
	trace    int

	mu  sync.Mutex
	now time.Time
}

// today is when every world begins: noon in Shanghai.
var today = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

func zone(t testing.TB) *time.Location {
	t.Helper()
	z, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// plan is the fee plan of the world's merchant for every kind of card.
var plan = merchant.FeePlan{Rate: 60}

// cardRates is a plan for kinds of cards.
func cardRates(p merchant.FeePlan, kinds ...string) (list []feelock.Rate) {
	for _, k := range kinds {
		list = append(list, feelock.Rate{Line: feelock.Line{Method: payment.MethodCard, CardKind: k}, FeePlan: p})
	}
	return list
}

// lower has two operators lower the fee of debit cards, and lets the notice pass.
func (w *world) lower(rate money.BasisPoints) {
	w.t.Helper()
	ctx := w.t.Context()
	book := feelock.Open(feelock.Config{DB: w.db, Seal: feelocktest.Sealer("test"), Clock: w.clock, Jobs: w.jobs})
	p := plan
	p.Rate, p.Min, p.Cap = rate, w.amount(1), w.amount(2000)
	one := auth.Who{Kind: auth.Operator, ID: 1, Role: auth.Finance}
	made, err := book.Propose(ctx, one, w.merchant, feelock.Draft{Rate: cardRates(p, "debit")[0], From: w.now.Add(32 * 24 * time.Hour), Reason: "a better rate"})
	if err != nil {
		w.t.Fatal(err)
	}
	two := one
	two.ID = 2
	if _, err := book.Approve(ctx, two, w.merchant, made.ID); err != nil {
		w.t.Fatal(err)
	}
	w.jobs.RunDue(ctx)
	w.pass(33 * 24 * time.Hour)
}

func (w *world) fees() *feelock.Book { return feelocktest.Open(w.db, w.clock) }

func newWorld(t testing.TB, db *store.DB, currency money.Currency) *world {
	t.Helper()
	return newWorldAt(t, db, currency, zone(t), today, 24*time.Hour)
}

// newWorldAt is a world elsewhere, at another time, where the business day ends at a cutoff.
func newWorldAt(t testing.TB, db *store.DB, currency money.Currency, zone *time.Location, now time.Time, cutoff time.Duration) *world {
	t.Helper()
	w := &world{t: t, db: db, bank: newBank(), tid: "T0000001", batch: 1, now: now}
	w.merchant = merchant.Merchant{ID: 1, MID: "100290058120001", NameZH: "面馆", NameEN: "Noodles", Place: "Shanghai", MCC: "5812",
		Currency: currency, Zone: zone, Cutoff: cutoff, State: merchant.Active}
	w.write(func(ctx context.Context, tx *store.Tx) error {
		if err := merchant.Add(ctx, tx, w.merchant, w.now); err != nil {
			return err
		}
		p := plan
		p.Min, p.Cap = money.New(1, currency), money.New(2000, currency)
		rates := cardRates(p, "", "debit", "credit")
		if currency == money.CNY {
			rates = append(rates, walletRates()...)
		}
		if err := w.fees().Board(ctx, tx, w.merchant, feelocktest.Consent(), w.now.Add(-time.Hour), rates...); err != nil {
			return err
		}
		return terminal.Add(ctx, tx, terminal.Terminal{Merchant: 1, ID: w.tid, Serial: "S1", Model: "m", Profile: "unionpay-pos", Lang: "en",
			State: terminal.Active, Batch: 1, BatchDay: w.merchant.Day(w.now)})
	})
	w.restart()
	return w
}

// restart makes a new engine on the same database, as a new process would.
func (w *world) restart() { w.restartWith(payment.HoldTerms{}) }

// floor is what the world's terminals may take offline.
const floor = 100_00

func (w *world) restartWith(terms payment.HoldTerms) {
	w.jobs = jobs.NewRunner(w.db, w.clock, slog.New(slog.DiscardHandler))
	w.book = w.fees()
	w.engine = payment.New(payment.Config{DB: w.db, Clock: w.clock, Fees: w.book, Card: w.bank, Jobs: w.jobs, Log: slog.New(slog.DiscardHandler), Metrics: noMetrics{}, Hold: terms,
		Sale: payment.SaleTerms{Floor: w.amount(floor)}})
	w.bank.sink = w.engine.Late
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

func (w *world) write(do func(context.Context, *store.Tx) error) {
	w.t.Helper()
	ctx := context.Background()
	if err := w.db.Write(ctx, func(tx *store.Tx) error { return do(ctx, tx) }); err != nil {
		w.t.Fatal(err)
	}
}

const token = card.Token("tok_aaaaaaaaaaaaaaaaaaaaaaaaaa")

func (w *world) amount(minor int64) money.Amount { return money.New(minor, w.merchant.Currency) }

// source is the next message's.
func (w *world) source() payment.Source {
	w.trace++
	return w.at(w.trace)
}

func (w *world) at(trace int) payment.Source {
	return payment.Source{Merchant: w.merchant, Terminal: w.tid, Batch: w.batch, Trace: trace}
}

func (w *world) saleRequest(src payment.Source, minor int64) payment.SaleRequest {
	return payment.SaleRequest{Source: src, Amount: w.amount(minor), Card: channel.Card{Token: token, Entry: "02"},
		Facts: payment.CardFacts{Token: token, BIN: "622200", Last4: "0013", Kind: card.Debit, Entry: "02"}}
}

func (w *world) sale(minor int64) (payment.Attempt, error) {
	return w.engine.Sale(context.Background(), w.saleRequest(w.source(), minor))
}

func (w *world) mustSale(minor int64) payment.Attempt {
	w.t.Helper()
	a, err := w.sale(minor)
	if err != nil || a.State != payment.Approved {
		w.t.Fatalf("sale: %s, %v", a.State, err)
	}
	return a
}

func (w *world) returns(of payment.Attempt, minor int64) payment.ReturnRequest {
	return payment.ReturnRequest{Source: w.source(), Amount: w.amount(minor), Ref: of.Ref(), OriginalBatch: of.Batch, OriginalTrace: of.Trace, Token: token}
}

func (w *world) void(of payment.Attempt) (payment.Attempt, error) {
	return w.engine.Void(context.Background(), w.returns(of, of.Amount.Minor()))
}

func (w *world) refund(of payment.Attempt, minor int64) (payment.Attempt, error) {
	return w.engine.Refund(context.Background(), w.returns(of, minor))
}

func (w *world) reverse(trace int, minor int64) (payment.Attempt, error) {
	return w.engine.Reverse(context.Background(), payment.ReversalRequest{Source: w.at(trace), Amount: w.amount(minor), Reason: "98"})
}

// heal lets every bank request succeed and runs jobs until none is left.
func (w *world) heal() {
	w.t.Helper()
	w.bank.always(approves)
	w.bank.deliver()
	for range 300 {
		w.pass(11 * time.Minute)
		if w.jobs.RunDue(context.Background()) == 0 {
			return
		}
	}
	w.t.Fatal("jobs never end")
}

func (w *world) balance(account ledger.Account) int64 {
	w.t.Helper()
	a, err := ledger.Balance(context.Background(), w.db.Read(), 1, account, w.merchant.Currency)
	if err != nil {
		w.t.Fatal(err)
	}
	return a.Minor()
}

// count runs a query for one number.
func (w *world) count(query string) (n int) {
	w.t.Helper()
	if err := w.db.Read().QueryRow(context.Background(), query).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) state(of payment.Attempt) payment.State {
	w.t.Helper()
	p, err := payment.Get(context.Background(), w.db.Read(), 1, of.Payment)
	if err != nil {
		w.t.Fatal(err)
	}
	return p.State
}

// disagreement holds the ledger against itself and the bank; nil means that all is well and at rest.
func (w *world) disagreement() error {
	ctx := context.Background()
	if err := ledger.Prove(ctx, w.db.Read()); err != nil {
		return err
	}
	under, err := payment.UnderWay(ctx, w.db.Read())
	if err != nil {
		return err
	}
	for _, a := range under {
		return fmt.Errorf("%s %s is still %s", a.Kind, a.Ref(), a.State)
	}
	a, err := ledger.Balance(ctx, w.db.Read(), 1, books.Receivable("bank"), w.merchant.Currency)
	if err != nil {
		return err
	}
	if a.Minor() != w.bank.owes() {
		return fmt.Errorf("ledger says the bank owes %d, the bank says %d", a.Minor(), w.bank.owes())
	}
	if a, err = ledger.Balance(ctx, w.db.Read(), 1, books.HeldAt("bank"), w.merchant.Currency); err != nil {
		return err
	}
	if a.Minor() != w.bank.holds() {
		return fmt.Errorf("ledger says the bank holds %d, the bank says %d", a.Minor(), w.bank.holds())
	}
	open, err := cases.List(ctx, w.db.Read())
	if err != nil {
		return err
	}
	for _, c := range open {
		if c.Kind == "reversal after settlement" {
			continue // lawful, and for a person to look at
		}
		return fmt.Errorf("case open: %s of %s: %s", c.Kind, c.Ref, c.Detail)
	}
	return nil
}

func (w *world) agree() {
	w.t.Helper()
	if err := w.disagreement(); err != nil {
		w.t.Fatal(err)
	}
}

func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(t, newWorld(t, db, money.CNY)) })
}

func (w *world) limit(l risk.Limit) {
	w.write(func(ctx context.Context, tx *store.Tx) error { return risk.SetLimit(ctx, tx, 1, l) })
}

var _ clock.Clock = (&world{}).clock
