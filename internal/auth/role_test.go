package auth_test

import (
	"errors"
	"slices"
	"testing"

	"hawker/internal/auth"
	"hawker/internal/fault"
)

// one is somebody of a role who acts for merchant 7, or for the institution.
func one(k auth.Kind, r auth.Role) auth.Who {
	who := auth.Who{Kind: k, ID: 5, Merchant: 7, Role: r}
	if k == auth.Operator {
		who.Merchant = 0
	}
	return who
}

func TestEveryActionIsSomebodysAndEveryRoleHasSome(t *testing.T) {
	t.Parallel()
	used := map[auth.Action]bool{}
	for _, k := range []auth.Kind{auth.Staff, auth.Operator, auth.Device} {
		for _, r := range auth.Roles(k) {
			n := 0
			for _, a := range auth.Actions() {
				if auth.Allows(one(k, r), a) {
					used[a] = true
					n++
				}
			}
			if n == 0 {
				t.Errorf("%s may nothing", r)
			}
		}
	}
	for _, a := range auth.Actions() {
		if !used[a] {
			t.Errorf("nobody may %s", a)
		}
	}
	if len(slices.Compact(slices.Sorted(slices.Values(auth.Actions())))) != len(auth.Actions()) {
		t.Error("an action is listed twice")
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	key := func(s ...auth.Scope) auth.Who { return auth.Who{Kind: auth.Key, ID: 1, Merchant: 7, Scopes: s} }
	at := one(auth.Staff, auth.Cashier)
	at.Device = 3
	stray := one(auth.Staff, auth.Owner)
	stray.Merchant = 0
	fresh := one(auth.Operator, auth.Admin)
	fresh.Enrolling = true
	tenant := one(auth.Operator, auth.Admin)
	tenant.Merchant = 7
	for _, c := range []struct {
		name   string
		who    auth.Who
		action auth.Action
		want   bool
	}{
		{"an owner refunds", one(auth.Staff, auth.Owner), auth.PaymentRefund, true},
		{"an owner consents to a fee", one(auth.Staff, auth.Owner), auth.FeeConsent, true},
		{"a manager does not consent to a fee", one(auth.Staff, auth.Manager), auth.FeeConsent, false},
		{"a manager does not invite staff", one(auth.Staff, auth.Manager), auth.StaffWrite, false},
		{"a cashier takes a payment", one(auth.Staff, auth.Cashier), auth.PaymentTake, true},
		{"a cashier does not export payments", one(auth.Staff, auth.Cashier), auth.PaymentExport, false},
		{"a cashier does not read the audit trail", one(auth.Staff, auth.Cashier), auth.AuditRead, false},
		{"an accountant reads payments", one(auth.Staff, auth.Accountant), auth.PaymentRead, true},
		{"an accountant takes none", one(auth.Staff, auth.Accountant), auth.PaymentTake, false},
		{"an accountant refunds none", one(auth.Staff, auth.Accountant), auth.PaymentRefund, false},
		{"no operator takes a payment", one(auth.Operator, auth.Admin), auth.PaymentTake, false},
		{"no operator refunds a merchant's payment", one(auth.Operator, auth.Finance), auth.PaymentRefund, false},
		{"a reviewer decides", one(auth.Operator, auth.Reviewer), auth.ReviewDecide, true},
		{"an administrator does not decide applications", one(auth.Operator, auth.Admin), auth.ReviewDecide, false},
		{"an auditor reads the trail", one(auth.Operator, auth.Auditor), auth.AuditRead, true},
		{"an administrator does not pay out", one(auth.Operator, auth.Admin), auth.PayoutWrite, false},
		{"a till sells", one(auth.Device, auth.Till), auth.PaymentTake, true},
		{"a till does not refund by itself", one(auth.Device, auth.Till), auth.PaymentRefund, false},
		{"a locked till sells nothing", one(auth.Device, auth.Locked), auth.PaymentTake, false},
		{"a locked till shows who may sign in", one(auth.Device, auth.Locked), auth.DeviceUse, true},
		{"a cashier at a device hands it over", at, auth.DeviceUse, true},
		{"a cashier at home has no device", one(auth.Staff, auth.Cashier), auth.DeviceUse, false},
		{"a key that reads does not take", key(auth.ScopePaymentsRead), auth.PaymentTake, false},
		{"a key with two scopes has both", key(auth.ScopePaymentsRead, auth.ScopeRefundsWrite), auth.PaymentRefund, true},
		{"a key of an unknown scope may nothing", key("everything"), auth.PaymentRead, false},
		{"a key never changes staff", key(auth.Scopes()...), auth.StaffWrite, false},
		{"an operator's role is nothing to a merchant's staff", one(auth.Staff, auth.Admin), auth.ConsoleRead, false},
		{"a merchant's role is nothing to an operator", one(auth.Operator, auth.Owner), auth.PaymentRefund, false},
		{"staff without a merchant may nothing", stray, auth.PaymentRead, false},
		{"an operator with a merchant may nothing", tenant, auth.MerchantRead, false},
		{"an operator without a second factor sets one up", fresh, auth.SelfWrite, true},
		{"and nothing else", fresh, auth.OperatorWrite, false},
		{"nobody may nothing", auth.Who{}, auth.SelfRead, false},
		{"an action that is not in the table is refused", one(auth.Staff, auth.Owner), "payment.invent", false},
	} {
		if got := auth.Allows(c.who, c.action); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
}

func TestAnAuditorChangesNothing(t *testing.T) {
	t.Parallel()
	for _, a := range auth.Actions() {
		name := string(a)
		read := len(name) > 5 && name[len(name)-5:] == ".read"
		if auth.Allows(one(auth.Operator, auth.Auditor), a) && !read && a != auth.PaymentExport && a != auth.SelfWrite {
			t.Errorf("an auditor may %s", a)
		}
	}
}

func TestAScopeOpensWhatItSaysAndNothingOfPeople(t *testing.T) {
	t.Parallel()
	for _, s := range auth.Scopes() {
		who, n := auth.Who{Kind: auth.Key, ID: 1, Merchant: 7, Scopes: []auth.Scope{s}}, 0
		for _, a := range auth.Actions() {
			if auth.Allows(who, a) {
				n++
			}
		}
		if n == 0 {
			t.Errorf("%s opens nothing", s)
		}
		for _, a := range []auth.Action{auth.SelfWrite, auth.StaffWrite, auth.KeyWrite, auth.AccountWrite, auth.FeeConsent, auth.SettingsWrite} {
			if auth.Allows(who, a) {
				t.Errorf("%s opens %s", s, a)
			}
		}
	}
}

func TestAStrangersThingDoesNotExist(t *testing.T) {
	t.Parallel()
	owner := one(auth.Staff, auth.Owner)
	if err := owner.Must(7); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{"another merchant's": owner.Must(8), "nobody's": owner.Must(0), "for nobody": (auth.Who{}).Must(0)} {
		if !errors.Is(err, auth.ErrForeign) || fault.Of(err).Kind != fault.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := one(auth.Operator, auth.Support).Must(8); err != nil {
		t.Errorf("operators serve every merchant: %v", err)
	}
}

func TestAContextCarriesWhoAsks(t *testing.T) {
	t.Parallel()
	if _, ok := auth.From(t.Context()); ok {
		t.Error("somebody is there")
	}
	if _, err := auth.Require(t.Context(), auth.SelfRead); !errors.Is(err, auth.ErrAnonymous) {
		t.Errorf("got %v", err)
	}
	if _, ok := auth.From(auth.With(t.Context(), auth.Who{})); ok {
		t.Error("nobody counts as somebody")
	}
	ctx := auth.With(t.Context(), one(auth.Staff, auth.Cashier))
	if who, err := auth.Require(ctx, auth.PaymentTake); err != nil || who.ID != 5 {
		t.Errorf("got %+v, %v", who, err)
	}
	if _, err := auth.Require(ctx, auth.StaffWrite); !errors.Is(err, auth.ErrForbidden) || fault.Of(err).Kind != fault.Forbidden {
		t.Errorf("got %v", err)
	}
}
