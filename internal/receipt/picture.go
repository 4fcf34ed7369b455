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
	var magic string
	var width, height int
	body := bytes.NewReader(s.Picture)
	if _, err := fmt.Fscan(body, &magic, &width, &height); err != nil || body.Len() == 0 {
		return nil
	}
	stride := (width + 7) / 8
	rows := s.Picture[len(s.Picture)-body.Len()+1:] // one blank ends the header
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
