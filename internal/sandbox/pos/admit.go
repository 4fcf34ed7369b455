package pos

import (
	"errors"
	"fmt"
	"time"

	"hawker/internal/money"
	"hawker/internal/sandbox/cards"
)

// contactlessFree is the most that a contactless payment takes without PIN and
// signature, in minor units of a currency (China: 1,000.00 since 2018-06). A
// currency without a row has no such payments.
var contactlessFree = map[money.Currency]int64{money.CNY: 1_000_00}

// fallbackWithin is how long after a chip that did not answer its stripe is taken instead.
const fallbackWithin = 3 * time.Minute

// mute remembers the chip that did not answer last.
type mute struct {
	Card string    `json:"card"` // by name
	At   time.Time `json:"at"`
}

// admit looks at how a card is offered, before anything is sent: a stripe that says
// "use the chip" is taken only after the chip did not answer, and is then a
// Fallback; a contactless payment over the limit wants a PIN. The chip returned is
// nil when the card shows none.
func (s *session) admit(p *Presented, amount money.Amount) (*chip, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	switch p.Entry {
	case Swipe:
		if !p.Card.Chip.Only {
			return nil, nil
		}
		if m := s.state.Mute; m == nil || m.Card != p.Card.Name || s.now().Sub(m.At) > fallbackWithin {
			return nil, ErrUseChip
		}
		p.Entry = Fallback
		return nil, s.commit(func(st *state) { st.Mute = nil })
	case Contactless:
		if p.PIN.IsZero() && amount.Minor() > contactlessFree[amount.Currency()] {
			return nil, ErrNeedPIN.because(fmt.Errorf("%s is over the limit for contactless payments without a PIN", amount))
		}
	case Chip:
	default:
		return nil, nil
	}
	return s.insert(*p)
}

// insert begins a transaction of the card's chip.
func (s *session) insert(p Presented) (*chip, error) {
	play, err := p.Card.Insert(s.state.Chips[p.Card.Name], s.state.copyOfCards())
	switch {
	case errors.Is(err, cards.ErrMute):
		failed := &mute{Card: p.Card.Name, At: s.now()}
		return nil, errors.Join(ErrChipMute.because(err), s.commit(func(st *state) { st.Mute = failed }))
	case err != nil:
		return nil, ErrChip.because(err)
	}
	return &chip{card: p.Card, play: play, contactless: p.Entry == Contactless}, nil
}

// keep writes down what the chip will remember: a transaction counter that was
// used once must never be used again, whatever becomes of the payment.
func (c *chip) keep(st *state) {
	if c != nil {
		c.keepAs(st, c.play.Memory())
	}
}

func (c *chip) keepAs(st *state, m cards.Memory) {
	if st.Chips == nil {
		st.Chips = map[string]cards.Memory{}
	}
	st.Chips[c.card.Name] = m
}

// remove takes the card out of the reader.
func (c *chip) remove() {
	if c != nil {
		c.play.Remove()
	}
}

// copyOfCards is the sequence number of the copies that this terminal carries.
func (s *state) copyOfCards() int { return max(1, s.Copy) }
