package wallet

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// FuzzWeChat sends signed requests of any body: each is answered, and the books stay right.
func FuzzWeChat(f *testing.F) {
	f.Add(uint8(0), "W1", `{"appid":"wx0000000000000001","mchid":"1900000001","description":"x","out_trade_no":"W1","amount":{"total":1},"payer":{"auth_code":"134567890123456789"}}`)
	f.Add(uint8(1), "W1", `{"mchid":"1900000001","out_trade_no":"W1","notify_url":"http://m","description":"x","amount":{"total":-1}}`)
	f.Add(uint8(2), "W1", `{"out_trade_no":"W1","out_refund_no":"R1","amount":{"refund":1,"total":1}}`)
	f.Add(uint8(3), "W1", ``)
	f.Add(uint8(4), "W 1/../%00", `{"amount":{"total":99999999999999999999}}`)
	m := newMerchant(f)
	m.SetFault(func(i Info) Behaviour {
		if b := byAmount[i.Amount]; b.Delivery != Normal || b.Customer != Free {
			return Behaviour{Reason: NoFunds} // nobody waits
		}
		return Behaviour{}
	})
	f.Fuzz(func(t *testing.T, which uint8, order, body string) {
		order = url.PathEscape(order)
		paths := []string{"/v3/pay/transactions/codepay", "/v3/pay/partner/transactions/native", "/v3/refund/domestic/refunds",
			"/v3/pay/transactions/out-trade-no/" + order + "/reverse", "/v3/pay/transactions/out-trade-no/" + order + "/close"}
		path := paths[int(which)%len(paths)]
		if _, err := url.Parse(path); err != nil || strings.Contains(order, "..") || order == "" || order == "." {
			return
		}
		rec := m.raw("POST", path, []byte(body), m.authorization("POST", path, []byte(body), time.Now()))
		if rec.Code == http.StatusInternalServerError {
			t.Errorf("%s with %q is answered %s", path, body, rec.Body)
		}
		if err := m.Check(); err != nil {
			t.Error(err)
		}
	})
}

// FuzzAlipay does the same at the gateway.
func FuzzAlipay(f *testing.F) {
	for _, method := range []string{"pay", "precreate", "query", "cancel", "close", "refund", "fastpay.refund.query"} {
		f.Add("alipay.trade."+method, `{"out_trade_no":"A1","total_amount":"1.00","refund_amount":"1.00","out_request_no":"R","subject":"x","scene":"bar_code","auth_code":"2812345678901234"}`)
	}
	f.Add("alipay.data.dataservice.bill.downloadurl.query", `{"bill_type":"trade","bill_date":"2026-11-21"}`)
	f.Add("x", `[`)
	m := newMerchant(f)
	f.Fuzz(func(t *testing.T, method, biz string) {
		if strings.Contains(biz, "90.") {
			return // amounts that misbehave wait for somebody
		}
		form := url.Values{"app_id": {m.cfg.Accounts.Alipay.AppID}, "method": {method}, "sign_type": {"RSA2"},
			"timestamp": {time.Now().In(china).Format(time.DateTime)}, "biz_content": {biz}}
		sig, err := sign(m.aliPay, alipayParam(form, "sign"))
		if err != nil {
			t.Fatal(err)
		}
		form.Set("sign", sig)
		rec := m.post("/gateway.do", form)
		if rec.Code != http.StatusOK || strings.Contains(rec.Body.String(), "invalid-signature") {
			t.Errorf("%s with %q is answered %d %s", method, biz, rec.Code, rec.Body)
		}
		if err := m.Check(); err != nil {
			t.Error(err)
		}
	})
}

// FuzzEntries replays any state file: it is refused or gives books that pass their audit.
func FuzzEntries(f *testing.F) {
	f.Add(`{"event":"placed","brand":"wechat","merchant":"1","order":"A","amount":100,"number":"42"}
{"event":"paid","brand":"wechat","merchant":"1","order":"A"}
{"event":"refunded","brand":"wechat","merchant":"1","order":"A","amount":40,"refund":"R","number":"43"}
{"event":"reversed","brand":"wechat","merchant":"1","order":"A"}`)
	f.Fuzz(func(t *testing.T, text string) {
		b := newBooks()
		for line := range strings.Lines(text) {
			if e, err := readEntry([]byte(line)); err == nil {
				_ = b.apply(e)
			}
		}
		for _, o := range b.orders {
			if o.refunded < 0 || o.refunded > o.Amount {
				t.Errorf("order %+v", o)
			}
		}
	})
}
