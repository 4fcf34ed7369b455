package wechat

import (
	"context"
	"net/http"
	"slices"
	"time"

	"hawker/internal/channel"
)

// close lets nobody pay an order any more. One that is paid stays paid: Declined.
func (w *Channel) close(ctx context.Context, r channel.Request, p party) channel.Outcome {
	number, no := original(r)
	if number == "" {
		return no
	}
	err := w.call(ctx, http.MethodPost, w.base()+"out-trade-no/"+number+"/close", p.only(false), nil)
	if err == nil {
		return channel.Outcome{Result: channel.Approved, Code: "CLOSED"}
	}
	o := failed(err)
	switch {
	case slices.Contains(ended, o.Code), w.gone(o, r):
		return channel.Outcome{Result: channel.Approved, Code: o.Code}
	case o.Result == channel.Waiting, slices.Contains(absent, o.Code):
		return silent(o, "the customer is paying, or the order is not there yet")
	}
	return o
}

// reverse lets a payment stand nowhere: paid or not, seen or not. A merchant's code
// has no reversal at WeChat: it is closed, or, once paid, refunded whole.
func (w *Channel) reverse(ctx context.Context, r channel.Request, p party) channel.Outcome {
	number, no := original(r)
	if number == "" {
		return no
	}
	switch r.Original.Kind {
	case channel.Sale:
	case channel.Present:
		return w.unpresent(ctx, r, p)
	case channel.Void, channel.Refund, channel.Reversal, channel.Balance, channel.Query, channel.Close:
		return channel.Outcome{Result: channel.Unsent, Detail: "only a payment is reversed"}
	}
	if !w.pause(ctx, soonest-w.Clock().Sub(r.Original.At)) {
		return channel.Outcome{Result: channel.Unsent, Detail: ctx.Err().Error()}
	}
	var t transaction
	if err := w.call(ctx, http.MethodPost, w.base()+"out-trade-no/"+number+"/reverse", p, &t); err != nil {
		return w.unreversed(ctx, failed(err), number, r, p)
	}
	if t.OutTradeNo != "" {
		if err := w.about(t, number, r); err != nil {
			return channel.Outcome{Result: channel.Silent, Detail: err.Error()}
		}
	}
	return channel.Outcome{Result: channel.Approved, Code: "REVOKED"}
}

// unreversed makes of a refused reversal what the order itself says.
func (w *Channel) unreversed(ctx context.Context, o channel.Outcome, number string, r channel.Request, p party) channel.Outcome {
	switch {
	case slices.Contains(ended, o.Code), w.gone(o, r):
		return channel.Outcome{Result: channel.Approved, Code: o.Code}
	case o.Result == channel.Waiting, slices.Contains(absent, o.Code):
		return silent(o, "the customer is paying, or the order is not there yet")
	case o.Result != channel.Declined:
		return o
	}
	if now := w.ask(ctx, number, r, p); now.Result == channel.Declined && !slices.Contains(absent, now.Code) {
		return channel.Outcome{Result: channel.Approved, Code: now.Code}
	}
	return o
}

// unpresent is the reversal of a merchant's code.
func (w *Channel) unpresent(ctx context.Context, r channel.Request, p party) channel.Outcome {
	o := w.close(ctx, r, p)
	if o.Result == channel.Declined && slices.Contains(taken, o.Code) {
		r.Original.Amount = r.Amount
		return w.refund(ctx, r, p)
	}
	return o
}

// pause lets d pass, which may be nothing; it reports whether ctx still lives.
func (w *Channel) pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
