package alipay

import (
	"context"
	"fmt"

	"hawker/internal/channel"
	"hawker/internal/money"
)

// refund gives a part back. The answer tells the sum of all refunds only, so the
// refund itself is asked for: it alone says that this one, of this amount, is done.
func (a *Channel) refund(ctx context.Context, r channel.Request) channel.Outcome {
	sale, no := original(r)
	if sale == "" {
		return no
	}
	number, err := channel.NumberOf(r.Merchant.MID, r.Ref)
	if err != nil || r.Original.Amount.Currency() != r.Amount.Currency() {
		return channel.Outcome{Result: channel.Unsent, Detail: "no refund number, or no amount of the sale"}
	}
	t, o := a.call(ctx, "alipay.trade.refund", false, map[string]string{
		"out_trade_no": sale, "out_request_no": number, "refund_amount": r.Amount.Decimal(),
	})
	switch {
	case o.Result != channel.Approved:
		return still(o)
	case t.OutTradeNo != sale:
		return silent(o, fmt.Sprintf("it is about order %.32q", t.OutTradeNo))
	}
	o = a.askRefund(ctx, sale, number, r)
	if o.Result == channel.Unsent || o.Result == channel.Declined {
		return silent(o, "the refund was taken and is not told of yet")
	}
	return o
}

// queryRefund tells what became of a refund; Original.Of is its sale.
func (a *Channel) queryRefund(ctx context.Context, r channel.Request) channel.Outcome {
	number, no := original(r)
	if number == "" {
		return no
	}
	sale, err := channel.NumberOf(r.Merchant.MID, r.Original.Of)
	if err != nil {
		return channel.Outcome{Result: channel.Unsent, Detail: "no number of the refund's sale"}
	}
	o := a.askRefund(ctx, sale, number, r)
	if o.Result == channel.Declined && !a.gone(o, r) {
		return silent(o, "the refund is not there yet")
	}
	return o
}

// askRefund queries one refund. Alipay numbers no refunds: Number is the trade's.
func (a *Channel) askRefund(ctx context.Context, sale, number string, r channel.Request) channel.Outcome {
	t, o := a.call(ctx, "alipay.trade.fastpay.refund.query", false, map[string]string{"out_trade_no": sale, "out_request_no": number})
	if o.Result != channel.Approved {
		return still(o)
	}
	if t.RefundStatus == "" && t.OutTradeNo == sale { // success without a status: there is no such refund
		return channel.Outcome{Result: channel.Declined, Code: absent[0], Detail: "no such refund"}
	}
	amount, err := money.Parse(t.RefundAmount, money.CNY)
	if err != nil || t.OutTradeNo != sale || t.OutRequestNo != number || amount != r.Amount {
		return silent(o, fmt.Sprintf("it is about refund %.32q of order %.32q, %.12q", t.OutRequestNo, t.OutTradeNo, t.RefundAmount))
	}
	if t.RefundStatus != "REFUND_SUCCESS" {
		return silent(o, fmt.Sprintf("the refund is %.20q", t.RefundStatus))
	}
	return channel.Outcome{Result: channel.Approved, Code: t.RefundStatus, Number: t.TradeNo}
}
