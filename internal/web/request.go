package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/text/language"

	"hawker/internal/auth"
	"hawker/internal/fault"
)

// Lang is the language of a page.
type Lang string

// The languages. Both sides of every text are filled.
const (
	ZH Lang = "zh-CN"
	EN Lang = "en"
)

// Theme is the choice of light or dark; System follows the device.
type Theme string

// The themes.
const (
	System Theme = "system"
	Bright Theme = "light"
	Dark   Theme = "dark"
)

// Next is the theme that the switch chooses after this one.
func (t Theme) Next() Theme {
	return map[Theme]Theme{System: Bright, Bright: Dark, Dark: System}[t]
}

// Request is an HTTP request with what the kit found out about it.
type Request struct {
	*http.Request
	Who    auth.Who // zero when Signed is false
	Signed bool     // somebody is signed in
	Lang   Lang
	Theme  Theme
	// Writer is for responses that need it before they are returned, such as a cookie.
	Writer http.ResponseWriter

	kit  *Kit
	door Door
}

// T says a text of the catalogue in the request's language.
func (r *Request) T(key string, args ...any) string { return r.kit.texts.Say(r.Lang, key, args...) }

// Known is a text of a family, such as "web.state.", or the name itself when it is newer than the texts.
func (r *Request) Known(family, name string) string { return r.kit.texts.known(r.Lang, family, name) }

// Say is an error's sentence in the request's language.
func (r *Request) Say(err error) string { return say(r.Lang, err) }

// Part reports whether htmx asks, who wants a piece of a page and no page.
func (r *Request) Part() bool {
	return r.Header.Get("HX-Request") == "true" && r.Header.Get("HX-History-Restore-Request") != "true"
}

// Asset is the address of an embedded file: "office/office.js", "lib/zxing.wasm".
func (r *Request) Asset(name string) string { return r.kit.files.url(name) }

// wantsJSON reports whether a program asks.
func (r *Request) wantsJSON() bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html")
}

func say(l Lang, err error) string {
	f := fault.Of(err)
	switch {
	case f == nil:
		return ""
	case l == ZH:
		return f.ZH
	}
	return f.EN
}

// The preferences' cookies, which are kept for a year.
const (
	langCookie, themeCookie = "hawker-lang", "hawker-theme"
	preferenceAge           = 365 * 24 * time.Hour
)

// Chinese is first: it is what a browser gets that wants neither.
var matcher = language.NewMatcher([]language.Tag{language.Chinese, language.English})

// languageOf is the language a request wants: by ?lang=, its cookie, or what its browser prefers.
func languageOf(r *http.Request) Lang {
	if l, ok := readLang(r.URL.Query().Get("lang")); ok {
		return l
	}
	if c, err := r.Cookie(langCookie); err == nil {
		if l, ok := readLang(c.Value); ok {
			return l
		}
	}
	if tag, _ := language.MatchStrings(matcher, r.Header.Get("Accept-Language")); strings.HasPrefix(tag.String(), "en") {
		return EN
	}
	return ZH
}

func readLang(s string) (Lang, bool) {
	switch strings.ToLower(s) {
	case "zh", "zh-cn", "zh-hans":
		return ZH, true
	case "en":
		return EN, true
	}
	return "", false
}

// themeOf is the theme a request wants, by ?theme= or its cookie.
func themeOf(r *http.Request) Theme {
	if t := Theme(r.URL.Query().Get("theme")); t.Next() != "" {
		return t
	}
	if c, err := r.Cookie(themeCookie); err == nil && Theme(c.Value).Next() != "" {
		return Theme(c.Value)
	}
	return System
}

// prefer keeps a choice made by ?lang= or ?theme= in cookies, and tells the address without it.
func (k *Kit) prefer(w http.ResponseWriter, r *http.Request) (clean string, chose bool) {
	q := r.URL.Query()
	for name, value := range map[string]string{langCookie: string(languageOf(r)), themeCookie: string(themeOf(r))} {
		param := strings.TrimPrefix(name, "hawker-")
		if !q.Has(param) {
			continue
		}
		q.Del(param)
		chose = true
		http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(preferenceAge.Seconds()), Secure: k.config.TLS, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	}
	u := url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: q.Encode()}
	return localPath(u.String()), chose
}

// localPath is a path on this site, and never the beginning of another one's address.
func localPath(p string) string {
	if !strings.HasPrefix(p, "/") || strings.HasPrefix(p, "//") || strings.HasPrefix(p, "/\\") {
		return "/"
	}
	return p
}

// Local returns path when it is one of this site, and else instead.
// Use it for whatever a ?next= brings.
func Local(path, instead string) string {
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() || u.Host != "" || path == "" || localPath(path) != path || strings.ContainsAny(path, "\\\r\n") {
		return instead
	}
	return path
}

// May reports whether the policy allows whoever asks an action.
func (r *Request) May(a auth.Action) bool { return r.Signed && auth.Allows(r.Who, a) }
