package alipay

import (
	"context"
	"fmt"
	"slices"

	"hawker/internal/channel"
)

// close lets nobody pay an order any more. One that is paid stays paid: Declined.
// A code that nobody has scanned cannot be closed: it is Silent until it has expired.
func (a *Channel) close(ctx context.Context, r channel.Request) channel.Outcome {
	number, no := original(r)
	if number == "" {
		return no
	}
	t, o := a.call(ctx, "alipay.trade.close", false, map[string]string{"out_trade_no": number})
	switch {
	case o.Result == channel.Approved && t.OutTradeNo != number:
		return silent(o, fmt.Sprintf("it is about order %.32q", t.OutTradeNo))
	case o.Result != channel.Declined:
		return still(o)
	case slices.Contains(absent, o.Code):
		return a.vanished(o, r)
	case slices.Contains(status, o.Code):
		return a.standing(ctx, o, number, r)
	}
	return o
}

// still turns a Waiting that does not fit into Silent.
func still(o channel.Outcome) channel.Outcome {
	if o.Result == channel.Waiting {
		return silent(o, "the customer is paying")
	}
	return o
}

// vanished is an order that Alipay does not know: gone for good, or perhaps still coming.
func (a *Channel) vanished(o channel.Outcome, r channel.Request) channel.Outcome {
	if a.gone(o, r) {
		return channel.Outcome{Result: channel.Approved, Code: o.Code}
	}
	return silent(o, "the order is not there yet")
}

// standing makes of "not in this state" what the order itself says.
func (a *Channel) standing(ctx context.Context, o channel.Outcome, number string, r channel.Request) channel.Outcome {
	switch now := a.ask(ctx, number, r); now.Result {
	case channel.Declined:
		return channel.Outcome{Result: channel.Approved, Code: now.Code}
	case channel.Approved:
		return o
	case channel.Silent, channel.Unsent, channel.Waiting:
	}
	return silent(o, "the order's state is not known")
}

// cancel lets a payment stand nowhere: paid or not, scanned or not. Alipay cancels
// on the same day only; what is older and paid is refunded whole.
func (a *Channel) cancel(ctx context.Context, r channel.Request) channel.Outcome {
	number, no := original(r)
	if number == "" {
		return no
	}
	if r.Original.Kind != channel.Sale && r.Original.Kind != channel.Present {
		return channel.Outcome{Result: channel.Unsent, Detail: "only a payment is reversed"}
	}
	t, o := a.call(ctx, "alipay.trade.cancel", false, map[string]string{"out_trade_no": number})
	switch {
	case o.Result == channel.Approved && t.RetryFlag == "Y":
		return silent(o, "Alipay wants it asked again")
	case o.Result == channel.Approved && t.OutTradeNo != number:
		return silent(o, fmt.Sprintf("it is about order %.32q", t.OutTradeNo))
	case o.Result == channel.Approved && t.TradeNo == "": // of an order that was not there; it may still come
		o.Code = absent[0]
		return a.vanished(o, r)
	case o.Result != channel.Declined:
		return still(o)
	case slices.Contains(absent, o.Code):
		return a.vanished(o, r)
	case !slices.Contains(status, o.Code):
		return o
	}
	if o = a.standing(ctx, o, number, r); o.Result == channel.Declined {
		r.Original.Amount = r.Amount
		return a.refund(ctx, r)
	}
	return o
}
