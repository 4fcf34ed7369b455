package contract

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Words are a text in both languages; the Chinese one holds where they differ.
type Words struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// Kind is what a clause is about.
type Kind string

// Clause is one numbered part of a template.
type Clause struct {
	Key   string `json:"key"`  // stays when the words change, so that versions compare
	Kind  Kind   `json:"kind"` // obligation, fee, hold, termination, data, dispute, settlement, service, general
	Must  bool   `json:"must"` // highlighted, and acknowledged before anybody signs
	Title Words  `json:"title"`
	Text  Words  `json:"text"`
}

// Template is one version of a contract's text. A version that was offered once never changes.
type Template struct {
	Name    string   `json:"name"`
	Version int      `json:"version"`
	From    string   `json:"from"` // since when it is offered, yyyy-mm-dd
	Title   Words    `json:"title"`
	Clauses []Clause `json:"clauses"`
}

//go:embed templates/*.json
var own embed.FS

// Templates are the texts that come with Hawker.
var Templates = sync.OnceValues(func() ([]Template, error) {
	dir, err := fs.Sub(own, "templates")
	if err != nil {
		return nil, err
	}
	return Read(dir)
})

// kinds that must be acknowledged wherever they stand.
var highlighted = []Kind{"obligation", "fee", "hold", "termination"}

var kinds = append([]Kind{"data", "dispute", "settlement", "service", "general"}, highlighted...)

var blanks = regexp.MustCompile(`\{(\w+)\}`)

// Read reads every *.json of a folder and refuses a text that is not whole: a side missing, a
// blank that nobody fills, an obligation, fee, hold or termination that is not highlighted.
func Read(dir fs.FS) ([]Template, error) {
	names, err := fs.Glob(dir, "*.json")
	if err != nil {
		return nil, err
	}
	var list []Template
	for _, name := range names {
		b, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, err
		}
		var t Template
		if err := json.Unmarshal(b, &t); err != nil {
			return nil, fmt.Errorf("contract %s: %w", name, err)
		}
		if err := t.check(); err != nil {
			return nil, fmt.Errorf("contract %s: %w", name, err)
		}
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b Template) int {
		return strings.Compare(fmt.Sprintf("%s %09d", a.Name, a.Version), fmt.Sprintf("%s %09d", b.Name, b.Version))
	})
	return list, nil
}

func (t Template) check() error {
	if t.Name == "" || t.Version < 1 || t.Title.ZH == "" || t.Title.EN == "" || len(t.Clauses) == 0 {
		return fmt.Errorf("a name, version, title and clauses are needed")
	}
	seen := map[string]bool{}
	there := map[Kind]bool{}
	for _, c := range t.Clauses {
		there[c.Kind] = true
		switch {
		case c.Key == "" || seen[c.Key]:
			return fmt.Errorf("clause %q: its key is missing, or stands twice", c.Key)
		case !slices.Contains(kinds, c.Kind):
			return fmt.Errorf("clause %s: no kind %q", c.Key, c.Kind)
		case slices.Contains(highlighted, c.Kind) && !c.Must:
			return fmt.Errorf("clause %s: a clause about %s is highlighted and acknowledged", c.Key, c.Kind)
		}
		seen[c.Key] = true
		for _, text := range []string{c.Title.ZH, c.Title.EN, c.Text.ZH, c.Text.EN} {
			if strings.TrimSpace(text) == "" {
				return fmt.Errorf("clause %s: a text is missing in one language", c.Key)
			}
			for _, b := range blanks.FindAllStringSubmatch(text, -1) {
				if !slices.Contains([]string{"institution", "licence", "merchant", "mid"}, b[1]) {
					return fmt.Errorf("clause %s: nobody fills %s", c.Key, b[0])
				}
			}
		}
	}
	for _, k := range highlighted {
		if !there[k] {
			return fmt.Errorf("no clause is about %s", k)
		}
	}
	return nil
}

// Latest is the newest version of a template; false when there is none of that name.
func Latest(list []Template, name string) (found Template, ok bool) {
	for _, t := range list {
		if t.Name == name && (!ok || t.Version > found.Version) {
			found, ok = t, true
		}
	}
	return found, ok
}

// Version finds a version of a template.
func Version(list []Template, name string, version int) (Template, bool) {
	for _, t := range list {
		if t.Name == name && t.Version == version {
			return t, true
		}
	}
	return Template{}, false
}
