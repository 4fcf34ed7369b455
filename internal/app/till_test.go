package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"hawker/internal/auth"
	"hawker/internal/clock"
	"hawker/internal/training"
)

// counter is the seeded shop's owner at the screen, without a browser.
type counter struct {
	t      *testing.T
	base   string
	cookie string
	keys   int
}

// openCounter signs the first owner in on a running server.
func openCounter(t *testing.T, s *Server) *counter {
	t.Helper()
	token, who := signIn(t, s, 0)
	if err := s.Guard.SetPassword(t.Context(), who, "Braised-lantern-47-harbour"); err != nil {
		t.Fatal(err)
	}
	return &counter{t: t, base: "http://" + s.HTTPAddr(), cookie: "hawker-session=" + token}
}

// signIn opens the first link of the shop's owner, 0, or of the first operator, 1.
func signIn(t *testing.T, s *Server, which int) (token string, who auth.Who) {
	t.Helper()
	ctx, o := t.Context(), auth.Origin{Address: "127.0.0.1", Agent: "test"}
	links, err := s.Hellos(ctx)
	if err != nil || len(links) <= which {
		t.Fatalf("%d links, %v", len(links), err)
	}
	_, secret, _ := strings.Cut(links[which].URL, "/hello/")
	e, _, err := s.Guard.OpenLink(ctx, secret, o)
	if err != nil {
		t.Fatal(err)
	}
	if who, err = s.Guard.Find(ctx, e.Token, o); err != nil {
		t.Fatal(err)
	}
	return e.Token, who
}

// running is a sandbox that serves until the test ends.
func running(t *testing.T) *Server {
	t.Helper()
	return runningAt(t, nil)
}

// runningAt is running by a clock; nil is the machine's.
func runningAt(t *testing.T, now clock.Clock) *Server {
	t.Helper()
	s, err := Start(t.Context(), Config{Data: t.TempDir(), ISO: Listen{Addr: "127.0.0.1:0"}, HTTP: Listen{Addr: "127.0.0.1:0"}, Log: slog.New(slog.DiscardHandler), Network: Network{Timeout: 2 * time.Second}, Clock: now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return s
}

// do sends JSON and reads what a payment's view, or a refusal, says.
func (c *counter) do(method, path string, body any) (status int, v map[string]any) {
	c.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.base+"/pos/api/"+path, bytes.NewReader(b))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Cookie", c.cookie+"; hawker-till=0123456789abcdef")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil || json.Unmarshal(text, &v) != nil {
		c.t.Fatalf("%s %s: %d %s, %v", method, path, answer.StatusCode, text, err)
	}
	return answer.StatusCode, v
}

// charge begins a payment of a typed amount.
func (c *counter) charge(path, method string, minor int64, more map[string]any) map[string]any {
	c.t.Helper()
	c.keys++
	w := map[string]any{"key": fmt.Sprint("key", c.keys), "method": method, "amount": minor, "cart": map[string]any{"lines": []map[string]any{{"amount": minor, "quantity": 1}}}}
	for k, v := range more {
		w[k] = v
	}
	status, v := c.do("POST", path, w)
	if status != http.StatusOK {
		c.t.Fatalf("%s of %d: %d %v", method, minor, status, v)
	}
	return v
}

func TestTheTillTakesMoneyBesideTheSandboxsTerminal(t *testing.T) {
	t.Parallel()
	s := running(t)
	c := openCounter(t, s)

	if p := c.charge("payments", "cash", 4650, map[string]any{"tendered": 5000}); p["state"] != "approved" || p["change"] != 350.0 {
		t.Errorf("cash: %v", p)
	}
	p := c.charge("payments", "code", 2800, nil)
	if p["state"] != "created" || p["symbol"] == nil {
		t.Errorf("a code: %v", p)
	}
	if status, p := c.do("POST", "payments/"+p["id"].(string)+"/cancel", nil); status != http.StatusOK || (p["state"] != "cancelled" && p["state"] != "cancelling") {
		t.Errorf("cancelled: %d %v", status, p)
	}

	// A card: the terminal waits for it, takes it, and the till hears of the payment.
	for _, paid := range []struct{ card, state string }{{"test-debit", "approved"}, {"test-low-funds", "declined"}, {"test-chip", "approved"}} {
		v := c.charge("card", "card", 3500, nil)
		if v["state"] != "present" {
			t.Fatalf("before the card: %v", v)
		}
		key := fmt.Sprint("key", c.keys)
		_, v = c.do("POST", "card/"+key+"/present", map[string]string{"card": paid.card})
		for range 20 {
			if v["id"] != nil && v["id"] != "" || v["state"] == "refused" {
				break
			}
			_, v = c.do("GET", fmt.Sprintf("card/%s?seen=%v", key, v["seq"]), nil)
		}
		if v["state"] != paid.state || v["method"] != "card" || v["by"] != "王小满" {
			t.Errorf("%s: %v", paid.card, v)
		}
		if paid.card == "test-debit" {
			if status, v := c.do("POST", "payments/"+v["id"].(string)+"/void", nil); status != http.StatusOK || v["state"] != "voided" {
				t.Errorf("voided: %d %v", status, v)
			}
		}
	}
	_, v := c.do("GET", "today", nil)
	if v["taken"] != 4650.0+3500 || v["count"] != 2.0 {
		t.Errorf("the day took %v", v)
	}
}

func TestOnlyTheSandboxsOwnMerchantTakesMoneyUntaught(t *testing.T) {
	t.Parallel()
	s, err := Start(t.Context(), Config{Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for _, c := range []struct {
		who  auth.Who
		want error
	}{
		{auth.Who{Kind: auth.Staff, ID: 1, Merchant: seedMerchantID, Role: auth.Cashier}, nil},
		{auth.Who{Kind: auth.Staff, ID: 1, Merchant: seedMerchantID + 1, Role: auth.Cashier}, training.ErrUntrained},
		{auth.Who{Kind: auth.Staff, ID: 1, Merchant: seedMerchantID + 1, Role: auth.Owner}, training.ErrUntrained},
		{auth.Who{Kind: auth.Device, ID: 1, Merchant: seedMerchantID + 1}, nil},
	} {
		if err := s.till.Trained(t.Context(), c.who); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s of %d: %v", c.who.Role, c.who.Merchant, err)
		}
	}
}
