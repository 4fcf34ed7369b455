package papers_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"hawker/internal/clock"
	"hawker/internal/papers"
)

const today = clock.Day(20261125)

func TestNumbersAreHeldAgainstTheirRules(t *testing.T) {
	t.Parallel()
	id := func(s string) (string, error) { v, err := papers.ParseID(s, today); return string(v), err }
	until := func(s string) (string, error) { return papers.ParseUntil(s, today) }
	mcc := func(s string) (string, error) { v, err := papers.ParseMCC(s); return v.MCC, err }
	text := func(s string) (string, error) { return papers.ParseText(s, 2, 10) }
	for _, c := range []struct {
		name  string
		parse func(string) (string, error)
		in    string
		want  string
		err   error
	}{
		{"the standard's own example of an ID number", id, "11010519491231002X", "11010519491231002X", nil},
		{"a small x, blanks and full-width digits", id, " 1101 0519 4912 3100 ２ｘ", "11010519491231002X", nil},
		{"another example", id, "440524188001010014", "", papers.ErrIDDate}, // born in 1880
		{"a wrong check digit", id, "110105194912310021", "", papers.ErrID},
		{"two digits changed places", id, "11010519491213002X", "", papers.ErrID},
		{"seventeen digits", id, "1101051949123100", "", papers.ErrID},
		{"a letter within", id, "1101051949123I002X", "", papers.ErrID},
		{"no such province", id, "990105194912310023", "", papers.ErrID},
		{"nothing", id, "", "", papers.ErrID},

		{"a company's code", papers.ParseUSCC, "9144030071526726XG", "9144030071526726XG", nil},
		{"another", papers.ParseUSCC, "914403001922038216", "914403001922038216", nil},
		{"a third, typed small", papers.ParseUSCC, "91330100799655058b", "91330100799655058B", nil},
		{"its check character is wrong", papers.ParseUSCC, "91330100799655058C", "", papers.ErrUSCC},
		{"a letter that the alphabet lacks", papers.ParseUSCC, "9133010079965505OB", "", papers.ErrUSCC},
		{"too short", papers.ParseUSCC, "9133010079965505", "", papers.ErrUSCC},

		{"a card's number", papers.ParseCard, "6224 2429 0000 0113", "6224242900000113", nil},
		{"one of nineteen digits", papers.ParseCard, "6216261000000000018", "6216261000000000018", nil},
		{"a wrong digit", papers.ParseCard, "6224242900000114", "", papers.ErrCard},
		{"letters", papers.ParseCard, "62242429OOOO0113", "", papers.ErrCard},
		{"twenty digits", papers.ParseCard, "62162610000000000180", "", papers.ErrCard},

		{"a corporate account", papers.ParseAccount, "1001 2345 6789 0123456", "1001234567890123456", nil},
		{"too short an account", papers.ParseAccount, "1234567", "", papers.ErrAccount},

		{"a bank's head office", papers.ParseBank, "102100099996", "102100099996", nil},
		{"another bank's", papers.ParseBank, "308584000013", "308584000013", nil},
		{"a wrong last digit", papers.ParseBank, "308584000014", "", papers.ErrBank},
		{"eleven digits", papers.ParseBank, "30858400001", "", papers.ErrBank},

		{"a mobile number with its country", papers.ParseMobile, "+86 138-0000-0000", "13800000000", nil},
		{"one that begins with 12", papers.ParseMobile, "12800000000", "", papers.ErrMobile},
		{"a number with its area", papers.ParsePhone, "021-12345678", "02112345678", nil},
		{"a number for the whole country", papers.ParsePhone, "400-123-4567", "4001234567", nil},
		{"an emergency number", papers.ParsePhone, "110", "", papers.ErrPhone},

		{"a paper that ends today", until, "2026-11-25", "2026-11-25", nil},
		{"one that ended yesterday", until, "2026-11-24", "", papers.ErrExpired},
		{"one without an end", until, "长期", papers.Forever, nil},
		{"written with dots", until, "2030.01.31", "2030-01-31", nil},
		{"a day that does not exist", until, "2027-02-29", "", papers.ErrDate},
		{"no date", until, "soon", "", papers.ErrDate},

		{"a name", papers.ParseName, "王小满", "王小满", nil},
		{"a name with a middle dot of another keyboard", papers.ParseName, "阿依古丽•买买提", "阿依古丽·买买提", nil},
		{"a name in Latin letters", papers.ParseName, "Mary-Ann O'Hara", "Mary-Ann O'Hara", nil},
		{"HTML in a name", papers.ParseName, "<b>王</b>", "", papers.ErrName},
		{"digits in a name", papers.ParseName, "王5", "", papers.ErrName},
		{"one character", papers.ParseName, "王", "", papers.ErrName},

		{"plain text", text, "小满面馆", "小满面馆", nil},
		{"a tag", text, "<img src=x>", "", papers.ErrText},
		{"text that turns its direction", text, "小满\u202e面馆", "", papers.ErrText},
		{"a new line", text, "小满\n面馆", "", papers.ErrText},
		{"too long", text, strings.Repeat("满", 11), "", papers.ErrText},

		{"a category", mcc, "5812", "5812", nil},
		{"one that is not boarded", mcc, "7995", "", papers.ErrMCCNo},
		{"one that nobody knows", mcc, "0000", "", papers.ErrMCC},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := c.parse(c.in)
			if c.err == nil && (err != nil || got != c.want) || c.err != nil && !errors.Is(err, c.err) {
				t.Errorf("%q: got %q, %v; want %q, %v", c.in, got, err, c.want, c.err)
			}
		})
	}
}

func TestWhoIsEighteenTodayMayApply(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
	for range 1000 {
		id := papers.MakeID(r, today)
		eighteen := id.Born() + 180000
		if _, err := papers.ParseID(string(id), eighteen); err != nil {
			t.Fatalf("%s on %s: %v", id, eighteen, err)
		}
		if _, err := papers.ParseID(string(id), eighteen.Add(-1)); !errors.Is(err, papers.ErrYoung) && id.Born()%10000 != 229 {
			t.Fatalf("%s on %s: %v", id, eighteen.Add(-1), err)
		}
		if m := id.Masked(); strings.Contains(m, string(id[6:14])) || len(m) != 18 {
			t.Fatalf("masked %s", m)
		}
	}
}

func TestWhatIsMadeHoldsAndOneChangedDigitDoesNot(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // a test
	change := func(s string) string {
		i := r.IntN(len(s) - 1)
		return s[:i] + string('0'+(s[i]-'0'+1+byte(r.IntN(9)))%10) + s[i+1:]
	}
	for range 2000 {
		for _, c := range []struct {
			made  string
			parse func(string) (string, error)
		}{
			{papers.MakeUSCC(r, "91"), papers.ParseUSCC}, {papers.MakeUSCC(r, "92"), papers.ParseUSCC},
			{papers.MakeCard(r), papers.ParseCard}, {papers.MakeBank(r, "2900"), papers.ParseBank},
		} {
			if got, err := c.parse(c.made); err != nil || got != c.made {
				t.Fatalf("%q: %v", c.made, err)
			}
			// Every weight of these systems finds every single changed digit.
			if wrong := change(c.made); strings.Trim(c.made, "0123456789") == "" && wrong != c.made {
				if _, err := c.parse(wrong); err == nil {
					t.Fatalf("%q passes for %q", wrong, c.made)
				}
			}
		}
		if _, err := papers.ParseMobile(papers.MakeMobile(r)); err != nil {
			t.Fatal(err)
		}
		if _, err := papers.ParseUntil(papers.MakeUntil(r, today), today); err != nil {
			t.Fatal(err)
		}
	}
}

func TestADescriptionIsHeldAgainstItsCategory(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mcc, text string
		fits      bool
		rather    string
	}{
		{"5812", "卖手工牛肉面", true, "5812"}, {"5812", "手机维修和配件", false, "5732"}, {"5499", "fresh fruit from the farm", true, "5499"},
		{"7230", "美甲美睫", true, "7230"}, {"5812", "信用卡套现提额", false, "5966"}, {"5411", "便利店，代还信用卡", false, "5966"}, {"5812", "老王家", true, "5812"},
	} {
		cat, err := papers.ParseMCC(c.mcc)
		if err != nil {
			t.Fatal(err)
		}
		if fits, rather := cat.Describes(c.text); fits != c.fits || rather.MCC != c.rather {
			t.Errorf("%s %q: %v, %s", c.mcc, c.text, fits, rather.MCC)
		}
	}
}

func TestARegionIsItsCitysOrItsProvinces(t *testing.T) {
	t.Parallel()
	for region, area := range map[string]string{"310101": "2900", "440305": "5840", "440106": "5810", "650102": "8810"} {
		if d, err := papers.DivisionOf(region); err != nil || d.Area != area || d.ZH == "" || d.EN == "" {
			t.Errorf("%s: %+v, %v", region, d, err)
		}
	}
	for _, region := range []string{"", "31", "990000", "31010a"} {
		if _, err := papers.DivisionOf(region); !errors.Is(err, papers.ErrRegion) {
			t.Errorf("%q: %v", region, err)
		}
	}
	if !papers.SameProvince("308584000013", "440106") || papers.SameProvince("308584000013", "310101") {
		t.Error("a bank's branch is in the wrong province")
	}
}

// every is a parser with any input.
var every = map[string]func(string) (string, error){
	"id":   func(s string) (string, error) { v, err := papers.ParseID(s, today); return string(v), err },
	"uscc": papers.ParseUSCC, "card": papers.ParseCard, "account": papers.ParseAccount, "bank": papers.ParseBank, "mobile": papers.ParseMobile,
	"phone": papers.ParsePhone, "name": papers.ParseName, "until": func(s string) (string, error) { return papers.ParseUntil(s, today) },
	"text": func(s string) (string, error) { return papers.ParseText(s, 1, 100) },
	"mcc":  func(s string) (string, error) { v, err := papers.ParseMCC(s); return v.MCC, err },
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"11010519491231002X", "9144030071526726XG", "6224242900000113", "102100099996", "13800000000", "021-12345678", "王小满", "2030-12-31", "5812", "\u202e<b>", "１２３", "\xff\xfe"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, parse := range every {
			got, err := parse(s)
			if err != nil {
				continue
			}
			// What was taken is taken again, unchanged.
			if again, err := parse(got); err != nil || again != got {
				t.Errorf("%s: %q became %q, which becomes %q, %v", name, s, got, again, err)
			}
			if strings.ContainsAny(got, "<>\x00\n\r\t") || len(got) > 4*len(s)+40 {
				t.Errorf("%s: %q became %q", name, s, got)
			}
		}
	})
}
