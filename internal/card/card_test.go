package card

import (
	"testing"

	"pgregory.net/rapid"
)

func TestParsePAN(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		ok   bool
	}{
		"sixteen digits with their check digit":  {"6224242900000113", true},
		"nineteen digits":                        {"6216261000000000018", true},
		"twelve digits are the shortest":         {"123456789015", true},
		"eleven digits are too short":            {"12345678903", false},
		"twenty digits are too long":             {"62162610000000000180", false},
		"a wrong check digit":                    {"6224242900000114", false},
		"a letter":                               {"62242429000001I3", false},
		"full-width digits are no digits":        {"622424290000011３", false},
		"nothing":                                {"", false},
		"a separator in the right length":        {"6224-2429-000011", false},
		"two neighbouring digits changed places": {"6242242900000113", false},
	} {
		t.Run(name, func(t *testing.T) {
			pan, err := ParsePAN(c.text)
			if ok := err == nil; ok != c.ok {
				t.Fatalf("accepted: %v, want %v", ok, c.ok)
			}
			if c.ok && pan.Reveal() != c.text {
				t.Fatal("Reveal gives other digits")
			}
		})
	}
}

func TestPANShowsOnlySixAndFour(t *testing.T) {
	pan, err := ParsePAN("6216261000000000018")
	if err != nil {
		t.Fatal(err)
	}
	if pan.BIN() != "621626" || pan.Last4() != "0018" || pan.String() != "621626*********0018" {
		t.Fatal(pan.BIN(), pan.Last4(), pan.String())
	}
	again, _ := ParsePAN("6216261000000000018")
	if pan != again || pan == (PAN{}) {
		t.Fatal("equal numbers must compare equal, and unequal to none")
	}
	var none PAN
	if none.BIN()+none.Last4()+none.String()+none.Reveal() != "" || !none.IsZero() {
		t.Fatal("the zero PAN shows something")
	}
}

func TestCheckDigitCompletes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`[0-9]{11,18}`).Draw(t, "digits")
		if _, err := ParsePAN(digits + string(rune('0'+CheckDigit(digits)))); err != nil {
			t.Fatal(err)
		}
	})
}

func TestTrackSplit(t *testing.T) {
	const number = "6216261000000000018"
	for name, c := range map[string]struct {
		text, expiry, rest string
		ok                 bool
	}{
		"a stripe's track":                   {number + "=30122015123", "3012", "2015123", true},
		"the chip's equivalent data":         {number + "D30122015123F", "3012", "2015123", true},
		"nothing after the expiry":           {number + "=3012", "3012", "", true},
		"no separator":                       {number + "30122015123", "", "", false},
		"no expiry":                          {number + "=301", "", "", false},
		"an expiry that is no number":        {number + "==012201", "", "", false},
		"a number with a wrong check digit":  {"6216261000000000019=3012", "", "", false},
		"a track still enciphered":           {"621626100000A0F3C9=3012201512", "", "", false},
		"an enciphered track's D far behind": {"62162610000000000183012D", "", "", false},
		"nothing":                            {"", "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			pan, expiry, rest, err := NewTrack(c.text).Split()
			if ok := err == nil; ok != c.ok || expiry != c.expiry || rest != c.rest {
				t.Fatal(pan, expiry, rest, err)
			}
			if c.ok && pan.Reveal() != number {
				t.Fatal("another number")
			}
		})
	}
}

func TestPINAndPINBlockSizes(t *testing.T) {
	for _, s := range []string{"", "123", "1234567890123", "12a4", "１234"} {
		if _, err := NewPIN(s); err == nil {
			t.Errorf("a PIN of %d bytes was accepted", len(s))
		}
	}
	for n := range 12 {
		if _, err := NewPINBlock(make([]byte, n)); (err == nil) != (n == 8 || n == 16) {
			t.Errorf("a PIN block of %d bytes: %v", n, err)
		}
	}
}

func TestEqualAndWipe(t *testing.T) {
	a, b := NewTrack("12=34"), NewTrack("12=34")
	if !a.Equal(b) || a.Equal(NewTrack("12=35")) {
		t.Fatal("tracks compare wrongly")
	}
	text := a.Reveal()
	a.Wipe()
	if !a.IsZero() || string(text) != "\x00\x00\x00\x00\x00" || a.Equal(b) {
		t.Fatal("Wipe left something")
	}
	Track{}.Wipe()
	if x, _ := NewPIN("1234"); !x.Equal(x) {
		t.Fatal("a PIN differs from itself")
	}
	if x, _ := NewPINBlock(make([]byte, 8)); !x.Equal(x) || x.Equal(PINBlock{}) {
		t.Fatal("PIN blocks compare wrongly")
	}
}

func TestIssue(t *testing.T) {
	for name, c := range map[string]struct {
		bin  string
		want Issue
	}{
		"a debit card of the table":        {"622200", Issue{Debit, UnionPay}},
		"another":                          {"622848", Issue{Debit, UnionPay}},
		"a third":                          {"621700", Issue{Debit, UnionPay}},
		"a credit card of the table":       {"625900", Issue{Credit, UnionPay}},
		"another credit card":              {"622588", Issue{Credit, UnionPay}},
		"a third credit card":              {"628888", Issue{Credit, UnionPay}},
		"UnionPay beside the table":        {"622201", Issue{Unknown, UnionPay}},
		"Visa":                             {"401234", Issue{Unknown, Visa}},
		"Mastercard's old range, its end":  {"559999", Issue{Unknown, Mastercard}},
		"behind Mastercard's old range":    {"560000", Issue{}},
		"before Mastercard's new range":    {"222099", Issue{}},
		"Mastercard's new range, its end":  {"272099", Issue{Unknown, Mastercard}},
		"behind Mastercard's new range":    {"272100", Issue{}},
		"JCB":                              {"353011", Issue{Unknown, JCB}},
		"Amex":                             {"378282", Issue{Unknown, Amex}},
		"between Amex and Amex":            {"360000", Issue{}},
		"too short for the rows it fits":   {"2", Issue{}},
		"nothing":                          {"", Issue{}},
		"two digits tell the brand":        {"62", Issue{Unknown, UnionPay}},
		"digits behind the six are unread": {"6222001", Issue{Debit, UnionPay}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := IssueOf(c.bin); got != c.want {
				t.Fatalf("got %v, want %v", got, c.want)
			}
		})
	}
	for _, row := range issues {
		if len(row.from) != len(row.to) || len(row.from) > 6 || row.from > row.to {
			t.Errorf("row %s–%s can never be met", row.from, row.to)
		}
	}
	if pan, _ := ParsePAN("6225881234567890" + "2"); pan.Issue() != IssueOf(pan.BIN()) {
		t.Fatal("PAN and BIN disagree")
	}
}

func TestParseToken(t *testing.T) {
	for text, ok := range map[string]bool{
		"tok_abcdefghijklmnopqrstuvwxy2":  true,
		"tok_abcdefghijklmnopqrstuvwxy1":  false,
		"tok_ABCDEFGHIJKLMNOPQRSTUVWXY2":  false,
		"tok_abcdefghijklmnopqrstuvwxy":   false,
		"tok_abcdefghijklmnopqrstuvwxy22": false,
		"tik_abcdefghijklmnopqrstuvwxy2":  false,
		"6216261000000000018":             false,
		"":                                false,
	} {
		if _, err := ParseToken(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}
