package console

import (
	"context"
	"errors"

	"hawker/internal/auth"
	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/web"
)

// Prover lets whoever is signed in prove himself again.
type Prover interface {
	Account(ctx context.Context, m merchant.ID, id int64) (auth.Account, error)
	StepUp(ctx context.Context, who auth.Who, action auth.Action, object string, p auth.Proof) (auth.StepUp, error)
}

// operator refuses a merchant's people, who share some of the actions.
func operator(r *web.Request) error {
	if r.Who.Kind != auth.Operator {
		return auth.ErrForbidden
	}
	return nil
}

// asking is what the part "proof" of a form shows.
type asking struct {
	Means  []auth.Means
	Action auth.Action
	Object string
}

func (c *Console) asking(r *web.Request, action auth.Action, object string) (asking, error) {
	a, err := c.Guard.Account(r.Context(), r.Who.Merchant, r.Who.ID)
	return asking{a.StepUpMeans(), action, object}, err
}

// prove does something that may take a fresh proof. It is tried without one first: whatever else is wrong is told
// before somebody spends his one-time code on it.
func (c *Console) prove(r *web.Request, f *web.Form, action auth.Action, object string, do func(auth.StepUp) error) error {
	if err := do(auth.StepUp{}); !errors.Is(err, auth.ErrStepUp) {
		return err
	}
	proof, err := c.Guard.StepUp(r.Context(), r.Who, action, object, web.ProofOf(f))
	if err != nil {
		return err
	}
	return do(proof)
}

// proofs are the refusals that stand beside the proof.
var proofs = []error{auth.ErrStepUp, auth.ErrStepUpStale, auth.ErrProof, auth.ErrPIN, auth.ErrPasskey, auth.ErrHalfway, auth.ErrUnproven, auth.ErrLocked, auth.ErrTooOften}

// refused puts an error where it belongs in a form: under its field, at the proof, or above all; what is nobody's
// mistake there is given back.
func refused(f *web.Form, fields map[string][]error, err error) error {
	for name, list := range fields {
		for _, known := range list {
			if errors.Is(err, known) {
				f.Refuse(name, err)
				return nil
			}
		}
	}
	for _, known := range proofs {
		if errors.Is(err, known) {
			f.Refuse("proof", err)
			return nil
		}
	}
	switch fault.Of(err).Kind {
	case fault.Invalid, fault.Conflict, fault.Declined, fault.Limited:
		f.Refuse("", err)
		return nil
	}
	return err
}
