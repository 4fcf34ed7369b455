package torture

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hawker/internal/sandbox/cards"
)

// rubbish is a place with files, and the scanner that has been there.
func rubbish(t *testing.T, files map[string]string) *scanner {
	t.Helper()
	var list []secret
	for _, c := range cards.All() {
		more, err := ofCard(c)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, more...)
	}
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := newScanner(append(list, control))
	if err := filepath.WalkDir(dir, s.visit); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCardDataIsFoundInWhateverForm(t *testing.T) {
	t.Parallel()
	c, ok := cards.ByName("test-debit") // nineteen digits
	if !ok {
		t.Fatal("no test card")
	}
	pan := c.PAN.Reveal()
	packed := func(digits string) string {
		b, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for name, text := range map[string]string{
		"in a log":                          "level=INFO msg=sale pan=" + pan + "\n",
		"in a track":                        "track2=" + string(c.Track2().Reveal()),
		"packed, filled on the left":        "\x00\x13" + packed("0"+pan),
		"packed, filled on the right":       "\x00\x13" + packed(pan+"F"),
		"in a hexadecimal dump":             hex.EncodeToString([]byte("pan=" + pan)),
		"in a hexadecimal dump of a packed": hex.EncodeToString([]byte(packed(pan + "F"))),
		"at the very end":                   strings.Repeat("x", 1<<20-19) + pan,
		"across the edge of two pieces":     strings.Repeat("x", 1<<20-7) + pan + strings.Repeat("x", 100),
		"far behind":                        strings.Repeat("6222", 1<<20) + pan,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := rubbish(t, map[string]string{"logs/serve.log": text})
			if len(s.found) == 0 {
				t.Fatal("not found")
			}
			for what := range s.found {
				if !strings.Contains(what, "test-debit") || strings.Contains(what, "test-debit-2") {
					t.Errorf("found %s", what)
				}
			}
		})
	}
}

func TestASecretsOwnHomeIsNotSearched(t *testing.T) {
	t.Parallel()
	pan := cards.All()[0].PAN.Reveal()
	s := rubbish(t, map[string]string{
		"disk/data/master.key":           pan,
		"disk/data/sandbox/network.json": pan,
		"terminals/T9900001.json":        `{"secure_memory":{"tmk":"` + pan + `"},"batch":1}`,
	})
	if len(s.found) != 0 || s.files != 1 {
		t.Fatalf("%v in %d files", s.found, s.files)
	}
	s = rubbish(t, map[string]string{"terminals/T9900001.json": `{"batch":1,"transactions":[{"masked_pan":"` + pan + `"}]}`})
	if len(s.found) != 1 {
		t.Fatalf("%v", s.found)
	}
}

func TestAMaskedNumberIsNoSecret(t *testing.T) {
	t.Parallel()
	s := rubbish(t, map[string]string{"terminals/T9900001.slips": cards.All()[0].PAN.String() + " tok_ABC"})
	if _, ok := s.found[control.name]; !ok || len(s.found) != 1 {
		t.Fatalf("%v", s.found)
	}
}

func TestThePiecesOfAFileOverlap(t *testing.T) {
	t.Parallel()
	s := newScanner([]secret{{"needle", []byte("needle")}})
	s.buf = make([]byte, 16)
	for at := range 64 {
		clear(s.found)
		hay := bytes.Repeat([]byte("."), 64+6)
		copy(hay[at:], "needle")
		if err := s.read("hay", bytes.NewReader(hay)); err != nil || len(s.found) != 1 {
			t.Fatalf("at %d: %v, %v", at, s.found, err)
		}
	}
}
