// Package paper sets documents of text in Chinese and Latin, such as contracts and
// certificates, as PDF on A4. The same content is the same file, so that its hash says
// what was on it. It refuses to know what a document says.
package paper

import (
	"bytes"
	"fmt"
	"image"
	_ "image/png" // what signatures are
	"strings"

	"github.com/signintech/gopdf"

	"hawker/internal/font"
)

// On A4, in millimetres.
const (
	width, height = 210.0, 297.0
	left, right   = 22.0, 22.0
	top, bottom   = 24.0, 24.0
	column        = width - left - right
	points        = 72 / 25.4
)

// Sizes of text, in millimetres of an em.
const (
	titleSize, headSize, textSize, smallSize = 6.4, 4.3, 3.5, 2.9
)

type colour [3]uint8

var (
	ink   = colour{0x11, 0x18, 0x27}
	grey  = colour{0x4B, 0x55, 0x63}
	mark  = colour{0xFF, 0xF4, 0xD6} // behind what must not be overlooked
	edge  = colour{0xB4, 0x53, 0x09}
	faint = colour{0xD1, 0xD5, 0xDB}
)

// Doc is a document that grows from the top of its first page downwards.
type Doc struct {
	face   *font.Face
	title  string
	footer string
	pages  []*page
	y      float64
}

type page struct{ items []item }

// item is something at a place: text, a filled rectangle, or a picture.
type item struct {
	x, y, w, h float64
	text       string
	size       float64
	colour     colour
	picture    []byte
}

// New begins a document. The footer stands on each page, before its number.
func New(title, footer string) (*Doc, error) {
	face, err := font.Load()
	if err != nil {
		return nil, err
	}
	d := &Doc{face: face, title: title, footer: footer}
	d.turn()
	return d, nil
}

// turn begins a page.
func (d *Doc) turn() {
	d.pages = append(d.pages, &page{})
	d.y = top
}

func (d *Doc) add(i item) {
	p := d.pages[len(d.pages)-1]
	p.items = append(p.items, i)
}

// room begins a page when so much is not left on this one.
func (d *Doc) room(mm float64) {
	if d.y+mm > height-bottom && d.y > top {
		d.turn()
	}
}

// Gap leaves space, unless a page begins.
func (d *Doc) Gap(mm float64) {
	if d.y > top {
		d.y += mm
	}
}

// Title is the document's name, in the middle.
func (d *Doc) Title(text string) {
	for _, line := range d.wrap(text, titleSize, column) {
		d.room(titleSize * 1.5)
		d.add(item{x: left + (column-d.face.Width(line)*titleSize)/2, y: d.y + titleSize, text: line, size: titleSize, colour: ink})
		d.y += titleSize * 1.45
	}
}

// Heading begins a section; it does not stand alone at the foot of a page.
func (d *Doc) Heading(text string) {
	d.room(headSize*1.5 + 3*textSize*1.6)
	d.set(text, headSize, left, column, ink)
	d.Gap(0.6)
}

// Text is a paragraph.
func (d *Doc) Text(text string) { d.set(text, textSize, left, column, ink) }

// Small is a paragraph of less importance.
func (d *Doc) Small(text string) { d.set(text, smallSize, left, column, grey) }

// set writes a paragraph; line breaks in it are kept.
func (d *Doc) set(text string, size, x, w float64, c colour) {
	for _, line := range d.wrap(text, size, w) {
		d.room(size * 1.6)
		d.add(item{x: x, y: d.y + size*1.15, text: line, size: size, colour: c})
		d.y += size * 1.6
	}
}

// Marked is a paragraph that must not be overlooked: on a ground of its own, with an edge.
func (d *Doc) Marked(text string) {
	const pad = 2.2
	for lines := d.wrap(text, textSize, column-3*pad); len(lines) > 0; {
		d.room(2*pad + textSize*1.6)
		fit := min(len(lines), max(1, int((height-bottom-d.y-2*pad)/(textSize*1.6))))
		h := 2*pad + float64(fit)*textSize*1.6
		d.add(item{x: left, y: d.y, w: column, h: h, colour: mark})
		d.add(item{x: left, y: d.y, w: 0.9, h: h, colour: edge})
		at := d.y + pad
		for _, line := range lines[:fit] {
			d.add(item{x: left + 2*pad, y: at + textSize*1.15, text: line, size: textSize, colour: ink})
			at += textSize * 1.6
		}
		d.y += h + 1
		lines = lines[fit:]
	}
}

// Table sets rows in columns whose widths are shares of the page. The first row is the head.
func (d *Doc) Table(shares []float64, rows ...[]string) {
	sum := 0.0
	for _, s := range shares {
		sum += s
	}
	for n, row := range rows {
		size, c := textSize, ink
		if n == 0 {
			size, c = smallSize, grey
		}
		cells, most := make([][]string, len(shares)), 1
		for i := range shares {
			if i < len(row) {
				cells[i] = d.wrap(row[i], size, column*shares[i]/sum-3)
				most = max(most, len(cells[i]))
			}
		}
		h := float64(most)*size*1.5 + 2.4
		d.room(h)
		x := left
		for i, lines := range cells {
			for j, line := range lines {
				d.add(item{x: x, y: d.y + 1.2 + size*1.1 + float64(j)*size*1.5, text: line, size: size, colour: c})
			}
			x += column * shares[i] / sum
		}
		d.y += h
		d.add(item{x: left, y: d.y, w: column, h: 0.2, colour: faint})
	}
	d.Gap(2)
}

// Picture sets a PNG, no wider and no higher than told, with its caption.
func (d *Doc) Picture(png []byte, w, h float64, caption string) error {
	config, _, err := image.DecodeConfig(bytes.NewReader(png))
	if err != nil || config.Width == 0 || config.Height == 0 {
		return fmt.Errorf("a picture of %d bytes cannot be read: %w", len(png), err)
	}
	k := min(w/float64(config.Width), h/float64(config.Height))
	pw, ph := float64(config.Width)*k, float64(config.Height)*k
	d.room(ph + 6)
	d.add(item{x: left, y: d.y, w: pw, h: ph, picture: png})
	d.y += ph + 1
	d.Small(caption)
	return nil
}

// wrap breaks text into lines: at blanks, and between characters of which one is Chinese. A
// mark that closes stays on the line that it closes.
func (d *Doc) wrap(text string, size, w float64) (lines []string) {
	for paragraph := range strings.SplitSeq(text, "\n") {
		chars := []rune(paragraph)
		start, sum, cut := 0, 0.0, -1
		for i := 0; i < len(chars); i++ {
			if i > start && breaks(chars[i-1], chars[i]) {
				cut = i
			}
			sum += d.face.Width(string(chars[i])) * size
			if sum <= w || i == start {
				continue
			}
			if cut <= start { // one long word
				cut = i
			}
			lines = append(lines, strings.TrimSpace(string(chars[start:cut])))
			start, i, sum = cut, cut-1, 0
			for start < len(chars) && chars[start] == ' ' {
				start++
				i++
			}
			cut = -1
		}
		lines = append(lines, strings.TrimRight(string(chars[start:]), " "))
	}
	return lines
}

// breaks reports whether a line may end between two characters.
func breaks(a, b rune) bool {
	if strings.ContainsRune("，。；：、！？）》」』”％%,.;:!?)", b) || strings.ContainsRune("（《「『“(", a) {
		return false
	}
	return a == ' ' || a >= 0x2E80 || b >= 0x2E80 // from there on Chinese characters
}

// PDF is the document as a file, with the characters it uses embedded, so that its text can be
// searched and copied.
func (d *Doc) PDF() ([]byte, error) {
	const family = "paper"
	var pdf gopdf.GoPdf
	pdf.Start(gopdf.Config{PageSize: gopdf.Rect{W: width * points, H: height * points}})
	pdf.SetInfo(gopdf.PdfInfo{Title: d.title}) // no date: the same document is the same file
	for n, p := range d.pages {
		pdf.AddPage()
		if n == 0 {
			if err := pdf.AddTTFFontData(family, d.face.TTF()); err != nil {
				return nil, err
			}
		}
		foot := item{x: left, y: height - 12, text: d.footer, size: smallSize, colour: grey}
		number := fmt.Sprintf("%d / %d", n+1, len(d.pages))
		for _, i := range append(p.items, foot, item{x: width - right - d.face.Width(number)*smallSize, y: height - 12, text: number, size: smallSize, colour: grey}) {
			if err := draw(&pdf, family, i); err != nil {
				return nil, fmt.Errorf("write a document: %w", err)
			}
		}
	}
	return pdf.GetBytesPdfReturnErr()
}

func draw(pdf *gopdf.GoPdf, family string, i item) error {
	switch {
	case i.picture != nil:
		holder, err := gopdf.ImageHolderByBytes(i.picture)
		if err != nil {
			return err
		}
		return pdf.ImageByHolder(holder, i.x*points, i.y*points, &gopdf.Rect{W: i.w * points, H: i.h * points})
	case i.text == "" && i.h > 0:
		pdf.SetFillColor(i.colour[0], i.colour[1], i.colour[2])
		pdf.RectFromUpperLeftWithStyle(i.x*points, i.y*points, i.w*points, i.h*points, "F")
		return nil
	case strings.TrimSpace(i.text) == "":
		return nil
	}
	pdf.SetTextColor(i.colour[0], i.colour[1], i.colour[2])
	if err := pdf.SetFont(family, "", i.size*points); err != nil {
		return err
	}
	pdf.SetXY(i.x*points, i.y*points)
	return pdf.Text(i.text)
}
