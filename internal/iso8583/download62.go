package iso8583

import (
	"bytes"
	"fmt"
)

// Parameter is one part of field 62 of a parameter download: a two-digit tag and its
// value, whose length the tag fixes.
type Parameter struct {
	Tag   string
	Value []byte // text is GB18030, padded with spaces; switches are four bytes
}

// The tags of a parameter download. Those from 60 on are Hawker's own: no published one has them.
const (
	ParamTimeout      = "12" // seconds, n2
	ParamOnlineTip    = "18" // 1 when tips are allowed
	ParamManual       = "20" // 1 when a number may be typed
	ParamMerchantName = "22" // 40 bytes
	ParamResends      = "23" // how often a reversal is sent in one go, n1
	ParamReceipt1     = "60" // a line under every slip, 40 bytes
	ParamReceipt2     = "61"
	ParamPaymentLimit = "62" // most that one sale may take, minor units, n12; 0 none
	ParamSignature    = "64" // 1 when the cardholder signs on the screen where no PIN proves a sale
	ParamNoProofLimit = "63" // up to which neither PIN nor signature is asked of a listed card, n12; 0 always asked
)

// parameterSizes are the lengths of values in bytes, in the order of the download.
var parameterSizes = []struct {
	tag  string
	size int
}{
	{"11", 2}, {ParamTimeout, 2}, {"13", 1}, {"14", 14}, {"15", 14}, {"16", 14}, {"17", 14}, {ParamOnlineTip, 1}, {"19", 2}, {ParamManual, 1},
	{"21", 1}, {ParamMerchantName, 40}, {ParamResends, 1}, {"24", 1}, {"25", 1}, {"26", 4},
	{ParamReceipt1, 40}, {ParamReceipt2, 40}, {ParamPaymentLimit, 12}, {ParamNoProofLimit, 12}, {ParamSignature, 1},
}

// ParameterSize is the length of a tag's value in bytes; 0 for a tag that does not exist.
func ParameterSize(tag string) int {
	for _, p := range parameterSizes {
		if p.tag == tag {
			return p.size
		}
	}
	return 0
}

// ParseParameters takes field 62 of a parameter download apart; b is copied. An unknown
// tag, one that comes twice, and a value that ends early are a *FormatError.
func ParseParameters(b []byte) ([]Parameter, error) {
	var list []Parameter
	seen := map[string]bool{}
	for at := 0; at < len(b); {
		if len(b)-at < 2 {
			return nil, download62(at, "a tag of two digits", plural(len(b)-at, "byte"))
		}
		tag := string(b[at : at+2])
		size := ParameterSize(tag)
		switch {
		case size == 0:
			return nil, download62(at, "a tag that exists", fmt.Sprintf("%q", tag))
		case seen[tag]:
			return nil, download62(at, "each tag once", "tag "+tag+" again")
		case len(b)-at-2 < size:
			return nil, download62(at+2, plural(size, "byte")+" of tag "+tag, plural(len(b)-at-2, "byte"))
		}
		seen[tag] = true
		list = append(list, Parameter{tag, bytes.Clone(b[at+2 : at+2+size])})
		at += 2 + size
	}
	return list, nil
}

// BuildParameters is field 62 of a parameter download. A tag that does not exist and a value
// of another length than the tag's are a *FormatError.
func BuildParameters(list []Parameter) ([]byte, error) {
	var b []byte
	for _, p := range list {
		if size := ParameterSize(p.Tag); size == 0 || len(p.Value) != size {
			return nil, download62(len(b), plural(size, "byte")+fmt.Sprintf(" of tag %q", p.Tag), plural(len(p.Value), "byte"))
		}
		b = append(append(b, p.Tag...), p.Value...)
	}
	return b, nil
}

// More is the first byte of a page's answer: whether another page follows.
type More byte

// The kinds of pages.
const (
	PageNone     More = '0' // there is nothing
	PageComplete More = '1' // this is all
	PageMore     More = '2' // ask again
	PageLast     More = '3' // no more after this one
)

// Page is field 62 of an answer to a list request: rows of a download.
type Page struct {
	More More
	Rows [][]byte
}

// MaxRows is how many rows a list can have: its request counts them in four digits.
const MaxRows = 9999

// maxPage is what a page may have in bytes, its first included.
const maxPage = 500

// ParsePage takes field 62 of a page apart: a byte that tells what follows, then rows, each
// behind a byte of its length, which is not zero. The rows are copies.
func ParsePage(b []byte) (Page, error) {
	if len(b) == 0 || b[0] < byte(PageNone) || b[0] > byte(PageLast) {
		return Page{}, download62(0, "0 to 3", "another byte or none")
	}
	p := Page{More: More(b[0])}
	for at := 1; at < len(b); {
		size := int(b[at])
		if size == 0 || len(b)-at-1 < size {
			return Page{}, download62(at, "a row's length, and the row", fmt.Sprintf("%d, and %s", size, plural(len(b)-at-1, "byte")))
		}
		p.Rows = append(p.Rows, bytes.Clone(b[at+1:at+1+size]))
		at += 1 + size
	}
	if empty := len(p.Rows) == 0; empty != (p.More == PageNone) {
		return Page{}, download62(0, "rows, or a page that says there are none", plural(len(p.Rows), "row"))
	}
	return p, nil
}

// ParseTLVPage reads a page of BuildTLVPage: what follows, and the data of all its rows.
func ParseTLVPage(b []byte) (More, []byte, error) {
	if len(b) == 0 || b[0] < byte(PageNone) || b[0] > byte(PageLast) || (len(b) == 1) != (b[0] == byte(PageNone)) {
		return 0, nil, download62(0, "0 alone, or 1 to 3 and data", plural(len(b), "byte"))
	}
	return More(b[0]), bytes.Clone(b[1:]), nil
}

// BuildPage is field 62 for the rows from the one numbered from (0 is the first), as many as
// fit. A row longer than 255 bytes, or without any, is a *FormatError.
func BuildPage(rows [][]byte, from int) ([]byte, error) { return buildPage(rows, from, true) }

// BuildTLVPage is BuildPage for rows that are BER-TLV data and begin with tag 9F06: they
// follow one another without a length.
func BuildTLVPage(rows [][]byte, from int) ([]byte, error) { return buildPage(rows, from, false) }

func buildPage(rows [][]byte, from int, framed bool) ([]byte, error) {
	if from >= len(rows) {
		return []byte{byte(PageNone)}, nil
	}
	b := []byte{byte(PageMore)}
	n := from
	for ; n < len(rows) && len(b)+1+len(rows[n]) <= maxPage; n++ {
		if len(rows[n]) == 0 || len(rows[n]) > 255 {
			return nil, download62(len(b), "a row of 1 to 255 bytes", plural(len(rows[n]), "byte"))
		}
		if framed {
			b = append(b, byte(len(rows[n]))) //nolint:gosec // 255 at most
		}
		b = append(b, rows[n]...)
	}
	switch {
	case n == len(rows) && from == 0:
		b[0] = byte(PageComplete)
	case n == len(rows):
		b[0] = byte(PageLast)
	}
	return b, nil
}

// ParseReceived reads field 62 of a list request: "1" and how many rows came so far, two or
// four digits.
func ParseReceived(b []byte) (int, error) {
	if (len(b) != 3 && len(b) != 5) || b[0] != '1' || badDigit(b) >= 0 {
		return 0, download62(0, "1 and a count of two or four digits", plural(len(b), "byte"))
	}
	n := 0
	for _, d := range b[1:] {
		n = n*10 + int(d-'0')
	}
	return n, nil
}

// BuildReceived is field 62 of a list request: two digits as long as they do, else four. It
// panics over MaxRows: a list has no more.
func BuildReceived(count int) []byte {
	if count < 0 || count > MaxRows {
		panic("iso8583: count of rows out of range")
	}
	if count < 100 {
		return fmt.Appendf(nil, "1%02d", count)
	}
	return fmt.Appendf(nil, "1%04d", count)
}

// BIN is one row of a list of card numbers' beginnings.
type BIN struct {
	Prefix string // six to ten digits
	Length int    // of the whole number, 0 for any
	Kind   byte   // 'D' debit, 'C' credit, ' ' not told
}

const binSize = 13 // ten digits of the prefix, space-padded, two of the length, the kind

// ParseBIN reads one row: ten characters prefix, two digits length, one of the kind.
func ParseBIN(b []byte) (BIN, error) {
	bad := download62(0, "prefix of 6 to 10 digits in 10, length n2, kind D, C or space", "another row")
	if len(b) != binSize || badDigit(b[10:12]) >= 0 || bytes.IndexByte([]byte("DC "), b[12]) < 0 {
		return BIN{}, bad
	}
	prefix := bytes.TrimRight(b[:10], " ")
	if len(prefix) < 6 || badDigit(prefix) >= 0 {
		return BIN{}, bad
	}
	return BIN{Prefix: string(prefix), Length: int(b[10]-'0')*10 + int(b[11]-'0'), Kind: b[12]}, nil
}

// Build is the row. A prefix, length or kind out of range is a *FormatError.
func (r BIN) Build() ([]byte, error) {
	b := fmt.Appendf(nil, "%-10s%02d%c", r.Prefix, r.Length, r.Kind)
	if again, err := ParseBIN(b); err != nil || again != r {
		return nil, download62(0, "prefix of 6 to 10 digits, length 0 to 99, kind D, C or space", "another")
	}
	return b, nil
}

// Covers reports whether a card number of so many digits that begins so is the row's. begins
// needs the row's prefix only, so that nobody hands a whole number out.
func (r BIN) Covers(begins string, length int) bool {
	return len(begins) >= len(r.Prefix) && begins[:len(r.Prefix)] == r.Prefix && (r.Length == 0 || r.Length == length)
}

// Task is one thing that the host wants of a terminal, in field 62 of the answer to 0820/364.
type Task struct {
	Network string // the network code of the message to send first, n3
	Batch   int    // of the payment whose signature is missing, with network code 800 only
	Trace   int
}

// taskSize is network code n3, batch n6, trace n6.
const taskSize = 15

// ParseTasks reads field 62 of the answer to 0820/364: 15 digits a task, none for none.
func ParseTasks(b []byte) ([]Task, error) {
	if len(b)%taskSize != 0 || badDigit(b) >= 0 {
		return nil, download62(0, "15 digits a task", plural(len(b), "byte"))
	}
	var list []Task
	for ; len(b) > 0; b = b[taskSize:] {
		t := Task{Network: string(b[:3])}
		for i, d := range b[3:taskSize] {
			if n := &t.Batch; i < 6 {
				*n = *n*10 + int(d-'0')
			} else {
				t.Trace = t.Trace*10 + int(d-'0')
			}
		}
		list = append(list, t)
	}
	return list, nil
}

// MaxTasks is how many tasks one answer names; the terminal asks again when it is done.
const MaxTasks = 30

// BuildTasks is field 62 with the first MaxTasks tasks.
func BuildTasks(list []Task) []byte {
	var b []byte
	for _, t := range list[:min(len(list), MaxTasks)] {
		b = fmt.Appendf(b, "%.3s%06d%06d", t.Network, t.Batch, t.Trace)
	}
	return b
}

func download62(at int, expected, got string) *FormatError {
	return &FormatError{Field: 62, Offset: at, Expected: expected, Got: got}
}
