package web

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Text is one thing to say: in Chinese, then in English, with the verbs of fmt.
type Text [2]string

// Texts is a catalogue. Keys begin with the door's name and a dot.
type Texts map[string]Text

// Say is a text in a language, with its arguments. A key that does not exist is said as it
// is, which the tests of every door refuse.
func (t Texts) Say(l Lang, key string, args ...any) string {
	text, ok := t[key]
	if !ok {
		return "⟦" + key + "⟧"
	}
	s := text[1]
	if l == ZH {
		s = text[0]
	}
	if len(args) == 0 {
		return s
	}
	return fmt.Sprintf(s, args...)
}

// add takes in a door's texts, which must be whole.
func (t Texts) add(d Door) error {
	if err := d.Texts.Check(d.Name); err != nil {
		return err
	}
	maps.Copy(t, d.Texts)
	return nil
}

var (
	verb = regexp.MustCompile(`%(\[\d+\])?[-+ #0]*[\d.]*[a-zA-Z%]`)
	han  = regexp.MustCompile(`\p{Han}`)
)

// Check reports the first text of a door that lacks a side, has other verbs on one side
// than on the other, is in the wrong language, or is named after another door.
func (t Texts) Check(door string) error {
	for _, key := range slices.Sorted(maps.Keys(t)) {
		zh, en := t[key][0], t[key][1]
		switch {
		case !strings.HasPrefix(key, door+"."):
			return fmt.Errorf("text %q does not begin with %q", key, door+".")
		case strings.TrimSpace(zh) == "" || strings.TrimSpace(en) == "":
			return fmt.Errorf("text %q has only one side", key)
		case han.MatchString(en):
			return fmt.Errorf("text %q: its English is Chinese", key)
		case !slices.Equal(verbs(zh), verbs(en)):
			return fmt.Errorf("text %q: its sides have different verbs", key)
		}
	}
	return nil
}

func verbs(s string) []string {
	found := verb.FindAllString(s, -1)
	slices.Sort(found)
	return found
}
