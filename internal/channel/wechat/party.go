package wechat

import (
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

// partyOf refuses what must not leave: another currency, a sub-merchant where none belongs.
func (w *Channel) partyOf(r channel.Request) (party, error) {
	if r.Amount.Currency() != money.CNY {
		return party{}, errors.New("WeChat Pay takes CNY only")
	}
	switch {
	case w.Partner && r.Merchant.Sub == "":
		return party{}, errors.New("the merchant has no sub-merchant number")
	case !w.Partner && r.Merchant.Sub != "":
		return party{}, errors.New("a sub-merchant, and no service provider")
	case w.Partner:
		return party{SpAppID: w.AppID, SpMchID: w.MchID, SubMchID: r.Merchant.Sub}, nil
	}
	return party{AppID: w.AppID, MchID: w.MchID}, nil
}

// base is where the paths of transactions begin.
func (w *Channel) base() string {
	if w.Partner {
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
