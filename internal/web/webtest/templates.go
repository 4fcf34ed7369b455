package webtest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hawker/internal/auth"
	"hawker/internal/web"
)

// Templates executes every page of a door in both languages, and every block that no template
// names because a handler answers with it, with the data that samples names: "payments" for
// a page, "payments drawer" for a block. What has no sample fails, so that none is forgotten.
// It returns what was written, by "page lang" or "page block lang".
func Templates(t *testing.T, d web.Door, samples map[string]any) map[string]string {
	t.Helper()
	k, err := web.Build(web.Config{}, d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := web.Mount(http.NewServeMux(), web.Config{}, d); err != nil {
		t.Fatal(err)
	}
	written := map[string]string{}
	who := auth.Who{Kind: auth.Staff, ID: 1, Merchant: 1, Role: auth.Owner, Name: "陈晨"}
	for name, blocks := range k.Pages(d.Name) {
		data, ok := samples[name]
		if !ok {
			t.Errorf("no sample for page %s", name)
			continue
		}
		for _, lang := range []web.Lang{web.ZH, web.EN} {
			for _, block := range append([]string{""}, blocks...) {
				sample := data
				if block != "" {
					if sample, ok = samples[name+" "+block]; !ok {
						t.Errorf("no sample for block %q", name+" "+block)
						continue
					}
				}
				key := strings.Join(strings.Fields(name+" "+block+" "+string(lang)), " ")
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/sample", nil)
				text, err := k.Execute(d, name, block, r, who, lang, sample)
				switch {
				case err != nil:
					t.Errorf("%s: %v", key, err)
				case strings.Contains(text, "⟦"):
					t.Errorf("%s: a text is missing in\n%s", key, text)
				case strings.Contains(text, "no value>"):
					t.Errorf("%s: a value is missing in\n%s", key, text)
				}
				written[key] = text
			}
		}
	}
	return written
}
