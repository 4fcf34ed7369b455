package alipay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"hawker/internal/channel"
	"hawker/internal/money"
)

// states are Alipay's words for what became of an order. A closed one may have been paid: see judged.
var states = map[string]channel.Result{
	"WAIT_BUYER_PAY": channel.Waiting, "TRADE_SUCCESS": channel.Approved, "TRADE_FINISHED": channel.Approved, "TRADE_CLOSED": channel.Declined,
}

// judged believes an order that is about what was asked, and nothing else.
func judged(t trade, number string, r channel.Request) channel.Outcome {
	if err := about(t, number, r); err != nil {
		return channel.Outcome{Result: channel.Silent, Detail: err.Error()}
	}
	result, known := states[t.TradeStatus]
	if t.TradeStatus == "TRADE_CLOSED" && t.SendPayDate != "" {
		result = channel.Approved // it was paid; that all of it was given back is another matter
	}
	if !known || result == channel.Approved && t.TradeNo == "" {
		return channel.Outcome{Result: channel.Silent, Detail: fmt.Sprintf("state %.20q of trade %.32q", t.TradeStatus, t.TradeNo)}
	}
	o := channel.Outcome{Result: result, Code: t.TradeStatus, Number: t.TradeNo}
	switch result {
	case channel.Approved:
		o.Code = "TRADE_SUCCESS" // whenever it is asked, and whatever was refunded, one payment has one outcome
	case channel.Waiting:
		o.Detail = "the customer has not decided"
	case channel.Silent, channel.Declined, channel.Unsent:
	}
	return o
}

// about compares order and amount.
func about(t trade, number string, r channel.Request) error {
	if t.OutTradeNo != number {
		return fmt.Errorf("it is about order %.32q", t.OutTradeNo)
	}
	amount, err := money.Parse(t.TotalAmount, money.CNY)
	if err != nil {
		return errors.New("its amount cannot be read")
	}
	if amount != r.Amount {
		return fmt.Errorf("it is about %s, not %s", amount, r.Amount)
	}
	return nil
}

// ordered is what a new order says.
func ordered(r channel.Request, number string) map[string]string {
	subject := r.Merchant.Name
	if subject == "" {
		subject = r.Merchant.MID
	}
	return map[string]string{"out_trade_no": number, "total_amount": r.Amount.Decimal(), "subject": subject,
		"product_code": "FACE_TO_FACE_PAYMENT", "terminal_id": r.Terminal}
}

// sale takes the customer's code and stays with it until it is decided. The code is
// sent once and never again: whatever is not known is asked for by the order's number.
func (a *Channel) sale(ctx context.Context, r channel.Request) channel.Outcome {
	number, err := channel.NumberOf(r.Merchant.MID, r.Ref)
	if err != nil || r.Code.IsZero() {
		return channel.Outcome{Result: channel.Unsent, Detail: "no order number, or no customer's code"}
	}
	biz := ordered(r, number)
	biz["scene"], biz["auth_code"] = "bar_code", string(r.Code.Reveal())
	began := time.Now()
	t, first := a.call(ctx, "alipay.trade.pay", true, biz)
	delete(biz, "auth_code")
	if first.Result == channel.Approved {
		t.TradeStatus = "TRADE_SUCCESS" // code 10000 of this method says so
		first = judged(t, number, r)
	}
	if first.Result == channel.Declined && slices.Contains(taken, first.Code) {
		first = silent(first, "the number has an order already")
	}
	if r.Once {
		return first
	}
	told := false
	tell := func(o channel.Outcome) {
		if o.Result == channel.Waiting && !told && a.Waiting != nil {
			told = true
			a.Waiting(ctx, r)
		}
	}
	tell(first)
	return a.Pace.Await(ctx, began, first, func(ctx context.Context) channel.Outcome {
		o := a.ask(ctx, number, r)
		tell(o)
		if o.Result == channel.Unsent || o.Result == channel.Declined && slices.Contains(absent, o.Code) {
			return silent(o, "the order is not there, or Alipay is not") // the sale may still be on its way
		}
		return o
	})
}

// ask queries one order.
func (a *Channel) ask(ctx context.Context, number string, r channel.Request) channel.Outcome {
	t, o := a.call(ctx, "alipay.trade.query", false, map[string]string{"out_trade_no": number})
	if o.Result != channel.Approved {
		return o
	}
	return judged(t, number, r)
}

// original is the number of what a request is about.
func original(r channel.Request) (string, channel.Outcome) {
	number, err := channel.NumberOf(r.Merchant.MID, r.Original.Ref)
	if err != nil {
		return "", channel.Outcome{Result: channel.Unsent, Detail: "no order number of the original"}
	}
	return number, channel.Outcome{}
}

// gone reports whether an order that Alipay does not know can no longer come. A
// merchant's code is unknown until it is scanned, which it can be until it expires.
func (a *Channel) gone(o channel.Outcome, r channel.Request) bool {
	last := r.Original.At.Add(settled)
	if r.Original.Kind == channel.Present {
		last = r.Expires
		if last.IsZero() {
			last = r.Original.At.Add(codeLife)
		}
	}
	return slices.Contains(absent, o.Code) && !a.Clock().Before(last)
}

// query tells what became of the original.
func (a *Channel) query(ctx context.Context, r channel.Request) channel.Outcome {
	number, no := original(r)
	if number == "" {
		return no
	}
	o := a.ask(ctx, number, r)
	switch {
	case o.Result != channel.Declined || !slices.Contains(absent, o.Code) || a.gone(o, r):
		return o
	case r.Original.Kind == channel.Present:
		return channel.Outcome{Result: channel.Waiting, Code: o.Code, Detail: "nobody has scanned the code"}
	}
	return silent(o, "the order is not there yet")
}

// present draws the merchant's code.
func (a *Channel) present(ctx context.Context, r channel.Request) channel.Outcome {
	number, err := channel.NumberOf(r.Merchant.MID, r.Ref)
	if err != nil {
		return channel.Outcome{Result: channel.Unsent, Detail: err.Error()}
	}
	biz := ordered(r, number)
	if !r.Expires.IsZero() {
		biz["time_expire"] = r.Expires.In(china).Format(time.DateTime)
		minutes := max(1, int(r.Expires.Sub(a.Clock())/time.Minute))
		biz["qr_code_timeout_express"] = strconv.Itoa(minutes) + "m"
	}
	t, o := a.call(ctx, "alipay.trade.precreate", true, biz)
	switch {
	case o.Result == channel.Waiting:
		return silent(o, "an answer that does not fit")
	case o.Result != channel.Approved:
		return o
	case t.OutTradeNo != number || t.QRCode == "":
		return channel.Outcome{Result: channel.Silent, Detail: fmt.Sprintf("it is about order %.32q", t.OutTradeNo)}
	}
	return channel.Outcome{Result: channel.Waiting, Code: "WAIT_BUYER_PAY", Link: t.QRCode}
}
