package iso

import (
	"context"

	"hawker/internal/iso8583"
	"hawker/internal/payment"
)

// offlineSale answers 0220/000000/30: a sale that the terminal has concluded. The card
// was there, its PIN was not: nobody could have verified it.
func (s *Server) offlineSale(ctx context.Context, c *call) error {
	if c.message.Has(52) {
		return errFormat.Wrap(&iso8583.FormatError{Field: 52, Expected: "no PIN in an offline sale", Got: "one"})
	}
	amount, err := c.amount()
	if err != nil {
		return err
	}
	presented, facts, err := s.card(ctx, c)
	if err != nil {
		return err
	}
	if presented.Entry == entrySwipe && c.service.wantsChip() && c.readsChips() {
		presented.Wipe()
		return errUseChip
	}
	a, err := s.Engine.OfflineSale(ctx, payment.SaleRequest{Source: c.source(), Amount: amount, Card: presented, Facts: facts})
	return s.settleAnswer(c, a, err)
}

// cashSale answers 0200/000000/36: a sale from the purse of a chip, which has approved it and
// proves that by its last cryptogram. Its counter may be behind what the bank saw of this card
// since: such sales are told late.
func (s *Server) cashSale(ctx context.Context, c *call) error {
	if c.message.Has(52) {
		return errFormat.Wrap(&iso8583.FormatError{Field: 52, Expected: "no PIN in an offline sale", Got: "one"})
	}
	amount, err := c.amount()
	if err != nil {
		return err
	}
	presented, facts, err := s.card(ctx, c)
	if err != nil {
		return err
	}
	if presented.Entry != entryChip && presented.Entry != entryContactless {
		err = errFormat.Wrap(&iso8583.FormatError{Field: 22, Expected: "a chip, 05 or 07", Got: "another entry"})
	} else {
		err = c.chip(&presented, tc)
	}
	if err != nil {
		presented.Wipe()
		return err
	}
	a, err := s.Engine.CashSale(ctx, payment.SaleRequest{Source: c.source(), Amount: amount, Card: presented, Facts: facts})
	return s.settleAnswer(c, a, err)
}

// adjust answers 0220/000000/32: less of a sale.
func (s *Server) adjust(ctx context.Context, c *call) error {
	return s.giveBack(ctx, c, s.Engine.Adjust)
}

// tip answers 0220/000000/34: more of a sale.
func (s *Server) tip(ctx context.Context, c *call) error { return s.giveBack(ctx, c, s.Engine.Tip) }
