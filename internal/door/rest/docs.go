package rest

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed docs.html
var docsHTML string

//go:embed docs.css
var docsCSS []byte

var docsPage = template.Must(template.New("docs").Parse(docsHTML))

func serveStyle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(docsCSS)
}

// entry is an operation as the page shows it.
type entry struct {
	*huma.Operation
	Fields   []field // of the body
	Refusals []refusal
}

type field struct {
	Name, Type, Doc, Example string
	Required                 bool
}

type refusal struct {
	Status       int
	Type, ZH, EN string
}

// servePage is the document as a page that is read by people, made of the same document.
func (d *Door) servePage(w http.ResponseWriter, r *http.Request) {
	doc := d.api.OpenAPI()
	byTag := map[string][]entry{}
	paths := make([]string, 0, len(doc.Paths))
	for path := range doc.Paths {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range paths {
		item := doc.Paths[path]
		for _, o := range []*huma.Operation{item.Get, item.Post, item.Patch, item.Delete} {
			if o == nil {
				continue
			}
			e := entry{Operation: o}
			if o.RequestBody != nil {
				e.Fields = fieldsOf(doc, o.RequestBody.Content["application/json"].Schema)
			}
			for _, f := range o.Metadata["op"].(op).refusals(o) {
				e.Refusals = append(e.Refusals, refusal{statusOf(f), typePrefix + f.Name, f.ZH, f.EN})
			}
			slices.SortStableFunc(e.Refusals, func(a, b refusal) int { return a.Status - b.Status })
			byTag[o.Tags[0]] = append(byTag[o.Tags[0]], e)
		}
	}
	var out bytes.Buffer
	if err := docsPage.Execute(&out, map[string]any{"Doc": doc, "ByTag": byTag, "Paragraphs": strings.Split(doc.Info.Description, "\n"),
		"ZH": language(r.Header.Get("Accept-Language")) == "zh-CN"}); err != nil {
		panic(err) // the template is ours, and a test runs it
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Vary", "Accept-Language")
	_, _ = w.Write(out.Bytes())
}

func fieldsOf(doc *huma.OpenAPI, s *huma.Schema) (list []field) {
	if s.Ref != "" {
		s = doc.Components.Schemas.SchemaFromRef(s.Ref)
	}
	names := make([]string, 0, len(s.Properties))
	for name := range s.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		p := s.Properties[name]
		f := field{Name: name, Type: p.Type, Doc: p.Description, Required: slices.Contains(s.Required, name)}
		if len(p.Enum) > 0 {
			var values []string
			for _, v := range p.Enum {
				values = append(values, v.(string))
			}
			f.Type = strings.Join(values, " · ")
		}
		list = append(list, f)
	}
	slices.SortStableFunc(list, func(a, b field) int {
		switch {
		case a.Required == b.Required:
			return 0
		case a.Required:
			return -1
		}
		return 1
	})
	return list
}
