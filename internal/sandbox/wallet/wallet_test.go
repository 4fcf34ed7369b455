package wallet

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Every amount of the table meets what the package says, on both wallets.
func TestAmountsMisbehaveAsTheTableSays(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		fen    int64
		weChat string // code of the answer; "" for SUCCESS
		alipay string
		state  string // after a minute, in WeChat's words
		paid   bool
	}{
		{4650, "", "10000", "SUCCESS", true},
		{9051, "NOT_ENOUGH", "ACQ.BUYER_BALANCE_NOT_ENOUGH", "PAYERROR", false},
		{9054, "AUTH_CODE_EXPIRED", "ACQ.PAYMENT_AUTH_CODE_INVALID", "PAYERROR", false},
		{9061, "RULE_LIMIT", "ACQ.BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR", "PAYERROR", false},
		{9088, "USERPAYING", "10003", "PAYERROR", false},
		{9089, "USERPAYING", "10003", "USERPAYING", false},
		{9090, "USERPAYING", "10003", "SUCCESS", true},
		{9091, "SYSTEM_ERROR", "isp.unknow-error", "SUCCESS", true},
		{100001, "USERPAYING", "10003", "SUCCESS", true},
	} {
		t.Run(yuan(row.fen), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newMerchant(t)
				_, out := m.codepay("W1", row.fen)
				if code, _ := out["code"].(string); code != row.weChat {
					t.Errorf("WeChat answers %v", out)
				}
				out = m.tradepay("A1", yuan(row.fen))
				code, _ := out["sub_code"].(string)
				if code == "" {
					code = fmt.Sprint(out["code"])
				}
				if code != row.alipay {
					t.Errorf("Alipay answers %v", out)
				}
				time.Sleep(time.Minute)
				if state := m.weChatState("W1"); state != row.state {
					t.Errorf("after a minute it is %s", state)
				}
				for _, b := range m.Books() {
					if !row.paid || b.Paid != fen(row.fen) || b.Net != b.Paid || b.Orders != 1 {
						t.Errorf("booked %+v", b)
					}
				}
				if booked := len(m.Books()) == 2; booked != row.paid {
					t.Errorf("both wallets booked it: %v", booked)
				}
			})
		})
	}
}

func TestRequestsThatAreNotTheMerchantsAreRefused(t *testing.T) {
	t.Parallel()
	m := newMerchant(t)
	const path = "/v3/pay/transactions/out-trade-no/W1?mchid=1900000001"
	now := time.Now()
	for name, header := range map[string]string{
		"none":             "",
		"another scheme":   "Basic abc",
		"an old one":       m.authorization("GET", path, nil, now.Add(-6*time.Minute)),
		"one from ahead":   m.authorization("GET", path, nil, now.Add(6*time.Minute)),
		"another path":     m.authorization("GET", "/v3/certificates", nil, now),
		"another body":     m.authorization("GET", path, []byte("x"), now),
		"another serial":   strings.Replace(m.authorization("GET", path, nil, now), m.cfg.Accounts.WeChat.Serial, "00", 1),
		"another mchid":    strings.Replace(m.authorization("GET", path, nil, now), "1900000001", "1900000002", 1),
		"no base64":        strings.Replace(m.authorization("GET", path, nil, now), `signature="`, `signature="!`, 1),
		"cut in the midst": m.authorization("GET", path, nil, now)[:60],
	} {
		if rec := m.raw("GET", path, nil, header); rec.Code != http.StatusUnauthorized || !strings.Contains(rec.Body.String(), "SIGN_ERROR") {
			t.Errorf("%s: answered %d %s", name, rec.Code, rec.Body)
		}
	}
	for _, c := range []struct {
		name string
		at   time.Time
		want string
	}{
		{"another signature", now, "isv.invalid-signature"},
		{"an old one", now.Add(-16 * time.Minute), "isv.invalid-timestamp"},
		{"one from ahead", now.Add(16 * time.Minute), "isv.invalid-timestamp"},
	} {
		form := url.Values{"app_id": {m.cfg.Accounts.Alipay.AppID}, "method": {"alipay.trade.query"}, "sign": {"AAAA"}, "timestamp": {c.at.In(china).Format(time.DateTime)}}
		if rec := m.post("/gateway.do", form); !strings.Contains(rec.Body.String(), c.want) {
			t.Errorf("Alipay answered %s with %s", c.name, rec.Body)
		}
	}
	if status, out := m.ask("GET", "/v3/pay/transactions/out-trade-no/W1?mchid=1900000002", nil); status != http.StatusForbidden {
		t.Errorf("another merchant's order: %d %v", status, out)
	}
	partner := map[string]any{"sp_appid": m.cfg.Accounts.WeChat.AppID, "sp_mchid": "1900000001", "sub_mchid": "1900000999", "description": "x", "out_trade_no": "W2",
		"amount": map[string]any{"total": 1}, "payer": map[string]string{"auth_code": Draw(WeChat)}}
	if status, out := m.ask("POST", "/v3/pay/partner/transactions/codepay", partner); status != http.StatusForbidden {
		t.Errorf("an unknown sub-merchant: %d %v", status, out)
	}
	if len(m.Orders()) != 0 {
		t.Errorf("something was booked: %v", m.Orders())
	}
}

func TestNumbersAndCodesAreUsedOnce(t *testing.T) {
	t.Parallel()
	m := newMerchant(t)
	m.codepay("W1", 100)
	if _, out := m.codepay("W1", 100); out["code"] != "OUT_TRADE_NO_USED" {
		t.Errorf("the number again: %v", out)
	}
	m.tradepay("W1", "1.00") // another wallet's numbers are its own
	if out := m.tradepay("W1", "1.00"); out["sub_code"] != "ACQ.CONTEXT_INCONSISTENT" {
		t.Errorf("the number again: %v", out)
	}
	code := Draw(Alipay)
	for i, want := range []string{"10000", "40004"} {
		out := m.gateway("alipay.trade.pay", map[string]string{"out_trade_no": fmt.Sprint("A", i), "total_amount": "1.00", "subject": "x", "scene": "bar_code", "auth_code": code})
		if out["code"] != want {
			t.Errorf("the code, time %d: %v", i, out)
		}
	}
	for _, bad := range []string{"", "1", Draw(WeChat), "2812345678901234567890123"} {
		out := m.gateway("alipay.trade.pay", map[string]string{"out_trade_no": "A9", "total_amount": "1.00", "subject": "x", "scene": "bar_code", "auth_code": bad})
		if out["code"] == "10000" {
			t.Errorf("code %q pays", bad)
		}
	}
	for _, amount := range []string{"0", "-1.00", "0.001", "1e3", "x", ""} {
		if out := m.tradepay("A8", amount); out["code"] == "10000" {
			t.Errorf("amount %q is paid", amount)
		}
	}
}

// Each wallet's notices come after the pauses that its documents give, and stop when one is acknowledged.
func TestNoticesComeOnTheirSchedule(t *testing.T) {
	t.Parallel()
	for _, b := range []Brand{WeChat, Alipay} {
		t.Run(string(b), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newMerchant(t)
				m.refuses = 1000
				began := time.Now()
				m.scanned1(b, "N1", 4650)
				time.Sleep(72 * time.Hour)
				synctest.Wait()
				want := append([]time.Duration{0}, pauses[b]...)
				if len(m.arrived) != len(want) {
					t.Fatalf("%d notices, want %d", len(m.arrived), len(want))
				}
				at := began
				for i, pause := range want {
					if at = at.Add(pause); !m.arrived[i].Equal(at) {
						t.Errorf("notice %d came after %s, want %s", i, m.arrived[i].Sub(began), at.Sub(began))
					}
				}
				m.doors, m.refuses = 0, 2
				m.scanned1(b, "N2", 4650)
				time.Sleep(72 * time.Hour)
				synctest.Wait()
				if m.doors != 3 {
					t.Errorf("%d notices until the third was acknowledged", m.doors)
				}
			})
		})
	}
}

// scanned1 lets a customer scan and pay a merchant's code.
func (m *merchant) scanned1(b Brand, order string, amount int64) string {
	m.Helper()
	var link string
	a, merchant := m.cfg.Accounts, m.cfg.Accounts.WeChat.MchID
	if b == WeChat {
		_, out := m.ask("POST", "/v3/pay/transactions/native", map[string]any{"appid": a.WeChat.AppID, "mchid": a.WeChat.MchID, "description": "苹果",
			"out_trade_no": order, "notify_url": "http://merchant/notify", "amount": map[string]any{"total": amount}})
		link = fmt.Sprint(out["code_url"])
	} else {
		merchant = a.Alipay.AppID
		out := m.gateway("alipay.trade.precreate", map[string]string{"out_trade_no": order, "total_amount": yuan(amount), "subject": "苹果"}, "notify_url", "http://merchant/notify")
		link = fmt.Sprint(out["qr_code"])
	}
	if _, err := m.Scan(link); err != nil {
		m.Fatal(err)
	}
	if _, err := m.Confirm(b, merchant, order); err != nil {
		m.Fatal(err)
	}
	return link
}

func TestAWeChatNoticeIsSignedAndEnciphered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMerchant(t)
		m.scanned1(WeChat, "N1", 4650)
		m.codepay("W1", 4650) // of a payment by code there is none
		synctest.Wait()
		if len(m.notices) != 1 {
			t.Fatalf("%d notices", len(m.notices))
		}
		h, body := m.heads[0], m.notices[0]
		if !verified(&m.keys.weChat.PublicKey, lines(h.Get("Wechatpay-Timestamp"), h.Get("Wechatpay-Nonce"), string(body)), h.Get("Wechatpay-Signature")) {
			t.Error("its signature is wrong")
		}
		var notice struct {
			EventType string         `json:"event_type"`
			Resource  map[string]any `json:"resource"`
		}
		if err := json.Unmarshal(body, &notice); err != nil || notice.EventType != "TRANSACTION.SUCCESS" {
			t.Fatalf("%s: %v", body, err)
		}
		var paid map[string]any
		if err := json.Unmarshal(m.decipher(notice.Resource), &paid); err != nil || paid["out_trade_no"] != "N1" || paid["trade_state"] != "SUCCESS" {
			t.Errorf("it says %v, %v", paid, err)
		}
	})
}

// A client that fetches platform certificates can: the one it gets verifies what is signed.
func TestThePlatformCertificateVerifiesAnswers(t *testing.T) {
	t.Parallel()
	m := newMerchant(t)
	_, out := m.ask("GET", "/v3/certificates", nil)
	first, _ := out["data"].([]any)[0].(map[string]any)
	resource, _ := first["encrypt_certificate"].(map[string]any)
	block, _ := pem.Decode(m.decipher(resource))
	if block == nil {
		t.Fatal("no PEM")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if serial := strings.ToUpper(cert.SerialNumber.Text(16)); serial != first["serial_no"] || !m.keys.weChat.PublicKey.Equal(cert.PublicKey) {
		t.Errorf("certificate %s for serial %v", serial, first["serial_no"])
	}
	const path = "/v3/certificates"
	if rec := m.raw("GET", path, nil, m.authorization("GET", path, nil, time.Now())); rec.Header().Get("Wechatpay-Serial") != first["serial_no"] {
		t.Errorf("answers are signed under %q", rec.Header().Get("Wechatpay-Serial"))
	}
}

// The simulator that is killed and started again knows every order and goes on sending notices.
func TestTheStateFileRemembers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "wallet.jsonl")
		keep := func(c *Config) { c.StateFile = path }
		m := newMerchant(t, keep)
		m.refuses = 1
		m.codepay("W1", 4650)
		m.codepay("W2", 9090) // being typed
		m.scanned1(Alipay, "A1", 4650)
		m.gateway("alipay.trade.refund", map[string]string{"out_trade_no": "A1", "out_request_no": "R1", "refund_amount": "6.50"})
		synctest.Wait()
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		again := newMerchant(t, keep)
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(again.notices) != 1 {
			t.Errorf("%d notices after the restart", len(again.notices))
		}
		if s1, s2 := again.weChatState("W1"), again.weChatState("W2"); s1 != "SUCCESS" || s2 != "SUCCESS" {
			t.Errorf("they are %s and %s", s1, s2)
		}
		if out := again.gateway("alipay.trade.fastpay.refund.query", map[string]string{"out_trade_no": "A1", "out_request_no": "R1"}); out["refund_amount"] != "6.50" {
			t.Errorf("the refund is %v", out)
		}
		if text, err := os.ReadFile(path); err != nil || strings.Contains(string(text), `"code":"1`) {
			t.Errorf("the file holds a customer's code, or %v", err)
		}
	})
}

func TestAStateFileThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	good := `{"time":"2026-11-22T08:00:00Z","event":"placed","brand":"wechat","merchant":"1","order":"A","amount":100,"number":"42"}` + "\n"
	for name, text := range map[string]string{
		"no JSON":                   "{\n",
		"an unknown field":          `{"event":"placed","more":1}` + "\n",
		"paid before it was placed": `{"event":"paid","brand":"wechat","merchant":"1","order":"A"}` + "\n",
		"placed twice":              good + good,
		"no amount":                 strings.Replace(good, "100", "0", 1),
		"refunded before paid":      good + `{"event":"refunded","brand":"wechat","merchant":"1","order":"A","amount":1,"refund":"R"}` + "\n",
	} {
		path := filepath.Join(t.TempDir(), "wallet.jsonl")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := New(Config{Accounts: accounts(), StateFile: path}); err == nil {
			t.Errorf("%s: it was taken", name)
			_ = s.Close()
		}
	}
	path := filepath.Join(t.TempDir(), "wallet.jsonl")
	if err := os.WriteFile(path, []byte(good+`{"event":"pa`), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Accounts: accounts(), StateFile: path})
	if err != nil {
		t.Fatalf("a line cut by a kill: %v", err)
	}
	if err := s.Close(); err != nil || len(s.Orders()) != 1 {
		t.Errorf("%d orders, %v", len(s.Orders()), err)
	}
}

// The page lets a person scan, mistype, confirm and cancel.
func TestThePagePlaysTheCustomer(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, func(c *Config) { c.Manual = true })
	if rec := m.raw("GET", "/phone", nil, ""); rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), "还没有订单") {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	m.codepay("W1", 4650)
	m.codepay("W2", 4650)
	if state := m.weChatState("W1"); state != "USERPAYING" {
		t.Fatalf("it is %s", state)
	}
	order := func(o string) url.Values {
		return url.Values{"brand": {"wechat"}, "merchant": {m.cfg.Accounts.WeChat.MchID}, "order": {o}}
	}
	form := order("W1")
	form.Set("password", "000000")
	if rec := m.post("/phone/confirm", form); rec.Code != http.StatusUnprocessableEntity || !strings.Contains(rec.Body.String(), "密码不对") {
		t.Errorf("a wrong password: %d", rec.Code)
	}
	form.Set("password", Password)
	for _, want := range []int{http.StatusSeeOther, http.StatusUnprocessableEntity} {
		if rec := m.post("/phone/confirm", form); rec.Code != want {
			t.Errorf("confirmed: %d, want %d", rec.Code, want)
		}
	}
	if rec := m.post("/phone/cancel", order("W2")); rec.Code != http.StatusSeeOther {
		t.Errorf("cancelled: %d", rec.Code)
	}
	if s1, s2 := m.weChatState("W1"), m.weChatState("W2"); s1 != "SUCCESS" || s2 != "PAYERROR" {
		t.Errorf("they are %s and %s", s1, s2)
	}
	for path, form := range map[string]url.Values{
		"/phone/scan":   {"link": {"weixin://wxpay/bizpayurl?pr=none"}},
		"/phone/code":   {"brand": {"cash"}},
		"/phone/cancel": order("W9"),
	} {
		if rec := m.post(path, form); rec.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", path, rec.Code)
		}
	}
	if rec := m.post("/phone/code", url.Values{"brand": {"alipay"}}); rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), `id="code">28`) {
		t.Errorf("a code: %d", rec.Code)
	}
	r := m.raw("GET", "/phone/order?"+order("W1").Encode(), nil, "")
	if !strings.Contains(r.Body.String(), "¥46.50") || strings.Contains(r.Body.String(), "<script") || r.Header().Get("Content-Security-Policy") == "" {
		t.Errorf("the order's page: %s", r.Body)
	}
}
