package qr

import (
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/width"

	"hawker/internal/fault"
)

// WriteTo prints the kind, the rows as an aligned table, parts indented under
// what they are parts of, and what is wrong as the last lines.
func (e Explanation) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s / %s\n", e.Kind, e.KindZH)
	if len(e.Rows) > 0 {
		e.table(&b)
	}
	if e.Err != nil {
		f := fault.Of(e.Err)
		fmt.Fprintf(&b, "%s\n%s\n", f.ZH, f.EN)
		if bad := Malformed(e.Err); bad != nil {
			fmt.Fprintln(&b, bad)
		}
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

func (e Explanation) table(b *strings.Builder) {
	lines := appendLines([][]string{{"offset", "field", "name", "名称", "format", "value", "meaning"}}, e.Rows, "")
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], columns(cell))
		}
	}
	for _, line := range lines {
		var row strings.Builder
		for i, cell := range line {
			row.WriteString(cell)
			row.WriteString(strings.Repeat(" ", widths[i]-columns(cell)+2))
		}
		b.WriteString(strings.TrimRight(row.String(), " "))
		b.WriteByte('\n')
	}
}

func appendLines(lines [][]string, rows []Row, indent string) [][]string {
	for _, r := range rows {
		offset := ""
		if r.Offset >= 0 {
			offset = fmt.Sprintf("%03d", r.Offset)
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
