package simulation_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/feelock"
	"hawker/internal/feelock/feelocktest"
	"hawker/internal/jobs"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/terminal"
)

// How many clients a payment has, and how many wishes each of them.
const (
	clients = 6
	wishes  = 4
)

// TestOnePaymentIsLinearizable has six clients of two engines do with one payment what
// they like, at the same time, fifty times over, and asks whether what they were told
// could have come about one step after another.
func TestOnePaymentIsLinearizable(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRecorder(t, db, 50)
		r.record(payment.Get)
		for _, h := range r.histories {
			if got := porcupine.CheckOperationsTimeout(spec, h.steps, 20*time.Second); got != porcupine.Ok {
				t.Errorf("seed %d, %s: %s\n%s", r.seed, h.terminal, got, h)
			}
		}
	})
}

// TestAStaleAnswerIsNoticed reads the payment through a cache: a history must show it.
func TestAStaleAnswerIsNoticed(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, storetest.SQLite(t), 12)
	cache := store.NewCache(clock.System, time.Hour, len(r.histories), func(ctx context.Context, id int64) (payment.Payment, error) {
		return payment.Get(ctx, r.db.Read(), r.merchant.ID, id)
	})
	r.record(func(ctx context.Context, _ store.Querier, _ merchant.ID, id int64) (payment.Payment, error) {
		return cache.Get(ctx, id)
	})
	wrong := 0
	for _, h := range r.histories {
		if porcupine.CheckOperationsTimeout(spec, h.steps, 20*time.Second) == porcupine.Illegal {
			wrong++
		}
	}
	if wrong == 0 {
		t.Error("no history shows that queries were answered from a cache")
	}
	t.Logf("%d of %d histories show it", wrong, len(r.histories))
}

// recorder records what clients of two engines wish and are told.
type recorder struct {
	t        *testing.T
	db       *store.DB
	seed     uint64
	merchant merchant.Merchant
	engines  []*payment.Engine
	jobs     []*jobs.Runner
	now      atomic.Int64 // counts: all that matters of a time is what came before what

	histories []*history
}

// history is one payment's.
type history struct {
	terminal terminal.ID
	traces   atomic.Int64
	mu       sync.Mutex
	steps    []porcupine.Operation
}

func (h *history) add(client int, w wish, call int64, r result, end int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.steps = append(h.steps, porcupine.Operation{ClientId: client, Input: w, Call: call, Output: r, Return: end})
}

// String lists the steps as they were called.
func (h *history) String() string {
	slices.SortFunc(h.steps, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	var b strings.Builder
	for _, s := range h.steps {
		fmt.Fprintf(&b, "%6d–%-6d client %d: %+v → %+v\n", s.Call, s.Return, s.ClientId, s.Input, s.Output)
	}
	return b.String()
}

func newRecorder(t *testing.T, db *store.DB, payments int) *recorder {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{t: t, db: db, seed: *oneSeed, merchant: merchant.Merchant{ID: 1, MID: "100290058120001", NameZH: "面馆", NameEN: "Noodles", Place: "Shanghai",
		MCC: "5812", Currency: money.CNY, Zone: zone, Cutoff: 24 * time.Hour, State: merchant.Active}}
	if r.seed == 0 {
		r.seed = rand.Uint64()
	}
	for i := range payments {
		r.histories = append(r.histories, &history{terminal: terminal.ID(fmt.Sprintf("T%07d", i+1))})
	}
	if err := db.Write(t.Context(), func(tx *store.Tx) error { return r.board(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		log := slog.New(slog.DiscardHandler)
		runner := jobs.NewRunner(db, clock.System, log)
		r.jobs = append(r.jobs, runner)
		r.engines = append(r.engines, payment.New(payment.Config{DB: db, Clock: clock.System, Card: bank{r}, Jobs: runner, Log: log, Metrics: noMetrics{}, Fees: feelocktest.Open(db, clock.System)}))
	}
	return r
}

func (r *recorder) board(ctx context.Context, tx *store.Tx) error {
	now := clock.System()
	if err := merchant.Add(ctx, tx, r.merchant, now); err != nil {
		return err
	}
	rate := feelock.Rate{Line: feelock.Line{Method: payment.MethodCard, CardKind: string(card.Debit)}, FeePlan: merchant.FeePlan{Rate: 60}}
	if err := feelocktest.Open(r.db, clock.System).Board(ctx, tx, r.merchant, feelocktest.Consent(), now.Add(-time.Hour), rate); err != nil {
		return err
	}
	for _, h := range r.histories {
		if err := terminal.Add(ctx, tx, terminal.Terminal{Merchant: r.merchant.ID, ID: h.terminal, Serial: string(h.terminal), Model: "m", Profile: "unionpay-pos", Lang: "en",
			State: terminal.Active, Batch: 1, BatchDay: r.merchant.Day(now)}); err != nil {
			return err
		}
	}
	return nil
}

type get func(context.Context, store.Querier, merchant.ID, int64) (payment.Payment, error)

// record lets all clients of all histories live at once, while the engines do their jobs.
func (r *recorder) record(look get) {
	var living, working sync.WaitGroup
	over := make(chan struct{})
	for i := range r.engines {
		working.Go(func() { r.work(i, over) })
	}
	for n, h := range r.histories {
		for i := range clients {
			living.Go(func() {
				c := &client{recorder: r, history: h, number: i, engine: r.engines[i%len(r.engines)], look: look, rand: rand.New(rand.NewPCG(r.seed, uint64(n*clients+i)))}
				c.live()
			})
		}
	}
	living.Wait()
	close(over)
	working.Wait()
}

// work does the jobs of one engine. Each ends with a step that nobody is told of.
func (r *recorder) work(engine int, over <-chan struct{}) {
	for {
		s := &sweep{}
		r.jobs[engine].RunDue(context.WithValue(context.Background(), sweepKey{}, s))
		end := r.now.Add(1)
		for i, e := range s.ends {
			until := end
			if i+1 < len(s.ends) {
				until = s.ends[i+1].sent
			}
			e.history.add(clients+engine, e.wish, e.answered, result{}, until)
		}
		select {
		case <-over:
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// sweep is one run of the jobs that are due, one after another.
type sweep struct{ ends []ended }

type ended struct {
	history        *history
	wish           wish
	sent, answered int64
}

type sweepKey struct{}

type noMetrics struct{}

func (noMetrics) Attempt(channel.Kind, payment.State, string) {}
func (noMetrics) Commit(int)                                  {}

// bank answers at once or a little later, mostly with yes. It notes when it was asked and when it answered.
type bank struct{ *recorder }

// Name names the channel.
func (bank) Name() string { return "bank" }

func (b bank) Do(ctx context.Context, r channel.Request) channel.Outcome {
	sent := b.now.Add(1)
	time.Sleep(time.Duration(rand.IntN(3)) * 100 * time.Microsecond)
	o := channel.Outcome{Result: channel.Approved, Code: "00"}
	switch x := rand.IntN(10); {
	case r.Kind == channel.Reversal:
	case x == 0:
		o = channel.Outcome{Result: channel.Silent}
	case x == 1:
		o = channel.Outcome{Result: channel.Declined, Code: "51"}
	}
	answered := b.now.Add(1)
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		c.sent, c.answered, c.answer = sent, answered, o.Result
		return o
	}
	b.swept(ctx, r, o, sent, answered)
	return o
}

// swept notes a job's request: what it will make of the payment, unless it was silent.
func (b bank) swept(ctx context.Context, r channel.Request, o channel.Outcome, sent, answered int64) {
	w := wish{what: saleReversed}
	switch {
	case o.Result == channel.Silent:
		return
	case r.Kind == channel.Refund:
		w = wish{what: refundRepeated, minor: r.Amount.Minor(), answer: o.Result}
	case r.Original.Kind == channel.Void:
		w.what = voidReversed
	}
	s := ctx.Value(sweepKey{}).(*sweep)
	i := slices.IndexFunc(b.histories, func(h *history) bool { return string(h.terminal) == r.Terminal })
	s.ends = append(s.ends, ended{b.histories[i], w, sent, answered})
}

// call is one client's call of an engine: when the bank was asked on its behalf, if it was.
type call struct {
	sent, answered int64 // 0: it was not asked
	answer         channel.Result
}

type callKey struct{}

// client is one goroutine with wishes.
type client struct {
	*recorder
	*history
	number int
	engine *payment.Engine
	look   get
	rand   *rand.Rand
	sale   payment.Attempt
}

func (c *client) live() {
	c.sell()
	for range wishes - 1 {
		switch x := c.rand.IntN(10); {
		case x < 2:
			c.sell()
		case x < 4:
			c.giveBack(wish{what: voidAsked}, wish{what: voidAnswered}, price, c.engine.Void)
		case x < 7:
			minor := 1 + c.rand.Int64N(price*6/10)
			c.giveBack(wish{what: refundAsked, minor: minor}, wish{what: refundAnswered, minor: minor}, minor, c.engine.Refund)
		case x < 8:
			c.reverse()
		default:
			c.query()
		}
	}
}

func (c *client) source(trace int) payment.Source {
	return payment.Source{Merchant: c.merchant, Terminal: c.terminal, Batch: 1, Trace: trace}
}

func amount(minor int64) money.Amount { return money.New(minor, money.CNY) }

// token names a card that no vault knows: the bank does not ask for its number.
const token = card.Token("tok_aaaaaaaaaaaaaaaaaaaaaaaaaa")

// ask calls an engine and records it as the steps that it was.
func (c *client) ask(asked, answered wish, do func(context.Context) (payment.Attempt, error)) payment.Attempt {
	one := &call{}
	begin := c.now.Add(1)
	a, err := do(context.WithValue(context.Background(), callKey{}, one))
	end := c.now.Add(1)
	told := string(a.State)
	switch {
	case err != nil:
		told = fault.Of(err).Name
	case a.Reason != "" && a.State == payment.Declined:
		told = a.Reason
	}
	if one.sent == 0 {
		c.add(c.number, asked, begin, result{told: told}, end)
		return a
	}
	c.add(c.number, asked, begin, result{told: left}, one.sent)
	answered.answer = one.answer
	c.add(c.number, answered, one.answered, result{told: told}, end)
	return a
}

// sell asks for the sale, or for the same sale again.
func (c *client) sell() {
	a := c.ask(wish{what: saleAsked}, wish{what: saleAnswered}, func(ctx context.Context) (payment.Attempt, error) {
		return c.engine.Sale(ctx, payment.SaleRequest{Source: c.source(1), Amount: amount(price), Card: channel.Card{Token: token, Entry: "02"},
			Facts: payment.CardFacts{Token: token, BIN: "622200", Last4: "0013", Kind: card.Debit, Entry: "02"}})
	})
	c.sale = a
}

func (c *client) giveBack(asked, answered wish, minor int64, do func(context.Context, payment.ReturnRequest) (payment.Attempt, error)) {
	trace := int(c.traces.Add(1)) + 1
	c.ask(asked, answered, func(ctx context.Context) (payment.Attempt, error) {
		return do(ctx, payment.ReturnRequest{Source: c.source(trace), Amount: amount(minor), Ref: c.sale.Ref(), OriginalBatch: 1, OriginalTrace: 1})
	})
}

func (c *client) reverse() {
	begin := c.now.Add(1)
	_, err := c.engine.Reverse(context.Background(), payment.ReversalRequest{Source: c.source(1), Amount: amount(price), Reason: "98"})
	told := accepted
	if err != nil {
		told = fault.Of(err).Name
	}
	c.add(c.number, wish{what: reversalAsked}, begin, result{told: told}, c.now.Add(1))
}

func (c *client) query() {
	begin := c.now.Add(1)
	p, err := c.look(context.Background(), c.db.Read(), c.merchant.ID, c.sale.Payment)
	told := result{string(p.State), p.Refunded.Minor()}
	if err != nil {
		told.told = fault.Of(err).Name
	}
	c.add(c.number, wish{what: query}, begin, told, c.now.Add(1))
}
