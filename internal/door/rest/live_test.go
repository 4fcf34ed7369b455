package rest_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"hawker/internal/auth"
	"hawker/internal/store/storetest"
)

// listen opens a stream of events and gives its lines.
func (w *world) listen(key, query, last string) *bufio.Scanner {
	w.t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), 30*time.Second)
	w.t.Cleanup(stop)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/v1/events"+query, http.NoBody)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != http.StatusOK {
		w.t.Fatal(res.Status)
	}
	return bufio.NewScanner(res.Body)
}

func next(t testing.TB, s *bufio.Scanner, prefix string) string {
	t.Helper()
	for s.Scan() {
		if rest, ok := strings.CutPrefix(s.Text(), prefix); ok {
			return rest
		}
	}
	t.Fatalf("the stream ended before %q: %v", prefix, s.Err())
	return ""
}

func TestTwoDevicesSeeOnePaymentAndOneEndsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	second := w.newKey(1, auth.ScopePaymentsWrite)
	events := w.listen(second, "?types=payment.*", "0")
	id := w.pay(cny(1200, "order_number", "T-1"), "created")["id"].(string)
	if kind, data := next(t, events, "event: "), next(t, events, "data: "); kind != "payment.created" || !strings.Contains(data, id) {
		t.Fatalf("the second device hears %s %s", kind, data)
	}
	if a := w.do(call{method: "POST", path: "/v1/payments", key: second, body: cny(1200, "order_number", "T-1", "method", "cash"), headers: w.idem()}); a.status != 409 || !strings.Contains(a.text("type"), "order_number_taken") {
		t.Errorf("a second payment for one order: %d %s", a.status, a.body)
	}
	if a := w.do(call{method: "POST", path: "/v1/payments/" + id + "/cancel", key: second}); a.status != 409 || !strings.Contains(a.text("type"), "payment_elsewhere") {
		t.Errorf("the second device ends it: %d %s", a.status, a.body)
	}
	code := w.do(call{method: "POST", path: "/v1/payments/" + id + "/handover"}).text("code")
	if a := w.do(call{method: "POST", path: "/v1/handovers", key: second, body: map[string]any{"code": code}}); a.status != 200 || a.text("id") != id || a.json["present"] == nil {
		t.Fatalf("it takes it over: %d %s", a.status, a.body)
	}
	if kind := next(t, events, "event: "); kind != "payment.handed_over" {
		t.Errorf("told is %s", kind)
	}
	if a := w.do(call{method: "POST", path: "/v1/payments/" + id + "/cancel"}); a.status != 409 {
		t.Errorf("the first device still ends it: %d %s", a.status, a.body)
	}
	if a := w.do(call{method: "POST", path: "/v1/payments/" + id + "/cancel", key: second}); a.status != 200 || a.text("state") != "cancelled" {
		t.Errorf("whoever took it cannot end it: %d %s", a.status, a.body)
	}
	for kind := ""; kind != "payment.cancelled"; {
		if kind = next(t, events, "event: "); kind != "payment.cancelling" && kind != "payment.cancelled" {
			t.Fatalf("told is %s", kind)
		}
	}
	if a := w.do(call{method: "POST", path: "/v1/payments", key: second, body: cny(1200, "order_number", "T-1", "method", "cash"), headers: w.idem()}); a.status != 201 {
		t.Errorf("the order is paid in cash instead: %d %s", a.status, a.body)
	}
	if kind := next(t, w.listen(w.key, "?types=payment.approved", "1"), "event: "); kind != "payment.approved" {
		t.Errorf("resumed after the first event it hears %s", kind)
	}
}

func TestAStreamOfAnothersEventsIsSilent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	stranger := w.newKey(2, auth.Scopes()...)
	w.pay(cny(100, "method", "cash"), "approved")
	s := w.listen(stranger, "", "0")
	if a := w.do(call{method: "POST", path: "/v1/payments", key: stranger, body: cny(7, "method", "cash"), headers: w.idem()}); a.status != 201 {
		t.Fatal(string(a.body))
	}
	if data := next(t, s, "data: "); !strings.Contains(data, `"amount_minor":7`) {
		t.Errorf("a stranger hears %s", data)
	}
	for _, bad := range []string{"?last_event_id=99", "?last_event_id=x", "?types=" + strings.Repeat("a,", 60)} {
		if a := w.do(call{method: "GET", path: "/v1/events" + bad}); a.status != 422 {
			t.Errorf("%s: %d %s", bad, a.status, a.body)
		}
	}
}
