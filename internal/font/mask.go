package font

import (
	"image"
	"math"

	"golang.org/x/image/vector"
)

// Mask draws text as a mask, size pixels to the em and 1.3 of them high.
func (f *Face) Mask(text string, size float64) (*image.Alpha, error) {
	w, h := int(math.Ceil(f.Width(text)*size))+2, int(math.Ceil(1.3*size))
	r := vector.NewRasterizer(w, h)
	if err := f.Outline(text, &brush{r, size}); err != nil {
		return nil, err
	}
	m := image.NewAlpha(image.Rect(0, 0, w, h))
	r.Draw(m, m.Rect, image.Opaque, image.Point{})
	return m, nil
}

// brush draws outlines into a rasterizer, the baseline one em below its top.
type brush struct {
	r    *vector.Rasterizer
	size float64
}

func (b *brush) at(x, y float64) (float32, float32) {
	return float32(x * b.size), float32((y + 1) * b.size)
}

// MoveTo implements Pen, like the others.
func (b *brush) MoveTo(x, y float64) { b.r.MoveTo(b.at(x, y)) }

// LineTo implements Pen.
func (b *brush) LineTo(x, y float64) { b.r.LineTo(b.at(x, y)) }

// QuadTo implements Pen.
func (b *brush) QuadTo(cx, cy, x, y float64) {
	ax, ay := b.at(cx, cy)
	bx, by := b.at(x, y)
	b.r.QuadTo(ax, ay, bx, by)
}

// CubeTo implements Pen.
func (b *brush) CubeTo(ax, ay, bx, by, x, y float64) {
	px, py := b.at(ax, ay)
	qx, qy := b.at(bx, by)
	rx, ry := b.at(x, y)
	b.r.CubeTo(px, py, qx, qy, rx, ry)
}

// Close implements Pen.
func (b *brush) Close() { b.r.ClosePath() }
