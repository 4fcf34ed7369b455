package iso8583

import (
	"fmt"
	"strconv"
	"strings"
)

// Status62 is field 62 of a status upload: what a terminal says of itself, each
// part a tag of two digits and a value of fixed length, as in its parameters.
type Status62 struct {
	Tampered bool   // tag 01, n1: 1 when the terminal was opened or attacked
	Detail   string // tag 02, ans 20, space-padded: what tripped; "" absent
	Version  string // tag 03, ans 20, space-padded: of its software; "" absent
	Battery  int    // tag 04, n3: per cent, 1 to 100; 0 absent
	Printer  int    // tag 05, n1: 1 works, 2 no paper, 3 broken; 0 absent
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
		if tag <= last {
			r.fail(-2, "tags 01 to 05, in this order", fmt.Sprintf("%q", tag))
			break
		}
		switch last = tag; tag {
		case "02":
			s.Detail = r.words(statusText)
		case "03":
			s.Version = r.words(statusText)
		case "04":
			s.Battery = r.level(3, 100)
		case "05":
			s.Printer = r.level(1, 3)
		default:
			r.fail(-2, "tags 01 to 05, in this order", fmt.Sprintf("%q", tag))
		}
	}
	if err := r.end(); err != nil {
		return Status62{}, err
	}
	return s, nil
}

// level gives the next n digits as a number of 1 to most.
func (r *reader) level(n, most int) int {
	v, err := strconv.Atoi(r.digits(n))
	if r.bad == nil && (err != nil || v < 1 || v > most) {
		r.fail(-n, fmt.Sprintf("1 to %d", most), "another number")
	}
	return v
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

// Build is the field's text. A level out of range, or a text that is longer than 20, not printable ASCII, or
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
	w.level("04", s.Battery, 3, 100)
	w.level("05", s.Printer, 1, 3)
	return w.done()
}

func (w *writer) level(tag string, v, digits, most int) {
	if v == 0 {
		return
	}
	if v < 0 || v > most {
		w.fail(fmt.Sprintf("0 to %d", most), "another number")
	}
	w.digits(tag, 2)
	w.number(int64(v), digits)
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
