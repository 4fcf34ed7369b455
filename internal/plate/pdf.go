package plate

import "github.com/signintech/gopdf"

// points are a millimetre's part of an inch in PDF's unit.
const points = 72 / 25.4

// family is what the document calls its one typeface.
const family = "plate"

func (g *page) pdf() ([]byte, error) {
	var doc gopdf.GoPdf
	paper := gopdf.Rect{W: g.size.Width * points, H: g.size.Height * points}
	doc.Start(gopdf.Config{PageSize: paper})
	doc.SetInfo(gopdf.PdfInfo{Title: g.title}) // no date: the same plate is the same file
	doc.AddPage()
	if err := doc.AddTTFFontData(family, g.face.TTF()); err != nil {
		return nil, err
	}
	for _, r := range g.rects {
		doc.SetFillColor(r.colour[0], r.colour[1], r.colour[2])
		doc.RectFromUpperLeftWithStyle(r.x*points, r.y*points, r.width*points, r.height*points, "F")
	}
	for _, l := range g.lines {
		doc.SetTextColor(l.colour[0], l.colour[1], l.colour[2])
		if err := doc.SetFont(family, "", l.size*points); err != nil {
			return nil, err
		}
		doc.SetXY(l.x*points, l.baseline*points)
		if err := doc.Text(l.text); err != nil {
			return nil, err
		}
	}
	return doc.GetBytesPdfReturnErr()
}
