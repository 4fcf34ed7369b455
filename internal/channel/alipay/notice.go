package alipay

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"hawker/internal/channel"
	"hawker/internal/fault"
)

// oldest is the age of a notice that is still taken: Alipay sends one for a little
// more than a day. Nothing rests on it: the same notice twice has one effect.
const oldest = 26 * time.Hour

// ahead is how far Alipay's clock may be before ours.
const ahead = 5 * time.Minute

// Notices answers Alipay's notices: "success" once b has been told, else "fail",
// after which Alipay sends the notice again on its schedule.
func (a *Channel) Notices(b channel.Book) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(out, r.Body, 64<<10))
		if err == nil {
			err = a.hear(r.Context(), string(body), b)
		}
		out.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if err == nil {
			_, _ = io.WriteString(out, "success")
			return
		}
		a.Log.Warn("notice refused", "channel", a.Config.Name, "why", err)
		status := http.StatusInternalServerError
		if fault.Of(err).Kind == fault.Invalid {
			status = http.StatusBadRequest
		}
		out.WriteHeader(status)
		_, _ = io.WriteString(out, "fail")
	})
}

// hear verifies a notice in this order: signature, time, app and seller, order, amount.
func (a *Channel) hear(ctx context.Context, body string, b channel.Book) error {
	form, err := url.ParseQuery(body)
	if err != nil {
		return channel.ErrNotice.With("it is no form")
	}
	for k, v := range form {
		if len(v) != 1 {
			return channel.ErrNotice.With("field %.20q comes %d times", k, len(v))
		}
	}
	if err := a.client.VerifySign(ctx, form); err != nil {
		return channel.ErrNotice.Wrap(err)
	}
	at, err := time.ParseInLocation(time.DateTime, form.Get("notify_time"), china)
	if age := a.Clock().Sub(at); err != nil || age > oldest || age < -ahead {
		return channel.ErrNotice.With("time %.25q", form.Get("notify_time"))
	}
	if form.Get("app_id") != a.AppID || form.Get("seller_id") != a.SellerID {
		return channel.ErrNotice.With("it is about another merchant")
	}
	return a.heard(ctx, form, b)
}

func (a *Channel) heard(ctx context.Context, form url.Values, b channel.Book) error {
	number := form.Get("out_trade_no")
	if _, _, err := channel.ParseNumber(number); err != nil {
		return channel.ErrNotice.Wrap(err)
	}
	r, err := b.Order(ctx, number)
	if err != nil {
		if fault.Of(err).Kind == fault.NotFound {
			return channel.ErrNotice.Wrap(err)
		}
		return err
	}
	o := judged(trade{TradeNo: form.Get("trade_no"), OutTradeNo: number, TradeStatus: form.Get("trade_status"),
		TotalAmount: form.Get("total_amount"), SendPayDate: form.Get("gmt_payment")}, number, r)
	if o.Result == channel.Silent {
		return errors.Join(channel.ErrNotice.With("%s", o.Detail), b.Doubt(ctx, r, o.Detail))
	}
	return b.Tell(ctx, r, o)
}
