package payment_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"hawker/internal/channel"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/risk"
	"hawker/internal/terminal"
)

// shows has the terminal show a code of a purse.
func (w *stall) shows(src payment.Source, p *purse, minor int64) (payment.Attempt, string, error) {
	return w.engine.Present(context.Background(), payment.PresentRequest{Source: src, Amount: w.amount(minor), Method: p.name})
}

// shown is a code that a terminal shows, and nobody has paid.
func (w *stall) shown(p *purse, minor int64) payment.Attempt {
	w.t.Helper()
	a, link, err := w.shows(w.source(), p, minor)
	if err != nil || a.State != payment.Waiting || link != p.name+"://"+a.Ref() {
		w.t.Fatalf("the code is %s, %q, %v", a.State, link, err)
	}
	return a
}

// about points at a code.
func (w *stall) about(a payment.Attempt) payment.ReturnRequest {
	return payment.ReturnRequest{Source: w.source(), Amount: a.Amount, Ref: a.Ref(), OriginalBatch: a.Batch, OriginalTrace: a.Trace, Method: a.Channel}
}

// asks is what the terminal hears when it asks after a code.
func (w *stall) asks(a payment.Attempt) payment.State {
	w.t.Helper()
	p, _, err := w.engine.AskCode(context.Background(), w.about(a))
	if err != nil {
		w.t.Fatal(err)
	}
	return p.State
}

// voids is a void of a code that must end in a state and be of a kind.
func (w *stall) voids(a payment.Attempt, state payment.State, kind channel.Kind) payment.ReturnRequest {
	w.t.Helper()
	r := w.about(a)
	v, err := w.engine.VoidCode(context.Background(), r)
	if err != nil || v.State != state || v.Kind != kind {
		w.t.Fatalf("the void is %s %s, %v; want %s %s", v.Kind, v.State, err, kind, state)
	}
	return r
}

// counts settles the terminal's batch with totals that must be the host's.
func (w *stall) counts(debit int64, debits int, credit int64, credits int) {
	w.t.Helper()
	b, err := w.engine.SettleBatch(context.Background(), w.source(), payment.Totals{Debit: w.amount(debit), DebitCount: debits, Credit: w.amount(credit), CreditCount: credits})
	if err != nil || !b.Balanced() {
		w.t.Fatalf("%+v, %v", b.Host, err)
	}
	w.batch++
}

func TestATerminalsCodeIsPaidAndIsASaleOfItsBatch(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		src := w.source()
		a, link, err := w.shows(src, w.wechat, 1000)
		if err != nil || a.State != payment.Waiting || link == "" {
			t.Fatalf("%s %q, %v", a.State, link, err)
		}
		if s := w.asks(a); s != payment.Created {
			t.Errorf("unpaid it is %s", s)
		}
		if !w.wechat.pay(a.Ref()) {
			t.Fatal("nobody can pay it")
		}
		if s := w.asks(a); s != payment.Approved {
			t.Errorf("paid it is %s", s)
		}
		again, same, err := w.shows(src, w.wechat, 1000)
		if err != nil || again.ID != a.ID || same != link || again.State != payment.Approved {
			t.Errorf("a repeat gives %s %q, %v", again.State, same, err)
		}
		if n := w.wechat.asked(channel.Present); n != 1 {
			t.Errorf("the wallet drew %d codes", n)
		}
		for name, other := range map[string]func() error{
			"another amount": func() error { _, _, err := w.shows(src, w.wechat, 1001); return err },
			"another wallet": func() error { _, _, err := w.shows(src, w.alipay, 1000); return err },
			"a sale":         func() error { _, err := w.engine.Sale(t.Context(), w.saleRequest(src, 1000)); return err },
			"a void of it":   func() error { r := w.about(a); r.Source = src; _, err := w.engine.VoidCode(t.Context(), r); return err },
			"a customer's code": func() error {
				_, err := w.engine.Scan(t.Context(), payment.ScanRequest{Source: src, Amount: w.amount(1000), Code: w.code(w.wechat)})
				return err
			},
			"the code's own again": func() error { _, _, err := w.shows(src, w.wechat, 1); return err },
		} {
			if err := other(); !errors.Is(err, payment.ErrReused) {
				t.Errorf("%s under its trace: %v", name, err)
			}
		}
		w.counts(1000, 1, 0, 0)
		if again, same, err = w.shows(src, w.wechat, 1000); err != nil || again.ID != a.ID || same != link {
			t.Errorf("after the settlement a repeat gives %q, %v", same, err)
		}
		w.rest()
		w.same()
	})
}

func TestATerminalVoidsItsCodeWhetherPaidOrNot(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		unpaid := w.shown(w.wechat, 1000)
		first := w.voids(unpaid, payment.Approved, channel.Close)
		if w.wechat.pay(unpaid.Ref()) {
			t.Error("what was voided can be paid")
		}
		if v, err := w.engine.VoidCode(t.Context(), first); err != nil || v.State != payment.Approved || v.Trace != first.Trace {
			t.Errorf("again: %s, %v", v.State, err)
		}
		if _, err := w.engine.Sale(t.Context(), w.saleRequest(first.Source, 1000)); !errors.Is(err, payment.ErrReused) {
			t.Errorf("a sale under the void's trace: %v", err)
		}
		if _, err := w.reverse(first.Trace, 1000); !errors.Is(err, payment.ErrState) {
			t.Errorf("the void's reversal: %v", err)
		}

		paid := w.shown(w.alipay, 2000)
		w.alipay.pay(paid.Ref())
		if s := w.asks(paid); s != payment.Approved {
			t.Fatal(s)
		}
		w.voids(paid, payment.Approved, channel.Refund)
		if v, err := w.engine.VoidCode(t.Context(), w.about(paid)); err != nil || v.State != payment.Declined {
			t.Errorf("a second void: %s, %v", v.State, err)
		}
		faster := w.shown(w.alipay, 3000) // its customer pays before the wallet hears of the void
		w.alipay.pay(faster.Ref())
		w.voids(faster, payment.Approved, channel.Refund)

		over := w.shown(w.wechat, 4000)
		w.run(6 * time.Minute)
		w.run(0)
		if s := w.asks(over); s != payment.Expired {
			t.Errorf("after its time it is %s", s)
		}
		w.voids(over, payment.Approved, channel.Close)

		scanned, err := w.engine.Scan(t.Context(), payment.ScanRequest{Source: w.source(), Amount: w.amount(500), Code: w.code(w.wechat)})
		if err != nil || scanned.State != payment.Approved {
			t.Fatalf("%s, %v", scanned.State, err)
		}
		w.voids(scanned, payment.Approved, channel.Refund)
		w.counts(2000+3000+500, 3, 2000+3000+500, 3)
		w.rest()
		w.same()
	})
}

func TestAVoidOfACodePointsAtOne(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		code, sale := w.shown(w.wechat, 1000), w.mustSale(1000)
		for name, c := range map[string]struct {
			change func(*payment.ReturnRequest)
			want   string
		}{
			"a card's sale":  {func(r *payment.ReturnRequest) { r.Ref, r.OriginalTrace, r.Method = sale.Ref(), sale.Trace, "" }, payment.ErrNotFound.Name},
			"another trace":  {func(r *payment.ReturnRequest) { r.OriginalTrace++ }, payment.ErrNotFound.Name},
			"another wallet": {func(r *payment.ReturnRequest) { r.Method = "alipay" }, payment.ErrNotFound.Name},
			"another amount": {func(r *payment.ReturnRequest) { r.Amount = w.amount(999) }, payment.ErrAmountDiffer.Name},
		} {
			r := w.about(code)
			c.change(&r)
			if v, err := w.engine.VoidCode(t.Context(), r); err != nil || v.State != payment.Declined || v.Reason != c.want {
				t.Errorf("%s: %s %s, %v", name, v.State, v.Reason, err)
			}
		}
		r := w.about(code)
		r.Batch++
		if _, err := w.engine.VoidCode(t.Context(), r); !errors.Is(err, terminal.ErrBatch) {
			t.Errorf("another batch: %v", err)
		}
		if _, _, err := w.engine.AskCode(t.Context(), r); !errors.Is(err, terminal.ErrBatch) {
			t.Errorf("a question of another batch: %v", err)
		}
		if r = w.about(sale); true {
			r.Method = ""
			if _, _, err := w.engine.AskCode(t.Context(), r); !errors.Is(err, payment.ErrNotFound) {
				t.Errorf("a question after a card's sale: %v", err)
			}
		}
		if s := w.asks(code); s != payment.Created {
			t.Errorf("the code is %s", s)
		}
		w.rest()
		w.same()
	})
}

func TestAVoidThatItsWalletDoesNotAnswerIsAskedAgain(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		code := w.shown(w.wechat, 1000)
		w.wechat.always(misses)
		r := w.about(code)
		if v, err := w.engine.VoidCode(t.Context(), r); !errors.Is(err, payment.ErrBusy) {
			t.Fatalf("%s, %v", v.State, err)
		}
		w.wechat.always(gives)
		if v, err := w.engine.VoidCode(t.Context(), r); err != nil || v.State != payment.Approved || v.Kind != channel.Close {
			t.Errorf("%s %s, %v", v.Kind, v.State, err)
		}
		w.rest()
		w.same()
	})
}

func TestATerminalTakesBackACodeWhoseAnswerItDidNotHear(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		unpaid := w.shown(w.wechat, 1000)
		for range 2 {
			if _, err := w.reverse(unpaid.Trace, 1000); err != nil {
				t.Errorf("unpaid: %v", err)
			}
		}
		w.run(0)
		if w.wechat.pay(unpaid.Ref()) {
			t.Error("what was reversed can be paid")
		}
		if s := w.asks(unpaid); s != payment.Cancelled {
			t.Errorf("it is %s", s)
		}
		paid := w.shown(w.alipay, 2000)
		w.alipay.pay(paid.Ref())
		if _, err := w.reverse(paid.Trace, 1999); !errors.Is(err, payment.ErrAmountDiffer) {
			t.Errorf("another amount: %v", err)
		}
		if s := w.asks(paid); s != payment.Approved {
			t.Fatal(s)
		}
		if _, err := w.reverse(paid.Trace, 2000); err != nil {
			t.Errorf("paid: %v", err)
		}
		w.rest()
		if s := w.asks(paid); s != payment.Reversed {
			t.Errorf("paid and taken back it is %s", s)
		}
		early := w.source()
		if _, err := w.reverse(early.Trace, 3000); !errors.Is(err, payment.ErrNotFound) {
			t.Errorf("before it came: %v", err)
		}
		if a, link, err := w.shows(early, w.wechat, 3000); !errors.Is(err, payment.ErrReversed) || link != "" {
			t.Errorf("after its reversal: %s %q, %v", a.State, link, err)
		}
		w.counts(0, 0, 0, 0)
		w.same()
	})
}

func TestACodeThatCannotBeShownIsPaidByNobody(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		for name, c := range map[string]struct {
			mood  mood
			first payment.State
			again payment.State
		}{
			"its wallet refuses":           {refuses, payment.Declined, payment.Declined},
			"its wallet cannot be reached": {isAway, payment.Declined, payment.Declined},
			"its wallet is silent":         {forgets, payment.Reversing, payment.Reversed},
			"its wallet never heard of it": {misses, payment.Reversing, payment.Reversed},
		} {
			w.wechat.always(c.mood)
			src := w.source()
			a, link, err := w.shows(src, w.wechat, 1000)
			if err != nil || a.State != c.first || link != "" {
				t.Errorf("%s: %s %q, %v", name, a.State, link, err)
			}
			w.rest()
			if s := w.state(a); s != payment.Cancelled {
				t.Errorf("%s: the payment is %s", name, s)
			}
			if a, link, err := w.shows(src, w.wechat, 1000); err != nil || a.State != c.again || link != "" {
				t.Errorf("%s, again: %s %q, %v", name, a.State, link, err)
			}
			if w.wechat.pay(a.Ref()) {
				t.Errorf("%s: somebody can pay it", name)
			}
		}
		for _, method := range []string{"", "card", "cash", "nobody's"} {
			if _, _, err := w.engine.Present(t.Context(), payment.PresentRequest{Source: w.source(), Amount: w.amount(1), Method: method}); !errors.Is(err, payment.ErrMethod) {
				t.Errorf("a code of %q: %v", method, err)
			}
		}
		w.limit(risk.Limit{Method: "wechat", PerPayment: w.amount(500), Daily: money.Zero(money.CNY), Monthly: money.Zero(money.CNY)})
		if a, _, err := w.shows(w.source(), w.wechat, 501); err != nil || a.State != payment.Declined || a.Reason != risk.ErrOverPayment.Name || w.state(a) != payment.Declined {
			t.Errorf("over a limit: %s %s, %v", a.State, a.Reason, err)
		}
		w.same()
	})
}

func TestACodeWhoseProcessDiedIsPaidByNobody(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		w.wechat.gate = make(chan struct{})
		src := w.source()
		done := make(chan struct{})
		go func() { _, _, _ = w.shows(src, w.wechat, 1000); close(done) }()
		for w.count(`SELECT COUNT(*) FROM attempts WHERE kind = 'present' AND state = 'sent'`) == 0 {
		}
		dead := w.engine
		w.start()
		if n, err := w.engine.Recover(t.Context(), everything); n != 1 || err != nil {
			t.Errorf("%d found, %v", n, err)
		}
		close(w.wechat.gate) // the wallet draws it, for a process that is no more
		<-done
		dead.Drain(t.Context())
		w.rest()
		if _, err := w.reverse(src.Trace, 1000); err != nil {
			t.Errorf("the terminal's reversal: %v", err)
		}
		w.rest()
		for _, ref := range w.wechat.refs() {
			if w.wechat.pay(ref) {
				t.Error("somebody can pay it")
			}
		}
		w.same()
	})
}
