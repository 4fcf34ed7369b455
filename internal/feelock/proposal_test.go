package feelock

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"hawker/internal/auth"
	"hawker/internal/events"
	"hawker/internal/fault"
	"hawker/internal/store/storetest"
)

func TestEveryStepOfAProposalIsInTheTableOrRefused(t *testing.T) {
	t.Parallel()
	states := []State{Proposed, Approved, Announced, Consented, Refused, Rejected, Withdrawn, Lapsed}
	want := map[State]string{Proposed: "approve reject withdraw", Approved: "announce withdraw lapse", Announced: "accept refuse withdraw lapse"}
	for _, s := range states {
		for _, e := range []Event{Approve, Reject, Announce, Accept, Refuse, Withdraw, Lapse} {
			if _, ok := moves[s][e]; ok != strings.Contains(" "+want[s]+" ", " "+string(e)+" ") {
				t.Errorf("%s in %s: %v", e, s, ok)
			}
		}
		if s.Ended() != (want[s] == "") {
			t.Errorf("%s is ended: %v", s, s.Ended())
		}
	}
}

func TestAHigherFeeHoldsWithConsentFromItsDateOn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := w.announced(Draft{Rate: w.rate(debit, 55, 0, 2000), From: noon.Add(32 * day)})
		if p.State != Announced || !p.Announced.Equal(noon) || p.Approver != "operator/2" {
			t.Fatalf("%+v", p)
		}
		if len(w.phone.sent) != 1 || !strings.Contains(w.phone.sent[0].Text.ZH, "从 0.50 CNY 变为 0.55 CNY") || !strings.Contains(w.phone.sent[0].Text.EN, "the fee was 0.50 CNY and would be 0.55 CNY") {
			t.Errorf("%+v", w.phone.sent)
		}
		told, err := Notices(t.Context(), w.db.Read(), 7, p.ID)
		if err != nil || len(told) != 2 {
			t.Error("told by", told, err)
		}
		w.now = noon.Add(10 * day)
		if p, err = w.agree(p, w.seen(p)); err != nil || p.State != Consented {
			t.Fatal(p.State, err)
		}
		w.mustFee(debit, 50)
		w.now = p.From.Add(-time.Microsecond)
		w.mustFee(debit, 50)
		w.now = p.From
		w.mustFee(debit, 55)
		w.mustFee(credit, 60)
		w.jobs.RunDue(t.Context()) // its date's job finds it ended
		list, err := w.book.History(t.Context(), 7, w.m.Currency)
		if err != nil || len(list) != 3 || list[1].Version != 2 || list[1].Kind != Agreed || list[1].By != "Wang" || list[1].Object != p.Object() || list[1].Document != w.seen(p) || list[2].Kind != Opening {
			t.Errorf("%+v, %v", list, err)
		}
		happened, err := events.After(t.Context(), w.db.Read(), 7, 0, 10)
		if err != nil || len(happened) != 2 || happened[0].Kind != "fee.proposed" || happened[1].Kind != "fee.agreed" {
			t.Errorf("%+v, %v", happened, err)
		}
		if _, err := w.agree(p, w.seen(p)); !errors.Is(err, ErrState) {
			t.Error("agreed twice:", err)
		}
	})
}

func TestWithoutConsentTheOldFeeStays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		silent := w.announced(Draft{Rate: w.rate(debit, 55, 0, 2000), From: noon.Add(32 * day)})
		no := w.announced(Draft{Rate: w.rate(credit, 80, 10, 0), From: noon.Add(32 * day), Otherwise: End})
		if _, err := w.book.Refuse(t.Context(), owner, w.m, no.ID, "太贵"); err != nil {
			t.Fatal(err)
		}
		if n := w.cases(CaseEnding); n != 1 {
			t.Errorf("%d contracts end", n)
		}
		w.now = noon.Add(33 * day)
		if _, err := w.agree(silent, w.seen(silent)); !errors.Is(err, ErrState) {
			t.Error("agreed after its date:", err)
		}
		w.jobs.RunDue(t.Context())
		if p := w.proposal(silent.ID); p.State != Lapsed || p.EndedBy != "system" {
			t.Errorf("%+v", p)
		}
		if p := w.proposal(no.ID); p.State != Refused || p.Remark != "太贵" {
			t.Errorf("%+v", p)
		}
		w.mustFee(debit, 50)
		w.mustFee(credit, 60)
		if n := w.cases(CaseEnding); n != 1 {
			t.Errorf("%d contracts end, though silence keeps this one", n)
		}
		if _, err := w.agree(silent, w.seen(silent)); !errors.Is(err, ErrState) {
			t.Error("agreed to what had lapsed:", err)
		}
	})
}

func TestNoticeIsThirtyDaysBeforeAtLeast(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		up, down := w.rate(debit, 55, 0, 2000), w.rate(debit, 45, 0, 2000)
		for _, c := range []struct {
			name  string
			draft Draft
			want  *fault.Fault
		}{
			{"a year ahead", Draft{Rate: up, From: noon.AddDate(1, 0, 0)}, nil},
			{"with a day for the channels", Draft{Rate: up, From: noon.Add(31 * day)}, nil},
			{"without a day for the channels", Draft{Rate: up, From: noon.Add(31*day - time.Microsecond)}, ErrSooner},
			{"tomorrow", Draft{Rate: up, From: noon.Add(day)}, ErrSooner},
			{"tomorrow, with a reason, but dearer", Draft{Rate: up, From: noon.Add(day), Early: "we want the money"}, ErrSooner},
			{"lower, tomorrow, without a reason", Draft{Rate: down, From: noon.Add(day)}, ErrSooner},
			{"lower, tomorrow, with a reason", Draft{Rate: down, From: noon.Add(day), Early: "a festival offer"}, nil},
			{"lower, yesterday", Draft{Rate: down, From: noon.Add(-time.Hour), Early: "a festival offer"}, ErrSooner},
			{"a lower rate and a higher cap is not lower", Draft{Rate: w.rate(debit, 45, 0, 2001), From: noon.Add(day), Early: "a festival offer"}, ErrSooner},
			{"a lower rate without the cap is not lower", Draft{Rate: w.rate(debit, 45, 0, 0), From: noon.Add(day), Early: "a festival offer"}, ErrSooner},
			{"a lower rate and a minimum is not lower", Draft{Rate: w.rate(debit, 45, 1, 2000), From: noon.Add(day), Early: "a festival offer"}, ErrSooner},
			{"the same", Draft{Rate: w.rate(debit, 50, 0, 2000), From: noon.Add(40 * day)}, ErrSame},
			{"no terms", Draft{Rate: w.rate(debit, 10001, 0, 0), From: noon.Add(40 * day)}, ErrTerms},
			{"a line that has not begun", Draft{Rate: w.rate(Line{"wechat", ""}, 38, 0, 0), From: noon.Add(40 * day)}, ErrNone},
			{"a reason that is none", Draft{Rate: up, From: noon.Add(40 * day), Reason: " x  "}, ErrReason},
			{"a reason without end", Draft{Rate: up, From: noon.Add(40 * day), Reason: strings.Repeat("长", 501)}, ErrReason},
			{"what happens otherwise is unknown", Draft{Rate: up, From: noon.Add(40 * day), Otherwise: "apply"}, ErrReason},
		} {
			p, err := w.propose(c.draft)
			if (c.want == nil) != (err == nil) || (c.want != nil && !errors.Is(err, c.want)) {
				t.Errorf("%s: %v", c.name, err)
			}
			if err == nil {
				if _, err := w.propose(c.draft); !errors.Is(err, ErrOpen) {
					t.Errorf("%s: a second one beside it: %v", c.name, err)
				}
				if _, err := w.book.Withdraw(t.Context(), finance, w.m, p.ID, "only a test"); err != nil {
					t.Error(err)
				}
			}
		}
		w.mustFee(debit, 50)
	})
}

func TestALowerFeeComesSoonerOnlyWithConsentAndLaterByItself(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		early := w.announced(Draft{Rate: w.rate(debit, 40, 0, 2000), From: noon.Add(2 * day), Early: "a festival offer"})
		byItself := w.announced(Draft{Rate: w.rate(credit, 55, 10, 0), From: noon.Add(32 * day)})
		if early.State != Announced || byItself.State != Consented {
			t.Fatal(early.State, byItself.State)
		}
		w.now = noon.Add(day)
		if _, err := w.agree(early, w.seen(early)); err != nil {
			t.Fatal(err)
		}
		w.now = noon.Add(2 * day)
		w.mustFee(debit, 40)
		w.mustFee(credit, 60)
		w.now = noon.Add(32 * day)
		w.mustFee(credit, 55)
		// Back to what it was is a raise like any other.
		if _, err := w.propose(Draft{Rate: w.rate(debit, 50, 0, 2000), From: w.now.Add(day), Early: "the offer is over"}); !errors.Is(err, ErrSooner) {
			t.Error(err)
		}
	})
}

func TestAProposalTakesTwoOperatorsWhoMay(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx, d := t.Context(), Draft{Rate: w.rate(debit, 55, 0, 2000), From: noon.Add(40 * day), Reason: "the network costs more"}
		for name, who := range map[string]auth.Who{"support": op(3, auth.Support), "the auditor": op(4, auth.Auditor), "the merchant": owner, "nobody": {}} {
			if _, err := w.book.Propose(ctx, who, w.m, d); !errors.Is(err, auth.ErrForbidden) {
				t.Errorf("%s proposed: %v", name, err)
			}
		}
		p, err := w.propose(d)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.book.Approve(ctx, finance, w.m, p.ID); !errors.Is(err, ErrFourEyes) {
			t.Error("approved by its proposer:", err)
		}
		if _, err := w.book.Reject(ctx, finance, w.m, p.ID, "not this one"); !errors.Is(err, ErrFourEyes) {
			t.Error("rejected by its proposer:", err)
		}
		for name, who := range map[string]auth.Who{"a reviewer": op(3, auth.Reviewer), "the merchant": owner} {
			if _, err := w.book.Approve(ctx, who, w.m, p.ID); !errors.Is(err, auth.ErrForbidden) {
				t.Errorf("%s approved: %v", name, err)
			}
		}
		if list, err := Of(ctx, w.db.Read(), 7); err != nil || len(list) != 0 {
			t.Error("the merchant sees what nobody approved:", list, err)
		}
		if _, err := w.book.Refuse(ctx, owner, w.m, p.ID, ""); !errors.Is(err, ErrState) {
			t.Error("refused before it was told:", err)
		}
		if _, err := w.agree(p, w.seen(p)); !errors.Is(err, ErrState) {
			t.Error("agreed before it was told:", err)
		}
		if _, err := w.book.Reject(ctx, second, w.m, p.ID, "no reason for it"); err != nil {
			t.Error(err)
		}
		if _, err := w.book.Approve(ctx, second, w.m, p.ID); !errors.Is(err, ErrState) {
			t.Error("approved after it was rejected:", err)
		}
		w.jobs.RunDue(ctx)
		if len(w.phone.sent) != 0 {
			t.Error("the merchant was told")
		}
		stranger := w.m
		stranger.ID = 8
		if _, err := w.book.Approve(ctx, second, stranger, p.ID); !errors.Is(err, ErrNone) {
			t.Error("found under another merchant:", err)
		}
	})
}

func TestAWithdrawnProposalIsOver(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := w.announced(Draft{Rate: w.rate(debit, 55, 0, 2000), From: noon.Add(32 * day)})
		if _, err := w.book.Withdraw(t.Context(), finance, w.m, p.ID, "we found another way"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.agree(p, w.seen(p)); !errors.Is(err, ErrState) {
			t.Error(err)
		}
		w.now = noon.Add(33 * day)
		w.jobs.RunDue(t.Context())
		w.mustFee(debit, 50)
		if p := w.proposal(p.ID); p.State != Withdrawn {
			t.Error(p.State)
		}
	})
}

func TestEveryChannelMustTakeTheNotice(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.phone.broken = true
		late := w.announced(Draft{Rate: w.rate(debit, 55, 0, 2000), From: noon.Add(32 * day)})
		if late.State != Approved {
			t.Fatal("announced though a channel is dead:", late.State)
		}
		if _, err := w.agree(late, w.seen(late)); !errors.Is(err, ErrState) {
			t.Error(err)
		}
		w.phone.broken = false
		w.now = noon.Add(day)
		w.jobs.RunDue(t.Context())
		if p := w.proposal(late.ID); p.State != Announced || !p.Announced.Equal(w.now) {
			t.Errorf("the thirty days run from the last notice: %+v", p)
		}
		w.phone.broken = true
		never := w.announced(Draft{Rate: w.rate(credit, 65, 10, 0), From: w.now.Add(32 * day)})
		w.phone.broken = false
		w.now = w.now.Add(2*day + time.Second) // 30 days are not left
		w.jobs.RunDue(t.Context())
		if p := w.proposal(never.ID); p.State != Lapsed {
			t.Error("announced too late:", p.State)
		}
	})
}

func TestConsentIsToTheTextThatWasTold(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := w.announced(Draft{Rate: w.rate(debit, 55, 0, 2000), From: noon.Add(32 * day)})
		seen := w.seen(p)
		if _, err := w.agree(p, [32]byte{1}); !errors.Is(err, ErrOtherText) {
			t.Error("consent to another text:", err)
		}
		stranger := owner
		stranger.Merchant = 8
		if _, err := w.book.Agree(t.Context(), stranger, auth.StepUp{}, w.m, p.ID, seen); !errors.Is(err, auth.ErrForeign) {
			t.Error("another merchant's owner:", err)
		}
		if _, err := w.book.Agree(t.Context(), owner, auth.StepUp{}, w.m, p.ID, seen); !errors.Is(err, auth.ErrStepUp) {
			t.Error("without a proof:", err)
		}
		// Somebody changes the proposal in the table after the merchant was told.
		w.sql(`UPDATE fee_proposals SET basis_points = 99 WHERE proposal_id = $1`, p.ID)
		for _, hash := range [][32]byte{seen, w.seen(w.proposal(p.ID))} {
			if _, err := w.agree(p, hash); !errors.Is(err, ErrOtherText) {
				t.Error("a changed proposal was agreed to:", err)
			}
		}
		w.sql(`UPDATE fee_proposals SET basis_points = 55, effective_from = $1 WHERE proposal_id = $2`, noon.Add(3*day).UnixMicro(), p.ID)
		if _, err := w.agree(p, w.seen(w.proposal(p.ID))); !errors.Is(err, ErrOtherText) {
			t.Error("a date brought forward was agreed to:", err)
		}
		w.mustFee(debit, 50)
	})
}

func TestConsentAndWithdrawalAtOnceOneWins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.Postgres(t))
	for i := range 8 {
		p := w.announced(Draft{Rate: w.rate(debit, 60, 0, int64(2001+i)), From: w.now.Add(32 * day)})
		seen := w.seen(p)
		var agreed, withdrawn error
		var wg sync.WaitGroup
		wg.Go(func() { _, agreed = w.agree(p, seen) })
		wg.Go(func() { _, withdrawn = w.book.Withdraw(context.Background(), finance, w.m, p.ID, "only a test") })
		wg.Wait()
		if (agreed == nil) == (withdrawn == nil) {
			t.Fatalf("agreed: %v, withdrawn: %v", agreed, withdrawn)
		}
		plans, err := w.book.Plans(t.Context(), 7, w.m.Currency, debit)
		if err != nil || (plans[0].Terms().Cap.Minor() == int64(2001+i)) != (agreed == nil) {
			t.Fatal(plans, err)
		}
		w.now = w.now.Add(33 * day)
	}
}
