package qr

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hawker/internal/fault"
)

func TestTheMethodIsRecognised(t *testing.T) {
	t.Parallel()
	nines := func(start string, n int) string { return start + strings.Repeat("9", n-len(start)) }
	jd := Known
	jd.Digits = append([]Prefix{{"jd", "62", "62", 19, 19}}, Known.Digits...)
	for _, c := range []struct {
		name  string
		table Prefixes
		text  string
		want  Scheme
		err   *fault.Fault
	}{
		{"the first WeChat range", Known, nines("10", 18), WeChat, nil},
		{"the last WeChat range", Known, nines("15", 18), WeChat, nil},
		{"the first Alipay range, shortest", Known, nines("25", 16), Alipay, nil},
		{"the last Alipay range, longest", Known, nines("30", 24), Alipay, nil},
		{"UnionPay", Known, nines("62", 19), UnionPay, nil},
		{"the digital yuan", Known, nines("01", 19), ECNY, nil},
		{"a scanner's line end means nothing", Known, nines("13", 18) + "\r\n", WeChat, nil},
		{"below WeChat's ranges", Known, nines("09", 18), "", ErrUnknown},
		{"between WeChat and Alipay", Known, nines("16", 18), "", ErrUnknown},
		{"between WeChat and Alipay, just below", Known, nines("24", 18), "", ErrUnknown},
		{"above Alipay's ranges", Known, nines("31", 18), "", ErrUnknown},
		{"a WeChat code that lost a digit", Known, nines("13", 17), "", ErrLength},
		{"a WeChat code read twice", Known, nines("13", 36), "", ErrLength},
		{"an Alipay code that is too short", Known, nines("28", 15), "", ErrLength},
		{"an Alipay code that is too long", Known, nines("28", 25), "", ErrLength},
		{"a UnionPay code that is too long", Known, nines("62", 20), "", ErrLength},
		{"one digit", Known, "1", "", ErrUnknown},
		{"nothing", Known, "", "", ErrUnknown},
		{"blanks only", Known, " \n", "", ErrUnknown},
		{"a blank inside", Known, "13999999 999999999", "", ErrUnknown},
		{"full-width digits", Known, "１３９９９９９９９９９９９９９９９９", "", ErrUnknown},
		{"a letter", Known, "13999999999999999O", "", ErrUnknown},
		{"a merchant's plate", Known, "https://qr.95516.com/00010000/01116734936470044423094034227630", "", ErrMerchantCode},
		{"a link in capitals", Known, "HTTPS://QR.ALIPAY.COM/x", "", ErrMerchantCode},
		{"an EMVCo merchant's code", Known, specMPM, "", ErrMerchantCode},
		{"two schemes with one range", jd, nines("62", 19), "", ErrAmbiguous},
		{"the other ranges of that table", jd, nines("13", 18), WeChat, nil},
		{"UnionPay's customer-presented code", Known, unionPayCPM, UnionPay, nil},
		{"a customer-presented code of a scheme that is not ours", Known, specCPM, "", ErrUnknown},
		{"a customer-presented code cut short", Known, unionPayCPM[:40], "", ErrEMVCo},
		{"a table without rows", Prefixes{}, nines("13", 18), "", ErrUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			code, err := c.table.Recognise(c.text)
			if c.err == nil && err != nil || c.err != nil && !errors.Is(err, c.err) {
				t.Fatal(err)
			}
			if code.Scheme() != c.want || code.IsZero() != (err != nil) {
				t.Fatalf("recognised as %q", code.Scheme())
			}
			if err == nil && code.Reveal() != strings.TrimSpace(c.text) {
				t.Error("another code")
			}
			if f := fault.Of(err); err != nil && (f.Kind != fault.Invalid || f.ZH == "" || f.EN == "") {
				t.Error("nobody is told what is wrong")
			}
			if text := strings.TrimSpace(c.text); err != nil && len(text) > 3 && strings.Contains(err.Error(), text) {
				t.Error("the error repeats the code")
			}
		})
	}
}

// TestTheTableOfPrefixesIsSound looks for rows that could never or always match.
func TestTheTableOfPrefixesIsSound(t *testing.T) {
	t.Parallel()
	for _, p := range Known.Digits {
		if !p.Scheme.Known() || len(p.From) != len(p.To) || p.From > p.To || !digits(p.From+p.To) || p.Min > p.Max || p.Min < len(p.From) {
			t.Errorf("%+v", p)
		}
	}
	for i, a := range Known.Digits {
		for _, b := range Known.Digits[i+1:] {
			if a.From <= b.To && b.From <= a.To && a.Min <= b.Max && b.Min <= a.Max {
				t.Errorf("%+v and %+v overlap", a, b)
			}
		}
	}
	for _, s := range []Scheme{WeChat, Alipay, UnionPay, ECNY} {
		if s.ZH() == string(s) || s.EN() == string(s) {
			t.Errorf("%s has no names", s)
		}
	}
	if s := Scheme("jd"); s.Known() || s.ZH() != "jd" || s.EN() != "jd" {
		t.Error("an unknown scheme has names")
	}
}

// TestTheTableIsInTheDocument: an integrator reads docs/qr.md, not this package.
func TestTheTableIsInTheDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/qr.md")
	if err != nil {
		t.Fatal(err)
	}
	span := func(from, to string) string {
		if from == to {
			return from
		}
		return from + "–" + to
	}
	for _, p := range Known.Digits {
		row := fmt.Sprintf("| %s %s | %s | %s |", p.Scheme.EN(), p.Scheme.ZH(), span(p.From, p.To), span(strconv.Itoa(p.Min), strconv.Itoa(p.Max)))
		if !strings.Contains(string(text), row) {
			t.Errorf("docs/qr.md has no row %s", row)
		}
	}
	for _, f := range []*fault.Fault{ErrUnknown, ErrAmbiguous, ErrLength, ErrMerchantCode, ErrEMVCo} {
		if !strings.Contains(string(text), "`"+f.Name+"`") {
			t.Errorf("docs/qr.md does not tell of %s", f.Name)
		}
	}
}

func TestACustomerCodeIsRecognisedExactlyWhenARowCoversIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[0-9]{1,26}`).Draw(t, "text")
		want := Scheme("")
		for _, p := range Known.Digits {
			if len(text) >= p.Min && len(text) <= p.Max && text[:2] >= p.From && text[:2] <= p.To {
				want = p.Scheme
			}
		}
		code, err := Known.Recognise(text)
		if code.Scheme() != want || (err == nil) != (want != "") {
			t.Fatal(code.Scheme(), err)
		}
	})
}

func FuzzRecognise(f *testing.F) {
	for _, text := range []string{"139999999999999999", specMPM, specCPM, unionPayCPM, "https://x/y", "", "62"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		code, err := Known.Recognise(text)
		if (err == nil) == code.IsZero() {
			t.Fatal("neither a code nor a refusal")
		}
		if err == nil && len(text) >= 16 && strings.Contains(fmt.Sprintf("%+v %q", code, code), strings.TrimSpace(text)) {
			t.Fatal("it shows itself")
		}
	})
}
