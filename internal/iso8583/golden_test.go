package iso8583

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/*.golden")

// TestGolden compares every message of the protocol pages with its file, and
// reads the file's bytes back.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, s := range samples() {
		t.Run(s.file, func(t *testing.T) {
			t.Parallel()
			raw := s.frame()
			got := render(s, raw)
			name := filepath.Join("testdata", s.file+".golden")
			if *update {
				if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("differs from %s:\n%s", name, got)
			}

			f, err := s.profile.ParseFrame(hexColumn(t, string(want)))
			if err != nil {
				t.Fatal(err)
			}
			m, err := s.profile.Unpack(f.Body)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.profile.Validate(m); err != nil {
				t.Error(err)
			}
			_, mac, ok := s.profile.MACRange(f.Body)
			if ok != s.mac {
				t.Errorf("has a MAC: %v, want %v", ok, s.mac)
			}
			if ok {
				if string(mac) != m.Text(s.profile.MAC.Field) {
					t.Errorf("MACRange gives %x, the field is %x", mac, m.Bytes(s.profile.MAC.Field))
				}
				m.Unset(s.profile.MAC.Field)
			}
			if !m.Equal(s.message) {
				t.Errorf("read back\n%v\nwant\n%v", m, s.message)
			}
		})
	}
}

// TestGoldenFilesHaveTheirMessage finds files that nothing writes any more.
func TestGoldenFilesHaveTheirMessage(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, s := range samples() {
		known[filepath.Join("testdata", s.file+".golden")] = true
	}
	files, _ := filepath.Glob("testdata/*.golden")
	for _, f := range files {
		if !known[f] {
			t.Errorf("%s belongs to no message", f)
		}
	}
}

const hexWidth = 16 // bytes a line

// render writes offset, hex and meaning; the parts of a field follow without hex.
func render(s sample, raw []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s, %s\n", s.profile.Name, s.title)
	rows := s.profile.Explain(raw).Rows
	for i, r := range rows {
		end := len(raw)
		if i+1 < len(rows) {
			end = rows[i+1].Offset
		}
		part := raw[r.Offset:end]
		fmt.Fprintf(&b, "%04d  %-*x  %s\n", r.Offset, 2*hexWidth, part[:min(hexWidth, len(part))], meaning(r))
		for at := hexWidth; at < len(part); at += hexWidth {
			fmt.Fprintf(&b, "%04d  %x\n", r.Offset+at, part[at:min(at+hexWidth, len(part))])
		}
		renderParts(&b, r.Rows, "  ")
	}
	return b.String()
}

func renderParts(b *strings.Builder, rows []Row, indent string) {
	for _, r := range rows {
		fmt.Fprintf(b, "%*s%s%s\n", 8+2*hexWidth, "", indent, meaning(r))
		renderParts(b, r.Rows, indent+"  ")
	}
}

func meaning(r Row) string {
	text := strings.Join(strings.Fields(r.Field+" "+r.Name), " ") + " = " + r.Value
	if r.Note != "" {
		text += " (" + r.Note + ")"
	}
	return text
}

// hexColumn reads the bytes of a golden file.
func hexColumn(t *testing.T, text string) []byte {
	t.Helper()
	var raw []byte
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") || len(line) < 6 {
			continue
		}
		column := strings.TrimSpace(line[6:min(len(line), 6+2*hexWidth)])
		b, err := hex.DecodeString(column)
		if err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		raw = append(raw, b...)
	}
	return raw
}
