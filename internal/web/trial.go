package web

import (
	"net/http"
	"slices"
	"strings"

	"hawker/internal/auth"
)

// Pages lists a door's pages with the blocks of each that only a handler asks for, for tests that execute all.
func (k *Kit) Pages(door string) map[string][]string {
	found := map[string][]string{}
	for key, p := range k.pages {
		if name, ok := strings.CutPrefix(key, door+"/"); ok {
			found[name] = slices.Sorted(slices.Values(p[ZH].blocks))
		}
	}
	return found
}

// Execute writes a page or a block as one person sees it, without a server.
func (k *Kit) Execute(d Door, page, block string, hr *http.Request, who auth.Who, l Lang, data any) (string, error) {
	var b strings.Builder
	r := &Request{Request: hr, Who: who, Signed: who.Kind != "", Lang: l, Theme: System, kit: k, door: d}
	err := k.render(&b, r, page, block, data)
	return b.String(), err
}

// Say is a text of any door, for tests.
func (k *Kit) Say(l Lang, key string, args ...any) string { return k.texts.Say(l, key, args...) }
