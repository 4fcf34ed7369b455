package auth

import (
	"sync/atomic"
	"time"

	"hawker/internal/fault"
)

// Refusals of what takes a fresh proof.
var (
	ErrStepUp      = fault.New(fault.Forbidden, "step_up_needed", "这一步需要再确认一次是您本人：指纹、人脸、动态码或 PIN。", "This step needs you to prove once more that it is you: by fingerprint, face, one-time code or PIN.")
	ErrStepUpStale = fault.New(fault.Forbidden, "step_up_stale", "刚才的身份确认已过期或已用过，请再确认一次。", "Your last proof has expired or was used. Please prove once more that it is you.")
)

// StepUp is proof that whoever acts has shown again, a moment ago, that it is he: for
// one action on one object, for one use. Only this package makes one that holds; a
// function that does what cannot be undone takes it as an argument and calls Use.
type StepUp struct {
	kind   Kind
	id     int64
	action Action
	object string
	until  time.Time
	spent  *atomic.Bool
}

// stepUpLasts is how long a proof holds.
const stepUpLasts = 5 * time.Minute

// newStepUp makes a proof from now on.
func newStepUp(who Who, action Action, object string, now time.Time) StepUp {
	return StepUp{who.Kind, who.ID, action, object, now.Add(stepUpLasts), new(atomic.Bool)}
}

// Use spends the proof: nil if it is this person's, for this action on this object,
// fresh and unused. The zero StepUp, and one for anything else, is ErrStepUp; an old
// or spent one ErrStepUpStale.
func (p StepUp) Use(who Who, action Action, object string, now time.Time) error {
	switch {
	case p.spent == nil:
		return ErrStepUp
	case p.kind != who.Kind || p.id != who.ID || p.action != action || p.object != object:
		return ErrStepUp.With("proof of %s %d for %s on %q, used by %s %d for %s on %q", p.kind, p.id, p.action, p.object, who.Kind, who.ID, action, object)
	case now.After(p.until) || !p.spent.CompareAndSwap(false, true):
		return ErrStepUpStale
	}
	return nil
}
