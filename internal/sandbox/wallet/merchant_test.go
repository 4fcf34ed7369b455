package wallet

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var accounts = sync.OnceValue(func() *Accounts {
	a, err := NewAccounts()
	if err != nil {
		panic(err)
	}
	return a
})

// merchant speaks both protocols by hand: it shares no client with anybody.
type merchant struct {
	testing.TB
	*Simulator
	weChat, aliPay *rsa.PrivateKey
	doors          int // notices that came
	refuses        int // so many of them are not acknowledged
	mu             sync.Mutex
	forms          []url.Values
	notices        [][]byte
	heads          []http.Header
	arrived        []time.Time
}

// newMerchant is used inside a synctest bubble when time has to pass.
func newMerchant(t testing.TB, change ...func(*Config)) *merchant {
	t.Helper()
	a := accounts()
	m := &merchant{TB: t}
	var err error
	if m.weChat, err = privateKey(a.WeChat.MerchantKey); err != nil {
		t.Fatal(err)
	}
	if m.aliPay, err = privateKey(a.Alipay.MerchantKey); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Accounts: a, Client: &http.Client{Transport: m}}
	for _, c := range change {
		c(&cfg)
	}
	if m.Simulator, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if err := m.Check(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// RoundTrip is the merchant's door for notices.
func (m *merchant) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	form, _ := url.ParseQuery(string(body))
	m.forms, m.notices, m.heads, m.arrived = append(m.forms, form), append(m.notices, body), append(m.heads, r.Header), append(m.arrived, time.Now())
	m.doors++
	status, text := http.StatusOK, "success"
	if m.doors <= m.refuses {
		status, text = http.StatusInternalServerError, "fail"
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
}

// weChatCall asks in WeChat's words and verifies the answer's signature.
func (m *merchant) ask(method, path string, in any) (status int, out map[string]any) {
	m.Helper()
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			m.Fatal(err)
		}
	}
	rec := m.raw(method, path, body, m.authorization(method, path, body, time.Now()))
	if rec.Code == http.StatusNoContent {
		return rec.Code, nil
	}
	h := rec.Header()
	if !verified(&m.keys.weChat.PublicKey, lines(h.Get("Wechatpay-Timestamp"), h.Get("Wechatpay-Nonce"), rec.Body.String()), h.Get("Wechatpay-Signature")) {
		m.Errorf("%s %s is answered without a right signature", method, path)
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil {
		m.Fatal(err)
	}
	return rec.Code, out
}

func (m *merchant) raw(method, path string, body []byte, authorization string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, path, bytes.NewReader(body))
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	rec := httptest.NewRecorder()
	m.ServeHTTP(rec, r)
	return rec
}

func (m *merchant) authorization(method, path string, body []byte, at time.Time) string {
	stamp, nonce, a := strconv.FormatInt(at.Unix(), 10), rand.Text(), m.cfg.Accounts.WeChat
	sig, err := sign(m.weChat, lines(method, path, stamp, nonce, string(body)))
	if err != nil {
		m.Fatal(err)
	}
	return fmt.Sprintf(`%s mchid="%s",nonce_str="%s",timestamp="%s",serial_no="%s",signature="%s"`, weChatScheme, a.MchID, nonce, stamp, a.Serial, sig)
}

// codepay is a payment by the customer's code, in fen.
func (m *merchant) codepay(order string, amount int64) (int, map[string]any) {
	m.Helper()
	a := m.cfg.Accounts.WeChat
	return m.ask("POST", "/v3/pay/transactions/codepay", map[string]any{
		"appid": a.AppID, "mchid": a.MchID, "description": "苹果", "out_trade_no": order,
		"amount": map[string]any{"total": amount, "currency": "CNY"}, "payer": map[string]string{"auth_code": Draw(WeChat)},
	})
}

func (m *merchant) weChatState(order string) string {
	m.Helper()
	_, out := m.ask("GET", "/v3/pay/transactions/out-trade-no/"+order+"?mchid="+m.cfg.Accounts.WeChat.MchID, nil)
	return fmt.Sprint(out["trade_state"])
}

// gateway asks in Alipay's words and verifies the answer's signature.
func (m *merchant) gateway(method string, biz map[string]string, params ...string) map[string]any {
	m.Helper()
	content, err := json.Marshal(biz)
	if err != nil {
		m.Fatal(err)
	}
	form := url.Values{"app_id": {m.cfg.Accounts.Alipay.AppID}, "method": {method}, "charset": {"utf-8"}, "sign_type": {"RSA2"}, "version": {"1.0"},
		"timestamp": {time.Now().In(china).Format(time.DateTime)}, "biz_content": {string(content)}}
	for i := 0; i < len(params); i += 2 {
		form.Set(params[i], params[i+1])
	}
	sig, err := sign(m.aliPay, alipayParam(form, "sign"))
	if err != nil {
		m.Fatal(err)
	}
	form.Set("sign", sig)
	rec := m.post("/gateway.do", form)
	var out map[string]json.RawMessage
	if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil {
		m.Fatalf("%s: %v", rec.Body, err)
	}
	inner := out[strings.ReplaceAll(method, ".", "_")+"_response"]
	var s string
	if err := json.Unmarshal(out["sign"], &s); err != nil || !verified(&m.keys.aliPay.PublicKey, inner, s) {
		m.Errorf("%s is answered without a right signature", method)
	}
	var value map[string]any
	if err := json.Unmarshal(inner, &value); err != nil {
		m.Fatal(err)
	}
	return value
}

func (m *merchant) post(path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	m.ServeHTTP(rec, r)
	return rec
}

// tradepay is a payment by the customer's code.
func (m *merchant) tradepay(order, yuan string) map[string]any {
	m.Helper()
	return m.gateway("alipay.trade.pay", map[string]string{"out_trade_no": order, "total_amount": yuan, "subject": "苹果", "scene": "bar_code",
		"auth_code": Draw(Alipay)}, "notify_url", "http://merchant/notify")
}

// decipher opens a resource as a merchant does.
func (m *merchant) decipher(resource map[string]any) []byte {
	m.Helper()
	block, err := aes.NewCipher(m.cfg.Accounts.WeChat.APIv3Key.Reveal())
	if err != nil {
		m.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		m.Fatal(err)
	}
	text := func(k string) string { return fmt.Sprint(resource[k]) }
	sealed, err := base64.StdEncoding.DecodeString(text("ciphertext"))
	if err != nil {
		m.Fatal(err)
	}
	plain, err := aead.Open(nil, []byte(text("nonce")), sealed, []byte(text("associated_data")))
	if err != nil {
		m.Fatal(err)
	}
	return plain
}
