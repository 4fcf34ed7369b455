package qr

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// mpmStart is how every merchant-presented code begins: object 00, two characters.
	mpmStart = "0002"
	// maxMPM bounds a merchant-presented code, in characters, as EMVCo advises.
	maxMPM = 512
	crcID  = 63
)

// object is one data object where it was read.
type object struct {
	id    int
	path  string // "62.03"
	at    int    // of its id, characters from the beginning of the code
	value string
	rule  rule
	inner []object // of a template
}

// valueAt is where the value begins: two digits of id and two of length before it.
func (o object) valueAt() int { return o.at + 4 }

func (o object) wrong(at int, expected, got string) *FormatError {
	return &FormatError{o.path, o.valueAt() + at, expected, got}
}

// read takes a code apart into objects and holds each against its rule. What
// came before a complaint is returned with it.
func read(text string) ([]object, *FormatError) {
	if at := invalidUTF8(text); at >= 0 {
		return nil, &FormatError{"", at, "UTF-8", "other bytes"}
	}
	chars := []rune(text)
	if len(chars) > maxMPM {
		return nil, &FormatError{"", maxMPM, fmt.Sprintf("at most %d characters", maxMPM), strconv.Itoa(len(chars))}
	}
	list, bad := readObjects(chars, 0, "", topRule)
	if bad != nil {
		return list, bad
	}
	return list, frame(list, len(chars))
}

// frame checks what must stand first and last.
func frame(list []object, end int) *FormatError {
	if list[0].id != 0 {
		return &FormatError{"00", 0, "the payload format first", list[0].path}
	}
	if last := list[len(list)-1]; last.id != crcID {
		return &FormatError{"63", end, "the check value last", last.path}
	}
	return nil
}

// readObjects reads one level, which begins at character base of the code.
func readObjects(chars []rune, base int, path string, rules func(int) rule) (list []object, bad *FormatError) {
	for i := 0; i < len(chars); {
		o, n, bad := readObject(chars[i:], base+i, path, rules)
		if bad != nil {
			return list, bad
		}
		for _, before := range list {
			if before.id == o.id {
				return list, &FormatError{o.path, o.at, "each object once", "another " + o.path}
			}
		}
		if o.rule.inner != nil {
			if o.inner, bad = readObjects([]rune(o.value), o.valueAt(), o.path+".", o.rule.inner); bad != nil {
				return append(list, o), bad
			}
		}
		list = append(list, o)
		i += n
	}
	return list, missing(list, base+len(chars), path, rules)
}

// readObject reads id, length and value, n characters in all.
func readObject(chars []rune, at int, path string, rules func(int) rule) (o object, n int, bad *FormatError) {
	id, wrong := twoDigits(chars)
	if wrong >= 0 {
		return o, 0, &FormatError{strings.TrimSuffix(path, "."), at + wrong, "an id of two digits", glimpse(chars[wrong:])}
	}
	o = object{id: id, path: fmt.Sprintf("%s%02d", path, id), at: at, rule: rules(id)}
	size, wrong := twoDigits(chars[2:])
	if wrong >= 0 {
		return o, 0, &FormatError{o.path, at + 2 + wrong, "a length of two digits", glimpse(chars[2+wrong:])}
	}
	rest := chars[4:]
	switch {
	case size == 0:
		return o, 0, &FormatError{o.path, at + 2, "a length of 01 to 99", "00"}
	case size > len(rest):
		return o, 0, &FormatError{o.path, at + 2, fmt.Sprintf("%02d characters to follow", size), strconv.Itoa(len(rest))}
	}
	o.value = string(rest[:size])
	if i, expected := o.rule.fits(o.value); expected != "" {
		return o, 0, o.wrong(i, expected, glimpse(rest[i:size]))
	}
	return o, 4 + size, nil
}

// missing complains about the first object that a level must have and lacks;
// it would stand where the level ends.
func missing(list []object, end int, path string, rules func(int) rule) *FormatError {
	for id := range 100 {
		r := rules(id)
		if !r.must {
			continue
		}
		if _, ok := find(list, id); !ok {
			return &FormatError{fmt.Sprintf("%s%02d", path, id), end, "the " + r.name, "none"}
		}
	}
	if path == "" && !hasAccount(list) {
		return &FormatError{"02", end, "an account, 02 to 51", "none"}
	}
	return nil
}

func hasAccount(list []object) bool {
	for _, o := range list {
		if o.id >= 2 && o.id <= 51 {
			return true
		}
	}
	return false
}

func find(list []object, id int) (object, bool) {
	for _, o := range list {
		if o.id == id {
			return o, true
		}
	}
	return object{}, false
}

// twoDigits reads a number of two digits; wrong is the first place that is none, or -1.
func twoDigits(chars []rune) (n, wrong int) {
	for i := range 2 {
		if i >= len(chars) || chars[i] < '0' || chars[i] > '9' {
			return 0, i
		}
		n = n*10 + int(chars[i]-'0')
	}
	return n, -1
}

// glimpse shows the next few characters of a merchant's code, which is no secret.
func glimpse(chars []rune) string {
	if len(chars) == 0 {
		return "the end"
	}
	return strconv.Quote(string(chars[:min(len(chars), 8)]))
}

// invalidUTF8 is the first character that is no UTF-8, or -1.
func invalidUTF8(text string) int {
	for i, at := 0, 0; i < len(text); at++ {
		r, n := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && n == 1 {
			return at
		}
		i += n
	}
	return -1
}

// printable shows text that came from outside on one line.
func printable(text string) string {
	for _, r := range text {
		if r == '"' || r == '\\' || !strconv.IsPrint(r) || r == utf8.RuneError {
			return strconv.Quote(text)
		}
	}
	return text
}
