package web

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
)

// policy lets a page use what this server sent and nothing else: no inline script or style,
// no other site, no frame around it. wasm-unsafe-eval is for the code reader.
const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' data: blob:; media-src 'self' blob:; " +
	"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// headers are on every answer.
func (k *Kit) headers(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(self), geolocation=(self), microphone=(), payment=(), usb=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
	if k.config.TLS {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
}

// breaksOut is what an element's text may not hold, or what stands in the page is not what was hashed.
var breaksOut = regexp.MustCompile(`(?i)</(script|style)|<!--|\r`)

// inline is a style sheet or a module in the page itself, for a page that must be usable before
// a slow network has answered twice. The policy of the page names its hash, and still no other.
func (s *files) inline(name string) (template.HTML, error) {
	f := s.byName[name]
	switch ext := path.Ext(name); {
	case f == nil:
		return "", fmt.Errorf("no asset %q", name)
	case breaksOut.MatchString(f.body):
		return "", fmt.Errorf("asset %q has what ends its element", name)
	case ext == ".css":
		return template.HTML("<style>" + f.body + "</style>"), nil //nolint:gosec // it is ours
	case ext == ".js":
		return template.HTML(`<script type="module">` + f.body + "</script>"), nil //nolint:gosec // it is ours
	default:
		return "", fmt.Errorf("asset %q is neither style nor script", name)
	}
}

// policy is what a page may run: what this server sends, and the files that its templates hold inline; "" for none of these.
func (s *files) policy(t *template.Template) string {
	hashes := map[string][]string{}
	for _, t := range t.Templates() {
		if t.Tree == nil || t.Tree.Root == nil {
			continue
		}
		walk(t.Tree.Root, func(fn, arg string) {
			if f := s.byName[arg]; fn == "inline" && f != nil {
				sum := sha256.Sum256([]byte(f.body))
				hashes[path.Ext(arg)] = append(hashes[path.Ext(arg)], "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
			}
		}, func(string) {})
	}
	if len(hashes) == 0 {
		return ""
	}
	list := func(ext string) string {
		slices.Sort(hashes[ext])
		return strings.Join(append([]string{"'self'"}, slices.Compact(hashes[ext])...), " ")
	}
	return strings.Replace(policy, "script-src 'self'", "style-src "+list(".css")+"; script-src "+list(".js"), 1)
}
