package onboarding_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"hawker/internal/advice"
	"hawker/internal/audit"
	"hawker/internal/auth"
	"hawker/internal/fault"
	"hawker/internal/onboarding"
	"hawker/internal/papers"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

// prover signs an operator in who can prove himself again.
func (w *world) prover(role auth.Role) (who auth.Who, proof func(object string) auth.StepUp) {
	w.t.Helper()
	guard := must[*auth.Guard](w.t)(auth.Open(auth.Config{DB: w.DB, Keys: w.Keys, Clock: w.now, Site: "http://localhost:8080"}))
	from := auth.Origin{Address: "192.0.2.7"}
	link := must[string](w.t)(guard.FirstLink(w.ctx(), auth.NewAccount{Login: string(role), Name: "Ri", Role: role}))
	e, _, err := guard.OpenLink(w.ctx(), link, from)
	if err != nil {
		w.t.Fatal(err)
	}
	who = must[auth.Who](w.t)(guard.Find(w.ctx(), e.Token, from))
	enrolment, ticket, err := guard.NewTOTP(w.ctx(), who)
	if err != nil {
		w.t.Fatal(err)
	}
	code := func() string {
		w.pass(30 * time.Second)
		return must[string](w.t)(totp.GenerateCode(strings.ReplaceAll(enrolment.Secret, " ", ""), w.now()))
	}
	must[[]string](w.t)(guard.ConfirmTOTP(w.ctx(), who, ticket, code()))
	who.Enrolling = false
	return who, func(object string) auth.StepUp {
		return must[auth.StepUp](w.t)(guard.StepUp(w.ctx(), who, auth.RiskWrite, object, auth.Proof{Means: auth.ByTOTP, Code: code()}))
	}
}

func TestWhoIsPutOnTheListByAPersonIsFoundAndTakenOffAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ri, proof := w.prover(auth.Risk)
		v := w.values(advice.Micro)
		a := w.submitted(advice.Micro, v, "phone-1")
		w.verify(a)
		typed := v["id_number"][:6] + " " + v["id_number"][6:] // as people write it
		e := must[onboarding.Entry](t)(w.Enlist(t.Context(), ri, proof(onboarding.ListObject), onboarding.MarkPerson, typed, onboarding.Blocked, "卡组织教训名单", time.Time{}))
		if _, err := w.Approve(t.Context(), anna, w.decision(a.ID)); !errors.Is(err, onboarding.ErrBlocked) {
			t.Fatal("who is listed is boarded:", err)
		}
		list := must[[]onboarding.Entry](t)(onboarding.Entries(t.Context(), db.Read(), 9))
		if len(list) != 1 || list[0].Mark != e.Mark || list[0].By != onboarding.Name(ri) || !list[0].Holds(w.now()) {
			t.Errorf("%+v", list)
		}
		if err := w.Delist(t.Context(), ri, auth.StepUp{}, e.Kind, e.Mark, "误列"); !errors.Is(err, auth.ErrStepUp) {
			t.Error("taken off without a proof:", err)
		}
		if err := w.Delist(t.Context(), ri, proof(onboarding.ListObject), e.Kind, e.Mark, "误列"); !errors.Is(err, auth.ErrStepUp) {
			t.Error("taken off with the proof for another:", err)
		}
		if err := w.Delist(t.Context(), ri, proof(e.Object()), e.Kind, e.Mark, "误列，已核对"); err != nil {
			t.Fatal(err)
		}
		if err := w.Delist(t.Context(), ri, auth.StepUp{}, e.Kind, e.Mark, "误列，已核对"); !errors.Is(err, onboarding.ErrListNone) {
			t.Error("taken off twice:", err)
		}
		if got := must[onboarding.Application](t)(w.Approve(t.Context(), anna, w.decision(a.ID))); !got.State.Waiting() && got.State != onboarding.Approved {
			t.Error("after it:", got.State)
		}
		records := must[[]audit.Record](t)(audit.List(t.Context(), db.Read(), audit.Filter{What: "list."}))
		if len(records) != 2 || records[0].What != "list.off" || !strings.Contains(string(records[0].Before), "教训名单") || !strings.Contains(string(records[0].After), "误列") {
			t.Errorf("the trail: %+v", records)
		}
		for _, r := range records {
			if text := fmt.Sprintf("%s %s %s", r.Object, r.Before, r.After); strings.Contains(text, v["id_number"]) {
				t.Error("the trail holds the number itself:", text)
			}
		}
	})
}

func TestWhatMayNotBeListedIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ri, _ := w.prover(auth.Risk)
		phone := papers.MakeMobile(w.rand)
		for name, c := range map[string]struct {
			who                 auth.Who
			kind, value, ground string
			until               time.Time
			want                *fault.Fault
		}{
			"a reviewer":                {anna, onboarding.MarkPhone, phone, "骚扰电话", time.Time{}, auth.ErrForbidden},
			"a kind that people do not": {ri, onboarding.MarkTop, "00000000", "照片", time.Time{}, onboarding.ErrListKind},
			"no ground":                 {ri, onboarding.MarkPhone, phone, " ", time.Time{}, onboarding.ErrListReason},
			"the number as the ground":  {ri, onboarding.MarkPhone, phone, "电话 " + phone, time.Time{}, onboarding.ErrListReason},
			"until yesterday":           {ri, onboarding.MarkPhone, phone, "骚扰电话", w.now().Add(-24 * time.Hour), onboarding.ErrListUntil},
			"no device":                 {ri, onboarding.MarkDevice, " ", "平板", time.Time{}, onboarding.ErrListDevice},
			"no proof":                  {ri, onboarding.MarkPhone, phone, "骚扰电话", time.Time{}, auth.ErrStepUp},
		} {
			if _, err := w.Enlist(t.Context(), c.who, auth.StepUp{}, c.kind, c.value, onboarding.Blocked, c.ground, c.until); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := w.Enlist(t.Context(), ri, auth.StepUp{}, onboarding.MarkPerson, "110101199001010011", onboarding.Blocked, "名单", time.Time{}); fault.Of(err).Kind != fault.Invalid {
			t.Error("a wrong check digit:", err)
		}
		if list := must[[]onboarding.Entry](t)(onboarding.Entries(t.Context(), db.Read(), 9)); len(list) != 0 {
			t.Errorf("listed all the same: %+v", list)
		}
	})
}
