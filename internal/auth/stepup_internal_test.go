package auth

import (
	"errors"
	"testing"
	"time"
)

func TestAProofIsForOnePersonOneActOneObjectAndOneUse(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)
	owner := Who{Kind: Staff, ID: 5, Merchant: 7, Role: Owner}
	fresh := func() StepUp { return newStepUp(owner, PaymentRefund, "payment/9", now) }
	other, operator := owner, owner
	other.ID, operator.Kind = 6, Operator
	for _, c := range []struct {
		name   string
		proof  StepUp
		who    Who
		action Action
		object string
		at     time.Time
		want   error
	}{
		{"as it was given", fresh(), owner, PaymentRefund, "payment/9", now.Add(time.Minute), nil},
		{"in its last instant", fresh(), owner, PaymentRefund, "payment/9", now.Add(5 * time.Minute), nil},
		{"no proof at all", StepUp{}, owner, PaymentRefund, "payment/9", now, ErrStepUp},
		{"another person", fresh(), other, PaymentRefund, "payment/9", now, ErrStepUp},
		{"the same number of another kind", fresh(), operator, PaymentRefund, "payment/9", now, ErrStepUp},
		{"another act", fresh(), owner, AccountWrite, "payment/9", now, ErrStepUp},
		{"another object", fresh(), owner, PaymentRefund, "payment/10", now, ErrStepUp},
		{"too late", fresh(), owner, PaymentRefund, "payment/9", now.Add(5*time.Minute + 1), ErrStepUpStale},
	} {
		if err := c.proof.Use(c.who, c.action, c.object, c.at); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
	p := fresh()
	if err := p.Use(owner, PaymentRefund, "payment/9", now); err != nil {
		t.Fatal(err)
	}
	if err := p.Use(owner, PaymentRefund, "payment/9", now); !errors.Is(err, ErrStepUpStale) {
		t.Errorf("the second use: %v", err)
	}
	p = fresh()
	if p.Use(other, PaymentRefund, "payment/9", now) == nil || p.Use(owner, PaymentRefund, "payment/9", now) != nil {
		t.Error("a stranger's try spent the proof")
	}
}
