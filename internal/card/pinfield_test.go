package card

import (
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func TestPINFieldOfFormat4(t *testing.T) {
	t.Parallel()
	pin, err := NewPIN("1234")
	if err != nil {
		t.Fatal(err)
	}
	first, err := PINField(pin)
	if err != nil || fmt.Sprintf("%X", first[:8]) != "441234AAAAAAAAAA" {
		t.Fatalf("%X, %v", first, err)
	}
	if second, _ := PINField(pin); string(first) == string(second) {
		t.Error("equal PINs look equal")
	}
	if _, err := PINField(PIN{}); err == nil {
		t.Error("no PIN has a field")
	}
}

func TestAccountFieldOfFormat4(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{
		"4111111111111111":    "44111111111111111000000000000000",
		"6216261000000000018": "76216261000000000018000000000000",
	} {
		pan, err := ParsePAN(number)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := AccountField(pan); err != nil || fmt.Sprintf("%X", got) != want {
			t.Errorf("%s: %X, %v", number, got, err)
		}
	}
	if _, err := AccountField(PAN{}); err == nil {
		t.Error("no card has an account field")
	}
}

func TestPINFieldsThatAreNone(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"another format":         "041234AAAAAAAAAA146C6601F4A8035C",
		"three digits":           "43123AAAAAAAAAAA146C6601F4A8035C",
		"thirteen digits":        "4D1234567890123A146C6601F4A8035C",
		"a digit that is a fill": "44123AAAAAAAAAAA146C6601F4A8035C",
		"a fill that is a digit": "441234AAAAAAAAA1146C6601F4A8035C",
		"eight bytes":            "441234AAAAAAAAAA",
		"nothing":                "",
	} {
		t.Run(name, func(t *testing.T) {
			field, err := hex.DecodeString(text)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ParsePINField(field); !errors.Is(err, ErrPINBlock) {
				t.Error(err)
			}
		})
	}
}

func TestPINFieldRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		pin, err := NewPIN(rapid.StringMatching(`[0-9]{4,12}`).Draw(rt, "pin"))
		if err != nil {
			rt.Fatal(err)
		}
		field, err := PINField(pin)
		if err != nil {
			rt.Fatal(err)
		}
		if back, err := ParsePINField(field); err != nil || !back.Equal(pin) {
			rt.Fatal("another PIN came back", err)
		}
	})
}

func FuzzPINField(f *testing.F) {
	f.Add([]byte("\x44\x12\x34\xAA\xAA\xAA\xAA\xAA12345678"))
	f.Fuzz(func(t *testing.T, field []byte) {
		pin, err := ParsePINField(field)
		if err == nil && (len(pin.Reveal()) < 4 || len(pin.Reveal()) > 12) {
			t.Fatal("a PIN of", len(pin.Reveal()))
		}
	})
}
