package wallet

import (
	"archive/zip"
	"bytes"
	"crypto/sha1"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// refund gives back part of an order of total fen, and tells the code of a refusal.
func (m *merchant) refund(order, refund string, amount, total int64) string {
	m.Helper()
	_, out := m.ask("POST", "/v3/refund/domestic/refunds", map[string]any{"out_trade_no": order, "out_refund_no": refund,
		"amount": map[string]any{"refund": amount, "total": total, "currency": "CNY"}})
	code, _ := out["code"].(string)
	return code
}

func TestWeChatsRefundsHaveTheirLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMerchant(t)
		m.codepay("W1", 100_00)
		m.codepay("W2", 9051)
		for _, row := range []struct {
			name          string
			order, refund string
			amount, total int64
			wait          time.Duration
			want          string
		}{
			{"an unknown order", "W9", "R0", 1, 1, 0, "RESOURCE_NOT_EXISTS"},
			{"an order that was not paid", "W2", "R0", 1, 9051, 0, "INVALID_REQUEST"},
			{"another total", "W1", "R0", 1, 100_01, 0, "PARAM_ERROR"},
			{"nothing", "W1", "R0", 0, 100_00, 0, "INVALID_REQUEST"},
			{"less than nothing", "W1", "R0", -1, 100_00, 0, "INVALID_REQUEST"},
			{"a part", "W1", "R1", 10_00, 100_00, 0, ""},
			{"the same again", "W1", "R1", 10_00, 100_00, 0, ""},
			{"the same number with another amount", "W1", "R1", 10_01, 100_00, 0, "PARAM_ERROR"},
			{"another at once", "W1", "R2", 10_00, 100_00, 59 * time.Second, "FREQUENCY_LIMITED"},
			{"another a minute later", "W1", "R2", 10_00, 100_00, time.Second, ""},
			{"more than is left", "W1", "R3", 80_01, 100_00, time.Minute, "INVALID_REQUEST"},
			{"after a year", "W1", "R3", 1, 100_00, 365 * 24 * time.Hour, "INVALID_REQUEST"},
		} {
			time.Sleep(row.wait)
			if got := m.refund(row.order, row.refund, row.amount, row.total); got != row.want {
				t.Errorf("%s: %q, want %q", row.name, got, row.want)
			}
		}
		if state := m.weChatState("W1"); state != "REFUND" {
			t.Errorf("the order is %s", state)
		}
		m.codepay("W3", 100)
		if got := m.refund("W3", "R1", 1, 100); got != "PARAM_ERROR" {
			t.Errorf("another order's refund number: %q", got)
		}
		for i := range 51 {
			want := ""
			if i == 50 {
				want = "INVALID_REQUEST"
			}
			if got := m.refund("W3", fmt.Sprint("T", i), 1, 100); got != want {
				t.Fatalf("refund %d of one order: %q", i+1, got)
			}
			time.Sleep(time.Minute)
		}
	})
}

func TestWeChatReversesCodesOnlyAndNotAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMerchant(t)
		who := map[string]string{"appid": m.cfg.Accounts.WeChat.AppID, "mchid": m.cfg.Accounts.WeChat.MchID}
		reverse := func(order string) string {
			_, out := m.ask("POST", "/v3/pay/transactions/out-trade-no/"+order+"/reverse", who)
			code, _ := out["code"].(string)
			return code
		}
		m.codepay("W1", 100)
		m.codepay("W2", 9089)
		m.codepay("W3", 100)
		m.scanned1(WeChat, "N1", 100)
		if got := reverse("W1"); got != "USERPAYING" {
			t.Errorf("at once: %q", got)
		}
		time.Sleep(soonest)
		for order, want := range map[string]string{"W1": "", "W2": "", "N1": "PARAM_ERROR", "W9": "ORDER_NOT_EXIST"} {
			for range 2 {
				if got := reverse(order); got != want {
					t.Errorf("%s: %q, want %q", order, got, want)
				}
			}
		}
		if s1, s2 := m.weChatState("W1"), m.weChatState("W2"); s1 != "REVOKED" || s2 != "REVOKED" {
			t.Errorf("they are %s and %s", s1, s2)
		}
		time.Sleep(8 * 24 * time.Hour)
		if got := reverse("W3"); got != "INVALID_REQUEST" {
			t.Errorf("after a week: %q", got)
		}
		if b := m.Books(); len(b) != 1 || b[0].Net != fen(200) || b[0].Returned != fen(100) || b[0].Orders != 3 {
			t.Errorf("booked %+v", b)
		}
	})
}

func TestAnAlipayCodeIsAnOrderOnceItIsScanned(t *testing.T) {
	t.Parallel()
	m := newMerchant(t)
	out := m.gateway("alipay.trade.precreate", map[string]string{"out_trade_no": "A1", "total_amount": "1.00", "subject": "x"})
	for _, method := range []string{"query", "cancel", "close"} {
		if no := m.gateway("alipay.trade."+method, map[string]string{"out_trade_no": "A1"}); no["sub_code"] != "ACQ.TRADE_NOT_EXIST" {
			t.Errorf("%s before the scan: %v", method, no)
		}
	}
	if _, err := m.Scan(fmt.Sprint(out["qr_code"])); err != nil {
		t.Fatal(err)
	}
	if now := m.gateway("alipay.trade.query", map[string]string{"out_trade_no": "A1"}); now["trade_status"] != "WAIT_BUYER_PAY" {
		t.Errorf("after the scan: %v", now)
	}
	if gone := m.gateway("alipay.trade.cancel", map[string]string{"out_trade_no": "A1"}); gone["action"] != "close" || gone["retry_flag"] != "N" {
		t.Errorf("cancelled: %v", gone)
	}
	if now := m.gateway("alipay.trade.query", map[string]string{"out_trade_no": "A1"}); now["trade_status"] != "TRADE_CLOSED" {
		t.Errorf("in the end: %v", now)
	}
}

// Bills come at ten o'clock of the next day, over a link that is good for half a minute.
func TestBillsAreFetchedByALinkOfHalfAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMerchant(t) // the bubble begins at 08:00 of 2000-01-01 in China
		m.codepay("W1", 4650)
		m.tradepay("A1", "46.50")
		const path = "/v3/bill/tradebill?bill_date=2000-01-01&bill_type=ALL"
		biz := map[string]string{"bill_type": "trade", "bill_date": "2000-01-01"}
		time.Sleep(26*time.Hour - time.Second)
		if _, out := m.ask("GET", path, nil); out["code"] != "NO_STATEMENT_EXIST" {
			t.Errorf("before ten: %v", out)
		}
		if out := m.gateway("alipay.data.dataservice.bill.downloadurl.query", biz); out["sub_code"] != "isp.bill_not_exist" {
			t.Errorf("before ten: %v", out)
		}
		time.Sleep(time.Second)
		_, out := m.ask("GET", path, nil)
		link, err := url.Parse(fmt.Sprint(out["download_url"]))
		if err != nil {
			t.Fatal(err)
		}
		fetch := func() (int, string) {
			rec := m.raw("GET", link.RequestURI(), nil, m.authorization("GET", link.RequestURI(), nil, time.Now()))
			return rec.Code, rec.Body.String()
		}
		status, text := fetch()
		if status != http.StatusOK || fmt.Sprintf("%x", sha1.Sum([]byte(text))) != out["hash_value"] || !strings.Contains(text, "`W1,") || !strings.Contains(text, "`46.50") {
			t.Errorf("%d %s", status, text)
		}
		zipped := fmt.Sprint(m.gateway("alipay.data.dataservice.bill.downloadurl.query", biz)["bill_download_url"])
		if rec := m.raw("GET", zipped, nil, ""); rec.Code != http.StatusOK || !strings.Contains(unpacked(t, rec.Body.Bytes()), "A1") {
			t.Errorf("Alipay's bill: %d", rec.Code)
		}
		if rec := m.raw("GET", strings.Replace(zipped, "token=", "token=0", 1), nil, ""); rec.Code != http.StatusForbidden {
			t.Errorf("a made-up link: %d", rec.Code)
		}
		time.Sleep(linkLife + time.Second)
		if status, _ := fetch(); status != http.StatusBadRequest {
			t.Errorf("after half a minute: %d", status)
		}
		if rec := m.raw("GET", zipped, nil, ""); rec.Code != http.StatusForbidden {
			t.Errorf("after half a minute: %d", rec.Code)
		}
		time.Sleep(100 * 24 * time.Hour)
		if _, out := m.ask("GET", path, nil); out["code"] != "NO_STATEMENT_EXIST" {
			t.Errorf("after three months: %v", out)
		}
	})
}

func unpacked(t *testing.T, file []byte) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		text, err := simplifiedchinese.GBK.NewDecoder().Bytes(raw)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}
