// Package font holds the one typeface in which printed things are set, Chinese
// and Latin: WenQuanYi Micro Hei, Apache-2.0 (LICENSE.md). It measures text and
// gives its outlines, and refuses to know what is printed.
package font

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

//go:embed wqy-microhei.ttf.gz
var packed []byte

// Face is the typeface. Any number of goroutines may use it.
type Face struct {
	ttf  []byte
	font *sfnt.Font
	em   fixed.Int26_6 // units of an em, as the size that loses nothing
}

// Load unpacks the typeface, 4.6 MB, at its first use; the same Face every time.
var Load = sync.OnceValues(func() (*Face, error) { return parse(packed) })

func parse(packed []byte) (*Face, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack the typeface: %w", err)
	}
	ttf, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("unpack the typeface: %w", err)
	}
	f, err := sfnt.Parse(ttf)
	if err != nil {
		return nil, fmt.Errorf("read the typeface: %w", err)
	}
	return &Face{ttf, f, fixed.I(int(f.UnitsPerEm()))}, nil
}

// TTF is the typeface as a file, to embed in a document; not to be changed.
func (f *Face) TTF() []byte { return f.ttf }

// Has reports whether the typeface has the character.
func (f *Face) Has(r rune) bool {
	i, err := f.font.GlyphIndex(nil, r)
	return err == nil && i != 0
}

// Width is the length of text on its baseline, in ems. A character that the
// typeface lacks has the width of the box that stands for it.
func (f *Face) Width(text string) float64 {
	var b sfnt.Buffer
	var sum fixed.Int26_6
	for _, r := range text {
		i, _ := f.font.GlyphIndex(&b, r) // 0, the box, on an error
		advance, err := f.font.GlyphAdvance(&b, i, f.em, font.HintingNone)
		if err != nil {
			advance = f.em
		}
		sum += advance
	}
	return f.ems(sum)
}

// Pen is what outlines are drawn with, in ems from the beginning of the
// baseline; y grows downwards, as on a page.
type Pen interface {
	MoveTo(x, y float64)
	LineTo(x, y float64)
	QuadTo(cx, cy, x, y float64)
	CubeTo(ax, ay, bx, by, x, y float64)
	Close()
}

// Outline draws text with the pen, to be filled.
func (f *Face) Outline(text string, pen Pen) error {
	var b sfnt.Buffer
	var at fixed.Int26_6
	for _, r := range text {
		i, err := f.font.GlyphIndex(&b, r)
		if err != nil {
			return fmt.Errorf("outline of %q: %w", r, err)
		}
		segments, err := f.font.LoadGlyph(&b, i, f.em, nil)
		if err != nil {
			return fmt.Errorf("outline of %q: %w", r, err)
		}
		f.draw(segments, at, pen)
		advance, err := f.font.GlyphAdvance(&b, i, f.em, font.HintingNone)
		if err != nil {
			return fmt.Errorf("outline of %q: %w", r, err)
		}
		at += advance
	}
	return nil
}

func (f *Face) draw(segments sfnt.Segments, at fixed.Int26_6, pen Pen) {
	open := false
	for _, s := range segments {
		var p [6]float64
		for i, point := range s.Args {
			p[2*i], p[2*i+1] = f.ems(at+point.X), f.ems(point.Y)
		}
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			if open {
				pen.Close()
			}
			open = true
			pen.MoveTo(p[0], p[1])
		case sfnt.SegmentOpLineTo:
			pen.LineTo(p[0], p[1])
		case sfnt.SegmentOpQuadTo:
			pen.QuadTo(p[0], p[1], p[2], p[3])
		case sfnt.SegmentOpCubeTo:
			pen.CubeTo(p[0], p[1], p[2], p[3], p[4], p[5])
		}
	}
	if open {
		pen.Close()
	}
}

func (f *Face) ems(n fixed.Int26_6) float64 { return float64(n) / float64(f.em) }
