package wechat

import (
	"cmp"
	"context"
	"errors"
	"net/url"

	"hawker/internal/channel"
	"hawker/internal/money"
)

// party is who asks, in the words of the merchant's or the service provider's paths.
type party struct {
	AppID    string `json:"appid,omitempty"`
	MchID    string `json:"mchid,omitempty"`
	SpAppID  string `json:"sp_appid,omitempty"`
	SpMchID  string `json:"sp_mchid,omitempty"`
	SubMchID string `json:"sub_mchid,omitempty"`
}

// NotOpened is the code of a sale that was refused here: the service provider has no number of the merchant.
const NotOpened = "SUB_MCHID_MISSING"

var errNoNumber = errors.New("the merchant has no sub-merchant number")

// named is the request under the merchant's number, where there is a service provider.
func (w *Channel) named(ctx context.Context, r channel.Request) (channel.Request, error) {
	if w.Numbers == nil {
		return r, nil
	}
	number, err := w.Numbers(ctx, r.Merchant.ID, cmp.Or(r.Original.Of, r.Original.Ref, r.Ref))
	if err == nil && number == "" {
		err = errNoNumber
	}
	r.Merchant.Sub = number
	return r, err
}

// partyOf refuses what must not leave: another currency, no sub-merchant where one belongs.
func (w *Channel) partyOf(r channel.Request) (party, error) {
	if r.Amount.Currency() != money.CNY {
		return party{}, errors.New("WeChat Pay takes CNY only")
	}
	switch {
	case w.Numbers == nil:
		return party{AppID: w.AppID, MchID: w.MchID}, nil
	case r.Merchant.Sub == "":
		return party{}, errNoNumber
	}
	return party{SpAppID: w.AppID, SpMchID: w.MchID, SubMchID: r.Merchant.Sub}, nil
}

// base is where the paths of transactions begin.
func (w *Channel) base() string {
	if w.Numbers != nil {
		return "/v3/pay/partner/transactions/"
	}
	return "/v3/pay/transactions/"
}

// values names the party in a query string.
func (p party) values() string {
	v := url.Values{}
	for name, value := range map[string]string{"mchid": p.MchID, "sp_mchid": p.SpMchID, "sub_mchid": p.SubMchID} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return "?" + v.Encode()
}

// only leaves what closing and reversing take: no app for a provider.
func (p party) only(app bool) party {
	if !app {
		p.AppID, p.SpAppID = "", ""
	}
	return p
}
