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
	"net/http"
	"regexp"
	"strings"
	"sync"
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
// calls them later. They are one module for the browser: one request instead of fifteen.
var modules = []string{"base", "money", "api", "sound", "live", "order", "charge", "scan", "pay", "print", "sign", "handover", "sheet", "sales", "me", "main"}

var (
	imports  = regexp.MustCompile(`(?m)^import \{[^}]*\} from "\./(\w+)\.js";\n`)
	exports  = regexp.MustCompile(`(?m)^export `)
	comments = regexp.MustCompile(`(?m)^\s*//.*\n`)
	indents  = regexp.MustCompile(`(?m)^[ \t]+`)
)

// script joins the modules: what they import from one another is there already.
var script = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	for _, name := range modules {
		text, err := sources.ReadFile("app/" + name + ".js")
		if err != nil {
			panic(err) // the list is ours
		}
		for _, clean := range []*regexp.Regexp{imports, exports, comments, indents} {
			text = clean.ReplaceAll(text, nil)
		}
		b.Write(text)
	}
	return b.Bytes()
})

// assets are the files with addresses of their own.
func assets() fs.FS {
	files := fstest.MapFS{"pos.js": {Data: script()}}
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
	Lang   web.Lang          `json:"lang"`
	Icons  string            `json:"icons"`
	Zxing  string            `json:"zxing"`
	Wasm   string            `json:"wasm"`
	Pad    string            `json:"pad"`
	SignIn string            `json:"signIn"`
	StepUp string            `json:"stepUp"`
	May    struct{}          `json:"may"`
	Texts  map[string]string `json:"texts"`
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
	return web.Page("pos", s.setup(r)), nil
}

func (s *Screen) setup(r *web.Request) setup {
	c := setup{Lang: r.Lang, Icons: r.Asset("lib/icons.svg"), Zxing: r.Asset("lib/zxing.js"), Wasm: r.Asset("lib/zxing.wasm"), Pad: r.Asset("lib/signature_pad.js"),
		SignIn: "/signin", StepUp: s.StepUp, Texts: words(r.Lang)}
	return c
}

// words are the catalogue in one language, without the door's name.
func words(l web.Lang) map[string]string {
	list := map[string]string{}
	for key, text := range texts {
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
	names := []string{r.Asset("web/web.css"), r.Asset("web/icon.svg"), r.Asset("pos/pos.css"), r.Asset("pos/pos.js"), r.Asset("lib/icons.svg")}
	list, err := json.Marshal(names)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(list)
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
