package cardnet

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"hawker/internal/money"
	"hawker/internal/sandbox/cards"
)

func stateIn(path string) func(*Config) { return func(c *Config) { c.StateFile = path } }

// restart makes a second network from the first one's file without closing
// the first: that is what SIGKILL leaves.
func restart(t tb, a *acquirer) {
	t.Helper()
	old := a.n
	a.n = newNetwork(t, stateIn(old.cfg.StateFile))
	if !reflect.DeepEqual(old.Journal(), a.n.Journal()) || !reflect.DeepEqual(old.Books(), a.n.Books()) ||
		!reflect.DeepEqual(old.Cards(), a.n.Cards()) {
		t.Errorf("the network that came back is not the one that was killed")
	}
	if err := a.n.Check(); err != nil {
		t.Errorf("books: %v", err)
	}
	_ = old.Close()
}

func TestKilledNetworkKnowsEveryOutcome(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cardnet.jsonl")
	a := newAcquirer(t, stateIn(path))
	x := a.want("00", a.sale("test-credit", 100_00))
	v := a.want("00", a.void(a.sale("test-credit", 50_00)))
	r := a.want("00", a.refund(x, 30_00))
	early := exchange{request: a.saleOf("test-credit", 10_00)}
	a.want("25", a.reverse(early))
	a.want("51", a.sale("test-low-funds", 1_01))
	a.want("00", a.balance("test-credit"))
	a.want("14", a.sale("test-credit", 100, set(2, "6259000000000000994"), unset(35)))
	for _, code := range []string{"55", "55", "38"} {
		a.want(code, a.sale("test-debit", 100, a.pin("000000")))
	}
	restart(t, a)

	a.want("00", a.again(x))
	a.want("00", a.again(v))
	a.want("00", a.again(r))
	a.want("12", a.again(early))
	a.want("13", a.refund(x, 70_01))
	a.want("38", a.sale("test-debit", 100))
	if err := a.n.Unlock("test-debit"); err != nil {
		t.Error(err)
	}
	restart(t, a)
	a.want("00", a.reverse(v))
	a.want("00", a.sale("test-debit", 100, a.pin("123456")))
	a.wantBooks("49880.00", "121.00")

	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cards.All() {
		if strings.Contains(string(b), c.PAN.Reveal()) || strings.Contains(string(b), c.PAN.Reveal()[6:]) {
			t.Errorf("the number of %s is in the state file", c.Name)
		}
	}
	if err := a.n.Close(); err != nil {
		t.Error(err)
	}
}

func TestTornLastLineIsCutOff(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cardnet.jsonl")
	a := newAcquirer(t, stateIn(path))
	a.sale("test-credit", 100)
	whole, _ := os.ReadFile(path)
	torn := a.saleOf("test-credit", 200)
	a.ask(torn)
	both, _ := os.ReadFile(path)
	for size := len(whole); size < len(both); size++ {
		if err := os.WriteFile(path, both[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		a.n = newNetwork(t, stateIn(path))
		a.wantBooks("49999.00", "1.00")
		a.want("00", a.ask(torn)) // its answer never left, so it may be decided now
		a.wantBooks("49997.00", "3.00")
		_ = a.n.Close()
		if after, _ := os.ReadFile(path); strings.Count(string(after), "\n") != 2 {
			t.Fatalf("cut at %d: %q", size, after)
		}
	}
}

func TestForeignStateFileIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cardnet.jsonl")
	a := newAcquirer(t, stateIn(path))
	a.void(a.sale("test-credit", 100))
	_ = a.n.Close()
	good, _ := os.ReadFile(path)
	lines := strings.SplitAfter(string(good), "\n")
	for name, text := range map[string]string{
		"no JSON":              "hello\n" + string(good),
		"other JSON":           `{"hello":1}` + "\n",
		"unknown card":         strings.ReplaceAll(string(good), "test-credit", "gone"),
		"a line twice":         lines[0] + lines[0],
		"void before its sale": lines[1] + lines[0],
		"another amount":       strings.Replace(string(good), `"booked":{"amount_minor":100`, `"booked":{"amount_minor":99`, 1),
		"booked, yet declined": strings.Replace(string(good), `"code":"00"`, `"code":"51"`, 1),
		"another currency":     strings.Replace(string(good), `"booked":{"amount_minor":100,"currency":"CNY"`, `"booked":{"amount_minor":100,"currency":"USD"`, 1),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		n, err := New(Config{ZPK: testZPK, ZAK: testZAK, StateFile: path})
		if err == nil {
			t.Errorf("%s: taken", name)
			_ = n.Close()
		}
	}
	if _, err := New(Config{ZPK: testZPK, ZAK: testZAK, StateFile: filepath.Join(path, "under a file")}); err == nil {
		t.Error("an impossible path is taken")
	}
}

func TestWhatCannotBeWrittenIsNotBooked(t *testing.T) {
	t.Parallel()
	a := newAcquirer(t, stateIn(filepath.Join(t.TempDir(), "cardnet.jsonl")))
	_ = a.n.state.f.Close()
	x := a.want("96", a.sale("test-credit", 100))
	if x.answer.Has(38) {
		t.Error("a refusal has an authorization code")
	}
	if err := a.n.Unlock("test-credit"); err == nil {
		t.Error("unlocked without a trace")
	}
	a.wantBooks("50000.00", "0.00")
}

func TestBadCardsAreRefused(t *testing.T) {
	t.Parallel()
	good, _ := cards.ByName("test-credit")
	for name, change := range map[string]func(*cards.Card){
		"no name":       func(c *cards.Card) { c.Name = "" },
		"two of a name": func(c *cards.Card) { *c = good },
		"two of a number": func(c *cards.Card) {
			c.PAN = good.PAN
		},
		"no funds": func(c *cards.Card) { c.Funds = money.Amount{} },
		"a thirteenth month": func(c *cards.Card) {
			c.Expiry = "3513"
		},
		"no expiry": func(c *cards.Card) { c.Expiry = "" },
	} {
		other, _ := cards.ByName("test-debit")
		change(&other)
		if _, err := New(Config{ZPK: testZPK, ZAK: testZAK, Cards: []cards.Card{good, other}}); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
