package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hawker/internal/app"
	"hawker/internal/custody"
	"hawker/internal/keys"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// typing is a prompter that reads what was typed.
func typing(lines ...string) (*prompter, *bytes.Buffer) {
	out := new(bytes.Buffer)
	return &prompter{in: bufio.NewReader(strings.NewReader(strings.Join(lines, "\n") + "\n")), out: out}, out
}

// keeper opens the keys of a fresh data directory.
func keeper(t *testing.T) *custody.Keeper {
	t.Helper()
	c := app.Config{Data: t.TempDir(), Clock: func() time.Time { return noon }}
	if _, err := app.Provision(t.Context(), c, 1, 1); err != nil {
		t.Fatal(err)
	}
	k, closeAll, err := app.OpenCustody(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := closeAll(); err != nil {
			t.Error(err)
		}
	})
	return k
}

var part = regexp.MustCompile(`(?m)^[ABC]  ([0-9A-F ]+)\n.* check value  ([0-9A-F ]+)$`)

// sheets draws a key and gives, for each sheet, what its custodian types.
func sheets(t *testing.T, ref keys.Ref) (typed [3][]string, kcv string) {
	t.Helper()
	drawn, err := custody.NewSheets(ref, 16, [3]string{"Li Ming", "王芳", "Chen Jie"})
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range drawn {
		var paper bytes.Buffer
		if err := s.Print(&paper, noon); err != nil {
			t.Fatal(err)
		}
		found := part.FindAllStringSubmatch(paper.String(), -1)
		typed[i] = []string{s.Custodian, fmt.Sprint(s.Number), found[0][1], found[0][2], found[1][1], found[1][2]}
	}
	return typed, drawn[0].KCV
}

func TestTwoCustodiansLoadAKey(t *testing.T) {
	t.Parallel()
	k, ref := keeper(t), keys.ZMK("cup")
	typed, kcv := sheets(t, ref)
	wrong := []string{typed[0][0], typed[0][1], typed[1][4], typed[0][3]} // another component under A's check value
	mistyped := append(append(append([]string{}, wrong...), typed[0][2:]...), append(typed[2], kcv)...)
	for name, c := range map[string]struct {
		lines []string
		want  error
	}{
		"one custodian alone":           {append(append([]string{}, typed[0]...), append([]string{" li MING", "2"}, append(typed[1][2:], kcv)...)...), custody.ErrPeople},
		"a sheet that is no number":     {[]string{"Li Ming", "one"}, custody.ErrSheet},
		"nobody":                        {nil, custody.ErrPeople},
		"a component mistyped for good": {append([]string{"Li Ming", "1"}, "00", "00", "00", "00", "00", "00"), keys.ErrComponent},
		"the custodian goes away":       {typed[0], io.EOF},
		"another check value":           {append(append([]string{}, typed[0]...), append(typed[2], "000000")...), keys.ErrComponent},
		"mistyped once, then right":     {mistyped, nil},
	} {
		p, out := typing(c.lines...)
		if name == "nobody" {
			p, out = typing(append(append([]string{""}, typed[0][1:]...), append(typed[2], kcv)...)...)
		}
		got, err := load(t.Context(), k, p, ref, keys.Keep)
		if !errors.Is(err, c.want) || err == nil && got != kcv {
			t.Errorf("%s: %s %v", name, got, err)
		}
		if strings.Contains(out.String(), typed[0][2]) {
			t.Errorf("%s: a component was shown", name)
		}
	}
	var list bytes.Buffer
	info, err := k.Keys.List(t.Context())
	if err == nil {
		err = printKeys(&list, info, noon.Add(49*time.Hour))
	}
	if err != nil || !regexp.MustCompile(`zmk/cup +`+kcv+` +E +2026-11-22T12:00:00Z +2 days +in 727 days`).MatchString(list.String()) {
		t.Error(list.String(), err)
	}
	var transcript bytes.Buffer
	if err := printTranscript(t.Context(), &transcript, k, nil, false); err != nil || !strings.Contains(transcript.String(), "Li Ming & Chen Jie") || !strings.Contains(transcript.String(), "\n1 records;") {
		t.Error(transcript.String(), err)
	}
}

func TestEachCustodianSeesOneSheet(t *testing.T) {
	t.Parallel()
	drawn, err := custody.NewSheets(keys.ZMK("cup"), 16, [3]string{"Li Ming", "王芳", "Chen Jie"})
	if err != nil {
		t.Fatal(err)
	}
	p, out := typing("", "", "", "", "", "")
	if err := p.show(drawn, noon); err != nil {
		t.Fatal(err)
	}
	screens := strings.Split(out.String(), "\x1b[3J")
	if len(screens) != 4 {
		t.Fatalf("%d screens", len(screens))
	}
	for i, s := range screens[:3] {
		if len(part.FindAllString(s, -1)) != 2 || strings.Count(s, "KEY SHEET") != 1 || !strings.Contains(s, drawn[i].Custodian) {
			t.Errorf("screen %d reads\n%s", i+1, s)
		}
	}
	if p, _ := typing(); p.show(drawn, noon) == nil {
		t.Error("sheets are shown to nobody")
	}
}

func TestSheetFilesArePrivateAndNeverReplaced(t *testing.T) {
	t.Parallel()
	drawn, err := custody.NewSheets(keys.ZMK("cup"), 16, [3]string{"Li Ming", "王芳", "Chen Jie"})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := writeSheets(dir, drawn, noon); err != nil {
		t.Fatal(err)
	}
	for i := range drawn {
		if info, err := os.Stat(filepath.Join(dir, fmt.Sprintf("sheet-%d.txt", i+1))); err != nil || info.Mode().Perm() != 0o600 {
			t.Error(info, err)
		}
	}
	if err := writeSheets(dir, drawn, noon); !errors.Is(err, os.ErrExist) {
		t.Error("sheets were written over others:", err)
	}
}

func TestRefusalsAreSaidInWords(t *testing.T) {
	t.Parallel()
	err := inWords(fmt.Errorf("load: %w", custody.ErrPeople.With("why")))
	if !errors.Is(err, custody.ErrPeople) || !strings.HasPrefix(err.Error(), custody.ErrPeople.EN) || !strings.Contains(err.Error(), custody.ErrPeople.ZH) || !strings.Contains(err.Error(), "why") {
		t.Error(err)
	}
	if inWords(nil) != nil || !errors.Is(inWords(io.EOF), io.EOF) {
		t.Error("other errors change")
	}
}
