package plate

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"image"
	_ "image/png" // what the renderer writes
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"hawker/internal/money"
	"hawker/internal/qr"
)

var update = flag.Bool("update", false, "rewrite testdata/*.golden")

func ming() Plate {
	return Plate{
		Code:   "https://pay.example/c/CwcT6ICB5piO6LGG5rWGIE1pbmcncwMAAAAAAAAAAAAAAAAAAAA",
		NameZH: "老明豆浆店", NameEN: "Ming's Soy Milk & Buns", MID: "102900158120001", Number: 3,
		Schemes: []qr.Scheme{qr.WeChat, qr.Alipay, qr.UnionPay}, Limit: money.New(500_00, money.CNY),
	}
}

func crowded() Plate {
	p := ming()
	p.NameZH = strings.Repeat("深圳市南山区蛇口海上世界", 3) + "老明豆浆"
	p.NameEN = "Old Ming's Soy Milk, Fried Dough & Steamed Buns of Sea World"
	p.Schemes = append(p.Schemes, qr.ECNY)
	p.Code += strings.Repeat("x", 250)
	p.Number = 1 << 62
	return p
}

var plates = map[string]func() Plate{
	"both-names":   ming,
	"crowded":      crowded,
	"english-only": func() Plate { p := ming(); p.NameZH = ""; return p },
	"chinese-only": func() Plate { p := ming(); p.NameEN, p.Number = "", 0; return p },
	"with-amount":  func() Plate { p := ming(); p.Amount = money.New(46_50, money.CNY); return p },
	"no-limit":     func() Plate { p := ming(); p.Limit = money.Amount{}; return p },
}

// TestNothingLeavesThePaperOrLiesOverAnother holds for every text of every plate.
func TestNothingLeavesThePaperOrLiesOverAnother(t *testing.T) {
	t.Parallel()
	for name, p := range plates {
		for _, size := range []Size{A5, A6} {
			g, err := p().layout(size)
			if err != nil {
				t.Fatal(err)
			}
			mm := size.Width / A6.Width
			bottom := 0.0
			for _, l := range g.lines {
				w := g.face.Width(l.text) * l.size
				if l.x < 5.9*mm || l.x+w > size.Width-5.9*mm || l.baseline > size.Height-4*mm {
					t.Errorf("%s, %s: %q leaves the paper", name, size.Name, l.text)
				}
				if l.size < 2*mm {
					t.Errorf("%s, %s: %q is %.1f mm small", name, size.Name, l.text, l.size)
				}
				if top := l.baseline - 0.95*l.size; top < bottom-0.01 {
					t.Errorf("%s, %s: %q lies over what is above it", name, size.Name, l.text)
				}
				bottom = l.baseline
			}
			for _, r := range g.rects {
				if r.x < 0 || r.y < 0 || r.x+r.width > size.Width+0.001 || r.y+r.height > size.Height+0.001 {
					t.Errorf("%s, %s: a rectangle leaves the paper", name, size.Name)
				}
			}
		}
	}
}

// TestTheLayoutIsAsInItsFile keeps places and texts; a person looked at the drawing.
func TestTheLayoutIsAsInItsFile(t *testing.T) {
	t.Parallel()
	for name, p := range plates {
		g, err := p().layout(A6)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, l := range g.lines {
			b.WriteString(strings.Join([]string{number(l.x), number(l.baseline), number(l.size), l.colour.String(), l.text}, "\t") + "\n")
		}
		file := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if b.String() != string(want) {
			t.Errorf("differs from %s:\n%s", file, b.String())
		}
	}
}

func TestTheSVGIsWellFormedAndCarriesNothingActive(t *testing.T) {
	t.Parallel()
	p := ming()
	p.NameEN = `<script>"&'</script>`
	text, err := p.SVG(A6)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok {
			kinds[e.Name.Local]++
		}
	}
	if kinds["svg"] != 1 || kinds["title"] != 1 || kinds["path"] < 10 || len(kinds) != 3 {
		t.Error(kinds)
	}
	if !strings.HasPrefix(text, `<svg xmlns="http://www.w3.org/2000/svg" width="105mm" height="148mm" viewBox="0 0 105 148">`) {
		t.Error(text[:100])
	}
}

func TestThePDFIsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	one, err := ming().PDF(A5)
	if err != nil {
		t.Fatal(err)
	}
	two, err := ming().PDF(A5)
	if err != nil || !bytes.Equal(one, two) {
		t.Fatal("two files differ", err)
	}
	if !bytes.HasPrefix(one, []byte("%PDF-1.")) || len(one) > 200_000 || !bytes.Contains(one, []byte("/MediaBox [ 0 0 419.53 595.28 ]")) {
		t.Errorf("%d bytes, %.300q", len(one), one)
	}
}

// render turns a file into a picture by a program of another house; the test is
// skipped where it is not installed.
func render(t *testing.T, ext string, file []byte, program string, args func(in, out string) []string) image.Image {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("%s is not installed", program)
	}
	in, out := filepath.Join(t.TempDir(), "plate."+ext), filepath.Join(t.TempDir(), "plate")
	if err := os.WriteFile(in, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.CommandContext(t.Context(), path, args(in, out)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	f, err := os.Open(out + ".png")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	img, _, err := image.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func scan(t *testing.T, img image.Image) string {
	t.Helper()
	bits, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	found, err := qrcode.NewQRCodeReader().Decode(bits, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		t.Fatal(err)
	}
	return found.GetText()
}

func TestThePrintedPlateIsRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		of   func() Plate
		size Size
	}{{"A6", ming, A6}, {"A5", ming, A5}, {"a crowded A6", crowded, A6}} {
		t.Run(c.name+" as PDF", func(t *testing.T) {
			t.Parallel()
			file, err := c.of().PDF(c.size)
			if err != nil {
				t.Fatal(err)
			}
			img := render(t, "pdf", file, "pdftoppm", func(in, out string) []string { return []string{"-r", "200", "-png", "-singlefile", in, out} })
			if got := scan(t, img); got != c.of().Code {
				t.Errorf("read %q", got)
			}
		})
		t.Run(c.name+" as SVG", func(t *testing.T) {
			t.Parallel()
			file, err := c.of().SVG(c.size)
			if err != nil {
				t.Fatal(err)
			}
			img := render(t, "svg", []byte(file), "rsvg-convert", func(in, out string) []string { return []string{"-d", "200", "-p", "200", "-o", out + ".png", in} })
			if got := scan(t, img); got != c.of().Code {
				t.Errorf("read %q", got)
			}
		})
	}
}

func TestWhatCannotBePrintedIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*Plate)
		want  error
	}{
		"no name":                          {func(p *Plate) { p.NameZH, p.NameEN = "", "" }, ErrText},
		"a character without a drawing":    {func(p *Plate) { p.NameZH = "老明😀" }, ErrText},
		"a line break in a name":           {func(p *Plate) { p.NameEN = "Ming\nSoy" }, ErrText},
		"writing turned around":            {func(p *Plate) { p.NameEN = "Ming\u202e" }, ErrText},
		"a Chinese name that is too long":  {func(p *Plate) { p.NameZH = strings.Repeat("明", 41) }, ErrText},
		"an English name that is too long": {func(p *Plate) { p.NameEN = strings.Repeat("M", 61) }, ErrText},
		"no merchant":                      {func(p *Plate) { p.MID = "" }, ErrText},
		"a merchant's id with a blank":     {func(p *Plate) { p.MID = "1 2" }, ErrText},
		"no scheme":                        {func(p *Plate) { p.Schemes = nil }, ErrText},
		"an unknown scheme":                {func(p *Plate) { p.Schemes = []qr.Scheme{"jd"} }, ErrText},
		"a scheme twice":                   {func(p *Plate) { p.Schemes = []qr.Scheme{qr.WeChat, qr.WeChat} }, ErrText},
		"nothing to scan":                  {func(p *Plate) { p.Code = "" }, qr.ErrTooLong},
		"more than a symbol holds":         {func(p *Plate) { p.Code = strings.Repeat("x", 2000) }, qr.ErrTooLong},
	} {
		p := ming()
		c.spoil(&p)
		if text, err := p.SVG(A6); !errors.Is(err, c.want) || text != "" {
			t.Errorf("%s: %v", name, err)
		}
		if file, err := p.PDF(A6); !errors.Is(err, c.want) || file != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
