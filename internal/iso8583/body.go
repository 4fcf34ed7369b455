package iso8583

import (
	"fmt"
	"strconv"
	"strings"
)

// reader takes a field's text apart from left to right. After its first
// complaint it gives only empty parts, so that a parser reads as its layout.
type reader struct {
	field int
	text  string
	at    int
	bad   *FormatError
}

// left is how many characters nobody has read.
func (r *reader) left() int { return len(r.text) - r.at }

// take gives the next n characters.
func (r *reader) take(n int) string {
	if r.bad == nil && r.left() < n {
		r.fail(0, plural(n, "character"), plural(r.left(), "character"))
	}
	if r.bad != nil {
		return ""
	}
	r.at += n
	return r.text[r.at-n : r.at]
}

// digits gives the next n characters, which must be digits.
func (r *reader) digits(n int) string {
	part := r.take(n)
	if i := badDigit([]byte(part)); i >= 0 {
		r.fail(i-n, plural(n, "digit"), fmt.Sprintf("a bad character at position %d", i+1))
		return ""
	}
	return part
}

// optional is digits, or "" at the end of the text.
func (r *reader) optional(n int) string {
	if r.left() == 0 {
		return ""
	}
	return r.digits(n)
}

// number is the next n digits as a number; n is at most 18.
func (r *reader) number(n int) int64 {
	v, _ := strconv.ParseInt("0"+r.digits(n), 10, 64)
	return v
}

// fail keeps the first complaint, at a distance from where reading stands.
func (r *reader) fail(distance int, expected, got string) {
	if r.bad == nil {
		r.bad = &FormatError{Field: r.field, Offset: r.at + distance, Expected: expected, Got: got}
	}
}

// end is the first complaint, text left over included.
func (r *reader) end() error {
	if r.bad == nil && r.left() > 0 {
		r.fail(0, "the end of the field", "more: "+plural(r.left(), "character"))
	}
	if r.bad != nil {
		return r.bad
	}
	return nil
}

// writer puts a field's text together and keeps the first complaint.
type writer struct {
	field int
	text  strings.Builder
	bad   *FormatError
}

// digits appends part, which must be n digits.
func (w *writer) digits(part string, n int) {
	if len(part) != n || badDigit([]byte(part)) >= 0 {
		w.fail(plural(n, "digit"), plural(len(part), "character"))
	}
	w.text.WriteString(part)
}

// number appends v in n digits, zero-filled on the left.
func (w *writer) number(v int64, n int) {
	part := fmt.Sprintf("%0*d", n, v)
	if v < 0 || len(part) > n {
		w.fail("a number of at most "+plural(n, "digit"), strconv.FormatInt(v, 10))
	}
	w.text.WriteString(part)
}

func (w *writer) fail(expected, got string) {
	if w.bad == nil {
		w.bad = &FormatError{Field: w.field, Offset: w.text.Len(), Expected: expected, Got: got}
	}
}

func (w *writer) done() (string, error) {
	if w.bad != nil {
		return "", w.bad
	}
	return w.text.String(), nil
}
