package apikey_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"hawker/internal/apikey"
	"hawker/internal/audit"
	"hawker/internal/auth"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var noon = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

var owner = audit.Actor{Kind: "staff", ID: 7, Name: "小满", Role: "owner"}

// world is two merchants, and a desk whose clock is moved by hand.
type world struct {
	db   *store.DB
	desk *apikey.Desk
	mu   sync.Mutex
	now  time.Time
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{db: db, now: noon}
	w.desk = apikey.New(db, w.clock, apikey.Test)
	if err := db.Write(t.Context(), func(tx *store.Tx) error {
		for id := range 2 {
			if err := merchant.Add(t.Context(), tx, merchant.Merchant{ID: merchant.ID(id + 1), MID: fmt.Sprintf("10029005812000%d", id+1), NameZH: "面馆", NameEN: "Noodles",
				Place: "Shanghai", MCC: "5812", Currency: money.CNY, Zone: time.UTC, Cutoff: 24 * time.Hour, State: merchant.Active}, noon); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) create(t *testing.T) (apikey.Key, string) {
	t.Helper()
	k, s, err := w.desk.Create(t.Context(), apikey.Wanted{Merchant: 1, Name: "till", Scopes: []auth.Scope{auth.ScopePaymentsWrite, auth.ScopePaymentsRead}}, owner, "10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return k, s.Reveal()
}

func TestAKeyOpensWhatItWasMadeForUntilItEnds(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		k, text := w.create(t)
		if !strings.HasPrefix(text, "hk_test_") || !strings.HasPrefix(text, strings.TrimSuffix(k.Label(), "…")) {
			t.Errorf("it reads %s", text)
		}
		got, err := w.desk.Authenticate(t.Context(), text, "192.0.2.9")
		if err != nil || got.ID != k.ID {
			t.Fatal(got, err)
		}
		who := got.Who("192.0.2.9")
		if !auth.Allows(who, auth.PaymentTake) || auth.Allows(who, auth.PaymentRefund) || who.Merchant != 1 {
			t.Errorf("it may as %+v", who)
		}
		if used, err := apikey.ByID(t.Context(), db.Read(), 1, k.ID); err != nil || !used.Used.Equal(noon) || used.From != "192.0.2.9" {
			t.Errorf("its last use is %v from %q, %v", used.Used, used.From, err)
		}
		if err := w.desk.Revoke(t.Context(), 2, k.ID, owner, ""); !errors.Is(err, apikey.ErrUnknown) {
			t.Errorf("another merchant revokes it: %v", err)
		}
		if err := w.desk.Revoke(t.Context(), 1, k.ID, owner, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := w.desk.Authenticate(t.Context(), text, ""); !errors.Is(err, apikey.ErrKey) {
			t.Errorf("a revoked key: %v", err)
		}
		if err := w.desk.Revoke(t.Context(), 1, k.ID, owner, ""); !errors.Is(err, apikey.ErrState) {
			t.Errorf("revoked twice: %v", err)
		}
		if _, _, err := w.desk.Rotate(t.Context(), 1, k.ID, 0, owner, ""); !errors.Is(err, apikey.ErrState) {
			t.Errorf("a revoked key was rotated: %v", err)
		}
	})
}

func TestARevocationElsewhereWorksWithinASecond(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	k, text := w.create(t)
	if _, err := w.desk.Authenticate(t.Context(), text, ""); err != nil {
		t.Fatal(err)
	}
	if err := apikey.New(w.db, w.clock, apikey.Test).Revoke(t.Context(), 1, k.ID, owner, ""); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Second)
	if _, err := w.desk.Authenticate(t.Context(), text, ""); !errors.Is(err, apikey.ErrKey) {
		t.Errorf("a second after it was revoked at another node: %v", err)
	}
}

func TestARotatedKeyHoldsForItsOverlapOnly(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		k, old := w.create(t)
		for _, bad := range []time.Duration{-1, 8 * 24 * time.Hour} {
			if _, _, err := w.desk.Rotate(t.Context(), 1, k.ID, bad, owner, ""); !errors.Is(err, apikey.ErrInput) {
				t.Errorf("an overlap of %v: %v", bad, err)
			}
		}
		next, s, err := w.desk.Rotate(t.Context(), 1, k.ID, time.Hour, owner, "")
		if err != nil || next.Name != k.Name || fmt.Sprint(next.Scopes) != fmt.Sprint(k.Scopes) || next.Line() != k.Line() {
			t.Fatalf("%+v after %+v, %v", next, k, err)
		}
		w.pass(59 * time.Minute)
		for _, text := range []string{old, s.Reveal()} {
			if _, err := w.desk.Authenticate(t.Context(), text, ""); err != nil {
				t.Errorf("within the overlap: %v", err)
			}
		}
		if _, _, err := w.desk.Rotate(t.Context(), 1, k.ID, 0, owner, ""); !errors.Is(err, apikey.ErrState) {
			t.Errorf("rotated twice: %v", err)
		}
		w.pass(time.Minute)
		if _, err := w.desk.Authenticate(t.Context(), old, ""); !errors.Is(err, apikey.ErrKey) {
			t.Errorf("at the end of the overlap: %v", err)
		}
		if _, err := w.desk.Authenticate(t.Context(), s.Reveal(), ""); err != nil {
			t.Errorf("its successor: %v", err)
		}
	})
}

func TestWhatIsNoKeyIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	_, text := w.create(t)
	live, s, err := w.desk.Create(t.Context(), apikey.Wanted{Merchant: 1, Mode: apikey.Live, Name: "shop", Scopes: []auth.Scope{auth.ScopeReports}}, owner, "")
	if err != nil {
		t.Fatal(live, err)
	}
	if _, err := w.desk.Authenticate(t.Context(), s.Reveal(), ""); !errors.Is(err, apikey.ErrMode) {
		t.Errorf("a live key in the sandbox: %v", err)
	}
	_, other := w.create(t)
	for name, bad := range map[string]string{
		"nothing":                        "",
		"a password":                     "correct horse battery staple",
		"a key cut short":                text[:len(text)-1],
		"a typing error":                 text[:len(text)-8] + "!" + text[len(text)-7:],
		"another's secret":               text[:strings.LastIndexByte(text, '_')] + other[strings.LastIndexByte(other, '_'):],
		"a key that says it is live":     strings.Replace(text, "test", "live", 1),
		"a key of another merchant":      strings.Replace(text, "_1_", "_2_", 1),
		"a very long text":               strings.Repeat("hk_test_1_1_", 1000),
		"a text with zeros and newlines": "hk_test_1_1_\x00\r\n" + text[12:],
	} {
		if _, err := w.desk.Authenticate(t.Context(), bad, ""); !errors.Is(err, apikey.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, bad := range map[string]apikey.Wanted{
		"no name":          {Merchant: 1, Scopes: []auth.Scope{auth.ScopeReports}},
		"a name of spaces": {Merchant: 1, Name: "  ", Scopes: []auth.Scope{auth.ScopeReports}},
		"a long name":      {Merchant: 1, Name: strings.Repeat("面", 65), Scopes: []auth.Scope{auth.ScopeReports}},
		"a broken name":    {Merchant: 1, Name: "a\x00b", Scopes: []auth.Scope{auth.ScopeReports}},
		"no scope":         {Merchant: 1, Name: "a"},
		"an unknown scope": {Merchant: 1, Name: "a", Scopes: []auth.Scope{"everything"}},
		"an unknown mode":  {Merchant: 1, Name: "a", Mode: "prod", Scopes: []auth.Scope{auth.ScopeReports}},
	} {
		if _, _, err := w.desk.Create(t.Context(), bad, owner, ""); !errors.Is(err, apikey.ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := w.desk.Create(t.Context(), apikey.Wanted{Merchant: 9, Name: "a", Scopes: []auth.Scope{auth.ScopeReports}}, owner, ""); !errors.Is(err, merchant.ErrUnknown) {
		t.Errorf("a key for nobody: %v", err)
	}
}

func TestTheSecretIsNowhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	k, s, err := w.desk.Create(t.Context(), apikey.Wanted{Merchant: 1, Name: "till", Scopes: []auth.Scope{auth.ScopeReports}}, owner, "")
	if err != nil {
		t.Fatal(err)
	}
	secret := s.Reveal()[strings.LastIndexByte(s.Reveal(), '_')+1:]
	told, err := json.Marshal(map[string]any{"key": k, "secret": s})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%+v %#v %q", s, s, s), string(told), k.Label()} {
		if strings.Contains(text, secret) {
			t.Errorf("it is in %s", text)
		}
	}
	var found int
	if err := w.db.Read().QueryRow(t.Context(), `SELECT COUNT(*) FROM audit_trail WHERE body LIKE '%' || $1 || '%'`, secret).Scan(&found); err != nil || found != 0 {
		t.Error("it is in the audit trail", err)
	}
	if err := w.db.Read().QueryRow(t.Context(), `SELECT COUNT(*) FROM audit_trail WHERE what = 'apikey.create'`).Scan(&found); err != nil || found != 1 {
		t.Errorf("%d records say that it was made, %v", found, err)
	}
}

func FuzzAuthenticate(f *testing.F) {
	db := storetest.SQLite(f)
	desk := apikey.New(db, func() time.Time { return noon }, apikey.Test)
	f.Add("hk_test_1_abc_0123456789ABCDEFGHIJKLMNOPQRSTUVabcdef")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := desk.Authenticate(t.Context(), text, text); !errors.Is(err, apikey.ErrKey) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
