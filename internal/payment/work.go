package payment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"hawker/internal/books"
	"hawker/internal/cases"
	"hawker/internal/channel"
	"hawker/internal/chips"
	"hawker/internal/clock"
	"hawker/internal/events"
	"hawker/internal/jobs"
	"hawker/internal/ledger"
	"hawker/internal/merchant"
	"hawker/internal/risk"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

// command is one caller's change. All commands of a batch share a transaction: what
// they will need is read for all of them at once, each decides in memory, and what
// they decided is written for all of them at once.
type command struct {
	merchant merchant.ID

	// What apply will need, to be read ahead; zero values for nothing.
	source  *Source // its terminal, and the attempt under its key
	facts   *risk.Facts
	chip    chips.Use
	attempt int64
	payment int64
	orders  []wordKey // idempotency keys of orders

	// The rows that its own intent wrote a moment ago, not to be read again: the update tells
	// whether somebody changed them meanwhile. Believed in the first run only; nil to read them.
	wrote *wrote

	apply func(w *work) error // may run again; its error is this command's alone
	runs  int
	err   error
}

// wrote is a payment and the attempt that made it as an intent left them.
type wrote struct {
	attempt Attempt
	payment Payment
}

// errMoved says that rows did not stand where they were believed to.
var errMoved = errors.New("rows moved")

// write has a command decided and committed. Its own refusal, or what kept the
// transaction from being committed.
func (e *Engine) write(c *command) error {
	shard := uint64(c.merchant) //nolint:gosec // a number to divide, not an amount
	err := e.batch.Do(shard, c)
	if errors.Is(err, errMoved) && c.wrote != nil {
		err = e.batch.Do(shard, c) // which reads now
	}
	return cmp.Or(err, c.err)
}

// run decides and writes the commands of one batch.
func (e *Engine) run(ctx context.Context, tx *store.Tx, commands []*command) error {
	w := newWork(ctx, tx, e.now())
	for _, c := range commands {
		if c.runs++; c.wrote != nil && c.runs == 1 {
			w.believe(*c.wrote)
		}
	}
	if err := w.readAhead(commands); err != nil {
		return err
	}
	for _, c := range commands {
		mark := w.mark()
		if c.err = c.apply(w); c.err != nil {
			w.back(mark)
			if w.broken != nil {
				return w.broken // the transaction is lost, not just this command
			}
		}
	}
	return w.flush()
}

type rowKey struct {
	merchant merchant.ID
	id       int64
}

type wordKey struct {
	merchant merchant.ID
	word     string // idempotency key, or terminal
}

type attemptRow struct {
	Attempt
	was    State // in the database; "" when it is not there yet
	change bool
}

type paymentRow struct {
	Payment
	was    State
	change bool
}

// work is what one transaction read, decided and has still to write. On PostgreSQL
// the rows it read for a decision stay locked.
type work struct {
	ctx       context.Context
	tx        *store.Tx
	now       time.Time // when the transaction began
	desk      *risk.Desk
	chips     *chips.Desk
	terminals map[wordKey]terminal.Terminal
	keys      map[wordKey]int64 // idempotency key → attempt; 0: there is none
	attempts  map[rowKey]*attemptRow
	payments  map[rowKey]*paymentRow
	believed  []rowKey // attempts that were not read
	holds     map[rowKey]*holdRow

	// In the order in which they came to be.
	newAttempts []*attemptRow
	newPayments []*paymentRow
	entries     []ledger.Entry
	jobs        []jobs.Job
	cases       []cases.Case
	events      []events.Event
	answers     [][]any                 // to chips
	orderKeys   map[wordKey]*OrderFacts // idempotency key → order; nil: there is none
	numbers     map[wordKey]*numberRow
	newOrders   [][]any
	newLinks    [][]any

	flushes int
	undo    []func()
	broken  error // a statement failed: on PostgreSQL nothing more can be done in this transaction
}

func newWork(ctx context.Context, tx *store.Tx, now time.Time) *work {
	return &work{ctx: ctx, tx: tx, now: now, desk: risk.NewDesk(tx), chips: chips.NewDesk(tx), terminals: map[wordKey]terminal.Terminal{}, keys: map[wordKey]int64{},
		attempts: map[rowKey]*attemptRow{}, payments: map[rowKey]*paymentRow{}, holds: map[rowKey]*holdRow{},
		orderKeys: map[wordKey]*OrderFacts{}, numbers: map[wordKey]*numberRow{}}
}

// believe takes what an intent wrote for what stands in the database.
func (w *work) believe(o wrote) {
	at := rowKey{o.attempt.Merchant, o.attempt.ID}
	w.attempts[at] = &attemptRow{Attempt: o.attempt, was: o.attempt.State}
	w.payments[rowKey{o.payment.Merchant, o.payment.ID}] = &paymentRow{Payment: o.payment, was: o.payment.State}
	w.believed = append(w.believed, at)
}

// failed notes that a statement failed, and passes the error on.
func (w *work) failed(err error) error {
	if err != nil && w.broken == nil {
		w.broken = err
	}
	return err
}

// mark names a moment to which back returns: what a refused command had decided is forgotten.
type mark struct{ undo, desk, chips, attempts, payments, entries, jobs, cases, events, answers, orders, links, flushes int }

func (w *work) mark() mark {
	return mark{len(w.undo), w.desk.Mark(), w.chips.Mark(), len(w.newAttempts), len(w.newPayments), len(w.entries), len(w.jobs), len(w.cases), len(w.events), len(w.answers), len(w.newOrders), len(w.newLinks), w.flushes}
}

func (w *work) back(m mark) {
	if m.flushes != w.flushes {
		m = mark{} // what was decided before the mark is written; all there is came after
	}
	for i := len(w.undo) - 1; i >= m.undo; i-- {
		w.undo[i]()
	}
	w.undo = w.undo[:m.undo]
	w.desk.Back(m.desk)
	w.chips.Back(m.chips)
	w.answers = w.answers[:m.answers]
	w.newOrders, w.newLinks = w.newOrders[:m.orders], w.newLinks[:m.links]
	w.newAttempts, w.newPayments = w.newAttempts[:m.attempts], w.newPayments[:m.payments]
	w.entries, w.jobs, w.cases, w.events = w.entries[:m.entries], w.jobs[:m.jobs], w.cases[:m.cases], w.events[:m.events]
}

// readAhead reads what the commands will need, a statement for each kind of row.
func (w *work) readAhead(commands []*command) error {
	var terminals []terminal.Terminal
	var attempts, payments []rowKey
	var facts []risk.Facts
	var uses []chips.Use
	for _, c := range commands {
		if c.source != nil {
			terminals = append(terminals, terminal.Terminal{Merchant: c.merchant, ID: c.source.Terminal})
		}
		if c.attempt != 0 {
			attempts = append(attempts, rowKey{c.merchant, c.attempt})
		}
		if c.payment != 0 {
			payments = append(payments, rowKey{c.merchant, c.payment})
		}
		uses = append(uses, c.chip)
		if c.facts != nil {
			facts = append(facts, *c.facts)
		}
	}
	found, err := terminal.LockAll(w.ctx, w.tx, terminals)
	if err != nil {
		return err
	}
	for _, t := range found {
		w.terminals[wordKey{t.Merchant, string(t.ID)}] = t
	}
	var words []wordKey
	for _, c := range commands {
		if c.source == nil {
			continue
		}
		if t, ok := w.terminals[wordKey{c.merchant, string(c.source.Terminal)}]; ok && t.Batch == c.source.Batch {
			words = append(words, wordKey{c.merchant, key(t.BatchDay, t.ID, t.Batch, c.source.Trace)})
		}
	}
	var orders []wordKey
	for _, c := range commands {
		orders = append(orders, c.orders...)
	}
	return errors.Join(w.readOrderKeys(orders), w.readKeys(words), w.readAttempts(attempts), w.readPayments(payments), w.desk.Load(w.ctx, facts...), w.chips.Load(w.ctx, uses...))
}

// terminal gives a locked terminal; terminal.ErrUnknown when there is none.
func (w *work) terminal(m merchant.ID, id terminal.ID) (terminal.Terminal, error) {
	at := wordKey{m, string(id)}
	if t, ok := w.terminals[at]; ok {
		return t, nil
	}
	t, err := terminal.Lock(w.ctx, w.tx, m, id)
	if errors.Is(err, terminal.ErrUnknown) {
		return t, err
	} else if err != nil {
		return t, w.failed(err)
	}
	w.terminals[at] = t
	return t, nil
}

// attempt gives an attempt by id; ErrNotFound when there is none.
func (w *work) attempt(m merchant.ID, id int64) (Attempt, error) {
	at := rowKey{m, id}
	if w.attempts[at] == nil {
		if err := w.readAttempts([]rowKey{at}); err != nil {
			return Attempt{}, w.failed(err)
		}
	}
	if row := w.attempts[at]; row != nil {
		return row.Attempt, nil
	}
	return Attempt{}, ErrNotFound
}

// byKey gives the attempt under an idempotency key; ErrNotFound when there is none.
func (w *work) byKey(m merchant.ID, word string) (Attempt, error) {
	at := wordKey{m, word}
	if _, read := w.keys[at]; !read {
		if err := w.readKeys([]wordKey{at}); err != nil {
			return Attempt{}, w.failed(err)
		}
	}
	if id := w.keys[at]; id != 0 {
		return w.attempt(m, id)
	}
	return Attempt{}, ErrNotFound
}

// payment gives a payment by id; ErrNotFound when there is none.
func (w *work) payment(m merchant.ID, id int64) (Payment, error) {
	at := rowKey{m, id}
	if w.payments[at] == nil {
		if err := w.readPayments([]rowKey{at}); err != nil {
			return Payment{}, w.failed(err)
		}
	}
	if row := w.payments[at]; row != nil {
		return row.Payment, nil
	}
	return Payment{}, ErrNotFound
}

// addAttempt writes a new attempt. Nobody has its key: the caller looked.
func (w *work) addAttempt(a Attempt) {
	row := &attemptRow{Attempt: a}
	at, word := rowKey{a.Merchant, a.ID}, wordKey{a.Merchant, a.key}
	w.attempts[at], w.keys[word] = row, a.ID
	w.newAttempts = append(w.newAttempts, row)
	w.undo = append(w.undo, func() { delete(w.attempts, at); w.keys[word] = 0 })
}

// addPayment writes a new payment.
func (w *work) addPayment(p Payment) {
	row := &paymentRow{Payment: p}
	at := rowKey{p.Merchant, p.ID}
	w.payments[at] = row
	w.newPayments = append(w.newPayments, row)
	w.undo = append(w.undo, func() { delete(w.payments, at) })
}

// moveAttempt moves an attempt by an event and keeps what else a tells. ErrState when
// the table forbids it, or when the attempt stands elsewhere than a says.
func (w *work) moveAttempt(a *Attempt, e Event, at time.Time) error {
	row := w.attempts[rowKey{a.Merchant, a.ID}]
	if row == nil || row.State != a.State {
		return ErrState.With("attempt is not %s any more", a.State)
	}
	to, err := AttemptMoves.Next(a.State, e)
	if err != nil {
		return err
	}
	before := *row
	w.undo = append(w.undo, func() { *row = before })
	a.State, a.Updated = to, at
	row.Attempt, row.change = *a, true
	return nil
}

// movePayment moves a payment by an event, as moveAttempt does.
func (w *work) movePayment(p *Payment, e Event, at time.Time) error {
	if row := w.payments[rowKey{p.Merchant, p.ID}]; row == nil || row.State != p.State {
		return ErrState.With("payment is not %s any more", p.State)
	}
	to, err := PaymentMoves.Next(p.State, e)
	if err != nil {
		return err
	}
	p.State = to
	w.changePayment(*p, at)
	return nil
}

// changePayment keeps what p tells of a payment that was read.
func (w *work) changePayment(p Payment, at time.Time) {
	row := w.payments[rowKey{p.Merchant, p.ID}]
	before := *row
	w.undo = append(w.undo, func() { *row = before })
	p.updated = at
	row.Payment, row.change = p, true
}

// post books a fact.
func (w *work) post(entry func(books.Fact) (ledger.Entry, error), f books.Fact) error {
	made, err := entry(f)
	if err == nil {
		w.entries = append(w.entries, made)
	}
	return err
}

func (w *work) openCase(c cases.Case) { w.cases = append(w.cases, c) }

func (w *work) addJob(j jobs.Job) { w.jobs = append(w.jobs, j) }

// told is an event's body: what became true of a payment, without card data but the last four digits.
type told struct {
	Payment string    `json:"payment"`
	Attempt string    `json:"attempt,omitempty"`
	State   State     `json:"state"`
	Method  string    `json:"method,omitempty"`
	Device  string    `json:"device,omitempty"` // the terminal, or the device that asked for the order
	Minor   int64     `json:"amount_minor"`
	Code    string    `json:"code,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Cur     string    `json:"currency"`
	Last4   string    `json:"card_last4,omitempty"`
	Day     clock.Day `json:"business_date"`
}

// tell appends an event about a payment.
func (w *work) tell(kind string, a Attempt, p Payment, at time.Time) {
	ref, method := "", p.Method
	if a.ID != 0 {
		ref = a.Ref()
	}
	if method == "" && a.Kind == channel.Present { // which one it would be paid by
		method = a.Channel
	}
	w.events = append(w.events, events.Event{Merchant: int64(a.Merchant), Kind: kind, Ref: Ref(p.ID), At: at,
		Body: told{Payment: Ref(p.ID), Attempt: ref, State: p.State, Method: method, Device: string(p.Terminal), Minor: a.Amount.Minor(), Cur: string(a.Amount.Currency()),
			Code: a.Code, Reason: a.Reason, Last4: p.Card.Last4, Day: a.Day}})
}

// flush writes what was decided so far. Events come last: they take a row that all
// of a merchant's transactions share.
func (w *work) flush() error {
	err := w.writeAll()
	if err != nil {
		return w.failed(fmt.Errorf("write payments: %w", err))
	}
	w.flushes++
	w.newAttempts, w.newPayments = nil, nil
	w.entries, w.jobs, w.cases, w.events, w.undo, w.answers, w.newOrders, w.newLinks = nil, nil, nil, nil, nil, nil, nil, nil
	return nil
}

func (w *work) writeAll() error {
	for _, at := range w.believed {
		if !w.attempts[at].change { // no update will tell whether it is true
			return errMoved
		}
	}
	w.believed = nil
	if err := errors.Join(w.writeRows(), w.writeHolds(), w.writeOrders()); err != nil {
		return err
	}
	if err := errors.Join(w.desk.Write(w.ctx), w.chips.Write(w.ctx)); err != nil {
		return err
	}
	if len(w.answers) > 0 {
		if _, err := insertChipAnswers.Exec(w.ctx, w.tx, w.answers); err != nil {
			return err
		}
	}
	if len(w.entries) > 0 {
		if err := ledger.Post(w.ctx, w.tx, w.entries...); err != nil {
			return err
		}
	}
	if len(w.jobs) > 0 {
		if err := jobs.Add(w.ctx, w.tx, w.now, w.jobs...); err != nil {
			return err
		}
	}
	for _, c := range w.cases {
		if err := cases.Open(w.ctx, w.tx, c); err != nil {
			return err
		}
	}
	if len(w.events) > 0 {
		return events.Append(w.ctx, w.tx, w.events...)
	}
	return nil
}
