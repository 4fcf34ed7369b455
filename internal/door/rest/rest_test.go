package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"hawker/internal/auth"
	"hawker/internal/door/rest"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestAPaymentIsTakenReadListedAndGivenBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		p := w.pay(cny(4650, "code", w.code(), "order_number", "A-1001", "note", "少辣", "lines", []any{map[string]any{"name": "牛肉面", "quantity": 1, "amount_minor": 4650}}), "approved")
		id := p["id"].(string)
		if p["method"] != "wechat" || p["fee_minor"] != 28.0 || p["order_number"] != "A-1001" || p["note"] != "少辣" || p["created_at"] != "2026-11-22T04:00:00Z" ||
			p["business_date"] != "2026-11-22" || !strings.HasPrefix(p["device"].(string), "key/") {
			t.Errorf("it reads %v", p)
		}
		if a := w.do(call{method: "GET", path: "/v1/payments/" + id}); a.status != 200 || fmt.Sprint(a.json) != fmt.Sprint(p) {
			t.Errorf("read again it is %s", a.body)
		}
		for _, q := range []string{"q=A-1001", "q=" + id, "state=approved&method=wechat,alipay", "from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z", "amount_from=4650&amount_to=4650"} {
			if a := w.do(call{method: "GET", path: "/v1/payments?" + q}); a.status != 200 || len(a.json["data"].([]any)) != 1 {
				t.Errorf("%s finds %d %s", q, a.status, a.body)
			}
		}
		refund := w.do(call{method: "POST", path: "/v1/payments/" + id + "/refunds", body: cny(1000, "reason", "少了一份"), headers: w.idem()})
		if refund.status != 201 || refund.text("state") != "approved" || refund.text("payment") != id || refund.json["fee_minor"] != 6.0 {
			t.Errorf("the refund is %d %s", refund.status, refund.body)
		}
		if a := w.do(call{method: "GET", path: "/v1/payments/" + id + "/refunds"}); len(a.json["data"].([]any)) != 1 {
			t.Errorf("its refunds are %s", a.body)
		}
		if a := w.do(call{method: "GET", path: "/v1/payments/" + id}); a.json["refunded_minor"] != 1000.0 {
			t.Errorf("after the refund it is %s", a.body)
		}
		if a := w.do(call{method: "GET", path: "/v1/payments/" + id + "/timeline"}); len(a.json["data"].([]any)) < 4 {
			t.Errorf("its life is %s", a.body)
		}
		if a := w.do(call{method: "GET", path: "/v1/balances"}); fmt.Sprint(a.json["data"]) != "[map[available_minor:0 currency:CNY pending_minor:3628 reserve_minor:0]]" {
			t.Errorf("the merchant is owed %s", a.body)
		}
		if p := w.pay(cny(51, "code", w.code()), "declined"); p["state"] != "declined" {
			t.Error("a wallet's refusal is not told")
		}
	})
}

func TestAPresentedCodeIsShownAndCancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	p := w.pay(cny(1200), "created")
	present := p["present"].(map[string]any)
	if !strings.HasPrefix(present["link"].(string), "https://pay.example/c/") || present["expires_at"] != "2026-11-22T04:05:00Z" {
		t.Errorf("what to show is %v", present)
	}
	if a := w.do(call{method: "GET", path: present["image"].(string)}); a.status != 200 || a.header.Get("Content-Type") != "image/svg+xml" || !strings.HasPrefix(string(a.body), "<svg") {
		t.Errorf("its picture is %d %s", a.status, a.header)
	}
	id := p["id"].(string)
	if a := w.do(call{method: "POST", path: "/v1/payments/" + id + "/cancel"}); a.status != 200 || a.text("state") != "cancelled" || a.json["present"] != nil {
		t.Errorf("cancelled it is %d %s", a.status, a.body)
	}
	if a := w.do(call{method: "GET", path: present["image"].(string)}); a.status != 409 {
		t.Errorf("the picture of a cancelled payment: %d", a.status)
	}
	for _, path := range []string{"/v1/codes/static/7", "/v1/codes/static/7/code.svg", "/v1/codes/static/7/plate.svg"} {
		if a := w.do(call{method: "GET", path: path}); a.status != 200 || len(a.body) < 50 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

func TestARepeatIsTheSamePaymentAndOtherContentIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	head := w.idem()
	body := cny(900, "code", w.code())
	first := w.do(call{method: "POST", path: "/v1/payments", body: body, headers: head})
	again := w.do(call{method: "POST", path: "/v1/payments", body: body, headers: head})
	if first.status != 201 || again.text("id") != first.text("id") {
		t.Fatalf("%d %s\n%d %s", first.status, first.body, again.status, again.body)
	}
	body["amount_minor"] = 901
	other := w.do(call{method: "POST", path: "/v1/payments", body: body, headers: head})
	if a, b := other.text("first_hash"), other.text("second_hash"); other.status != 409 || len(a) != 64 || len(b) != 64 || a == b {
		t.Errorf("other content: %d %s", other.status, other.body)
	}
	if a := w.do(call{method: "POST", path: "/v1/payments", body: body}); a.status != 422 || !strings.Contains(string(a.body), "Idempotency-Key") {
		t.Errorf("without a key: %d %s", a.status, a.body)
	}
	if a := w.do(call{method: "GET", path: "/v1/payments"}); len(a.json["data"].([]any)) != 1 {
		t.Errorf("there are %s", a.body)
	}
}

func TestARotatedKeyRepeatsWhatItsPredecessorAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	head := w.idem()
	first := w.do(call{method: "POST", path: "/v1/payments", body: cny(900, "method", "cash"), headers: head})
	me := w.do(call{method: "GET", path: "/v1/key"})
	id := keyID(t, me.text("key"))
	_, next, err := w.desk.Rotate(t.Context(), 1, id, time.Hour, system, "")
	if err != nil {
		t.Fatal(err)
	}
	again := w.do(call{method: "POST", path: "/v1/payments", body: cny(900, "method", "cash"), headers: head, key: next.Reveal()})
	if first.status != 201 || again.text("id") != first.text("id") {
		t.Errorf("%s\n%s", first.body, again.body)
	}
}

func TestUnknownFieldsAndBadBodiesHaveNoEffect(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	for name, c := range map[string]struct {
		body   any
		status int
		says   string
	}{
		"a field that nobody knows":      {cny(1, "method", "cash", "amout", 2), 422, "body.amout"},
		"a field in other letters":       {`{"Amount_Minor": 5, "amount_minor": 5, "currency": "CNY", "method": "cash"}`, 422, "Amount_Minor"},
		"a field that comes twice":       {`{"amount_minor": 5, "amount_minor": 500, "currency": "CNY", "method": "cash"}`, 400, "comes twice"},
		"half a fen":                     {`{"amount_minor": 1.5, "currency": "CNY", "method": "cash"}`, 422, "amount_minor"},
		"an amount as text":              {`{"amount_minor": "100", "currency": "CNY", "method": "cash"}`, 422, "amount_minor"},
		"more than there is":             {`{"amount_minor": 1e30, "currency": "CNY", "method": "cash"}`, 422, "amount_minor"},
		"nothing":                        {cny(0, "method", "cash"), 422, "amount_minor"},
		"less than nothing":              {cny(-5, "method", "cash"), 422, "amount_minor"},
		"a currency of nowhere":          {map[string]any{"amount_minor": 1, "currency": "XQX", "method": "cash"}, 422, "currency_not_accepted"},
		"another currency":               {map[string]any{"amount_minor": 1, "currency": "USD", "method": "cash"}, 422, "currency_not_accepted"},
		"a method that is none":          {cny(1, "method", "shells"), 422, "method"},
		"a code that is none":            {cny(1, "code", "hello, no code at all"), 422, "code_differs"},
		"a code of nobody":               {cny(1, "code", "9900000000000000"), 422, "code_"},
		"no JSON":                        {`{"amount_minor": `, 400, "request_unreadable"},
		"an array":                       {`[]`, 422, "request_invalid"},
		"null":                           {`null`, 422, ""},
		"nothing at all":                 {"", 400, ""},
		"a body without end":             {strings.Repeat(" ", 70<<10), 413, "request_too_large"},
		"a nest without end":             {strings.Repeat(`{"lines":[`, 5000), 400, ""},
		"an expiry in the past":          {cny(1, "expires_at", "2020-01-01T00:00:00Z"), 422, "order_invalid"},
		"a note that is too long":        {cny(1, "method", "cash", "note", strings.Repeat("面", 201)), 422, "note"},
		"a note with control characters": {cny(1, "method", "cash", "note", "a\u0007"), 422, "order_invalid"},
	} {
		a := w.do(call{method: "POST", path: "/v1/payments", body: c.body, headers: w.idem()})
		if a.status != c.status || !strings.Contains(string(a.body), c.says) || !strings.HasPrefix(a.text("type"), "urn:hawker:problem:") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := w.do(call{method: "GET", path: "/v1/payments"}); len(a.json["data"].([]any)) != 0 {
		t.Errorf("they had an effect: %s", a.body)
	}
}

func TestAMerchantsProgramSeesNothingOfAnothers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	id := w.pay(cny(900, "method", "cash"), "approved")["id"].(string)
	stranger := w.newKey(2, auth.Scopes()...)
	for _, c := range []call{
		{method: "GET", path: "/v1/payments/" + id},
		{method: "GET", path: "/v1/payments/" + id + "/timeline"},
		{method: "GET", path: "/v1/payments/" + id + "/refunds"},
		{method: "GET", path: "/v1/payments/" + id + "/code.svg"},
		{method: "POST", path: "/v1/payments/" + id + "/cancel"},
		{method: "POST", path: "/v1/payments/" + id + "/refresh"},
		{method: "POST", path: "/v1/payments/" + id + "/refunds", body: cny(1), headers: w.idem()},
	} {
		c.key = stranger
		if a := w.do(c); a.status != 404 || a.text("type") != "urn:hawker:problem:original_not_found" {
			t.Errorf("%s %s: %d %s", c.method, c.path, a.status, a.body)
		}
	}
	if a := w.do(call{method: "GET", path: "/v1/payments", key: stranger}); len(a.json["data"].([]any)) != 0 {
		t.Errorf("he lists %s", a.body)
	}
}

func TestAKeyMayWhatItsScopesSay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	reader := w.newKey(1, auth.ScopePaymentsRead)
	for _, c := range []struct {
		call
		status int
	}{
		{call{method: "GET", path: "/v1/payments", key: reader}, 200},
		{call{method: "GET", path: "/v1/key", key: reader}, 200},
		{call{method: "POST", path: "/v1/payments", key: reader, body: cny(1, "method", "cash"), headers: w.idem()}, 403},
		{call{method: "GET", path: "/v1/balances", key: reader}, 403},
		{call{method: "GET", path: "/v1/payments", key: "none"}, 401},
		{call{method: "GET", path: "/v1/payments", key: "hk_test_1_1_wrong"}, 401},
		{call{method: "GET", path: "/v1/payments", key: "none", headers: map[string]string{"Authorization": "Basic aGk6aGk="}}, 401},
	} {
		if a := w.do(c.call); a.status != c.status || a.status == 401 && a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s %s: %d %s", c.method, c.path, a.status, a.body)
		}
	}
}

func TestTooManyRequestsAreToldWhenToComeBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t), func(c *rest.Config) { c.Rate = rest.Rate{PerSecond: 2, Burst: 3} })
	for i := range 3 {
		if a := w.do(call{method: "GET", path: "/v1/key"}); a.status != 200 || a.header.Get("RateLimit-Remaining") != fmt.Sprint(2-i) || a.header.Get("RateLimit-Limit") != "3" {
			t.Fatalf("request %d: %d %v", i, a.status, a.header)
		}
	}
	a := w.do(call{method: "GET", path: "/v1/key"})
	if a.status != 429 || a.header.Get("Retry-After") != "1" || a.header.Get("RateLimit-Remaining") != "0" || a.header.Get("RateLimit-Reset") != "2" || a.text("type") != "urn:hawker:problem:too_many_requests" {
		t.Errorf("%d %v %s", a.status, a.header, a.body)
	}
	w.pass(time.Second)
	if a := w.do(call{method: "GET", path: "/v1/key"}); a.status != 200 {
		t.Errorf("a second later: %d", a.status)
	}
	for range 20 {
		w.do(call{method: "GET", path: "/v1/key", key: "none"})
	}
	if a := w.do(call{method: "GET", path: "/v1/key", key: "hk_guess"}); a.status != 429 {
		t.Errorf("whoever guesses keys goes on: %d", a.status)
	}
}

func TestEveryAnswerHasANumberAndSpeaksTheLanguageAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	a := w.do(call{method: "GET", path: "/v1/payments/000000000001", headers: map[string]string{"X-Request-Id": "mine-7", "Accept-Language": "zh-CN,zh;q=0.9"}})
	if a.header.Get("X-Request-Id") != "mine-7" || a.text("instance") != "urn:hawker:request:mine-7" || a.text("title") != a.text("title_zh") {
		t.Errorf("%v %s", a.header, a.body)
	}
	for _, odd := range []string{"a b", strings.Repeat("x", 65), "\"><script>"} {
		a := w.do(call{method: "GET", path: "/v1/payments/000000000001", headers: map[string]string{"X-Request-Id": odd}})
		if id := a.header.Get("X-Request-Id"); id == odd || len(id) != 16 || a.text("title") != a.text("title_en") || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%q gives %q %s", odd, id, a.body)
		}
	}
	for _, c := range []struct {
		call
		status int
	}{
		{call{method: "GET", path: "/v1/nothing"}, 404},
		{call{method: "DELETE", path: "/v1/payments"}, 405},
		{call{method: "GET", path: "/v1/payments?colour=red"}, 422},
		{call{method: "GET", path: "/v1/payments?limit=1000"}, 422},
		{call{method: "GET", path: "/v1/payments?cursor=AAAA"}, 422},
		{call{method: "GET", path: "/v1/payments?from=yesterday"}, 422},
		{call{method: "GET", path: "/v1/payments/short"}, 422},
		{call{method: "POST", path: "/v1/payments", body: "a=b", headers: map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Idempotency-Key": "x"}}, 415},
	} {
		if a := w.do(c.call); a.status != c.status || !strings.HasPrefix(a.text("type"), "urn:hawker:problem:") {
			t.Errorf("%s %s: %d %s", c.method, c.path, a.status, a.body)
		}
	}
}

func TestThePageAndTheDocumentAreServed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	for _, lang := range []string{"en", "zh-CN"} {
		a := w.do(call{method: "GET", path: "/v1/docs", key: "none", headers: map[string]string{"Accept-Language": lang}})
		for _, want := range []string{`lang="` + lang + `"`, "/v1/payments/{id}/refunds", "Idempotency-Key", "urn:hawker:problem:trace_reused"} {
			if !strings.Contains(string(a.body), want) {
				t.Errorf("%s: the page does not say %q", lang, want)
			}
		}
		if strings.Contains(string(a.body), "<script") || strings.Contains(string(a.body), "style=") {
			t.Error("the page has script or style of its own")
		}
	}
	if a := w.do(call{method: "GET", path: "/v1/openapi.json", key: "none"}); a.status != http.StatusOK || a.json["openapi"] != "3.1.0" {
		t.Errorf("the document: %d %.200s", a.status, a.body)
	}
	if strings.Contains(string(w.door.Document()), "$schema") {
		t.Error("answers are said to have $schema links")
	}
}
