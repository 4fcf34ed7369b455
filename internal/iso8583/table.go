package iso8583

import (
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/width"
)

// WriteTo prints the rows as an aligned table, parts indented under their
// field, and what is wrong as the last line.
func (e Explanation) WriteTo(w io.Writer) (int64, error) {
	lines := [][]string{{"offset", "field", "name", "名称", "format", "value", "meaning"}}
	lines = appendLines(lines, e.Rows, "")

	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], columns(cell))
		}
	}
	var b strings.Builder
	for _, line := range lines {
		var row strings.Builder
		for i, cell := range line {
			row.WriteString(cell)
			row.WriteString(strings.Repeat(" ", widths[i]-columns(cell)+2))
		}
		b.WriteString(strings.TrimRight(row.String(), " "))
		b.WriteByte('\n')
	}
	if e.Err != nil {
		fmt.Fprintln(&b, e.Err)
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

func appendLines(lines [][]string, rows []Row, indent string) [][]string {
	for _, r := range rows {
		offset := ""
		if r.Offset >= 0 {
			offset = fmt.Sprintf("%04d", r.Offset)
		}
		lines = append(lines, []string{offset, indent + r.Field, r.Name, r.NameZH, r.Format, r.Value, r.Note})
		lines = appendLines(lines, r.Rows, indent+"  ")
	}
	return lines
}

// columns is the width of text on a terminal, where a Chinese character takes two.
func columns(text string) int {
	n := 0
	for _, r := range text {
		switch width.LookupRune(r).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}
