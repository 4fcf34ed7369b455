package iso8583

import (
	"fmt"
	"strings"
	"testing"
)

// TestExplainOpensField62 has every kind of content that field 60 announces.
func TestExplainOpensField62(t *testing.T) {
	t.Parallel()
	pad := func(text string, size int) string { return fmt.Sprintf("%-*s", size, text) }
	for name, c := range map[string]struct {
		mti, f60, f62 string
		want          []string
	}{
		"a status":                      {"0820", "00000001362", "01102" + pad("case switch", 20) + "04080051", []string{"62.1", "tampered", "case switch", "80", "works"}},
		"a status that is none":         {"0820", "00000001362", "0190", []string{"not readable: field 62"}},
		"a list's request":              {"0820", "00000001372", "103", []string{"rows received so far", "3"}},
		"a list of keys":                {"0830", "00000001372", "1\x9f\x06\x05\xa0\x00\x00\x09\x99\x9f\x22\x01\x01\xdf\x05\x04\x20\x30\x12\x31", []string{"this is all", "A000000999", "certification authority key index", "20301231"}},
		"a key's request":               {"0800", "00000001370", "\x9f\x06\x05\xa0\x00\x00\x09\x99\x9f\x22\x01\x01", []string{"A000000999"}},
		"a key":                         {"0810", "00000001370", "1\x9f\x06\x05\xa0\x00\x00\x09\x99\xdf\x04\x01\x03", []string{"62.1", "yes", "exponent", "03"}},
		"no such key":                   {"0810", "00000001370", "0", []string{"62.1", "no / 没有"}},
		"contactless rows":              {"0810", "00000001394", "1\x10\x9f\x06\x03\xa0\x00\x00\xdf\x20\x06\x00\x00\x00\x50\x00\x00\x84", []string{"62.2", "[16 bytes]"}},
		"contactless rows of data":      {"0810", "00000001394", "1\x0f\x9f\x06\x03\xa0\x00\x00\xdf\x20\x06\x00\x00\x00\x50\x00\x00", []string{"62.2", "contactless limit", "000000500000"}},
		"a blacklist":                   {"0810", "00000001390", "2\x0d" + pad("621485", 10) + "00D\x0d" + pad("62589999", 10) + "16 ", []string{"ask again", "621485", "debit", "62589999", "16 digits"}},
		"a page that is none":           {"0810", "00000001390", "1\x0d", []string{"not readable: field 62"}},
		"parameters":                    {"0810", "00000001360", "124522" + pad("Noodles", 40) + "26\x01\x02\x03\x04", []string{"62.12", "45", "Noodles", "01020304"}},
		"parameters that do not exist":  {"0810", "00000001360", "9945", []string{"not readable: field 62"}},
		"tasks":                         {"0830", "00000001364", "360000000000000800000001000042", []string{"parameters", "batch 000001, trace 000042", "electronic signature"}},
		"a signature shows no picture":  {"0820", "07000001800", "P4\n8 8\n\x81\x42", []string{"picture", "[9 bytes]"}},
		"a segment tells its place":     {"0820", "080000018001", "02abcdef", []string{"segment", "02", "[6 bytes]"}},
		"the keys of a sign-on":         {"0810", "00000001003", strings.Repeat("\x11", 28) + strings.Repeat("\x00", 8) + "\x22\x22\x22\x22", []string{"TPK", "KCV 11111111", "KCV 22222222"}},
		"what the network code denies":  {"0810", "00000001360", "", nil},
		"an answer to a status upload":  {"0830", "00000001362", "whatever", nil},
		"what is no list of data items": {"0830", "00000001372", "1\x9f", []string{"not readable as BER-TLV"}},
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := UnionPayPOS.Pack(New(c.mti).Set(60, c.f60).SetBytes(62, []byte(c.f62)))
			if err != nil {
				t.Fatal(err)
			}
			e := UnionPayPOS.Explain(raw)
			var out strings.Builder
			if _, err := e.WriteTo(&out); err != nil || e.Err != nil {
				t.Fatal(err, e.Err)
			}
			for _, want := range c.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("it lacks %q:\n%s", want, out.String())
				}
			}
			if strings.Contains(out.String(), "abcdef") || strings.Contains(out.String(), "8142") {
				t.Errorf("it shows a picture:\n%s", out.String())
			}
		})
	}
}
