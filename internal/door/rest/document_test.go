package rest_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"hawker/internal/store/storetest"
)

var update = flag.Bool("update", false, "write docs/openapi.json and docs/problems.md anew")

const docs = "../../../docs/"

func compare(t *testing.T, file string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil { //nolint:gosec // a document
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the code says: go test ./internal/door/rest -run Document -update", file)
	}
}

// problem is what the document says of one.
type problem struct {
	Type    string `json:"type"`
	Status  int    `json:"status"`
	TitleZH string `json:"title_zh"`
	TitleEN string `json:"title_en"`
}

// problems reads the document's examples.
func problems(t *testing.T, document []byte) (list []problem) {
	t.Helper()
	var doc struct {
		Components struct {
			Examples map[string]struct{ Value problem }
		}
	}
	if err := json.Unmarshal(document, &doc); err != nil {
		t.Fatal(err)
	}
	for _, e := range doc.Components.Examples {
		list = append(list, e.Value)
	}
	slices.SortFunc(list, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.Status, b.Status), cmp.Compare(a.Type, b.Type))
	})
	return list
}

func TestTheDocumentsAreWhatTheCodeSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	compare(t, docs+"openapi.json", w.door.Document())
	var b strings.Builder
	b.WriteString(`# Problems

What the REST API refuses, as RFC 9457 writes it. A type never changes its meaning; new ones may come. Switch on the type, show a title; the sentence in ` + "`detail`" + ` is for whoever writes the program.
This page is made of the code.

| status | type | shown to people |
|---|---|---|
`)
	for _, p := range problems(t, w.door.Document()) {
		fmt.Fprintf(&b, "| %d | `%s` | %s<br>%s |\n", p.Status, p.Type, p.TitleEN, p.TitleZH)
	}
	b.WriteString("| 404 | `urn:hawker:problem:no_such_operation` | There is no such operation.<br>没有这个接口。 |\n")
	b.WriteString("| 405 | `urn:hawker:problem:method_not_allowed` | This operation has no such method.<br>这个接口不支持该方法。 |\n")
	compare(t, docs+"problems.md", []byte(b.String()))
}
