package pos

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	declared = regexp.MustCompile(`(?m)^(?:export )?(?:async )?(?:const|let|class|function) (\{[^}]*\}|\w+)((?:, \w+(?: = [^,;]+)?)*)`)
	named    = regexp.MustCompile(`\w+`)
	imported = regexp.MustCompile(`(?m)^import \{([^}]*)\} from "\./(\w+)\.js";$`)
	han      = regexp.MustCompile(`\p{Han}`)
	worded   = regexp.MustCompile(`\bt\("([a-z.]+)"`)
)

// sourceOf reads one module.
func sourceOf(t *testing.T, name string) string {
	t.Helper()
	b, err := sources.ReadFile("app/" + name + ".js")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func all() []string { return slices.Concat(modules, later) }

func TestTheModulesAreOne(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(sources, "app/*.js")
	if err != nil || len(files) != len(modules)+len(later) {
		t.Fatalf("%d files, %d are joined, %v", len(files), len(modules)+len(later), err)
	}
	owner, shared := map[string]string{}, map[string][]string{}
	for _, m := range all() {
		text := sourceOf(t, m)
		for _, d := range declared.FindAllStringSubmatch(text, -1) {
			names := named.FindAllString(d[1], -1)
			for _, more := range strings.Split(d[2], ",") {
				if n := named.FindString(more); n != "" {
					names = append(names, n)
				}
			}
			for _, n := range names {
				if other, taken := owner[n]; taken {
					t.Errorf("%s.js and %s.js both declare %s", other, m, n)
				}
				owner[n] = m
				if strings.HasPrefix(d[0], "export") {
					shared[m] = append(shared[m], n)
				}
			}
		}
	}
	for _, m := range all() {
		for _, i := range imported.FindAllStringSubmatch(sourceOf(t, m), -1) {
			for _, n := range named.FindAllString(i[1], -1) {
				if !slices.Contains(shared[i[2]], n) {
					t.Errorf("%s.js imports %s, which %s.js does not export", m, n, i[2])
				}
			}
		}
	}
	for _, m := range modules {
		for _, i := range imported.FindAllStringSubmatch(sourceOf(t, m), -1) {
			if !slices.Contains(modules, i[2]) {
				t.Errorf("%s.js, which comes first, imports %s.js, which comes later", m, i[2])
			}
		}
	}
	for _, joined := range []string{string(join(modules, true)), string(join(later, false))} {
		if strings.Contains(joined, "\nimport {") {
			t.Error("a joined module still imports")
		}
	}
}

func TestEveryWordIsInTheCatalogue(t *testing.T) {
	t.Parallel()
	if first, rest := len(words("en", true)), len(words("en", false)); first < 100 || rest < 50 {
		t.Errorf("%d words come first, %d later", first, rest)
	}
	for _, m := range all() {
		text := sourceOf(t, m)
		if found := han.FindString(text); found != "" {
			t.Errorf("%s.js has words of its own: %s", m, found)
		}
		for _, w := range worded.FindAllStringSubmatch(text, -1) {
			key := "pos." + w[1]
			if _, ok := texts[key]; (!ok || server.MatchString(key)) && !strings.HasSuffix(key, ".") {
				t.Errorf("%s.js says %q, which is not in the catalogue", m, key)
			}
		}
	}
}
