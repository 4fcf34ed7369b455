package pos

import (
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
)

// Picture is what was drawn on the screen: a portable bitmap, "P4", width, height, one bit
// a pixel. A signature is personal data: it prints as its size.
type Picture []byte

// String is the size.
func (p Picture) String() string { return fmt.Sprintf("[picture, %d bytes]", len(p)) }

// Format is String for every verb.
func (p Picture) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(p.String())) }

// maxSide bounds a screen in pixels.
const maxSide = 1024

// size reads the header; the picture must have just the bytes that it says.
func (p Picture) size() (width, height int, err error) {
	var n int
	if _, err := fmt.Sscanf(string(p[:min(len(p), 16)]), "P4\n%d %d\n", &width, &height); err != nil {
		return 0, 0, errors.New("no portable bitmap")
	}
	n = len(header(width, height))
	if width < 1 || height < 1 || width > maxSide || height > maxSide || len(p) != n+(width+7)/8*height || string(p[:n]) != header(width, height) {
		return 0, 0, fmt.Errorf("a bitmap of %d × %d pixels does not have %d bytes", width, height, len(p))
	}
	return width, height, nil
}

func header(width, height int) string { return fmt.Sprintf("P4\n%d %d\n", width, height) }

// Draw writes a name as a squiggle of its own, always the same: the software terminal's
// screen. Width and height are cut to 16 to 1024 pixels.
func Draw(name string, width, height int) Picture {
	width, height = min(max(width, 16), maxSide), min(max(height, 16), maxSide)
	p := Picture(header(width, height))
	head, row := len(p), (width+7)/8
	p = append(p, make([]byte, row*height)...)
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	seed := h.Sum64()
	next := func(n int) int { // Knuth's linear congruence: a drawing is no secret
		seed = seed*6364136223846793005 + 1442695040888963407
		return int(seed>>33) % n
	}
	y := height / 2
	for x := 2; x < width-2; x++ {
		to := min(max(y+next(height/4+1)-height/8, 2), height-3)
		for at := min(y, to); at <= max(y, to); at++ {
			p[head+at*row+x/8] |= 0x80 >> (x % 8)
		}
		y = to
	}
	return p
}

// art draws the picture in so many columns, two rows of pixels to a character's height.
func (p Picture) art(columns int) (lines []string) {
	width, height, err := p.size()
	if err != nil {
		return nil
	}
	head, row := len(header(width, height)), (width+7)/8
	cell := max(1, (width+columns-1)/columns)
	for top := 0; top < height; top += 2 * cell {
		var line strings.Builder
		for left := 0; left < width; left += cell {
			dark := 0
			for y := top; y < min(top+2*cell, height); y++ {
				for x := left; x < min(left+cell, width); x++ {
					if p[head+y*row+x/8]&(0x80>>(x%8)) != 0 {
						dark++
					}
				}
			}
			line.WriteByte(" .:#"[min(3, (dark+cell-1)/cell)])
		}
		lines = append(lines, strings.TrimRight(line.String(), " "))
	}
	return lines
}
