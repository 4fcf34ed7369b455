package iso8583

import (
	"slices"
	"testing"
	"unicode"
)

func TestProfilesGoByName(t *testing.T) {
	t.Parallel()
	if !slices.Equal(Names(), []string{"unionpay-pos", "psp", "dukpt", "dukpt-aes", "card-network"}) {
		t.Errorf("names %v", Names())
	}
	for _, name := range Names() {
		if p, ok := ByName(name); !ok || p.Name != name {
			t.Errorf("%s is not found", name)
		}
	}
	if _, ok := ByName(""); ok {
		t.Error("a profile without a name")
	}
}

// TestProfilesAreSound holds what the codec takes for granted of a profile's table.
func TestProfilesAreSound(t *testing.T) {
	t.Parallel()
	for _, p := range profiles {
		if mac := p.Fields[p.MAC.Field]; mac.Type != B || mac.Length != macSize || mac.Var != 0 {
			t.Errorf("%s: the MAC field is %s", p.Name, mac.Notation())
		}
		for n, f := range p.Fields {
			if n < 2 || n == 65 || n > 128 || n > 64 && !p.Secondary || n > p.MAC.Field {
				t.Errorf("%s: field %d cannot be", p.Name, n)
			}
			if most := map[int]int{0: 999, 2: 99, 3: 999}[f.Var]; f.Length < 1 || f.Length > most {
				t.Errorf("%s: field %d is %s", p.Name, n, f.Notation())
			}
			if f.Name == "" || !slices.ContainsFunc([]rune(f.NameZH), func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
				t.Errorf("%s: field %d is called %q, %q", p.Name, n, f.Name, f.NameZH)
			}
		}
	}
}

func TestCardDataHasItsClass(t *testing.T) {
	t.Parallel()
	for _, p := range profiles {
		for n, f := range p.Fields {
			want := Open
			switch n {
			case 2:
				want = PANLike
			case 35, 36, 48, 52, 55, 57, 59, 62:
				want = Secret
			}
			if f.Class != want {
				t.Errorf("%s: field %d has class %d", p.Name, n, f.Class)
			}
			if want == Secret && !hiddenFields[n] {
				t.Errorf("a message prints field %d", n)
			}
		}
	}
}

func TestNotation(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{2: "n..19 LL", 4: "n12", 35: "z..37 LL", 37: "an12", 41: "ans8", 52: "b8", 55: "b..255 LLL"} {
		if got := UnionPayPOS.Fields[n].Notation(); got != want {
			t.Errorf("field %d is %q, want %q", n, got, want)
		}
	}
}
