package alipay

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/money"
)

// signed is Alipay's RSA2 signature.
func signed(t testing.TB, message string) string {
	t.Helper()
	block, _ := pem.Decode(accounts().Alipay.PlatformKey.Reveal())
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256([]byte(message))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key.(*rsa.PrivateKey), crypto.SHA256, hash[:])
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(sig)
}

// answers is a transport that answers everything alike, and keeps what was asked.
type answers struct {
	body  func(method string) string
	asked *[]url.Values
}

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	if a.asked != nil {
		*a.asked = append(*a.asked, form)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.body(form.Get("method"))))}, nil
}

func request(kind channel.Kind) channel.Request {
	code, err := card.NewCode("2812345678901234")
	if err != nil {
		panic(err)
	}
	return channel.Request{Kind: kind, Ref: "R00000000001", At: time.Now().Add(-time.Hour), Amount: money.New(100, money.CNY), Code: code,
		Merchant: channel.Merchant{MID: "898310058120001", Name: "小李水果"},
		Original: channel.Original{Kind: channel.Sale, Ref: "R00000000000", At: time.Now().Add(-time.Hour), Amount: money.New(100, money.CNY)}}
}

// A refusal counts when it is signed; the SDK returns any as an error of its own kind.
func TestARefusalWithoutARightSignatureIsNone(t *testing.T) {
	t.Parallel()
	const no = `{"code":"40004","msg":"Business Failed","sub_code":"ACQ.BUYER_BALANCE_NOT_ENOUGH","sub_msg":"no"}`
	for name, row := range map[string]struct {
		body string
		want channel.Result
	}{
		"signed":                  {`{"%s":` + no + `,"sign":"` + signed(t, no) + `"}`, channel.Declined},
		"unsigned":                {`{"%s":` + no + `}`, channel.Silent},
		"signed for another body": {`{"%s":` + no + `,"sign":"` + signed(t, no+" ") + `"}`, channel.Silent},
		"an error response":       {`{"error_response":` + no + `}%.0s`, channel.Silent},
		"a page":                  {`<html>%s</html>`, channel.Silent},
		"a signature of letters":  {`{"%s":` + no + `,"sign":"!"}`, channel.Silent},
	} {
		c := config(t)
		c.Pace = channel.Pace{First: time.Millisecond, Longest: time.Millisecond, Deadline: 20 * time.Millisecond}
		c.Transport = answers{body: func(method string) string {
			return fmt.Sprintf(row.body, strings.ReplaceAll(method, ".", "_")+"_response")
		}}
		a, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []channel.Kind{channel.Sale, channel.Refund} {
			if o := a.Do(t.Context(), request(kind)); o.Result != row.want {
				t.Errorf("%s: a %s is %+v", name, kind, o)
			}
		}
	}
}

// What is asked names the zone's time and nothing that was not set.
func TestARequestSaysNoMoreThanItMust(t *testing.T) {
	t.Parallel()
	c, asked := config(t), []url.Values{}
	c.Transport = answers{body: func(string) string { return "" }, asked: &asked}
	c.AppAuthToken = card.NewSecret([]byte("token-of-a-merchant"))
	a, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	r := request(channel.Present)
	r.Expires = time.Now().Add(10*time.Minute + 30*time.Second)
	a.Do(t.Context(), r)
	if len(asked) != 1 {
		t.Fatalf("asked %d times", len(asked))
	}
	form := asked[0]
	at, err := time.ParseInLocation(time.DateTime, form.Get("timestamp"), china)
	if err != nil || time.Since(at).Abs() > time.Minute {
		t.Errorf("timestamp %q", form.Get("timestamp"))
	}
	if form.Get("app_auth_token") != "token-of-a-merchant" || form.Get("notify_url") != c.NotifyURL || form.Get("sign_type") != "RSA2" {
		t.Errorf("asked %v", form)
	}
	biz := form.Get("biz_content")
	for _, part := range []string{`"total_amount":"1.00"`, `"out_trade_no":"898310058120001R00000000001"`, `"qr_code_timeout_express":"10m"`} {
		if !strings.Contains(biz, part) {
			t.Errorf("%s has no %s", biz, part)
		}
	}
	if strings.Contains(biz, `""`) || strings.Contains(biz, "auth_code") {
		t.Errorf("it says %s", biz)
	}
}

// book knows one request.
type book struct {
	r      channel.Request
	told   []channel.Outcome
	doubts []string
}

func (b *book) Order(_ context.Context, number string) (channel.Request, error) {
	if number != b.r.Merchant.MID+b.r.Ref {
		return channel.Request{}, fault.New(fault.NotFound, "none", "没有。", "None.")
	}
	return b.r, nil
}

func (b *book) Tell(_ context.Context, _ channel.Request, o channel.Outcome) error {
	b.told = append(b.told, o)
	return nil
}

func (b *book) Doubt(_ context.Context, _ channel.Request, why string) error {
	b.doubts = append(b.doubts, why)
	return nil
}

// notice is a signed form; pairs change or add fields before it is signed.
func notice(t testing.TB, pairs ...string) url.Values {
	t.Helper()
	a := accounts().Alipay
	form := url.Values{"app_id": {a.AppID}, "seller_id": {a.SellerID}, "notify_time": {time.Now().In(china).Format(time.DateTime)}, "sign_type": {"RSA2"},
		"trade_no": {"42"}, "out_trade_no": {"898310058120001R00000000001"}, "trade_status": {"TRADE_SUCCESS"}, "total_amount": {"1.00"},
		"gmt_payment": {"2026-11-21 12:00:00"}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	var lines []string
	for k, v := range form {
		if k != "sign_type" {
			lines = append(lines, k+"="+v[0])
		}
	}
	slices.Sort(lines)
	form.Set("sign", signed(t, strings.Join(lines, "&")))
	return form
}

func TestNoticesAreBelievedBySignatureTimeMerchantOrderAndAmount(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) string { return time.Now().Add(d).In(china).Format(time.DateTime) }
	twice := notice(t)
	twice.Add("total_amount", "9.00")
	tampered := notice(t)
	tampered.Set("trade_no", "43")
	bare := notice(t)
	bare.Del("sign")
	for name, row := range map[string]struct {
		form url.Values
		told channel.Result
		want string
	}{
		"paid":                     {notice(t), channel.Approved, "success"},
		"finished":                 {notice(t, "trade_status", "TRADE_FINISHED"), channel.Approved, "success"},
		"paid and all given back":  {notice(t, "trade_status", "TRADE_CLOSED", "refund_fee", "1.00"), channel.Approved, "success"},
		"closed":                   {notice(t, "trade_status", "TRADE_CLOSED", "gmt_payment", ""), channel.Declined, "success"},
		"sent a day ago":           {notice(t, "notify_time", at(-25*time.Hour)), channel.Approved, "success"},
		"sent two days ago":        {notice(t, "notify_time", at(-48*time.Hour)), 0, "fail"},
		"sent from ahead":          {notice(t, "notify_time", at(10*time.Minute)), 0, "fail"},
		"no time":                  {notice(t, "notify_time", ""), 0, "fail"},
		"another app":              {notice(t, "app_id", "2021"), 0, "fail"},
		"another seller":           {notice(t, "seller_id", "2088"), 0, "fail"},
		"another order":            {notice(t, "out_trade_no", "898310058120001R00000000009"), 0, "fail"},
		"no order of ours":         {notice(t, "out_trade_no", "x"), 0, "fail"},
		"a fen more":               {notice(t, "total_amount", "1.01"), 0, "fail"},
		"an amount of letters":     {notice(t, "total_amount", "one"), 0, "fail"},
		"an unknown state":         {notice(t, "trade_status", "MAYBE"), 0, "fail"},
		"no trade":                 {notice(t, "trade_no", ""), 0, "fail"},
		"a field that comes twice": {twice, 0, "fail"},
		"a field changed":          {tampered, 0, "fail"},
		"no signature":             {bare, 0, "fail"},
		"under another key's name": {notice(t, "alipay_cert_sn", "0123"), 0, "fail"},
	} {
		a, err := New(config(t))
		if err != nil {
			t.Fatal(err)
		}
		b := &book{r: request(channel.Present)}
		rec := httptest.NewRecorder()
		a.Notices(b).ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(row.form.Encode())))
		if rec.Body.String() != row.want || (len(b.told) == 1) != (row.want == "success") {
			t.Errorf("%s: answered %q, told %v", name, rec.Body, b.told)
		} else if len(b.told) == 1 && b.told[0].Result != row.told {
			t.Errorf("%s: told %+v", name, b.told[0])
		}
	}
}

func FuzzNotice(f *testing.F) {
	a, err := New(Config{AppID: "1", PrivateKey: accounts().Alipay.MerchantKey, PublicKey: func() string { s, _ := accounts().AlipayPublicKey(); return s }(), Clock: clock.System})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(notice(f).Encode())
	f.Add("%zz&a=b&a=c")
	f.Fuzz(func(t *testing.T, body string) {
		b := &book{r: request(channel.Present)}
		if err := a.hear(t.Context(), body, b); err == nil || len(b.told) > 0 {
			t.Errorf("%q was believed", body)
		}
	})
}

func TestNothingOfAChannelPrintsItsKeys(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.AppAuthToken = card.NewSecret([]byte("token-of-a-merchant"))
	a, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Split(string(c.PrivateKey.Reveal()), "\n")[2]
	for _, v := range []any{c, &c, a} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			if text := fmt.Sprintf(verb, v); strings.Contains(text, line) || strings.Contains(text, "token-of") {
				t.Errorf("%s of %T shows a key", verb, v)
			}
		}
	}
}

func TestAConfigurationThatCannotWorkIsRefusedWithoutShowingIt(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*Config){
		"a gateway of nothing": func(c *Config) { c.Gateway = "pay" },
		"no private key":       func(c *Config) { c.PrivateKey = card.Secret{} },
		"half a private key":   func(c *Config) { c.PrivateKey = card.NewSecret(c.PrivateKey.Reveal()[:200]) },
		"no public key":        func(c *Config) { c.PublicKey = "" },
	} {
		c := config(t)
		spoil(&c)
		if _, err := New(c); err == nil || strings.Contains(err.Error(), "BEGIN") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Alipay cancels within a day; an older payment is refunded whole instead.
func TestAnOldPaymentIsReversedByARefund(t *testing.T) {
	t.Parallel()
	calls := map[string]int{}
	c := config(t)
	c.Transport = answers{body: func(method string) string {
		calls[method]++
		inner := map[string]string{
			"alipay.trade.cancel": `{"code":"40004","sub_code":"ACQ.TRADE_CANCEL_TIME_OUT"}`,
			"alipay.trade.query":  `{"code":"10000","trade_no":"42","out_trade_no":"898310058120001R00000000000","trade_status":"TRADE_SUCCESS","total_amount":"1.00","send_pay_date":"2026-11-20 12:00:00"}`,
			"alipay.trade.refund": `{"code":"10000","trade_no":"42","out_trade_no":"898310058120001R00000000000","fund_change":"Y","refund_fee":"1.00"}`,
			"alipay.trade.fastpay.refund.query": `{"code":"10000","trade_no":"42","out_trade_no":"898310058120001R00000000000","out_request_no":"898310058120001R00000000001",` +
				`"refund_amount":"1.00","refund_status":"REFUND_SUCCESS"}`,
		}[method]
		return `{"` + strings.ReplaceAll(method, ".", "_") + `_response":` + inner + `,"sign":"` + signed(t, inner) + `"}`
	}}
	a, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if o := a.Do(t.Context(), request(channel.Reversal)); o.Result != channel.Approved || calls["alipay.trade.refund"] != 1 {
		t.Errorf("%+v after %v", o, calls)
	}
}
