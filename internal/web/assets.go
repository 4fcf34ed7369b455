package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"
)

//go:embed templates/*.html static vendored
var embedded embed.FS

func sub(f fs.FS, dir string) fs.FS {
	s, err := fs.Sub(f, dir)
	if err != nil {
		panic(err) // the name is ours
	}
	return s
}

// assetPath is where embedded files live. Their names hold their hash, so that they never change.
const assetPath = "/assets/"

type file struct {
	body, contentType, url string
	zipped                 func() []byte // nil when zipping does not help
}

// files are the embedded files of all doors, by name and by address.
type files struct{ byName, byURL map[string]*file }

func newFiles() *files { return &files{map[string]*file{}, map[string]*file{}} }

// types are by ending, and not the machine's, which differ.
var types = map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".wasm": "application/wasm",
	".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp", ".webmanifest": "application/manifest+json", ".opus": "audio/ogg", ".mp3": "audio/mpeg", ".json": "application/json"}

// spare is what a style sheet has for its writers only.
var spare = regexp.MustCompile(`(?s)/\*.*?\*/|\n\s+`)

// add takes in the files of a door whose type is known; licences and lists stay behind.
func (s *files) add(door string, from fs.FS) error {
	if from == nil {
		return nil
	}
	return fs.WalkDir(from, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		ext := path.Ext(name)
		kind := types[ext]
		if kind == "" {
			return nil
		}
		body, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		if ext == ".css" {
			body = bytes.TrimSpace(spare.ReplaceAll(body, []byte("\n")))
		}
		sum := sha256.Sum256(body)
		full := door + "/" + name
		f := &file{body: string(body), contentType: kind, url: assetPath + strings.TrimSuffix(full, ext) + "." + hex.EncodeToString(sum[:6]) + ext}
		if zips(kind) {
			f.zipped = sync.OnceValue(func() []byte { return zip(body) })
		}
		s.byName[full], s.byURL[f.url] = f, f
		return nil
	})
}

func zip(body []byte) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(body)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		panic(err) // memory does not fail
	}
	return b.Bytes()
}

// url is the address of a file; a name that does not exist is a mistake of ours that tests find.
func (s *files) url(name string) string {
	f, ok := s.byName[name]
	if !ok {
		panic(fmt.Sprintf("no asset %q", name))
	}
	return f.url
}

// ServeHTTP sends a file that may be kept for ever.
func (s *files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	f, ok := s.byURL[r.URL.Path]
	if !ok {
		h.Set("Cache-Control", "no-store")
		http.NotFound(w, r)
		return
	}
	h.Set("Content-Type", f.contentType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	if f.zipped == nil {
		_, _ = w.Write([]byte(f.body))
		return
	}
	h.Set("Vary", "Accept-Encoding")
	if !acceptsGzip(r) {
		_, _ = w.Write([]byte(f.body))
		return
	}
	h.Set("Content-Encoding", "gzip")
	_, _ = w.Write(f.zipped())
}
