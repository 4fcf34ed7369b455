package alipay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"hawker/internal/channel"
	"hawker/internal/clock"
)

// Bill fetches the trade bill of one day.
func (a *Channel) Bill(ctx context.Context, day clock.Day) (channel.Bill, error) {
	t, o := a.call(ctx, "alipay.data.dataservice.bill.downloadurl.query", false, map[string]string{"bill_type": "trade", "bill_date": day.String()})
	switch {
	case o.Result == channel.Declined && (o.Code == "isp.bill_not_exist" || o.Code == "isv.bill_not_exist"):
		return channel.Bill{}, channel.ErrNoBill.With("%s", o.Code)
	case o.Result != channel.Approved:
		return channel.Bill{}, channel.ErrBill.With("%s %s", o.Code, o.Detail)
	}
	file, err := a.download(ctx, t.BillURL)
	if err != nil {
		return channel.Bill{}, channel.ErrBill.Wrap(err)
	}
	return parseBill(a.Config.Name, a.AppID, day, file)
}

// download fetches a bill. Its link came in a signed answer; it must be HTTPS, or lead back to the gateway.
func (a *Channel) download(ctx context.Context, link string) ([]byte, error) {
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "https" && u.Host != a.host {
		return nil, errors.New("the link leads elsewhere")
	}
	ctx, cancel := context.WithTimeout(ctx, 6*a.Pace.Call)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return nil, err
	}
	res, err := a.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", res.StatusCode)
	}
	return io.ReadAll(res.Body)
}
