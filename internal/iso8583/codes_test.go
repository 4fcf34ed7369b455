package iso8583

import (
	"slices"
	"strings"
	"testing"
)

// everyCode is domain and terminal protocol page together.
const everyCode = "00 01 02 03 04 05 06 07 09 10 11 12 13 14 15 19 21 22 25 30 33 34 35 36 37 38 40 41 43 45 51 54 55 57 58 59 " +
	"61 62 64 65 68 75 77 79 90 91 92 94 96 97 98 99 A0 A1 A2 A3 A4 A5 A6 A7"

func TestEveryCodeHasItsSentences(t *testing.T) {
	t.Parallel()
	all := strings.Fields(everyCode)
	if len(all) != len(codeRows) {
		t.Errorf("%d codes in the table, %d expected", len(codeRows), len(all))
	}
	for i, code := range all {
		c, ok := CodeText(code)
		if !ok || c.Code != code {
			t.Errorf("%s is missing", code)
			continue
		}
		if codeRows[i].Code != code {
			t.Errorf("%s is out of order", code)
		}
		for name, text := range map[string]string{"ZH": c.ZH, "ActionZH": c.ActionZH} {
			if !strings.HasSuffix(text, "。") {
				t.Errorf("%s: %s is %q", code, name, text)
			}
		}
		for name, text := range map[string]string{"EN": c.EN, "ActionEN": c.ActionEN} {
			if !strings.HasSuffix(text, ".") {
				t.Errorf("%s: %s is %q", code, name, text)
			}
		}
		if !strings.ContainsRune("ABCDE", rune(c.Class)) {
			t.Errorf("%s: class %c", code, c.Class)
		}
	}
}

// TestNobodyIsAccusedAtTheCounter: for every card that its bank wants kept or
// suspects, the copy is one and the same, or speaks of the PIN only.
func TestNobodyIsAccusedAtTheCounter(t *testing.T) {
	t.Parallel()
	for _, code := range strings.Fields("04 07 33 34 35 36 37 41 43 59 62") {
		c, _ := CodeText(code)
		if c.ZH != notUsableZH || c.EN != notUsableEN || c.ActionZH != "请换一张卡。" || c.ActionEN != "Please use another card." {
			t.Errorf("%s says %+v", code, c)
		}
	}
	for _, c := range codeRows {
		all := strings.ToLower(c.ZH + c.EN + c.ActionZH + c.ActionEN)
		for _, word := range []string{"lost", "stolen", "fraud", "suspect", "keep the card", "挂失", "被盗", "欺诈", "嫌疑", "没收", "吞卡"} {
			if strings.Contains(all, word) {
				t.Errorf("%s says %q", c.Code, word)
			}
		}
	}
}

func TestApprovedCodes(t *testing.T) {
	t.Parallel()
	var approved []string
	for _, c := range codeRows {
		if c.Class == CodeApproved {
			approved = append(approved, c.Code)
		}
	}
	if want := strings.Fields("00 10 11 A2 A4 A5 A6"); !slices.Equal(approved, want) {
		t.Errorf("approved: %v, want %v", approved, want)
	}
}

func TestUnknownCodeIsRefusedAndShown(t *testing.T) {
	t.Parallel()
	if _, ok := CodeText("ZZ"); ok {
		t.Error("ZZ is known")
	}
	c := UnknownCode("ZZ")
	if c.Code != "ZZ" || c.Class != CodeRefused || !strings.Contains(c.EN, "(code ZZ)") || !strings.Contains(c.ZH, "ZZ") {
		t.Errorf("got %+v", c)
	}
	for _, odd := range []string{"", "\x1b[", "123", "6222000000000000129"} {
		if c := UnknownCode(odd); c.Code != "??" {
			t.Errorf("%q comes out as %q", odd, c.Code)
		}
	}
}
