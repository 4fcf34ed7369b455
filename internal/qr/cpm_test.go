package qr

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
)

const (
	// specCPM is the sample of EMVCo's specification with two applications.
	specCPM = "hQVDUFYwMWETTwegAAAAVVVVUAhQcm9kdWN0MWETTwegAAAAZmZmUAhQcm9kdWN0MmJJWggSNFZ4kBI0WF8gDkNBUkRIT0xERVIvRU1WXy0IcnVlc2RlZW5kIZ8QBwYBCgMAAACfJghYT9OF+iNLzJ82AgABnzcEbVjvEw=="
	// specCPM1 is its sample with one application, whose data object 57 has a track.
	specCPM1 = "hQVDUFYwMWEaTwegAAAAVVVVVw8SNFZ4kBI0WNGRIgESNF8="
)

// unionPayCPM is of our own making: UnionPay's provider, a card number made for tests.
var unionPayCPM = cpmOf("8505435056303161" + "16" + "4F08A000000333010101" + "5A0A6216261000000000018F")

func cpmOf(text string) string {
	raw, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(raw)
}

func TestTheSpecificationsCustomerCodes(t *testing.T) {
	t.Parallel()
	two, err := ParseCPM(specCPM)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(two.Applications()); got != "[{A0000000555555 Product1} {A0000000666666 Product2}]" {
		t.Error(got)
	}
	if !two.PAN().IsZero() {
		t.Error("the sample's number has no valid check digit:", two.PAN())
	}
	if mine, err := ParseCPM(unionPayCPM); err != nil || mine.PAN().String() != "621626*********0018" {
		t.Error(mine.PAN(), err)
	}
	one, err := ParseCPM(specCPM1)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(one.Applications()); got != "[{A0000000555555 }]" || !one.PAN().IsZero() {
		t.Error(got, one.PAN())
	}
	shown := fmt.Sprintf("%v %+v %s %x", two, two, two.Data(), one)
	if strings.Contains(shown, "1234567890") || strings.Contains(shown, "584F") {
		t.Error("it shows itself:", shown)
	}
}

func TestABrokenCustomerCode(t *testing.T) {
	t.Parallel()
	const format, app = "85054350563031", "61094F07A0000000555555"
	for name, text := range map[string]string{
		"no base64":                     "hQVDUFYwMW*TTwegAAAA",
		"base64 without its padding":    strings.TrimRight(specCPM, "="),
		"a line break inside":           specCPM[:20] + "\n" + specCPM[20:],
		"cut in the middle":             specCPM[:48],
		"more than a code may have":     cpmOf(format + strings.Repeat(app, 40)),
		"another version":               cpmOf("85054350563032" + app),
		"the format not first":          cpmOf(app + format),
		"the format twice":              cpmOf(format + format + app),
		"no application":                cpmOf(format),
		"an application without its id": cpmOf(format + "61035001" + "41"),
		"an identifier that is short":   cpmOf(format + "61064F04A0000003"),
		"nothing":                       "",
	} {
		_, err := ParseCPM(text)
		if bad := Malformed(err); !errors.Is(err, ErrEMVCo) || bad == nil || bad.Expected == "" {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && len(text) > 20 && strings.Contains(err.Error(), text[8:16]) {
			t.Errorf("%s: the error repeats the code", name)
		}
	}
}

func FuzzParseCPM(f *testing.F) {
	for _, text := range []string{specCPM, specCPM1, unionPayCPM, "", "hQVDUFYwMWEA"} {
		raw, _ := base64.StdEncoding.DecodeString(text)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		text := base64.StdEncoding.EncodeToString(raw)
		c, err := ParseCPM(text)
		if err != nil {
			if Malformed(err) == nil {
				t.Fatal("no precise complaint:", err)
			}
			return
		}
		if len(c.Applications()) == 0 {
			t.Fatal("a code without applications")
		}
		_ = Known.Explain(text)
	})
}
