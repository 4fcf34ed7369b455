package auth_test

import (
	"encoding/base32"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"hawker/internal/audit"
	"hawker/internal/auth"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// house is a merchant with a guard and a clock that the test moves.
type house struct {
	*auth.Guard
	t  *testing.T
	db *store.DB
	mu sync.Mutex
	at time.Time
}

const shop = merchant.ID(7)

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = h.at.Add(d)
}

func newHouse(t *testing.T, db *store.DB) *house {
	t.Helper()
	h := &house{t: t, db: db, at: time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)}
	ks, err := keys.Open(t.Context(), db, filepath.Join(t.TempDir(), "master.key"), h.now)
	if err != nil {
		t.Fatal(err)
	}
	if h.Guard, err = auth.Open(auth.Config{DB: db, Keys: ks, Clock: h.now, Site: "http://localhost:8080"}); err != nil {
		t.Fatal(err)
	}
	if err := db.Write(t.Context(), func(tx *store.Tx) error {
		return merchant.Add(t.Context(), tx, merchant.Merchant{ID: shop, MID: "100290058120007", NameZH: "小满面馆", NameEN: "Xiaoman Noodles", Place: "Shanghai", MCC: "5812",
			Currency: money.CNY, Zone: time.UTC, State: merchant.Active}, h.at)
	}); err != nil {
		t.Fatal(err)
	}
	return h
}

var from = auth.Origin{Address: "192.0.2.7", Agent: "a browser"}

const good, better = "窗外雨声盖住了锅里的油花", "correct horse battery staple"

// first signs the first owner (or administrator, for merchant 0) in by a link.
func (h *house) first(m merchant.ID) (auth.Who, auth.Entry) {
	h.t.Helper()
	n := auth.NewAccount{Merchant: m, Login: fmt.Sprintf("first.%d", m), Name: "陈晨", Phone: "13812345678", Role: auth.Owner}
	if m == 0 {
		n.Role = auth.Admin
	}
	link, err := h.FirstLink(h.t.Context(), n)
	if err != nil || link == "" {
		h.t.Fatalf("%q, %v", link, err)
	}
	e, _, err := h.OpenLink(h.t.Context(), link, from)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.who(e), e
}

// who is whoever holds an entry's token.
func (h *house) who(e auth.Entry) auth.Who {
	h.t.Helper()
	who, err := h.Find(h.t.Context(), e.Token, from)
	if err != nil {
		h.t.Fatal(err)
	}
	return who
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// enrol gives somebody one-time codes.
func (h *house) enrol(who auth.Who) (secret string, recovery []string) {
	h.t.Helper()
	e, ticket, err := h.NewTOTP(h.t.Context(), who)
	h.must(err)
	secret = strings.ReplaceAll(e.Secret, " ", "")
	if raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret); err != nil || len(raw) != 20 || !strings.Contains(e.URL, "secret="+secret) {
		h.t.Fatalf("a secret of 160 bits: %+v, %v", e, err)
	}
	recovery, err = h.ConfirmTOTP(h.t.Context(), who, ticket, h.code(secret))
	h.must(err)
	return secret, recovery
}

func (h *house) code(secret string) string {
	h.t.Helper()
	code, err := totp.GenerateCode(secret, h.now())
	h.must(err)
	return code
}

// acts are what the trail of a merchant says, the newest first; the trail must be whole.
func (h *house) acts(m merchant.ID) string {
	h.t.Helper()
	if _, err := audit.Verify(h.t.Context(), h.db.Read(), nil, nil); err != nil {
		h.t.Error(err)
	}
	list, err := audit.List(h.t.Context(), h.db.Read(), audit.Filter{Merchant: int64(m), Limit: 200})
	h.must(err)
	var acts []string
	for _, r := range list {
		acts = append(acts, r.What)
	}
	return strings.Join(acts, " ")
}

func TestAFirstLinkSignsInOnceAndAsksForNoPassword(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ctx := t.Context()
		n := auth.NewAccount{Merchant: shop, Login: "Chen@Example.cn ", Name: "陈晨", Role: auth.Owner}
		link, err := h.FirstLink(ctx, n)
		h.must(err)
		again, err := h.FirstLink(ctx, n)
		h.must(err)
		if _, _, err := h.Peek(ctx, link); !errors.Is(err, auth.ErrLink) {
			t.Errorf("a newer link ends the older: %v", err)
		}
		if a, p, err := h.Peek(ctx, again); err != nil || a.Login != "chen@example.cn" || p != auth.First {
			t.Errorf("got %+v, %s, %v", a, p, err)
		}
		if _, err := h.SignIn(ctx, "chen@example.cn", "", from); !errors.Is(err, auth.ErrSignIn) {
			t.Errorf("an account without a password was entered: %v", err)
		}
		e, _, err := h.OpenLink(ctx, again, from)
		h.must(err)
		if who := h.who(e); who.Merchant != shop || who.Role != auth.Owner || who.Enrolling || who.From != from.Address {
			t.Errorf("got %+v", who)
		}
		if _, _, err := h.OpenLink(ctx, again, from); !errors.Is(err, auth.ErrLink) {
			t.Errorf("it worked twice: %v", err)
		}
		late, err := h.FirstLink(ctx, n)
		h.must(err)
		h.pass(24 * time.Hour)
		if _, _, err := h.OpenLink(ctx, late, from); !errors.Is(err, auth.ErrLink) {
			t.Errorf("it worked after a day: %v", err)
		}
		late, err = h.FirstLink(ctx, n)
		h.must(err)
		e, _, err = h.OpenLink(ctx, late, from)
		h.must(err)
		h.must(h.SetPassword(ctx, h.who(e), good))
		if link, err := h.FirstLink(ctx, n); err != nil || link != "" {
			t.Errorf("whoever can sign in needs no link: %q, %v", link, err)
		}
		if got := h.acts(shop); got != "self.password_set sign_in sign_in staff.first" {
			t.Errorf("the trail says %s", got)
		}
	})
}

func TestAPasswordAndACodeSignIn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ctx := t.Context()
		who, _ := h.first(shop)
		h.must(h.SetPassword(ctx, who, good))
		secret, recovery := h.enrol(who)
		if len(recovery) != 10 {
			t.Errorf("recovery codes: %v", recovery)
		}
		half, err := h.SignIn(ctx, " First.7 ", good, from)
		h.must(err)
		if half.Token != "" || half.Ticket == "" || fmt.Sprint(half.Second) != "[totp recovery]" {
			t.Errorf("got %+v", half)
		}
		if _, err := h.Find(ctx, half.Ticket, from); !errors.Is(err, auth.ErrAnonymous) {
			t.Errorf("a ticket is a session: %v", err)
		}
		by := func(m auth.Means, code string) (auth.Entry, error) {
			return h.Second(ctx, half.Ticket, auth.Proof{Means: m, Code: code}, from)
		}
		if _, err := by(auth.ByTOTP, h.code(secret)); !errors.Is(err, auth.ErrProof) {
			t.Errorf("the code that enrolled was used again: %v", err)
		}
		for _, m := range []auth.Means{auth.ByPassword, auth.ByPIN, ""} {
			if _, err := by(m, good); !errors.Is(err, auth.ErrProof) {
				t.Errorf("%q is a second factor: %v", m, err)
			}
		}
		h.pass(30 * time.Second)
		code := h.code(secret)
		e, err := by(auth.ByTOTP, code)
		h.must(err)
		if who := h.who(e); who.Role != auth.Owner || who.Enrolling {
			t.Errorf("got %+v", who)
		}
		if _, err := by(auth.ByTOTP, code); !errors.Is(err, auth.ErrHalfway) {
			t.Errorf("a ticket worked twice: %v", err)
		}
		if half, err = h.SignIn(ctx, "first.7", good, from); err != nil {
			t.Fatal(err)
		}
		if _, err := by(auth.ByTOTP, code); !errors.Is(err, auth.ErrProof) {
			t.Errorf("a code worked twice: %v", err)
		}
		h.pass(time.Minute)
		early := h.code(secret)
		h.pass(-30 * time.Second) // his phone is half a minute fast
		if _, err := by(auth.ByTOTP, early[:3]+" "+early[3:]); err != nil {
			t.Errorf("a code of half a minute ahead: %v", err)
		}
		if half, err = h.SignIn(ctx, "first.7", good, from); err != nil {
			t.Fatal(err)
		}
		if _, err := by(auth.ByTOTP, h.code(secret)); !errors.Is(err, auth.ErrProof) {
			t.Errorf("a code before the last one worked: %v", err)
		}
		if _, err := by(auth.ByRecovery, strings.ToLower(recovery[3])); err != nil {
			t.Errorf("a recovery code: %v", err)
		}
		if half, err = h.SignIn(ctx, "first.7", good, from); err != nil {
			t.Fatal(err)
		}
		if _, err := by(auth.ByRecovery, recovery[3]); !errors.Is(err, auth.ErrProof) {
			t.Errorf("a recovery code worked twice: %v", err)
		}
		if n, err := h.RecoveryLeft(ctx, shop, who.ID); err != nil || n != 9 {
			t.Errorf("%d recovery codes are left, %v", n, err)
		}
		h.pass(11 * time.Minute)
		if _, err := by(auth.ByTOTP, h.code(secret)); !errors.Is(err, auth.ErrHalfway) {
			t.Errorf("a ticket worked after ten minutes: %v", err)
		}
		for _, secret := range []string{good, secret, recovery[3]} {
			h.nowhere(secret)
		}
	})
}

// nowhere fails when a secret stands in any table as it is.
func (h *house) nowhere(secret string) {
	h.t.Helper()
	for _, q := range []string{`SELECT body FROM audit_trail`, `SELECT password_hash || pin_hash FROM accounts`, `SELECT hash FROM account_passwords`, `SELECT data FROM challenges`} {
		rows, err := h.db.Read().Query(h.t.Context(), q)
		h.must(err)
		for rows.Next() {
			var text string
			h.must(rows.Scan(&text))
			if strings.Contains(text, secret) {
				h.t.Errorf("%s holds a secret", q)
			}
		}
		h.must(errors.Join(rows.Err(), rows.Close()))
	}
}

func TestTenWrongTriesLockForHalfAnHour(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ctx := t.Context()
		who, e := h.first(shop)
		h.must(h.SetPassword(ctx, who, good))
		var wrong, lockedOut int
		for range 14 {
			h.pass(15 * time.Second) // slower than the rate limits
			switch _, err := h.SignIn(ctx, "first.7", "not "+good, from); {
			case errors.Is(err, auth.ErrSignIn):
				wrong++
			case errors.Is(err, auth.ErrLocked):
				lockedOut++
			default:
				t.Fatal(err)
			}
		}
		if wrong != 9 || lockedOut != 5 {
			t.Errorf("%d were refused, %d locked out: the tenth locks", wrong, lockedOut)
		}
		if _, err := h.SignIn(ctx, "first.7", good, from); !errors.Is(err, auth.ErrLocked) {
			t.Errorf("the right password opened a locked account: %v", err)
		}
		if _, err := h.Find(ctx, e.Token, from); err != nil {
			t.Errorf("who is signed in stays so: %v", err)
		}
		h.pass(28 * time.Minute)
		if _, err := h.SignIn(ctx, "first.7", good, from); !errors.Is(err, auth.ErrLocked) {
			t.Errorf("it opened early: %v", err)
		}
		h.pass(time.Minute)
		if _, err := h.SignIn(ctx, "first.7", good, from); err != nil {
			t.Errorf("after half an hour: %v", err)
		}
		if got := h.acts(shop); strings.Count(got, "proof.refused") != 10 || strings.Count(got, "proof.locked") != 1 {
			t.Errorf("the trail says %s", got)
		}
	})
}

func TestManyTriesAtOnceAreNotMoreThanTen(t *testing.T) {
	t.Parallel()
	h := newHouse(t, storetest.SQLite(t))
	ctx := t.Context()
	who, _ := h.first(shop)
	h.must(h.SetPassword(ctx, who, good))
	var wg sync.WaitGroup
	var mu sync.Mutex
	judged := 0
	for i := range 24 {
		wg.Go(func() {
			_, err := h.SignIn(ctx, "first.7", "guess", auth.Origin{Address: fmt.Sprintf("192.0.2.%d", i)})
			mu.Lock()
			defer mu.Unlock()
			if errors.Is(err, auth.ErrSignIn) {
				judged++
			} else if !errors.Is(err, auth.ErrLocked) && !errors.Is(err, auth.ErrTooOften) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if judged > 10 {
		t.Errorf("%d guesses were judged", judged)
	}
}

func TestTooManyRequestsOfOneAddressWait(t *testing.T) {
	t.Parallel()
	h := newHouse(t, storetest.SQLite(t))
	n := 0
	for range 40 {
		if _, err := h.SignIn(t.Context(), fmt.Sprintf("nobody%d", n), "x", from); errors.Is(err, auth.ErrSignIn) {
			n++
		} else if !errors.Is(err, auth.ErrTooOften) {
			t.Fatal(err)
		}
	}
	if n != 30 {
		t.Errorf("%d were let try", n)
	}
	if _, err := h.SignIn(t.Context(), "nobody", "x", auth.Origin{Address: "192.0.2.8"}); !errors.Is(err, auth.ErrSignIn) {
		t.Errorf("another address waits too: %v", err)
	}
	h.pass(2 * time.Second)
	if _, err := h.SignIn(t.Context(), "nobody", "x", from); !errors.Is(err, auth.ErrSignIn) {
		t.Errorf("after a while: %v", err)
	}
}

func TestAPasswordIsFreshStrongAndNew(t *testing.T) {
	t.Parallel()
	// On one database: it hashes passwords more than it writes.
	h := newHouse(t, storetest.SQLite(t))
	ctx := t.Context()
	who, e := h.first(shop)
	for name, secret := range map[string]string{"short": "kX9#", "the shop's": "xiaomannoodles!88", "his phone's": "mima13812345678", "pinyin": "woshishui1314"} {
		if err := h.SetPassword(ctx, who, secret); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	series := []string{good, better, "kX9#mQ2$vL7t", "tgbn qwu zpl 4471", "vasi lumo pret 902"}
	for _, p := range series[:4] {
		h.must(h.SetPassword(ctx, who, p))
	}
	for _, p := range series[:4] {
		if err := h.SetPassword(ctx, who, p); !errors.Is(err, auth.ErrReused) {
			t.Errorf("one of the last four: %v", err)
		}
	}
	other, err := h.SignIn(ctx, "first.7", series[3], from)
	h.must(err)
	h.must(h.SetPassword(ctx, who, series[4]))
	if _, err := h.Find(ctx, other.Token, from); !errors.Is(err, auth.ErrAnonymous) {
		t.Errorf("another session outlived the password: %v", err)
	}
	if _, err := h.Find(ctx, e.Token, from); err != nil {
		t.Errorf("this session ended: %v", err)
	}
	h.must(h.SetPassword(ctx, who, series[0])) // the fifth before
	h.pass(10*time.Minute + time.Second)
	if err := h.SetPassword(ctx, who, better); !errors.Is(err, auth.ErrStepUp) {
		t.Errorf("somebody at a screen left open took the account: %v", err)
	}
	if err := h.Again(ctx, who, auth.Proof{Means: auth.ByPassword, Code: "wrong"}); !errors.Is(err, auth.ErrProof) {
		t.Errorf("got %v", err)
	}
	h.must(h.Again(ctx, who, auth.Proof{Means: auth.ByPassword, Code: series[0]}))
	h.must(h.SetPassword(ctx, who, better))
	ends, remind := auth.Policy{PasswordDays: 90}.PasswordEnds(mustAccount(h, who), h.now())
	if remind || !ends.Equal(h.now().AddDate(0, 0, 90)) {
		t.Errorf("it ends %s, remind %v", ends, remind)
	}
	if _, remind := (auth.Policy{PasswordDays: 90}).PasswordEnds(mustAccount(h, who), h.now().AddDate(0, 0, 77)); !remind {
		t.Error("nobody is reminded")
	}
	if ends, remind := (auth.Policy{}).PasswordEnds(mustAccount(h, who), h.now().AddDate(9, 0, 0)); remind || !ends.IsZero() {
		t.Error("a password grows old without a rule")
	}
}

func mustAccount(h *house, who auth.Who) auth.Account {
	h.t.Helper()
	a, err := h.Account(h.t.Context(), who.Merchant, who.ID)
	h.must(err)
	return a
}
