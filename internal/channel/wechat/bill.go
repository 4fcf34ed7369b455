package wechat

import (
	"context"
	"crypto/sha1" //nolint:gosec // the hash that WeChat gives with a bill
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"hawker/internal/channel"
	"hawker/internal/clock"
)

// billPath is where bills are fetched.
const billPath = "/v3/billdownload/file"

// Bill fetches the trade bill of one day: of all sub-merchants, for a service provider.
func (w *Channel) Bill(ctx context.Context, day clock.Day) (channel.Bill, error) {
	var link struct {
		HashType    string `json:"hash_type"`
		HashValue   string `json:"hash_value"`
		DownloadURL string `json:"download_url"`
	}
	err := w.call(ctx, http.MethodGet, "/v3/bill/tradebill?bill_date="+day.String()+"&bill_type=ALL", nil, &link)
	var no refused
	switch {
	case errors.As(err, &no) && (no.code == "NO_STATEMENT_EXIST" || no.code == "STATEMENT_CREATING"):
		return channel.Bill{}, channel.ErrNoBill.Wrap(err)
	case err != nil:
		return channel.Bill{}, channel.ErrBill.Wrap(err)
	}
	text, err := w.download(ctx, link.DownloadURL)
	if err != nil {
		return channel.Bill{}, channel.ErrBill.Wrap(err)
	}
	if got := fmt.Sprintf("%x", sha1.Sum(text)); link.HashType != "SHA1" || got != link.HashValue { //nolint:gosec // see above
		return channel.Bill{}, channel.ErrBill.With("hash %s, and %s %.40q was promised", got, link.HashType, link.HashValue)
	}
	return parseBill(w.Config.Name, day, text)
}

// download fetches a bill. The request is signed, so it goes to WeChat's host and path only.
func (w *Channel) download(ctx context.Context, link string) ([]byte, error) {
	u, err := url.Parse(link)
	if err != nil || u.Host != w.host || u.Path != billPath {
		return nil, errors.New("the link leads elsewhere")
	}
	ctx, cancel := context.WithTimeout(ctx, 6*w.Pace.Call)
	defer cancel()
	res, err := w.bills.Get(ctx, w.BaseURL+u.RequestURI())
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Response.Body.Close() }()
	return io.ReadAll(res.Response.Body)
}
