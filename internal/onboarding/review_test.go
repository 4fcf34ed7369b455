package onboarding_test

import (
	"bytes"
	"errors"
	"image/jpeg"
	"slices"
	"testing"
	"time"

	"hawker/internal/advice"
	"hawker/internal/institution"
	"hawker/internal/merchant"
	"hawker/internal/onboarding"
	"hawker/internal/papers"
	"hawker/internal/picture"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestAnAccountIsProvenByASmallAmount(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		v := w.values(advice.Micro)
		a := w.filled(advice.Micro, v, "")
		for range 3 { // pressed again, it is the same check
			if c := must[onboarding.AccountCheck](t)(w.SendCheck(t.Context(), a.ID)); c.State != "sent" {
				t.Fatalf("check is %s", c.State)
			}
		}
		lines := w.bank.Statement(v["account"])
		if len(lines) != 1 || lines[0].Amount.Minor() < 1 || lines[0].Amount.Minor() > 99 || lines[0].Holder != v["holder"] {
			t.Fatalf("arrived %+v", lines)
		}
		for try, want := range []error{onboarding.ErrAmountWrong, onboarding.ErrAmountWrong, onboarding.ErrCheckOver} {
			if _, err := w.AnswerCheck(t.Context(), a.ID, cny(100)); !errors.Is(err, want) {
				t.Errorf("wrong amount %d: %v", try+1, err)
			}
		}
		if _, err := w.AnswerCheck(t.Context(), a.ID, lines[0].Amount); !errors.Is(err, onboarding.ErrCheckOver) {
			t.Errorf("after three wrong ones: %v", err)
		}
		w.verify(a)
		// Another account must be proven by itself.
		if _, _, err := w.Save(t.Context(), a.ID, onboarding.Values{"account": w.card()}); err != nil {
			t.Fatal(err)
		}
		other := must[onboarding.Values](t)(w.Values(t.Context(), db.Read(), a))
		if c := must[onboarding.AccountCheck](t)(w.AccountCheck(t.Context(), db.Read(), a, other)); c.Verified() || c.State != "" {
			t.Errorf("another account is %s", c.State)
		}
		must[onboarding.AccountCheck](t)(w.SendCheck(t.Context(), a.ID))
		w.pass(73 * time.Hour)
		if _, err := w.AnswerCheck(t.Context(), a.ID, w.bank.Statement(other["account"])[0].Amount); !errors.Is(err, onboarding.ErrCheckOver) {
			t.Errorf("after three days: %v", err)
		}
	})
}

// cardOf is a card whose two digits before the last are as told.
func (w *world) cardOf(class string) string {
	for {
		if c := papers.MakeCard(w.rand); c[len(c)-3:len(c)-1] == class {
			return c
		}
	}
}

func TestABankThatRefusesOrIsSilentIsSaidSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	send := func(class string) (onboarding.Application, error) {
		v := w.values(advice.Micro)
		v["account"] = w.cardOf(class)
		a := w.filled(advice.Micro, v, "")
		_, err := w.SendCheck(t.Context(), a.ID)
		return a, err
	}
	if _, err := send("90"); !errors.Is(err, onboarding.ErrBankRefused) {
		t.Errorf("a closed account: %v", err)
	}
	a, err := send("92")
	if !errors.Is(err, onboarding.ErrBankSilent) {
		t.Fatalf("a silent bank: %v", err)
	}
	if c, err := w.SendCheck(t.Context(), a.ID); err != nil || c.State != "sent" {
		t.Errorf("asked again: %+v, %v", c, err)
	}
	v := must[onboarding.Values](t)(w.Values(t.Context(), w.DB.Read(), a))
	if lines := w.bank.Statement(v["account"]); len(lines) != 1 {
		t.Errorf("sent %d times", len(lines))
	}
	empty, _, err := w.Start(t.Context(), onboarding.Beginning{Kind: advice.Micro, Needs: needs(advice.Micro), Model: "reader", FeePlan: "simple"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.SendCheck(t.Context(), empty.ID); !errors.Is(err, onboarding.ErrNoAccount) {
		t.Errorf("without an account: %v", err)
	}
}

func (w *world) approved(v onboarding.Values) onboarding.Application {
	w.t.Helper()
	a := w.submitted(advice.Sole, v, "")
	w.verify(a)
	return must[onboarding.Application](w.t)(w.Approve(w.ctx(), anna, w.decision(a.ID)))
}

func TestAMerchantsChangeIsReviewedAndHoldsOnlyThen(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		v := w.values(advice.Sole)
		a := w.approved(v)
		if _, _, err := w.Submit(t.Context(), a.ID); !errors.Is(err, onboarding.ErrNothing) {
			t.Errorf("a change of nothing: %v", err)
		}
		wrong, _, err := w.Save(t.Context(), a.ID, onboarding.Values{"shop": "小满饺子馆", "mcc": "5814", "account": w.card(), "id_number": string(papers.MakeID(w.rand, onboardingDay))})
		if err != nil || !errors.Is(wrong["id_number"], onboarding.ErrLocked) || len(wrong) != 1 {
			t.Fatalf("save: %v, %v", wrong, err)
		}
		wrong, a, err = w.Submit(t.Context(), a.ID)
		if err != nil || len(wrong) > 0 || a.State != onboarding.ReReview {
			t.Fatalf("change: %v, %s, %v", wrong, a.State, err)
		}
		name := func() string {
			return must[merchant.Merchant](t)(merchant.ByID(t.Context(), db.Read(), a.Merchant)).NameZH
		}
		if name() != "小满面馆" || a.Shop != "小满面馆" {
			t.Error("the change holds before it is approved")
		}
		c := must[onboarding.Case](t)(w.Review(t.Context(), anna, a.ID))
		if !slices.Equal(c.Changed, []string{"account", "mcc", "shop"}) || c.Before["shop"] != "小满面馆" {
			t.Errorf("changed %v from %v", c.Changed, c.Before["shop"])
		}
		if _, err := w.Approve(t.Context(), anna, w.decision(a.ID)); !errors.Is(err, onboarding.ErrNotVerified) {
			t.Errorf("another account, unproven: %v", err)
		}
		s := must[onboarding.Settlement](t)(w.SettlementOf(t.Context(), a.Merchant, "system/0", "payout"))
		if s.Account != v["account"] {
			t.Error("the payout would go to the account that is not approved")
		}
		w.verify(a)
		a = must[onboarding.Application](t)(w.Approve(t.Context(), anna, w.decision(a.ID)))
		m := must[merchant.Merchant](t)(merchant.ByID(t.Context(), db.Read(), a.Merchant))
		if a.State != onboarding.Approved || m.NameZH != "小满饺子馆" || m.MCC != "5814" || a.Stands != 2 {
			t.Errorf("after approval: %+v, %+v", a, m)
		}
		// A change that is refused leaves what stood, and nothing of itself.
		if _, _, err := w.Save(t.Context(), a.ID, onboarding.Values{"shop": "坏店名"}); err != nil {
			t.Fatal(err)
		}
		_, a, _ = w.Submit(t.Context(), a.ID)
		d := w.decision(a.ID)
		d.Reasons = []string{"business_false"}
		a = must[onboarding.Application](t)(w.Reject(t.Context(), boris, d))
		values := must[onboarding.Values](t)(w.Values(t.Context(), db.Read(), a))
		if a.State != onboarding.Approved || name() != "小满饺子馆" || values["shop"] != "小满饺子馆" || a.Revision != a.Stands {
			t.Errorf("after refusal: %s, %s, %+v", name(), values["shop"], a)
		}
	})
}

func codes(list []onboarding.Finding) (out []string) {
	for _, f := range list {
		out = append(out, f.Code)
	}
	slices.Sort(out)
	return out
}

func TestWhatApplicantsShareIsFoundFirst(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		first := w.values(advice.Micro)
		a := w.submitted(advice.Micro, first, "phone-1")
		if c := must[onboarding.Case](t)(w.Review(t.Context(), anna, a.ID)); len(c.Findings) != 0 || len(c.Items) != 3 {
			t.Errorf("an honest applicant: %+v, %+v", c.Findings, c.Items)
		}
		second := w.values(advice.Micro)
		second["phone"], second["account"] = first["phone"], first["account"]
		b := w.submitted(advice.Micro, second, "phone-1")
		c := must[onboarding.Case](t)(w.Review(t.Context(), anna, b.ID))
		if !slices.Equal(codes(c.Findings), []string{"account", "phone"}) || c.Grade != onboarding.High || c.Findings[0].With[0].Number != a.Number {
			t.Errorf("account and telephone of another: %+v", c.Findings)
		}
		// The first is graded anew: alone it was harmless.
		if again := must[onboarding.Application](t)(onboarding.ByID(t.Context(), db.Read(), a.ID)); again.Grade != onboarding.High {
			t.Errorf("the first is still %s", again.Grade)
		}
	})
}

func TestWhoIsListedIsNotBoarded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	v := w.values(advice.Micro)
	a := w.submitted(advice.Micro, v, "")
	w.verify(a)
	if err := w.List(t.Context(), onboarding.MarkPerson, v["id_number"], onboarding.Blocked, "教训名单", "operator/1", time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Approve(t.Context(), anna, w.decision(a.ID)); !errors.Is(err, onboarding.ErrBlocked) {
		t.Errorf("listed since: %v", err)
	}
	if err := w.List(t.Context(), onboarding.MarkPerson, v["id_number"], onboarding.Blocked, "", "operator/1", w.now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	must[onboarding.Application](t)(w.Approve(t.Context(), anna, w.decision(a.ID)))
	// A provider's tablet is known: what it sends is not held against anybody.
	if err := w.List(t.Context(), onboarding.MarkDevice, "tablet", onboarding.Known, "服务商平板", "operator/1", time.Time{}); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		b := w.submitted(advice.Micro, w.values(advice.Micro), "tablet")
		if b.Grade != onboarding.Low {
			t.Errorf("from a known device: %s", b.Grade)
		}
	}
}

func TestThePhotosOfAnotherAreRecognised(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	photo := w.photo()
	for range 2 {
		a := w.filled(advice.Micro, w.values(advice.Micro), "")
		must[onboarding.Application](t)(w.PutPhoto(t.Context(), a.ID, "front", photo))
		if _, _, err := w.Submit(t.Context(), a.ID); err != nil {
			t.Fatal(err)
		}
	}
	list, _, err := w.Queue(t.Context(), onboarding.Filter{Grade: onboarding.High})
	if err != nil || len(list) != 2 {
		t.Fatalf("%d are graded high, %v", len(list), err)
	}
	c := must[onboarding.Case](t)(w.Review(t.Context(), anna, list[1].ID))
	if !slices.Equal(codes(c.Findings), []string{"look"}) {
		t.Errorf("findings %+v", c.Findings)
	}
}

func TestAPhotoIsShownWithAWatermarkAndTheLookIsWrittenDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	a := w.submitted(advice.Micro, w.values(advice.Micro), "")
	shown := must[[]byte](t)(w.Show(t.Context(), anna, a.ID, "id_front"))
	kept := must[[]byte](t)(w.Picture(t.Context(), w.DB.Read(), a, "id_front"))
	if _, err := jpeg.Decode(bytes.NewReader(shown)); err != nil || bytes.Equal(shown, kept) {
		t.Errorf("shown as it is kept, or broken: %v", err)
	}
	must[onboarding.Case](t)(w.Review(t.Context(), boris, a.ID))
	views := must[[]onboarding.View](t)(onboarding.Views(t.Context(), w.DB.Read(), a.ID, 10))
	if len(views) != 2 || views[0].Who != "operator/4" || views[1].What != "photo/id_front" || views[1].Purpose != "review" {
		t.Errorf("views %+v", views)
	}
	if _, err := w.Show(t.Context(), anna, a.ID, "no such"); !errors.Is(err, onboarding.ErrUnknown) {
		t.Errorf("no such photo: %v", err)
	}
	if _, err := w.PutPhoto(t.Context(), a.ID, "front", []byte("%PDF-1.7")); !errors.Is(err, picture.ErrFormat) {
		t.Errorf("a PDF: %v", err)
	}
}

func TestTheQueueIsInOrderOfItsTimeAndPagesThroughAll(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		var want []onboarding.ID
		for range 5 {
			want = append(want, w.submitted(advice.Micro, w.values(advice.Micro), "").ID)
			w.pass(time.Minute)
		}
		w.filled(advice.Micro, w.values(advice.Micro), "") // a draft is nobody's business
		var got []onboarding.ID
		var after onboarding.Cursor
		for range 4 {
			list, more, err := w.Queue(t.Context(), onboarding.Filter{After: after, Limit: 2})
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range list {
				got = append(got, a.ID)
			}
			if after = more; more.ID == 0 {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		w.pass(25 * time.Hour)
		late, _, err := w.Queue(t.Context(), onboarding.Filter{Late: true})
		if err != nil || len(late) != 5 {
			t.Errorf("%d are late, %v", len(late), err)
		}
		for text, n := range map[string]int{"小满": 5, "满": 0, "%": 0, late[0].Number: 1} {
			if list, _, err := w.Queue(t.Context(), onboarding.Filter{Text: text}); err != nil || len(list) != n {
				t.Errorf("%q finds %d, %v", text, len(list), err)
			}
		}
		counts := must[[]onboarding.Count](t)(w.Counts(t.Context()))
		if !slices.Equal(counts, []onboarding.Count{{State: onboarding.Draft, All: 1}, {State: onboarding.Submitted, All: 5, Late: 5}}) {
			t.Errorf("counts %+v", counts)
		}
	})
}

func TestWhenTheFilingEndsNobodyNewIsBoarded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	a := w.submitted(advice.Micro, w.values(advice.Micro), "")
	w.verify(a)
	late := w.filled(advice.Micro, w.values(advice.Micro), "")
	w.pass(24 * time.Hour * 433) // the filing ends in 2028-02
	if _, _, err := w.Submit(t.Context(), late.ID); !errors.Is(err, institution.ErrExpiring) {
		t.Errorf("submitted: %v", err)
	}
	if _, err := w.Approve(t.Context(), anna, w.decision(a.ID)); !errors.Is(err, institution.ErrExpiring) {
		t.Errorf("approved: %v", err)
	}
}

func TestMerchantNumbersAreUsedUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	if err := w.DB.Write(t.Context(), func(tx *store.Tx) error { return onboarding.SetSeries(t.Context(), tx, "mid/10029005812", 9998) }); err != nil {
		t.Fatal(err)
	}
	for _, want := range []error{nil, onboarding.ErrSeries} {
		a := w.submitted(advice.Micro, w.values(advice.Micro), "")
		w.verify(a)
		if _, err := w.Approve(t.Context(), anna, w.decision(a.ID)); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}
