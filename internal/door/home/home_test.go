package home

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"hawker/internal/auth"
	"hawker/internal/web"
	"hawker/internal/web/webtest"
)

func TestMain(m *testing.M) { webtest.Main(m) }

type somebody struct{ auth.Who }

func (s somebody) Authenticate(_ http.ResponseWriter, r *http.Request) (context.Context, error) {
	if s.Kind == "" {
		return r.Context(), nil
	}
	return auth.With(r.Context(), s.Who), nil
}

func serve(t *testing.T, who auth.Who) string {
	t.Helper()
	mux := http.NewServeMux()
	kit, err := web.Mount(mux, web.Config{Auth: somebody{who}}, Door(Config{Doors: []string{"/signin", "/pos", "/apply", "/check"}}))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(kit.Guard(mux))
	t.Cleanup(s.Close)
	return s.URL
}

func TestWhoIsSignedInGoesToHisPlace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		who auth.Who
		to  string
	}{
		"an owner sees today":          {auth.Who{Kind: auth.Staff, ID: 1, Merchant: 1, Role: auth.Owner}, "/app"},
		"a cashier takes payments":     {auth.Who{Kind: auth.Staff, ID: 1, Merchant: 1, Role: auth.Cashier}, "/pos"},
		"an operator sees the console": {auth.Who{Kind: auth.Operator, ID: 1, Role: auth.Reviewer}, "/ops"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			got, err := client.Get(serve(t, c.who))
			if err != nil {
				t.Fatal(err)
			}
			_ = got.Body.Close()
			if to := got.Header.Get("Location"); to != c.to {
				t.Errorf("status %d to %q, want %q", got.StatusCode, to, c.to)
			}
		})
	}
}

func TestTheFirstPage(t *testing.T) {
	t.Parallel()
	webtest.Templates(t, Door(Config{}), map[string]any{"home": ways})
	webtest.Look(t, webtest.Browser(t), serve(t, auth.Who{}), "/", "home")
}
