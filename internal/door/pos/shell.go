package pos

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing/fstest"
	"time"

	"hawker/internal/web"
)

//go:embed templates
var templates embed.FS

//go:embed app/*.js files
var sources embed.FS

func sub(f fs.FS, dir string) fs.FS {
	s, err := fs.Sub(f, dir)
	if err != nil {
		panic(err) // the name is ours
	}
	return s
}

// modules are the screen's parts in the order in which each needs only those before it, or
// calls them later: first those that take a payment, then those that may come later. Each
// list is one file for the browser, because a request on a slow network costs more than bytes.
var (
	modules = []string{"base", "money", "api", "sound", "live", "order", "charge", "scan", "pay", "sheet", "state", "main"}
	later   = []string{"print", "sign", "handover", "sales", "me"}
)

var (
	imports  = regexp.MustCompile(`(?m)^import \{([^}]*)\} from "\./(\w+)\.js";\n`)
	exports  = regexp.MustCompile(`(?m)^export (?:const|class) (?:\{([^}]*)\}|([\w$]+))`)
	export   = regexp.MustCompile(`(?m)^export `)
	comments = regexp.MustCompile(`(?m)^\s*//.*\n`)
	indents  = regexp.MustCompile(`(?m)^[ \t]+`)
)

// join makes one text of modules. What they import from one another is there already; what
// the later ones import from the first ones, the first ones leave in globalThis.till.
func join(names []string, first bool) []byte {
	var b bytes.Buffer
	shared := map[string]bool{}
	for _, name := range names {
		text, err := sources.ReadFile("app/" + name + ".js")
		if err != nil {
			panic(err) // the lists are ours
		}
		for _, i := range imports.FindAllSubmatch(text, -1) {
			if !first && slices.Contains(modules, string(i[2])) {
				for n := range strings.FieldsFuncSeq(string(i[1]), func(r rune) bool { return r == ',' || r == ' ' }) {
					shared[n] = true
				}
			}
		}
		if first {
			for _, e := range exports.FindAllSubmatch(text, -1) {
				shared[string(e[2])] = true
			}
			text = export.ReplaceAll(text, nil)
		}
		for _, clean := range []*regexp.Regexp{imports, comments, indents} {
			text = clean.ReplaceAll(text, nil)
		}
		b.Write(text)
	}
	list := strings.Join(slices.Sorted(maps.Keys(shared)), ", ")
	if first {
		return fmt.Appendf(b.Bytes(), "globalThis.till = { %s };\n", list)
	}
	said, err := json.Marshal(map[web.Lang]map[string]string{web.ZH: words(web.ZH, false), web.EN: words(web.EN, false)})
	if err != nil {
		panic(err) // strings become JSON
	}
	return append(fmt.Appendf(nil, "const { %s } = globalThis.till;\nObject.assign(config.texts, %s[config.lang]);\n", list, said), b.Bytes()...)
}

// assets are the files with addresses of their own.
func assets() fs.FS {
	files := fstest.MapFS{"pos.js": {Data: join(modules, true)}, "more.js": {Data: join(later, false)}}
	for _, name := range []string{"pos.css", "icon-192.png", "icon-512.png"} {
		text, err := sources.ReadFile("files/" + name)
		if err != nil {
			panic(err) // embedded
		}
		files[name] = &fstest.MapFile{Data: text}
	}
	return files
}

// setup is what the page tells its script. It holds nothing of whoever looks at it, because
// it is kept for the time without network.
type setup struct {
	Lang  web.Lang          `json:"lang"`
	Icons string            `json:"icons"`
	Zxing string            `json:"zxing"`
	Wasm  string            `json:"wasm"`
	Pad   string            `json:"pad"`
	More  string            `json:"more"`
	May   struct{}          `json:"may"`
	Texts map[string]string `json:"texts"`
}

func (s *Screen) page(r *web.Request) (web.Response, error) {
	if r.Who.Merchant == 0 {
		return nil, errMerchant
	}
	if _, err := r.Cookie(deviceCookie); err != nil && r.Who.Device == 0 {
		id := make([]byte, 8)
		_, _ = rand.Read(id) // never fails: crypto/rand ends the process instead
		http.SetCookie(r.Writer, &http.Cookie{Name: deviceCookie, Value: hex.EncodeToString(id), Path: "/pos", MaxAge: int((400 * 24 * time.Hour).Seconds()),
			Secure: r.TLS != nil || strings.HasPrefix(s.Site, "https:"), HttpOnly: true, SameSite: http.SameSiteLaxMode})
	}
	return web.Steady(web.Page("pos", s.setup(r))), nil
}

func (s *Screen) setup(r *web.Request) setup {
	c := setup{Lang: r.Lang, Icons: r.Asset("lib/icons.svg"), Zxing: r.Asset("lib/zxing.js"), Wasm: r.Asset("lib/zxing.wasm"), Pad: r.Asset("lib/signature_pad.js"), More: r.Asset("pos/more.js"),
		Texts: words(r.Lang, true)}
	return c
}

// The texts that only templates and answers say, those whose names the first modules put
// together, and how a module names one.
var (
	server   = regexp.MustCompile(`^pos\.(reason|did|tab|pay|app$|device$|title$|navigation$)`)
	families = regexp.MustCompile(`^pos\.(short|method|camera|net)\.`)
	literal  = regexp.MustCompile(`"([a-z]+(?:\.[a-z]+)*)"`)
)

// words are the catalogue in one language, without the door's name: what the first modules
// say, or what only the later ones do.
func words(l web.Lang, first bool) map[string]string {
	said := map[string]bool{}
	for _, name := range modules {
		text, err := sources.ReadFile("app/" + name + ".js")
		if err != nil {
			panic(err) // the list is ours
		}
		for _, w := range literal.FindAllSubmatch(text, -1) {
			said["pos."+string(w[1])] = true
		}
	}
	list := map[string]string{}
	for key, text := range texts {
		if server.MatchString(key) || (said[key] || families.MatchString(key)) != first {
			continue
		}
		side := text[1]
		if l == web.ZH {
			side = text[0]
		}
		list[strings.TrimPrefix(key, "pos.")] = side
	}
	return list
}

// worker is the script that opens the page without the network. A new release has another one.
func (s *Screen) worker(r *web.Request) (web.Response, error) {
	text, err := sources.ReadFile("files/sw.js")
	if err != nil {
		return nil, err
	}
	list, err := json.Marshal([]string{r.Asset("web/icon.svg"), r.Asset("pos/more.js"), r.Asset("lib/icons.svg")})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(fmt.Appendln(list, r.Asset("web/web.css"), r.Asset("pos/pos.css"), r.Asset("pos/pos.js"))) // the page holds these
	text = bytes.ReplaceAll(text, []byte("FILES"), bytes.Trim(list, "[]"))
	text = bytes.ReplaceAll(text, []byte("SHELL"), []byte(hex.EncodeToString(sum[:6])))
	r.Writer.Header().Set("Service-Worker-Allowed", "/pos")
	return web.Bytes("text/javascript; charset=utf-8", text), nil
}

func (s *Screen) manifest(r *web.Request) (web.Response, error) {
	type icon struct {
		Src     string `json:"src"`
		Sizes   string `json:"sizes"`
		Type    string `json:"type"`
		Purpose string `json:"purpose"`
	}
	icons := []icon{}
	for _, size := range []int{192, 512} {
		icons = append(icons, icon{r.Asset(fmt.Sprintf("pos/icon-%d.png", size)), fmt.Sprintf("%dx%d", size, size), "image/png", "any maskable"})
	}
	b, err := json.Marshal(map[string]any{"id": "/pos", "name": r.T("pos.app"), "short_name": r.T("pos.app"), "start_url": "/pos", "scope": "/pos", "display": "standalone",
		"background_color": "#f4f5fa", "theme_color": "#2356f0", "lang": r.Lang, "icons": icons})
	if err != nil {
		return nil, err
	}
	return web.Bytes("application/manifest+json", b), nil
}
