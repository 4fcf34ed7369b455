package payment

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"hawker/internal/books"
	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/fault"
	"hawker/internal/jobs"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/paylink"
	"hawker/internal/risk"
	"hawker/internal/store"
)

// cardKindPlate is how payments by a static plate are told apart in limits.
const cardKindPlate = "static"

// Create takes money: by a code that the customer shows, by a code that is presented to
// him, or in cash. The same key and content give the same payment again, other content is
// ErrReused with the cause Reuse. It does not wait longer than a few seconds: look at the
// payment's State, and for what becomes of it at its events.
func (e *Engine) Create(ctx context.Context, o Order) (Payment, error) {
	now := e.now()
	if err := o.check(now); err != nil {
		return Payment{}, err
	}
	if err := accepts(o.Merchant, o.Amount); err != nil {
		return Payment{}, err
	}
	t := taking{Order: o, now: now, hash: o.content(), scanned: !o.Code.IsZero()}
	if err := e.plan(ctx, &t); err != nil {
		return Payment{}, err
	}
	stan, err := e.stans.draw(now)
	if err != nil {
		return Payment{}, err
	}
	t.payment(e, stan)
	land := e.flights.begin(t.p.ID)
	err = e.write(t.command(e))
	if err != nil || !t.fresh || t.p.State != Sent {
		land()
	}
	switch {
	case err != nil:
		return Payment{}, err
	case !t.fresh:
		if t.was.State == Sent { // a repeat waits for the flight, as long as its first caller does
			wait, cancel := context.WithTimeout(ctx, e.patience)
			defer cancel()
			e.flights.wait(wait, t.was.ID)
		}
		return Get(ctx, e.db.Read(), o.Merchant.ID, t.was.ID)
	case t.p.State != Sent:
		e.metrics.Attempt(t.a.Kind, t.p.State, t.a.Reason)
		return t.p, nil
	}
	code, err := card.NewCode(string(o.Code.Reveal())) // its own: the caller may wipe his before it has left
	if err != nil {
		land()
		return Payment{}, err
	}
	e.fly(ctx, land, func(ctx context.Context) {
		defer code.Wipe()
		r := e.request(o.Merchant, t.a, channel.Card{})
		r.Code, r.Once = code, true
		if _, err := e.store(ctx, t.a, e.sendTo(ctx, e.wallets[o.Method], t.proof, t.a.ID, r), &wrote{t.a, t.p}); err != nil {
			e.log.Error("sale by code", "attempt", t.a.Ref(), "err", err)
		}
	})
	return Get(ctx, e.db.Read(), o.Merchant.ID, t.p.ID)
}

// fly does what may take a while, and returns when it is done or the caller's patience ends.
func (e *Engine) fly(ctx context.Context, land func(), do func(ctx context.Context)) {
	done := make(chan struct{})
	e.aloft.Go(func() {
		defer close(done)
		defer land()
		do(context.WithoutCancel(ctx))
	})
	patience := time.NewTimer(e.patience)
	defer patience.Stop()
	select {
	case <-done:
	case <-patience.C:
	case <-ctx.Done():
	}
}

// Drain waits until nothing that was sent is without an answer, or until ctx ends.
func (e *Engine) Drain(ctx context.Context) {
	done := make(chan struct{})
	go func() { e.aloft.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// taking is an order on its way to be a payment.
type taking struct {
	Order
	now     time.Time
	hash    []byte
	scanned bool
	fee     money.Amount
	version int
	p       Payment
	a       Attempt // of a sale by code or in cash
	proof   risk.Approval
	was     Payment // under the same key
	fresh   bool
}

// content hashes what makes two orders under one key the same. When a code expires is not part of it: a repeat comes later.
func (o Order) content() []byte {
	code := []byte{}
	if !o.Code.IsZero() {
		sum := sha256.Sum256(o.Code.Reveal())
		code = sum[:]
	}
	text, _ := json.Marshal([]any{o.Amount.Minor(), o.Amount.Currency(), o.Method, code, o.Number, o.Note, o.Shown, o.Plate, o.Payer})
	return content("order", text)
}

// plan finds what the payment will cost and whether its method is one of ours. A presented code costs what its wallet does.
func (e *Engine) plan(ctx context.Context, t *taking) error {
	t.fee = money.Zero(t.Amount.Currency())
	switch {
	case t.Method == MethodCash, t.Method == "" && !t.scanned:
		return nil
	case e.wallets[t.Method] == nil:
		return ErrMethod.With("%q", t.Method)
	case !t.scanned:
		return nil
	}
	plan, err := e.planFor(ctx, t.Merchant, t.Method, "", t.now)
	if err != nil {
		return err
	}
	t.version = plan.Version()
	t.fee, err = plan.Fee(t.Amount)
	return err
}

// payment writes down what the order will be.
func (t *taking) payment(e *Engine, stan int) {
	zero := money.Zero(t.Amount.Currency())
	id, day := store.NewID(t.now), t.Merchant.Day(t.now)
	t.p = Payment{Merchant: t.Merchant.ID, ID: id, Terminal: deviceID(t.Device), Method: t.Method, State: Created, Amount: t.Amount, Fee: t.fee, FeeVersion: t.version,
		Refunded: zero, RefundFee: zero, Day: day, Created: t.now}
	if t.Plate > 0 {
		t.p.Card.Kind = cardKindPlate
	}
	switch {
	case t.Method == MethodCash:
		t.p.State = Approved
	case t.scanned:
		t.p.State = Sent
	default:
		return
	}
	t.a = Attempt{Merchant: t.p.Merchant, ID: id, Payment: id, Kind: channel.Sale, Channel: t.Method, State: t.p.State, Terminal: t.p.Terminal, BatchDay: day,
		Amount: t.Amount, Fee: t.fee, STAN: stan, Day: day, Node: e.node, Created: t.now, Updated: t.now, Booked: t.Method == MethodCash,
		key: fmt.Sprintf("%08d:w:%s", day, Ref(id)), hash: t.hash}
}

func (t *taking) keys() []wordKey {
	day := t.p.Day
	return []wordKey{{t.p.Merchant, askerKey(day, 'o', t.Device, t.Key)}, {t.p.Merchant, askerKey(day.Add(-1), 'o', t.Device, t.Key)}}
}

func (t *taking) command(e *Engine) *command {
	c := &command{merchant: t.p.Merchant, orders: t.keys()}
	if t.a.ID != 0 {
		f := facts(t.p, t.a.ID)
		c.facts = &f
	}
	p, a := t.p, t.a
	c.apply = func(w *work) error {
		t.p, t.a, t.fresh = p, a, false
		return e.take(w, t)
	}
	return c
}

// take decides about an order: the key, the order number, the limits.
func (e *Engine) take(w *work, t *taking) error {
	for _, k := range t.keys() {
		was, err := w.orderByKey(k.merchant, k.word)
		switch {
		case err != nil:
			return err
		case was == nil:
			continue
		case was.Payment == t.p.ID: // the commit of an earlier run was in doubt, and had happened
			return e.tookAlready(w, t)
		case !bytes.Equal(was.hash, t.hash):
			return reused(was.hash, t.hash)
		}
		t.was, err = w.payment(was.Merchant, was.Payment)
		return err
	}
	if t.Number != "" {
		if err := w.takeNumber(t.p.Merchant, t.Number, t.p.ID); err != nil {
			return err
		}
	}
	t.fresh = true
	if err := e.weigh(w, t); err != nil {
		f := fault.Of(err)
		if f.Kind != fault.Declined {
			return err
		}
		t.p.State = Declined
		if t.a.ID != 0 {
			t.a.State, t.a.Reason, t.a.Booked = Declined, f.Name, false
		} else {
			return err // nothing was begun; the code is not presented
		}
	}
	w.addPayment(t.p)
	w.addOrder(OrderFacts{Merchant: t.p.Merchant, Payment: t.p.ID, Device: t.Device, Number: t.Number, Note: t.Note, Shown: string(t.Shown), Plate: t.Plate, Payer: t.Payer,
		Day: t.p.Day, Expires: t.Expires, Created: t.now, key: t.keys()[0].word, hash: t.hash})
	if t.a.ID != 0 {
		w.addAttempt(t.a)
	}
	return e.took(w, t)
}

// took tells what an order has become, books cash, and has a presented code expire.
func (e *Engine) took(w *work, t *taking) error {
	switch t.p.State {
	case Created:
		w.tell("payment.created", Attempt{Merchant: t.p.Merchant, Amount: t.p.Amount, Day: t.p.Day}, t.p, t.now)
		w.addJob(jobs.Job{Merchant: int64(t.p.Merchant), Kind: JobPaymentExpiry, Ref: Ref(t.p.ID), MaxTries: maxTries, Due: t.Expires})
	case Declined:
		w.tell("payment.declined", t.a, t.p, t.now)
	case Approved:
		w.tell("payment.approved", t.a, t.p, t.now)
		return w.post(books.CashSale, books.Fact{Merchant: t.p.Merchant, Ref: t.a.Ref(), Channel: channelCash, Amount: t.a.Amount, Day: t.a.Day, At: t.now})
	}
	return nil
}

// tookAlready finds what an earlier run of this very command committed.
func (e *Engine) tookAlready(w *work, t *taking) (err error) {
	t.fresh = true
	if t.p, err = w.payment(t.p.Merchant, t.p.ID); err != nil || t.a.ID == 0 {
		return err
	}
	t.proof = risk.AssessReturn(facts(t.p, t.a.ID)) // it was assessed then
	t.a, err = w.attempt(t.a.Merchant, t.a.ID)
	return err
}

// weigh holds an order against the limits: of plates when it is made, of methods when the method is known.
func (e *Engine) weigh(w *work, t *taking) (err error) {
	if t.Plate > 0 {
		today := int64(0)
		if t.Payer != "" {
			if today, err = byPlates(w.ctx, w.tx, t.Payer, t.Amount.Currency(), paylink.DayOf(t.now)); err != nil {
				return w.failed(err)
			}
		}
		plate := paylink.Code{Kind: paylink.Static, Merchant: t.p.Merchant, Plate: t.Plate}
		if err := plate.Allows(t.Amount, money.New(today, t.Amount.Currency())); err != nil {
			return err
		}
	}
	if t.a.ID == 0 {
		return nil
	}
	t.proof, err = w.desk.Assess(w.ctx, facts(t.p, t.a.ID))
	return err
}

// Link makes the signed link of a presented code: what its symbol shows. ErrState when
// nobody can pay the payment, or no links are made here.
func (e *Engine) Link(ctx context.Context, m merchant.Merchant, payment int64) (link string, expires time.Time, err error) {
	p, err := Get(ctx, e.db.Read(), m.ID, payment)
	if err != nil {
		return "", expires, err
	}
	o, err := OrderOf(ctx, e.db.Read(), m.ID, payment)
	if err != nil {
		return "", expires, err
	}
	if p.State != Created || e.links.Voucher == nil {
		return "", expires, ErrState.With("payment %s is %s", Ref(p.ID), p.State)
	}
	link, err = paylink.Make(ctx, e.links.Voucher, e.links.Base, paylink.Code{Kind: paylink.Dynamic, Merchant: m.ID, Payee: m.NameZH, Amount: p.Amount, Payment: p.ID, Expires: o.Expires})
	return link, o.Expires, err
}
