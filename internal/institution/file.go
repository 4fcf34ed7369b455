package institution

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the example
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hawker/internal/clock"
	"hawker/internal/fault"
)

// ErrFile is a file that is no register; its cause names the entry and the field.
var ErrFile = fault.New(fault.Invalid, "register_file", "登记文件有误，未作任何更改。", "The register file has a mistake; nothing was changed.")

// MaxFile bounds a register file: the whole country's institutions and providers fit many times.
const MaxFile = 16 << 20

// Date is a day, written "2026-11-25" in files. The zero Date is none.
type Date clock.Day

// MarshalJSON writes yyyy-mm-dd, or "" for none.
func (d Date) MarshalJSON() ([]byte, error) {
	if d == 0 {
		return []byte(`""`), nil
	}
	return json.Marshal(clock.Day(d).String())
}

// UnmarshalJSON reads yyyy-mm-dd of a day that exists.
func (d *Date) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return errors.New("a date is written as text, 2026-11-25")
	}
	if text == "" {
		*d = 0
		return nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil || t.Year() < 1900 {
		return fmt.Errorf("%.40q is no day", text)
	}
	*d = Date(clock.DayOf(t, time.UTC, 0))
	return nil
}

// List is a register file: what one source says on one day. docs/register.md describes it.
type List struct {
	Source       string  `json:"source"`
	AsOf         Date    `json:"as_of"`
	Complete     bool    `json:"complete"` // entries that it does not have are no longer listed
	Institutions []Entry `json:"institutions"`
	Providers    []Entry `json:"providers"`

	digest [sha256.Size]byte
}

// Read reads a register file. What it does not understand, it refuses whole, naming the
// entry: a field that nobody reads would be a fact that nobody checks.
func Read(r io.Reader) (List, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return List{}, fmt.Errorf("read register file: %w", err)
	}
	if len(raw) > MaxFile {
		return List{}, ErrFile.With("larger than %d bytes", MaxFile)
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	if !utf8.Valid(raw) {
		return List{}, ErrFile.With("it is not UTF-8")
	}
	var l List
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil {
		return List{}, ErrFile.Wrap(err)
	}
	if dec.More() {
		return List{}, ErrFile.With("something follows the list")
	}
	l.digest = sha256.Sum256(raw)
	for i := range l.Institutions {
		l.Institutions[i].Kind = Institution
	}
	for i := range l.Providers {
		l.Providers[i].Kind = Provider
	}
	return l, l.check()
}

// entries are all of the list.
func (l List) entries() []Entry { return slices.Concat(l.Institutions, l.Providers) }

func (l List) check() error {
	if !plain(l.Source, 1, 100) || l.AsOf == 0 {
		return ErrFile.With("source and as_of are needed")
	}
	if len(l.Institutions)+len(l.Providers) == 0 {
		return ErrFile.With("it lists nobody")
	}
	seen := map[string]bool{}
	for _, e := range l.entries() {
		if err := e.check(); err != nil {
			return ErrFile.With("%s %.40q: %w", e.Kind, e.Number, err)
		}
		if key := string(e.Kind) + "|" + e.Number; seen[key] {
			return ErrFile.With("%s %s stands there twice", e.Kind, e.Number)
		} else { //nolint:revive // the key's scope is worth it
			seen[key] = true
		}
	}
	return nil
}

// lawful are the states of each list.
var lawful = map[Kind][]State{
	Institution: {Valid, Suspended, Revoked, Cancelled},
	Provider:    {Filed, Suspended, Revoked, Cancelled},
}

func (e Entry) check() error {
	switch {
	case !number(e.Number):
		return errors.New("number: 4 to 40 letters, digits or hyphens")
	case !plain(e.NameZH, 2, 100):
		return errors.New("name_zh: 2 to 100 characters without control characters")
	case e.NameEN != "" && !plain(e.NameEN, 2, 200):
		return errors.New("name_en: 2 to 200 characters without control characters")
	case !slices.Contains(lawful[e.Kind], e.State):
		return fmt.Errorf("state: %.20q is none of %v", string(e.State), lawful[e.Kind])
	case len(e.Business) == 0 || len(e.Regions) == 0:
		return errors.New("business and regions: at least one of each")
	case e.Issued == 0 || (e.Expires != 0 && e.Expires < e.Issued):
		return errors.New("issued is needed, and does not come after expires")
	case e.Kind == Institution && e.Expires == 0:
		return errors.New("expires: a licence has a last day")
	case !plain(e.Authority, 2, 100):
		return errors.New("authority is needed")
	case (e.Kind == Provider) != (e.WorksFor != ""):
		return errors.New("works_for: a provider names its institution's licence, an institution nobody")
	case e.WorksFor != "" && !number(e.WorksFor):
		return errors.New("works_for: no licence number")
	case len(e.Note) > 1000 || (e.Note != "" && !plain(e.Note, 1, 1000)):
		return errors.New("note: at most 1,000 characters")
	}
	for _, b := range e.Business {
		if businesses[b].of != e.Kind {
			return fmt.Errorf("business: %.40q is none of a %s", string(b), e.Kind)
		}
	}
	for _, r := range e.Regions {
		if len(r) != 6 || strings.Trim(r, "0123456789") != "" {
			return fmt.Errorf("regions: %.20q is no six-digit division", r)
		}
	}
	return e.Contact.check()
}

func (c Contact) check() error {
	for _, v := range []string{c.Phone, c.Complaint} {
		if v != "" && (len(v) > 30 || strings.Trim(v, "+0123456789-() ") != "") {
			return fmt.Errorf("contact: %.40q is no telephone number", v)
		}
	}
	if c.Web != "" && (!strings.HasPrefix(c.Web, "https://") || !plain(c.Web, 1, 200)) {
		return errors.New("contact: web begins with https://")
	}
	if c.Address != "" && !plain(c.Address, 2, 200) {
		return errors.New("contact: address: 2 to 200 characters")
	}
	return nil
}

func number(s string) bool {
	return len(s) >= 4 && len(s) <= 40 && strings.Trim(s, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == ""
}

// plain reports whether text has least to most characters, and none that moves the cursor,
// turns the direction of writing, or is a broken byte.
func plain(text string, least, most int) bool {
	n := utf8.RuneCountInString(text)
	bad := func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError }
	return n >= least && n <= most && !strings.ContainsFunc(text, bad) && strings.TrimSpace(text) == text
}

//go:embed example.json
var example []byte

// Example is the list that a sandbox begins with: its institutions and providers are invented.
func Example() (List, error) { return Read(bytes.NewReader(example)) }
