package web

import (
	"errors"
	"fmt"
	"html/template"
	"strings"
	"sync"

	_ "embed"
)

//go:embed icons.txt
var iconList string

var icons = sync.OnceValue(func() map[string]bool {
	known := map[string]bool{}
	for name := range strings.FieldsSeq(iconList) {
		known[name] = true
	}
	return known
})

// Icon reports whether the sprite has an icon.
func Icon(name string) bool { return icons()[name] }

// funcs are what templates may call, in one language.
func (k *Kit) funcs(l Lang) template.FuncMap {
	return template.FuncMap{
		"t": func(key string, args ...any) (string, error) {
			if _, ok := k.texts[key]; !ok {
				return "", fmt.Errorf("no text %q", key)
			}
			return k.texts.Say(l, key, args...), nil
		},
		"say":    func(err error) string { return say(l, err) },
		"asset":  k.files.url,
		"inline": k.files.inline,
		"icon": func(name string) (template.HTML, error) {
			if !Icon(name) {
				return "", fmt.Errorf("no icon %q", name)
			}
			return template.HTML(`<svg class="icon" aria-hidden="true"><use href="` + k.files.url("lib/icons.svg") + "#" + name + `"/></svg>`), nil //nolint:gosec // both parts are ours
		},
		"money":   Money,
		"clock":   Clock,
		"seconds": Seconds,
		"day":     dayIn(l),
		"when":    When,
		"iso":     ISO,
		"method":  func(name string) string { return k.texts.known(l, "web.method.", name) },
		"state":   func(name string) string { return k.texts.known(l, "web.state.", name) },
		"tone":    Tone,
		"dict":    dict,
		"list":    func(v ...any) []any { return v },
		"percent": percent,
		"add":     func(a, b int) int { return a + b },
		"htmx":    func() string { return htmxConfig },
	}
}

// known is a text of a family, or the name as it is when a newer one than we know comes by.
func (t Texts) known(l Lang, family, name string) string {
	if _, ok := t[family+name]; !ok {
		return name
	}
	return t.Say(l, family+name)
}

// dict makes the dot of a part: keys and values in turn.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, errors.New("dict wants keys and values")
	}
	m := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is no key", pairs[i])
		}
		m[key] = pairs[i+1]
	}
	return m, nil
}

// htmxConfig turns off what our policy forbids, keeps no pages in the browser's storage,
// and lets a form's refusal (422) be shown where the form is.
const htmxConfig = `{"allowEval":false,"includeIndicatorStyles":false,"historyCacheSize":0,"refreshOnHistoryMiss":true,"defaultSwapStyle":"innerHTML",` +
	`"timeout":30000,"responseHandling":[{"code":"204","swap":false},{"code":"[23]..","swap":true},{"code":"422","swap":true},{"code":"[45]..","swap":true,"error":true}]}`
