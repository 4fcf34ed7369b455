package qr

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hawker/internal/fault"
	"hawker/internal/money"
)

// specMPM is the sample of EMVCo's specification, Annex; its check value is A13A.
const specMPM = "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914BEST TRANSPORT6007BEIJING" +
	"64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME91320016A0112233449988770708123456786304A13A"

func amountsEqual(a, b money.Amount) bool { return a == b }

func TestTheSpecificationsSample(t *testing.T) {
	t.Parallel()
	got, err := ParseMPM(specMPM)
	if err != nil {
		t.Fatal(err)
	}
	want := MPM{
		Initiation: Dynamic,
		Accounts: []Template{
			{ID: 29, GUID: "D15600000000", Objects: []Object{{5, "A93FO3230Q"}}},
			{ID: 31, GUID: "D15600000001", Objects: []Object{{3, "12345678"}}},
		},
		MCC: "4111", Currency: money.CNY, Amount: money.New(2372, money.CNY), Tip: Tip{Kind: TipPrompt},
		Country: "CN", Name: "BEST TRANSPORT", City: "BEIJING",
		Additional: Additional{Store: "1234", Customer: "***", Terminal: "A6008667", Request: "ME"},
		Language:   Language{"ZH", "最佳运输", "北京"},
		Unreserved: []Template{{ID: 91, GUID: "A011223344998877", Objects: []Object{{7, "12345678"}}}},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(amountsEqual)); diff != "" {
		t.Fatal(diff)
	}
	text, err := got.Build()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := ParseMPM(text); err != nil || !reflect.DeepEqual(again, got) {
		t.Fatal("built and read again it differs", err)
	}
}

func TestTheCheckValue(t *testing.T) {
	t.Parallel()
	// The catalogue of CRC algorithms gives 29B1 for the digits.
	for text, want := range map[string]uint16{"123456789": 0x29B1, "": 0xFFFF, strings.TrimSuffix(specMPM, "A13A"): 0xA13A} {
		if got := crc([]byte(text)); got != want {
			t.Errorf("%04X, want %04X", got, want)
		}
	}
	if checkValue("00020101021126") == "" || len(checkValue("x")) != 4 {
		t.Error("four digits are wanted")
	}
}

// sealed appends the right check value.
func sealed(body string) string { return body + "6304" + checkValue(body+"6304") }

const plain = "000201010211" + "15311234567887654321123456789012345" + "5204581253031565802CN5904MING6007BEIJING"

func TestABrokenMerchantCodeIsRefusedWhereItBreaks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		text  string
		field string
		at    int
		kind  *fault.Fault
	}{
		{"nothing", "", "00", 0, ErrEMVCo},
		{"a letter for an id", sealed("0002010A0211" + plain[12:]), "", 7, ErrEMVCo},
		{"a letter for a length", sealed("0002010102x1" + plain[12:]), "01", 10, ErrEMVCo}, // the value is cut before
		{"a length of nothing", sealed("0002015900" + plain[6:]), "59", 8, ErrEMVCo},
		{"a length beyond the end", plain + "6399A13A", "63", utf8.RuneCountInString(plain) + 2, ErrEMVCo},
		{"cut in an id", plain + "6", "", len(plain) + 1, ErrEMVCo},
		{"cut in a length", plain + "630", "63", len(plain) + 3, ErrEMVCo},
		{"another version", sealed("000202" + plain[6:]), "00", 4, ErrEMVCo},
		{"the version not first", sealed(plain[6:] + "000201"), "00", 0, ErrEMVCo},
		{"neither static nor dynamic", sealed("000201010213" + plain[12:]), "01", 10, ErrEMVCo},
		{"an object twice", sealed(plain + "5904MING"), "59", len(plain), ErrEMVCo},
		{"no account", sealed(plain[:12] + plain[47:]), "02", len(plain) - 35 + 8, ErrEMVCo},
		{"no merchant name", sealed(strings.Replace(plain, "5904MING", "", 1)), "59", len(plain), ErrEMVCo},
		{"an unknown currency", sealed(strings.Replace(plain, "5303156", "5303000", 1)), "53", 59, ErrEMVCo},
		{"a country in small letters", sealed(strings.Replace(plain, "5802CN", "5802cn", 1)), "58", 66, ErrEMVCo},
		{"a category with a letter", sealed(strings.Replace(plain, "52045812", "5204581x", 1)), "52", 54, ErrEMVCo},
		{"a name in Chinese where ASCII is wanted", sealed(strings.Replace(plain, "5904MING", "5904M老明G", 1)), "59", 73, ErrEMVCo},
		{"an amount of nothing", sealed(plain + "54040.00"), "54", len(plain) + 4, ErrEMVCo},
		{"an amount with a comma", sealed(plain + "54041,50"), "54", len(plain) + 4, ErrEMVCo},
		{"an amount below zero", sealed(plain + "5402-1"), "54", len(plain) + 4, ErrEMVCo},
		{"more decimals than the currency has", sealed(plain + "54051.005"), "54", len(plain) + 4, ErrEMVCo},
		{"a fee that no tip announces", sealed(plain + "56041.00"), "56", len(plain), ErrEMVCo},
		{"a fixed tip without its fee", sealed(plain + "550202"), "55", len(plain) + 4, ErrEMVCo},
		{"a percentage without limits", sealed(plain + "5502035705100.0"), "57", len(plain) + 10, ErrEMVCo},
		{"customer data that cannot be asked for", sealed(plain + "62060902AX"), "62.09", len(plain) + 8, ErrEMVCo},
		{"customer data asked for twice", sealed(plain + "62060902AA"), "62.09", len(plain) + 8, ErrEMVCo},
		{"a template's part beyond its end", sealed(plain + "62080309ABCD"), "62.03", len(plain) + 6, ErrEMVCo},
		{"a bill number that is too long", sealed(plain + "6230" + "0126" + strings.Repeat("7", 26)), "62.01", len(plain) + 8, ErrEMVCo},
		{"a language without a name", sealed(plain + "64060002ZH"), "64.01", len(plain) + 10, ErrEMVCo},
		{"a template without its identifier", sealed(plain + "80050501x"), "80.00", len(plain) + 9, ErrEMVCo},
		{"a line break in a value", sealed(plain + "6404A\nBC"), "64", len(plain) + 5, ErrEMVCo},
		{"other bytes than UTF-8, after Chinese", "0002最\xff", "", 5, ErrEMVCo},
		{"no check value", plain, "63", len(plain), ErrEMVCo},
		{"something behind the check value", sealed(plain) + "6101x", "63", len(plain) + 13, ErrEMVCo},
		{"a digit of the amount changed", strings.Replace(specMPM, "23.72", "93.72", 1), "63", utf8.RuneCountInString(specMPM) - 4, ErrCRC},
		{"a check value in small letters", strings.TrimSuffix(specMPM, "A13A") + "a13a", "63", utf8.RuneCountInString(specMPM) - 4, ErrCRC},
		{"more than any code has", sealed(plain + strings.Repeat("6599"+strings.Repeat("x", 99), 5)), "", 512, ErrEMVCo},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseMPM(c.text)
			bad := Malformed(err)
			if !errors.Is(err, c.kind) || bad == nil {
				t.Fatal(err)
			}
			if bad.Field != c.field || bad.Offset != c.at {
				t.Errorf("told of %q at %d, want %q at %d: %v", bad.Field, bad.Offset, c.field, c.at, bad)
			}
		})
	}
}

func TestReservedObjectsArePassedOver(t *testing.T) {
	t.Parallel()
	want, err := ParseMPM(sealed(plain))
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseMPM(sealed(plain + "6503abc" + "62051201x"))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatal(err)
	}
	acquirer, forwarder, mid, ok := want.UnionPay()
	if !ok || acquirer != "12345678" || forwarder != "87654321" || mid != "123456789012345" {
		t.Error(acquirer, forwarder, mid, ok)
	}
}

func TestWhatCannotBeBuilt(t *testing.T) {
	t.Parallel()
	good := func() MPM {
		m, err := ParseMPM(specMPM)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for name, c := range map[string]struct {
		spoil func(*MPM)
		field string
	}{
		"no account":                       {func(m *MPM) { m.Accounts = nil }, "02"},
		"an account outside its ids":       {func(m *MPM) { m.Accounts[0].ID = 52 }, "52"},
		"the same account twice":           {func(m *MPM) { m.Accounts[1].ID = 29 }, "29"},
		"an account without identifier":    {func(m *MPM) { m.Accounts[0].GUID = "" }, "29"},
		"a simple account with objects":    {func(m *MPM) { m.Accounts[0].ID = 15 }, "15"},
		"a template that is too long":      {func(m *MPM) { m.Accounts[0].Objects[0].Value = strings.Repeat("x", 90) }, "29"},
		"an object without value":          {func(m *MPM) { m.Accounts[0].Objects[0].Value = "" }, "29.05"},
		"an object in the place of the id": {func(m *MPM) { m.Accounts[0].Objects[0].ID = 0 }, "29.00"},
		"no category":                      {func(m *MPM) { m.MCC = "" }, "52"},
		"an unknown currency":              {func(m *MPM) { m.Currency, m.Amount = "XXX", money.Amount{} }, "53"},
		"an amount of another currency":    {func(m *MPM) { m.Amount = money.New(1, money.USD) }, "54"},
		"an amount of nothing":             {func(m *MPM) { m.Amount = money.Zero(money.CNY) }, "54"},
		"a negative amount":                {func(m *MPM) { m.Amount = money.New(-1, money.CNY) }, "54"},
		"an amount too long to write":      {func(m *MPM) { m.Amount = money.New(1_000_000_000_000_00, money.CNY) }, "54"},
		"a fee without its tip":            {func(m *MPM) { m.Tip.Fixed = money.New(1, money.CNY) }, "55"},
		"a percentage without its tip":     {func(m *MPM) { m.Tip.Percent = 5 }, "55"},
		"a percentage out of range":        {func(m *MPM) { m.Tip = Tip{Kind: TipPercent, Percent: 10000} }, "57"},
		"a percentage of nothing":          {func(m *MPM) { m.Tip = Tip{Kind: TipPercent} }, "57"},
		"a fixed fee of nothing":           {func(m *MPM) { m.Tip = Tip{Kind: TipFixed} }, "55"},
		"a name that is too long":          {func(m *MPM) { m.Name = strings.Repeat("A", 26) }, "59"},
		"a language without its code":      {func(m *MPM) { m.Language.Code = "" }, "64.00"},
		"an unreserved template below 80":  {func(m *MPM) { m.Unreserved[0].ID = 79 }, "79"},
		"a text of a hundred characters":   {func(m *MPM) { m.PostalCode = strings.Repeat("1", 100) }, "61"},
	} {
		m := good()
		c.spoil(&m)
		text, err := m.Build()
		if bad := Malformed(err); text != "" || !errors.Is(err, ErrEMVCo) || bad == nil || bad.Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range [][3]string{{"1234567", "12345678", "123456789012345"}, {"12345678", "1234567x", "123456789012345"}, {"12345678", "12345678", "12345678901234 "}} {
		if _, err := UnionPayAccount(c[0], c[1], c[2]); !errors.Is(err, ErrEMVCo) {
			t.Error(c, err)
		}
	}
}

// drawMPM makes any value that can be built.
func drawMPM(t *rapid.T) MPM {
	ascii := func(name string, low, high int) string {
		return rapid.StringMatching(fmt.Sprintf(`[ -~]{%d,%d}`, low, high)).Draw(t, name)
	}
	text := func(name string, low, high int) string {
		return rapid.StringOfN(rapid.RuneFrom([]rune("老明豆浆店 ABCxyz019é")), low, high, -1).Draw(t, name)
	}
	template := func(id int) Template {
		tpl := Template{ID: id, GUID: ascii("guid", 1, 32)}
		for i := range rapid.IntRange(0, 3).Draw(t, "objects") {
			tpl.Objects = append(tpl.Objects, Object{i*20 + 1, text("value", 1, 10)})
		}
		return tpl
	}
	c := rapid.SampledFrom([]money.Currency{money.CNY, money.JPY, money.KWD}).Draw(t, "currency")
	m := MPM{
		Initiation: rapid.SampledFrom([]Initiation{"", Static, Dynamic}).Draw(t, "initiation"),
		Accounts:   []Template{{ID: 15, Value: ascii("unionpay", 1, 99)}, template(26)},
		MCC:        rapid.StringMatching(`[0-9]{4}`).Draw(t, "mcc"), Currency: c, Country: "CN",
		Name: ascii("name", 1, 25), City: ascii("city", 1, 15), PostalCode: ascii("postal", 0, 10),
		Additional: Additional{Bill: text("bill", 0, 25), Request: rapid.SampledFrom([]string{"", "A", "ME", "EMA"}).Draw(t, "request")},
	}
	if rapid.Bool().Draw(t, "amount") {
		m.Amount = money.New(rapid.Int64Range(1, 999_999_999).Draw(t, "minor"), c)
	}
	switch m.Tip.Kind = rapid.SampledFrom([]TipKind{"", TipPrompt, TipFixed, TipPercent}).Draw(t, "tip"); m.Tip.Kind {
	case TipFixed:
		m.Tip.Fixed = money.New(rapid.Int64Range(1, 99_999).Draw(t, "fee"), c)
	case TipPercent:
		m.Tip.Percent = money.BasisPoints(rapid.Int32Range(1, 9999).Draw(t, "percent"))
	}
	if rapid.Bool().Draw(t, "system") {
		m.Additional.Systems = []Template{template(50)}
	}
	if rapid.Bool().Draw(t, "language") {
		m.Language = Language{"ZH", text("name zh", 1, 25), text("city zh", 0, 15)}
	}
	if rapid.Bool().Draw(t, "unreserved") {
		m.Unreserved = []Template{template(80), template(99)}
	}
	return m
}

func TestBuiltAndReadAgainIsTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := drawMPM(t)
		text, err := m.Build()
		if err != nil {
			if bad := Malformed(err); bad != nil && (bad.Expected == "at most 99 characters" || bad.Expected == "at most 512 characters") {
				return // too much for one template, or one code
			}
			t.Fatal(err)
		}
		got, err := ParseMPM(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, got, cmp.Comparer(amountsEqual)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestNoChangeOfOneCharacterIsMissed holds for every place of the sample.
func TestNoChangeOfOneCharacterIsMissed(t *testing.T) {
	t.Parallel()
	chars := []rune(specMPM)
	for i, was := range chars {
		for _, c := range "09AZ最 " {
			if c == was {
				continue
			}
			chars[i] = c
			if _, err := ParseMPM(string(chars)); err == nil {
				t.Errorf("%q for %q at %d is not seen", c, was, i)
			}
		}
		chars[i] = was
	}
}

func FuzzParseMPM(f *testing.F) {
	f.Add(specMPM)
	f.Add(sealed(plain))
	f.Add(sealed(plain + "55020357053.14162090105hello"))
	f.Add("0002")
	f.Fuzz(func(t *testing.T, text string) {
		// A check value of its own lets the fuzzer past the last gate.
		for _, text := range []string{text, sealed(strings.TrimSuffix(text, "6304"))} {
			m, err := ParseMPM(text)
			if err != nil {
				if bad := Malformed(err); bad == nil || bad.Offset < 0 || bad.Offset > utf8.RuneCountInString(text) {
					t.Fatal("the complaint has no place:", err)
				}
				continue
			}
			built, err := m.Build()
			if err != nil {
				t.Fatal(err)
			}
			if again, err := ParseMPM(built); err != nil || !reflect.DeepEqual(again, m) {
				t.Fatal("built and read again it differs:", err)
			}
		}
	})
}
