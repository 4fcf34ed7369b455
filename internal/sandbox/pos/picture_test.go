package pos

import (
	"fmt"
	"strings"
	"testing"
)

func TestADrawingIsAlwaysTheSameAndFitsThePaper(t *testing.T) {
	t.Parallel()
	p := Draw("王小明", 128, 48)
	if w, h, err := p.size(); w != 128 || h != 48 || err != nil {
		t.Fatalf("%d × %d, %v", w, h, err)
	}
	if string(p) != string(Draw("王小明", 128, 48)) || string(p) == string(Draw("李四", 128, 48)) {
		t.Error("a drawing is not its name's own")
	}
	lines := p.art(paper)
	if len(lines) != 6 || !strings.ContainsAny(strings.Join(lines, ""), "#:.") {
		t.Errorf("the slip shows %q", lines)
	}
	for _, line := range lines {
		if len(line) > paper {
			t.Errorf("a line has %d columns", len(line))
		}
	}
	if text := fmt.Sprintf("%v %+v %x", p, p, p); strings.Contains(text, "P4") || !strings.Contains(text, "[picture, 778 bytes]") {
		t.Errorf("it prints as %s", text)
	}
}

func FuzzPicture(f *testing.F) {
	f.Add([]byte(Draw("x", 16, 16)))
	f.Add([]byte("P4\n1024 1024\n"))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _, err := Picture(b).size()
		if lines := Picture(b).art(paper); (err == nil) != (len(lines) > 0) {
			t.Errorf("%v, and %d lines", err, len(lines))
		}
	})
}
