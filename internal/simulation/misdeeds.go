package simulation

import (
	"errors"
	"fmt"

	"hawker/internal/channel"
	"hawker/internal/payment"
	"hawker/internal/terminal"
)

// misbehave does what the protocol allows but a good terminal hardly does, or what it
// does not allow. The host must take it, or refuse it, without losing money.
func (t *till) misbehave() {
	sale := func(r *row) bool { return r.kind == channel.Sale && r.state == approved }
	if voided := t.mine(func(r *row) bool { return sale(r) && r.voided }); voided != nil && t.dice.chance(0.5) {
		t.undoTwice(voided)
		return
	}
	switch t.dice.IntN(7) {
	case 0, 1: // take back what was approved, even after settlement
		t.regret(t.mine(func(r *row) bool { return sale(r) && !r.voided || r.kind == channel.Void && r.state == approved }))
	case 2: // a reversal that overtakes its sale
		t.overtake()
	case 3: // a sale of long ago once more
		t.repeat(t.mine(sale))
	case 4: // another sale under the number of an old one
		t.reuse(t.mine(sale))
	case 5: // a sale into a batch that is not open
		t.wrongBatch()
	case 6: // more than was paid
		t.refundTooMuch()
	}
}

// regret takes an approved row back.
func (t *till) regret(r *row) {
	if r == nil {
		return
	}
	r.state, r.regretted = unknown, true
	t.undo = r
	t.tidy()
}

// overtake has a sale reversed before it is sent.
func (t *till) overtake() {
	r := t.begin(channel.Sale, 777, good)
	if !t.reverse(r) {
		t.undo = r
		return
	}
	r.state = unknown
	if t.sendSale(r, false); r.state == approved {
		t.world.blame("%s: a sale was approved after its reversal", r.slot)
	}
	r.state = reversed
}

// repeat sends a decided sale again: it has one answer.
func (t *till) repeat(r *row) {
	if r == nil {
		return
	}
	got, heard := t.sayAgain(r, r.minor)
	if heard && (got.err != nil || got.value.Ref() != r.ref || got.value.State != payment.Approved) {
		t.world.blame("%s: repeated, it is %s, %v", r.slot, sayAttempt(got.value), got.err)
	}
}

// reuse sends another sale under an old one's number.
func (t *till) reuse(r *row) {
	if r == nil {
		return
	}
	if got, heard := t.sayAgain(r, r.minor+1); heard && !errors.Is(got.err, payment.ErrReused) {
		t.world.blame("%s: its number was used again: %s, %v", r.slot, sayAttempt(got.value), got.err)
	}
}

func (t *till) sayAgain(r *row, minor int64) (answer[payment.Attempt], bool) {
	return ask(t, fmt.Sprintf("sale %s %d again", r.slot, minor), sayAttempt, func(e *payment.Engine) (payment.Attempt, error) {
		return e.Sale(t.world.ctx, t.world.saleRequest(t.source(r.slot), t.amount(minor), r.card))
	})
}

// wrongBatch asks for a sale in the batch before the open one.
func (t *till) wrongBatch() {
	s := slot{t.id, (t.batch+terminal.LastBatch-2)%terminal.LastBatch + 1, t.next()}
	got, heard := ask(t, fmt.Sprintf("sale %s 888 late", s), sayAttempt, func(e *payment.Engine) (payment.Attempt, error) {
		return e.Sale(t.world.ctx, t.world.saleRequest(t.source(s), t.amount(888), good))
	})
	if heard && got.err == nil {
		t.world.blame("%s: a sale was taken into a batch that is not open", s)
	}
}

// refundTooMuch asks for one unit more than the sale was.
func (t *till) refundTooMuch() {
	of, ok := t.world.anySale(t.shop, t.dice)
	if !ok {
		return
	}
	r := t.begin(channel.Refund, of.minor+1, of.card)
	r.of = &of
	if t.sendRefund(r, false); r.state == approved {
		t.world.blame("%s: refunded %d of %d", r.slot, r.minor, of.minor)
	} else if r.state == unknown {
		t.refunds = append(t.refunds, r)
	}
}

// undoTwice asks for the reversal of a voided sale. Nothing of it stands, so whatever the
// answer is, nothing changes.
func (t *till) undoTwice(r *row) {
	ask(t, fmt.Sprintf("untimely reversal %s %d", r.slot, r.minor), sayAttempt, func(e *payment.Engine) (payment.Attempt, error) {
		return e.Reverse(t.world.ctx, payment.ReversalRequest{Source: t.source(r.slot), Amount: t.amount(r.minor), Reason: "06"})
	})
}
