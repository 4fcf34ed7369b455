package tdes

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestTrackWindow(t *testing.T) {
	k := newKey(t, "0123456789ABCDEFFEDCBA9876543210")
	for name, c := range map[string]struct {
		text       string
		head, tail int // clear characters before and behind the window
	}{
		"an odd text leaves one character behind":   {"6216261000000000018=30122015123456789", 20, 1},
		"an even text leaves two characters behind": {"621626100000000018=30122015123456789", 18, 2},
		"seventeen characters":                      {"12345678=30122015", 0, 1},
		"eighteen characters":                       {"123456789=30122015", 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			sealed, err := EncryptTrack(k, c.text)
			if err != nil || len(sealed) != len(c.text) {
				t.Fatal(len(sealed), err)
			}
			if !strings.HasPrefix(sealed, c.text[:c.head]) || !strings.HasSuffix(sealed, c.text[len(c.text)-c.tail:]) || len(c.text) != c.head+16+c.tail {
				t.Fatal("the window is elsewhere:", sealed)
			}
			if sealed[c.head:c.head+16] == c.text[c.head:c.head+16] {
				t.Fatal("the window stayed clear")
			}
		})
	}
}

func TestTrackRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := drawKey(t, 16)
		text := rapid.StringMatching(`[0-9][0-9=]{0,103}`).Draw(t, "track")
		sealed, err := EncryptTrack(k, text)
		if err != nil {
			t.Fatal(err)
		}
		for _, wire := range []string{sealed, strings.ReplaceAll(sealed, "D", "=")} { // field format z may show D as =
			back, err := DecryptTrack(k, wire)
			if err != nil || back != text {
				t.Fatal(back, text, err)
			}
		}
	})
}

func TestTrackRefuses(t *testing.T) {
	k := newKey(t, "0123456789ABCDEFFEDCBA9876543210")
	for name, text := range map[string]string{
		"nothing":                 "",
		"a track 1":               "%B6216261000000000018^DOE/JANE^3012",
		"hexadecimal before time": "6216261000000000018=30122015123A",
		"blanks":                  "6216261000000000018 30122015123",
	} {
		if _, err := EncryptTrack(k, text); !errors.Is(err, ErrTrack) {
			t.Errorf("%s: %v", name, err)
		}
	}
	sealed, err := EncryptTrack(k, "6216261000000000018=30122015123")
	if err != nil {
		t.Fatal(err)
	}
	other := newKey(t, "FEDCBA98765432100123456789ABCDEF")
	if _, err := DecryptTrack(other, sealed); !errors.Is(err, ErrTrack) {
		t.Error("under another key:", err)
	}
	for name, text := range map[string]string{
		"nothing": "", "sixteen characters": sealed[:16], "lower case": strings.ToLower(sealed), "a letter": sealed[:20] + "G" + sealed[21:],
	} {
		if _, err := DecryptTrack(k, text); !errors.Is(err, ErrTrack) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzTrack(f *testing.F) {
	k := newKey(f, "0123456789ABCDEFFEDCBA9876543210")
	f.Add("6216261000000000018=30122015123")
	f.Add("62162610000A0F3C91=B122")
	f.Add("1")
	f.Fuzz(func(t *testing.T, text string) {
		if sealed, err := EncryptTrack(k, text); err == nil {
			back, err := DecryptTrack(k, sealed)
			if err != nil || back != strings.ReplaceAll(text, "D", "=") {
				t.Fatal("not what went in", err)
			}
		}
		if back, err := DecryptTrack(k, text); err == nil {
			if _, err := EncryptTrack(k, back); err != nil {
				t.Fatal(err)
			}
		}
	})
}
