package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Response is what a handler answers with.
type Response interface {
	respond(w http.ResponseWriter, r *Request) error
}

type rendered struct {
	page, block string // block "" is the whole page in its layout
	data        any
	status      int
	trigger     string
	steady      bool
}

// Page is a whole page of the door: name is its file's, without .html.
func Page(name string, data any) Response {
	return rendered{page: name, data: data, status: http.StatusOK}
}

// Invalid is the page again after a form that cannot be accepted: 422, which htmx swaps in too.
func Invalid(name string, data any) Response {
	return rendered{page: name, data: data, status: http.StatusUnprocessableEntity}
}

// Part is a block that a page's file defines, without layout: for htmx.
func Part(page, block string, data any) Response {
	return rendered{page: page, block: block, data: data, status: http.StatusOK}
}

// InvalidPart is Part after a form that cannot be accepted.
func InvalidPart(page, block string, data any) Response {
	return rendered{page: page, block: block, data: data, status: http.StatusUnprocessableEntity}
}

// Status is a response under another status than its usual one; it changes pages and parts.
func Status(code int, r Response) Response {
	if p, ok := r.(rendered); ok {
		p.status = code
		return p
	}
	return r
}

// Steady is a page that is sent only to a browser that has not got the same already.
func Steady(r Response) Response {
	if p, ok := r.(rendered); ok {
		p.steady = true
		return p
	}
	return r
}

// Trigger is a page or part that also fires an event in the browser, by HX-Trigger.
func Trigger(event string, r Response) Response {
	if p, ok := r.(rendered); ok {
		p.trigger = event
		return p
	}
	return r
}

func (p rendered) respond(w http.ResponseWriter, r *Request) error {
	var b bytes.Buffer
	if err := r.kit.render(&b, r, p.page, p.block, p.data); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(r.Lang))
	h.Add("Vary", "Accept-Language, Cookie, HX-Request")
	if p.trigger != "" {
		h.Set("HX-Trigger", p.trigger)
	}
	if own := r.kit.pages[r.door.Name+"/"+p.page][r.Lang].policy; own != "" {
		h.Set("Content-Security-Policy", own)
	}
	if p.steady && p.status == http.StatusOK {
		sum := sha256.Sum256(b.Bytes())
		tag := `W/"` + hex.EncodeToString(sum[:12]) + `"`
		h.Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	w.WriteHeader(p.status)
	_, err := b.WriteTo(w)
	return err
}

type redirect struct{ to string }

// Redirect sends the browser to a path of this site, by 303.
func Redirect(to string) Response { return redirect{to} }

func (d redirect) respond(w http.ResponseWriter, r *Request) error {
	if r.Part() { // htmx would put the other page into this one
		w.Header().Set("HX-Redirect", localPath(d.to))
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	http.Redirect(w, r.Request, localPath(d.to), http.StatusSeeOther)
	return nil
}

// External sends the browser to another site, such as a wallet's cashier. Its address must come
// from configuration or a channel, never from a request.
func External(to *url.URL) Response {
	return Raw(func(w http.ResponseWriter, r *Request) error {
		http.Redirect(w, r.Request, to.String(), http.StatusSeeOther)
		return nil
	})
}

// Raw writes the answer by itself, such as a stream of events. It returns an error only
// before the first byte.
type Raw func(w http.ResponseWriter, r *Request) error

func (f Raw) respond(w http.ResponseWriter, r *Request) error { return f(w, r) }

// JSON is a value for a program, under a status.
func JSON(status int, v any) Response {
	return Raw(func(w http.ResponseWriter, _ *Request) error {
		b, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("write json: %w", err)
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write(append(b, '\n'))
		return nil
	})
}

// Bytes are a small file that is shown.
func Bytes(contentType string, b []byte) Response {
	return Raw(func(w http.ResponseWriter, _ *Request) error {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Length", strconv.Itoa(len(b)))
		_, _ = w.Write(b)
		return nil
	})
}

// Download is a file that is saved under a name, written as it is read. An error after
// the first byte breaks the connection, so that nobody takes half a file for a whole one.
func Download(name, contentType string, write func(io.Writer) error) Response {
	return Raw(func(w http.ResponseWriter, r *Request) error {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
		if err := write(w); err != nil {
			r.kit.config.Log.Error("download broke off", "file", name, "err", err)
			panic(http.ErrAbortHandler)
		}
		return nil
	})
}

// Toast is a page or part that also says something in a corner: tone is good, bad or warn.
func Toast(text, tone string, r Response) Response {
	b, err := json.Marshal(map[string]map[string]string{"toast": {"text": text, "tone": tone}})
	if err != nil {
		return r // strings are always JSON
	}
	return Trigger(ascii(b), r)
}

// ascii escapes what a header cannot hold.
func ascii(b []byte) string {
	var s strings.Builder
	for _, r := range string(b) {
		switch {
		case r < 0x80:
			s.WriteRune(r)
		case r > 0xFFFF:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&s, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&s, `\u%04x`, r)
		}
	}
	return s.String()
}
