package qr

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"pgregory.net/rapid"
)

// picture draws the symbol with its margin, so many points a module.
func picture(s Symbol, points int) image.Image {
	side := (s.Size() + 2*Quiet) * points
	img := image.NewGray(image.Rect(0, 0, side, side))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	for _, r := range s.Runs() {
		for x := r.X; x < r.X+r.Length; x++ {
			for i := range points * points {
				img.SetGray((x+Quiet)*points+i%points, (r.Y+Quiet)*points+i/points, color.Gray{})
			}
		}
	}
	return img
}

// scan reads a picture with a reader that shares no code with the writer.
func scan(img image.Image) (string, error) {
	bits, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		return "", err
	}
	found, err := qrcode.NewQRCodeReader().Decode(bits, map[gozxing.DecodeHintType]any{
		gozxing.DecodeHintType_CHARACTER_SET: "UTF-8",
		gozxing.DecodeHintType_PURE_BARCODE:  true,
	})
	if err != nil {
		return "", err
	}
	return found.GetText(), nil
}

func TestAnotherReaderReadsTheSymbol(t *testing.T) {
	t.Parallel()
	for _, text := range []string{specMPM, sealed(plain), "https://pay.example/p/" + strings.Repeat("Ab9_-", 30), "138273645546372819", "x"} {
		for _, level := range []Level{Screen, Plate} {
			s, err := Draw(text, level)
			if err != nil {
				t.Fatal(err)
			}
			got, err := scan(picture(s, 4))
			if err != nil || got != text {
				t.Errorf("%.20q is read as %.20q: %v", text, got, err)
			}
		}
	}
}

func TestAPlateReadsWhenAPartIsDirty(t *testing.T) {
	t.Parallel()
	s, err := Draw(sealed(plain), Plate)
	if err != nil {
		t.Fatal(err)
	}
	img := picture(s, 4).(*image.Gray)
	middle := (s.Size()/2 + Quiet) * 4
	for y := range 7 * 4 { // a spot of seven modules in the middle
		for x := range 7 * 4 {
			img.SetGray(middle-14+x, middle-14+y, color.Gray{Y: 255})
		}
	}
	if got, err := scan(img); err != nil || got != sealed(plain) {
		t.Error(got, err)
	}
}

func TestWhatDoesNotFitIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", strings.Repeat("x", 3000)} {
		if _, err := Draw(text, Screen); !errors.Is(err, ErrTooLong) || strings.Contains(err.Error(), "xxx") {
			t.Error(err)
		}
	}
	var none Symbol
	if none.Size() != 0 || none.Dark(0, 0) || len(none.Runs()) != 0 {
		t.Error("the zero symbol has modules")
	}
}

// TestAllDrawingsShowTheSameModules reads the half blocks back.
func TestAllDrawingsShowTheSameModules(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, err := Draw(rapid.StringN(1, 60, -1).Draw(t, "text"), Screen)
		if err != nil {
			t.Fatal(err)
		}
		for _, colour := range []bool{false, true} {
			text := strings.NewReplacer("\x1b[30;107m", "", "\x1b[0m", "").Replace(s.Terminal(colour))
			for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
				for j, c := range []rune(line) {
					for half, drawn := range [2]bool{c == '█' || c == '▀', c == '█' || c == '▄'} {
						if x, y := j-Quiet, 2*i+half-Quiet; s.Dark(x, y) != (drawn == colour) {
							t.Fatalf("module %d, %d differs", x, y)
						}
					}
				}
			}
		}
		covered := 0
		for _, r := range s.Runs() {
			for x := r.X; x < r.X+r.Length; x++ {
				if !s.Dark(x, r.Y) {
					t.Fatal("a run covers a light module")
				}
				covered++
			}
			if s.Dark(r.X-1, r.Y) || s.Dark(r.X+r.Length, r.Y) {
				t.Fatal("a run ends early")
			}
		}
		dark := 0
		for _, d := range s.dark {
			if d {
				dark++
			}
		}
		if covered != dark {
			t.Fatal("dark modules are left out")
		}
	})
}

func TestThePictureOfASymbolIsWellFormed(t *testing.T) {
	t.Parallel()
	s, err := Draw("x", Screen)
	if err != nil {
		t.Fatal(err)
	}
	svg := s.SVG()
	if !strings.HasPrefix(svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 29 29"`) || !strings.HasSuffix(svg, "</svg>") ||
		strings.Count(svg, "h-") != len(s.Runs()) || bytes.Contains([]byte(svg), []byte("script")) {
		t.Error(svg)
	}
}
