package simulation

import (
	"errors"
	"fmt"
	"time"

	"hawker/internal/channel"
	"hawker/internal/payment"
	"hawker/internal/terminal"
)

// live plays the till's part of a run.
func (t *till) live() {
	for range 2 + t.dice.IntN(t.world.busyness) {
		time.Sleep(t.dice.between(0, t.world.pace))
		if t.settling != nil {
			t.settle()
			continue
		}
		if !t.tidy() {
			continue
		}
		switch t.dice.IntN(20) {
		case 0, 1, 2:
			t.void()
		case 3, 4, 5, 6:
			t.refund()
		case 7:
			t.settle()
		case 8, 9, 10:
			t.misbehave()
		default:
			t.sale()
		}
	}
}

// mend ends what is pending and settles the batch.
func (t *till) mend() error {
	for range 100 {
		if t.tidy() && len(t.refunds) == 0 && t.settle() {
			return nil
		}
		time.Sleep(5 * time.Second)
	}
	return fmt.Errorf("%s cannot end its day: reversal %v, %d refunds, settlement %v", t.id, t.undo != nil, len(t.refunds), t.settling != nil)
}

// tidy tries what is pending once more; false when a reversal is still in the way.
func (t *till) tidy() bool {
	if t.undo != nil && !t.reverse(t.undo) {
		return false
	}
	t.undo = nil
	var open []*row
	for _, r := range t.refunds {
		if t.sendRefund(r, true); r.state == unknown {
			open = append(open, r)
		}
	}
	t.refunds = open
	return true
}

// begin writes a row down before anything is sent.
func (t *till) begin(kind channel.Kind, minor int64, card string) *row {
	r := &row{slot: slot{t.id, t.batch, t.next()}, kind: kind, minor: minor, card: card, state: unknown}
	t.rows = append(t.rows, r)
	return r
}

// lean are the cards that pay without a PIN, most of them well.
var lean = []string{good, good, good, good, good, good, good, good, "test-duplicate", "test-duplicate",
	"test-late", "test-cut", "test-silent", "test-down", "test-expired", "test-low-funds"}

const good = "test-credit"

func (t *till) sale() {
	r := t.begin(channel.Sale, 1+t.dice.Int64N(20000), pick(t.dice, lean...))
	t.finish(r, func(repeat bool) { t.sendSale(r, repeat) })
	if r.state == approved {
		t.world.sold(t.shop, r)
	}
}

// finish sends what can be undone, perhaps again, and undoes it when nobody answers.
func (t *till) finish(r *row, send func(repeat bool)) {
	repeats := t.dice.IntN(3)
	for n := 0; n == 0 || n <= repeats && r.state == unknown; n++ {
		send(n > 0)
	}
	if r.state == unknown {
		t.undo = r
		t.tidy()
	}
}

func (t *till) sendSale(r *row, repeat bool) {
	got, heard := ask(t, fmt.Sprintf("sale %s %d %s", r.slot, r.minor, r.card), sayAttempt, func(e *payment.Engine) (payment.Attempt, error) {
		return e.Sale(t.world.ctx, t.world.saleRequest(t.source(r.slot), t.amount(r.minor), r.card))
	})
	t.judge(r, got, heard, repeat)
}

func (t *till) void() {
	of := t.mine(func(r *row) bool {
		return r.kind == channel.Sale && r.state == approved && r.batch == t.batch && !r.voided
	})
	if of == nil {
		return
	}
	r := t.begin(channel.Void, of.minor, of.card)
	r.of = of
	t.finish(r, func(repeat bool) {
		got, heard := ask(t, fmt.Sprintf("void %s %d of %s", r.slot, r.minor, of.slot), sayAttempt, func(e *payment.Engine) (payment.Attempt, error) {
			return e.Void(t.world.ctx, payment.ReturnRequest{Source: t.source(r.slot), Amount: t.amount(r.minor), Ref: of.ref, OriginalBatch: of.batch, OriginalTrace: of.trace})
		})
		t.judge(r, got, heard, repeat)
	})
	of.voided = r.state == approved
}

// refund gives back a part of any sale of the shop, whoever sold it.
func (t *till) refund() {
	of, ok := t.world.anySale(t.shop, t.dice)
	if !ok {
		return
	}
	minor := of.minor
	if t.dice.chance(0.7) {
		minor = 1 + t.dice.Int64N(of.minor)
	}
	r := t.begin(channel.Refund, minor, of.card)
	r.of = &of
	if t.sendRefund(r, false); r.state == unknown {
		t.refunds = append(t.refunds, r)
	}
}

func (t *till) sendRefund(r *row, repeat bool) {
	got, heard := ask(t, fmt.Sprintf("refund %s %d of %s", r.slot, r.minor, r.of.slot), sayAttempt, func(e *payment.Engine) (payment.Attempt, error) {
		asked := t.world.saleRequest(t.source(r.slot), t.amount(r.minor), r.card)
		return e.Refund(t.world.ctx, payment.ReturnRequest{Source: asked.Source, Amount: asked.Amount, Card: asked.Card, Token: asked.Facts.Token,
			Ref: r.of.ref, OriginalBatch: r.of.batch, OriginalTrace: r.of.trace})
	})
	t.judge(r, got, heard, repeat)
}

// reverse asks that a row be taken back; true when the host has answered for good.
func (t *till) reverse(r *row) bool {
	got, heard := ask(t, fmt.Sprintf("reversal %s %d", r.slot, r.minor), sayAttempt, func(e *payment.Engine) (payment.Attempt, error) {
		return e.Reverse(t.world.ctx, payment.ReversalRequest{Source: t.source(r.slot), Amount: t.amount(r.minor), Reason: "98"})
	})
	switch {
	case !heard:
		return false
	case got.err == nil, errors.Is(got.err, payment.ErrNotFound), errors.Is(got.err, payment.ErrState) && !r.regretted: // 00, 25 or 12
		r.state = reversed
		if r.of != nil {
			r.of.voided = false
		}
		return true
	case errors.Is(got.err, payment.ErrState): // it was approved, and cannot be taken back now
		r.state = approved
		return true
	}
	return false
}

// settle closes the batch; true when the host has answered. The totals must agree.
func (t *till) settle() bool {
	if t.undo != nil || len(t.refunds) > 0 {
		return false
	}
	if t.settling == nil {
		own := t.totals()
		t.settling = &own
	}
	own, batch := *t.settling, t.batch
	say := func(b payment.Batch) string { return fmt.Sprintf("balanced %v", b.Balanced()) }
	got, heard := ask(t, fmt.Sprintf("settlement of %06d", batch), say, func(e *payment.Engine) (payment.Batch, error) {
		return e.SettleBatch(t.world.ctx, t.source(slot{t.id, batch, 1}), own)
	})
	if !heard {
		return false
	}
	if got.err != nil {
		t.world.blame("%s: settlement of %06d: %v", t.id, batch, got.err)
	} else if !got.value.Balanced() {
		t.world.blame("%s: batch %06d: the till has %v, the host %v", t.id, batch, own, got.value.Host)
	}
	t.settling = nil
	t.batch = t.batch%terminal.LastBatch + 1
	return true
}

// mine draws one of the till's own rows; nil when none will do.
func (t *till) mine(good func(*row) bool) *row {
	var list []*row
	for _, r := range t.rows {
		if good(r) {
			list = append(list, r)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return pick(t.dice, list...)
}
