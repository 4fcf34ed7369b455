package rest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hawker/internal/store/storetest"
)

// Whatever comes in, the door answers: with money taken once, or a problem, never with a fault of ours.
func FuzzRequest(f *testing.F) {
	w := newWorld(f, storetest.SQLite(f))
	f.Add("POST", "/v1/payments", `{"amount_minor":1,"currency":"CNY","method":"cash"}`)
	f.Add("POST", "/v1/payments", `{"amount_minor":1e99,"currency":"\u0000\u0000\u0000","lines":[{}],"expires_at":"9999-99-99"}`)
	f.Add("GET", "/v1/payments?cursor=AAAA&limit=-1&from=x&state=,,,", "")
	f.Add("GET", "/v1/payments/%00%ff/refunds", "")
	f.Add("POST", "/v1/webhooks", `{"url":"https://[::1]:99999/","types":["*"]}`)
	f.Add("POST", "/v1/handovers", `{"code":"000000"}`)
	f.Add("GET", "/v1/codes/static/99999999999999999999/plate.svg", "")
	f.Fuzz(func(t *testing.T, method, target, body string) {
		if !strings.HasPrefix(target, "/v1/") || strings.HasPrefix(target, "/v1/events") { // a stream does not end
			return
		}
		r, err := http.NewRequestWithContext(t.Context(), method, "http://hawker.test"+target, strings.NewReader(body))
		if err != nil {
			return
		}
		r.RemoteAddr = "192.0.2.1:1234"
		r.Header.Set("Authorization", "Bearer "+w.key)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", "k")
		rec := httptest.NewRecorder()
		w.door.ServeHTTP(rec, r)
		res := rec.Result()
		defer func() { _ = res.Body.Close() }()
		text, _ := io.ReadAll(res.Body)
		if res.StatusCode >= 500 {
			t.Errorf("%s %q %q: %d %s", method, target, body, res.StatusCode, text)
		}
		if res.StatusCode >= 400 && method != http.MethodHead && res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %q: %d is no problem but %q", method, target, res.StatusCode, text)
		}
	})
}

// FuzzBody takes odd JSON, deep or twice named, for what it is.
func FuzzBody(f *testing.F) {
	w := newWorld(f, storetest.SQLite(f))
	f.Add(`{"amount_minor":1,"amount_minor":2}`)
	f.Add(`[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]`)
	f.Add(`{"a":"b","a":}`)
	f.Add("\ufeff{}")
	f.Fuzz(func(t *testing.T, body string) {
		a := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/payments", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+w.key)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", "k")
		w.door.ServeHTTP(a, r)
		if a.Code >= 500 {
			t.Errorf("%q: %d %s", body, a.Code, a.Body)
		}
	})
}
