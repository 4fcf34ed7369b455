package keys_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"hawker/internal/keys"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestInjectKeepsOrReplaces(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ks := open(t, db, masterFile(t))
		ctx, ref := t.Context(), keys.ZMK("cup")
		a, b, c := component(t, tmkClear), component(t, zpkClear), component(t, "0F1E2D3C4B5A69788796A5B4C3D2E1F0")
		first, err := ks.Inject(ctx, ref, keys.Keep, a, b, c)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ks.Inject(ctx, ref, keys.Keep, c, a, b); err != nil || again != first {
			t.Fatal("the same key again, components in another order:", again, err)
		}
		if _, err := ks.Inject(ctx, ref, keys.Keep, a, b); !errors.Is(err, keys.ErrExists) {
			t.Fatal("another key over it:", err)
		}
		if kcv, err := ks.KCV(ctx, ref); err != nil || kcv != first {
			t.Fatal("a refused key left a trace", err)
		}
		other, err := ks.Inject(ctx, ref, keys.Replace, a, b)
		if err != nil || other == first {
			t.Fatal(other, err)
		}
		if kcv, err := ks.KCV(ctx, ref); err != nil || kcv != other {
			t.Fatal("the replaced key is still in memory", err)
		}
	})
}

func TestInjectRefuses(t *testing.T) {
	ks := open(t, storetest.SQLite(t), masterFile(t))
	whole, other := component(t, tmkClear), component(t, zpkClear)
	short, short2 := component(t, tmkClear[:16]), component(t, zpkClear[:16])
	zeros := component(t, strings.Repeat("0", 32))
	halves := component(t, "0123456789ABCDEF0123456789ABCDEF")
	wiped := component(t, tmkClear)
	wiped.Wipe()
	for name, c := range map[string]struct {
		ref   keys.Ref
		parts []keys.Component
		want  error
	}{
		"one person alone":                        {keys.ZMK("cup"), []keys.Component{whole}, keys.ErrComponent},
		"nobody":                                  {keys.ZMK("cup"), nil, keys.ErrComponent},
		"components of two lengths":               {keys.ZMK("cup"), []keys.Component{whole, short}, keys.ErrComponent},
		"a wiped component":                       {keys.ZMK("cup"), []keys.Component{whole, wiped}, keys.ErrComponent},
		"nothing but wiped components":            {keys.ZMK("cup"), []keys.Component{wiped, wiped}, keys.ErrComponent},
		"a single-length PIN key":                 {keys.TPK(terminal), []keys.Component{short, short2}, keys.ErrWeak},
		"components that cancel out":              {keys.ZMK("cup"), []keys.Component{whole, whole}, keys.ErrWeak},
		"a MAC key whose components cancel out":   {keys.ZAK("cup"), []keys.Component{short, short}, keys.ErrWeak},
		"a long MAC key whose components do":      {keys.ZAK("cup"), []keys.Component{whole, whole}, keys.ErrWeak},
		"a master key with equal halves":          {keys.TMK(terminal), []keys.Component{halves, zeros}, keys.ErrWeak},
		"a purpose that we do not know":           {"kek/cup", []keys.Component{whole, other}, keys.ErrPurpose},
		"a name without owner":                    {"tmk/", []keys.Component{whole, other}, keys.ErrPurpose},
		"a name with a line break":                {"tmk/a\nb", []keys.Component{whole, other}, keys.ErrPurpose},
		"an owner that is too long":               {keys.TMK(strings.Repeat("x", 65)), []keys.Component{whole, other}, keys.ErrPurpose},
		"but an authentication key may have them": {keys.ZAK("cup"), []keys.Component{halves, zeros}, nil},
		"and may be of single length":             {keys.TAK(terminal), []keys.Component{short, short2}, nil},
	} {
		if _, err := ks.Inject(t.Context(), c.ref, keys.Replace, c.parts...); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNewComponent(t *testing.T) {
	const part = "0123456789ABCDEFFEDCBA9876543210" // its check value is 08D7B4FB
	for name, c := range map[string]struct {
		text, kcv string
		ok        bool
	}{
		"eight digits of check value":        {part, "08D7B4FB", true},
		"six digits, small":                  {part, "08d7b4", true},
		"written in groups":                  {"0123 4567 89AB CDEF  FEDC BA98 7654 3210", "08 D7 B4", true},
		"another check value":                {part, "08D7B5", false},
		"a check value that says little":     {part, "08D7", false},
		"no check value":                     {part, "", false},
		"a digit forgotten":                  {part[1:], "08D7B4", false},
		"a byte forgotten":                   {part[2:], "08D7B4", false},
		"two digits exchanged":               {"10" + part[2:], "08D7B4", false},
		"not hexadecimal":                    {"O" + part[1:], "08D7B4", false},
		"a check value longer than there is": {part, "08D7B4FB75629088", false},
	} {
		if _, err := keys.NewComponent(c.text, c.kcv); (err == nil) != c.ok || err != nil && !errors.Is(err, keys.ErrComponent) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if c := component(t, part); strings.Contains(strings.ToUpper(fmt.Sprintf("%v %+v %x %s", c, struct{ c keys.Component }{c}, c, []any{&c})), part[:8]) {
		t.Error("a component shows itself")
	}
}

func TestInjectWrapped(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ks := open(t, db, masterFile(t))
		ctx := t.Context()
		zmk := inject(t, ks, keys.ZMK("cup"), tmkClear)
		send := func(clearKey string) (cipher []byte, kcv string) {
			k := inject(t, ks, keys.ZAK("scratch"), clearKey)
			cipher, err := zmk.Encrypt(k.Reveal())
			if err != nil {
				t.Fatal(err)
			}
			return cipher, fmt.Sprintf("%X", k.KCV())
		}
		cipher, kcv := send(zpkClear)
		if got, err := ks.InjectWrapped(ctx, keys.ZPK("cup"), keys.Keep, keys.ZMK("cup"), cipher, kcv); err != nil || got != kcv {
			t.Fatal(got, err)
		}
		if _, err := ks.InjectWrapped(ctx, keys.ZAK("cup"), keys.Keep, keys.ZMK("cup"), cipher, kcv[:6]); err != nil {
			t.Fatal(err)
		}
		next, nextKCV := send("5A5B5C5D5E5F50515253545556575859")
		halves, halvesKCV := send("0123456789ABCDEF0123456789ABCDEF")
		for name, err := range map[string]error{
			"another check value":     is(keys.ErrComponent, second(ks.InjectWrapped(ctx, keys.ZPK("cup"), keys.Replace, keys.ZMK("cup"), cipher, nextKCV))),
			"no check value":          is(keys.ErrComponent, second(ks.InjectWrapped(ctx, keys.ZPK("cup"), keys.Replace, keys.ZMK("cup"), cipher, ""))),
			"half a block":            is(keys.ErrComponent, second(ks.InjectWrapped(ctx, keys.ZPK("cup"), keys.Replace, keys.ZMK("cup"), cipher[:12], kcv))),
			"no bytes":                is(keys.ErrComponent, second(ks.InjectWrapped(ctx, keys.ZPK("cup"), keys.Replace, keys.ZMK("cup"), nil, kcv))),
			"another key to keep":     is(keys.ErrExists, second(ks.InjectWrapped(ctx, keys.ZPK("cup"), keys.Keep, keys.ZMK("cup"), next, nextKCV))),
			"a PIN key of two halves": is(keys.ErrWeak, second(ks.InjectWrapped(ctx, keys.ZPK("cup"), keys.Replace, keys.ZMK("cup"), halves, halvesKCV))),
			"an unknown network":      is(keys.ErrNoKey, second(ks.InjectWrapped(ctx, keys.ZPK("cup"), keys.Replace, keys.ZMK("visa"), next, nextKCV))),
		} {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got, err := ks.KCV(ctx, keys.ZPK("cup")); err != nil || got != kcv {
			t.Fatal("a refused key left a trace", err)
		}
		if _, err := ks.InjectWrapped(ctx, keys.ZPK("cup"), keys.Replace, keys.ZMK("cup"), next, nextKCV); err != nil {
			t.Fatal(err)
		}
		if got, err := ks.KCV(ctx, keys.ZPK("cup")); err != nil || got != nextKCV {
			t.Fatal("the network's new key does not serve", err)
		}
	})
}

// is gives nil when err is want.
func is(want, err error) error {
	if errors.Is(err, want) {
		return nil
	}
	return fmt.Errorf("got %w, want %w", err, want)
}
