// Package picture makes photos of papers safe to keep and to show: what is uploaded is
// measured, decoded and drawn anew, upright, without anything that the camera noted; what
// is shown carries a watermark that says who looks at it and what for. It refuses to know
// whose papers they are.
package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math"
	"math/bits"

	"hawker/internal/fault"
	"hawker/internal/font"
)

// Refusals.
var (
	ErrFormat = fault.New(fault.Invalid, "picture_format", "请上传 JPEG 或 PNG 照片，不要上传 PDF 或其他文件。", "Please upload a JPEG or PNG photo, no PDF or other file.")
	ErrBig    = fault.New(fault.Invalid, "picture_big", "照片太大：最多 10 MB、4,000 万像素，请用手机直接拍一张。", "The photo is too big: at most 10 MB and 40 million pixels. Please take one with your phone.")
	ErrSmall  = fault.New(fault.Invalid, "picture_small", "照片太小，看不清字：长边至少 600 像素，请重新拍。", "The photo is too small to read: at least 600 pixels along its longer side. Please take it again.")
	ErrBlank  = fault.New(fault.Invalid, "picture_blank", "照片上什么也看不清，请在亮处重新拍。", "Nothing can be seen on the photo. Please take it again in good light.")
)

// The bounds of an upload, and the longer side of what is kept.
const (
	MaxBytes  = 10 << 20
	maxPixels = 40_000_000
	minSide   = 600
	keepSide  = 1600
)

// decoding bounds how many photos are decoded at once: each takes up to 160 MB.
var decoding = make(chan struct{}, 1)

// Picture is a photo as it is kept.
type Picture struct {
	JPEG          []byte
	Width, Height int
	// Look is a coarse description, 64 bits: that of the same photo saved again, smaller or
	// in another format, is the same or nearly so.
	Look uint64
}

// Top and Bottom are the halves of a look, by which it can be found again through a keyed
// hash: saving a photo again seldom changes both.
func (p Picture) Top() uint32 { return uint32(p.Look >> 32) }

// Bottom is the other half.
func (p Picture) Bottom() uint32 { return uint32(p.Look) } //nolint:gosec // the lower half is meant

// Clean makes what is kept of an upload: a JPEG of our own, upright, at most 1,600 pixels
// long. Nothing else survives: no place, no camera, no hidden file behind the picture.
func Clean(upload []byte) (Picture, error) {
	if len(upload) > MaxBytes {
		return Picture{}, ErrBig.With("%d bytes", len(upload))
	}
	decode, measure, turned := jpeg.Decode, jpeg.DecodeConfig, orientation(upload)
	switch {
	case bytes.HasPrefix(upload, []byte("\xff\xd8\xff")):
	case bytes.HasPrefix(upload, []byte("\x89PNG\r\n\x1a\n")):
		decode, measure, turned = png.Decode, png.DecodeConfig, upright
	default:
		return Picture{}, ErrFormat.With("it begins with %x", upload[:min(len(upload), 8)])
	}
	size, err := measure(bytes.NewReader(upload))
	if err != nil {
		return Picture{}, ErrFormat.Wrap(err)
	}
	if size.Width < 1 || size.Height < 1 || size.Width > maxPixels/size.Height {
		return Picture{}, ErrBig.With("%d × %d pixels", size.Width, size.Height)
	}
	if max(size.Width, size.Height) < minSide {
		return Picture{}, ErrSmall.With("%d × %d pixels", size.Width, size.Height)
	}
	decoding <- struct{}{}
	defer func() { <-decoding }()
	p, err := decode(bytes.NewReader(upload))
	if err != nil {
		return Picture{}, ErrFormat.Wrap(err)
	}
	drawn := redraw(p, turned)
	look, contrast := describe(drawn)
	if contrast < 6 {
		return Picture{}, ErrBlank.With("its brightness differs by %d", contrast)
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, drawn, &jpeg.Options{Quality: 82}); err != nil {
		return Picture{}, fmt.Errorf("write picture: %w", err)
	}
	return Picture{out.Bytes(), drawn.Rect.Dx(), drawn.Rect.Dy(), look}, nil
}

// redraw draws a picture upright on white, at most keepSide long; each pixel is the mean of
// what it covers, of at most 4 × 4 samples.
func redraw(p image.Image, t turn) *image.RGBA {
	b := p.Bounds()
	w, h := t.size(b.Dx(), b.Dy())
	scale := max(1, float64(max(w, h))/keepSide)
	ow, oh := max(1, int(math.Round(float64(w)/scale))), max(1, int(math.Round(float64(h)/scale)))
	samples := min(4, int(math.Ceil(scale)))
	out := image.NewRGBA(image.Rect(0, 0, ow, oh))
	for y := range oh {
		for x := range ow {
			var sum [3]uint32
			for i := range samples * samples {
				ux := min(w-1, (x*samples+i%samples)*w/(ow*samples))
				uy := min(h-1, (y*samples+i/samples)*h/(oh*samples))
				sx, sy := t.source(ux, uy, b.Dx(), b.Dy())
				r, g, bl, a := p.At(b.Min.X+sx, b.Min.Y+sy).RGBA()
				for k, c := range [3]uint32{r, g, bl} {
					sum[k] += (c + 0xffff - a) >> 8
				}
			}
			n := uint32(samples * samples) //nolint:gosec // at most 16
			out.SetRGBA(x, y, color.RGBA{eight(sum[0] / n), eight(sum[1] / n), eight(sum[2] / n), 255})
		}
	}
	return out
}

func eight(v uint32) uint8 { return uint8(min(v, 255)) } //nolint:gosec // bounded here

// describe gives 64 bits: whether each of 8 × 8 fields is brighter than its right neighbour
// by a margin; and how far the darkest and the brightest field lie apart.
func describe(p *image.RGBA) (look uint64, contrast int) {
	const columns, rows, margin = 9, 8, 3
	w, h := p.Rect.Dx(), p.Rect.Dy()
	var mean [rows][columns]int
	low, high := 255, 0
	for y := range rows {
		for x := range columns {
			sum, n := 0, 0
			for py := y * h / rows; py < (y+1)*h/rows; py += 1 + h/200 {
				for px := x * w / columns; px < (x+1)*w/columns; px += 1 + w/200 {
					c := p.RGBAAt(px, py)
					sum += (299*int(c.R) + 587*int(c.G) + 114*int(c.B)) / 1000
					n++
				}
			}
			mean[y][x] = sum / max(n, 1)
			low, high = min(low, mean[y][x]), max(high, mean[y][x])
		}
	}
	for y := range rows {
		for x := range columns - 1 {
			look <<= 1
			if mean[y][x] > mean[y][x+1]+margin {
				look |= 1
			}
		}
	}
	return look, high - low
}

// Alike reports whether two looks are of one photo, as far as can be told: they differ in at most 6 of 64 bits.
func Alike(a, b uint64) bool { return bits.OnesCount64(a^b) <= 6 }

// Watermark draws text all over a kept picture, slanted and half transparent, so that a
// copy says where it comes from. Lines are drawn one below the other.
func Watermark(kept []byte, lines ...string) ([]byte, error) {
	p, err := jpeg.Decode(bytes.NewReader(kept))
	if err != nil {
		return nil, fmt.Errorf("read kept picture: %w", err)
	}
	face, err := font.Load()
	if err != nil {
		return nil, err
	}
	out := image.NewRGBA(image.Rect(0, 0, p.Bounds().Dx(), p.Bounds().Dy()))
	draw.Draw(out, out.Rect, p, p.Bounds().Min, draw.Src)
	size := float64(max(out.Rect.Dx(), out.Rect.Dy())) / 40
	var stamps []*image.Alpha
	widest := 0
	for _, l := range lines {
		m, err := face.Mask(l, size)
		if err != nil {
			return nil, fmt.Errorf("watermark: %w", err)
		}
		stamps = append(stamps, m)
		widest = max(widest, m.Rect.Dx())
	}
	stamp(out, stamps, widest, size)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, out, &jpeg.Options{Quality: 80}); err != nil {
		return nil, fmt.Errorf("write watermarked picture: %w", err)
	}
	return b.Bytes(), nil
}

// slant is the tangent of the watermark's angle.
const slant = 0.35

// stamp repeats the lines over the picture: white with a dark edge, so that it shows on any ground.
func stamp(out *image.RGBA, lines []*image.Alpha, widest int, size float64) {
	stepX, stepY := widest+int(3*size), int(float64(len(lines))*1.4*size+4*size)
	if stepX <= 0 || stepY <= 0 {
		return
	}
	w, h := out.Rect.Dx(), out.Rect.Dy()
	for y := range h {
		for x := range w {
			// Back from the slant to the grid on which the text stands straight.
			gx, gy := x+int(slant*float64(y)), y-int(slant*float64(x))
			cx, cy := mod(gx, stepX), mod(gy, stepY)
			i := int(float64(cy) / (1.4 * size))
			if i >= len(lines) {
				continue
			}
			ly := cy - int(float64(i)*1.4*size)
			if a := lines[i].AlphaAt(cx, ly).A; a > 0 {
				blend(out, x, y, 255, a)
			} else if lines[i].AlphaAt(cx-1, ly-1).A > 128 {
				blend(out, x, y, 0, 200)
			}
		}
	}
}

func mod(a, b int) int { return ((a % b) + b) % b }

// blend lays a grey over a pixel, at most 45 % of it.
func blend(out *image.RGBA, x, y, grey int, alpha uint8) {
	c := out.RGBAAt(x, y)
	part := int(alpha) * 45 / 100
	mix := func(v uint8) uint8 { return eight(uint32((int(v)*(255-part) + grey*part) / 255)) } //nolint:gosec // both are 0 to 255
	out.SetRGBA(x, y, color.RGBA{mix(c.R), mix(c.G), mix(c.B), 255})
}
