package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hawker/internal/advice"
	"hawker/internal/auth"
	"hawker/internal/contract"
	"hawker/internal/feelock"
	"hawker/internal/merchant"
	"hawker/internal/onboarding"
	"hawker/internal/onboarding/population"
	"hawker/internal/privacy"
	"hawker/internal/store"
	"hawker/internal/subject"
)

// life is a server through whose years a merchant comes and goes.
type life struct {
	*walk
	a     onboarding.Application
	m     merchant.Merchant
	owner auth.Who
}

// newLife has an applicant boarded by two reviewers.
func newLife(t *testing.T) *life {
	t.Helper()
	l := &life{walk: &walk{t: t, cookies: map[string]string{}, who: map[string]auth.Who{}, things: map[string]string{}}}
	var err error
	l.s, err = Start(t.Context(), Config{Data: t.TempDir(), Clock: l.now})
	l.must(err)
	t.Cleanup(func() { _ = l.s.Close() })
	ctx, office := t.Context(), l.s.boarding.office
	people := population.Make(3, 200, l.now())
	who := people[slices.IndexFunc(people, func(p population.Applicant) bool { return p.Ring == "" && p.With == "" })].Sample
	l.a, _, err = office.Start(ctx, onboarding.Beginning{Kind: advice.Micro, Needs: who.Needs, Model: "reader", FeePlan: "simple"})
	l.must(err)
	for _, p := range []onboarding.Purpose{onboarding.Identity, onboarding.Account} {
		_, err = office.Agree(ctx, l.a.ID, p, true)
		l.must(err)
	}
	v := who.Values
	v["id_until"] = "2046-05-01"
	wrong, _, err := office.Save(ctx, l.a.ID, v)
	if err != nil || len(wrong) > 0 {
		t.Fatal(wrong, err)
	}
	for i, f := range onboarding.FieldsOf(advice.Micro) {
		if f.Photo() && f.Needs(advice.Micro) {
			_, err = office.PutPhoto(ctx, l.a.ID, f.Name, noise(t, uint64(i))) //nolint:gosec // an index
			l.must(err)
		}
	}
	wrong, _, err = office.Submit(ctx, l.a.ID)
	if err != nil || len(wrong) > 0 {
		t.Fatal(wrong, err)
	}
	_, err = office.SendCheck(ctx, l.a.ID)
	l.must(err)
	_, err = office.AnswerCheck(ctx, l.a.ID, l.s.boarding.bank.Statement(v["account"])[0].Amount)
	l.must(err)
	for id := int64(3); l.a.State != onboarding.Approved; id++ {
		reviewer := auth.Who{Kind: auth.Operator, ID: id, Role: auth.Reviewer, Name: "reviewer " + strconv.FormatInt(id, 10)}
		seen, err := office.Review(ctx, reviewer, l.a.ID)
		l.must(err)
		d := onboarding.Decision{ID: l.a.ID, Seen: seen.Move, Said: "欢迎"}
		for _, i := range onboarding.Checklist {
			d.Ticked = append(d.Ticked, i.Code)
		}
		l.a, err = office.Approve(ctx, reviewer, d)
		l.must(err)
	}
	l.m, err = merchant.ByID(ctx, l.s.DB.Read(), l.a.Merchant)
	l.must(err)
	l.owner = l.first(auth.NewAccount{Merchant: l.m.ID, Login: "owner." + l.m.MID, Name: "王小明", Role: auth.Owner}, "owner")
	return l
}

// noise is a photo that resembles no other.
func noise(t *testing.T, seed uint64) []byte {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 9)) //nolint:gosec // a test
	p := image.NewGray(image.Rect(0, 0, 600, 400))
	for y := range 400 {
		for x := range 600 {
			if x%60 == 0 && y%50 == 0 {
				shade := uint8(r.IntN(256)) //nolint:gosec // a byte
				for dy := range 50 {
					for dx := range 60 {
						p.SetGray(x+dx, y+dy, color.Gray{Y: shade})
					}
				}
			}
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, p, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sign signs the contract that the merchant was offered.
func (l *life) sign() contract.Contract {
	l.t.Helper()
	ctx, desk := l.t.Context(), l.s.agreed.contracts
	l.s.Jobs.RunDue(ctx)
	list, err := contract.Of(ctx, l.s.DB.Read(), l.m.ID)
	l.must(err)
	at := slices.IndexFunc(list, func(c contract.Contract) bool { return c.State == contract.Offered })
	if at < 0 {
		l.t.Fatalf("no contract is offered: %+v", list)
	}
	c := list[at]
	doc, err := desk.Document(ctx, c)
	l.must(err)
	for _, clause := range doc.Clauses {
		if clause.Must {
			l.must(desk.Acknowledge(ctx, l.owner, l.m.ID, c.ID, clause.Key))
		}
	}
	proof, err := l.s.Guard.StepUp(ctx, l.owner, auth.ContractSign, c.Object(), auth.Proof{Means: auth.ByTOTP, Code: l.code(l.owner)})
	l.must(err)
	img := image.NewRGBA(image.Rect(0, 0, 300, 120))
	for x := range 300 {
		for k := range 3 {
			img.Set(x, 60+int(30*math.Sin(float64(x)/9))+k, color.RGBA{0, 0, 0, 255})
		}
	}
	var drawn bytes.Buffer
	l.must(png.Encode(&drawn, img))
	c, err = desk.Sign(ctx, l.owner, proof, l.m, c.ID, contract.Signing{Seen: c.Digest, Name: l.owner.Name, Drawing: drawn.Bytes()})
	l.must(err)
	return c
}

// end ends a contract at once, as a merchant may, and has its end come.
func (l *life) end(c contract.Contract) {
	l.t.Helper()
	c, err := l.s.agreed.contracts.End(l.t.Context(), l.owner, l.m.ID, c.ID, l.now(), "", "")
	l.must(err)
	l.pass(time.Minute)
	l.s.Jobs.RunDue(l.t.Context())
	if c, err = contract.ByID(l.t.Context(), l.s.DB.Read(), l.m.ID, c.ID); err != nil || c.State != contract.Ended {
		l.t.Fatal(c.State, err)
	}
}

func (l *life) pass(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.off += d
}

// retained runs the retention and gives its report.
func (l *life) retained() privacy.Report {
	l.t.Helper()
	r, err := l.s.agreed.privacy.Run(l.t.Context())
	l.must(err)
	return r
}

// identity is what an applicant told, or why it cannot be read.
func (l *life) identity() (onboarding.Values, error) {
	return l.s.boarding.office.Values(l.t.Context(), l.s.DB.Read(), l.a)
}

func TestAnApplicantsIdentityIsShreddedWhenTheTermAfterTheRelationIsOver(t *testing.T) {
	t.Parallel()
	l := newLife(t)
	l.end(l.sign())
	l.pass(time.Duration(contract.KeepYears)*365*24*time.Hour - 24*time.Hour) // the leap days are still to come
	if r := l.retained(); len(r.Shredded) != 0 {
		t.Fatalf("before the term: %+v", r)
	}
	if v, err := l.identity(); err != nil || v["id_number"] == "" {
		t.Fatal("before the term everything is there:", err)
	}
	l.pass(10 * 24 * time.Hour)
	r := l.retained()
	if !slices.Contains(r.Shredded, l.a.ID.Subject()) || !slices.Contains(r.Shredded, privacy.Of(l.m.ID)) || len(r.Failed) > 0 {
		t.Errorf("after it: %+v", r)
	}
	if v, err := l.identity(); !errors.Is(err, subject.ErrShredded) {
		t.Errorf("the identity can still be read: %d fields, %v", len(v), err)
	}
	for _, table := range []string{"application_views", "application_marks", "contract_signatures", "merchants"} {
		if r.Purged[table] == 0 {
			t.Errorf("nothing of %s was purged: %v", table, r.Purged)
		}
	}
	if views, err := onboarding.Views(t.Context(), l.s.DB.Read(), l.a.ID, 9); err != nil || len(views) != 0 {
		t.Error("who looked is still there:", views, err)
	}
	if m, err := merchant.ByID(t.Context(), l.s.DB.Read(), l.m.ID); err != nil || m.NameZH != m.MID || m.Place != "" {
		t.Error("his name is still there:", m, err)
	}
	if c, err := l.s.agreed.privacy.Copy(t.Context(), l.m); err != nil || strings.Contains(fmt.Sprint(c.Sections), "2046") {
		t.Error("the copy:", c.Sections, err)
	}
	if _, err := l.s.boarding.office.Picture(t.Context(), l.s.DB.Read(), l.a, "id_front"); !errors.Is(err, subject.ErrShredded) {
		t.Error("the photo can still be read:", err)
	}
}

func TestAMerchantSeesWhoLookedAtHisApplicationAndHasACopyOfIt(t *testing.T) {
	t.Parallel()
	l := newLife(t)
	_, err := l.s.boarding.office.Show(t.Context(), auth.Who{Kind: auth.Operator, ID: 3, Role: auth.Reviewer}, l.a.ID, "id_front")
	l.must(err)
	v, err := l.identity()
	l.must(err)
	page := l.request("owner", "GET", "/app/privacy").Body.String()
	for _, want := range []string{"operator/3", "申请资料：身份证人像面"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	text := l.request("owner", "GET", "/app/privacy/copy.json").Body.String()
	for _, want := range []string{l.a.Number, v["holder"], v["sells"], v["id_number"][:3] + "***", "operator/3", v["account"][len(v["account"])-4:]} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the copy", want)
		}
	}
	for _, never := range []string{v["id_number"], v["account"], v["phone"]} {
		if strings.Contains(text, never) {
			t.Errorf("%q stands whole in a file that is passed on", never)
		}
	}
	if pdf := l.request("owner", "GET", "/app/privacy/copy.pdf"); pdf.Code != 200 || !bytes.HasPrefix(pdf.Body.Bytes(), []byte("%PDF")) {
		t.Error("the copy for a person:", pdf.Code)
	}
	// Another merchant sees nothing of it.
	l.first(auth.NewAccount{Merchant: 1, Login: "stranger", Name: "stranger", Role: auth.Owner}, "stranger")
	for _, path := range []string{"/app/privacy", "/app/privacy/copy.json"} {
		if got := l.request("stranger", "GET", path); got.Code != 200 || strings.Contains(got.Body.String(), "operator/3") || strings.Contains(got.Body.String(), l.a.Number) {
			t.Errorf("%s: a stranger got %d", path, got.Code)
		}
	}
}

func TestEveryTermOfTheDataMapIsEndedOrSaidNotToBe(t *testing.T) {
	t.Parallel()
	table, err := privacy.Map()
	if err != nil {
		t.Fatal(err)
	}
	list, err := purges()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range table {
		ways := 0
		if slices.ContainsFunc(list, func(p privacy.Purge) bool { return p.Table == e.Table }) {
			ways++
		} else if e.Sealed && e.Keep.From == "relation" { // its key is shredded
			ways++
		}
		if _, ok := privacy.Kept[e.Table]; ok {
			ways++
		}
		if ways != 1 {
			t.Errorf("%s: %d ways in which its term ends", e.Table, ways)
		}
	}
	for name := range privacy.Kept {
		if !slices.ContainsFunc(table, func(e privacy.Entry) bool { return e.Table == name }) {
			t.Errorf("%s is kept, and the map does not know it", name)
		}
	}
}

func TestWhoSignsAgainIsHeldAgain(t *testing.T) {
	t.Parallel()
	l := newLife(t)
	l.end(l.sign())
	l.must(l.s.DB.Write(t.Context(), func(tx *store.Tx) error {
		_, err := l.s.agreed.contracts.Offer(t.Context(), tx, "operator/1", l.m, "merchant", l.rates(t.Context())...)
		return err
	}))
	l.sign()
	l.pass(time.Duration(contract.KeepYears) * 366 * 24 * time.Hour)
	if r := l.retained(); len(r.Shredded) != 0 {
		t.Errorf("a merchant who is one was shredded: %+v", r)
	}
	if v, err := l.identity(); err != nil || !strings.HasPrefix(v["id_until"], "2046") {
		t.Error("his identity is gone:", err)
	}
}

// rates are the fees in force.
func (l *life) rates(ctx context.Context) (list []feelock.Rate) {
	changes, err := l.s.Fees.History(ctx, l.m.ID, l.m.Currency)
	l.must(err)
	for _, c := range changes {
		list = append(list, c.Rate)
	}
	return list
}
