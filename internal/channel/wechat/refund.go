package wechat

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"hawker/internal/channel"
)

// giveback is the body of a refund.
type giveback struct {
	SubMchID    string `json:"sub_mchid,omitempty"`
	OutTradeNo  string `json:"out_trade_no"`
	OutRefundNo string `json:"out_refund_no"`
	NotifyURL   string `json:"notify_url,omitempty"`
	Amount      parts  `json:"amount"`
}

// parts is a refund's amount: fen.
type parts struct {
	Refund   int64  `json:"refund"`
	Total    int64  `json:"total"`
	Currency string `json:"currency"`
}

// returned is a refund as WeChat tells it; in a notice the state has another name.
type returned struct {
	RefundID     string `json:"refund_id"`
	OutRefundNo  string `json:"out_refund_no"`
	OutTradeNo   string `json:"out_trade_no"`
	Status       string `json:"status"`
	RefundStatus string `json:"refund_status"`
	Amount       parts  `json:"amount"`
}

// refund gives a part back. What WeChat has taken and not yet done is Silent with
// PROCESSING: the same refund is sent again, under the same number, until it is done.
func (w *Channel) refund(ctx context.Context, r channel.Request, p party) channel.Outcome {
	sale, no := original(r)
	if sale == "" {
		return no
	}
	number, err := channel.NumberOf(r.Merchant.MID, r.Ref)
	if err != nil || r.Original.Amount.Currency() != r.Amount.Currency() {
		return channel.Outcome{Result: channel.Unsent, Detail: "no refund number, or no amount of the sale"}
	}
	var back returned
	err = w.call(ctx, http.MethodPost, "/v3/refund/domestic/refunds", giveback{
		SubMchID: p.SubMchID, OutTradeNo: sale, OutRefundNo: number, NotifyURL: w.NotifyURL,
		Amount: parts{r.Amount.Minor(), r.Original.Amount.Minor(), "CNY"},
	}, &back)
	if err != nil {
		o := failed(err)
		if o.Result == channel.Waiting {
			return silent(o, o.Detail)
		}
		return o
	}
	return back.judged(sale, number, r)
}

// queryRefund tells what became of a refund; Original.Of is its sale.
func (w *Channel) queryRefund(ctx context.Context, r channel.Request, p party) channel.Outcome {
	number, no := original(r)
	if number == "" {
		return no
	}
	sale, err := channel.NumberOf(r.Merchant.MID, r.Original.Of)
	if err != nil {
		return channel.Outcome{Result: channel.Unsent, Detail: "no number of the refund's sale"}
	}
	path := "/v3/refund/domestic/refunds/" + number
	if p.SubMchID != "" {
		path += "?sub_mchid=" + p.SubMchID
	}
	var back returned
	if err := w.call(ctx, http.MethodGet, path, nil, &back); err != nil {
		o := failed(err)
		if slices.Contains(absent, o.Code) && !w.gone(o, r) {
			return silent(o, "the refund is not there yet")
		}
		return o
	}
	return back.judged(sale, number, r)
}

// judged believes a refund that is about what was asked.
func (b returned) judged(sale, number string, r channel.Request) channel.Outcome {
	if b.OutTradeNo != sale || b.OutRefundNo != number || b.Amount.Refund != r.Amount.Minor() {
		return channel.Outcome{Result: channel.Silent,
			Detail: fmt.Sprintf("it is about refund %.32q of order %.32q, %d fen", b.OutRefundNo, b.OutTradeNo, b.Amount.Refund)}
	}
	switch state := b.Status + b.RefundStatus; state {
	case "SUCCESS":
		return channel.Outcome{Result: channel.Approved, Code: state, Number: b.RefundID}
	case "CLOSED":
		return channel.Outcome{Result: channel.Declined, Code: state, Number: b.RefundID}
	default: // PROCESSING; ABNORMAL, which somebody must see to at WeChat's own desk
		return channel.Outcome{Result: channel.Silent, Code: state, Number: b.RefundID, Detail: fmt.Sprintf("the refund is %.20q", state)}
	}
}
