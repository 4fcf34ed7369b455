package iso8583

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestMessagePrintsMasked(t *testing.T) {
	t.Parallel()
	m := New("0200").Set(2, testPAN).Set(3, "000000").Set(35, testTrack).SetBytes(52, unhex("1122334455667788")).
		Set(41, "10000001").SetBytes(63, append([]byte("CUP"), EncodeText("余额不足", 160)...)).Set(64, "0A1B2C3D")
	want := "0200 2=622200*********" + testPAN[15:] + " 3=000000 35=[37] 41=10000001 52=[8] 63=CUP余额不足 64=[8]"
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%08b"} {
		if got := fmt.Sprintf(verb, m); got != want {
			t.Errorf("%s of a pointer prints %s", verb, got)
		}
		if got := fmt.Sprintf(verb, *m); got != want {
			t.Errorf("%s of a value prints %s", verb, got)
		}
	}
	var none *Message
	_ = fmt.Sprint(none)
}

func TestMaskerShowsNothingItCannotRead(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                     "",
		"62220000000":          "[11]",
		"622200000000":         "622200**0000",
		"6222000000000000129":  "622200*********0129",
		"62220000000000001290": "[20]",
		"622200000000000012A":  "[19]",
		"6222 0000 0000 0128":  "[19]",
	} {
		if got := maskPAN([]byte(in)); got != want {
			t.Errorf("%q masks to %q, want %q", in, got, want)
		}
	}
}

func TestMessageBreaksNoLogLine(t *testing.T) {
	t.Parallel()
	m := New("0200").Set(41, "1\n2 \x1b[31m").SetBytes(63, []byte{'C', 'U', 'P', 0xFF}).Set(37, `a"b`)
	want := `0200 37="a\"b" 41="1\n2 \x1b[31m" 63="CUP` + "\ufffd" + `"`
	if got := m.String(); got != want {
		t.Errorf("prints %s, want %s", got, want)
	}
}

// TestNothingLeaks prints every sample in every way there is.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	for _, s := range samples() {
		t.Run(s.file, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			frame := must(s.profile.ParseFrame(s.frame()))
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
				fmt.Fprintf(&out, verb, s.message)
				fmt.Fprintf(&out, verb, *s.message)
				fmt.Fprintf(&out, verb, frame)
				if s.message.Has(48) {
					if d, err := ParseDetails48(s.message.Text(48)); err == nil {
						fmt.Fprintf(&out, verb, d)
					}
				}
			}
			log := slog.New(slog.NewTextHandler(&out, nil))
			log.Info("message", "pointer", s.message, "value", *s.message, "frame", frame)
			slog.New(slog.NewJSONHandler(&out, nil)).Info("message", "pointer", s.message, "frame", frame)
			_, _ = s.profile.Explain(s.frame()).WriteTo(&out)
			_, _ = s.profile.Explain(s.body()).WriteTo(&out)
			for _, secret := range []string{testPAN[6:15], testTrack[20:], "F1E2D3C4", "8796A5B4", "\xF1\xE2\xD3", "1415161718", "\x14\x15\x16"} {
				if strings.Contains(strings.ToUpper(out.String()), strings.ToUpper(secret)) {
					t.Errorf("%q appears", secret)
				}
			}
		})
	}
}

func TestNothingSerialises(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]any{
		"message": New("0200").Set(2, testPAN), "message value": *New("0200"), "frame": Frame{Body: []byte("x")},
		"detail": Details48{{PAN: PAN20(testPAN)}}, "key block": testKeys(true),
	} {
		if out, err := json.Marshal(v); err == nil {
			t.Errorf("%s became JSON: %s", name, out)
		}
		if out, err := xml.Marshal(v); err == nil {
			t.Errorf("%s became XML: %s", name, out)
		}
	}
}

func TestWrappedKeysPrintTheirCheckValue(t *testing.T) {
	t.Parallel()
	want := "{[16 bytes, KCV 10A1B2C3] [8 bytes, KCV 40A1B2C3] [16 bytes, KCV 70A1B2C3]}"
	if got := fmt.Sprintf("%v", testKeys(true)); got != want {
		t.Errorf("prints %s", got)
	}
	if got := fmt.Sprintf("%#v", testKeys(true)); strings.Contains(got, "0x") {
		t.Errorf("prints %s", got)
	}
}

func TestWipeLeavesNothing(t *testing.T) {
	t.Parallel()
	m := must(UnionPayPOS.Unpack(small()))
	track := m.Bytes(35)
	m.Wipe(35, 2, 99)
	if m.Has(35) || m.Has(2) || !bytes.Equal(track, make([]byte, len(track))) {
		t.Errorf("left %q in %v", track, m.Fields())
	}
}
