package pos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hawker/internal/card"
	"hawker/internal/iso8583"
	"hawker/internal/money"
	"hawker/internal/sandbox/cards"
)

// CashSale takes amount out of the electronic purse of the card's chip, which approves it by
// itself and proves that: the line may be down. From then on the payment stands, and the host
// is told of it now or later, until it has answered; Unknown says that it has not. It is never
// reversed. ErrNoPurse and ErrPurse say why nothing was taken; so does every other error.
func (t *Terminal) CashSale(ctx context.Context, amount money.Amount, p Presented) (Result, error) {
	return t.run(func(s *session) (Result, error) {
		p.PIN = card.PIN{} // nobody could verify it
		left, err := s.purse(p)
		if err != nil {
			return Result{}, err
		}
		if err := errors.Join(checkAmount(amount), s.state.permit(amount, p)); err != nil {
			return Result{}, err
		}
		if amount.Minor() > left.Minor() {
			return Result{}, ErrPurse.because(fmt.Errorf("%s of %s", amount, left))
		}
		if p := s.state.Settling; p != nil && !p.Answered {
			return Result{}, ErrSettling // which batch it would belong to is not known
		}
		c, err := s.admit(&p, zero())
		if err != nil {
			return Result{}, err
		}
		defer c.remove()
		m := s.state.request(CashSale, s.state.Trace, s.state.Batch)
		defer wipe(m)
		putAmount(m, amount)
		p.put(m, s.state.copyOfCards())
		if err := c.spend(m, s.now()); err != nil {
			return Result{}, errors.Join(err, s.commit(c.keep))
		}
		tx := Transaction{Kind: CashSale, Amount: amount, MaskedPAN: p.Card.PAN.String(), Entry: p.Entry, NoProof: true}
		tx.Chip, tx.ICC = c.facts(c.online, "TC"), ending{last: c.online}.keepICC()
		tx.Left, _ = p.Card.Chip.Left(c.play.Memory())
		return s.forward(ctx, m, c, tx)
	})
}

// Purse shows what the electronic purse of a card's chip holds. Nothing is sent.
func (t *Terminal) Purse(_ context.Context, p Presented) (Result, error) {
	return t.run(func(s *session) (Result, error) {
		left, err := s.purse(p)
		if err != nil {
			return Result{}, err
		}
		r := s.state.report(Transaction{Kind: Purse, State: Accepted, Batch: s.state.Batch, MaskedPAN: p.Card.PAN.String(), Entry: p.Entry, Time: s.now()})
		r.Available = left
		return r, nil
	})
}

// purse is what the chip that is offered has in its purse.
func (s *session) purse(p Presented) (money.Amount, error) {
	if err := p.check(); err != nil {
		return money.Amount{}, err
	}
	if p.Entry != Chip && p.Entry != Contactless {
		return money.Amount{}, ErrNoPurse.because(fmt.Errorf("the card was offered by %s", p.Entry))
	}
	left, has := p.Card.Chip.Left(s.state.Chips[p.Card.Name])
	if !has {
		return left, ErrNoPurse
	}
	return left, nil
}

// spend has the chip approve m by itself, out of its purse, and puts field 55 into m.
func (c *chip) spend(m *iso8583.Message, at time.Time) error {
	c.offline = true
	a, err := c.generate(m, at, c.play.Spend)
	if err == nil && a.Info != cards.TC {
		err = ErrPurse.because(errors.New("the chip declined"))
	}
	return err
}

// forward writes down what stands already, and tells the host of it when that is possible.
func (s *session) forward(ctx context.Context, m *iso8583.Message, c *chip, tx Transaction) (Result, error) {
	open, err := s.open(m, &tx)
	if err != nil {
		return Result{}, err
	}
	if err := s.commit(func(st *state) {
		st.Trace = after(st.Trace)
		st.Rows, st.Refunds = append(st.Rows, tx), append(st.Refunds, open)
		c.keep(st)
	}); err != nil {
		return Result{}, err
	}
	err = s.ready(ctx)
	if err == nil {
		_, err = s.repeat(ctx, open)
	}
	if err != nil {
		s.think("the host is told later: %v", err)
	}
	return s.state.report(*s.state.row(tx.Batch, tx.Trace)), nil
}

// forwardLate tells the host, which has just answered something else, of purses' payments that it has not heard of.
func (s *session) forwardLate(ctx context.Context) {
	for _, open := range s.state.Refunds {
		if open.kind() != CashSale || !s.state.SignedOn {
			continue
		}
		if _, err := s.repeat(ctx, open); err != nil {
			s.think("the host is told later: %v", err)
			return
		}
	}
}
