package receipt

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"

	"hawker/internal/signature"
)

// drawn is a signature's picture as PNG, black on nothing, so that it stands on any ground;
// nil for a format that we keep and do not draw.
func drawn(s signature.Signature) []byte {
	if s.Format != signature.PBM {
		return nil
	}
	var width, height int
	if n, err := fmt.Sscanf(string(s.Picture[:min(len(s.Picture), 32)]), "P4 %d %d", &width, &height); err != nil || n != 2 {
		return nil
	}
	stride := (width + 7) / 8
	rows := s.Picture[max(0, len(s.Picture)-stride*height):]
	if width < 1 || height < 1 || len(rows) != stride*height {
		return nil
	}
	img := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.Transparent, color.Black})
	for y := range height {
		for x := range width {
			if rows[y*stride+x/8]&(0x80>>(x%8)) != 0 {
				img.SetColorIndex(x, y, 1)
			}
		}
	}
	var b bytes.Buffer
	if png.Encode(&b, img) != nil {
		return nil
	}
	return b.Bytes()
}
