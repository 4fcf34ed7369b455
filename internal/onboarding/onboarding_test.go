package onboarding_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"hawker/internal/advice"
	"hawker/internal/auth"
	"hawker/internal/institution"
	"hawker/internal/merchant"
	"hawker/internal/onboarding"
	"hawker/internal/papers"
	"hawker/internal/risk"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/subject"
)

var update = flag.Bool("update", false, "rewrite what is printed into the docs")

func TestAnApplicantBecomesAMerchant(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for _, k := range advice.Kinds {
			a := w.submitted(k, w.values(k), "")
			if a.State != onboarding.Submitted || a.Grade != onboarding.Low || !a.Due.Equal(w.now().Add(24*time.Hour)) {
				t.Fatalf("%s: %+v", k, a)
			}
			if _, err := w.Approve(t.Context(), anna, w.decision(a.ID)); !errors.Is(err, onboarding.ErrNotVerified) {
				t.Fatalf("approved without a verified account: %v", err)
			}
			w.verify(a)
			a, err := w.Approve(t.Context(), anna, w.decision(a.ID))
			if err != nil || a.State != onboarding.Approved || a.Merchant < 1_000_001 {
				t.Fatalf("%s: %+v, %v", k, a, err)
			}
			m := must[merchant.Merchant](t)(merchant.ByID(t.Context(), db.Read(), a.Merchant))
			if !strings.HasPrefix(m.MID, "10029005812") || len(m.MID) != 15 || m.NameZH != "小满面馆" || m.MCC != "5812" || m.State != merchant.Active {
				t.Errorf("merchant %+v", m)
			}
			stores := must[[]merchant.Store](t)(merchant.Stores(t.Context(), db.Read(), m.ID))
			orders := must[[]onboarding.Order](t)(onboarding.Orders(t.Context(), db.Read(), m.ID))
			if len(stores) != 1 || stores[0].Region != "310000" || len(orders) != 1 || orders[0].Model != "reader" || orders[0].Price != 19900 {
				t.Errorf("stores %+v, orders %+v", stores, orders)
			}
			b := must[onboarding.Boarding](t)(onboarding.BoardingOf(t.Context(), db.Read(), m.ID))
			if b.Application != a.ID || b.Institution != "Z0000000000001" || b.Provider != "F000000000001" || !slices.Contains(b.Fees, advice.Fee{Method: "wechat", Rate: 38}) {
				t.Errorf("boarding %+v", b)
			}
			if err := db.Write(t.Context(), func(tx *store.Tx) error { return w.Subjects.Shred(t.Context(), tx, a.ID.Subject()) }); !errors.Is(err, subject.ErrHeld) {
				t.Errorf("a merchant's identity can be shredded: %v", err)
			}
		}
		if _, all, err := onboarding.Affected(t.Context(), db.Read(), institution.Provider, "F000000000001", 2); err != nil || all != 3 {
			t.Errorf("the provider's end concerns %d, %v", all, err)
		}
	})
}

func TestAMicroMerchantIsCapped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	a := w.submitted(advice.Micro, w.values(advice.Micro), "")
	w.verify(a)
	a = must[onboarding.Application](t)(w.Approve(t.Context(), anna, w.decision(a.ID)))
	for _, c := range []struct {
		kind   string
		amount int64
		want   error
	}{{"credit", 1000_00, nil}, {"credit", 1, risk.ErrOverDay}, {"debit", 5000_00, nil}, {"debit", 5000_01, risk.ErrOverPayment}} {
		err := w.DB.Write(t.Context(), func(tx *store.Tx) error {
			desk := risk.NewDesk(tx)
			if _, err := desk.Assess(t.Context(), risk.Facts{Merchant: int64(a.Merchant), Attempt: 1, Method: "card", CardKind: c.kind, Amount: cny(c.amount), Day: 20261125}); err != nil {
				return err
			}
			return desk.Write(t.Context())
		})
		if !errors.Is(err, c.want) {
			t.Errorf("%s of %d: %v", c.kind, c.amount, err)
		}
	}
}

func TestEveryStateMeetsEveryEvent(t *testing.T) {
	t.Parallel()
	states := []onboarding.State{onboarding.Draft, onboarding.Submitted, onboarding.Endorsed, onboarding.Correcting, onboarding.Approved, onboarding.Rejected, onboarding.ReReview, onboarding.Withdrawn}
	events := []onboarding.Event{onboarding.Submit, onboarding.Ask, onboarding.Endorse, onboarding.Approve, onboarding.Reject, onboarding.Change, onboarding.Resubmit, onboarding.Keep, onboarding.Reopen, onboarding.Withdraw}
	if len(onboarding.Moves) != len(states) {
		t.Errorf("%d states have moves", len(onboarding.Moves))
	}
	// What is lawful before there is a merchant, and after, written out by hand.
	lawful := map[string]onboarding.State{
		"draft submit fresh": "submitted", "draft withdraw fresh": "withdrawn",
		"submitted ask fresh": "correcting", "submitted endorse fresh": "endorsed", "submitted approve fresh": "approved", "submitted reject fresh": "rejected", "submitted withdraw fresh": "withdrawn",
		"submitted ask stood": "correcting", "submitted endorse stood": "endorsed", "submitted approve stood": "approved",
		"endorsed ask fresh": "correcting", "endorsed approve fresh": "approved", "endorsed reject fresh": "rejected", "endorsed withdraw fresh": "withdrawn",
		"endorsed ask stood": "correcting", "endorsed approve stood": "approved", "endorsed keep stood": "approved",
		"correcting submit fresh": "submitted", "correcting withdraw fresh": "withdrawn", "correcting resubmit stood": "re-review", "correcting keep stood": "approved",
		"approved change stood": "re-review", "rejected reopen fresh": "draft", "rejected withdraw fresh": "withdrawn",
		"re-review ask fresh": "correcting", "re-review endorse fresh": "endorsed", "re-review approve fresh": "approved",
		"re-review ask stood": "correcting", "re-review endorse stood": "endorsed", "re-review approve stood": "approved", "re-review keep stood": "approved",
	}
	for _, s := range states {
		for _, e := range events {
			for name, stood := range map[string]bool{"fresh": false, "stood": true} {
				key := fmt.Sprintf("%s %s %s", s, e, name)
				to, err := onboarding.Next(s, e, stood)
				if want, ok := lawful[key]; ok != (err == nil) || to != want {
					t.Errorf("%s: %q, %v", key, to, err)
				}
				if err != nil && !errors.Is(err, onboarding.ErrState) {
					t.Errorf("%s: %v", key, err)
				}
			}
		}
	}
}

// TestTheDocsShowTheMovesAsTheyAre holds docs/application-states.md, which is printed from the table.
func TestTheDocsShowTheMovesAsTheyAre(t *testing.T) {
	t.Parallel()
	const file = "../../docs/application-states.md"
	var table, drawing strings.Builder
	order := []onboarding.State{onboarding.Draft, onboarding.Submitted, onboarding.Endorsed, onboarding.Correcting, onboarding.Approved, onboarding.ReReview, onboarding.Rejected}
	for _, from := range order {
		for _, e := range slices.Sorted(maps.Keys(onboarding.Moves[from])) {
			fmt.Fprintf(&table, "| %s | %s | %s |\n", from, e, onboarding.Moves[from][e])
			fmt.Fprintf(&drawing, "    %s --> %s: %s\n", strings.ReplaceAll(string(from), "-", ""), strings.ReplaceAll(string(onboarding.Moves[from][e]), "-", ""), e)
		}
	}
	text := "# The life of an application\n\nPrinted from `internal/onboarding/state.go` by `go test ./internal/onboarding -run Docs -update`. What is absent is refused as a conflict.\n" +
		"`change`, `resubmit` and `keep` are for merchants, `submit`, `reject`, `reopen` and `withdraw` for those who are not yet.\n\n| from | event | to |\n|---|---|---|\n" + table.String() +
		"\n```mermaid\nstateDiagram-v2\n    [*] --> draft\n" + drawing.String() + "```\n"
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != text {
		t.Fatalf("%s is not what the table says; run with -update (%v)", file, err)
	}
}

func TestWhatIsWrongIsSaidNextToItsFieldAndNothingIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	a, secret, err := w.Start(t.Context(), onboarding.Beginning{Kind: advice.Micro, Needs: needs(advice.Micro), Model: "soundbox", FeePlan: "simple"})
	if err != nil {
		t.Fatal(err)
	}
	bad := w.values(advice.Micro)
	bad["id_number"], bad["shop"], bad["phone"], bad["uscc"] = "110105194912310021", "<script>alert(1)</script>", "12345", "9144030071526726XG"
	wrong, a, err := w.Save(t.Context(), a.ID, bad)
	if err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]error{"id_number": onboarding.ErrConsent, "account": onboarding.ErrConsent, "shop": papers.ErrText, "phone": papers.ErrMobile} {
		if !errors.Is(wrong[field], want) {
			t.Errorf("%s: %v", field, wrong[field])
		}
	}
	v := must[onboarding.Values](t)(w.Values(t.Context(), w.DB.Read(), a))
	if v["phone"] != "12345" || v["shop"] != bad["shop"] || v["id_number"] != "" || v["account"] != "" || v["uscc"] != "" {
		t.Errorf("kept %v", v) // what is wrong is kept; what needs consent, or is not asked of this kind, is not
	}
	if wrong, _, err := w.Submit(t.Context(), a.ID); err != nil || wrong["id_number"] == nil || wrong["id_front"] == nil || wrong["inside"] != nil {
		t.Errorf("submitted: %v, %v", wrong, err)
	}
	again := must[onboarding.Application](t)(w.Open(t.Context(), secret))
	if again.ID != a.ID || again.State != onboarding.Draft {
		t.Errorf("on another device it is %+v", again)
	}
	for _, s := range []string{"", "x", strings.Repeat("a", 32)} {
		if _, err := w.Open(t.Context(), s); !errors.Is(err, onboarding.ErrUnknown) {
			t.Errorf("%q opened: %v", s, err)
		}
	}
}

func TestFieldsAreHeldAgainstEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	photos := map[string]bool{"id_front": true, "id_back": true, "front": true, "inside": true, "licence_photo": true}
	for _, c := range []struct {
		name   string
		kind   advice.Kind
		change onboarding.Values
		field  string
		want   error
	}{
		{"as it should be", advice.Micro, nil, "", nil},
		{"a sole trader too", advice.Sole, nil, "", nil},
		{"a company too", advice.Company, nil, "", nil},
		{"somebody else's account", advice.Micro, onboarding.Values{"account_holder": "别人"}, "account_holder", onboarding.ErrHolder},
		{"a micro merchant with a corporate account", advice.Micro, onboarding.Values{"account_kind": "corporate"}, "account_kind", onboarding.ErrPersonal},
		{"a company with a personal account", advice.Company, onboarding.Values{"account_kind": "personal"}, "account_kind", onboarding.ErrCorporate},
		{"a corporate account in another name", advice.Company, onboarding.Values{"account_holder": "别的公司"}, "account_holder", onboarding.ErrHolderLicence},
		{"a card number that is mistyped", advice.Micro, onboarding.Values{"account": "6224242900000114"}, "account", papers.ErrCard},
		{"a company's code for a sole trader", advice.Sole, onboarding.Values{"uscc": "9144030071526726XG"}, "uscc", papers.ErrUSCCKind},
		{"an ID card that has expired", advice.Micro, onboarding.Values{"id_until": "2026-11-24"}, "id_until", papers.ErrExpired},
		{"a licence that has expired", advice.Sole, onboarding.Values{"licence_until": "2020-01-01"}, "licence_until", papers.ErrExpired},
		{"a business that is not boarded", advice.Micro, onboarding.Values{"mcc": "7995"}, "mcc", papers.ErrMCCNo},
		{"no owner of a company", advice.Company, onboarding.Values{"owner": ""}, "owner", onboarding.ErrMissing},
		{"coordinates that are none", advice.Micro, onboarding.Values{"location": "NaN,121"}, "location", onboarding.ErrPlace},
	} {
		v := w.values(c.kind)
		maps.Copy(v, c.change)
		wrong := onboarding.Check(c.kind, v, photos, onboardingDay)
		if c.want == nil && len(wrong) > 0 || c.want != nil && (len(wrong) != 1 || !errors.Is(wrong[c.field], c.want)) {
			t.Errorf("%s: %v", c.name, wrong)
		}
	}
}

func TestOnePersonHasOneApplicationUnderReviewWhoeverIsFaster(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		v := w.values(advice.Micro)
		ids := []onboarding.ID{w.filled(advice.Micro, v, "").ID, w.filled(advice.Micro, v, "").ID}
		errs := make(chan error, 2)
		for _, id := range ids {
			go func() { _, _, err := w.Submit(t.Context(), id); errs <- err }()
		}
		one, two := <-errs, <-errs
		if (one == nil) == (two == nil) || !errors.Is(errors.Join(one, two), onboarding.ErrTwice) {
			t.Fatalf("got %v and %v", one, two)
		}
		for _, id := range ids { // the other waits until the first has its result
			a := must[onboarding.Application](t)(onboarding.ByID(t.Context(), db.Read(), id))
			if a.State == onboarding.Submitted {
				d := w.decision(id)
				d.Reasons = []string{"no_answer"}
				must[onboarding.Application](t)(w.Reject(t.Context(), anna, d))
			}
		}
		open := 0
		for _, id := range ids {
			if _, a, err := w.Submit(t.Context(), id); err == nil && a.State == onboarding.Submitted {
				open++
			}
		}
		if open != 1 {
			t.Errorf("%d are under review", open)
		}
	})
}

func TestConsentIsGivenByItselfAndCanBeTakenBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		a := w.filled(advice.Micro, w.values(advice.Micro), "")
		a = must[onboarding.Application](t)(w.Agree(t.Context(), a.ID, onboarding.Identity, false))
		v := must[onboarding.Values](t)(w.Values(t.Context(), db.Read(), a))
		photos := must[[]onboarding.Photo](t)(onboarding.Photos(t.Context(), db.Read(), a))
		if v["id_number"] != "" || v["id_until"] != "" || v["account"] == "" || v["phone"] == "" || len(photos) != 1 || photos[0].Name != "front" {
			t.Errorf("after it was taken back: %v, %+v", v, photos)
		}
		if _, err := w.PutPhoto(t.Context(), a.ID, "id_front", w.photo()); !errors.Is(err, onboarding.ErrConsent) {
			t.Errorf("a photo without consent: %v", err)
		}
		if _, err := w.PutPhoto(t.Context(), a.ID, "face", w.photo()); !errors.Is(err, onboarding.ErrConsent) {
			t.Errorf("a face without consent: %v", err)
		}
		if _, err := w.PutPhoto(t.Context(), a.ID, "licence_photo", w.photo()); !errors.Is(err, onboarding.ErrUnknown) {
			t.Errorf("a photo that is not asked of a micro merchant: %v", err)
		}
		a = must[onboarding.Application](t)(w.Withdraw(t.Context(), a.ID))
		if _, err := w.Values(t.Context(), db.Read(), a); !errors.Is(err, subject.ErrShredded) || a.State != onboarding.Withdrawn {
			t.Errorf("after it was withdrawn: %v, %v", a.State, err)
		}
	})
}

func TestNothingOfAnApplicantLiesInClear(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	w := newWorld(t, db)
	v := w.values(advice.Sole)
	v["shop"] = "公开的店名"
	w.submitted(advice.Sole, v, "tablet-7")
	file := t.TempDir() + "/copy.db"
	if err := db.Backup(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	raw := must[[]byte](t)(os.ReadFile(file)) //nolint:gosec // our own
	for field, value := range v {
		if public := []string{"shop", "mcc", "region", "account_kind", "licence_until", "sells", "id_until"}; !slices.Contains(public, field) && bytes.Contains(raw, []byte(value)) {
			t.Errorf("%s lies there in clear", field)
		}
	}
	if bytes.Contains(raw, []byte("\xff\xd8\xff\xdb")) {
		t.Error("a photo lies there in clear")
	}
}

func TestTheFirstReviewerNeedsASecondWhereItIsRisky(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		v := w.values(advice.Micro)
		v["sells"] = "信用卡代还" // sounds like what is not boarded
		a := w.submitted(advice.Micro, v, "")
		w.verify(a)
		if a.Grade != onboarding.High || !a.Due.Equal(w.now().Add(72*time.Hour)) {
			t.Fatalf("graded %s", a.Grade)
		}
		d := w.decision(a.ID)
		d.Ticked = d.Ticked[:2]
		if _, err := w.Approve(t.Context(), anna, d); !errors.Is(err, onboarding.ErrChecklist) {
			t.Errorf("with half a checklist: %v", err)
		}
		a = must[onboarding.Application](t)(w.Approve(t.Context(), anna, w.decision(a.ID)))
		if a.State != onboarding.Endorsed || a.Merchant != 0 || a.SeconderOf != "operator/3" {
			t.Fatalf("after the first: %+v", a)
		}
		if _, err := w.Approve(t.Context(), anna, w.decision(a.ID)); !errors.Is(err, onboarding.ErrSame) {
			t.Errorf("the same reviewer again: %v", err)
		}
		a = must[onboarding.Application](t)(w.Approve(t.Context(), boris, w.decision(a.ID)))
		if a.State != onboarding.Approved || a.Merchant == 0 {
			t.Errorf("after the second: %+v", a)
		}
	})
}

func TestNobodyReviewsHisOwnAndNobodyButReviewers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	v := w.values(advice.Micro)
	v["holder"], v["account_holder"] = "安娜", "安娜"
	a := w.submitted(advice.Micro, v, "")
	w.verify(a)
	if _, err := w.Approve(t.Context(), anna, w.decision(a.ID)); !errors.Is(err, onboarding.ErrOwn) {
		t.Errorf("somebody of her own name: %v", err)
	}
	begun, _, err := w.Start(t.Context(), onboarding.Beginning{Kind: advice.Micro, Needs: needs(advice.Micro), Model: "reader", FeePlan: "simple", Applicant: onboarding.Name(boris)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Reject(t.Context(), boris, onboarding.Decision{ID: begun.ID, Seen: begun.Move, Reasons: []string{"listed"}}); !errors.Is(err, onboarding.ErrOwn) {
		t.Errorf("one that he began himself: %v", err)
	}
	staff := auth.Who{Kind: auth.Staff, ID: 9, Merchant: 7, Role: auth.Owner}
	if _, err := w.Approve(t.Context(), staff, w.decision(a.ID)); !errors.Is(err, onboarding.ErrNotStaff) {
		t.Errorf("a merchant's owner: %v", err)
	}
	if _, err := w.Review(t.Context(), staff, a.ID); !errors.Is(err, onboarding.ErrNotStaff) {
		t.Errorf("a merchant's owner looks: %v", err)
	}
	d := w.decision(a.ID)
	must[onboarding.Application](t)(w.Ask(t.Context(), boris, onboarding.Decision{ID: a.ID, Seen: d.Seen, Notes: map[string]string{"shop": "请写全称"}}))
	if _, err := w.Approve(t.Context(), boris, d); !errors.Is(err, onboarding.ErrMoved) {
		t.Errorf("what has changed since it was shown: %v", err)
	}
}

func TestACorrectionGoesBackAndForthWithItsNotes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		a := w.submitted(advice.Micro, w.values(advice.Micro), "")
		d := w.decision(a.ID)
		if _, err := w.Ask(t.Context(), anna, d); !errors.Is(err, onboarding.ErrNoNote) {
			t.Errorf("without a note: %v", err)
		}
		d.Notes = map[string]string{"uscc": "x"}
		if _, err := w.Ask(t.Context(), anna, d); !errors.Is(err, onboarding.ErrFieldNotOf) {
			t.Errorf("about a field that is not asked: %v", err)
		}
		for round, note := range []string{"请写全称", "地址太简单"} {
			d = w.decision(a.ID)
			d.Notes = map[string]string{"shop": note, "front": "照片模糊，请重拍", "phone": " "}
			a = must[onboarding.Application](t)(w.Ask(t.Context(), anna, d))
			notes := must[[]onboarding.Note](t)(onboarding.Notes(t.Context(), db.Read(), a.ID))
			if a.State != onboarding.Correcting || len(notes) != 2 || notes[1].Say != note {
				t.Fatalf("round %d: %s, %+v", round, a.State, notes)
			}
			if _, _, err := w.Save(t.Context(), a.ID, onboarding.Values{"shop": "小满面馆（总店）"}); err != nil {
				t.Fatal(err)
			}
			_, a, _ = w.Submit(t.Context(), a.ID)
		}
		history := must[[]onboarding.Stepped](t)(onboarding.History(t.Context(), db.Read(), a.ID))
		if len(history) != 5 || history[4].To != onboarding.Submitted || history[1].Who != "operator/3" {
			t.Errorf("history %+v", history)
		}
		if _, _, err := w.Save(t.Context(), a.ID, onboarding.Values{"shop": "别的店"}); !errors.Is(err, onboarding.ErrClosed) {
			t.Errorf("written while under review: %v", err)
		}
	})
}
