package iso

import (
	"context"

	"hawker/internal/iso8583"
	"hawker/internal/payment"
)

// preauth answers 0100/030000/10.
func (s *Server) preauth(ctx context.Context, c *call) error { return s.take(ctx, c, s.Engine.Preauth) }

// preauthVoid answers 0100/200000/11.
func (s *Server) preauthVoid(ctx context.Context, c *call) error {
	return s.onHold(ctx, c, s.Engine.PreauthVoid)
}

// complete answers 0200/000000/20.
func (s *Server) complete(ctx context.Context, c *call) error {
	return s.onHold(ctx, c, s.Engine.Complete)
}

// completeNotice answers 0220/000000/24.
func (s *Server) completeNotice(ctx context.Context, c *call) error {
	return s.onHold(ctx, c, s.Engine.CompleteNotice)
}

// completionVoid answers 0200/200000/21.
func (s *Server) completionVoid(ctx context.Context, c *call) error {
	return s.giveBack(ctx, c, s.Engine.CompletionVoid)
}

// onHold reads what points at a pre-authorization: the card, its authorization code
// (F38), and its batch and trace (F61) unless they are zeros.
func (s *Server) onHold(ctx context.Context, c *call, do func(context.Context, payment.HoldRequest) (payment.Attempt, error)) error {
	amount, err := c.amount()
	if err != nil {
		return err
	}
	f61, err := iso8583.ParseField61(c.message.Text(61))
	if err != nil {
		return formatFault(err)
	}
	presented, facts, err := s.card(ctx, c)
	if err != nil {
		return err
	}
	a, err := do(ctx, payment.HoldRequest{Source: c.source(), Amount: amount, AuthCode: c.message.Text(38),
		OriginalBatch: number(f61.Batch), OriginalTrace: number(f61.Trace), Card: presented, Facts: facts})
	return s.settleAnswer(c, a, err)
}
