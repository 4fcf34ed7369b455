package app

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"hawker/internal/advice"
	"hawker/internal/cases"
	"hawker/internal/contract"
	"hawker/internal/merchant"
	"hawker/internal/onboarding"
	"hawker/internal/store"
)

func TestANewMerchantIsOfferedHisContractWithTheFeesHeWasShown(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, err := Start(ctx, Config{Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	m, err := seedMerchant()
	if err != nil {
		t.Fatal(err)
	}
	m.ID, m.MID = 7, "100290058120007"
	plan, err := s.boarding.office.Offer.FeePlan("simple", advice.Micro)
	if err != nil {
		t.Fatal(err)
	}
	now := s.Config.Clock()
	if err := s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := merchant.Add(ctx, tx, m, now); err != nil {
			return err
		}
		if err := onboarding.Record(ctx, tx, onboarding.Boarding{Merchant: m.ID, Kind: advice.Micro, Institution: example.Institution, Provider: example.Provider, FeePlan: "simple", Fees: plan.Fees, At: now}); err != nil {
			return err
		}
		return s.boarding.office.Boarded(ctx, tx, m)
	}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a job may run twice
		s.Jobs.RunDue(ctx)
		list, err := contract.Of(ctx, s.DB.Read(), m.ID)
		if err != nil || len(list) != 1 || list[0].State != contract.Offered || list[0].OfferedBy != "approval" || now.Sub(list[0].Offered) > time.Hour {
			t.Fatalf("%+v, %v", list, err)
		}
		doc, err := s.agreed.contracts.Document(ctx, list[0])
		if err != nil || len(doc.Rates) != len(plan.Fees) || len(plan.Fees) < 6 {
			t.Errorf("%d fees of %d, %v", len(doc.Rates), len(plan.Fees), err)
		}
		if err := s.DB.Write(ctx, func(tx *store.Tx) error { return s.offerLater(ctx, tx, m) }); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAnOfferThatFailsLeavesTheApprovalStanding tries to offer a contract under a licence that no
// register has: the merchant stays, and in the end a person is asked to offer by hand.
func TestAnOfferThatFailsLeavesTheApprovalStanding(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	var late atomic.Int64
	began := time.Now().UTC()
	s, err := Start(ctx, Config{Data: t.TempDir(), Clock: func() time.Time { return began.Add(time.Duration(late.Load())) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	m, err := seedMerchant()
	if err != nil {
		t.Fatal(err)
	}
	m.ID, m.MID = 7, "100290058120007"
	if err := s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := merchant.Add(ctx, tx, m, began); err != nil {
			return err
		}
		if err := onboarding.Record(ctx, tx, onboarding.Boarding{Merchant: m.ID, Kind: advice.Micro, Institution: "Z9999999999999", FeePlan: "simple", At: began}); err != nil {
			return err
		}
		return s.boarding.office.Boarded(ctx, tx, m)
	}); err != nil {
		t.Fatal(err)
	}
	for range offerTries {
		s.Jobs.RunDue(ctx)
		late.Add(int64(time.Hour))
	}
	list, err := contract.Of(ctx, s.DB.Read(), m.ID)
	if now, wrong := merchant.ByID(ctx, s.DB.Read(), m.ID); wrong != nil || now.State != merchant.Active || err != nil || len(list) != 0 {
		t.Errorf("merchant %+v, %v; contracts %+v, %v", now, wrong, list, err)
	}
	open, err := cases.List(ctx, s.DB.Read())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(open, func(c cases.Case) bool {
		return c.Merchant == int64(m.ID) && c.Kind == jobOffer+" exhausted" && c.Ref == m.MID
	}) {
		t.Errorf("nobody is asked: %+v", open)
	}
}
