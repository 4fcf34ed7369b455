package rest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"hawker/internal/apikey"
	"hawker/internal/audit"
	"hawker/internal/auth"
	"hawker/internal/door/rest"
	"hawker/internal/merchant"
	"hawker/internal/payment"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

// schema is as much of JSON Schema as the document uses.
type schema struct {
	Ref        string             `json:"$ref"`
	Type       any                `json:"type"`
	Properties map[string]*schema `json:"properties"`
	Required   []string           `json:"required"`
	Items      *schema            `json:"items"`
	Examples   []any              `json:"examples"`
	Format     string             `json:"format"`
	Additional any                `json:"additionalProperties"`
}

type operation struct {
	ID        string `json:"operationId"`
	Responses map[string]struct {
		Content map[string]struct {
			Schema   *schema
			Examples map[string]struct{}
		}
	}
	RequestBody *struct {
		Content map[string]struct{ Schema *schema }
	}
	method, path string
}

// document is the OpenAPI document as a stranger reads it.
type document struct {
	Paths      map[string]map[string]*operation
	Components struct {
		Schemas  map[string]*schema
		Examples map[string]struct{ Value map[string]any }
	}
}

func (d document) resolve(s *schema) *schema {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		return d.Components.Schemas[name]
	}
	return s
}

// fits tells what of a value is not as its schema says; "" for nothing.
func (d document) fits(s *schema, at string, v any) string {
	s = d.resolve(s)
	switch s.Type {
	case "object":
		m, ok := v.(map[string]any)
		if !ok {
			return at + " is no object"
		}
		for _, name := range s.Required {
			if _, there := m[name]; !there {
				return at + "." + name + " is missing"
			}
		}
		for _, name := range slices.Sorted(maps.Keys(m)) {
			p := s.Properties[name]
			if p == nil {
				return at + "." + name + " is not documented"
			}
			if wrong := d.fits(p, at+"."+name, m[name]); wrong != "" {
				return wrong
			}
		}
	case "array":
		list, ok := v.([]any)
		if !ok {
			return at + " is no array"
		}
		for i, e := range list {
			if wrong := d.fits(s.Items, fmt.Sprintf("%s[%d]", at, i), e); wrong != "" {
				return wrong
			}
		}
	case "string":
		text, ok := v.(string)
		if !ok {
			return at + " is no text"
		}
		if at, err := time.Parse(time.RFC3339Nano, text); s.Format == "date-time" && (err != nil || at.Location() != time.UTC) {
			return text + " is no time in UTC"
		}
	case "integer":
		if n, ok := v.(float64); !ok || n != float64(int64(n)) {
			return at + " is no whole number"
		}
	default:
		return fmt.Sprintf("%s has type %v, which the test does not know", at, s.Type)
	}
	return ""
}

// example is the body that a newcomer makes of a schema's examples.
func (d document) example(s *schema) map[string]any {
	body := map[string]any{}
	for name, p := range d.resolve(s).Properties {
		if len(p.Examples) > 0 {
			body[name] = p.Examples[0]
		}
	}
	return body
}

func TestEveryOperationAnswersAsItIsDocumented(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	var doc document
	if err := json.Unmarshal(w.door.Document(), &doc); err != nil {
		t.Fatal(err)
	}
	p := prepare(w)
	done := 0
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for method, o := range doc.Paths[path] {
			o.method, o.path = strings.ToUpper(method), path
			if o.ID == "streamEvents" { // has tests of its own
				continue
			}
			done++
			p.succeeds(t, doc, o)
			p.refuses(t, doc, o)
		}
	}
	if done < 25 {
		t.Errorf("only %d operations were tried", done)
	}
}

// play is a world in which every operation can be asked.
type play struct {
	*world
	slow *world // whose door has no patience
	live string // a key of another mode
}

func prepare(w *world) *play {
	p := &play{world: w, slow: newWorld(w.t, storetest.SQLite(w.t), func(c *rest.Config) { c.Rate = rest.Rate{PerSecond: 0.001, Burst: 1} })}
	_, s, err := w.desk.Create(w.t.Context(), apikey.Wanted{Merchant: 1, Mode: apikey.Live, Name: "live", Scopes: auth.Scopes()}, audit.System, "")
	if err != nil {
		w.t.Fatal(err)
	}
	p.live = s.Reveal()
	return p
}

// good is a request to an operation that must succeed, with the document's own examples.
func (p *play) good(doc document, o *operation) call {
	c := call{method: o.method, path: o.path, headers: p.idem()}
	if o.RequestBody != nil {
		c.body = doc.example(o.RequestBody.Content["application/json"].Schema)
	}
	switch o.ID {
	case "createPayment":
		c.body.(map[string]any)["order_number"] = fmt.Sprint("N-", p.serial)
		c.body.(map[string]any)["code"] = p.code()
		delete(c.body.(map[string]any), "method")
	case "createRefund", "listRefunds", "getPayment", "getTimeline", "refreshPayment":
		c.path = strings.Replace(o.path, "{id}", p.pay(cny(4650, "code", p.code()), "approved")["id"].(string), 1)
	case "cancelPayment", "getPaymentCode", "offerHandover":
		c.path = strings.Replace(o.path, "{id}", p.pay(cny(4650), "created")["id"].(string), 1)
	case "takeHandover":
		id := p.pay(cny(4650), "created")["id"].(string)
		c.body = map[string]any{"code": p.do(call{method: "POST", path: "/v1/payments/" + id + "/handover"}).text("code")}
	case "getStaticCode", "getStaticSymbol", "getPlate":
		c.path = strings.Replace(o.path, "{plate}", "1", 1)
	case "getWebhook", "changeWebhook", "removeWebhook", "rotateWebhookSecret":
		c.path = strings.Replace(o.path, "{id}", p.hook(), 1)
	case "replayDelivery":
		c.path = strings.Replace(o.path, "{id}", p.delivery(), 1)
	case "listDeliveries":
		p.delivery()
	}
	return c
}

// hook is a fresh endpoint of nobody.
func (p *play) hook() string {
	a := p.do(call{method: "POST", path: "/v1/webhooks", body: map[string]any{"url": "https://shop.example/hooks", "types": []string{"test.only"}}})
	id := a.text("id")
	if id == "" {
		p.t.Fatalf("%d %s", a.status, a.body)
	}
	return id
}

// delivery is one that was tried and not taken: nobody listens at port 1.
func (p *play) delivery() string {
	hook := p.do(call{method: "POST", path: "/v1/webhooks", body: map[string]any{"url": "http://127.0.0.1:1/"}}).text("id")
	p.pay(cny(100, "method", "cash"), "approved")
	p.hooks.FanOut(p.t.Context(), 1)
	p.hooks.RunDue(p.t.Context())
	a := p.do(call{method: "GET", path: "/v1/deliveries?endpoint=" + hook})
	return a.json["data"].([]any)[0].(map[string]any)["id"].(string)
}

// clear makes room for more endpoints.
func (p *play) clear() {
	for _, e := range p.do(call{method: "GET", path: "/v1/webhooks"}).json["data"].([]any) {
		p.do(call{method: "DELETE", path: "/v1/webhooks/" + e.(map[string]any)["id"].(string)})
	}
}

func (p *play) succeeds(t *testing.T, doc document, o *operation) {
	t.Helper()
	p.clear()
	a := p.do(p.good(doc, o))
	r, documented := o.Responses[fmt.Sprint(a.status)]
	if !documented || a.status > 299 {
		t.Errorf("%s: the document's own example gives %d %s", o.ID, a.status, a.body)
		return
	}
	for media, content := range r.Content {
		if got := a.header.Get("Content-Type"); got != media {
			t.Errorf("%s gives %s, not %s", o.ID, got, media)
		}
		if media == "application/json" {
			if wrong := doc.fits(content.Schema, o.ID, a.json); wrong != "" {
				t.Error(wrong)
			}
		}
	}
}

// refuses has each documented refusal answered, and holds it against its example.
func (p *play) refuses(t *testing.T, doc document, o *operation) {
	t.Helper()
	for status, r := range o.Responses {
		for name := range r.Content["application/problem+json"].Examples {
			if name == "internal" || name == "codes_unavailable" || name == "webhooks_too_many" { // faults of ours, or tested by themselves
				continue
			}
			a, known := p.provoke(doc, o, name)
			want := doc.Components.Examples[name].Value
			switch {
			case !known:
				t.Errorf("%s says that it refuses with %s, and the test does not know how", o.ID, name)
			case fmt.Sprint(a.status) != status || a.json["type"] != want["type"] || a.json["title_zh"] != want["title_zh"] || a.json["title_en"] != want["title_en"]:
				t.Errorf("%s should refuse with %s %s, and gives %d %s", o.ID, status, name, a.status, a.body)
			case a.header.Get("Content-Type") != "application/problem+json":
				t.Errorf("%s: a problem of type %s", o.ID, a.header.Get("Content-Type"))
			default:
				if wrong := doc.fits(&schema{Ref: "#/components/schemas/Problem"}, name, a.json); wrong != "" {
					t.Error(wrong)
				}
			}
		}
	}
}

// provoke asks an operation so that it refuses by name; false when the test does not know how.
func (p *play) provoke(doc document, o *operation, name string) (answer, bool) {
	p.clear()
	p.pass(10 * time.Second) // whoever has no key is not let try for ever
	c := p.good(doc, o)
	body, _ := c.body.(map[string]any)
	with := func(field string, v any) (answer, bool) {
		body[field] = v
		return p.do(c), true
	}
	switch name {
	case "key_missing":
		c.key = "none"
	case "key_invalid":
		c.key = "hk_test_1_1_x"
	case "key_mode":
		c.key = p.live
	case "scope_missing":
		c.key = p.newKey(1, auth.ScopeShopRead)
	case "too_many_requests":
		p.slow.do(call{method: "GET", path: "/v1/key"})
		c.path = strings.NewReplacer("{id}", "000000000001", "{plate}", "1").Replace(o.path)
		return p.slow.do(c), true
	case "request_unreadable":
		c.body = "{"
	case "request_too_large":
		c.body = `{"x": "` + strings.Repeat("x", 70<<10) + `"}`
	case "media_type":
		c.body, c.headers["Content-Type"] = "x", "text/plain"
	case "request_invalid":
		c.path += "?colour=red"
	case "original_not_found":
		c.path = strings.Replace(o.path, "{id}", "000000000001", 1)
	case "trace_reused":
		p.do(c)
		return with("amount_minor", 7)
	case "currency_not_accepted":
		return with("currency", "USD")
	case "method_not_accepted":
		delete(body, "code")
		return with("method", "unionpay")
	case "code_differs":
		return with("method", "alipay")
	case "code_unknown":
		return with("code", "9900000000000000")
	case "code_length":
		return with("code", "1312345678901234")
	case "order_invalid":
		return with("expires_at", "2020-01-01T00:00:00Z")
	case "order_number_taken":
		p.do(c)
		c.headers = p.idem()
		return with("code", p.code())
	case "merchant_suspended":
		p.suspend(merchant.Suspended)
		defer p.suspend(merchant.Active)
	case "cursor_invalid":
		c.path += "?cursor=AAAA"
	case "filter_invalid":
		c.path += "?q=" + strings.Repeat("%E9%9D%A2", 30)
	case "refund_over_rest":
		return with("amount_minor", 4651)
	case "state_conflict":
		return p.wrongState(o, c), true
	case "payment_elsewhere":
		_, s, err := p.desk.Create(p.t.Context(), apikey.Wanted{Merchant: 1, Name: "other", Scopes: auth.Scopes()}, audit.System, "")
		if err != nil {
			p.t.Fatal(err)
		}
		c.key = s.Reveal()
	case "handover_code":
		return with("code", "000000")
	case "webhook_url":
		return with("url", "http://10.0.0.1/")
	case "webhook_types":
		return with("types", []string{"NOT A TYPE"})
	case "webhook_unknown":
		c.path = strings.NewReplacer("{id}", map[bool]string{true: "wd_1", false: "we_1"}[o.ID == "replayDelivery"]).Replace(o.path)
		if o.ID == "listDeliveries" {
			c.path += "?endpoint=we_1"
		}
	case "webhook_cursor":
		c.path += "?cursor=AAAA"
	case "webhook_state":
		p.clear()
	default:
		return answer{}, false
	}
	return p.do(c), true
}

// wrongState asks about a payment that is in no state for it.
func (p *play) wrongState(o *operation, c call) answer {
	body, state := cny(4650), "created"
	if o.ID != "createRefund" {
		body, state = cny(51, "code", p.code()), "declined"
	}
	id := p.pay(body, state)["id"].(string)
	if o.ID == "cancelPayment" { // a terminal's: only the terminal voids it
		p.write(func(tx *store.Tx) error {
			_, err := tx.Exec(p.t.Context(), `UPDATE payments SET method = 'card', state = 'approved' WHERE payment_id = $1`, ref(p.t, id))
			return err
		})
	}
	c.path = strings.Replace(o.path, "{id}", id, 1)
	return p.do(c)
}

func ref(t testing.TB, number string) int64 {
	t.Helper()
	id, err := payment.ParseRef(number)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (p *play) suspend(s merchant.State) {
	p.write(func(tx *store.Tx) error { return merchant.SetState(p.t.Context(), tx, 1, s) })
	p.pass(time.Minute) // so that what is remembered is forgotten
}
