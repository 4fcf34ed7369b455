package wechat

import (
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/utils"

	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/money"
)

// sealed signs a body as WeChat does.
func sealed(t testing.TB, body []byte, at time.Time, serial string) http.Header {
	t.Helper()
	block, _ := pem.Decode(accounts().WeChat.PlatformKey.Reveal())
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	hash := sha256.Sum256([]byte(stamp + "\nnonce\n" + string(body) + "\n"))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key.(*rsa.PrivateKey), crypto.SHA256, hash[:])
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	h.Set("Wechatpay-Timestamp", stamp)
	h.Set("Wechatpay-Nonce", "nonce")
	h.Set("Wechatpay-Serial", serial)
	h.Set("Wechatpay-Signature", base64.StdEncoding.EncodeToString(sig))
	return h
}

// answers is a transport that answers everything alike.
type answers func(*http.Request) *http.Response

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
	return a(r), nil
}

func answered(status int, h http.Header, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

func request(kind channel.Kind) channel.Request {
	code, err := card.NewCode("134567890123456789")
	if err != nil {
		panic(err)
	}
	return channel.Request{Kind: kind, Ref: "R00000000001", At: time.Now().Add(-time.Hour), Amount: money.New(100, money.CNY), Code: code,
		Merchant: channel.Merchant{MID: "898310058120001", Name: "小李水果"},
		Original: channel.Original{Kind: channel.Sale, Ref: "R00000000000", At: time.Now().Add(-time.Hour), Amount: money.New(100, money.CNY)}}
}

// A refusal counts when it is signed; the SDK would take any.
func TestARefusalWithoutARightSignatureIsNone(t *testing.T) {
	t.Parallel()
	const body = `{"code":"NOT_ENOUGH","message":"no"}`
	id := accounts().WeChat.PublicKeyID
	for name, row := range map[string]struct {
		header http.Header
		want   channel.Result
	}{
		"signed":                  {sealed(t, []byte(body), time.Now(), id), channel.Declined},
		"unsigned":                {http.Header{}, channel.Silent},
		"signed for another body": {sealed(t, []byte("x"), time.Now(), id), channel.Silent},
		"six minutes old":         {sealed(t, []byte(body), time.Now().Add(-6*time.Minute), id), channel.Silent},
		"six minutes ahead":       {sealed(t, []byte(body), time.Now().Add(6*time.Minute), id), channel.Silent},
		"under an unknown key":    {sealed(t, []byte(body), time.Now(), "PUB_KEY_ID_9"), channel.Silent},
	} {
		c := config(t)
		c.Pace = channel.Pace{First: time.Millisecond, Longest: time.Millisecond, Deadline: 20 * time.Millisecond}
		c.Transport = answers(func(*http.Request) *http.Response { return answered(403, row.header, body) })
		w, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []channel.Kind{channel.Sale, channel.Refund} {
			if o := w.Do(t.Context(), request(kind)); o.Result != row.want {
				t.Errorf("%s: a %s is %+v", name, kind, o)
			}
		}
	}
}

// Who asks is named as the paths of a merchant or of a service provider have it.
func TestARequestNamesItsParty(t *testing.T) {
	t.Parallel()
	const order = `"description":"小李水果","out_trade_no":"898310058120001R00000000001","amount":{"total":100,"currency":"CNY"},` +
		`"payer":{"auth_code":"134567890123456789"},"scene_info":{"device_id":"T0000001","store_info":{"id":"898310058120001"}}}`
	for sub, want := range map[string][2]string{
		"":           {"/v3/pay/transactions/codepay", `{"appid":"wx0000000000000001","mchid":"1900000001",` + order},
		"1900000101": {"/v3/pay/partner/transactions/codepay", `{"sp_appid":"wx0000000000000001","sp_mchid":"1900000001","sub_mchid":"1900000101",` + order},
	} {
		c, got := config(t), [2]string{}
		c.Numbers, c.Pace.Deadline = numbers(sub), time.Millisecond
		c.Transport = spy(func(r *http.Request, body string) {
			if r.Method == http.MethodPost {
				got = [2]string{r.URL.Path, strings.TrimSpace(body)}
			}
		})
		w, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		r := request(channel.Sale)
		r.Terminal = "T0000001"
		w.Do(t.Context(), r)
		if got != want {
			t.Errorf("asked\n%s, want\n%s", got, want)
		}
		r.Amount = money.New(100, money.USD)
		if o := w.Do(t.Context(), r); o.Result != channel.Unsent {
			t.Errorf("another currency: %+v", o)
		}
	}
}

// What follows from a sale is asked under the number that the sale was, whatever the number is now.
func TestAServiceProviderAsksForTheNumberOfTheSale(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		kind     channel.Kind
		original channel.Original
		want     string
	}{
		"a sale":                       {channel.Sale, channel.Original{}, "R00000000001"},
		"a query of it":                {channel.Query, channel.Original{Kind: channel.Sale, Ref: "R0000000SALE"}, "R0000000SALE"},
		"a refund of it":               {channel.Refund, channel.Original{Kind: channel.Sale, Ref: "R0000000SALE"}, "R0000000SALE"},
		"a query of a refund of it":    {channel.Query, channel.Original{Kind: channel.Refund, Ref: "R000000BACK1", Of: "R0000000SALE"}, "R0000000SALE"},
		"a reversal, and it is unsent": {channel.Reversal, channel.Original{Kind: channel.Sale, Ref: "R0000000SALE"}, "R0000000SALE"},
	} {
		c, asked := config(t), ""
		c.Transport = spy(func(*http.Request, string) {})
		c.Numbers = func(_ context.Context, _ int64, sale string) (string, error) {
			asked = sale
			return "", errors.New("down")
		}
		w, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		r := request(row.kind)
		r.Original = row.original
		if o := w.Do(t.Context(), r); o.Result != channel.Unsent || asked != row.want {
			t.Errorf("%s: asked for the number of %s, %+v", name, asked, o)
		}
	}
}

// Without a number nothing leaves: a sale is refused, and what is not known stays so.
func TestAMerchantWithoutANumberIsRefused(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Numbers = func(context.Context, int64, string) (string, error) { return "", nil }
	c.Transport = spy(func(*http.Request, string) { t.Error("a request left") })
	w, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[channel.Kind]channel.Result{channel.Sale: channel.Declined, channel.Present: channel.Declined,
		channel.Query: channel.Unsent, channel.Refund: channel.Unsent, channel.Reversal: channel.Unsent, channel.Close: channel.Unsent} {
		if o := w.Do(t.Context(), request(kind)); o.Result != want || want == channel.Declined && o.Code != NotOpened {
			t.Errorf("%s: %+v", kind, o)
		}
	}
}

// spy is told of every request, and answers none of use.
type spy func(r *http.Request, body string)

func (s spy) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	s(r, string(body))
	return answered(500, http.Header{}, ""), nil
}

func TestAnAnswerWithoutAnEndIsNone(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Transport = answers(func(*http.Request) *http.Response {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(endless{})}
	})
	w, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if o := w.Do(t.Context(), request(channel.Query)); o.Result != channel.Silent {
		t.Errorf("%+v", o)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// Source: wechatpay-go, utils/aes_test.go. Its key has 16 bytes; live ones have 32.
func TestThePublishedVectorDeciphers(t *testing.T) {
	t.Parallel()
	text, err := utils.DecryptAES256GCM("testAPIv3Key0000", "Dl56FrqWQJF1t9LtC3vEUsniZKvbqdR8", "wCq51qZv4Yfg", "FsdXzxryWfKwvLJKf8LG/ToRPTRh8RN9wROC")
	if err != nil || text != "Hello World" {
		t.Errorf("%q, %v", text, err)
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

// notice is one of WeChat's with that content.
func notice(t testing.TB, event, nonce string, content any) []byte {
	t.Helper()
	plain, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(accounts().WeChat.APIv3Key.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCMWithNonceSize(block, max(1, len(nonce)))
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{"id": "1", "event_type": event, "resource": map[string]string{"algorithm": "AEAD_AES_256_GCM", "nonce": nonce,
		"associated_data": "x", "ciphertext": base64.StdEncoding.EncodeToString(aead.Seal(nil, []byte(nonce + "0")[:max(1, len(nonce))], plain, []byte("x")))}})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestNoticesAreBelievedByTimeCipherOrderMerchantAndAmount(t *testing.T) {
	t.Parallel()
	a := accounts().WeChat
	paid := func(change ...string) map[string]any {
		m := map[string]any{"appid": a.AppID, "mchid": a.MchID, "out_trade_no": "898310058120001R00000000001", "transaction_id": "42", "trade_state": "SUCCESS",
			"amount": map[string]any{"total": 100, "currency": "CNY"}}
		for i := 0; i < len(change); i += 2 {
			m[change[i]] = change[i+1]
		}
		return m
	}
	back := func(state string, refund int) map[string]any {
		return map[string]any{"mchid": a.MchID, "out_trade_no": "898310058120001R00000000000", "out_refund_no": "898310058120001R00000000001", "refund_id": "43",
			"refund_status": state, "amount": map[string]any{"refund": refund, "total": 100}}
	}
	foreign := back("SUCCESS", 100)
	foreign["mchid"] = "1900009999"
	usd := paid()
	usd["amount"] = map[string]any{"total": 100, "currency": "USD"}
	const nonce = "abcdefghijkl"
	for name, row := range map[string]struct {
		body []byte
		at   time.Duration
		kind channel.Kind
		want int
		told string
	}{
		"paid":                        {notice(t, "TRANSACTION.SUCCESS", nonce, paid()), 0, channel.Present, 204, "SUCCESS"},
		"paid, told six minutes late": {notice(t, "TRANSACTION.SUCCESS", nonce, paid()), -6 * time.Minute, channel.Present, 400, ""},
		"paid, a nonce of 8 bytes":    {notice(t, "TRANSACTION.SUCCESS", "abcdefgh", paid()), 0, channel.Present, 400, ""},
		"paid, no nonce":              {notice(t, "TRANSACTION.SUCCESS", "", paid()), 0, channel.Present, 400, ""},
		"another app":                 {notice(t, "TRANSACTION.SUCCESS", nonce, paid("appid", "wx1")), 0, channel.Present, 400, ""},
		"another currency":            {notice(t, "TRANSACTION.SUCCESS", nonce, usd), 0, channel.Present, 400, ""},
		"no transaction":              {notice(t, "TRANSACTION.SUCCESS", nonce, paid("transaction_id", "")), 0, channel.Present, 400, ""},
		"an unknown state":            {notice(t, "TRANSACTION.SUCCESS", nonce, paid("trade_state", "MAYBE")), 0, channel.Present, 400, ""},
		"an unknown event":            {notice(t, "COUPON.USE", nonce, paid()), 0, channel.Present, 400, ""},
		"closed":                      {notice(t, "TRANSACTION.CLOSED", nonce, paid("trade_state", "CLOSED")), 0, channel.Present, 204, "CLOSED"},
		"refunded":                    {notice(t, "REFUND.SUCCESS", nonce, back("SUCCESS", 100)), 0, channel.Refund, 204, "SUCCESS"},
		"refund abnormal":             {notice(t, "REFUND.ABNORMAL", nonce, back("ABNORMAL", 100)), 0, channel.Refund, 204, "ABNORMAL"},
		"refunded a fen less":         {notice(t, "REFUND.SUCCESS", nonce, back("SUCCESS", 99)), 0, channel.Refund, 400, ""},
		"another merchant's refund":   {notice(t, "REFUND.SUCCESS", nonce, foreign), 0, channel.Refund, 400, ""},
		"no JSON":                     {[]byte("{"), 0, channel.Present, 400, ""},
	} {
		w, err := New(config(t))
		if err != nil {
			t.Fatal(err)
		}
		b := &book{r: request(row.kind)}
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(string(row.body)))
		r.Header = sealed(t, row.body, time.Now().Add(row.at), a.PublicKeyID)
		rec := httptest.NewRecorder()
		w.Notices(b).ServeHTTP(rec, r)
		told := ""
		if len(b.told) > 0 {
			told = b.told[0].Code
		}
		if rec.Code != row.want || told != row.told {
			t.Errorf("%s: answered %d, told %q", name, rec.Code, told)
		}
	}
}

func TestNothingOfAChannelPrintsItsKeys(t *testing.T) {
	t.Parallel()
	c := config(t)
	w, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Split(string(c.PrivateKey.Reveal()), "\n")[2]
	for _, v := range []any{c, &c, w, *accounts()} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			text := fmt.Sprintf(verb, v)
			if strings.Contains(text, line) || strings.Contains(text, string(c.APIv3Key.Reveal())) {
				t.Errorf("%s of %T shows a key", verb, v)
			}
		}
	}
}

func TestAConfigurationThatCannotWorkIsRefusedWithoutShowingIt(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*Config){
		"a base URL with a path": func(c *Config) { c.BaseURL += "/v3" },
		"a base URL of nothing":  func(c *Config) { c.BaseURL = "pay" },
		"no private key":         func(c *Config) { c.PrivateKey = card.Secret{} },
		"half a private key":     func(c *Config) { c.PrivateKey = card.NewSecret(c.PrivateKey.Reveal()[:200]) },
		"a short API v3 key":     func(c *Config) { c.APIv3Key = card.NewSecret([]byte("testAPIv3Key0000")) },
		"no public key":          func(c *Config) { c.PublicKeys = nil },
		"a bad public key":       func(c *Config) { c.PublicKeys = map[string]string{c.PublicKeyID: "x"} },
	} {
		c := config(t)
		spoil(&c)
		if _, err := New(c); err == nil || strings.Contains(err.Error(), "testAPIv3Key0000") || strings.Contains(err.Error(), "BEGIN") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A signed request goes to WeChat's host and bill path only, whatever the link says.
func TestABillsLinkThatLeadsElsewhereIsNotFollowed(t *testing.T) {
	t.Parallel()
	for _, link := range []string{"http://elsewhere/v3/billdownload/file?token=1", "http://wallet/v3/refund/domestic/refunds", "://", ""} {
		body, err := json.Marshal(map[string]string{"hash_type": "SHA1", "hash_value": "x", "download_url": link})
		if err != nil {
			t.Fatal(err)
		}
		c, calls := config(t), 0
		c.Transport = answers(func(*http.Request) *http.Response {
			calls++
			return answered(200, sealed(t, body, time.Now(), accounts().WeChat.PublicKeyID), string(body))
		})
		w, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Bill(t.Context(), clock.Day(20261121)); !errors.Is(err, channel.ErrBill) || calls != 1 {
			t.Errorf("%q: %d calls, %v", link, calls, err)
		}
	}
}

func FuzzNoticeContent(f *testing.F) {
	f.Add([]byte(`{"appid":"wx0000000000000001","mchid":"1900000001","out_trade_no":"898310058120001R00000000001","transaction_id":"4","trade_state":"SUCCESS","amount":{"total":100}}`))
	f.Add([]byte(`{"out_refund_no":"898310058120001R00000000001","refund_status":"SUCCESS"}`))
	f.Add([]byte(`null`))
	a := accounts().WeChat
	w := &Channel{Config: Config{AppID: a.AppID, MchID: a.MchID}}
	f.Fuzz(func(t *testing.T, plain []byte) {
		b := &book{r: request(channel.Present)}
		if err := w.heardPayment(t.Context(), plain, b); err != nil && len(b.told) > 0 {
			t.Errorf("told in spite of %v", err)
		}
		_ = w.heardRefund(t.Context(), plain, b)
		_, _, _ = w.open(plain)
	})
}
