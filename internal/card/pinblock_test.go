package card

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"unique"

	"pgregory.net/rapid"
)

// The published ISO-0 and ISO-3 vectors carry a number without a valid check
// digit, so it goes around ParsePAN here.
func uncheckedPAN(digits string) PAN { return PAN{unique.Make(digits)} }

func TestPINBlockVectors(t *testing.T) {
	pan := uncheckedPAN("5555555551234567")
	for name, c := range map[string]struct {
		format PINFormat
		block  string
	}{
		"format 0 of PIN 1234":           {ISO0, "041261AAAAEDCBA9"},
		"format 2 of PIN 1234":           {ISO2, "241234FFFFFFFFFF"},
		"format 3 of PIN 1234, F filled": {ISO3, "341261AAAAEDCBA9"},
	} {
		t.Run(name, func(t *testing.T) {
			block, _ := hex.DecodeString(c.block)
			pin, err := DecodePIN(c.format, block, pan)
			if err != nil || string(pin.Reveal()) != "1234" {
				t.Fatal("decodes to another PIN", err)
			}
			if c.format == ISO3 {
				return // its fill is random
			}
			if got, err := EncodePIN(c.format, pin, pan); err != nil || !bytes.Equal(got, block) {
				t.Fatalf("encodes to %X, %v", got, err)
			}
		})
	}
}

func TestPINBlockRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		format := rapid.SampledFrom([]PINFormat{ISO0, ISO2, ISO3}).Draw(t, "format")
		text := rapid.StringMatching(`[0-9]{4,12}`).Draw(t, "pin")
		number := rapid.StringMatching(`[0-9]{11,18}`).Draw(t, "number")
		pan, err := ParsePAN(number + string(rune('0'+CheckDigit(number))))
		if err != nil {
			t.Fatal(err)
		}
		pin, err := NewPIN(text)
		if err != nil {
			t.Fatal(err)
		}
		block, err := EncodePIN(format, pin, pan)
		if err != nil || len(block) != 8 {
			t.Fatal(len(block), err)
		}
		back, err := DecodePIN(format, block, pan)
		if err != nil || !back.Equal(pin) {
			t.Fatal("another PIN came back", err)
		}
	})
}

func TestDecodePINRefuses(t *testing.T) {
	pan := uncheckedPAN("5555555551234567")
	// The blocks are format 2, which shows its digits.
	for name, block := range map[string]string{
		"another format's block":       "041234FFFFFFFFFF",
		"three digits":                 "23123FFFFFFFFFFF",
		"thirteen digits":              "2D1234567890123F",
		"a digit that is none":         "24123AFFFFFFFFFF",
		"a fill that is not F":         "241234FFFFFFFFFE",
		"a digit in the fill":          "241234FFFF0FFFFF",
		"seven bytes":                  "241234FFFFFFFF",
		"nine bytes":                   "241234FFFFFFFFFFFF",
		"noise, as a wrong key leaves": "9B1C1845EB993A7A",
	} {
		t.Run(name, func(t *testing.T) {
			raw, _ := hex.DecodeString(block)
			if _, err := DecodePIN(ISO2, raw, pan); !errors.Is(err, ErrPINBlock) {
				t.Fatal(err)
			}
		})
	}
	raw, _ := hex.DecodeString("041261AAAAEDCBA9")
	if _, err := DecodePIN(ISO0, raw, uncheckedPAN("4000001234562")); !errors.Is(err, ErrPINBlock) {
		t.Fatal("another card's number must not fit", err)
	}
	if _, err := DecodePIN(ISO0, raw, PAN{}); err == nil {
		t.Fatal("format 0 without a card number")
	}
	if _, err := DecodePIN(1, raw, pan); err == nil {
		t.Fatal("format 1 is not ours")
	}
	if _, err := EncodePIN(ISO0, PIN{}, pan); err == nil {
		t.Fatal("no PIN")
	}
}

func TestISO3FillDiffers(t *testing.T) {
	pin, _ := NewPIN("1234")
	seen := map[string]bool{}
	for range 64 {
		block, err := EncodePIN(ISO3, pin, uncheckedPAN("5555555551234567"))
		if err != nil {
			t.Fatal(err)
		}
		seen[string(block)] = true
	}
	if len(seen) < 60 {
		t.Fatalf("%d different blocks of 64", len(seen))
	}
}

func FuzzPINBlock(f *testing.F) {
	f.Add(byte(0), []byte("\x04\x12\x61\xaa\xaa\xed\xcb\xa9"), "6216261000000000018")
	f.Add(byte(2), []byte("\x24\x12\x34\xff\xff\xff\xff\xff"), "")
	f.Add(byte(3), []byte("\x34\x12\x34\xfa\xbc\xde\xfa\xbc"), "6224242900000113")
	f.Fuzz(func(t *testing.T, format byte, block []byte, number string) {
		pan, _ := ParsePAN(number)
		pin, err := DecodePIN(PINFormat(format), block, pan)
		if err != nil {
			return
		}
		again, err := EncodePIN(PINFormat(format), pin, pan)
		if err != nil {
			t.Fatal(err)
		}
		if PINFormat(format) != ISO3 && !bytes.Equal(again, block) {
			t.Fatalf("%X encodes back to %X", block, again)
		}
	})
}

func FuzzTrackSplit(f *testing.F) {
	f.Add("6216261000000000018=30122015123")
	f.Add("6216261000000000018D30122015123F")
	f.Fuzz(func(t *testing.T, text string) {
		pan, expiry, rest, err := NewTrack(text).Split()
		if err != nil {
			return
		}
		if whole := strings.TrimRight(text, "F"); len(pan.Reveal())+1+len(expiry)+len(rest) != len(whole) {
			t.Fatal("something got lost")
		}
	})
}
