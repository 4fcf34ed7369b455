package card

import (
	"bytes"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// canaries are values whose appearance anywhere is a leak.
var canaries = struct {
	pan, track, pin string
	block           []byte
}{"6216263748596071821", "6216263748596071821=30122015123", "739518", []byte("\x9b\x1c\x18\x45\xeb\x99\x3a\x7a")}

// holder hides its secrets in unexported fields, where fmt finds no methods.
type holder struct {
	pan   PAN
	track Track
	pin   PIN
	block PINBlock
	icc   ICC
}

// Shower shows them in exported fields, where encoders find them.
type Shower struct {
	PAN   PAN
	Track Track
	PIN   PIN
	Block PINBlock
	ICC   ICC
}

type embedding struct {
	PAN
	note string
}

func secrets(t *testing.T) holder {
	t.Helper()
	pan, err := ParsePAN(canaries.pan)
	if err != nil {
		t.Fatal(err)
	}
	pin, err := NewPIN(canaries.pin)
	if err != nil {
		t.Fatal(err)
	}
	block, err := NewPINBlock(canaries.block)
	if err != nil {
		t.Fatal(err)
	}
	return holder{pan, NewTrack(canaries.track), pin, block, NewICC(canaries.block)}
}

// shapes puts the secrets wherever a careless caller may.
func shapes(h holder) map[string]any {
	s := Shower{h.pan, h.track, h.pin, h.block, h.icc}
	return map[string]any{
		"a PAN": h.pan, "a track": h.track, "a PIN": h.pin, "a PIN block": h.block, "chip data": h.icc,
		"a pointer to a PAN": &h.pan, "a pointer to a track": &h.track,
		"unexported fields": h, "a pointer to unexported fields": &h,
		"exported fields": s, "a pointer to exported fields": &s,
		"an embedded PAN": embedding{h.pan, "x"},
		"a slice":         []any{h.pan, h.track, h.pin, h.block, h.icc},
		"a slice of structs with unexported fields": []holder{h},
		"a map's values":                      map[string]PAN{"x": h.pan},
		"a map's keys":                        map[PAN]int{h.pan: 1},
		"an array in a struct":                struct{ a [1]holder }{[1]holder{h}},
		"an interface in an unexported field": struct{ v any }{h},
		"an error that wraps one":             fmt.Errorf("sale of %v with %v: %w", h.pan, h.track, ErrPAN),
	}
}

// leaks reports whether text holds a canary as it is, in hexadecimal or as a list of numbers.
func leaks(text string) bool {
	for _, c := range []string{canaries.pan, canaries.pin, string(canaries.block), canaries.pan[6:15]} {
		b := []byte(c)
		for _, form := range []string{c, hex.EncodeToString(b), fmt.Sprint(b), fmt.Sprintf("% x", b), fmt.Sprintf("%#v", b), fmt.Sprintf("%q", c)} {
			if strings.Contains(strings.ToLower(text), strings.ToLower(strings.Trim(form, `[]"`))) {
				return true
			}
		}
	}
	return false
}

func TestNoVerbShowsASecret(t *testing.T) {
	for name, shape := range shapes(secrets(t)) {
		t.Run(name, func(t *testing.T) {
			for _, verb := range strings.Fields("%v %+v %#v %s %q %x %X %d %o %b %c %U %t %p %T %20v %-20s %08x %#x %#q") {
				if text := fmt.Sprintf(verb, shape); leaks(text) {
					t.Errorf("%s: %s", verb, text)
				}
			}
			if text := fmt.Sprintln(shape); leaks(text) {
				t.Error(text)
			}
		})
	}
}

func TestNoLogShowsASecret(t *testing.T) {
	for name, shape := range shapes(secrets(t)) {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			slog.New(slog.NewTextHandler(&out, nil)).Info("sale", "x", shape, slog.Group("g", "y", shape))
			slog.New(slog.NewJSONHandler(&out, nil)).Info("sale", "x", shape, slog.Group("g", "y", shape))
			if leaks(out.String()) {
				t.Error(out.String())
			}
		})
	}
}

func TestNoEncoderWritesASecret(t *testing.T) {
	for name, shape := range shapes(secrets(t)) {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			_ = json.NewEncoder(&out).Encode(shape)
			_ = xml.NewEncoder(&out).Encode(shape)
			_ = gob.NewEncoder(&out).Encode(shape)
			if leaks(out.String()) {
				t.Errorf("%q", out.String())
			}
		})
	}
	h := secrets(t)
	for _, secret := range []any{h.pan, h.track, h.pin, h.block, h.icc} {
		if _, err := json.Marshal(secret); !errors.Is(err, ErrSecret) {
			t.Errorf("%T: json: %v", secret, err)
		}
		if err := gob.NewEncoder(&bytes.Buffer{}).Encode(secret); !errors.Is(err, ErrSecret) {
			t.Errorf("%T: gob: %v", secret, err)
		}
		if err := xml.NewEncoder(&bytes.Buffer{}).Encode(secret); !errors.Is(err, ErrSecret) {
			t.Errorf("%T: xml: %v", secret, err)
		}
	}
}

func TestErrorsDoNotQuote(t *testing.T) {
	_, err := ParsePAN("621626100000000001" + "9")
	_, _, _, err2 := NewTrack("6216261000000000019=3012").Split()
	_, err3 := ParseToken(canaries.pan)
	_, err4 := NewPIN("73951a")
	for _, err := range []error{err, err2, err3, err4} {
		if err == nil || leaks(err.Error()) || strings.Contains(err.Error(), "73951") || strings.Contains(err.Error(), "62162610") {
			t.Error(err)
		}
	}
}
