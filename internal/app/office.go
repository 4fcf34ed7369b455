package app

import (
	"context"

	"hawker/internal/auth"
	"hawker/internal/door/office"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/web"
)

// office is the merchant's back office.
func (s *Server) office() web.Door {
	return office.New(office.Config{DB: s.DB, Engine: s.Engine, Fees: s.Fees, Clock: s.Config.Clock, Log: s.Config.Log,
		Receipt: func(ctx context.Context, p payment.Payment) (string, error) {
			return s.receipts.Link(ctx, p.Merchant, p.ID)
		}, Prove: s.proveRefund}).Door()
}

// place is what stands in the corner of the pages that somebody works in: his merchant's name.
func (s *Server) place(ctx context.Context, who auth.Who) string {
	if who.Merchant == 0 {
		return ""
	}
	m, err := merchant.ByID(ctx, s.DB.Read(), who.Merchant)
	if err != nil {
		s.Config.Log.Error("whose place is this", "merchant", who.Merchant, "err", err)
		return ""
	}
	return m.NameZH
}

// proveRefund wants a fresh proof for a refund of more than the merchant lets his people give back without.
func (s *Server) proveRefund(r *web.Request, f *web.Form, amount money.Amount, object string) (means []auth.Means, err error) {
	policy, err := s.Guard.Policy(r.Context(), r.Who.Merchant)
	if err != nil || amount.Minor() <= policy.RefundFree {
		return nil, err
	}
	a, err := s.Guard.Account(r.Context(), r.Who.Merchant, r.Who.ID)
	if err != nil {
		return nil, err
	}
	proof, err := s.Guard.StepUp(r.Context(), r.Who, auth.PaymentRefund, object, web.ProofOf(f))
	if err != nil {
		return a.StepUpMeans(), err
	}
	return a.StepUpMeans(), proof.Use(r.Who, auth.PaymentRefund, object, s.Config.Clock())
}
