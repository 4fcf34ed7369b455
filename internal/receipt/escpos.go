package receipt

import (
	"bytes"
	"strings"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// Paper is how many narrow characters fit on a line.
type Paper int

// The usual papers: 58 mm and 80 mm wide.
const (
	Narrow Paper = 32
	Wide   Paper = 48
)

// ESC/POS, as its inventor documents it and as printers for Chinese take it.
const (
	escInit   = "\x1b@"
	escLeft   = "\x1ba\x00"
	escMiddle = "\x1ba\x01"
	escPlain  = "\x1d!\x00"
	escLarge  = "\x1d!\x11" // twice as wide and high
	escHanzi  = "\x1c&"     // two-byte characters
	escCut    = "\x1dVB\x00"
	escFeed   = "\x1bd\x03"
)

// ESCPOS is a slip for a thermal printer: text in GB 18030, the link as a QR code, a cut.
func (r Receipt) ESCPOS(l Lang, c Copy, p Paper, again bool) []byte {
	var b bytes.Buffer
	b.WriteString(escInit + escHanzi)
	for _, one := range r.lines(l, c, again) {
		if one.middle {
			b.WriteString(escMiddle)
		}
		width := int(p)
		if one.large {
			b.WriteString(escLarge)
			width /= 2
		}
		for _, row := range one.rows(width) {
			b.Write(gb(row))
			b.WriteByte('\n')
		}
		if one.large {
			b.WriteString(escPlain)
		}
		if one.middle {
			b.WriteString(escLeft)
		}
	}
	if r.Link != "" {
		b.WriteString(escMiddle)
		b.Write(symbol(r.Link))
		b.Write(gb(words["verify"][l]))
		b.WriteString("\n" + escLeft)
	}
	b.WriteString(escFeed + escCut)
	return b.Bytes()
}

// Text is a slip as plain text, for a screen and for tests.
func (r Receipt) Text(l Lang, c Copy, p Paper, again bool) string {
	var b strings.Builder
	for _, one := range r.lines(l, c, again) {
		for _, row := range one.rows(int(p)) {
			if one.middle {
				row = strings.Repeat(" ", max(0, (int(p)-columns(row))/2)) + row
			}
			b.WriteString(row + "\n")
		}
	}
	return b.String()
}

// rows lay a line out in so many columns: name and value at the sides, or below each other where they do not fit.
func (one line) rows(width int) []string {
	switch {
	case one.rule:
		return []string{strings.Repeat("-", width)}
	case one.value == "":
		return wrap(one.name, width)
	}
	if gap := width - columns(one.name) - columns(one.value); gap >= 1 {
		return []string{one.name + strings.Repeat(" ", gap) + one.value}
	}
	rows := wrap(one.name, width)
	for _, part := range wrap(one.value, width) {
		rows = append(rows, strings.Repeat(" ", max(0, width-columns(part)))+part)
	}
	return rows
}

// wrap breaks text into rows of at most so many columns.
func wrap(text string, width int) (rows []string) {
	start, used := 0, 0
	for i, r := range text {
		if w := runeColumns(r); used+w > width {
			rows, start, used = append(rows, text[start:i]), i, w
		} else {
			used += w
		}
	}
	return append(rows, text[start:])
}

func columns(s string) (n int) {
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

// runeColumns is two for what a Chinese font draws in a square.
func runeColumns(r rune) int {
	if r >= 0x1100 {
		return 2
	}
	return 1
}

// gb writes text in GB 18030; what has no place there, and what a printer would take for a command, is a question mark.
func gb(s string) []byte {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F {
			return '?'
		}
		return r
	}, s)
	out, err := simplifiedchinese.GB18030.NewEncoder().String(clean)
	if err != nil {
		return []byte(strings.Repeat("?", len([]rune(clean))))
	}
	return []byte(out)
}

// symbol prints a QR code: model 2, modules of five dots, 15 % of it may be lost.
func symbol(text string) []byte {
	var b bytes.Buffer
	command := func(fn byte, data ...byte) {
		n := len(data) + 2
		b.Write([]byte{0x1d, '(', 'k', byte(n), byte(n >> 8), '1', fn}) //nolint:gosec // a link is short
		b.Write(data)
	}
	command('A', '2', 0)
	command('C', 5)
	command('E', '1')
	command('P', append([]byte{'0'}, text...)...)
	command('Q', '0')
	b.WriteByte('\n')
	return b.Bytes()
}
