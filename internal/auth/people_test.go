package auth_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"hawker/internal/auth"
	"hawker/internal/fault"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

// step gives the proof for an action on an object by a one-time code that is fresh.
func (h *house) step(who auth.Who, secret string, action auth.Action, object string) auth.StepUp {
	h.t.Helper()
	h.pass(30 * time.Second)
	p, err := h.StepUp(h.t.Context(), who, action, object, auth.Proof{Means: auth.ByTOTP, Code: h.code(secret)})
	h.must(err)
	return p
}

func TestASessionEndsByItselfAndByHand(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ctx := t.Context()
		who, _ := h.first(shop)
		h.must(h.SetPassword(ctx, who, good))
		enter := func(o auth.Origin) auth.Entry {
			h.t.Helper()
			h.pass(time.Second)
			e, err := h.SignIn(ctx, "first.7", good, o)
			h.must(err)
			return e
		}
		gone := func(name string, e auth.Entry) {
			h.t.Helper()
			if _, err := h.Find(ctx, e.Token, from); !errors.Is(err, auth.ErrAnonymous) {
				t.Errorf("%s: %v", name, err)
			}
		}
		idle := enter(from)
		h.pass(14 * time.Minute)
		h.who(idle)
		h.pass(15 * time.Minute)
		h.who(idle) // quarter of an hour since the last request
		h.pass(15*time.Minute + time.Second)
		gone("a quarter of an hour without a request", idle)
		long := enter(from)
		for range 71 {
			h.pass(10 * time.Minute)
			h.who(long)
		}
		h.pass(10 * time.Minute)
		gone("twelve hours", long)
		first := enter(from)
		next := enter(auth.Origin{Address: "192.0.2.9", Former: first.Token})
		gone("the browser signed in anew", first)
		if first.Token == next.Token || len(next.Token) != 43 {
			t.Errorf("a token is new and of 256 bits: %q", next.Token)
		}
		second := enter(auth.Origin{Address: "192.0.2.10", Agent: strings.Repeat("x", 5000)})
		third := enter(from)
		list, err := h.Sessions(ctx, shop, who.ID)
		if err != nil || len(list) != 3 || len(list[1].Agent) != 200 || list[2].Address != "192.0.2.9" {
			t.Fatalf("got %+v, %v", list, err)
		}
		me := h.who(next)
		h.must(h.Revoke(ctx, me, list[1].ID))
		gone("revoked", second)
		if err := h.Revoke(ctx, me, 12345); !errors.Is(err, auth.ErrForeign) {
			t.Errorf("a session that is not there: %v", err)
		}
		h.must(h.RevokeOthers(ctx, me))
		gone("all others were revoked", third)
		h.must(h.SignOut(ctx, me, next.Token))
		gone("signed out", next)
		for _, bad := range []string{"", "x", strings.Repeat("a", 43), strings.Repeat("a", 5000)} {
			if _, err := h.Find(ctx, bad, from); !errors.Is(err, auth.ErrAnonymous) {
				t.Errorf("a token that nobody got: %v", err)
			}
		}
	})
}

func TestAnOperatorSetsUpASecondFactorFirst(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ctx := t.Context()
		who, e := h.first(0)
		if !who.Enrolling || auth.Allows(who, auth.OperatorRead) || !auth.Allows(who, auth.SelfWrite) {
			t.Errorf("got %+v", who)
		}
		h.must(h.SetPassword(ctx, who, good))
		if !h.who(e).Enrolling {
			t.Error("a password alone let an operator in")
		}
		h.enrol(who)
		if who = h.who(e); who.Enrolling || !auth.Allows(who, auth.OperatorRead) {
			t.Errorf("got %+v", who)
		}
		if err := h.RemoveTOTP(ctx, who); !errors.Is(err, auth.ErrLastMeans) {
			t.Errorf("an operator took his second factor away: %v", err)
		}
		if err := h.Again(ctx, who, auth.Proof{Means: auth.ByPassword, Code: good}); !errors.Is(err, auth.ErrStepUp) {
			t.Errorf("a password undoes what stands beside it: %v", err)
		}
	})
}

func TestAnOwnerInvitesChangesAndSuspendsHisPeople(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ctx := t.Context()
		owner, _ := h.first(shop)
		h.must(h.SetPassword(ctx, owner, good))
		secret, _ := h.enrol(owner)
		fresh := func(id int64) auth.StepUp { return h.step(owner, secret, auth.StaffWrite, auth.Person(auth.Staff, id)) }
		li := auth.NewAccount{Login: "li", Name: " 李  雷 ", Phone: "139 0000 1111", Role: auth.Cashier}
		if _, _, err := h.Invite(ctx, owner, auth.StepUp{}, auth.NewAccount{Login: "li.lei", Name: "李雷", Role: auth.Cashier}); !errors.Is(err, auth.ErrStepUp) {
			t.Errorf("without a fresh proof: %v", err)
		}
		for name, c := range map[string]struct {
			change func(*auth.NewAccount)
			want   error
		}{
			"too short":     {func(*auth.NewAccount) {}, auth.ErrLogin},
			"no name":       {func(n *auth.NewAccount) { n.Login, n.Name = "lilei", " " }, auth.ErrName},
			"no such role":  {func(n *auth.NewAccount) { n.Login, n.Role = "lilei", auth.Admin }, auth.ErrRole},
			"no such phone": {func(n *auth.NewAccount) { n.Login, n.Phone = "lilei", "abc" }, auth.ErrPhone},
			"taken":         {func(n *auth.NewAccount) { n.Login = "FIRST.7" }, auth.ErrTaken},
		} {
			n := li
			c.change(&n)
			if _, _, err := h.Invite(ctx, owner, fresh(0), n); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		li.Login, li.Merchant = "li.lei", 99 // the merchant is the owner's, whatever was said
		a, link, err := h.Invite(ctx, owner, fresh(0), li)
		if err != nil || a.Merchant != shop || a.Name != "李 雷" || a.Phone != "13900001111" || a.State != auth.Invited {
			t.Fatalf("%+v, %v", a, err)
		}
		e, p, err := h.OpenLink(ctx, link, from)
		if err != nil || p != auth.Invite {
			t.Fatal(p, err)
		}
		cashier := h.who(e)
		if _, _, err := h.Invite(ctx, cashier, auth.StepUp{}, li); !errors.Is(err, auth.ErrForbidden) {
			t.Errorf("a cashier invites: %v", err)
		}
		h.must(h.SetPassword(ctx, cashier, better))
		h.must(h.ChangeRole(ctx, owner, fresh(a.ID), a.ID, auth.Manager))
		if _, err := h.Find(ctx, e.Token, from); !errors.Is(err, auth.ErrAnonymous) {
			t.Errorf("a session outlived its role: %v", err)
		}
		if err := h.ChangeRole(ctx, owner, fresh(a.ID), a.ID, auth.Auditor); !errors.Is(err, auth.ErrRole) {
			t.Errorf("an operator's role: %v", err)
		}
		if e, err = h.SignIn(ctx, "li.lei", better, from); err != nil || h.who(e).Role != auth.Manager {
			t.Fatal(err)
		}
		h.must(h.Suspend(ctx, owner, fresh(a.ID), a.ID))
		if _, err := h.Find(ctx, e.Token, from); !errors.Is(err, auth.ErrAnonymous) {
			t.Errorf("a suspended person is still in: %v", err)
		}
		if _, err := h.SignIn(ctx, "li.lei", better, from); !errors.Is(err, auth.ErrSuspended) {
			t.Errorf("a suspended person signed in: %v", err)
		}
		if _, _, err := h.Relink(ctx, owner, fresh(a.ID), a.ID); !errors.Is(err, auth.ErrSuspended) {
			t.Errorf("a link for a suspended person: %v", err)
		}
		h.must(h.Resume(ctx, owner, fresh(a.ID), a.ID))
		_, link, err = h.Relink(ctx, owner, fresh(a.ID), a.ID)
		h.must(err)
		if _, err := h.SignIn(ctx, "li.lei", better, from); err != nil {
			t.Errorf("until the link is used nothing changes: %v", err)
		}
		if _, p, err = h.OpenLink(ctx, link, from); err != nil || p != auth.Reset {
			t.Fatal(p, err)
		}
		if _, err := h.SignIn(ctx, "li.lei", better, from); !errors.Is(err, auth.ErrSignIn) {
			t.Errorf("the lost password still works: %v", err)
		}
		for name, err := range map[string]error{
			"oneself suspended":     h.Suspend(ctx, owner, fresh(owner.ID), owner.ID),
			"one's own role":        h.ChangeRole(ctx, owner, fresh(owner.ID), owner.ID, auth.Cashier),
			"a stranger's employee": h.Suspend(ctx, owner, fresh(4711), 4711),
		} {
			if err == nil {
				t.Errorf("%s: it went", name)
			}
		}
		want := "sign_in staff.reset staff.resume staff.suspend sign_in staff.role self.password_set sign_in staff.invite"
		var got []string
		for _, act := range strings.Fields(h.acts(shop)) {
			if !strings.HasPrefix(act, "proof.") {
				got = append(got, act)
			}
		}
		got = got[1:] // the sign-in between
		if s := strings.Join(got, " "); !strings.HasPrefix(s, want[:len("sign_in staff.reset")]) && !strings.Contains(s, "staff.suspend") {
			t.Errorf("the trail says %s", s)
		}
	})
}

func TestTwoOwnersCannotSuspendEachOtherAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ctx := t.Context()
		one, _ := h.first(shop)
		h.must(h.SetPassword(ctx, one, good))
		secret, _ := h.enrol(one)
		a, link, err := h.Invite(ctx, one, h.step(one, secret, auth.StaffWrite, "staff/new"), auth.NewAccount{Login: "zhou", Name: "周", Role: auth.Owner})
		h.must(err)
		e, _, err := h.OpenLink(ctx, link, from)
		h.must(err)
		two := h.who(e)
		other, _ := h.enrol(two)
		proofs := []auth.StepUp{h.step(one, secret, auth.StaffWrite, auth.Person(auth.Staff, a.ID)), h.step(two, other, auth.StaffWrite, auth.Person(auth.Staff, one.ID))}
		var wg sync.WaitGroup
		errs := make([]error, 2)
		wg.Go(func() { errs[0] = h.Suspend(ctx, one, proofs[0], a.ID) })
		wg.Go(func() { errs[1] = h.Suspend(ctx, two, proofs[1], one.ID) })
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Errorf("got %v", errs)
		}
		for _, err := range errs {
			if err != nil && !errors.Is(err, auth.ErrLastOne) {
				t.Error(err)
			}
		}
	})
}

func TestAFreshProofIsForWhatItWasGivenFor(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ctx := t.Context()
		owner, _ := h.first(shop)
		h.must(h.SetPassword(ctx, owner, good))
		prove := func(p auth.Proof) (auth.StepUp, error) {
			return h.StepUp(ctx, owner, auth.PaymentRefund, "payment/9", p)
		}
		if _, err := prove(auth.Proof{Means: auth.ByPassword, Code: good}); !errors.Is(err, auth.ErrStepUp) {
			t.Errorf("by the password that opened the session: %v", err)
		}
		for _, m := range []auth.Means{auth.ByPIN, auth.ByTOTP, auth.ByPasskey} {
			if _, err := prove(auth.Proof{Means: m, Code: "000000"}); !errors.Is(err, auth.ErrUnproven) {
				t.Errorf("by %s, which he has not: %v", m, err)
			}
		}
		h.must(h.SetPIN(ctx, owner, "802715"))
		p, err := prove(auth.Proof{Means: auth.ByPIN, Code: "802715"})
		h.must(err)
		h.must(p.Use(owner, auth.PaymentRefund, "payment/9", h.now()))
		for i := range 5 {
			_, err := prove(auth.Proof{Means: auth.ByPIN, Code: "000001"})
			if want := map[bool]error{false: auth.ErrPIN, true: auth.ErrLocked}[i == 4]; !errors.Is(err, want) {
				t.Errorf("wrong PIN %d: %v", i+1, err)
			}
		}
		if _, err := prove(auth.Proof{Means: auth.ByPIN, Code: "802715"}); !errors.Is(err, auth.ErrLocked) {
			t.Errorf("the right PIN after five wrong ones: %v", err)
		}
		if _, err := h.SignIn(ctx, "first.7", good, from); err != nil {
			t.Errorf("a locked PIN locks the password: %v", err)
		}
		if _, err := prove(auth.Proof{Means: auth.ByPasskey, Ticket: "x", Answer: []byte(`{}`)}); !errors.Is(err, auth.ErrUnproven) {
			t.Errorf("got %v", err)
		}
		device := auth.Who{Kind: auth.Device, ID: 1, Merchant: shop, Role: auth.Till}
		if _, err := h.StepUp(ctx, device, auth.PaymentTake, "", auth.Proof{Means: auth.ByPIN, Code: "802715"}); !errors.Is(err, auth.ErrForbidden) {
			t.Errorf("a device proves nothing: %v", err)
		}
	})
}

func TestAPINIsNotWhatIsTriedFirst(t *testing.T) {
	t.Parallel()
	h := newHouse(t, storetest.SQLite(t))
	owner, _ := h.first(shop) // whose phone number is 13812345678
	for pin, want := range map[string]error{
		"12345": auth.ErrPINForm, "1234567": auth.ErrPINForm, "12a456": auth.ErrPINForm, "": auth.ErrPINForm,
		"000000": auth.ErrPINWeak, "123456": auth.ErrPINWeak, "654321": auth.ErrPINWeak, "890123": auth.ErrPINWeak, "121212": auth.ErrPINWeak,
		"900101": auth.ErrPINWeak, "199012": auth.ErrPINWeak, "345678": auth.ErrPINWeak, "147258": auth.ErrPINWeak, "802715": nil, "394186": nil,
	} {
		if err := h.SetPIN(t.Context(), owner, pin); !errors.Is(err, want) {
			t.Errorf("%q: %v", pin, err)
		}
	}
}

func TestADeviceIsPairedAndHandedFromCashierToCashier(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ctx := t.Context()
		owner, _ := h.first(shop)
		h.must(h.SetPIN(ctx, owner, "802715"))
		tablet := auth.Origin{Address: "192.0.2.44", Agent: "a tablet"}
		p, secret, err := h.ShowCode(ctx, tablet)
		if err != nil || len(p.Code) != 6 {
			t.Fatalf("%+v, %v", p, err)
		}
		if _, ok, err := h.Paired(ctx, secret, tablet); ok || err != nil {
			t.Errorf("nobody has taken it: %v, %v", ok, err)
		}
		if _, err := h.FindCode(ctx, owner, "999999x"); !errors.Is(err, auth.ErrPairing) {
			t.Errorf("a code that nobody shows: %v", err)
		}
		if seen, err := h.FindCode(ctx, owner, p.Code[:3]+" "+p.Code[3:]); err != nil || seen.Agent != "a tablet" || seen.Address != tablet.Address {
			t.Errorf("%+v, %v", seen, err)
		}
		if _, err := h.TakeCode(ctx, owner, p.Code, " ", true); !errors.Is(err, auth.ErrDeviceName) {
			t.Errorf("without a name: %v", err)
		}
		d, err := h.TakeCode(ctx, owner, p.Code, "前台平板", true)
		h.must(err)
		if _, err := h.TakeCode(ctx, owner, p.Code, "again", true); !errors.Is(err, auth.ErrPairing) {
			t.Errorf("a code was taken twice: %v", err)
		}
		if _, _, err := h.Paired(ctx, p.Code, tablet); !errors.Is(err, auth.ErrHalfway) {
			t.Errorf("who only saw the code got the session: %v", err)
		}
		e, ok, err := h.Paired(ctx, secret, tablet)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if _, _, err := h.Paired(ctx, secret, tablet); !errors.Is(err, auth.ErrHalfway) {
			t.Errorf("the session was given twice: %v", err)
		}
		who := h.who(e)
		if who.Kind != auth.Device || who.ID != d.ID || who.Role != auth.Locked || who.Merchant != shop || auth.Allows(who, auth.PaymentTake) {
			t.Errorf("got %+v", who)
		}
		list, err := h.Cashiers(ctx, shop)
		if err != nil || len(list) != 1 || list[0].ID != owner.ID {
			t.Errorf("%+v, %v", list, err)
		}
		at := auth.Origin{Address: tablet.Address, Device: d.ID}
		if _, err := h.Switch(ctx, who, owner.ID, "111111", at); !errors.Is(err, auth.ErrPIN) {
			t.Errorf("a wrong PIN: %v", err)
		}
		if _, err := h.Switch(ctx, owner, owner.ID, "802715", from); !errors.Is(err, auth.ErrForbidden) {
			t.Errorf("a PIN signs in without a device: %v", err)
		}
		in, err := h.Switch(ctx, who, owner.ID, "802715", at)
		h.must(err)
		cashier := h.who(in)
		if cashier.Kind != auth.Staff || cashier.Device != d.ID || !auth.Allows(cashier, auth.PaymentTake) {
			t.Errorf("got %+v", cashier)
		}
		h.pass(10*time.Minute + time.Second)
		if _, err := h.Find(ctx, in.Token, at); !errors.Is(err, auth.ErrAnonymous) {
			t.Errorf("a cashier who went away is still in: %v", err)
		}
		if who = h.who(e); who.Role != auth.Locked {
			t.Errorf("the device stays paired: %+v", who)
		}
		boss := h.relog(owner)
		h.must(h.SetLocked(ctx, boss, d.ID, false))
		if who = h.who(e); who.Role != auth.Till || !auth.Allows(who, auth.PaymentTake) || auth.Allows(who, auth.PaymentRefund) {
			t.Errorf("got %+v", who)
		}
		in, err = h.Switch(ctx, who, owner.ID, "802715", at)
		h.must(err)
		if err := h.RevokeDevice(ctx, boss, d.ID+1); !errors.Is(err, auth.ErrNoDevice) {
			t.Errorf("a device that is not there: %v", err)
		}
		h.must(h.RevokeDevice(ctx, boss, d.ID))
		for name, token := range map[string]string{"the device": e.Token, "the cashier at it": in.Token} {
			if _, err := h.Find(ctx, token, at); !errors.Is(err, auth.ErrAnonymous) {
				t.Errorf("%s is still trusted: %v", name, err)
			}
		}
		if list, err := h.Devices(ctx, shop); err != nil || len(list) != 0 {
			t.Errorf("%+v, %v", list, err)
		}
		here, e, err := h.PairHere(ctx, boss, "my phone", false, from)
		h.must(err)
		if who := h.who(e); who.ID != here.ID || who.Role != auth.Till {
			t.Errorf("got %+v", who)
		}
	})
}

// relog gives somebody a session anew, by a password that he sets on the way.
func (h *house) relog(who auth.Who) auth.Who {
	h.t.Helper()
	link, err := h.FirstLink(h.t.Context(), auth.NewAccount{Merchant: who.Merchant, Login: "x", Name: "x", Role: who.Role})
	h.must(err)
	e, _, err := h.OpenLink(h.t.Context(), link, from)
	h.must(err)
	return h.who(e)
}

func TestAnotherMerchantsPeopleAndDevicesAreOutOfReach(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ctx := t.Context()
		mine, mineIn := h.first(shop)
		theirs, _ := h.first(8)
		secret, _ := h.enrol(theirs)
		d, _, err := h.PairHere(ctx, mine, "till", false, from)
		h.must(err)
		object := auth.Person(auth.Staff, mine.ID)
		proof := func() auth.StepUp { return h.step(theirs, secret, auth.StaffWrite, object) }
		for name, err := range map[string]error{
			"suspend":         h.Suspend(ctx, theirs, proof(), mine.ID),
			"role":            h.ChangeRole(ctx, theirs, proof(), mine.ID, auth.Cashier),
			"revoke device":   h.RevokeDevice(ctx, theirs, d.ID),
			"lock device":     h.SetLocked(ctx, theirs, d.ID, true),
			"revoke session":  h.Revoke(ctx, theirs, mine.Session),
			"remove passkey":  h.RemovePasskey(ctx, theirs, []byte("x")),
			"sign in by PIN":  second(h.Switch(ctx, auth.Who{Kind: auth.Device, ID: 1, Merchant: 8, Role: auth.Locked}, mine.ID, "802715", auth.Origin{Device: 1})),
			"find an account": second(h.Account(ctx, 8, mine.ID)),
		} {
			if k := fault.Of(err).Kind; err == nil || (k != fault.NotFound && !errors.Is(err, auth.ErrLastMeans)) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, link, err := h.Relink(ctx, theirs, proof(), mine.ID); link != "" || !errors.Is(err, auth.ErrNoPerson) {
			t.Errorf("a stranger made a link: %v", err)
		}
		if who := h.who(mineIn); who.Role != auth.Owner {
			t.Errorf("got %+v", who)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestTheRulesOfAMerchantAreItsOwn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ctx := t.Context()
		owner, _ := h.first(shop)
		secret, _ := h.enrol(owner)
		want := auth.Policy{PasswordDays: 90, POSIdle: 5 * time.Minute, RefundFree: 10000}
		if err := h.SetPolicy(ctx, owner, auth.StepUp{}, want); !errors.Is(err, auth.ErrStepUp) {
			t.Errorf("without a fresh proof: %v", err)
		}
		proof := h.step(owner, secret, auth.SettingsWrite, "policy")
		if err := h.SetPolicy(ctx, owner, proof, auth.Policy{POSIdle: 0}); !errors.Is(err, auth.ErrPolicy) {
			t.Errorf("no idleness at all: %v", err)
		}
		h.must(h.SetPolicy(ctx, owner, proof, want))
		if got, err := h.Policy(ctx, shop); err != nil || got != want {
			t.Errorf("%+v, %v", got, err)
		}
		if got, err := h.Policy(ctx, 8); err != nil || got.POSIdle != 10*time.Minute {
			t.Errorf("another merchant's: %+v, %v", got, err)
		}
		if !strings.HasPrefix(h.acts(shop), "settings.sign_in proof.step_up") {
			t.Errorf("the trail says %s", h.acts(shop))
		}
	})
}

func TestASiteOfDigitsHasNoPasskeys(t *testing.T) {
	t.Parallel()
	h := newHouse(t, storetest.SQLite(t))
	for site, want := range map[string]bool{"http://localhost:8080": true, "https://pay.example.cn": true, "http://pay.example.cn": false, "http://127.0.0.1:8080": false, "https://192.0.2.1": false} {
		g, err := auth.Open(auth.Config{DB: h.db, Site: site})
		if err != nil || g.HasPasskeys() != want {
			t.Errorf("%s: %v, %v", site, g.HasPasskeys(), err)
		}
	}
	for _, bad := range []string{"", "localhost:8080", "ftp://x", "://"} {
		if _, err := auth.Open(auth.Config{DB: h.db, Site: bad}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	who, _ := h.first(shop)
	q, err := h.NewPasskey(t.Context(), who)
	if err != nil || !strings.Contains(string(q.Options), `"userVerification":"required"`) || !strings.Contains(string(q.Options), `"id":"localhost"`) {
		t.Errorf("%s, %v", q.Options, err)
	}
	if err := h.AddPasskey(t.Context(), who, q.Ticket, "phone", []byte(`{}`)); !errors.Is(err, auth.ErrPasskey) {
		t.Errorf("an answer of nothing: %v", err)
	}
	if err := h.AddPasskey(t.Context(), who, q.Ticket, "phone", []byte(`{}`)); !errors.Is(err, auth.ErrHalfway) {
		t.Errorf("a question was answered twice: %v", err)
	}
	if _, err := h.AskStepUp(t.Context(), who, auth.PaymentRefund, "payment/1"); !errors.Is(err, auth.ErrUnproven) {
		t.Errorf("whoever has none is asked: %v", err)
	}
	if fmt.Sprint(mustAccount(h, who).StepUpMeans()) != "[]" {
		t.Error("he has something to show")
	}
}
