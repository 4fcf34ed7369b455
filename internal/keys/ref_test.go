package keys_test

import (
	"strings"
	"testing"

	"hawker/internal/keys"
)

func TestRefs(t *testing.T) {
	for text, r := range map[string]keys.Ref{
		"tmk/48270000001/T0000001": keys.TMK(terminal), "tpk/48270000001/T0000001": keys.TPK(terminal),
		"tak/48270000001/T0000001": keys.TAK(terminal), "tdk/48270000001/T0000001": keys.TDK(terminal),
		"zmk/cup": keys.ZMK("cup"), "zpk/cup": keys.ZPK("cup"), "zak/cup": keys.ZAK("cup"),
	} {
		back, err := keys.ParseRef(text)
		if err != nil || back != r || string(r.Purpose())+"/"+r.Owner() != text {
			t.Errorf("%s: %s, %v", text, back, err)
		}
	}
}

func FuzzParseRef(f *testing.F) {
	f.Add("tpk/48270000001/T0000001")
	f.Add("zpk/")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := keys.ParseRef(text)
		if err == nil && (string(r) != text || r.Owner() == "" || strings.ContainsAny(text, " \n\x00")) {
			t.Fatalf("%q", r)
		}
	})
}
