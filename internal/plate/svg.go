package plate

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
)

func (g *page) svg() (string, error) {
	var b strings.Builder
	w, h := number(g.size.Width), number(g.size.Height)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%smm" height="%smm" viewBox="0 0 %s %s">`, w, h, w, h)
	b.WriteString("<title>")
	_ = xml.EscapeText(&b, []byte(g.title)) // a Builder takes everything
	b.WriteString("</title>\n")
	for i := 0; i < len(g.rects); {
		c := g.rects[i].colour
		fmt.Fprintf(&b, `<path fill="%s" d="`, c)
		for ; i < len(g.rects) && g.rects[i].colour == c; i++ {
			r := g.rects[i]
			fmt.Fprintf(&b, "M%s %sh%sv%sh-%sz", number(r.x), number(r.y), number(r.width), number(r.height), number(r.width))
		}
		b.WriteString("\"/>\n")
	}
	for _, l := range g.lines {
		fmt.Fprintf(&b, `<path fill="%s" d="`, l.colour)
		if err := g.face.Outline(l.text, &svgPen{&b, l}); err != nil {
			return "", err
		}
		b.WriteString("\"/>\n")
	}
	b.WriteString("</svg>\n")
	return b.String(), nil
}

// String is the colour as web pages write it.
func (c colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

// number writes thousandths of a millimetre, without zeros at the end.
func number(n float64) string {
	text := strings.TrimRight(strings.TrimRight(strconv.FormatFloat(n, 'f', 3, 64), "0"), ".")
	if text == "-0" {
		return "0"
	}
	return text
}

// svgPen writes outlines as path data on the line's place.
type svgPen struct {
	out *strings.Builder
	at  line
}

func (p *svgPen) write(op string, points ...float64) {
	before := op
	for i, n := range points {
		from := p.at.x
		if i%2 == 1 {
			from = p.at.baseline
		}
		p.out.WriteString(before + number(from+n*p.at.size))
		before = " "
	}
}

// MoveTo begins a contour.
func (p *svgPen) MoveTo(x, y float64) { p.write("M", x, y) }

// LineTo draws a line.
func (p *svgPen) LineTo(x, y float64) { p.write("L", x, y) }

// QuadTo draws a curve with one control point.
func (p *svgPen) QuadTo(cx, cy, x, y float64) { p.write("Q", cx, cy, x, y) }

// CubeTo draws a curve with two control points.
func (p *svgPen) CubeTo(ax, ay, bx, by, x, y float64) { p.write("C", ax, ay, bx, by, x, y) }

// Close ends a contour.
func (p *svgPen) Close() { p.out.WriteString("Z") }
