package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"hawker/internal/advice"
	"hawker/internal/audit"
	"hawker/internal/auth"
	"hawker/internal/fault"
	"hawker/internal/fleet"
	"hawker/internal/identity"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/onboarding"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/terminal"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var noon = time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)

type world struct {
	*fleet.Desk
	t       *testing.T
	m       sync.Mutex
	now     time.Time
	guard   *auth.Guard
	support auth.Who // an operator who may
	secret  string
	revoked []string
}

func (w *world) clock() time.Time {
	w.m.Lock()
	defer w.m.Unlock()
	return w.now
}

// RevokeTerminal is the world's authority.
func (w *world) RevokeTerminal(_ context.Context, _ *store.Tx, t identity.Terminal, r identity.Reason) (int, error) {
	w.revoked = append(w.revoked, string(t.ID)+" "+string(r))
	return 1, nil
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := &world{t: t, now: noon}
		w.Desk = &fleet.Desk{DB: db, Clock: w.clock, Devices: w}
		ctx := t.Context()
		ks, err := keys.Open(ctx, db, filepath.Join(t.TempDir(), "master.key"), w.clock)
		w.must(err)
		for _, id := range []merchant.ID{7, 8} {
			m := merchant.Merchant{ID: id, MID: fmt.Sprintf("10029005812000%d", id), NameZH: "小满面馆", NameEN: "Xiaoman", Place: "Shanghai", MCC: "5812", Currency: money.CNY, Zone: time.UTC, Cutoff: 24 * time.Hour, State: merchant.Active}
			w.must(db.Write(ctx, func(tx *store.Tx) error { return merchant.Add(ctx, tx, m, noon) }))
		}
		w.guard, err = auth.Open(auth.Config{DB: db, Keys: ks, Clock: w.clock, Site: "http://localhost:8080"})
		w.must(err)
		link, err := w.guard.FirstLink(ctx, auth.NewAccount{Login: "support", Name: "Su", Role: auth.Admin})
		w.must(err)
		e, _, err := w.guard.OpenLink(ctx, link, auth.Origin{Address: "192.0.2.7"})
		w.must(err)
		w.support, err = w.guard.Find(ctx, e.Token, auth.Origin{Address: "192.0.2.7"})
		w.must(err)
		enrolment, ticket, err := w.guard.NewTOTP(ctx, w.support)
		w.must(err)
		w.secret = strings.ReplaceAll(enrolment.Secret, " ", "")
		code, err := totp.GenerateCode(w.secret, w.clock())
		w.must(err)
		_, err = w.guard.ConfirmTOTP(ctx, w.support, ticket, code)
		w.must(err)
		w.support.Enrolling = false
		test(t, w)
	})
}

// proof is a fresh one about an object.
func (w *world) proof(object string) auth.StepUp {
	w.t.Helper()
	w.m.Lock()
	w.now = w.now.Add(30 * time.Second)
	w.m.Unlock()
	code, err := totp.GenerateCode(w.secret, w.clock())
	w.must(err)
	p, err := w.guard.StepUp(w.t.Context(), w.support, auth.TerminalWrite, object, auth.Proof{Means: auth.ByTOTP, Code: code})
	w.must(err)
	return p
}

func (w *world) add(id terminal.ID, s terminal.State) {
	w.t.Helper()
	w.must(w.DB.Write(w.t.Context(), func(tx *store.Tx) error {
		return terminal.Add(w.t.Context(), tx, terminal.Terminal{Merchant: 7, ID: id, Serial: "SN-" + string(id), Model: "soft", Profile: "unionpay-pos", Lang: "zh-CN", State: s, Batch: 1, BatchDay: 20261125})
	}))
}

func (w *world) state(id terminal.ID) terminal.Terminal {
	w.t.Helper()
	t, err := terminal.ByID(w.t.Context(), w.DB.Read(), 7, id)
	w.must(err)
	return t
}

func TestEveryActOnEveryStateIsLawfulOrRefused(t *testing.T) {
	t.Parallel()
	states := []terminal.State{terminal.Active, terminal.Suspended, terminal.Tampered, terminal.Lost, terminal.Stolen, terminal.Retired}
	if len(fleet.Moves) != len(states) {
		t.Errorf("%d states have moves, of %d", len(fleet.Moves), len(states))
	}
	for _, s := range states {
		for _, a := range fleet.Acts {
			to, err := fleet.Next(s, a)
			if want, lawful := fleet.Moves[s][a]; lawful != (err == nil) || to != want {
				t.Errorf("%s in state %s: %s, %v", a, s, to, err)
			}
			active := terminal.Terminal{State: to}.MaySignOn() == nil
			if err == nil && active && !a.Proven() {
				t.Errorf("%s lets a %s terminal take money without a proof", a, s)
			}
		}
	}
	for _, a := range fleet.Acts {
		if _, err := fleet.Next(terminal.Retired, a); !errors.Is(err, fleet.ErrAct) {
			t.Errorf("a retired terminal comes back by %s", a)
		}
	}
	if _, err := fleet.Next(terminal.Tampered, fleet.Resume); !errors.Is(err, fleet.ErrAct) {
		t.Error("a terminal that was tampered with comes back without a ceremony")
	}
}

func TestALostTerminalTakesNothingAndAFoundOneSignsOnAnew(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.add("T0000001", terminal.Active)
		owner := auth.Who{Kind: auth.Staff, ID: 5, Merchant: 7, Role: auth.Owner, Name: "Wang"}
		got, err := w.Do(ctx, owner, auth.StepUp{}, 7, "T0000001", fleet.Lose, "出摊时不见了")
		if err != nil || got.State != terminal.Lost {
			t.Fatal(got, err)
		}
		if err := w.state("T0000001").MayTake(); !errors.Is(err, terminal.ErrReported) {
			t.Error("a lost one may take:", err)
		}
		if len(w.revoked) != 0 {
			t.Error("a lost one may be found: its certificate must stay,", w.revoked)
		}
		if _, err := w.Do(ctx, owner, auth.StepUp{}, 7, "T0000001", fleet.Find, "在柜子里"); !errors.Is(err, auth.ErrForbidden) {
			t.Error("a merchant lets it take money again by himself:", err)
		}
		if _, err := w.Do(ctx, w.support, auth.StepUp{}, 7, "T0000001", fleet.Find, "在柜子里"); !errors.Is(err, auth.ErrStepUp) {
			t.Error("without a proof:", err)
		}
		if _, err := w.Do(ctx, w.support, w.proof(fleet.Object(7, "T0000002")), 7, "T0000001", fleet.Find, "在柜子里"); !errors.Is(err, auth.ErrStepUp) {
			t.Error("with a proof about another:", err)
		}
		if w.state("T0000001").State != terminal.Lost {
			t.Error("a refusal changed it")
		}
		if got, err = w.Do(ctx, w.support, w.proof(fleet.Object(7, "T0000001")), 7, "T0000001", fleet.Find, "在柜子里"); err != nil || got.State != terminal.Active {
			t.Fatal(got, err)
		}
		if err := w.state("T0000001").MayTake(); !errors.Is(err, terminal.ErrRenew) {
			t.Error("who had it meanwhile may know its working keys:", err)
		}
		records, err := audit.List(ctx, w.DB.Read(), audit.Filter{Merchant: 7})
		if err != nil || len(records) != 2 {
			t.Fatal(len(records), err)
		}
		for i, want := range []string{"terminal.find", "terminal.lose"} {
			r := records[i]
			if r.What != want || r.Object != "terminal/7/T0000001" || !strings.Contains(string(r.Before), `"state"`) || !strings.Contains(string(r.After), `"why"`) {
				t.Errorf("the trail: %+v, before %s, after %s", r, r.Before, r.After)
			}
		}
	})
}

func TestAStolenTerminalLosesItsCertificatesAndIsLookedAtBeforeItTakesMoney(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.add("T0000001", terminal.Active)
		if _, err := w.Do(ctx, w.support, auth.StepUp{}, 7, "T0000001", fleet.Steal, "报警回执 12"); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(w.revoked, []string{"T0000001 stolen"}) {
			t.Error("its certificates:", w.revoked)
		}
		if got, err := w.Do(ctx, w.support, w.proof(fleet.Object(7, "T0000001")), 7, "T0000001", fleet.Find, "警方归还"); err != nil || got.State != terminal.Suspended {
			t.Error(got, err)
		}
		if got, err := w.Do(ctx, w.support, w.proof(fleet.Object(7, "T0000001")), 7, "T0000001", fleet.Retire, "外壳破损"); err != nil || got.State != terminal.Retired {
			t.Error(got, err)
		}
		if !slices.Equal(w.revoked, []string{"T0000001 stolen", "T0000001 retired"}) {
			t.Error("its certificates:", w.revoked)
		}
	})
}

func TestWhoMayNotAndWhatIsWrongChangesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.add("T0000001", terminal.Active)
		for name, c := range map[string]struct {
			who  auth.Who
			m    merchant.ID
			id   terminal.ID
			act  fleet.Act
			why  string
			want *fault.Fault
		}{
			"a stranger":               {auth.Who{Kind: auth.Staff, ID: 5, Merchant: 8, Role: auth.Owner}, 7, "T0000001", fleet.Lose, "lost it", auth.ErrForeign},
			"a cashier":                {auth.Who{Kind: auth.Staff, ID: 5, Merchant: 7, Role: auth.Cashier}, 7, "T0000001", fleet.Lose, "lost it", auth.ErrForbidden},
			"a manager who suspends":   {auth.Who{Kind: auth.Staff, ID: 5, Merchant: 7, Role: auth.Manager}, 7, "T0000001", fleet.Suspend, "no more", auth.ErrForbidden},
			"an auditor":               {auth.Who{Kind: auth.Operator, ID: 6, Role: auth.Auditor}, 7, "T0000001", fleet.Lose, "lost it", auth.ErrForbidden},
			"a program":                {auth.Who{Kind: auth.Key, ID: 6, Merchant: 7, Scopes: auth.Scopes()}, 7, "T0000001", fleet.Lose, "lost it", auth.ErrForbidden},
			"no reason":                {w.support, 7, "T0000001", fleet.Lose, " ", fleet.ErrReason},
			"a reason of 201":          {w.support, 7, "T0000001", fleet.Lose, strings.Repeat("长", 201), fleet.ErrReason},
			"a card's number in it":    {w.support, 7, "T0000001", fleet.Lose, "卡 6222 0000 0000 0000", fleet.ErrReason},
			"an unknown terminal":      {w.support, 7, "T0000002", fleet.Lose, "lost it", terminal.ErrUnknown},
			"another merchant's":       {w.support, 8, "T0000001", fleet.Lose, "lost it", terminal.ErrUnknown},
			"found, and was not lost":  {w.support, 7, "T0000001", fleet.Find, "found it", fleet.ErrAct},
			"an act that there is not": {w.support, 7, "T0000001", "sell", "sold it", fleet.ErrAct},
		} {
			if _, err := w.Do(ctx, c.who, auth.StepUp{}, c.m, c.id, c.act, c.why); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got := w.state("T0000001"); got.State != terminal.Active || got.Renew {
			t.Error("it was changed:", got)
		}
	})
}

func (w *world) order(m merchant.ID, id int64) {
	w.t.Helper()
	w.must(w.DB.Write(w.t.Context(), func(tx *store.Tx) error {
		offer, err := advice.Standard()
		if err != nil {
			return err
		}
		model, err := offer.Model("handheld")
		if err != nil {
			return err
		}
		return onboarding.Order{Merchant: m, ID: id, Store: 1, Model: model.Code, Price: model.Price, Deposit: model.Deposit, At: noon}.Place(w.t.Context(), tx, money.CNY)
	}))
}

var profiles = []string{"unionpay-pos", "psp"}

func TestAnOrderBecomesATerminalOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.order(7, 41)
		w.order(7, 42)
		w.order(8, 43)
		good := fleet.Machine{Serial: " n910-00042 ", Model: "N910", Profile: "psp"}
		open := func() int {
			list, err := onboarding.OpenOrders(ctx, w.DB.Read(), 9)
			w.must(err)
			return len(list)
		}
		for name, c := range map[string]struct {
			x    fleet.Machine
			m    merchant.ID
			id   int64
			want *fault.Fault
		}{
			"no serial":            {fleet.Machine{Model: "N910", Profile: "psp"}, 7, 41, fleet.ErrSerial},
			"a serial with blanks": {fleet.Machine{Serial: "SN 1 2", Model: "N910", Profile: "psp"}, 7, 41, fleet.ErrSerial},
			"no model":             {fleet.Machine{Serial: "SN-0001", Profile: "psp"}, 7, 41, fleet.ErrModel},
			"an unknown profile":   {fleet.Machine{Serial: "SN-0001", Model: "N910", Profile: "iso"}, 7, 41, fleet.ErrProfile},
			"another's order":      {good, 8, 41, onboarding.ErrNoOrder},
			"no merchant":          {good, 9, 41, merchant.ErrUnknown},
			"no proof":             {good, 7, 41, auth.ErrStepUp},
		} {
			if _, err := w.Register(ctx, w.support, auth.StepUp{}, c.m, c.id, c.x, profiles); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := w.Register(ctx, auth.Who{Kind: auth.Staff, ID: 5, Merchant: 7, Role: auth.Owner}, auth.StepUp{}, 7, 41, good, profiles); !errors.Is(err, auth.ErrForbidden) {
			t.Error("a merchant registers his machine himself:", err)
		}
		if open() != 3 {
			t.Fatal("a refusal took an order")
		}
		got, err := w.Register(ctx, w.support, w.proof(fleet.OrderObject(7, 41)), 7, 41, good, profiles)
		if err != nil || got.ID != "T0000001" || got.Serial != "N910-00042" {
			t.Fatal(got, err)
		}
		if got := w.state("T0000001"); got.Model != "N910" || got.Profile != "psp" || got.BatchDay != 20261125 || got.MayTake() != nil {
			t.Errorf("registered: %+v", got)
		}
		if _, err := w.Register(ctx, w.support, w.proof(fleet.OrderObject(7, 41)), 7, 41, fleet.Machine{Serial: "SN-0002", Model: "N910", Profile: "psp"}, profiles); !errors.Is(err, onboarding.ErrDelivered) {
			t.Error("one order, two terminals:", err)
		}
		if _, err := w.Register(ctx, w.support, w.proof(fleet.OrderObject(8, 43)), 8, 43, good, profiles); !errors.Is(err, fleet.ErrTaken) {
			t.Error("one machine, two merchants:", err)
		}
		if got, err := w.Register(ctx, w.support, w.proof(fleet.OrderObject(7, 42)), 7, 42, fleet.Machine{Serial: "SN-0002", Model: "N910", Profile: "psp", Lang: "en"}, profiles); err != nil || got.ID != "T0000002" || got.Lang != "en" {
			t.Error("the next number:", got, err)
		}
		list, err := onboarding.Orders(ctx, w.DB.Read(), 7)
		if err != nil || len(list) != 2 || list[0].Terminal != "T0000001" || list[0].State != "registered" || open() != 1 {
			t.Error(list, err, open())
		}
	})
}

func TestOfTwoWhoRegisterOneMachineAtOnceOneDoes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.order(7, 41)
		w.order(8, 43)
		proofs := []auth.StepUp{w.proof(fleet.OrderObject(7, 41)), w.proof(fleet.OrderObject(8, 43))}
		errs := make([]error, 2)
		var both sync.WaitGroup
		for i, m := range []merchant.ID{7, 8} {
			both.Go(func() {
				_, errs[i] = w.Register(t.Context(), w.support, proofs[i], m, []int64{41, 43}[i], fleet.Machine{Serial: "SN-0001", Model: "N910", Profile: "psp"}, profiles)
			})
		}
		both.Wait()
		done := 0
		for _, err := range errs {
			if err == nil {
				done++
			} else if !errors.Is(err, fleet.ErrTaken) {
				t.Error(err)
			}
		}
		if list, err := onboarding.OpenOrders(t.Context(), w.DB.Read(), 9); done != 1 || err != nil || len(list) != 1 {
			t.Errorf("%d registered, open %v, %v", done, list, err)
		}
	})
}
