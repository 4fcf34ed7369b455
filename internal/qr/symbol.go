package qr

import (
	"image/color"
	"strconv"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// Level is how much of a symbol may be lost and it still reads (ISO/IEC 18004).
type Level byte

// The levels: for a screen, and for a plate that gets scratched and dirty.
const (
	Screen Level = Level(qr.M) // 15 %
	Plate  Level = Level(qr.Q) // 25 %
)

// Quiet is the margin of light modules that a symbol needs on each side.
const Quiet = 4

// Symbol is a QR code as a square of modules, without its quiet margin. The
// zero Symbol has none.
type Symbol struct {
	size int
	dark []bool
}

// Draw makes the smallest symbol that holds text; ErrTooLong when none does.
func Draw(text string, level Level) (Symbol, error) {
	if text == "" {
		return Symbol{}, ErrTooLong.With("there is nothing to draw")
	}
	code, err := qr.Encode(text, qr.ErrorCorrectionLevel(level), qr.Unicode)
	if err != nil {
		return Symbol{}, ErrTooLong.With("%d bytes", len(text)) // the library's error repeats the text
	}
	n := code.Bounds().Dx()
	s := Symbol{n, make([]bool, n*n)}
	for i := range s.dark {
		s.dark[i] = code.At(i%n, i/n) == color.Black
	}
	return s, nil
}

// Size is the number of modules on a side, 21 to 177.
func (s Symbol) Size() int { return s.size }

// Dark reports whether the module is dark; outside of the symbol everything is light.
func (s Symbol) Dark(x, y int) bool {
	return x >= 0 && y >= 0 && x < s.size && y < s.size && s.dark[y*s.size+x]
}

// Run is a row of dark modules side by side.
type Run struct{ X, Y, Length int }

// Runs are all dark modules in as few rectangles of one module's height as there can be.
func (s Symbol) Runs() []Run {
	var runs []Run
	for y := range s.size {
		for x := 0; x < s.size; x++ {
			n := 0
			for s.Dark(x+n, y) {
				n++
			}
			if n > 0 {
				runs = append(runs, Run{x, y, n})
				x += n
			}
		}
	}
	return runs
}

// SVG is the symbol with its quiet margin as a picture of its own, in modules.
func (s Symbol) SVG() string {
	var b strings.Builder
	side := strconv.Itoa(s.size + 2*Quiet)
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ` + side + ` ` + side + `" shape-rendering="crispEdges">`)
	b.WriteString(`<rect width="` + side + `" height="` + side + `" fill="#fff"/><path d="`)
	for _, r := range s.Runs() {
		n := strconv.Itoa(r.Length)
		b.WriteString("M" + strconv.Itoa(r.X+Quiet) + " " + strconv.Itoa(r.Y+Quiet) + "h" + n + "v1h-" + n + "z")
	}
	b.WriteString(`"/></svg>`)
	return b.String()
}

// Terminal is the symbol with its quiet margin in half blocks, two modules a
// character. With colour it is black on white on every terminal; without, the
// light modules are drawn, as a terminal with light letters on a dark ground needs.
func (s Symbol) Terminal(colour bool) string {
	var b strings.Builder
	for y := -Quiet; y < s.size+Quiet; y += 2 {
		if colour {
			b.WriteString("\x1b[30;107m")
		}
		for x := -Quiet; x < s.size+Quiet; x++ {
			upper, lower := s.Dark(x, y) == colour, s.Dark(x, y+1) == colour
			switch {
			case upper && lower:
				b.WriteString("█")
			case upper:
				b.WriteString("▀")
			case lower:
				b.WriteString("▄")
			default:
				b.WriteString(" ")
			}
		}
		if colour {
			b.WriteString("\x1b[0m")
		}
		b.WriteString("\n")
	}
	return b.String()
}
