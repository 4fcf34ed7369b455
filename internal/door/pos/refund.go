package pos

import (
	"encoding/json"
	"errors"
	"net/http"

	"hawker/internal/auth"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/web"
)

func (s *Screen) refund(r *web.Request) (web.Response, error) {
	var w struct {
		Key    string `json:"key"`
		ID     string `json:"id"`
		Amount int64  `json:"amount"`
		Reason string `json:"reason"`
		Proof  struct {
			Means  auth.Means      `json:"means"`
			Code   string          `json:"code"`
			Ticket string          `json:"ticket"` // of a passkey's question
			Answer json.RawMessage `json:"answer"` // to it
		} `json:"proof"`
	}
	if err := read(r, &w); err != nil {
		return nil, err
	}
	p, err := s.payment(r)
	if err != nil {
		return nil, err
	}
	m, err := s.merchant(r)
	if err != nil {
		return nil, err
	}
	back, err := amount(w.Amount, m.Currency)
	if err != nil {
		return nil, err
	}
	// What was begun under the key stands, and took its proof: whoever asks again did not hear of it.
	switch _, err := payment.RefundByKey(r.Context(), s.DB.Read(), m, device(r), w.Key, s.Clock()); {
	case errors.Is(err, payment.ErrNotFound):
		if err := s.proven(r, p, back, auth.Proof(w.Proof)); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	}
	a, err := s.Payments.GiveBack(r.Context(), payment.RefundOrder{Merchant: m, Device: device(r), Key: w.Key, Payment: p.ID, Amount: back, Reason: w.Reason})
	if err != nil {
		return nil, err
	}
	if p, err = payment.Get(r.Context(), s.DB.Read(), p.Merchant, p.ID); err != nil {
		return nil, err
	}
	v, err := s.full(r, p)
	if err != nil {
		return nil, err
	}
	if v.Refund = string(a.State); a.State == payment.Declined {
		v.RefundReason = reason(r, a)
	}
	return answer(v)
}

// proven returns nil when the amount may be given back without a fresh proof, or there is one.
func (s *Screen) proven(r *web.Request, p payment.Payment, back money.Amount, proof auth.Proof) error {
	if s.Guard == nil {
		return nil
	}
	rules, err := s.Guard.Policy(r.Context(), p.Merchant)
	if err != nil || back.Minor() <= rules.RefundFree {
		return err
	}
	object := objectOf(p)
	fresh, err := s.Guard.StepUp(r.Context(), r.Who, auth.PaymentRefund, object, proof)
	if err != nil {
		return err
	}
	return fresh.Use(r.Who, auth.PaymentRefund, object, s.Clock())
}

// objectOf is what a refund's proof is for.
func objectOf(p payment.Payment) string { return "payment/" + payment.Ref(p.ID) }

// ways are the means by which whoever asks can prove himself for a refund, the strongest first.
func (s *Screen) ways(r *web.Request) (web.Response, error) {
	if _, err := s.payment(r); err != nil {
		return nil, err
	}
	if s.Guard == nil {
		return nil, errAbsent
	}
	a, err := s.Guard.Account(r.Context(), r.Who.Merchant, r.Who.ID)
	if err != nil {
		return nil, err
	}
	return answer(map[string]any{"means": append([]auth.Means{}, a.StepUpMeans()...), "lib": r.Asset("lib/webauthn.js")})
}

// question asks the browser for a passkey, as a proof for a refund of one payment.
func (s *Screen) question(r *web.Request) (web.Response, error) {
	p, err := s.payment(r)
	if err != nil {
		return nil, err
	}
	if s.Guard == nil {
		return nil, errAbsent
	}
	q, err := s.Guard.AskStepUp(r.Context(), r.Who, auth.PaymentRefund, objectOf(p))
	if err != nil {
		return nil, err
	}
	return web.JSON(http.StatusOK, q), nil
}
