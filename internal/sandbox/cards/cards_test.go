package cards

import (
	"fmt"
	"strings"
	"testing"
)

func TestEveryCardIsUsable(t *testing.T) {
	t.Parallel()
	names, pans := map[string]bool{}, map[string]bool{}
	for _, c := range All() {
		if names[c.Name] || pans[c.PAN.Reveal()] {
			t.Errorf("%s: name or number is used twice", c.Name)
		}
		names[c.Name], pans[c.PAN.Reveal()] = true, true

		pan, expiry, _, err := c.Track2().Split()
		if err != nil || pan != c.PAN || expiry != c.Expiry {
			t.Errorf("%s: track 2 does not tell number and expiry: %v", c.Name, err)
		}
		if n := len(c.Track2().Reveal()); n > 37 {
			t.Errorf("%s: track 2 has %d characters, field 35 holds 37", c.Name, n)
		}
		want := map[Kind]int{Debit: 19, Credit: 16}[c.Kind]
		if n := len(c.PAN.Reveal()); n != want {
			t.Errorf("%s: %d digits, want %d", c.Name, n, want)
		}
		if c.Funds.Sign() <= 0 || c.Limit.Currency() != c.Funds.Currency() || !strings.HasSuffix(c.Does, ".") {
			t.Errorf("%s: wants funds, a limit in their currency and a sentence", c.Name)
		}
		if strings.Contains(fmt.Sprintf("%v %+v %#v", c, c, c), c.PAN.Reveal()) {
			t.Errorf("%s: printing the card shows its number", c.Name)
		}
	}
}

func TestByName(t *testing.T) {
	t.Parallel()
	if c, ok := ByName("test-credit"); !ok || c.Funds.String() != "50000.00 CNY" || c.PIN != "123456" {
		t.Errorf("test-credit = %v, %v", c, ok)
	}
	if _, ok := ByName("stolen"); ok {
		t.Error("found a card that does not exist")
	}
}

func TestAllIsACopy(t *testing.T) {
	t.Parallel()
	All()[0].Name = "changed"
	if All()[0].Name != "test-credit" {
		t.Error("a caller changed the table")
	}
}
