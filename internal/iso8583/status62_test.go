package iso8583

import (
	"errors"
	"strings"
	"testing"
)

func TestStatus62(t *testing.T) {
	t.Parallel()
	pad := func(s string) string { return s + strings.Repeat(" ", 20-len(s)) }
	for name, c := range map[string]struct {
		text string
		want Status62
		at   int // of the complaint; -1 for none
	}{
		"sound":                          {"010", Status62{}, -1},
		"tampered":                       {"011", Status62{Tampered: true}, -1},
		"tampered, and how":              {"01102" + pad("case switch 1"), Status62{Tampered: true, Detail: "case switch 1"}, -1},
		"everything":                     {"01002" + pad("x") + "03" + pad("3.1.4"), Status62{Detail: "x", Version: "3.1.4"}, -1},
		"a version alone":                {"01003" + pad("3.1.4"), Status62{Version: "3.1.4"}, -1},
		"nothing":                        {"", Status62{}, 0},
		"a tag alone":                    {"01", Status62{}, 2},
		"another state":                  {"012", Status62{}, 2},
		"another tag first":              {"02" + pad("x"), Status62{}, 0},
		"a tag that there is not":        {"01106" + pad("x"), Status62{}, 3},
		"a tag twice":                    {"01102" + pad("x") + "02" + pad("y"), Status62{}, 25},
		"tags in another order":          {"01103" + pad("x") + "02" + pad("y"), Status62{}, 25},
		"a text cut short":               {"01102case", Status62{}, 5},
		"a blank text":                   {"01102" + pad(""), Status62{}, 5},
		"a byte that cannot be printed":  {"01102" + pad("ca\x01e"), Status62{}, 7},
		"something behind the last part": {"0110", Status62{}, 3},
	} {
		got, err := ParseStatus62(c.text)
		var f *FormatError
		switch {
		case c.at < 0 && (err != nil || got != c.want):
			t.Errorf("%s: %+v, %v", name, got, err)
		case c.at >= 0 && (!errors.As(err, &f) || f.Field != 62 || f.Offset != c.at):
			t.Errorf("%s: %v", name, err)
		}
		if c.at < 0 {
			if text, err := c.want.Build(); err != nil || text != c.text {
				t.Errorf("%s is built %q, %v", name, text, err)
			}
		}
	}
	for _, s := range []Status62{{Detail: strings.Repeat("x", 21)}, {Detail: "x "}, {Version: "\n"}, {Version: "界"}} {
		if _, err := s.Build(); err == nil {
			t.Errorf("%+v was built", s)
		}
	}
}

func TestAStatusUploadIsExplained(t *testing.T) {
	t.Parallel()
	text, err := Status62{Tampered: true, Detail: "case switch", Version: "3.1.4"}.Build()
	if err != nil {
		t.Fatal(err)
	}
	body, err := UnionPayPOS.Pack(New("0820").Set(11, "000001").Set(41, "T0000001").Set(42, "898310058100001").Set(60, "00000001362").SetBytes(62, []byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range UnionPayPOS.Explain(body).Rows {
		for _, part := range row.Rows {
			if row.Field == "62" {
				got = append(got, part.Name+" "+part.Value)
			}
		}
	}
	if want := "tamper state tampered / 被拆动, what tripped case switch, software version 3.1.4"; strings.Join(got, ", ") != want {
		t.Errorf("explained as %v", got)
	}
}

func FuzzStatus62(f *testing.F) {
	f.Add("011")
	f.Add("01102case switch 1       03" + strings.Repeat("9", 20))
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseStatus62(text)
		if err != nil {
			formatError(t, err)
			return
		}
		if again, err := s.Build(); err != nil || again != text {
			t.Fatalf("%q is built %q, %v", text, again, err)
		}
	})
}
