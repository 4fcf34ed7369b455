package web

import (
	"compress/gzip"
	"net/http"
	"strings"
	"sync"
)

var zippers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// compressed is a writer that zips text, and leaves events and pictures alone.
type compressed struct {
	http.ResponseWriter
	zip     *gzip.Writer
	decided bool
}

// compress zips what is written to w when its reader can read that. done ends it.
func compress(w http.ResponseWriter, r *http.Request) (_ http.ResponseWriter, done func()) {
	w.Header().Add("Vary", "Accept-Encoding")
	if !acceptsGzip(r) {
		return w, func() {}
	}
	c := &compressed{ResponseWriter: w}
	return c, c.close
}

func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name == "gzip" && strings.TrimSpace(q) != "q=0" {
			return true
		}
	}
	return false
}

// texty are the types that zip well. A stream of events is not among them: each has to leave at once.
var texty = []string{"text/html", "text/css", "text/csv", "text/plain", "text/javascript", "application/json", "application/problem+json", "image/svg+xml", "application/manifest+json", "application/wasm"}

func zips(contentType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	for _, name := range texty {
		if t == name {
			return true
		}
	}
	return false
}

// WriteHeader decides by type and status whether to zip.
func (c *compressed) WriteHeader(status int) {
	h := c.Header()
	if !c.decided && status >= 200 {
		c.decided = true
		empty := status == http.StatusNoContent || status == http.StatusNotModified
		if !empty && h.Get("Content-Encoding") == "" && zips(h.Get("Content-Type")) {
			h.Set("Content-Encoding", "gzip")
			h.Del("Content-Length")
			c.zip = zippers.Get().(*gzip.Writer)
			c.zip.Reset(c.ResponseWriter)
		}
	}
	c.ResponseWriter.WriteHeader(status)
}

// Write zips b, or passes it on.
func (c *compressed) Write(b []byte) (int, error) {
	if !c.decided {
		c.WriteHeader(http.StatusOK)
	}
	if c.zip != nil {
		return c.zip.Write(b)
	}
	return c.ResponseWriter.Write(b)
}

// Flush sends what is waiting.
func (c *compressed) Flush() {
	if c.zip != nil {
		_ = c.zip.Flush()
	}
	_ = http.NewResponseController(c.ResponseWriter).Flush()
}

// Unwrap is for http.ResponseController.
func (c *compressed) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *compressed) close() {
	if c.zip != nil {
		_ = c.zip.Close()
		zippers.Put(c.zip)
		c.zip = nil
	}
}
