package pos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"strings"
	"testing"

	"hawker/internal/auth"
	"hawker/internal/payment"
	"hawker/internal/training"
)

// call sends a body to the screen's JSON and reads the answer.
func (s *stand) call(t *testing.T, method, path, kind string, body []byte) (status int, v map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.server.URL+"/pos/api/"+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", kind)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal(text, &v) // a photo is none
	return answer.StatusCode, v
}

func (s *stand) json(t *testing.T, method, path, body string) (int, map[string]any) {
	t.Helper()
	return s.call(t, method, path, "application/json", []byte(body))
}

const lunch = `{"key":"k1","method":"cash","amount":4650,"tendered":5000,"cart":{"lines":[{"amount":4650,"quantity":1}]}}`

func TestOneKeyIsOnePayment(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	_, first := s.json(t, "POST", "payments", lunch)
	status, again := s.json(t, "POST", "payments", lunch)
	if status != http.StatusOK || again["id"] != first["id"] || again["state"] != "approved" || again["change"] != 350.0 || again["by"] != "陈晨" {
		t.Errorf("%d %v after %v", status, again, first)
	}
	if status, v := s.json(t, "GET", "begun/k1", ""); status != http.StatusOK || v["id"] != first["id"] {
		t.Errorf("by its key: %d %v", status, v)
	}
	if status, _ := s.json(t, "GET", "begun/k2", ""); status != http.StatusNotFound {
		t.Errorf("a key that nobody used: %d", status)
	}
	if status, v := s.json(t, "POST", "payments", strings.ReplaceAll(lunch, "4650", "4651")); status != http.StatusConflict {
		t.Errorf("the same key for another amount: %d %v", status, v)
	}
	if all, _ := s.made(t); all != 1 {
		t.Errorf("%d payments", all)
	}
}

func TestAWishThatIsWrongIsRefusedInWords(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.stock()
	for name, c := range map[string]struct {
		path, body string
		status     int
		refusal    string
	}{
		"no JSON":                            {"payments", `amount=1`, 422, "body_unreadable"},
		"a field that nobody knows":          {"payments", strings.Replace(lunch, `"key"`, `"tip":1,"key"`, 1), 422, "body_unreadable"},
		"an amount of nothing":               {"payments", strings.ReplaceAll(lunch, "4650", "0"), 422, "amount_unreadable"},
		"an amount below nothing":            {"payments", strings.Replace(lunch, `"amount":4650,"tendered"`, `"amount":-1,"tendered"`, 1), 422, "amount_unreadable"},
		"less cash than is due":              {"payments", strings.Replace(lunch, "5000", "4600", 1), 422, "cash_short"},
		"another total than the catalogue's": {"payments", strings.Replace(lunch, `"amount":4650,"tendered"`, `"amount":4600,"tendered"`, 1), 409, "price_changed"},
		"an item of nobody":                  {"payments", strings.Replace(lunch, `{"amount":4650,`, `{"item":"77",`, 1), 404, "item_unknown"},
		"a code that is none":                {"payments", strings.Replace(lunch, `"method":"cash"`, `"method":"scan","code":"hello"`, 1), 422, "code_unreadable"},
		"a method that there is not":         {"payments", strings.Replace(lunch, `"method":"cash"`, `"method":"shells"`, 1), 422, "method_not_accepted"},
		"no key":                             {"payments", strings.Replace(lunch, `"k1"`, `""`, 1), 422, "order_invalid"},
		"a payment that there is not":        {"payments/00ABCDEFGHIJ/refund", `{"key":"r","amount":1}`, 404, "original_not_found"},
		"a handover code that is wrong":      {"takeover", `{"code":"000000"}`, 404, "handover_code"},
		"a drawer below nothing":             {"shift/open", `{"float":-1}`, 422, "cash_count"},
		"a shift that is not open":           {"shift/close", `{"counted":1}`, 409, "shift_closed"},
	} {
		status, v := s.json(t, "POST", c.path, c.body)
		if status != c.status || v["error"] != c.refusal || v["message"] == "" {
			t.Errorf("%s: %d %v, want %d %s", name, status, v, c.status, c.refusal)
		}
	}
	if all, _ := s.made(t); all != 0 {
		t.Errorf("%d payments were made", all)
	}
}

func TestAnothersPaymentDoesNotExist(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	_, p := s.json(t, "POST", "payments", lunch)
	id := p["id"].(string)
	mine := auth.Who{Kind: auth.Staff, ID: 1, Merchant: 1, Role: auth.Owner, Name: "陈晨"}
	theirs := mine
	theirs.Merchant = 2
	s.is(theirs)
	for _, route := range s.screen.routes() {
		if !strings.Contains(route.Pattern, "/payments/{id}") {
			continue
		}
		path := strings.TrimPrefix(strings.Replace(route.Pattern, "{id}", id, 1), "/pos/api/")
		if status, v := s.json(t, route.Method, path, `{"key":"r","id":"`+id+`","amount":1,"reason":"x"}`); status != http.StatusNotFound {
			t.Errorf("%s %s by another merchant: %d %v", route.Method, route.Pattern, status, v)
		}
	}
	for role, wants := range map[auth.Role]map[string]int{
		auth.Accountant: {"POST payments": 403, "GET payments": 200, "POST payments/" + id + "/refund": 403, "POST items": 403, "GET items": 200, "GET today": 200},
		auth.Cashier:    {"GET payments/" + id: 200, "POST items": 403, "GET shift": 409},
	} {
		who := mine
		who.Role = role
		s.is(who)
		for what, want := range wants {
			method, path, _ := strings.Cut(what, " ")
			if status, v := s.json(t, method, path, `{}`); status != want {
				t.Errorf("%s by %s: %d %v, want %d", what, role, status, v, want)
			}
		}
	}
	s.is(auth.Who{})
	if status, _ := s.json(t, "GET", "state", ""); status != http.StatusUnauthorized {
		t.Errorf("nobody in particular: %d", status)
	}
}

func TestASignatureIsBoundToItsCardPayment(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	a, err := s.engine.Sale(t.Context(), saleOf(s, 35000))
	if err != nil {
		t.Fatal(err)
	}
	id := payment.Ref(a.Payment)
	if _, v := s.json(t, "GET", "payments/"+id, ""); v["sign"] != true {
		t.Errorf("over the limit: %v", v)
	}
	picture := append([]byte("P4\n320 120\n"), make([]byte, 40*120)...)
	if status, v := s.call(t, "POST", "payments/"+id+"/signature", "image/x-portable-bitmap", []byte("<svg onload=alert(1)>")); status != 422 {
		t.Errorf("no picture: %d %v", status, v)
	}
	if status, v := s.call(t, "POST", "payments/"+id+"/signature", "image/x-portable-bitmap", picture); status != 200 || v["signed"] != true || v["sign"] == true {
		t.Errorf("signed: %d %v", status, v)
	}
	if status, v := s.call(t, "POST", "payments/"+id+"/signature", "image/x-portable-bitmap", picture); status != 409 {
		t.Errorf("signed twice: %d %v", status, v)
	}
	_, cash := s.json(t, "POST", "payments", lunch)
	if status, v := s.call(t, "POST", fmt.Sprintf("payments/%s/signature", cash["id"]), "image/x-portable-bitmap", picture); status != 409 {
		t.Errorf("signed for cash: %d %v", status, v)
	}
	if status, v := s.json(t, "GET", "payments/"+id+"/receipt", ""); status != 200 || !strings.HasPrefix(v["link"].(string), "https://pay.example/r/") {
		t.Errorf("its receipt: %d %v", status, v)
	}
	if status, _ := s.json(t, "GET", "payments/"+id+"/escpos", ""); status != 200 {
		t.Errorf("its slip: %d", status)
	}
}

func TestItemsAreKeptWithTheirPhotos(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	status, i := s.json(t, "POST", "items", `{"zh":"牛肉面","price":2800,"category":"面"}`)
	if status != 200 || i["id"] == "" {
		t.Fatalf("%d %v", status, i)
	}
	path := fmt.Sprintf("items/%s", i["id"])
	if status, i = s.json(t, "PUT", path, `{"zh":"牛肉面","en":"Beef noodles","price":3000,"state":"sold out"}`); status != 200 || i["price"] != 3000.0 || i["state"] != "sold out" {
		t.Errorf("changed: %d %v", status, i)
	}
	var photo bytes.Buffer
	if err := png.Encode(&photo, image.NewRGBA(image.Rect(0, 0, 64, 64))); err != nil {
		t.Fatal(err)
	}
	status, kept := s.call(t, "PUT", path+"/photo", "image/png", photo.Bytes())
	if status != 200 {
		t.Fatalf("photo: %d %v", status, kept)
	}
	if status, _ := s.json(t, "GET", fmt.Sprintf("%s/photo/%s", path, kept["photo"]), ""); status != 200 {
		t.Errorf("its photo: %d", status)
	}
	if status, v := s.call(t, "PUT", path+"/photo", "image/png", []byte("GIF89a")); status != 422 {
		t.Errorf("no photo: %d %v", status, v)
	}
	if status, v := s.json(t, "PUT", "items/77", `{"zh":"x","price":1}`); status != 404 {
		t.Errorf("no item: %d %v", status, v)
	}
}

func TestWhoHasNotLearntBeginsNothing(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	if status, v := s.json(t, "POST", "payments", lunch); status != http.StatusOK {
		t.Fatalf("%d %v", status, v)
	}
	s.screen.Trained = func(_ context.Context, who auth.Who) error {
		if who.Name != "陈晨" {
			t.Errorf("%+v is asked about", who)
		}
		return training.ErrUntrained
	}
	for path, body := range map[string]string{"payments": strings.Replace(lunch, `"k1"`, `"k2"`, 1), "card": strings.Replace(lunch, `"k1"`, `"k3"`, 1)} {
		if status, v := s.json(t, "POST", path, body); status != http.StatusForbidden || v["error"] != "training_needed" {
			t.Errorf("%s: %d %v", path, status, v)
		}
	}
	for _, key := range []string{"k2", "k3"} {
		if status, _ := s.json(t, "GET", "begun/"+key, ""); status != http.StatusNotFound {
			t.Errorf("%s was begun: %d", key, status)
		}
	}
	if status, v := s.json(t, "POST", "payments", lunch); status != http.StatusOK || v["state"] != "approved" {
		t.Errorf("what was begun before: %d %v", status, v)
	}
}
