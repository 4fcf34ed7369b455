package card_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"hawker/internal/card"
)

func TestAPaymentCodeIsDigitsOfAWalletsLength(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"134567890123456789": true, "2812345678901234": true, "281234567890123456789012": true,
		"": false, "123456789012345": false, "2812345678901234567890123": false, "13456789012345678x": false, "１３４５６７８９": false,
	} {
		if _, err := card.NewCode(text); (err == nil) != ok {
			t.Errorf("%d characters: %v", len(text), err)
		} else if err != nil && text != "" && strings.Contains(err.Error(), text) {
			t.Error("the complaint repeats the text")
		}
	}
}

func TestACodeAndASecretNeverPrint(t *testing.T) {
	t.Parallel()
	const text = "134567890123456789"
	code, err := card.NewCode(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{code, card.NewSecret([]byte(text)), struct{ C card.Code }{code}, &struct{ S card.Secret }{card.NewSecret([]byte(text))}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			if s := fmt.Sprintf(verb, v); strings.Contains(s, text) || strings.Contains(s, fmt.Sprintf("%x", text)) {
				t.Errorf("%s prints %s", verb, s)
			}
		}
		if b, err := json.Marshal(v); err == nil {
			t.Errorf("it serialises as %s", b)
		}
	}
}
