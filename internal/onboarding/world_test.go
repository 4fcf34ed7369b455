package onboarding_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"hawker/internal/advice"
	"hawker/internal/auth"
	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/institution"
	"hawker/internal/keys"
	"hawker/internal/money"
	"hawker/internal/onboarding"
	"hawker/internal/papers"
	"hawker/internal/sandbox/bank"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/subject"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// world is an office with a register, a bank and reviewers.
type world struct {
	*onboarding.Office
	t    testing.TB
	bank *bank.Bank
	m    sync.Mutex
	at   time.Time
	rand *rand.Rand
}

var (
	anna  = auth.Who{Kind: auth.Operator, ID: 3, Role: auth.Reviewer, Name: "安娜"}
	boris = auth.Who{Kind: auth.Operator, ID: 4, Role: auth.Reviewer, Name: "鲍里斯"}
)

func (w *world) now() time.Time {
	w.m.Lock()
	defer w.m.Unlock()
	return w.at
}

func (w *world) pass(d time.Duration) {
	w.m.Lock()
	defer w.m.Unlock()
	w.at = w.at.Add(d)
}

type bankPort struct{ *bank.Bank }

func (b bankPort) Pay(_ context.Context, t onboarding.Transfer) error {
	err := b.Bank.Pay(bank.Transfer{Ref: t.Ref, Holder: t.Holder, Account: t.Account, Bank: t.Bank, Amount: t.Amount, Memo: t.Memo})
	if errors.Is(err, bank.ErrClosed) || errors.Is(err, bank.ErrHolder) {
		return fault.New(fault.Declined, "bank_refused", "银行拒绝。", "The bank refused.").Wrap(err)
	}
	return err
}

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	w := &world{t: t, at: time.Date(2026, 11, 25, 2, 0, 0, 0, time.UTC), rand: rand.New(rand.NewPCG(7, 11))} //nolint:gosec // a test
	ks, err := keys.Open(t.Context(), db, filepath.Join(t.TempDir(), "master.key"), w.now)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open("../../docs/register-example.json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	list, err := institution.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Write(t.Context(), func(tx *store.Tx) error {
		_, err := institution.Import(t.Context(), tx, list, "test", w.now())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	offer, err := advice.Standard()
	if err != nil {
		t.Fatal(err)
	}
	if w.bank, err = bank.Open("", w.now); err != nil {
		t.Fatal(err)
	}
	w.Office = onboarding.New(onboarding.Config{DB: db, Keys: ks, Subjects: subject.NewRing(ks, w.now), Clock: w.now, Offer: offer, Bank: bankPort{w.bank},
		Boarder: institution.Boarder{Institution: "Z0000000000001", Provider: "F000000000001"}})
	return w
}

func (w *world) ctx() context.Context { return w.t.Context() }

func cny(minor int64) money.Amount { return money.New(minor, money.CNY) }

func needs(k advice.Kind) advice.Needs {
	return advice.Needs{Kind: k, Business: "food_stall", Ticket: cny(1500), Volume: cny(2_000_000), Mobility: "stays", Cards: "some", Place: "street", Network: "mobile", Paper: "no", Payout: "next_day"}
}

// must ends the test on an error.
func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// values are lawful ones of a kind, made by the algorithms.
func (w *world) values(k advice.Kind) onboarding.Values {
	name := "测试" + string(rune('一'+w.rand.IntN(500)))
	v := onboarding.Values{"holder": name, "id_number": string(papers.MakeID(w.rand, onboardingDay)), "id_until": "2036-05-01", "phone": papers.MakeMobile(w.rand),
		"shop": "小满面馆", "mcc": "5812", "sells": "手工牛肉面", "region": "310000", "address": "测试路" + papers.MakeMobile(w.rand) + "号",
		"account_kind": onboarding.Personal, "account_holder": name, "account": w.card(), "bank": papers.MakeBank(w.rand, "2900")}
	if k != advice.Micro {
		v["licence"], v["licence_until"] = "测试市小满面馆"+v["phone"], papers.Forever
		v["uscc"] = papers.MakeUSCC(w.rand, map[advice.Kind]string{advice.Sole: "92", advice.Company: "91"}[k])
	}
	if k == advice.Company {
		v["owner"], v["owner_id"] = name, v["id_number"]
		v["account_kind"], v["account_holder"], v["account"] = onboarding.Corporate, v["licence"], "1001234567890"
	}
	return v
}

// card is one that the simulated bank takes money for.
func (w *world) card() string {
	for {
		c := papers.MakeCard(w.rand)
		if s := c[len(c)-3 : len(c)-1]; s < "90" || s > "92" {
			return c
		}
	}
}

const onboardingDay clock.Day = 20261125

// photo draws something like a paper: fields of different grey.
func (w *world) photo() []byte {
	p := image.NewRGBA(image.Rect(0, 0, 600, 80))
	var fields [8][9]uint8
	for y := range 8 {
		for x := range 9 {
			fields[y][x] = uint8(w.rand.IntN(256)) //nolint:gosec // a byte
		}
	}
	for y := range 80 {
		for x := range 600 {
			v := fields[y*8/80][x*9/600]
			p.SetRGBA(x, y, color.RGBA{v, v, v, 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, p, nil); err != nil {
		w.t.Fatal(err)
	}
	return b.Bytes()
}

// filled is an application with everything in it, not submitted.
func (w *world) filled(k advice.Kind, v onboarding.Values, device string) onboarding.Application {
	w.t.Helper()
	a, _, err := w.Start(w.ctx(), onboarding.Beginning{Kind: k, Needs: needs(k), Model: "reader", FeePlan: "simple", Device: device})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range []onboarding.Purpose{onboarding.Identity, onboarding.Account} {
		must[onboarding.Application](w.t)(w.Agree(w.ctx(), a.ID, p, true))
	}
	wrong, _, err := w.Save(w.ctx(), a.ID, v)
	if err != nil || len(wrong) > 0 {
		w.t.Fatalf("save: %v, %v", wrong, err)
	}
	for _, f := range onboarding.FieldsOf(k) {
		if f.Photo() && f.Needs(k) {
			must[onboarding.Application](w.t)(w.PutPhoto(w.ctx(), a.ID, f.Name, w.photo()))
		}
	}
	return must[onboarding.Application](w.t)(onboarding.ByID(w.ctx(), w.DB.Read(), a.ID))
}

// submitted is an application that waits for a reviewer.
func (w *world) submitted(k advice.Kind, v onboarding.Values, device string) onboarding.Application {
	w.t.Helper()
	a := w.filled(k, v, device)
	wrong, a, err := w.Submit(w.ctx(), a.ID)
	if err != nil || len(wrong) > 0 {
		w.t.Fatalf("submit: %v, %v", wrong, err)
	}
	return a
}

// verify proves the account as its holder would.
func (w *world) verify(a onboarding.Application) {
	w.t.Helper()
	must[onboarding.AccountCheck](w.t)(w.SendCheck(w.ctx(), a.ID))
	v := must[onboarding.Values](w.t)(w.Values(w.ctx(), w.DB.Read(), a))
	lines := w.bank.Statement(v["account"])
	if len(lines) == 0 {
		w.t.Fatal("nothing arrived")
	}
	if c := must[onboarding.AccountCheck](w.t)(w.AnswerCheck(w.ctx(), a.ID, lines[0].Amount)); !c.Verified() {
		w.t.Fatalf("the account is %s", c.State)
	}
}

// decision is about an application as it is now, with the whole checklist ticked.
func (w *world) decision(id onboarding.ID) onboarding.Decision {
	w.t.Helper()
	a := must[onboarding.Application](w.t)(onboarding.ByID(w.ctx(), w.DB.Read(), id))
	d := onboarding.Decision{ID: id, Seen: a.Move, Said: "欢迎"}
	for _, i := range onboarding.Checklist {
		d.Ticked = append(d.Ticked, i.Code)
	}
	return d
}
