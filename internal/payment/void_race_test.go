package payment_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"hawker/internal/books"
	"hawker/internal/channel"
	"hawker/internal/payment"
	"hawker/internal/risk"
)

// TestScenario5AfterItsVoidNothingIsTakenAndItsRoomIsFreeOnce: what a void is to a sale,
// it will be to an authorization. What comes after it is refused, and the room that the
// sale held in the limits is given back once.
func TestScenario5AfterItsVoidNothingIsTakenAndItsRoomIsFreeOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.limit(risk.Limit{Method: payment.MethodCard, Daily: w.amount(1000)})
		sale := w.mustSale(1000)
		if v, err := w.void(sale); err != nil || v.State != payment.Approved {
			t.Fatalf("void: %s, %v", v.State, err)
		}
		asked := len(w.bank.seen)
		for name, late := range map[string]func() (payment.Attempt, error){
			"a second void":       func() (payment.Attempt, error) { return w.void(sale) },
			"a refund":            func() (payment.Attempt, error) { return w.refund(sale, 1000) },
			"a refund of a part":  func() (payment.Attempt, error) { return w.refund(sale, 1) },
			"the sale's reversal": func() (payment.Attempt, error) { return w.reverse(sale.Trace, 1000) },
		} {
			a, err := late()
			if err == nil && (a.State != payment.Declined || a.Reason != payment.ErrState.Name) || err != nil && !errors.Is(err, payment.ErrState) {
				t.Errorf("%s after the void: %s %s, %v", name, a.State, a.Reason, err)
			}
		}
		if n := len(w.bank.seen) - asked; n != 0 {
			t.Errorf("the bank was asked %d times", n)
		}
		w.mustSale(1000)
		if a, err := w.sale(1); err != nil || a.Reason != risk.ErrOverDay.Name {
			t.Errorf("the room was given back more than once: %s %s, %v", a.State, a.Reason, err)
		}
		w.agree()
	})
}

func TestScenario5OfVoidsRefundsAndReversalsAtOnceOneWins(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, bank := range []behaviour{approves, mute} { // in the end, or only when asked again
			w.limit(risk.Limit{Method: payment.MethodCard, Daily: w.amount(1000)})
			w.bank.always(approves)
			before, pending := w.bank.owes(), w.balance(books.Pending)
			sale := w.mustSale(1000)
			w.bank.always(bank)
			won := w.contest(sale)
			w.heal()
			w.agree()
			if len(won) > 1 || len(won) == 0 && bank == approves {
				t.Fatalf("these won: %v", won)
			}
			p, left := w.state(sale), w.bank.owes()-before
			switch {
			case (p == payment.Voided || p == payment.Reversed) && left == 0 && w.balance(books.Pending) == pending:
			case p == payment.Approved && left == 0 && won[channel.Void]+won[channel.Reversal] == 0: // refunded
			case p == payment.Approved && left == 1000 && bank == mute: // its void was taken back
			default:
				t.Fatalf("won %v, payment %s, bank owes %d", won, p, left)
			}
			if n := won[channel.Void] + won[channel.Refund]; n > 1 {
				t.Fatalf("these won: %v", won)
			}
			if p != payment.Approved {
				w.mustSale(1000)
			}
			if a, err := w.sale(1); err != nil || a.Reason != risk.ErrOverDay.Name {
				t.Errorf("won %v, payment %s: room for %s %s, %v", won, p, a.State, a.Reason, err)
			}
			w.pass(24 * hour) // another day's limit
			w.settled()
		}
	})
}

// contest asks for a sale to be voided, refunded and reversed, all at once and each many
// times, and counts what was accepted.
func (w *world) contest(sale payment.Attempt) map[channel.Kind]int {
	won := map[channel.Kind]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range 24 {
		r := w.returns(sale, sale.Amount.Minor())
		wg.Go(func() {
			<-start
			var kind channel.Kind
			var a payment.Attempt
			var err error
			switch i % 3 {
			case 0:
				kind = channel.Void
				a, err = w.engine.Void(context.Background(), r)
			case 1:
				kind = channel.Refund
				a, err = w.engine.Refund(context.Background(), r)
			default:
				kind = channel.Reversal
				_, err = w.engine.Reverse(context.Background(), payment.ReversalRequest{Source: w.at(sale.Trace), Amount: sale.Amount, Reason: "98"})
				a.State = payment.Approved // taken over
			}
			if err != nil && !errors.Is(err, payment.ErrState) {
				w.t.Errorf("%s: %v", kind, err)
			}
			if err == nil && a.State == payment.Approved {
				mu.Lock()
				won[kind]++
				mu.Unlock()
			}
		})
	}
	close(start)
	wg.Wait()
	return won
}
