package alipay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	sdk "github.com/smartwalle/alipay/v3"

	"hawker/internal/channel"
)

// longest is how many bytes of an answer are read; longestBill, of a bill.
const (
	longest     = 1 << 20
	longestBill = 64 << 20
)

// bounded ends an answer that is too long with an error, before it fills the memory.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		limit := int64(longest)
		if r.Method == http.MethodGet {
			limit = longestBill
		}
		res.Body = http.MaxBytesReader(nil, res.Body, limit)
	}
	return res, err
}

// trade is every answer about an order.
type trade struct {
	sdk.Error
	TradeNo      string `json:"trade_no"`
	OutTradeNo   string `json:"out_trade_no"`
	TradeStatus  string `json:"trade_status"`
	TotalAmount  string `json:"total_amount"`
	SendPayDate  string `json:"send_pay_date"`
	QRCode       string `json:"qr_code"`
	RetryFlag    string `json:"retry_flag"`
	Action       string `json:"action"`
	RefundFee    string `json:"refund_fee"`
	OutRequestNo string `json:"out_request_no"`
	RefundAmount string `json:"refund_amount"`
	RefundStatus string `json:"refund_status"`
	BillURL      string `json:"bill_download_url"`
}

// The codes of the gateway.
const (
	codeDone    = "10000"
	codeWaiting = "10003"
	codeFailed  = "40004"
)

// The sub-codes that are more than a refusal.
var (
	unknown = []string{"ACQ.SYSTEM_ERROR", "ACQ.REQUEST_AMOUNT_EXCEED", "isp.unknow-error", "aop.ACQ.SYSTEM_ERROR"}
	taken   = []string{"ACQ.CONTEXT_INCONSISTENT", "ACQ.TRADE_HAS_SUCCESS", "ACQ.TRADE_HAS_CLOSE"}
	absent  = []string{"ACQ.TRADE_NOT_EXIST"}
	status  = []string{"ACQ.REASON_TRADE_STATUS_INVALID", "ACQ.TRADE_STATUS_ERROR", "ACQ.TRADE_HAS_FINISHED", "ACQ.TRADE_CANCEL_TIME_OUT"}
)

// errUnsent says that nothing has left.
var errUnsent = errors.New("not connected")

// call asks once. The outcome is Approved for code 10000, and what it says is in t.
func (a *Channel) call(ctx context.Context, method string, notify bool, biz map[string]string) (t trade, o channel.Outcome) {
	ctx, cancel := context.WithTimeout(ctx, a.Pace.Call)
	defer cancel()
	p := sdk.NewPayload(method)
	for k, v := range biz {
		if v != "" {
			p.AddBizField(k, v)
		}
	}
	if notify {
		p.AddParam("notify_url", a.NotifyURL)
	}
	if !a.AppAuthToken.IsZero() {
		p.AddParam("app_auth_token", string(a.AppAuthToken.Reveal()))
	}
	if err := a.client.Request(ctx, p, &t); err != nil {
		return trade{}, failed(err)
	}
	return t, verdict(t)
}

// failed is an answer that is none: not connected, not complete, not authentic. The
// SDK returns an *sdk.Error for what nobody signed; it is no refusal.
func failed(err error) channel.Outcome {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return channel.Outcome{Result: channel.Unsent, Detail: fmt.Errorf("%w: %w", errUnsent, err).Error()}
	}
	var bare *sdk.Error
	if errors.As(err, &bare) {
		return channel.Outcome{Result: channel.Silent, Detail: fmt.Sprintf("unsigned: %.10q %.60q", bare.Code, bare.SubCode)}
	}
	return channel.Outcome{Result: channel.Silent, Detail: err.Error()}
}

// verdict is what the codes of an authentic answer say.
func verdict(t trade) channel.Outcome {
	code := t.SubCode
	if code == "" {
		code = string(t.Code)
	}
	switch {
	case t.Code == codeDone:
		return channel.Outcome{Result: channel.Approved, Code: code}
	case t.Code == codeWaiting:
		return channel.Outcome{Result: channel.Waiting, Code: code, Detail: t.Msg}
	case t.Code == codeFailed && !slices.Contains(unknown, t.SubCode), strings.HasPrefix(t.SubCode, "isv."):
		return channel.Outcome{Result: channel.Declined, Code: code, Detail: t.SubMsg}
	}
	return channel.Outcome{Result: channel.Silent, Code: code, Detail: fmt.Sprintf("%s %s", code, t.SubMsg)}
}

// silent is an outcome that keeps a code for the log and decides nothing.
func silent(o channel.Outcome, why string) channel.Outcome {
	return channel.Outcome{Result: channel.Silent, Code: o.Code, Detail: why}
}
