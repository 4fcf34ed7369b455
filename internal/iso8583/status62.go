package iso8583

import (
	"fmt"
	"strings"
)

// Status62 is field 62 of a status upload: what a terminal says of itself, each
// part a tag of two digits and a value of fixed length, as in its parameters.
type Status62 struct {
	Tampered bool   // tag 01, n1: 1 when the terminal was opened or attacked
	Detail   string // tag 02, ans 20, space-padded: what tripped; "" absent
	Version  string // tag 03, ans 20, space-padded: of its software; "" absent
}

const statusText = 20

// ParseStatus62 takes a status upload's field 62 apart. Tags come in ascending
// order; 01 must be there.
func ParseStatus62(text string) (Status62, error) {
	r := reader{field: 62, text: text}
	var s Status62
	if tag := r.digits(2); tag != "01" {
		r.fail(-2, "tag 01", fmt.Sprintf("%q", tag))
	}
	switch r.digits(1) {
	case "0":
	case "1":
		s.Tampered = true
	default:
		r.fail(-1, "0 or 1", "another digit")
	}
	for last := "01"; r.bad == nil && r.left() > 0; {
		tag := r.digits(2)
		part, ok := map[string]*string{"02": &s.Detail, "03": &s.Version}[tag]
		if !ok || tag <= last {
			r.fail(-2, "tag 02 or 03, in this order", fmt.Sprintf("%q", tag))
			break
		}
		*part, last = r.words(statusText), tag
	}
	if err := r.end(); err != nil {
		return Status62{}, err
	}
	return s, nil
}

// words gives the next n characters without their padding: printable ASCII, not blank.
func (r *reader) words(n int) string {
	part := r.take(n)
	if i := strings.IndexFunc(part, func(c rune) bool { return c < ' ' || c > '~' }); i >= 0 {
		r.fail(i-n, "printable ASCII", "another byte")
		return ""
	}
	part = strings.TrimRight(part, " ")
	if part == "" && r.bad == nil {
		r.fail(-n, "a text", "blanks")
	}
	return part
}

// Build is the field's text. A text that is longer than 20, not printable ASCII, or
// ends with a blank is a *FormatError.
func (s Status62) Build() (string, error) {
	w := writer{field: 62}
	tampered := int64(0)
	if s.Tampered {
		tampered = 1
	}
	w.digits("01", 2)
	w.number(tampered, 1)
	w.words("02", s.Detail)
	w.words("03", s.Version)
	return w.done()
}

func (w *writer) words(tag, text string) {
	if text == "" {
		return
	}
	if len(text) > statusText || strings.HasSuffix(text, " ") || strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' }) {
		w.fail("printable ASCII of at most "+plural(statusText, "character"), plural(len(text), "character"))
	}
	_, _ = fmt.Fprintf(&w.text, "%s%-*s", tag, statusText, text)
}
